"""Carry a plan out that was agreed to: launch, record how far it came, report."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial

from qflow_gitops.apply import events, progress
from qflow_gitops.apply.evidence import evidence_of
from qflow_gitops.apply.job import Job, LaunchOptions
from qflow_gitops.apply.launch import Launch
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.planner import Planner
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.polling import Watch, watch_of
from qflow_gitops.apply.preconditions import REWRITTEN
from qflow_gitops.apply.prepare import prepare
from qflow_gitops.apply.replanning import Agreed
from qflow_gitops.apply.result import ApplyOutcome, applied_body, left_out, rescued, under_way
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import BusyError, QflowError
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.applies import applied
from qflow_gitops.results.report import Report
from qflow_gitops.sources import forgotten
from qflow_gitops.sources.lockseen import beginning


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
    if planned.plan.of(Action.RUN) or watches:
        try:
            yield from _launch(planner, planned, work, session)
        finally:
            _rescue(work, services, session)
    problems += work.result.problems
    left = left_out(work.result, session.lockfile)
    if left:
        problems.append(_left_to_others(left))
    if not services.stop():
        try:
            progress.advance(session, services, planned)
        except QflowError as problem:  # it must not hide what was done
            problems.append(problem)
    if work.result.opened and planned.plan.of(Action.HOLD):
        planned = _with_next_hints(planner, planned, session)
    body = applied_body(planned, session.lockfile, work, stamp(services.clock.now()))
    open_ones = forgotten.notes(session.lockfile, source.project)
    for note in open_ones:
        yield events.Said(note)
    return applied(body, source.specs.diagnostics, (*notes, *open_ones), problems)


_OF_THE_COMMIT = (Reason.UNMERGED, REWRITTEN)


def _with_next_hints(planner: Planner, planned: PlannedApply, session: LockSession) -> PlannedApply:
    """Say of what is still held what the next apply needs: retries and releases are used up.

    Those of the commit are not.
    """
    request = planner.request
    acks = {name: count for name, count in request.acks.items() if name in _OF_THE_COMMIT}
    rest = replace(request, acks=acks, retries=(), retry_failed=False)
    now = replace(planner, request=rest).plan_in(session).plan
    hints = {(change.key, change.reason): change.hint for change in now.of(Action.HOLD)}
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


def _launch(
    planner: Planner, planned: PlannedApply, work: ApplyOutcome, session: LockSession
) -> Generator[events.Event, None, None]:
    services, source = planner.services, planned.source
    qualys, gateway = Gateways(services.qualys, source.project).of(source.environment)
    qualys.connect()
    jobs = yield from _jobs(planner, planned, work, qualys, gateway)
    if jobs and session.created:
        yield events.Said(beginning(services.store.where, session.lockfile.lineage, source.project))
    options, agreed = _options(planner, work), Agreed.to(planner, planned, jobs)

    def launch_of(jobs: Sequence[Job], watches: Sequence[Watch]) -> Launch:
        return Launch(jobs, watches, options, agreed, session, qualys, services.clock)

    launch = launch_of(jobs, work.watches)
    work.result = launch.result
    yield from launch.run()
    _rescue(work, services, session)
    mine = [session.lockfile.attempts(env, run)[n - 1] for env, run, n in launch.result.opened]
    doubt = any(attempt.state is State.IN_DOUBT for attempt in mine)
    if doubt and not (services.stop() or work.lines):
        yield from _look_once(planner, work, session, launch_of)


def _rescue(work: ApplyOutcome, services: ApplyServices, session: LockSession) -> None:
    """Keep what could not be recorded, at once: whatever comes next may hang."""
    lines = rescued(work.result.unrecorded, session.lockfile)
    work.result.unrecorded.clear()
    if lines:
        work.kept = services.rescue(lines)
        work.lines += lines


def _look_once(
    planner: Planner,
    work: ApplyOutcome,
    session: LockSession,
    launch_of: Callable[[Sequence[Job], Sequence[Watch]], Launch],
) -> Generator[events.Event, None, None]:
    """Look for what this apply itself lost sight of, and wait for what is found."""
    result, source = work.result, planner.source
    reconciler = planner.services.reconciler(source.project)
    try:
        result.problems += yield from reconciler.settle(session, source.environment)
    except QflowError as problem:
        result.problems.append(problem)
        return
    found = [
        watch_of(env, run, attempt)
        for env, run, number in result.opened
        for attempt in (session.lockfile.attempts(env, run)[number - 1],)
        if attempt.state is State.ADOPTED
    ]
    again = launch_of([], found)
    yield from again.run()
    result.problems += again.result.problems
    result.unrecorded += again.result.unrecorded


def _options(planner: Planner, work: ApplyOutcome) -> LaunchOptions:
    request, settings = planner.request, planner.source.project.apply
    return LaunchOptions(
        concurrency=_concurrency(planner),
        wait=work.waited,
        timeout=request.timeout if request.timeout is not None else settings.timeout,
        stop_on_failure=settings.stop_on_failure,
        statuses=planner.source.project.statuses,
        stop=planner.services.stop,
        author=planner.services.author,
    )


def _concurrency(planner: Planner) -> int:
    return planner.request.concurrency or planner.source.project.apply.concurrency


def _jobs(
    planner: Planner, planned: PlannedApply, work: ApplyOutcome, qualys: Qualys, gateway: str
) -> Generator[events.Event, None, list[Job]]:
    due = planned.plan.of(Action.RUN)
    evidence = partial(evidence_of, planner, planned, planned.plan.digest)
    jobs, most = [], _concurrency(planner)
    for item in prepare(due, planned, qualys, gateway, evidence, most):
        if isinstance(item, Job):
            jobs.append(item)
        elif isinstance(item, Change):
            work.unknown = (*work.unknown, item)
        else:
            yield item
    return jobs
