"""`notify`: tell others what the lockfile's outbox holds, and record who has it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from qflow_gitops.apply import overdue, ticket_notes
from qflow_gitops.apply.notices import waiting, who_has
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import OutboxChange
from qflow_gitops.policy.tickets import TicketRule
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockSession, LockStore, LostRace
from qflow_gitops.ports.notices import Courier, Receiver, Told, Undelivered
from qflow_gitops.ports.tickets import Tickets
from qflow_gitops.results.notices import Delivered, delivered, tested
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project

_TRIES = 20


@dataclass(frozen=True, slots=True)
class NotifyServices:
    """What it needs from outside; `tickets` is None where no system of tickets is set up."""

    project: Project
    store: LockStore
    courier: Courier
    clock: Clock
    tickets: Callable[[TicketRule], Tickets] | None = None


def notify(services: NotifyServices, seconds: float) -> Report:
    """Deliver what waits, within so many seconds. Raises LockError, BusyError, UsageProblem.

    What can't be recorded afterwards is told once more the next time, under the same id.
    """
    store, courier = services.store, services.courier
    if services.tickets is None:
        check_set_up(courier.names)
    lockfile = _with_missed(services, store.read().lockfile)
    if lockfile is not None and lockfile.outbox.notices:
        # Busy where an apply has a file to itself: what is told now couldn't be recorded.
        with store.session() as session:
            lockfile = session.lockfile
    before = waiting(lockfile) if lockfile and courier.names else 0
    notes = _tickets_told(services, lockfile, seconds) if lockfile else ticket_notes.Written()
    if lockfile is None or not (before or notes.done):
        nothing = Delivered(courier.names, 0, given_up=_given_up(lockfile), unnoted=notes.left)
        return delivered(nothing)
    courier.offer(lockfile)
    courier.wait(seconds)
    courier.close(0)
    with store.session() as session:
        _record(session, partial(_have, courier, notes.done))
        lockfile = session.lockfile
    left = waiting(lockfile) if courier.names else 0
    troubles = courier.troubles() if left else {}
    counts = max(0, before - left), left, troubles, _given_up(lockfile)
    return delivered(Delivered(courier.names, *counts, len(notes.done), notes.left))


def _tickets_told(
    services: NotifyServices, lockfile: Lockfile, seconds: float
) -> ticket_notes.Written:
    """Write the notes that wait for their tickets, where these are set up."""
    if services.tickets is None:
        return ticket_notes.Written()
    names = services.project.environments
    return ticket_notes.write(lockfile, names, services.tickets, None, lambda: False, seconds)


def try_out(receivers: Sequence[Receiver], told: Told) -> Report:
    """Send a test notice to each receiver, once; nothing is recorded. Raises UsageProblem."""
    names = tuple(receiver.name for receiver in receivers)
    check_set_up(names)
    troubles = {}
    for receiver in receivers:
        try:
            receiver.send([told])
        except Undelivered as problem:
            troubles[receiver.name] = problem.why
    took = len(names) - len(troubles)
    return tested(Delivered(names, took, troubles=troubles, is_test=True))


def check_set_up(names: Sequence[str]) -> None:
    """Raise UsageProblem where there is no receiver."""
    if not names:
        raise UsageProblem(
            "No receiver is set up.",
            not_done="Nothing was told to anybody.",
            hint="Set QFLOW_NOTIFY_URL and QFLOW_NOTIFY_KEY, QFLOW_NOTIFY_SLACK_URL or "
            "QFLOW_NOTIFY_TEAMS_URL. Then: `qflow-gitops notify --test`",
            reason="notify_nobody",
        )


def _with_missed(services: NotifyServices, lockfile: Lockfile | None) -> Lockfile | None:
    """Put into the outbox what did not happen when it should have, and give the lockfile then."""
    for environment in services.project.environments if lockfile else ():
        if lockfile and _missed(services, environment, lockfile):
            with services.store.session() as session:
                _record(session, partial(_missed, services, environment))
                lockfile = session.lockfile
    return lockfile


def _missed(services: NotifyServices, environment: str, lockfile: Lockfile) -> Checkpoint | None:
    now = services.clock.now()
    late = overdue.missed(lockfile, services.project, environment, now)
    return overdue.telling(lockfile, late, stamp(now)) if late else None


def _have(courier: Courier, noted: frozenset[str], lockfile: Lockfile) -> Checkpoint | None:
    change = who_has(lockfile, courier)
    gone = noted & {each.id for each in lockfile.outbox.notices}
    change = change._replace(drop=change.drop | gone)
    return None if change == OutboxChange() else Checkpoint(outbox=change)


def _record(session: LockSession, decide: Callable[[Lockfile], Checkpoint | None]) -> None:
    """Write what is decided, anew on top of what others write meanwhile."""
    for _ in range(_TRIES):
        mark = decide(session.lockfile)
        if mark is None:
            return
        with suppress(LostRace):
            session.record([], mark)
            return


def _given_up(lockfile: Lockfile | None) -> int:
    return lockfile.outbox.given_up if lockfile else 0
