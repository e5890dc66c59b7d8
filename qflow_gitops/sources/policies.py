"""The policy at both ends of a range: what a change may do isn't for that change to say."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import AGAIN, LockError, QflowError, Unreadable, UsageProblem
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.places import folder_of, names_any, was_moved_here
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.ports.git import GitTree, Repository
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import lostsettings, settings
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.sources.orphans import Orphan

VERSIONS = 100
"""So many earlier versions of the settings are looked at where no commit was applied through."""
NEW_RECORD = "new-record"
"""The name by which `--ack NAME=1` lets a record begin anew."""
_SHALLOW = (
    "Fetch the whole history: `git fetch --unshallow` (in a CI: fetch-depth: 0), and plan again."
)
_AWAY = "Fetch it: `git fetch --all`, and plan again."
_OUTDATED = "Apply once with the version of qflow-gitops that could read them."


class Base(NamedTuple):
    """A commit whose policy counts beside the one at hand.

    `needed`: where it can't be read, nothing passes. An earlier version of the settings that
    couldn't be read then applied nothing. `folder` is where the settings lay, None where they
    are to be looked for.
    """

    commit: str
    needed: bool = True
    folder: ProjectFolder | None = None


def bases_of(
    git: Repository,
    lockfile: Lockfile,
    environment: str,
    head: str,
    folder: ProjectFolder,
    remote: str = "",
    is_nowhere: Callable[[str], bool] = lambda _commit: False,
) -> tuple[Base, ...]:
    """Return the commits whose policy counts for an environment beside the one at hand.

    That up to which all was applied. Where there is none, though others were worked on or it
    was begun: those of the other environments, and every version of the settings there was.
    With a `remote` the history that a shallow clone lacks is fetched. `is_nowhere` says of a
    commit that it was purged: then it is as if nothing had been applied through it.
    """
    through = {name: _through(record) for name, record in lockfile.environments.items()}
    own = through.get(environment, Base(""))
    if remote and not (own.commit and git.has_commit(own.commit)):
        git.unshallow(remote)
    if own.commit and not is_nowhere(own.commit):
        return (own,)
    if not _is_begun(lockfile):
        return ()
    others = [
        base
        for base in sorted({*through.values()} - {own}, key=lambda base: base.commit)
        if base.commit and not is_nowhere(base.commit)
    ]
    found = settings.versions(git, folder, head, VERSIONS)
    versions = (Base(commit, needed=False, folder=at) for commit, at in found)
    cut = (Base("", needed=True),) if git.is_shallow() else ()
    return (*others, *versions, *cut)


def _through(record: EnvironmentRecord) -> Base:
    """Return up to where an environment was applied, and where its settings lay then."""
    return Base(record.applied_through, folder=folder_of(record))


def facts_of(
    git: Repository,
    project: Project,
    bases: Iterable[Base],
    *,
    sending: bool,
    loader: Loader = DIRECT,
) -> PolicyContext:
    """Return the policies of the settings at hand and of the commits that they come after.

    One that has to be read and can't be makes `unreadable` of it, which holds everything.
    Platforms don't matter here. `loader` may know that settings are sound.
    """
    policies, unreadable, way_on = [project.policy], "", ""
    for base in dict.fromkeys(bases):
        if not git.has_commit(base.commit):
            which = f"commit {base.commit[:10]}" if base.commit else "the history of the settings"
            unreadable = f"{which} isn't in this clone, and is needed to know the policy up to now"
            way_on = _SHALLOW if git.is_shallow() else _AWAY
            continue
        try:
            found = settings.earlier(git, project, base.commit, base.folder, loader)
        except QflowError as problem:
            if base.needed:
                file = project.folder.settings
                unreadable = f"{file} of commit {base.commit[:10]}: {problem.message}"
                way_on = _OUTDATED if isinstance(problem, InvalidFiles) else problem.hint
            continue
        policies += [project.policy for project in found if project.policy not in policies]
    return PolicyContext(tuple(policies), unreadable=unreadable, way_on=way_on, sending=sending)


def check_record(
    git: Repository,
    project: Project,
    lockfile: Lockfile,
    head: str,
    *,
    released: bool,
    orphans: Callable[[], Iterable[Orphan]] = tuple,
) -> None:
    """Refuse to begin a record where the settings named another one before.

    Or where the remote has `orphans`; who began it by `init` was asked about these. With an
    empty one everything would be due again. Raises LockError, and UsageProblem where a person
    `released` what nothing holds.
    """
    if not _is_begun(lockfile):
        git.unshallow(project.lock.remote)
    moved = moved_record(git, project, lockfile, head, orphans)
    if released and not moved:
        raise UsageProblem(
            f"--ack {NEW_RECORD}=1 releases nothing: the lockfile isn't a new one.",
            not_done="Nothing was sent.",
            hint="Leave it out.",
            reason="ack_differs",
        )
    if moved and not released:
        raise LockError(
            f"{moved.message}.",
            where=project.folder.settings,
            not_done="Nothing was sent and nothing was written.",
            hint=f"{moved.way}. If nothing was ever applied there: "
            f"`{AGAIN} --ack {NEW_RECORD}=1 --reason TEXT`",
            reason="lock_moved",
        )


class MovedLockfile(NamedTuple):
    """A record that is elsewhere: a `message` that says so, and the `way` back to it."""

    message: str
    way: str


def moved_record(
    git: Repository,
    project: Project,
    lockfile: Lockfile,
    head: str,
    orphans: Callable[[], Iterable[Orphan]] = tuple,
) -> MovedLockfile | None:
    """Say where the settings named another record than one that isn't begun, None for nowhere.

    Of what this clone has; in a shallow one that may be too little to tell. And which of the
    `orphans` it may be, where nobody was asked yet.
    """
    why, way = ("", "") if _is_begun(lockfile) else _named_before(git, project, head)
    if not why:
        asked = _is_begun(lockfile) or names_any(lockfile)
        return None if asked else next(map(left_behind, orphans()), None)
    message = (
        f"There is no lockfile yet where {project.folder.settings} says, and {why}: what another "
        "lockfile holds would be due again"
    )
    return MovedLockfile(message, way or "Set `lock` back as it was")


def left_behind(orphan: Orphan) -> MovedLockfile:
    """Say that another lockfile may be this project's, and the way to go on with it."""
    return MovedLockfile(
        f"There is no lockfile yet where the settings say, and {orphan}: if it is this one, what "
        "was sent would be due again",
        f"If it is, name it: `lock: {{store: branch, branch: {orphan.branch}}}`",
    )


