"""Whether the lockfile can be read, trusted and written, where the settings say that it lives."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from qflow_gitops.apply import belonging
from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.errors import LockError, QflowError
from qflow_gitops.results.checks import Check, Verdict, failed, ok, unknown, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.lock_branch import LockBranch
    from qflow_gitops.ports.lockfile import LockStore, Snapshot
    from qflow_gitops.settings.project import Project

STORE = ("lock-store", "lockfile's place")
REMOTE = ("lock-remote", "lockfile's remote")
PROTOCOL = ("protocol", "protocol")
BRANCH = ("lock-branch", "lockfile's branch")
PUSH = ("lock-push", "dry push")
PROTECTED = ("lock-protected", "protection")
LOCKFILE = ("lockfile", "lockfile")
LINEAGE = ("lineage", "lineage")
PLACE = ("place", "where it belongs")
RESCUE = ("rescue", "rescued answers")
_HELPER = (
    "Whoever writes such an address says what runs on this machine, so it stays forbidden here. "
    "Give the remote an address of https or ssh."
)
OF_BRANCH = (PROTOCOL, BRANCH, PUSH, PROTECTED)
OF_RECORD = (LOCKFILE, LINEAGE, PLACE)
_RULES = "rules of the host show in a real push only"


def store(project: Project, *, in_ci: bool, way_on: str) -> Check:
    """Say where the lockfile lives; `way_on` is for a CI that would throw it away."""
    lock = project.lock
    if lock.store == "branch":
        return ok(*STORE, f"branch {lock.branch} of {lock.remote}")
    if in_ci and not lock.ephemeral:
        return failed(*STORE, "a file of the work tree, which a CI throws away", way_on)
    return ok(*STORE, f"{project.folder.lockfile}, for one person on one machine")


def remote(lock: LockBranch, name: str) -> Check:
    """Say where the branch is pushed to."""
    try:
        return ok(*REMOTE, f"{name}, {without_secrets(lock.address)}")
    except LockError as problem:
        return failed(*REMOTE, problem.message, problem.hint)


def line_of(problem: QflowError) -> str:
    """Name the line that says why a lockfile can't be had."""
    return LINEAGE[0] if problem.reason == "lock_foreign" else LOCKFILE[0]


# --- the branch --------------------------------------------------------------------------


def protocol(address: str, allowed: str | None, configured: Mapping[str, str]) -> Check:
    """Say whether git may speak to an address as it is written.

    `allowed` is GIT_ALLOW_PROTOCOL, None where it isn't set; `configured` maps git's settings.
    """
    kind = transport(address)
    if allowed is not None:
        if kind in allowed.split(":"):
            return ok(*PROTOCOL, f"{kind}, as GIT_ALLOW_PROTOCOL has it")
        wanted = shlex.quote(":".join(filter(None, (allowed, kind))))
        hint = _HELPER if kind == "ext" else f"`export GIT_ALLOW_PROTOCOL={wanted}`"
        return failed(*PROTOCOL, f"{kind} isn't among those of GIT_ALLOW_PROTOCOL", hint)
    setting = f"protocol.{kind}.allow"
    said = configured.get(setting) or configured.get("protocol.allow", "")
    if said.lower() == "never":
        hint = _HELPER if kind == "ext" else f"`git config {setting} always`"
        return failed(*PROTOCOL, f"git may not use {kind}", hint)
    return ok(*PROTOCOL, kind)


def transport(address: str) -> str:
    """Name the protocol of a remote's address, as git does."""
    if found := re.match(r"([A-Za-z][A-Za-z0-9+.-]*)(://|::)", address):
        name = found[1].lower()
        return "ssh" if name in ("git+ssh", "ssh+git") else name
    host, colon, _ = address.partition(":")
    return "ssh" if colon and "/" not in host else "file"


def branch(asked: str | QflowError) -> Check:
    """Say whether the branch can be reached: its newest commit, or what the remote's git said."""
    if isinstance(asked, QflowError):
        return failed(*BRANCH, asked.message.rstrip("."), asked.hint)
    return ok(*BRANCH, "it answers" if asked else "it answers; the first apply makes the branch")


def push(lock: LockBranch, commit: str) -> Check:
    """Say whether a push gets through, short of one; `commit` is what would be pushed."""
    if not commit:
        return unknown(*PUSH, "there is no commit yet to try it with")
    try:
        lock.try_push(commit)
    except LockError as problem:
        return failed(*PUSH, problem.message, problem.hint)
    return ok(*PUSH, f"it would be taken; {_RULES}")


def protected() -> Check:
    """Say that nobody was asked."""
    return Check(*PROTECTED, Verdict.LEFT_OUT, "git doesn't tell what a host protects")


# --- the record --------------------------------------------------------------------------


def lockfile(snapshot: Snapshot) -> Check:
    """Say which lockfile there is."""
    found = snapshot.lockfile
    if found is None:
        return ok(*LOCKFILE, "none yet: the first apply makes it")
    copy = f", as it was at {snapshot.copied_at}" if snapshot.copied_at else ""
    runs = sum(len(record.runs) for record in found.environments.values())
    many = "1 run" if runs == 1 else f"{runs:,} runs"
    return ok(*LOCKFILE, f"version {found.serial}, {many}{copy}")


def lineage(snapshot: Snapshot, project: Project) -> Check:
    """Say whether the settings are tied to the lockfile."""
    found, file = snapshot.lockfile, project.folder.settings
    if found is None:
        return ok(*LINEAGE, "nothing was applied yet")
    if project.lock.lineage:
        return ok(*LINEAGE, f"{found.lineage}, in {file} as well")
    hint = f'Put it under `lock` in {file}: `lineage: "{found.lineage}"`'
    return warning(*LINEAGE, f"{file} doesn't name it, so another lockfile would do", hint)


def place(store: LockStore, found: Lockfile | None, *, reached: bool) -> Check:
    """Say whether an apply is let in here: a fork, a mirror, a place that was left.

    Where nobody answers (not `reached`), the address may be a wrong one.
    """
    for problem in belonging.warnings(store, found) if found else ():
        if not reached:
            return unknown(*PLACE, "not known at this address, where nobody answers")
        return failed(*PLACE, problem.message, problem.hint)
    return ok(*PLACE, "here")


def rescue(file: str, lines: int | None) -> Check:
    """Say whether answers wait that no lockfile has; `lines` of them, None for no such file."""
    if lines is None:
        return ok(*RESCUE, "none wait")
    said = f"{lines:,} in {file}, which the lockfile doesn't have" if lines else f"{file} is there"
    return failed(*RESCUE, said, "`qflow-gitops lock push`")


def unknown_of_record(problem: QflowError) -> Iterator[Check]:
    """Say of the lines of the lockfile which one it is, and that the others can't be told."""
    line = line_of(problem)
    for name, about in OF_RECORD:
        if name == line:
            where = f" ({problem.where})" if problem.where else ""
            yield failed(name, about, f"{problem.message}{where}", problem.hint)
        else:
            yield unknown(name, about, "the lockfile can't be read")
