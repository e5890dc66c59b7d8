"""From a commit or the work tree to the fleet that it describes; and members from elsewhere.

Wherever a commit is asked for, "" stands for the work tree.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.paths import FLEET_FILE
from qflow_gitops.errors import AGAIN, InvalidInput, UsageProblem
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.sources.lostsettings import NOTHING, rooted
from qflow_gitops.sources.place import content_at, folders_above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.ports.git import GitTree, Repository
    from qflow_gitops.settings.fleet import Fleet, FleetMember


class FleetFound(NamedTuple):
    """A fleet, its file from the repository's root, and what a person should know about that."""

    fleet: Fleet
    file: str
    found: tuple[Diagnostic, ...] = ()


class FleetChecked(NamedTuple):
    """A fleet's file that was looked at: how many members it has, and what was found in it."""

    file: str
    members: int
    found: tuple[Diagnostic, ...]


def fleet_at(git: GitTree, commit: str, inventory: Sequence[FleetMember] = ()) -> Fleet:
    """Read the fleet as `find_fleet` does."""
    return find_fleet(git, commit, inventory).fleet


def find_fleet(git: GitTree, commit: str, inventory: Sequence[FleetMember] = ()) -> FleetFound:
    """Read the nearest `fleet.yaml` at or above the folder at hand, up to the repository's root.

    `inventory` are members beside its own. Raises InvalidFiles where there are errors in it,
    InvalidInput where there is none or the commit lacks it, Unreadable where git can't give it.
    """
    from qflow_gitops.specs import fleet_file

    for folder in folders_above(git.prefix):
        file = folder.path(FLEET_FILE)
        content = content_at(git, commit, file)
        if content is not None:
            fleet, found = fleet_file.load_fleet(content, file, inventory)
            if fleet is None:
                raise InvalidFiles(found, not_done=NOTHING, look=AGAIN)
            return FleetFound(fleet, file, found)
        if commit and file.encode() in git.listing("", folder.name):
            raise _uncommitted(git, file, commit)
    raise InvalidInput(
        f"There is no {FLEET_FILE} in this folder, nor above it in the repository.",
        where=FLEET_FILE,
        not_done=NOTHING,
        hint="Go to the fleet's repository, or write one: `qflow-gitops schema show fleet` says "
        "what it holds.",
        reason="fleet_missing",
    )


def checked(git: GitTree, file: str) -> FleetChecked | None:
    """Check a file of the work tree; None where it is another program's.

    Raises InvalidInput where the repository has another fleet as well.
    """
    from qflow_gitops.specs import fleet_file

    try:
        content = content_at(git, "", file)
    except InvalidFiles as problem:
        return FleetChecked(file, 0, problem.diagnostics)
    if content is None or not fleet_file.is_meant(content):
        return None
    check_alone(git, "", file)
    fleet, found = fleet_file.load_fleet(content, file)
    return FleetChecked(file, len(fleet.members) if fleet else 0, found)


def commit_of(git: Repository, revision: str) -> str:
    """Return the commit that a fleet is read from; "" for the work tree.

    Raises UsageProblem where there is none, InvalidInput where only the work tree has a fleet, as
    where nothing was ever committed.
    """
    try:
        return git.resolve(revision) if revision else ""
    except UsageProblem as problem:
        if problem.reason != "no_commits":
            raise
    raise _uncommitted(git, find_fleet(git, "").file, "")


def _uncommitted(git: GitTree, file: str, commit: str) -> InvalidInput:
    """Say that a commit lacks the fleet's file, "" where there is none at all."""
    why = f"commit {commit[:10]} doesn't" if commit else "the repository has no commits yet"
    another = ", or name a commit that has it" if commit else ""
    add = f"{rooted(git)} add {shlex.quote(file)}"
    commits = f"{rooted(git)} commit -m 'Add the fleet' {shlex.quote(file)}"
    return InvalidInput(
        f"The work tree has {file}, and {why}.",
        where=file,
        not_done=NOTHING,
        hint=f"Only commits count: `{add} && {commits}`{another}.",
        reason="fleet_uncommitted",
    )


def check_alone(git: GitTree, commit: str, file: str) -> None:
    """Refuse a commit that has a fleet in another folder as well. Raises InvalidInput.

    A repository has one `fleet.lock`: who works on which member, and which waves are open, would
    be told of both in it.
    """
    from qflow_gitops.specs import fleet_file

    others = []
    for name in git.named(commit, FLEET_FILE):
        if name == file:
            continue
        with suppress(InvalidFiles):  # no plain file: nobody can work with it
            content = content_at(git, commit, name)
            others += [name] if content and fleet_file.is_meant(content) else []
    if others:
        raise InvalidInput(
            f"{'Commit ' + commit[:10] if commit else 'The work tree'} has several fleets, which "
            f"would share one fleet.lock: {', '.join(sorted([file, *others]))}.",
            where=file,
            not_done=NOTHING,
            hint="Keep one here, with the members of both, or give each a repository of its own.",
            reason="fleet_shared",
        )


def inventory(text: bytes, where: str) -> tuple[FleetMember, ...]:
    """Read members as an inventory's command wrote them: a list in JSON. `where` names it.

    Raises InvalidFiles where there are errors in it, InvalidInput where it is no such list.
    """
    from qflow_gitops.specs import fleet_file

    members, found = fleet_file.load_inventory(text, where)
    if found and members is None:
        raise InvalidFiles(found, not_done=NOTHING, look=AGAIN)
    if members is None:
        raise InvalidInput(
            "The inventory is no list of members in JSON, or has more than 16 MiB.",
            where=where,
            not_done=NOTHING,
            hint="Let its command write a list like that of `members:` in a fleet: `qflow-gitops "
            "schema show fleet` says what it holds.",
            reason="fleet_inventory",
        )
    return members