def _is_begun(lockfile: Lockfile) -> bool:
    """Whether anything was ever worked on; `init` makes a record without that.

    What was moved to here is the lockfile that the settings named before.
    """
    worked = any(record.latest or record.runs for record in lockfile.environments.values())
    return worked or was_moved_here(lockfile)


def _named_before(git: Repository, project: Project, head: str) -> tuple[str, str]:
    """Say where the settings named another record, and a way on; "" for nowhere, for none."""
    now = _settings(git, project.folder, head)
    for commit, folder in settings.versions(git, project.folder, head, VERSIONS):
        there = _settings(git, folder, commit)
        if there in ("", now) and (folder == project.folder or not there):
            continue  # the same; or while they were gone nothing was applied
        try:
            (before,) = settings.earlier(git, project, commit, folder)
        except Unreadable:
            raise
        except QflowError:
            continue  # what has errors applied nothing
        another = before.lock.lineage not in ("", project.lock.lineage)
        if another or _place(before) != _place(project):
            return f"at commit {commit[:10]} it named another place or lineage", ""
        if (
            folder != project.folder
            and before.lock.store == "worktree"
            and _is_file(git, folder, head)
        ):
            files = (folder.lockfile, project.folder.lockfile)
            move = " ".join(lostsettings.typed(git, file) for file in files)
            return f"at commit {commit[:10]} its lockfile was {files[0]}", f"Move it: `mv {move}`"
    if project.lock.store == "branch" and _is_file(git, project.folder, head):
        return f"its lockfile was {project.folder.lockfile} before", ""  # without settings, say
    if git.is_shallow():
        return "whether it named another place before isn't in this clone (it is shallow)", ""
    return "", ""


def _settings(git: GitTree, folder: ProjectFolder, commit: str) -> str:
    """Name the content of a folder's settings as git does, "" where there are none."""
    entry = git.listing(commit, folder.name).get(folder.settings.encode())
    return entry.blob if entry else ""


def _place(project: Project) -> tuple[str, ...]:
    lock = project.lock
    return (lock.store, lock.branch, lock.remote) if lock.store == "branch" else (lock.store,)


def _is_file(git: Repository, folder: ProjectFolder, head: str) -> bool:
    """Whether a folder has a lockfile, or had one that git knew."""
    there = folder.lockfile.encode() in git.listing("", folder.name)
    return there or bool(git.first_parents("", head, 1, [folder.lockfile]))
