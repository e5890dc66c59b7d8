"""Run what is due, at most once: plan, ask, check, then launch and record."""

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from qflow_gitops.apply import descent, events
from qflow_gitops.apply.admission import (
    admit,
    asked,
    check_follows,
    check_overtaken,
    left_alone,
    releases,
    still_needed,
    with_holds,
)
from qflow_gitops.apply.approvals import Approver
from qflow_gitops.apply.brakes import brake_of
from qflow_gitops.apply.launch import Job, Launch, Result, Terms
from qflow_gitops.apply.platforms import Gateways, one_environment
from qflow_gitops.apply.polling import watch_of
from qflow_gitops.apply.preconditions import (
    REWRITTEN,
    ApplyRequest,
    View,
    check,
    check_reason,
    uncommitted,
)
from qflow_gitops.apply.prepare import Before, prepare
from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.apply.result import Work, applied_body, left_out, rescued, under_way
from qflow_gitops.base import timezones
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import BusyError, LockError, QflowError, StaleError, UsageProblem
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.inheritance import Inheritance, Key
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Mark, Note
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import context, decide
from qflow_gitops.plan.change import Action, Change, Plan, Reason
from qflow_gitops.plan.context import Brakes, Context
from qflow_gitops.policy import rules
from qflow_gitops.policy.rules import Approval, Facts
from qflow_gitops.ports.clock import Clock, StopSignal
from qflow_gitops.ports.git import Branches, GitTree
from qflow_gitops.ports.lockfile import LockSession, LockStore, LostRace, Snapshot
from qflow_gitops.ports.pull_requests import PullRequests
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.applies import applied
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import (
    folders,
    forgotten,
    lostsettings,
    narrowing,
)
from qflow_gitops.sources import (
    settings as projectfile,
)
from qflow_gitops.sources import (
    specs as reading,
)
from qflow_gitops.sources.lockseen import beginning, seen
from qflow_gitops.sources.policies import NEW_RECORD, check_record
from qflow_gitops.sources.previous import previous_requests
from qflow_gitops.sources.runs import run_key
from qflow_gitops.sources.specs import all_specs

_ADVANCES = 20


@dataclass(frozen=True, slots=True)
class Edges:
    """What apply needs from outside.

    `qualys` connects to the platform of an environment; it is only called when something
    has to be sent or looked at. `freezes` gives those beside the lockfile's, as they are when
    it is called. `confirm` asks a person (True: go on). `author` and
    `evidence` are what is recorded about who did it. `rescue` keeps a record that could
    not be stored, and says where. `pulls` connects to the host of the pull requests. `ask`
    puts a question to a person, and is None where there is nobody to ask.
    """

    git: GitTree
    branches: Branches
    store: LockStore
    qualys: Callable[[str], tuple[Qualys, str]]
    clock: Clock
    stop: StopSignal
    freezes: Callable[[], tuple[Freeze, ...]]
    confirm: Callable[[Planned], bool]
    author: Mapping[str, str]
    evidence: Mapping[str, object]
    rescue: Callable[[str], str]
    pulls: Callable[[], PullRequests]
    ask: Callable[[str], bool] | None = None


