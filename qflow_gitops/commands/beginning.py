"""Where a project begins, and where its lockfile is going to live."""

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.apply.belonging import first_place
from qflow_gitops.base.paths import LOCK_FILE, PROJECT_FILE, ROOT, ProjectFolder
from qflow_gitops.errors import InvalidInput, LockError, UsageProblem
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.places import check_open
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore, LostRace
from qflow_gitops.results.files import FileChange
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.settings.project import LockSettings, Project
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.found import Found
from qflow_gitops.sources.orphans import Orphan
from qflow_gitops.sources.place import settings_of
from qflow_gitops.specs import schemas

_NOTHING = "Nothing was written."
_LONGEST = 60
"""Characters of a word that stands for a folder."""


class Target(NamedTuple):
    """Where a project begins: its folder, and the top of what an editor opens.

    `at` is the folder from there; `in_repository` whether git knows it already; `typed` how it
    was named at the shell. `init` is the command that begins it, as it is typed; `program` one
    that is about it, up to the command's name.
    """

    folder: Path
    root: Path
    at: ProjectFolder = ROOT
    in_repository: bool = False
    typed: str = "."
    init: str = "qflow-gitops init"
    program: str = "qflow-gitops"

    @property
    def is_new(self) -> bool:
        """Whether there are no settings yet."""
        return not (self.folder / PROJECT_FILE).exists()


class Wanted(NamedTuple):
    """What a person typed of the lockfile, "" for nothing; `ci` is whether a CI is to apply."""

    store: str = ""
    branch: str = ""
    ci: bool = False

    @property
    def names_a_branch(self) -> bool:
        """Whether the lockfile was typed to be on a branch."""
        return self.store == "branch" or bool(self.branch)


def lock_settings(
    target: Target, wanted: Wanted, git: Repository | None, remotes: Sequence[str]
) -> LockSettings:
    """Choose where the lockfile is to live; where there are settings, as they say.

    Raises InvalidInput where there is a lockfile that such settings wouldn't name, UsageProblem
    where the remote is missing that was asked for.
    """
    there = target.is_new and (target.folder / LOCK_FILE).exists()
    if there and (wanted.names_a_branch or wanted.ci):
        raise _lockfile_there(target)
    if wanted.names_a_branch and not (remotes or wanted.ci):
        raise UsageProblem(
            "There is no git remote for the lockfile's branch.",
            where=str(target.folder),
            not_done=_NOTHING,
            hint="`git remote add origin ADDRESS`, or `qflow-gitops init --store worktree`",
            reason="lock_remote",
        )
    if not target.is_new:
        return _as_settled(target)
    if there or wanted.store == "worktree" or not (remotes or wanted.ci):
        return LockSettings()
    return LockSettings("branch", wanted.branch or free_branch(target.at, git), _first(remotes))


def on_a_branch(
    lock: LockSettings, at: ProjectFolder, git: Repository, remotes: Sequence[str]
) -> LockSettings:
    """Choose a branch for a lockfile that is a file, as `init` does; what settings name stays."""
    if lock.store == "branch":
        return lock
    usual = LockSettings()
    branch = free_branch(at, git) if lock.branch == usual.branch else lock.branch
    remote = _first(remotes) if lock.remote == usual.remote else lock.remote
    return lock._replace(store="branch", branch=branch, remote=remote)


def _first(remotes: Sequence[str]) -> str:
    return "origin" if "origin" in remotes or not remotes else remotes[0]


def _as_settled(target: Target) -> LockSettings:
    """Return what settings say that are there already; what they don't, they leave alone."""
    project = _settled(target)
    return project.lock if project else LockSettings("branch")


def _settled(target: Target) -> Project | None:
    try:
        content = (target.folder / PROJECT_FILE).read_bytes()
        return settings_of(Found(target.at, content), "").project
    except (OSError, InvalidFiles):
        return None


def left_as_it_is(target: Target, platform: str, wanted: Wanted) -> str:
    """Say where settings that are there already say another thing than was typed.

    `platform` is "" where none was typed.
    """
    project = None if target.is_new else _settled(target)
    if project is None:
        return ""
    said = []
    known = sorted({one.platform for one in project.environments.values()})
    if platform and platform not in known:
        said.append(f"it says `platform: {', '.join(known)}`, not {platform}: change it there")
    lock = project.lock
    branch = f"branch {lock.branch}" if lock.store == "branch" else ""
    if wanted.store not in ("", lock.store) or wanted.branch not in ("", lock.branch):
        to = wanted.store or "branch"
        named = f" --branch {shlex.quote(wanted.branch)}" if wanted.branch else ""
        move = f"`{target.program} lock move --to {to}{named}` changes that"
        said.append(f"its lockfile is {f'on {branch}' if branch else 'a file'}: {move}")
    return "; ".join(said)


def _lockfile_there(target: Target) -> InvalidInput:
    path = target.at.lockfile
    return InvalidInput(
        f"There is {path} already: with a lockfile that begins on a branch, all that it holds "
        "would be due again.",
        where=path,
        not_done=_NOTHING,
        hint=f"Go on with it, and move it: `{target.init} --store worktree`, commit, then "
        f"`{target.program} lock move --to branch`",
        reason="lock_there",
    )


def check_name(setting: str, name: str) -> str:
    """Say why settings can't name a `branch` or a `remote` so, "" where they can."""
    project = json.loads(schemas.text("project"))
    lock = project["properties"]["spec"]["properties"]["lock"]
    known = lock["properties"][setting]
    fits = re.search(known["pattern"], name) and not re.search(known["not"]["pattern"], name)
    return "" if fits and len(name) <= known["maxLength"] else str(known["errorMessage"])


