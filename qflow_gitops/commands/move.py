"""Move the lockfile to another place, and the settings with it; each step can be repeated."""

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.base.times import stamp
from qflow_gitops.commands import edit_files
from qflow_gitops.errors import AGAIN, BusyError, InvalidInput, LockError
from qflow_gitops.lockfile.attempt import is_leased, lease_end
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.moving import Step, Way, closing, copied, next_step, opening
from qflow_gitops.lockfile.notes import PENDING, LedgerEvent, Note
from qflow_gitops.lockfile.places import (
    Site,
    closed,
    hashed,
    is_known,
    known_at,
    last_move,
    site_of,
    unknown_at,
)
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockSession, LockStore, LostRace
from qflow_gitops.results.files import FileChange, Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import LockSettings, Project
from qflow_gitops.sources.lostsettings import head_of, rooted
from qflow_gitops.sources.settings import check_place
from qflow_gitops.yaml import edit

_TRIES = 100
_STAYS = "Nothing was moved: the lockfile is where it was."
_HALFWAY = (
    "It is closed where it was, and not open yet where it goes: nothing is applied until then."
)
_ANOTHER = "Choose another branch: `qflow-gitops lock move --to branch --branch NAME`"


@dataclass(frozen=True, slots=True)
class MoveServices:
    """What it needs from outside.

    `project` is that of the newest commit: its lockfile is moved. `store` opens a lockfile of it
    by other settings of `lock`. `settings` is the file of the work tree that names the new place
    afterwards. `author` is what is recorded about who did it, `tracks` whether the current branch
    tracks one, so that a push knows where to.
    """

    git: Repository
    project: Project
    store: Callable[[LockSettings], LockStore]
    settings: Path
    clock: Clock
    author: Mapping[str, str]
    tracks: bool = True


class Ends(NamedTuple):
    """The two places of a move, and how their stores were opened."""

    source: LockStore
    target: LockStore
    origin: LockSettings
    to: LockSettings
    folder: str


def move(to: LockSettings, services: MoveServices) -> Report:
    """Move the lockfile to where `to` says; goes on with a move that was broken off.

    Raises LockError where it isn't at hand or something else is there, BusyError while an apply
    is at work, InvalidInput where the settings can't be changed.
    """
    project = services.project
    content = _content(services.settings, project)
    ends = _ends(to, services)
    if ends is None:
        return Report("lock", body=Files((FileChange(_named(to, project), "kept"),)))
    _check_alone(to, services)
    _edited(content, to, "0", project)  # what can't be changed is said before anything is moved
    for _ in steps(ends, services.clock, services.author):
        pass
    lockfile = ends.target.read().lockfile
    lineage = lockfile.lineage if lockfile else ""
    edited = _edited(content, to, lineage, project)
    went_on = closed(lockfile, ends.target.where) if lockfile else None
    said = went_on.message if went_on else "the lockfile is here now"
    return _report(ends, services, content, edited, said)


def steps(ends: Ends, clock: Clock, author: Mapping[str, str]) -> Iterator[Step]:
    """Do one step after the other; each is durable when it is given. Raises as `move` does."""
    for _ in range(_TRIES):
        try:
            done = _one(ends, stamp(clock.now()), author)
        except LostRace:
            continue
        except LockError as problem:
            if (problem.where, problem.reason) == (ends.target.where, "lock_broken"):
                problem.hint = _ANOTHER  # it isn't the settings that name it
            raise
        if done is Step.DONE:
            return
        yield done
    raise LockError(
        f"Others wrote the lockfile each time, {_TRIES} times.",
        where=ends.source.where,
        not_done=_STAYS,
        hint=f"Run it again when less is applied: `{AGAIN}`",
        reason="lock_contended",
    )


def _one(ends: Ends, at: str, by: Mapping[str, str]) -> Step:
    """Do what comes next, on exactly what both places hold. Raises LostRace."""
    with (
        ends.source.session(moving=True) as source,
        ends.target.session(moving=True) as target,
    ):
        if source.created:
            _begin(ends.source, source, at, by)
        there = None if target.created else target.lockfile
        way = way_of(ends, source.lockfile.lineage)
        _check_place(ends.source, source.lockfile)
        step = next_step(source.lockfile, there, way)
        if step in (Step.COPY, Step.CLOSE):
            _check_idle(source.lockfile, at)
        with _told(step):
            if step is Step.COPY:
                target.adopt(copied(source.lockfile, there, way, at, by))
            elif step is Step.CLOSE:
                _mark(source, closing(target.lockfile, way, at, by))
            elif step is Step.OPEN:
                _mark(target, opening(target.lockfile, at, by))
        return step


@contextlib.contextmanager
def _told(step: Step) -> Iterator[None]:
    """Say how a move stands whose push was refused, and that it goes on by itself."""
    try:
        yield
    except LockError as problem:
        if problem.reason == "lock_push":
            problem.not_done = _HALFWAY if step is Step.OPEN else _STAYS
            problem.hint = f"{problem.hint} Then: `{AGAIN}`"
        raise


def _mark(session: LockSession, event: LedgerEvent) -> None:
    session.record([], Checkpoint(notes=(Note("", "", event),)), exact=True)


def _begin(store: LockStore, session: LockSession, at: str, by: Mapping[str, str]) -> None:
    """Make a lockfile where there is none yet, so that what is moved has its lineage."""
    _mark(session, known_at(session.lockfile.lineage, store.address, at, by))


def way_of(ends: Ends, lineage: str) -> Way:
    """Name both places as the lockfile of a lineage has them."""
    origin, to = (
        _site(lock, store, ends.folder, lineage)
        for lock, store in ((ends.origin, ends.source), (ends.to, ends.target))
    )
    return Way(origin, to, ends.target.address)


