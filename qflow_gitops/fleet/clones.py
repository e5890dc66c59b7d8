"""Where members are worked on: a clone for each, whose objects those of one address share.

A remote is asked once for what it has. Where nothing is new, nothing else is done. A clone stays:
its lockfile's memory and what an apply couldn't record are in it.
"""

from __future__ import annotations

import contextlib
import json
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base import atomic, flocks
from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.errors import BusyError, InvalidInput
from qflow_gitops.fleet.environ import masked, remote_of
from qflow_gitops.git import clones
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.settings.project import LockSettings
from qflow_gitops.sources import place
from qflow_gitops.sources.found import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from qflow_gitops.settings.fleet import FleetMember

FOLDER = "qflow-gitops/fleet"
"""Where clones are, in a repository's common folder, unless another place is named."""
_SEEN = "qflow-fleet.json"
_NOTHING = "Nothing of this member was sent."


class Heads(NamedTuple):
    """The commits that a standing is read at: of the ref, and of the lockfile's branch.

    "" for a branch that isn't there.
    """

    commit: str
    lock_commit: str


class Clone(NamedTuple):
    """A member's clone, at what its remote has.

    `folder` is the project's. `platform` is that of the member's environment, "" for none;
    `held` is the lock: as long as a process has it open, nobody else gets the clone.
    """

    folder: Path
    heads: Heads
    platform: str
    held: int


class _Seen(NamedTuple):
    """What a clone was brought to last, and what the settings there say."""

    of: tuple[str, ...]
    commit: str
    lock_branch: str
    platform: str


class Clones:
    """The clones of a fleet's members, in one folder."""

    def __init__(
        self, folder: Path, time_left: Callable[[], float], patience: Callable[[], float]
    ) -> None:
        """Take where they are, the seconds for an exchange, and for who works on a clone."""
        self._folder = folder
        self._time_left = time_left
        self._patience = patience

    def heads(self, member: FleetMember, environ: Mapping[str, str]) -> Heads:
        """Ask a member's remote, with its own environment, where its branches are.

        One `git ls-remote`. Raises UnreachableError, and InvalidInput for a ref that isn't there.
        """
        return _heads(member, *self._asked(self._git(member, environ), member, self._seen(member)))

    @contextlib.contextmanager
    def bring(self, member: FleetMember, environ: Mapping[str, str]) -> Iterator[Clone]:
        """Give a member's clone, at what its remote has now, for nobody else meanwhile.

        Raises QflowError: BusyError where another process doesn't let go of it in time.
        """
        clone, project = self._clone(member), _project_folder(member)
        with self._alone(clone) as held:
            git, seen = self._git(member, environ, held), self._seen(member)
            tips, branch = self._asked(git, member, seen)
            heads = _heads(member, tips, branch)
            if seen is None or seen.commit != heads.commit:
                seen = self._brought(git, member, tips, environ)
                if seen.lock_branch != branch or seen.commit != heads.commit:
                    now = git.tips([seen.lock_branch]).commits.get(seen.lock_branch, "")
                    heads = Heads(seen.commit, now)
            clones.unlock(clone / ".git")
            folder = clone / project.name
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise clones.damaged(clone, problem.strerror or str(problem)) from None
            yield Clone(folder, heads, seen.platform or environ.get("QFLOW_PLATFORM", ""), held)

    def _asked(
        self, git: clones.Clones, member: FleetMember, seen: _Seen | None
    ) -> tuple[clones.Tips, str]:
        branch = seen.lock_branch if seen else LockSettings().branch
        return git.tips([member.ref, branch]), branch

    def _brought(
        self, git: clones.Clones, member: FleetMember, tips: clones.Tips, environ: Mapping[str, str]
    ) -> _Seen:
        """Fetch what is new of the ref, and look at the settings there.

        The lockfile's branch is for the member's own process: it often wrote itself what is new.
        """
        clone, folder = self._clone(member), _project_folder(member)
        commit = self._fetched(git, member, tips.commits[member.ref])
        git.point(clone, member.ref, commit, tips.default)
        repo = GitRepo.open(clone, environ)
        if not (clone / ".git").samefile(repo.common_dir):
            raise clones.damaged(clone, "its folder `.git` is no repository")
        found = Found(folder, place.content_of(repo, commit, folder))
        project = place.settings_of(found, "").project
        if project.lock.store != "branch":
            raise _unrecorded(member, folder)
        known = project.environments.get(member.environment or project.default_environment)
        platform = known.platform if known else ""
        seen = _Seen(_identity(member), commit, project.lock.branch, platform)
        with contextlib.suppress(OSError):  # then the next one looks again
            atomic.replace(clone / ".git" / _SEEN, json.dumps(seen).encode())
        return seen

    def _fetched(self, git: clones.Clones, member: FleetMember, commit: str) -> str:
        """Bring the ref's newest commit into the store, which the clone borrows from."""
        clone, store = self._clone(member), self._store(member.repository)
        with self._alone(store) as held:
            sharing = git._replace(held=(*git.held, held))
            if store.is_dir():
                clones.unlock(store)
            else:
                sharing.make_store(store, commit)
            if clone.is_dir():
                clones.unlock(clone / ".git")
            else:
                sharing.make_clone(clone, store, commit)
            return sharing.fetched(store, member.ref)

    def _git(self, member: FleetMember, environ: Mapping[str, str], *held: int) -> clones.Clones:
        remote_of(member)  # no other address gets to git
        hide = lambda text: masked(text, environ)  # noqa: E731
        return clones.Clones(member.repository, environ, self._time_left, hide, held)

    def _clone(self, member: FleetMember) -> Path:
        return self._folder / "clones" / f"{member.name}-{_hash(member.repository)}"

    def _store(self, address: str) -> Path:
        return self._folder / "stores" / _hash(address)

    def _seen(self, member: FleetMember) -> _Seen | None:
        """Read what a clone was brought to; None where that isn't known, or isn't there any more.

        What was seen of another ref or project of the repository says nothing.
        """
        clone = self._clone(member)
        try:
            of, *rest = json.loads((clone / ".git" / _SEEN).read_bytes())
            found = _Seen(tuple(of), *rest)
        except (OSError, ValueError, TypeError):
            return None
        there = (self._store(member.repository) / "objects").is_dir()
        return found if there and found.of == _identity(member) else None

    @contextlib.contextmanager
    def _alone(self, folder: Path) -> Iterator[int]:
        """Wait for whoever works on a folder, and keep others out."""
        with ExitStack() as locks:
            try:
                folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = flocks.entered(folder.with_name(f"{folder.name}.lock"), self._patience)
                held = locks.enter_context(lock)
            except OSError as problem:
                raise clones.damaged(folder, problem.strerror or str(problem)) from None
            if held is None:
                raise BusyError(
                    "Another process works on this member.",
                    where=str(folder),
                    not_done=_NOTHING,
                    hint="Run the command again when that one has ended.",
                    reason="member_busy",
                )
            yield held


