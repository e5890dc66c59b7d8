"""What an apply does about notices: hands them to the courier, and records who has them by now.

A notice is recorded before it is sent, so that whoever dies in between tells it the next time.
"""

import hashlib
from collections.abc import Generator, Mapping, Sequence
from typing import TypeVar

from qflow_gitops.apply import events
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile import outbox
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import Notice, OutboxChange, notice_id
from qflow_gitops.plan.change import EVERY, Action, Change
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.ports.notices import Courier

SHARE = 0.01
"""So much longer an apply waits at most for receivers that are slow: half of what they may cost."""
_NAMED = 20
"""So many held runs are named."""
Made = TypeVar("Made")


def carried(
    steps: Generator[events.Event, None, Made], session: LockSession, courier: Courier
) -> Generator[events.Event, None, Made]:
    """Follow the steps of an apply, and hand over what each has recorded to be told."""
    courier.offer(session.lockfile)
    try:
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                made: Made = end.value
                return made
            courier.offer(session.lockfile)
            yield event
    finally:
        steps.close()


def tells_of(lockfile: Lockfile, planned: PlannedApply) -> tuple[str, ...] | None:
    """Return which events are told from now on; None where that is recorded, or isn't its turn."""
    settings = planned.source.project.notify
    tells = settings.events if settings else ()
    return None if planned.source.aside or tells == lockfile.outbox.tells else tells


def close(services: ApplyServices) -> None:
    """Let the courier come to an end; nobody waits for it for long."""
    services.courier.close(SHARE * (services.clock.monotonic() - services.begun))


def noted(
    mark: Checkpoint | None,
    lockfile: Lockfile,
    services: ApplyServices,
    planned: PlannedApply,
    written: frozenset[str],
    held: Sequence[Change],
) -> Checkpoint | None:
    """Add to an apply's last write what becomes of notices; None where there is nothing to say."""
    tells = tells_of(lockfile, planned)
    told, found = _held(lockfile, planned, held, stamp(services.clock.now()), tells)
    change = who_has(lockfile, services.courier)
    gone = change.drop.union(written & {each.id for each in lockfile.outbox.notices})
    change = change._replace(add=told, drop=gone, tells=tells)
    if found is None and change == OutboxChange():
        return mark
    if mark is None:
        mark = Checkpoint("" if found is None else planned.source.environment)
    return mark._replace(outbox=change, held=found)


def who_has(lockfile: Lockfile, courier: Courier) -> OutboxChange:
    """Return what a write says of notices that were delivered: what all have leaves the outbox."""
    done, all_of_them = courier.done(), frozenset(courier.names)
    waiting = [each for each in lockfile.outbox.notices if each.kind != outbox.TICKET]
    have = {each.id: done.get(each.id, frozenset()).union(each.done) for each in waiting}
    gone = frozenset(name for name, who in have.items() if all_of_them and all_of_them <= who)
    new = {
        each.id: have[each.id] for each in waiting
        if each.id not in gone and not have[each.id] <= {*each.done}
    }  # fmt: skip
    return OutboxChange(done=new, drop=gone)


def waiting(lockfile: Lockfile) -> int:
    """Count what others are still to be told."""
    return sum(each.kind != outbox.TICKET for each in lockfile.outbox.notices)


def left(lockfile: Lockfile, troubles: Mapping[str, str]) -> str:
    """Say what is still to be told, and what to type for it; "" for nothing."""
    count = waiting(lockfile)
    if not count:
        return ""
    what = "1 notice is" if count == 1 else f"{count:,} notices are"
    why = "".join(f"; {name}: {said}" for name, said in troubles.items())
    return f"{what} still to be told{why}. To tell them: `qflow-gitops notify`"


def _held(
    lockfile: Lockfile,
    planned: PlannedApply,
    more: Sequence[Change],
    at: str,
    tells: tuple[str, ...] | None,
) -> tuple[tuple[Notice, ...], str | None]:
    """Return what is told of what is held, and the hash of it; None where it is the one known.

    An apply of some runs that holds none of them doesn't know whether anything else is held.
    """
    environment = planned.source.environment
    if planned.source.aside or outbox.HELD not in (
        lockfile.outbox.tells if tells is None else tells
    ):
        return (), None
    holds = [(each.name, each.reason.value) for each in (*planned.plan.of(Action.HOLD), *more)]
    found = hashlib.sha256(repr(sorted(holds)).encode()).hexdigest()[:32] if holds else ""
    if found == lockfile.environment(environment).held:
        return (), None
    if not holds:
        return (), None if planned.context.selects else found
    named = [f"{'all' if name == EVERY else name}: {reason}" for name, reason in holds[:_NAMED]]
    rest = f", and {len(holds) - _NAMED:,} more" if len(holds) > _NAMED else ""
    about = notice_id(lockfile.lineage, outbox.HELD, environment, found, at)
    notice = Notice(
        about, outbox.HELD, at, environment, reason=holds[0][1], detail=", ".join(named) + rest
    )
    return (notice,), found