def check_place(git: Repository, at: ProjectFolder, lock: LockSettings, init: str) -> None:
    """Refuse to begin a project whose folder or lock branch is another's; raises InvalidInput.

    `init` is the command that begins it.
    """
    try:
        projectfile.check_place(git, at, lock)
    except InvalidInput as problem:
        problem.not_done = _NOTHING
        if problem.reason == "lock_shared":
            free = free_branch(at, git)
            problem.hint = f"Give it a branch of its own: `{init} --branch {free}`"
        raise


# --- names ---------------------------------------------------------------------------


def slug(at: ProjectFolder) -> str:
    """Return a word for a project's folder, of small letters, digits and hyphens; "" for none."""
    return re.sub(r"[^a-z0-9]+", "-", at.name.lower())[:_LONGEST].strip("-")


def with_mark(word: str, at: ProjectFolder) -> str:
    """Return a word for a folder that no other folder has."""
    mark = hashlib.sha256(at.name.encode("utf-8", "surrogateescape")).hexdigest()[:7]
    return f"{word}-{mark}"


def free_branch(at: ProjectFolder, git: Repository | None) -> str:
    """Name the lockfile's branch after a project's folder, but never as another project's.

    A hyphen, no slash: where there is a branch `a`, git can't have `a/b`.
    """
    taken = projectfile.lock_branches(git, at) if git else ()
    return _free(at, taken)


def _free(at: ProjectFolder, taken: Collection[str]) -> str:
    usual, word = LockSettings().branch, slug(at)
    name = f"{usual}-{word}" if word else usual
    return with_mark(name, at) if name in taken or bool(at.name) is not bool(word) else name


# --- the lockfile --------------------------------------------------------------------


def lockfile_in(target: Target) -> Lockfile:
    """Return the lockfile that is a file of the project's folder."""
    path = target.folder / LOCK_FILE
    try:
        lockfile = from_bytes(path.read_bytes(), target.at.lockfile)
    except OSError as problem:
        raise InvalidInput(
            f"{target.at.lockfile} can't be read: {problem.strerror}.",
            where=target.at.lockfile,
            not_done=_NOTHING,
            hint="Give yourself the right to read it.",
        ) from None
    check_open(lockfile, target.at.lockfile, _NOTHING)
    return lockfile


class Beginning(NamedTuple):
    """How a lockfile begins on its branch: whether that was typed (`named`), when and by whom.

    `at` is RFC 3339. `orphans` finds the lockfiles of the remote whose projects are gone.
    """

    named: bool = False
    at: str = ""
    by: Mapping[str, str] = {}
    orphans: Callable[[], Iterable[Orphan]] = tuple


def lockfile_on(
    branch: Callable[[], LockStore], target: Target, lock: LockSettings, how: Beginning
) -> tuple[FileChange, Lockfile]:
    """Make the lockfile on its branch, or take the one that is there.

    One of another project only if the branch was named, and a new one beside an orphan only then.
    Raises InvalidInput otherwise.
    """
    try:
        store = branch()
        with store.session() as session:
            if not (session.created or how.named):
                _check_own(session.lockfile, target, lock)
            if session.created:
                for orphan in () if how.named else how.orphans():
                    raise _left(orphan, target, lock)
                here = first_place(store, session.lockfile, how.at, how.by)
                session.record([], Checkpoint("prod", "", notes=here))
            what = "written" if session.created else "kept"
            return FileChange(store.where, what), session.lockfile
    except (LockError, LostRace) as problem:
        if getattr(problem, "reason", "") in ("lock_closed", "lock_pending"):
            raise  # it is elsewhere
        said = f"not made now, but by the first apply: {getattr(problem, 'message', 'try again')}"
        return FileChange("the lockfile's branch", "left", said), Lockfile("")


def _left(orphan: Orphan, target: Target, lock: LockSettings) -> InvalidInput:
    """Ask whether the project is the one whose lockfile is there, by the ways that there are."""
    return InvalidInput(
        f"{orphan}: if it is this one, moved to here, its lockfile goes on.",
        where=target.at.settings,
        not_done=_NOTHING,
        hint=f"If it is: `{target.init} --branch {shlex.quote(orphan.branch)}`. If this is another "
        f"project: `{target.init} --branch {shlex.quote(lock.branch)}`",
        reason="lock_left",
    )


def _check_own(lockfile: Lockfile, target: Target, lock: LockSettings) -> None:
    """Refuse to go on with a lockfile that says it is of another folder, or none of whose runs is.

    Where it doesn't say, as of the newest attempt of each run.
    """
    records = lockfile.environments.values()
    folders = {each.folder for each in records} - {""}
    runs = (runs for each in records for runs in each.runs.values() if not folders)
    files = [str(attempts[-1].facts.get("file", "")) for attempts in runs if attempts]
    inside = target.at.path("")
    if (target.at.name or ".") in folders or any(file.startswith(inside) for file in files):
        return
    if folders or files:
        free, same = with_mark(lock.branch, target.at), shlex.quote(lock.branch)
        of = "the root" if "." in folders else next(iter(sorted(folders) or files))
        raise InvalidInput(
            f"The branch {lock.branch} of {lock.remote} has a lockfile already, and it isn't of "
            f"this folder, but of {of}.",
            where=target.at.settings,
            not_done=_NOTHING,
            hint=f"Begin another one: `{target.init} --branch {free}`. If it is this project's, "
            f"which was moved, go on with it: `{target.init} --branch {same}`",
            reason="lock_taken",
        )