def apply(request: ApplyRequest, edges: Edges) -> Generator[events.Event, None, Report]:
    """Apply a commit. Raises QflowError for what stops it before anything was sent."""
    head = edges.git.resolve(request.head)
    settings = projectfile.settings(edges.git, head, request.platform, fetch=True)
    project = settings.project
    environment = one_environment(project, request.environment)
    specs = all_specs(edges.git, head, project)  # a commit's: read once, they can't change
    snapshot = edges.store.read()
    empty = Planned(Plan((), {}), head, "", full=True, lock=seen(snapshot))
    known = snapshot.lockfile or Lockfile("")
    lostsettings.check_kept(edges.git, settings, known, head)
    specs = folders.checked(specs, edges.git, head, project, known)
    released = request.acks.get(NEW_RECORD) == 1 and bool(request.reason.strip())
    check_record(edges.git, project, known, head, released=released)
    check_reason(request)
    found = admit(request, edges.git, edges.branches, project, known, environment, head)
    source = View(
        empty, Lockfile(""), project, environment, specs.diagnostics, specs, found.facts,
        found.let_go, found.absent, found.aside(request), request.reason,
    )  # fmt: skip
    if request.approved:
        base = known.environment(environment).applied_through
        base = base if edges.git.has_commit(base) else ""
        given = _approvals(request, edges, source, snapshot, base)
        source = replace(source, facts=found.facts._replace(approvals=given))
    first = _view(request, edges, source, snapshot)
    answer = asked(request, edges.ask, first)
    if answer != request:
        request = answer
        source = replace(source, aside=found.aside(answer), reason=answer.reason)
        first = _view(request, edges, source, snapshot)
    check(request, first)
    notes = (*uncommitted(edges.git, project, head), *left_alone(first))
    if request.retry_failed and context.RETRY not in request.acks:
        yield events.Said("No run failed, was cancelled or refused: there is nothing to retry.")
    for note in notes:
        yield events.Said(note)
    due = first.planned.plan.of(Action.RUN)
    yield events.Ready(first.planned, len(due))
    if due and not edges.confirm(first.planned):
        raise UsageProblem(
            "The plan was not confirmed.", not_done="Nothing was sent.", reason="not_confirmed"
        )
    report = None
    try:
        with edges.store.session() as session:
            report = yield from _locked(request, edges, first, session, notes)
    except LockError as problem:
        if report is None:
            raise
        return replace(report, exit_code=problem.exit_code, reason=problem.reason, error=problem)
    return report


def _approvals(
    request: ApplyRequest, edges: Edges, source: View, snapshot: Snapshot, base: str
) -> dict[Key, Approval]:
    """Look up who approved what would run but for the policy."""
    bare = _view(request, edges, replace(source, facts=Facts(())), snapshot)
    due = [one.spec for one in bare.planned.plan.thawed.of(Action.RUN) if one.spec]
    if not due:
        return {}
    approver = Approver(
        edges.git, edges.pulls(), source.project, source.project.lock.remote,
        request.platform, source.facts.policies, source.planned.commit,
    )  # fmt: skip
    return approver.approvals(due, bare.lockfile, base)


def _locked(
    request: ApplyRequest,
    edges: Edges,
    first: View,
    session: LockSession,
    notes: tuple[str, ...],
) -> Generator[events.Event, None, Report]:
    """Settle doubt, plan again on the newest record, and carry it out if it is still the same."""
    problems = yield from _reconciler(edges, first.project).settle(session, first.environment)
    view = _view(request, edges, first, _snapshot(session, edges))
    check_follows(request, edges.git, edges.branches, view)
    check(request, view)
    more = sorted(name for name, *_ in _due(view.planned.plan) - _due(first.planned.plan))
    if more:  # less is fine: another apply did it in the meantime
        raise StaleError(
            "What would run has changed since the plan was shown: now also "
            f"{', '.join(more[:5])}{' and others' if len(more) > 5 else ''}.",
            not_done="Nothing was sent.",
            hint="Look at it again: `qflow-gitops plan`",
            reason="stale_plan",
        )
    return (yield from _carry_out(request, edges, view, session, notes, problems))


def _reconciler(edges: Edges, project: Project) -> Reconciler:
    return Reconciler(
        Gateways(edges.qualys, project),
        edges.clock,
        partial(reading.sent_specs, edges.git, project),
    )


def _snapshot(session: LockSession, edges: Edges) -> Snapshot:
    empty = session.created and session.lockfile == Lockfile(session.lockfile.lineage)
    return Snapshot(None if empty else session.lockfile, edges.store.where)


def _due(made: Plan) -> set[tuple[str, str, str]]:
    """Name what would be sent: run, digest, and the very attempt that a retry releases."""
    return {(one.name, one.spec.digest, _retried(one)) for one in made.of(Action.RUN) if one.spec}


def _retried(one: Change) -> str:
    if one.reason is not Reason.RETRY or one.attempt is None:
        return ""
    return f"{one.attempt.opened_at} {one.attempt.number} {one.attempt.fact('nonce')}"


