"""Carry a plan out that was agreed to: launch, record how far it came, report."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from qflow_gitops.apply import events, notices, progress, ticket_notes
from qflow_gitops.apply.job import Job, LaunchResult
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.planner import Planner
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.preconditions import REWRITTEN
from qflow_gitops.apply.result import ApplyOutcome, applied_body, left_out, under_way, waiting_notes
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.apply.stages import Stages, rescue
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import BusyError, QflowError
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan.change import Action, Change, Plan, Reason
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.results.applies import applied
from qflow_gitops.results.report import Report
from qflow_gitops.sources import forgotten
from qflow_gitops.sources.lockseen import held, seen, unsettled


def carry_out(
    planner: Planner,
    planned: PlannedApply,
    session: LockSession,
    notes: tuple[str, ...],
    problems: list[QflowError],
) -> Generator[events.Event, None, Report]:
    """Send what is due, record how far it came, and report."""
    services, source = planner.services, planned.source
    wait = source.project.apply.wait if planner.request.wait is None else planner.request.wait
    gateways = Gateways(services.qualys, source.project)
    watches = under_way(session.lockfile, source.environment, gateways) if wait else []
    work = ApplyOutcome(watches, wait)
    if planned.plan.due or watches:
        try:
            yield from Stages(planner, planned, work, session).run()
        finally:
            rescue(work, services, session)
    problems += work.result.problems
    left = left_out(work.result, session.lockfile)
    if left:
        problems.append(_left_to_others(left))
    stopped = services.stop()
    unwritten = () if stopped else _recorded(session, services, planned, work, problems)
    if (work.result.opened and planned.plan.of(Action.HOLD)) or _is_left(planned, work):
        newest = _as_next(planner, session)
        work.held = _held_at_last(newest, work.result)
        work.left = _what_is_left(planned, newest, work)
        planned = _with_next_hints(planned, newest)
    now = stamp(services.clock.now())
    body = replace(
        applied_body(_as_left(planned, session.lockfile, now), session.lockfile, work, now),
        lock=seen(held(session, services.store.where)),
        notices=notices.waiting(session.lockfile),
    )
    later = waiting_notes(work.left, selects=planned.context.selects)
    untold = notices.left(session.lockfile, services.courier.troubles())
    forgot = forgotten.notes(session.lockfile, source.project)
    open_ones = (*later, *forgot, *filter(None, [*unwritten, untold]))
    for note in open_ones:
        yield events.Said(note)
    return applied(body, source.specs.diagnostics, (*notes, *open_ones), problems)


def _recorded(
    session: LockSession,
    services: ApplyServices,
    planned: PlannedApply,
    work: ApplyOutcome,
    problems: list[QflowError],
) -> tuple[str, str]:
    """Note on tickets what ran, record how far it came; say which notes are left, or given up."""
    about = [planned.source.environment], services.tickets, services.clock.now(), services.stop
    written = ticket_notes.write(session.lockfile, *about, ticket_notes.SECONDS)
    try:
        progress.advance(session, services, planned, written.done, _kept_back(work.result))
        progress.note_the_time(session, services, planned)
    except QflowError as problem:  # it must not hide what was done
        problems.append(problem)
    left = f"{written.left}. To note it: `qflow-gitops notify`" if written.left else ""
    return left, written.given_up


def _as_left(planned: PlannedApply, lockfile: Lockfile, now: str) -> PlannedApply:
    """Add to a plan what is still unsettled of its environment at the end."""
    source = planned.source
    left = unsettled(lockfile, source.project, [source.environment], now)
    return replace(planned, body=planned.body._replace(unsettled=left))


def _is_left(planned: PlannedApply, work: ApplyOutcome) -> bool:
    """Whether something of the plan wasn't begun because of the runs before it."""
    return bool(planned.plan.of(Action.WAIT) or work.result.put_off or work.result.held)


def _held_at_last(newest: Plan, result: LaunchResult) -> tuple[Change, ...]:
    """Return what its ticket held, unless it was sent after all, with what the next apply needs."""
    told = {change.key: change for change in newest.changes if change.reason is Reason.TICKET}
    return tuple(told.get(change.key, change) for change in _kept_back(result))


def _kept_back(result: LaunchResult) -> tuple[Change, ...]:
    """Return what its ticket held when it was to be sent, and what wasn't sent after all."""
    sent = {(env, run) for env, run, _ in result.opened}
    return tuple({each.key: each for each in result.held if each.key not in sent}.values())


def _what_is_left(planned: PlannedApply, newest: Plan, work: ApplyOutcome) -> tuple[Change, ...]:
    """Return how what was put off stands by now: it waits, or is held."""
    result = work.result
    told = {(env, run) for env, run, _ in result.opened}
    told |= {job.change.key for job in (*result.not_started, *result.elsewhere)}
    told |= {change.key for change in (*work.unknown, *work.held)}
    agreed = {change.key: change for change in planned.plan.due if change.key not in told}
    return tuple(
        change.waiting(_turn_of(agreed[change.key]), "its turn has come")
        if change.action is Action.RUN
        else change
        for change in newest.changes
        if change.key in agreed and change.action is not Action.SKIP
    )


def _turn_of(planned: Change) -> Reason:
    """Say what a run waited for; one that was due at once was put off by its rollout."""
    return planned.reason if planned.action is Action.WAIT else Reason.ROLLOUT


_OF_THE_COMMIT = (Reason.UNMERGED, REWRITTEN)


def _as_next(planner: Planner, session: LockSession) -> Plan:
    """Plan as the next apply will: retries and releases are used up, but those of the commit."""
    request = planner.request
    acks = {name: count for name, count in request.acks.items() if name in _OF_THE_COMMIT}
    rest = replace(request, acks=acks, retries=(), retry_failed=False)
    return replace(planner, request=rest).plan_in(session).plan


def _with_next_hints(planned: PlannedApply, newest: Plan) -> PlannedApply:
    """Say of what is still held what the next apply needs."""
    hints = {(change.key, change.reason): change.hint for change in newest.of(Action.HOLD)}
    held = tuple(
        change._replace(hint=hints.get((change.key, change.reason), change.hint))
        for change in planned.plan.changes
    )
    made = planned.plan._replace(changes=held)
    return replace(planned, body=planned.body._replace(plan=made))


def _left_to_others(left: Sequence[Job]) -> BusyError:
    names = ", ".join(job.name for job in left[:5])
    return BusyError(
        "Another process wrote the lockfile meanwhile, and by it these aren't due as they "
        f"were shown: {names}{' and others' if len(left) > 5 else ''}.",
        not_done="They were not sent by this apply.",
        hint="Look at it again: `qflow-gitops plan`",
        reason="elsewhere",
    )
