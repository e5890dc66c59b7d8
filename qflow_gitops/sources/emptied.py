"""Whether an environment that had specs has none any more, and where they may have gone.

Removing specs runs nothing and is nobody's business, but all of them at once is more often a
renamed folder or environment, after which nothing would ever run and everything look fine.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import QflowError
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.inheritance import names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.places import folder_of
from qflow_gitops.plan.change import Reason
from qflow_gitops.policy.rules import Hold
from qflow_gitops.ports.git import GitTree, Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources import specs as reading
from qflow_gitops.specs.load import SpecSet


class Now(NamedTuple):
    """What a commit (`commit` is "" for the work tree) holds, and what it is compared with.

    `base` is the commit whose specs it may have lost, "" for the one applied through.
    """

    project: Project
    specs: SpecSet
    commit: str
    base: str = ""


def emptied(
    git: Repository, now: Now, lockfile: Lockfile, environment: str, command: str
) -> Hold | None:
    """Return the hold of an environment whose specs are all gone; None where they aren't.

    `command` is the apply that this is about. Where the earlier commit can't be read, it had
    some if any run is recorded. A spec with errors is one, and a file that can't be read may
    hold one.
    """
    if has_errors(now.specs.diagnostics) or any(_names(now.specs, (environment,))):
        return None
    names = names_of(lockfile, now.project, environment)
    records = [lockfile.environment(name) for name in names]
    applied = next((record for record in records if record.applied_through), None)
    base, folder = now.base, None
    if applied and not base:
        base, folder = applied.applied_through, folder_of(applied)
    before = _before(git, now.project, base, folder, names)
    if before is None:
        before = _Before(frozenset(run for record in records for run in record.runs))
        text = "the lockfile has runs of {} ({:,}), and no spec of it is left"
    else:
        text = "all specs that {} had at commit " + base[:10] + " ({:,}) are gone"
    if not before.names:
        return None
    where, advice = _gone_to(git, now, before, environment)
    hint = f"If that is meant: `{command} --ack {Reason.EMPTY}=1 --reason TEXT`"
    return Hold(
        Reason.EMPTY,
        text.format(environment, len(before.names)) + (f"; {where}" if where else ""),
        f"{advice} {hint}" if advice else hint,
        Reason.EMPTY,
    )


class _Before(NamedTuple):
    """What an environment had: names of runs, blobs of their files, folders of `runs:`."""

    names: frozenset[str]
    blobs: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()


def _names(specs: SpecSet, environments: Collection[str]) -> Iterator[str]:
    return (name for key, name in (*specs.specs, *specs.invalid) if key in environments)


def _before(
    git: Repository,
    project: Project,
    base: str,
    folder: ProjectFolder | None,
    environments: Collection[str],
) -> _Before | None:
    """Read what an environment, and those that it was called before, had; None where unknown."""
    if not base or not git.has_commit(base):
        return None
    try:
        found = [
            _had(git, project, base, environments)
            for project in projectfile.earlier(git, project, base, folder)
        ]
    except QflowError:
        return None
    return _Before(
        frozenset().union(*(before.names for before in found)),
        frozenset().union(*(before.blobs for before in found)),
        tuple(folder for before in found for folder in before.folders),
    )


def _had(git: GitTree, project: Project, base: str, environments: Collection[str]) -> _Before:
    specs = reading.commit_specs(git, base, project)
    files = {spec.file for spec in specs.specs.values() if spec.environment in environments}
    entries = git.files(base, project.runs) if files else {}
    blobs = (
        entry.blob for path, entry in entries.items() if path.decode(errors="replace") in files
    )
    return _Before(frozenset(_names(specs, environments)), frozenset(blobs), project.runs)


def _gone_to(git: GitTree, now: Now, before: _Before, environment: str) -> tuple[str, str]:
    """Say where the specs may be now, and what to do then; "" and "" where nothing tells."""
    settings = now.project.folder.settings
    others = Counter(key for key, name in now.specs.specs if name in before.names)
    for other, count in others.most_common(1):
        where = f"`{other}` has {count:,} of the same names now"
        take_out = f"Was {environment} renamed? Then take it out of `environments` in {settings}"
        if now.project.default_environment == environment:
            take_out += f", let `defaultEnvironment` be `{other}`"
        return where, f"{take_out}, and set `previousNames: [{environment}]` under `{other}`."
    moved = _moved(git, now, before)
    if moved:
        where = f"the files are still there, but outside of `runs:`, like {moved}"
        return where, f"Was their folder renamed? Then name it under `runs:` in {settings}."
    here = now.project.runs
    if any(folder not in here for folder in before.folders):
        then = ", ".join(before.folders)
        where = f"`runs:` in {settings} named {then} then, and names {', '.join(here)} now"
        return where, "Were the folders renamed? Then move the specs along, or name both."
    return "", ""


def _moved(git: GitTree, now: Now, before: _Before) -> str:
    """Name a file that holds now, elsewhere, what the file of a spec held before."""
    if not now.commit or not before.blobs:
        return ""
    here = git.files(now.commit, ["."])
    found = (path for path, entry in here.items() if entry.blob in before.blobs)
    return min((path.decode(errors="replace") for path in found), default="")
