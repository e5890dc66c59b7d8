"""Carry a plan out that was agreed to: launch, record how far it came, report."""

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from qflow_gitops.apply import descent, events
from qflow_gitops.apply.admission import check_overtaken, releases
from qflow_gitops.apply.brakes import brake_of
from qflow_gitops.apply.launch import Job, Launch, LaunchOptions, Result
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.polling import watch_of
from qflow_gitops.apply.preconditions import REWRITTEN, ApplyRequest, PlannedApply
from qflow_gitops.apply.prepare import KnownExecutions, prepare
from qflow_gitops.apply.result import ApplyOutcome, applied_body, left_out, rescued, under_way
from qflow_gitops.apply.view import ApplyServices, due_in, reconciler_of, snapshot_of, view_of
from qflow_gitops.base import timezones
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import BusyError, QflowError
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.inheritance import Inheritance
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint, Note
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import context, decide
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.plan.context import Context
from qflow_gitops.policy import rules
from qflow_gitops.ports.lockfile import LockSession, LostRace, Snapshot
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.applies import applied
from qflow_gitops.results.report import Report
from qflow_gitops.sources import forgotten, narrowing
from qflow_gitops.sources.lockseen import beginning
from qflow_gitops.sources.policies import NEW_RECORD

_ADVANCES = 20


def carry_out(
    request: ApplyRequest,
    services: ApplyServices,
    view: PlannedApply,
    session: LockSession,
    notes: tuple[str, ...],
    problems: list[QflowError],
) -> Generator[events.Event, None, Report]:
    """Send what is due, record how far it came, and report."""
    wait = view.project.apply.wait if request.wait is None else request.wait
    watches = (
        under_way(session.lockfile, view.environment, Gateways(services.qualys, view.project))
        if wait
        else []
    )
    work = ApplyOutcome(watches, wait)
    if view.planned.plan.of(Action.RUN) or watches:
        try:
            yield from _launch(request, work, services, view, session)
        finally:
            _rescue(work, services, session)
    problems += work.result.problems
    left = left_out(work.result, session.lockfile)
    if left:
        problems.append(_left_to_others(left))
    if not services.stop():
        try:
            _advance(session, services, view)
        except QflowError as problem:  # it must not hide what was done
            problems.append(problem)
    if work.result.opened and view.planned.plan.of(Action.HOLD):
        view = _with_next_hints(request, services, view, session)
    body = applied_body(view, session.lockfile, work, stamp(services.clock.now()))
    open_ones = forgotten.notes(session.lockfile, view.project)
    for note in open_ones:
        yield events.Said(note)
    return applied(body, view.found, (*notes, *open_ones), problems)


_OF_THE_COMMIT = (Reason.UNMERGED, REWRITTEN)


def _with_next_hints(
    request: ApplyRequest, services: ApplyServices, view: PlannedApply, session: LockSession
) -> PlannedApply:
    """Say of what is still held what the next apply needs: retries and releases are used up.

    Those of the commit are not.
    """
    acks = {name: count for name, count in request.acks.items() if name in _OF_THE_COMMIT}
    rest = replace(request, acks=acks, retries=(), retry_failed=False)
    now = view_of(rest, services, view, snapshot_of(session, services)).planned.plan
    hints = {(change.key, change.reason): change.hint for change in now.of(Action.HOLD)}
    held = tuple(
        change._replace(hint=hints.get((change.key, change.reason), change.hint))
        for change in view.planned.plan.changes
    )
    made = view.planned.plan._replace(changes=held)
    return replace(view, planned=view.planned._replace(plan=made))


def _left_to_others(left: Sequence[Job]) -> BusyError:
    names = ", ".join(f"{job.change.environment}/{job.change.name}" for job in left[:5])
    return BusyError(
        "Another process wrote the lockfile meanwhile, and by it these aren't due as they "
        f"were shown: {names}{' and others' if len(left) > 5 else ''}.",
        not_done="They were not sent by this apply.",
        hint="Look at it again: `qflow-gitops plan`",
        reason="elsewhere",
    )