def _view(
    request: ApplyRequest,
    edges: Edges,
    source: View,
    snapshot: Snapshot,
    released: frozenset[Key] = frozenset(),
) -> View:
    """Plan from every spec of the commit and this record: apply never trusts a diff alone."""
    project, specs = source.project, source.specs
    known = snapshot.lockfile or Lockfile(project.lock.lineage)
    holding = (*freezes.recorded(known.freezes), *edges.freezes())
    context = Context(
        project=project,
        lockfile=known,
        environments=(source.environment,),
        brakes=Brakes(
            freezes=holding,
            retries=frozenset(run_key(run, project) for run in request.retries),
            retry_failed=request.retry_failed,
            acks=still_needed(request.acks, source),
            released=released,
        ),
        labels=request.labels,
        previous=previous_requests(edges.git, specs.specs, known, project),
        touched=frozenset(),
        now=stamp(edges.clock.now()),
        facts=source.facts._replace(now=edges.clock.now()),
        options=request.options,
    )
    context = with_holds(context, edges.git, source)
    planned = source.planned._replace(
        plan=decide.compute(specs, context),
        lock=seen(snapshot),
        names=project.connector_names([source.environment]),
        catalog=specs.catalog,
        freezes=holding,
    )
    return replace(source, planned=planned, lockfile=known)


# --- doing it ------------------------------------------------------------------------


def _carry_out(
    request: ApplyRequest,
    edges: Edges,
    view: View,
    session: LockSession,
    notes: tuple[str, ...],
    problems: list[QflowError],
) -> Generator[events.Event, None, Report]:
    wait = view.project.apply.wait if request.wait is None else request.wait
    watches = (
        under_way(session.lockfile, view.environment, Gateways(edges.qualys, view.project))
        if wait
        else []
    )
    work = Work(watches, wait)
    if view.planned.plan.of(Action.RUN) or watches:
        try:
            yield from _launch(request, work, edges, view, session)
        finally:
            _rescue(work, edges, session)
    problems += work.result.problems
    left = left_out(work.result, session.lockfile)
    if left:
        problems.append(_left_to_others(left))
    if not edges.stop():
        try:
            _advance(session, edges, view)
        except QflowError as problem:  # it must not hide what was done
            problems.append(problem)
    if work.result.opened and view.planned.plan.of(Action.HOLD):
        view = _with_next_hints(request, edges, view, session)
    body = applied_body(view, session.lockfile, work, stamp(edges.clock.now()))
    open_ones = forgotten.notes(session.lockfile, view.project)
    for note in open_ones:
        yield events.Said(note)
    return applied(body, view.found, (*notes, *open_ones), problems)


_OF_THE_COMMIT = (Reason.UNMERGED, REWRITTEN)


def _with_next_hints(request: ApplyRequest, edges: Edges, view: View, session: LockSession) -> View:
    """Say of what is still held what the next apply needs: retries and releases are used up.

    Those of the commit are not.
    """
    acks = {name: count for name, count in request.acks.items() if name in _OF_THE_COMMIT}
    rest = replace(request, acks=acks, retries=(), retry_failed=False)
    now = _view(rest, edges, view, _snapshot(session, edges)).planned.plan
    hints = {(one.key, one.reason): one.hint for one in now.of(Action.HOLD)}
    held = tuple(
        one._replace(hint=hints.get((one.key, one.reason), one.hint))
        for one in view.planned.plan.changes
    )
    made = view.planned.plan._replace(changes=held)
    return replace(view, planned=view.planned._replace(plan=made))


def _left_to_others(left: Sequence[Job]) -> BusyError:
    names = ", ".join(f"{one.change.environment}/{one.change.name}" for one in left[:5])
    return BusyError(
        "Another process wrote the record meanwhile, and by what it says these aren't due as they "
        f"were shown: {names}{' and others' if len(left) > 5 else ''}.",
        not_done="They were not sent by this apply.",
        hint="Look at it again: `qflow-gitops plan`",
        reason="elsewhere",
    )


