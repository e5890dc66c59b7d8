"""What a command says of the lockfile that it found."""

from collections.abc import Iterable

from qflow_gitops.lockfile.attempt import Attempt, is_leased
from qflow_gitops.lockfile.inheritance import left_behind, names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.places import closed
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY, State
from qflow_gitops.ports.lockfile import LockSession, Snapshot
from qflow_gitops.results.plans import LockSeen, Unsettled
from qflow_gitops.settings.project import Project


def seen(snapshot: Snapshot) -> LockSeen:
    """Say which state of the lockfile was seen."""
    lockfile = snapshot.lockfile
    if lockfile is None:
        return LockSeen(snapshot.where, exists=False)
    return LockSeen(
        snapshot.where, True, lockfile.lineage, lockfile.serial, snapshot.copied_at, snapshot.commit
    )


def out_of_use(snapshot: Snapshot) -> tuple[str, ...]:
    """Say that the lockfile was moved away, or isn't open yet: what it shows ends there."""
    problem = closed(snapshot.lockfile, snapshot.where) if snapshot.lockfile else None
    return (f"{problem.message} {problem.hint}",) if problem else ()


def held(session: LockSession, where: str) -> Snapshot:
    """Return what a session holds, or left when it was closed, as if it had just been read."""
    lockfile = session.lockfile
    empty = session.created and lockfile == Lockfile(lockfile.lineage)
    return Snapshot(None if empty else lockfile, where, commit=session.commit)


def unsettled(
    lockfile: Lockfile, project: Project, environments: Iterable[str], now: str
) -> dict[str, Unsettled]:
    """Count the attempts that are under way, and those that may have run, by whatever name.

    `now` is RFC 3339: what a process may still be sending is under way. Doubts of environments that
    exist no more count for each: whoever applies answers for them.
    """
    left = left_behind(lockfile, project)
    found = {}
    for environment in environments:
        names = names_of(lockfile, project, environment)
        under_way = _in(lockfile, names, UNDER_WAY)
        doubtful = _in(lockfile, (*names, *left), DOUBTFUL)
        sending = sum(is_leased(attempt, now) for attempt in doubtful)
        found[environment] = Unsettled(len(under_way) + sending, len(doubtful) - sending)
    return found


def _in(lockfile: Lockfile, names: Iterable[str], states: frozenset[State]) -> list[Attempt]:
    return [
        attempt
        for name in names
        for _, attempts in lockfile.runs_in_states(name, states)
        for attempt in attempts
        if attempt.state in states
    ]


def beginning(where: str, lineage: str, project: Project) -> str:
    """Say that the lockfile is made now, and what a person does about it."""
    if project.lock.store == "worktree":
        return f"There was no lockfile yet: {where} is made now. Commit it."
    pin = (
        ""
        if project.lock.lineage
        else f' Pin it in {project.folder.settings}, under `lock`: `lineage: "{lineage}"`.'
    )
    return f"There was no lockfile yet: {where} is made now.{pin}"