def _launch(
    request: ApplyRequest,
    work: ApplyOutcome,
    services: ApplyServices,
    view: PlannedApply,
    session: LockSession,
) -> Generator[events.Event, None, None]:
    qualys, gateway = Gateways(services.qualys, view.project).of(view.environment)
    qualys.connect()
    jobs = yield from _jobs(request, work, services, view, qualys, gateway)
    if jobs and session.created:
        yield events.Said(beginning(services.store.where, session.lockfile.lineage, view.project))
    terms = _terms(request, services, view, work, session, qualys, jobs)
    work.result = Result()
    launch = Launch(jobs, work.watches, terms, session, qualys, services.clock)
    work.result = launch.result
    yield from launch.run()
    _rescue(work, services, session)
    mine = [session.lockfile.attempts(env, run)[n - 1] for env, run, n in launch.result.opened]
    if any(attempt.state is State.IN_DOUBT for attempt in mine) and not (
        services.stop() or work.lines
    ):
        yield from _look_once(terms, work, services, view, session, qualys)


def _rescue(work: ApplyOutcome, services: ApplyServices, session: LockSession) -> None:
    """Keep what could not be recorded, at once: whatever comes next may hang."""
    lines = rescued(work.result.unrecorded, session.lockfile)
    work.result.unrecorded.clear()
    if lines:
        work.kept = services.rescue(lines)
        work.lines += lines


def _look_once(
    terms: LaunchOptions,
    work: ApplyOutcome,
    services: ApplyServices,
    view: PlannedApply,
    session: LockSession,
    qualys: Qualys,
) -> Generator[events.Event, None, None]:
    """Look for what this apply itself lost sight of, and wait for what is found."""
    result = work.result
    try:
        result.problems += yield from reconciler_of(services, view.project).settle(
            session, view.environment
        )
    except QflowError as problem:
        result.problems.append(problem)
        return
    found = [
        watch_of(env, run, attempt)
        for env, run, number in result.opened
        for attempt in (session.lockfile.attempts(env, run)[number - 1],)
        if attempt.state is State.ADOPTED
    ]
    again = Launch([], found, terms, session, qualys, services.clock)
    yield from again.run()
    result.problems += again.result.problems
    result.unrecorded += again.result.unrecorded


def _concurrency(request: ApplyRequest, view: PlannedApply) -> int:
    return request.concurrency or view.project.apply.concurrency


def _jobs(
    request: ApplyRequest,
    work: ApplyOutcome,
    services: ApplyServices,
    view: PlannedApply,
    qualys: Qualys,
    gateway: str,
) -> Generator[events.Event, None, list[Job]]:
    due = view.planned.plan.of(Action.RUN)
    common = {"planDigest": request.digest or view.planned.plan.digest, **services.evidence}
    evidence = partial(_evidence, request, services, view, common)
    jobs = []
    most = _concurrency(request, view)
    for item in prepare(due, view, services.git, qualys, gateway, evidence, most):
        if isinstance(item, Job):
            jobs.append(item)
        elif isinstance(item, Change):
            work.unknown = (*work.unknown, item)
        else:
            yield item
    return jobs


def _evidence(
    request: ApplyRequest,
    services: ApplyServices,
    view: PlannedApply,
    common: Mapping[str, object],
    change: Change,
) -> dict[str, object]:
    """Say what allowed a run: the plan, the pull request, and what a person released."""
    found = dict(common)
    if any(policy.windows for policy in view.facts.policies):
        found["timeZones"] = timezones.version()
    approval = (view.facts.approvals or {}).get(change.key)
    if approval and approval.pull_request:
        found["pullRequest"] = approval.pull_request
        found["approvers"] = list(approval.approvers)
    names = (*change.released, *({NEW_RECORD, REWRITTEN} & set(request.acks)))
    released = [{"hold": name, "count": request.acks.get(name, 0)} for name in names]
    if change.reason is Reason.RETRY and context.RETRY not in change.released:
        released.append({"hold": context.RETRY})
    said = {"by": services.author.get("actor", ""), "reason": request.reason}
    more = {name: value for name, value in said.items() if value}
    if released:
        found["released"] = [{**each, **more} for each in released]
    return found