def _heads(member: FleetMember, tips: clones.Tips, lock_branch: str) -> Heads:
    if member.ref not in tips.commits:
        raise InvalidInput(
            f"The repository of the member {member.name} has no branch {member.ref}.",
            where=masked(member.repository, {}),
            not_done=_NOTHING,
            hint="Correct `ref` in fleet.yaml: the name of a branch that is there.",
            reason="member_ref",
        )
    return Heads(tips.commits[member.ref], tips.commits.get(lock_branch, ""))


def _unrecorded(member: FleetMember, folder: ProjectFolder) -> InvalidInput:
    return InvalidInput(
        f"The member {member.name} keeps its lockfile in a work tree, and a fleet's clone has "
        "none: nobody else would ever see what was sent.",
        where=folder.settings,
        not_done=_NOTHING,
        hint="In a clone of its repository: `qflow-gitops lock move --to branch`, and have that "
        "merged.",
        reason="member_lockfile",
    )


def _project_folder(member: FleetMember) -> ProjectFolder:
    """Return where a member's project lies. Raises InvalidInput where that is outside."""
    path = PurePosixPath(member.project)
    if path.is_absolute() or {"..", ".git"} & {part.lower() for part in path.parts}:
        raise InvalidInput(
            f"The folder of the member {member.name} isn't inside its repository.",
            where="fleet.yaml",
            not_done=_NOTHING,
            hint="Write `project` from the repository's root: a folder in it.",
            reason="member_project",
        )
    return ProjectFolder("" if path == PurePosixPath() else str(path))


def _identity(member: FleetMember) -> tuple[str, ...]:
    return (member.repository, member.ref, member.project, member.environment)


def _hash(address: str) -> str:
    return sha256(address.encode()).hexdigest()[:16]
