"""The policy at both ends of a range: what a change may do isn't for that change to say."""

from collections.abc import Iterable, Iterator

from qflow_gitops.errors import LockError, QflowError
from qflow_gitops.interfaces import GitTree
from qflow_gitops.lockfile import Lockfile
from qflow_gitops.operations import reading
from qflow_gitops.policy import Facts
from qflow_gitops.project import PROJECT_FILE, LockSettings, Project

VERSIONS = 100
"""So many earlier versions of the settings are looked at where no commit was applied through."""
NEW_RECORD = "new-record"
"""The name by which `--ack NAME=1` lets a record begin anew."""


def bases_of(git: GitTree, lockfile: Lockfile, environment: str, head: str) -> tuple[str, ...]:
    """Give the commits whose policy counts for an environment beside the one at hand.

    That up to which all was applied. Where there is none, though others were worked on or it
    was begun: those of the other environments, and every version of the settings there was.
    """
    record = lockfile.environment(environment)
    if record.applied_through:
        return (record.applied_through,)
    if not any(one.latest for one in lockfile.environments.values()):
        return ()
    others = [one.applied_through for one in lockfile.environments.values() if one.applied_through]
    return (*others, *_versions(git, head))


def facts_of(
    git: GitTree, project: Project, bases: Iterable[str], *, sending: bool, deepen: bool = False
) -> Facts:
    """Give the policies of the settings at hand and of the commits that they come after.

    One that can't be read makes `unreadable` of it, which holds everything. `deepen` fetches
    the history that a shallow clone lacks. Platforms don't matter here.
    """
    policies, unreadable = [project.policy], ""
    for base in dict.fromkeys(one for one in bases if one):
        if deepen and not git.has_commit(base):
            git.unshallow(project.lock.remote)
        if not git.has_commit(base):
            unreadable = f"commit {base[:10]}, up to which all was applied, isn't in this clone"
            continue
        try:
            found = reading.settings(git, base, "").policy
        except QflowError as problem:
            unreadable = f"{PROJECT_FILE} of commit {base[:10]}: {problem.message}"
            continue
        if found not in policies:
            policies.append(found)
    return Facts(tuple(policies), unreadable=unreadable, sending=sending)


def check_record(
    git: GitTree, project: Project, lockfile: Lockfile | None, head: str, *, released: bool
) -> None:
    """Refuse to begin a record where the settings named another one before.

    With an empty one everything would be due again. Raises LockError.
    """
    begun = lockfile is not None and bool(lockfile.environments)
    if begun or released:
        return
    for commit in _versions(git, head):
        lock = reading.settings(git, commit, "").lock
        another = lock.lineage not in ("", project.lock.lineage)
        if another or _place(lock) != _place(project.lock):
            raise LockError(
                f"There is no record yet where {PROJECT_FILE} says, and at commit {commit[:10]} it "
                "named another place or lineage: what that record holds would be due again.",
                where=PROJECT_FILE,
                not_done="Nothing was sent and nothing was written.",
                hint="Set `lock` back as it was. If nothing was ever applied there: "
                f"qflow-gitops apply --ack {NEW_RECORD}=1 --reason TEXT",
                reason="lock_moved",
            )


def _place(lock: LockSettings) -> tuple[str, ...]:
    return (lock.store, lock.branch, lock.remote) if lock.store == "branch" else (lock.store,)


def _versions(git: GitTree, head: str) -> Iterator[str]:
    """Give the commits that changed the settings; what could not be read then applied nothing."""
    for commit in git.first_parents("", head, VERSIONS, [PROJECT_FILE]):
        try:
            reading.settings(git, commit, "")
        except QflowError:
            continue
        yield commit