def _launch(
    request: ApplyRequest, work: Work, edges: Edges, view: View, session: LockSession
) -> Generator[events.Event, None, None]:
    qualys, gateway = Gateways(edges.qualys, view.project).of(view.environment)
    qualys.connect()
    jobs = yield from _jobs(request, work, edges, view, qualys, gateway)
    if jobs and session.created:
        yield events.Said(beginning(edges.store.where, session.lockfile.lineage, view.project))
    terms = _terms(request, edges, view, work, session, qualys, jobs)
    work.result = Result()
    launch = Launch(jobs, work.watches, terms, session, qualys, edges.clock)
    work.result = launch.result
    yield from launch.run()
    _rescue(work, edges, session)
    mine = [session.lockfile.attempts(env, run)[n - 1] for env, run, n in launch.result.opened]
    if any(one.state is State.IN_DOUBT for one in mine) and not (edges.stop() or work.lines):
        yield from _look_once(terms, work, edges, view, session, qualys)


def _rescue(work: Work, edges: Edges, session: LockSession) -> None:
    """Keep what could not be recorded, at once: whatever comes next may hang."""
    lines = rescued(work.result.unrecorded, session.lockfile)
    work.result.unrecorded.clear()
    if lines:
        work.kept = edges.rescue(lines)
        work.lines += lines