def _site(lock: LockSettings, store: LockStore, folder: str, lineage: str) -> Site:
    if lock.store != "branch":
        return Site(lock.store, folder=folder or ".")
    return Site("branch", lock.branch, lock.remote, address=hashed(lineage, store.address))


def _check_place(store: LockStore, lockfile: Lockfile) -> None:
    """Refuse to move what a fork or a copy of a repository brought along. Raises LockError."""
    if not is_known(lockfile, store.address):
        raise LockError(
            f"{unknown_at(store.address)}: it may be a copy of one that is still written.",
            where=store.where,
            not_done=_STAYS,
            hint="If nothing is applied from the original any more: `qflow-gitops apply --ack "
            "place=1 --reason TEXT`, and move it then. Otherwise leave this copy alone.",
            reason="place",
        )


def _check_idle(lockfile: Lockfile, at: str) -> None:
    """Refuse to move while an answer may be on its way: it would find the lockfile closed."""
    for name in lockfile.environments:
        for run, attempts in lockfile.runs_in_states(name, {State.INTENT}):
            for attempt in attempts:
                if is_leased(attempt, at):
                    raise BusyError(
                        f"An apply is at work on {name}/{run}, or was until just now.",
                        where=f"{name}/{run}",
                        not_done=_STAYS,
                        hint=f"Wait for it to end, or until {lease_end(attempt, at)} if it was "
                        f"killed. Then: `{AGAIN}`",
                    )


def _ends(to: LockSettings, services: MoveServices) -> Ends | None:
    """Find out from where the lockfile comes; None where it is there already, and open."""
    project, folder = services.project, services.project.folder.name
    origin = project.lock
    there = services.store(to._replace(lineage=""))
    if not _are_same(origin, to):
        return Ends(services.store(origin), there, origin, to, folder)
    lockfile = services.store(origin).read().lockfile
    problem = closed(lockfile, there.where) if lockfile else None
    if lockfile is None or problem is None:
        return None
    last = last_move(lockfile.places)
    site = site_of(last.extra.get("from")) if last and last.event == PENDING else None
    if site is None or site.folder not in ("", folder or "."):
        raise problem
    origin = LockSettings(site.store, site.branch, site.remote, lockfile.lineage)
    return Ends(services.store(origin), there, origin, to, folder)


def _check_alone(to: LockSettings, services: MoveServices) -> None:
    """Refuse a branch that another project names, be there a lockfile by now or not."""
    try:
        check_place(services.git, services.project.folder, to)
    except InvalidInput as problem:
        problem.not_done = _STAYS
        problem.hint = _ANOTHER
        raise


def _are_same(lock: LockSettings, other: LockSettings) -> bool:
    if lock.store != other.store:
        return False
    return lock.store != "branch" or (lock.branch, lock.remote) == (other.branch, other.remote)


def _named(lock: LockSettings, project: Project) -> str:
    site = Site(lock.store, lock.branch, lock.remote, project.folder.name)
    return str(site)


# --- the settings --------------------------------------------------------------------


def _content(path: Path, project: Project) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InvalidInput(
            f"The settings can't be read: {problem.strerror}. They are to name the new place.",
            where=project.folder.settings,
            not_done=_STAYS,
            hint="Where there are none yet, make them, and commit them: "
            "`qflow-gitops init --store worktree`",
            reason="settings_missing",
        ) from None


def _edited(content: bytes, to: LockSettings, lineage: str, project: Project) -> bytes:
    """Return the settings' text with the new place in it. Raises InvalidInput."""
    values = {"store": to.store, "branch": to.branch, "remote": to.remote, "lineage": lineage}
    if to.store != "branch":
        del values["branch"], values["remote"]
    made = edit.with_lock(content, values)
    if isinstance(made, bytes):
        return made
    raise InvalidInput(
        f"The settings can't be changed by a program: {made.why}.",
        where=project.folder.settings,
        not_done=_STAYS,
        hint="Write `lock:` as lines of its own, one for each setting, commit it, and move then: "
        f"`{AGAIN}`",
        reason="settings_odd",
    )


def _report(ends: Ends, services: MoveServices, before: bytes, after: bytes, said: str) -> Report:
    """Write the settings, and say what was done and what is left to a person.

    `said` is how the lockfile stands in the new place.
    """
    folder = services.project.folder
    file = folder.settings
    changes = [
        FileChange(ends.target.where, "written", said),
        FileChange(ends.source.where, "closed", "it names the new place"),
    ]
    if after == before:
        changes.append(FileChange(file, "kept"))
    else:
        edit_files.replace(
            services.settings, after, not_done="The lockfile is moved; the settings don't say so."
        )
        changes += [
            FileChange(file, "changed", "names the new place"),
            FileChange(file, "diff", diff=edit_files.difference(file, before, after)),
        ]
    files = [file]
    head = head_of(services.git)
    listed = services.git.listing(head, folder.name) if head else {}
    if folder.lockfile.encode() in listed or ends.to.store == "worktree":
        files.append(folder.lockfile)
    return Report("lock", body=Files(tuple(changes), _to_commit(files, services, ends)))


def _to_commit(files: Sequence[str], services: MoveServices, ends: Ends) -> tuple[str, ...]:
    """Say how what was changed is committed; an ignored lockfile isn't, nor what is by now."""
    waiting, program = services.git.uncommitted(files), rooted(services.git)
    named = shlex.join(file for file in files if file in waiting)
    if not named:
        return ()
    commit = f"{program} add {named} && {program} commit -m 'Move the lockfile' -- {named}"
    lock = ends.to if ends.to.store == "branch" else ends.origin
    push = "push" if services.tracks else f"push --set-upstream {shlex.quote(lock.remote)} HEAD"
    return commit, f"{program} {push}"
