"""What to plan, and which commit it is compared with."""

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.git import History


class PlanRequest(NamedTuple):
    """What to plan. `base` and `environment` are "" where they aren't chosen.

    `runs` are the RUNs to plan, as typed, none for all.
    `freezes` are those beside the lockfile's. `target` is the branch that a pull request goes
    to, "" outside one. `pages` is what the addresses of the repository's pages begin with.
    """

    platform: str
    base: str = ""
    head: str = "HEAD"
    full: bool = False
    worktree: bool = False
    environment: str = ""
    runs: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    freezes: tuple[Freeze, ...] = ()
    exit_code: bool = False
    target: str = ""
    pages: str = ""


class Comparison(NamedTuple):
    """A commit (`head`) and what it is compared with (`base`, "" for nothing).

    `own` is whether only what differs between them is meant, as in a pull request; `notes` say
    why the base isn't the usual one.
    """

    head: str
    base: str
    own: bool
    notes: tuple[str, ...] = ()


def compared_with(
    request: PlanRequest,
    git: History,
    head: str,
    lockfile: Lockfile,
    environments: tuple[str, ...],
) -> Comparison:
    """Find what a plan's commit is compared with. Raises UsageProblem for an unknown base."""
    base, notes = _base(request, git, head, lockfile, environments)
    own = bool(request.base or (base and _is_pull_request(request)))
    return Comparison(head, base, own, notes)


def _is_pull_request(request: PlanRequest) -> bool:
    return bool(request.target) and not (request.full or request.worktree or request.base)


def _base(
    request: PlanRequest,
    git: History,
    head: str,
    lockfile: Lockfile,
    environments: tuple[str, ...],
) -> tuple[str, tuple[str, ...]]:
    """Find the commit to compare with, "" for none, and say why if it isn't the usual one.

    A pull request is compared with its merge base, so that it shows its own changes.
    """
    if request.base:
        base = git.resolve(request.base)
        return git.merge_base(base, head) or base, ()
    if _is_pull_request(request):
        with contextlib.suppress(UsageProblem):
            return git.merge_base(
                git.resolve(f"refs/remotes/origin/{request.target}"), head
            ) or "", ()
        note = f"origin/{request.target} isn't in this clone: all that is due is shown."
        return "", (note,)
    through = {lockfile.environment(name).applied_through for name in environments}
    if through == {""} or not lockfile.environments:
        return "", ()
    if len(through) > 1:
        return "", (
            "The environments were applied through different commits: all specs are looked at.",
        )
    (commit,) = through
    if not git.has_commit(commit):
        shallow = " (it is shallow; `git fetch --unshallow` fetches it)" if git.is_shallow() else ""
        note = (
            f"The commit {commit[:10]}, through which all was applied, isn't in this "
            f"clone{shallow}: all specs are looked at, as with --full."
        )
        return "", (note,)
    return commit, ()