def _look_once(
    terms: Terms, work: Work, edges: Edges, view: View, session: LockSession, qualys: Qualys
) -> Generator[events.Event, None, None]:
    """Look for what this apply itself lost sight of, and wait for what is found."""
    result = work.result
    try:
        result.problems += yield from _reconciler(edges, view.project).settle(
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
    again = Launch([], found, terms, session, qualys, edges.clock)
    yield from again.run()
    result.problems += again.result.problems
    result.unrecorded += again.result.unrecorded


def _concurrency(request: ApplyRequest, view: View) -> int:
    return request.concurrency or view.project.apply.concurrency


def _jobs(
    request: ApplyRequest, work: Work, edges: Edges, view: View, qualys: Qualys, gateway: str
) -> Generator[events.Event, None, list[Job]]:
    due = view.planned.plan.of(Action.RUN)
    common = {"planDigest": request.digest or view.planned.plan.digest, **edges.evidence}
    evidence = partial(_evidence, request, edges, view, common)
    jobs = []
    most = _concurrency(request, view)
    for one in prepare(due, view, edges.git, qualys, gateway, evidence, most):
        if isinstance(one, Job):
            jobs.append(one)
        elif isinstance(one, Change):
            work.unknown = (*work.unknown, one)
        else:
            yield one
    return jobs


def _evidence(
    request: ApplyRequest, edges: Edges, view: View, common: Mapping[str, object], one: Change
) -> dict[str, object]:
    """Say what allowed a run: the plan, the pull request, and what a person released."""
    found = dict(common)
    if any(one.windows for one in view.facts.policies):
        found["timeZones"] = timezones.version()
    approval = (view.facts.approvals or {}).get(one.key)
    if approval and approval.pull_request:
        found["pullRequest"] = approval.pull_request
        found["approvers"] = list(approval.approvers)
    names = (*one.released, *({NEW_RECORD, REWRITTEN} & set(request.acks)))
    released = [{"hold": name, "count": request.acks.get(name, 0)} for name in names]
    if one.reason is Reason.RETRY and context.RETRY not in one.released:
        released.append({"hold": context.RETRY})
    said = {"by": edges.author.get("actor", ""), "reason": request.reason}
    more = {name: value for name, value in said.items() if value}
    if released:
        found["released"] = [{**each, **more} for each in released]
    return found


def _terms(
    request: ApplyRequest,
    edges: Edges,
    view: View,
    work: Work,
    session: LockSession,
    qualys: Qualys,
    jobs: Sequence[Job],
) -> Terms:
    settings, most = view.project.apply, _concurrency(request, view)
    upcoming = tuple(dict.fromkeys(str(one.facts["workflowId"]) for one in jobs))
    allowed = _due(view.planned.plan)
    # by count, and fewer by now
    released = frozenset(one.change.key for one in jobs if one.change.released)

    def still_due(lockfile: Lockfile) -> frozenset[Key]:
        newer = _view(request, edges, view, Snapshot(lockfile, edges.store.where), released)
        check_overtaken(edges.git, edges.branches, newer)
        due = _due(newer.planned.plan.thawed)  # what a freeze puts off, nobody else has taken
        return frozenset((view.environment, one[0]) for one in due if one in allowed)

    return Terms(
        concurrency=most,
        wait=work.waited,
        timeout=request.timeout if request.timeout is not None else settings.timeout,
        stop_on_failure=settings.stop_on_failure,
        statuses=view.project.statuses,
        stop=edges.stop,
        brake=brake_of(session, edges.freezes, _closed(edges, view, jobs)),
        author=edges.author,
        still_due=still_due,
        before=Before(qualys, edges.clock, upcoming, most),
        mark=lambda lockfile: Mark(
            view.environment,
            "" if view.aside else view.planned.commit,
            notes=_noted(view, lockfile, edges),
        ),
    )


def _closed(edges: Edges, view: View, jobs: Sequence[Job]) -> Callable[[], str]:
    """Say, whenever it is asked, which window keeps the runs from being sent; "" for none."""
    if any("window" in one.change.released for one in jobs):
        return lambda: ""
    return lambda: rules.closed(view.facts.policies, view.environment, edges.clock.now())


def _advance(session: LockSession, edges: Edges, view: View) -> None:
    """Move `latest`, and `appliedThrough` where nothing due is left, if that says anything new.

    Never to a commit that no branch has: the branches would not descend from it.
    """
    for _ in range(0 if view.aside else _ADVANCES):
        mark = _reached(session.lockfile, edges, view)
        if mark is None:
            return
        with contextlib.suppress(LostRace):
            session.record([], mark)
            return


_WAITING = (Reason.RENAMED, Reason.SAME_REQUEST, Reason.PLATFORM, Reason.INVALID)


def _is_open(one: Change, inheritance: Inheritance) -> bool:
    """Whether a run still waits for its attempt; an earlier request's doubt is not its own."""
    if one.action is Action.RUN or one.reason in _WAITING:
        return True
    return one.spec is not None and not any(
        each.attempt.counted and each.attempt.digest == one.spec.digest
        for each in inheritance.attempts(one.key)
    )


def _reached(lockfile: Lockfile, edges: Edges, view: View) -> Mark | None:
    head, record = view.planned.commit, lockfile.environment(view.environment)
    left = record.latest in ("", view.let_go)
    if not left and not descent.follows(edges.git, record.latest, head):
        return None  # another apply went further meanwhile
    rest = decide.compute(
        view.specs,
        Context(view.project, lockfile, (view.environment,), touched=frozenset()),
    )
    specs = view.specs
    inheritance = Inheritance(lockfile, view.project, specs.specs, specs.invalid)
    held = any(one.reason is Reason.EMPTY for one in view.planned.plan.changes)
    done = not held and not any(_is_open(one, inheritance) for one in rest.changes)
    notes = _noted(view, lockfile, edges)
    through = head if done and not has_errors(view.found) else record.applied_through
    if (record.latest, record.applied_through) == (head, through) and not notes:
        return None
    nothing_new = not left and record.applied_through == record.latest and done and not notes
    if nothing_new and not narrowing.touched_files(edges.git, record.latest, head, view.project):
        return None  # a commit of the lockfile itself, say, is no reason to write it again
    return Mark(view.environment, head, through or None, notes)


def _noted(view: View, lockfile: Lockfile, edges: Edges) -> tuple[Note, ...]:
    """Say which names were carried over, and what was released, as far as that isn't recorded."""
    specs, at = view.specs, stamp(edges.clock.now())
    inheritance = Inheritance(lockfile, view.project, specs.specs, specs.invalid)
    carried = inheritance.notes(view.environment, at, edges.author)
    return (*carried, *releases(lockfile, view, at, edges.author))