def _terms(
    request: ApplyRequest,
    services: ApplyServices,
    view: PlannedApply,
    work: ApplyOutcome,
    session: LockSession,
    qualys: Qualys,
    jobs: Sequence[Job],
) -> LaunchOptions:
    settings, most = view.project.apply, _concurrency(request, view)
    upcoming = tuple(dict.fromkeys(str(job.facts["workflowId"]) for job in jobs))
    allowed = due_in(view.planned.plan)
    # by count, and fewer by now
    released = frozenset(job.change.key for job in jobs if job.change.released)

    def still_due(lockfile: Lockfile) -> frozenset[RunKey]:
        newer = view_of(request, services, view, Snapshot(lockfile, services.store.where), released)
        check_overtaken(services.git, services.branches, newer)
        due = due_in(newer.planned.plan.thawed)  # what a freeze puts off, nobody else has taken
        return frozenset(
            (view.environment, name_and_digest[0])
            for name_and_digest in due
            if name_and_digest in allowed
        )

    return LaunchOptions(
        concurrency=most,
        wait=work.waited,
        timeout=request.timeout if request.timeout is not None else settings.timeout,
        stop_on_failure=settings.stop_on_failure,
        statuses=view.project.statuses,
        stop=services.stop,
        brake=brake_of(session, services.freezes, _closed(services, view, jobs)),
        author=services.author,
        still_due=still_due,
        before=KnownExecutions(qualys, services.clock, upcoming, most),
        mark=lambda lockfile: Checkpoint(
            view.environment,
            "" if view.aside else view.planned.commit,
            notes=_noted(view, lockfile, services),
        ),
    )


def _closed(services: ApplyServices, view: PlannedApply, jobs: Sequence[Job]) -> Callable[[], str]:
    """Say, whenever it is asked, which window keeps the runs from being sent; "" for none."""
    if any("window" in job.change.released for job in jobs):
        return lambda: ""
    return lambda: rules.closed(view.facts.policies, view.environment, services.clock.now())


def _advance(session: LockSession, services: ApplyServices, view: PlannedApply) -> None:
    """Move `latest`, and `appliedThrough` where nothing due is left, if that says anything new.

    Never to a commit that no branch has: the branches would not descend from it.
    """
    for _ in range(0 if view.aside else _ADVANCES):
        mark = _reached(session.lockfile, services, view)
        if mark is None:
            return
        with contextlib.suppress(LostRace):
            session.record([], mark)
            return


_WAITING = (Reason.RENAMED, Reason.SAME_REQUEST, Reason.PLATFORM, Reason.INVALID)


def _is_open(change: Change, inheritance: Inheritance) -> bool:
    """Whether a run still waits for its attempt; an earlier request's doubt is not its own."""
    if change.action is Action.RUN or change.reason in _WAITING:
        return True
    return change.spec is not None and not any(
        each.attempt.counted and each.attempt.digest == change.spec.digest
        for each in inheritance.attempts(change.key)
    )


def _reached(lockfile: Lockfile, services: ApplyServices, view: PlannedApply) -> Checkpoint | None:
    head, record = view.planned.commit, lockfile.environment(view.environment)
    left = record.latest in ("", view.let_go)
    if not left and not descent.follows(services.git, record.latest, head):
        return None  # another apply went further meanwhile
    rest = decide.compute(
        view.specs,
        Context(view.project, lockfile, (view.environment,), touched=frozenset()),
    )
    specs = view.specs
    inheritance = Inheritance(lockfile, view.project, specs.specs, specs.invalid)
    held = any(change.reason is Reason.EMPTY for change in view.planned.plan.changes)
    done = not held and not any(_is_open(change, inheritance) for change in rest.changes)
    notes = _noted(view, lockfile, services)
    through = head if done and not has_errors(view.found) else record.applied_through
    if (record.latest, record.applied_through) == (head, through) and not notes:
        return None
    nothing_new = not left and record.applied_through == record.latest and done and not notes
    if nothing_new and not narrowing.touched_files(services.git, record.latest, head, view.project):
        return None  # a commit of the lockfile itself, say, is no reason to write it again
    return Checkpoint(view.environment, head, through or None, notes)


def _noted(view: PlannedApply, lockfile: Lockfile, services: ApplyServices) -> tuple[Note, ...]:
    """Say which names were carried over, and what was released, as far as that isn't recorded."""
    specs, at = view.specs, stamp(services.clock.now())
    inheritance = Inheritance(lockfile, view.project, specs.specs, specs.invalid)
    carried = inheritance.notes(view.environment, at, services.author)
    return (*carried, *releases(lockfile, view, at, services.author))
