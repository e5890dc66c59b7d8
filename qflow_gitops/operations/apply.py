"""Run what is due, at most once: plan, ask, check, then launch and record."""

import json
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qflow_gitops import plan
from qflow_gitops.diagnostics import has_errors
from qflow_gitops.errors import LockError, StaleError, UsageProblem
from qflow_gitops.interfaces import (
    Clock,
    GitTree,
    LockSession,
    LockStore,
    Qualys,
    StopSignal,
    TreeFile,
)
from qflow_gitops.lockfile import (
    DOUBTFUL,
    UNDER_WAY,
    Attempt,
    Event,
    Lockfile,
    State,
    Transition,
)
from qflow_gitops.lockformat import attempt_to_json
from qflow_gitops.operations import events, reading
from qflow_gitops.operations.checks import ApplyRequest, View, check, run_key, uncommitted
from qflow_gitops.operations.launch import Job, Launch, Result, Terms, Watch
from qflow_gitops.operations.plan import all_specs, chosen, connector_names, previous_requests, seen
from qflow_gitops.plan import Action, Brakes, Change, Context, Plan, Reason
from qflow_gitops.project import Project
from qflow_gitops.report import Applied, LockSeen, Outcome, Planned, Report, applied


@dataclass(frozen=True, slots=True)
class Edges:
    """What apply needs from outside.

    `qualys` connects to the platform of an environment; it is only called when something
    has to be sent or looked at. `confirm` asks a person (True: go on). `author` and
    `evidence` are what is recorded about who did it. `rescue` keeps a record that could
    not be stored, and says where.
    """

    git: GitTree
    store: LockStore
    where: str
    qualys: Callable[[str], tuple[Qualys, str]]
    clock: Clock
    stop: StopSignal
    freeze: Callable[[], str]
    confirm: Callable[[Planned], bool]
    author: Mapping[str, str]
    evidence: Mapping[str, object]
    rescue: Callable[[str], str]


def apply(request: ApplyRequest, edges: Edges) -> Generator[events.Event, None, Report]:
    """Apply a commit. Raises QflowError for what stops it before anything was sent."""
    head = edges.git.resolve(request.head)
    project = reading.settings(edges.git, head, request.platform)
    environment = _one_environment(project, request.environment)
    specs = all_specs(edges.git, head, project)  # a commit's: read once, they can't change
    empty = Planned(Plan((), {}), head, "", full=True, lock=LockSeen(edges.where, exists=False))
    source = View(empty, Lockfile(""), project, environment, specs.diagnostics, specs)
    first = _view(request, edges, source, edges.store.read())
    check(request, edges.git, first)
    notes = uncommitted(edges.git, project, head)
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


def _locked(
    request: ApplyRequest,
    edges: Edges,
    first: View,
    session: LockSession,
    notes: tuple[str, ...],
) -> Generator[events.Event, None, Report]:
    """Plan again while nobody else can write, and carry it out if it is still the same."""
    yield from _settle(session, first.environment, edges.clock)
    view = _view(request, edges, first, session.lockfile)
    check(request, edges.git, view)
    if not _due(view) <= _due(first):  # less is fine: another apply did it in the meantime
        raise StaleError(
            "What would run has changed since the plan was shown.",
            not_done="Nothing was sent.",
            hint="Look at it again: qflow-gitops plan",
            reason="stale_plan",
        )
    return (yield from _carry_out(request, edges, view, session, notes))


def _due(view: View) -> set[tuple[str, str]]:
    return {(one.name, one.spec.digest) for one in view.planned.plan.of(Action.RUN) if one.spec}


def _one_environment(project: Project, asked: str) -> str:
    environments = chosen(project, asked)
    if len(environments) > 1:
        raise UsageProblem(
            f"The project has several environments: {', '.join(environments)}.",
            not_done="Nothing was sent.",
            hint="Name one: qflow-gitops apply -e ENV",
            reason="environment_needed",
        )
    return environments[0]


def _view(request: ApplyRequest, edges: Edges, source: View, lockfile: Lockfile | None) -> View:
    """Plan from every spec of the commit and this record: apply never trusts a diff alone."""
    project, specs = source.project, source.specs
    known = lockfile or Lockfile(project.lock.lineage)
    context = Context(
        project=project,
        lockfile=known,
        environments=(source.environment,),
        brakes=Brakes(
            freeze=edges.freeze(),
            retries=frozenset(run_key(run, project) for run in request.retries),
            acks=request.acks,
        ),
        labels=request.labels,
        previous=previous_requests(edges.git, specs.specs, known, project),
        touched=frozenset(),
    )
    planned = replace(
        source.planned,
        plan=plan.compute(specs, context),
        lock=seen(lockfile, edges.where),
        names=connector_names(project, (source.environment,)),
        catalog=specs.catalog,
    )
    return replace(source, planned=planned, lockfile=known)


# --- doing it ------------------------------------------------------------------------


def _settle(
    session: LockSession, environment: str, clock: Clock
) -> Generator[events.Event, None, None]:
    """An intent that a process before us left may have been sent: it is in doubt.

    This process alone holds the record, so its owner is gone.
    """
    transitions = [
        Transition(
            environment,
            run,
            attempt.number,
            Event(
                _now(clock),
                State.IN_DOUBT,
                {"detail": "The apply that recorded the intent ended before its answer."},
            ),
        )
        for run, attempts in session.lockfile.environment(environment).runs.items()
        for attempt in attempts
        if attempt.state is State.INTENT
    ]
    session.record(transitions)
    for one in transitions:
        attempt = session.lockfile.attempts(environment, one.run)[one.number - 1]
        yield events.Moved(environment, one.run, attempt)


def _now(clock: Clock) -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class _Work:
    """What there is to do, and what came of it."""

    due: tuple[Change, ...]
    watches: list[Watch]
    waited: bool
    unknown: tuple[Change, ...] = ()
    result: Result = field(default_factory=Result)


def _carry_out(
    request: ApplyRequest,
    edges: Edges,
    view: View,
    session: LockSession,
    notes: tuple[str, ...],
) -> Generator[events.Event, None, Report]:
    terms = _terms(request, edges, view.project)
    watches = _under_way(session.lockfile, view.environment) if terms.wait else []
    work = _Work(view.planned.plan.of(Action.RUN), watches, terms.wait)
    if work.due or work.watches:
        yield from _launch(work, terms, edges, view, session)
    problems = list(work.result.problems)
    rescued = _rescue(work.result, edges, session.lockfile)
    try:
        _advance(session, edges, view)
    except LockError as problem:
        problems.append(problem)
    body = _applied(view, session.lockfile, work, rescued)
    return applied(body, view.found, notes, problems)


def _launch(
    work: _Work, terms: Terms, edges: Edges, view: View, session: LockSession
) -> Generator[events.Event, None, None]:
    qualys, gateway = edges.qualys(view.project.environments[view.environment].platform)
    qualys.connect()
    revisions = _revisions(qualys, work.due)
    known = []
    for one in work.due:
        held = _held_workflow(one, revisions, view)
        if held is None:
            known.append(one)
        else:
            work.unknown = (*work.unknown, held)
    yield from _other_revisions(known, revisions, view)
    evidence = {"planDigest": view.planned.plan.digest, **edges.evidence}
    commit = view.planned.commit
    files = edges.git.files(commit, sorted({one.spec.file for one in known if one.spec}))
    jobs = [_job(one, edges, view, session, revisions, files, gateway, evidence) for one in known]
    if jobs and session.created:
        yield events.Said(f"There was no record yet: {edges.where} is made now. Commit it.")
    if jobs:
        session.mark(view.environment, latest=commit, applied_through=None)
    launch = Launch(jobs, work.watches, terms, session, qualys, edges.clock)
    try:
        yield from launch.run()
    finally:
        work.result = launch.result


def _terms(request: ApplyRequest, edges: Edges, project: Project) -> Terms:
    settings = project.apply
    return Terms(
        concurrency=request.concurrency or settings.concurrency,
        wait=settings.wait if request.wait is None else request.wait,
        timeout=request.timeout if request.timeout is not None else settings.timeout,
        stop_on_failure=settings.stop_on_failure,
        statuses=project.statuses,
        stop=edges.stop,
        freeze=edges.freeze,
    )


def _under_way(lockfile: Lockfile, environment: str) -> list[Watch]:
    return [
        Watch(environment, run, attempt.number, attempt.execution_id)
        for run, attempts in lockfile.environment(environment).runs.items()
        for attempt in attempts
        if attempt.state in UNDER_WAY
    ]


def _workflow_id(one: Change) -> str:
    return one.spec.workflow_id if one.spec else ""


def _revisions(qualys: Qualys, due: Sequence[Change]) -> dict[str, str]:
    """Look at each workflow once, before anything is recorded; leave out the unknown ones."""
    revisions = {}
    for workflow_id in sorted({_workflow_id(one) for one in due}):
        details = qualys.workflow(workflow_id)
        if details is not None:
            revisions[workflow_id] = details.revision
    return revisions


def _held_workflow(one: Change, revisions: Mapping[str, str], view: View) -> Change | None:
    """Hold a run whose workflow isn't there, or isn't the one that the policy asks for."""
    workflow_id = _workflow_id(one)
    if workflow_id not in revisions:
        return _held(
            one,
            f"Qualys knows no workflow {workflow_id} (404), or hides it",
            "Mend `workflowId`, or have the workflow's tag added to your role in Qualys.",
        )
    if not view.project.policy.workflow_revision:
        return None
    expected, found = _catalog_revision(one, view), revisions[workflow_id]
    if expected and expected == found:
        return None
    detail = f"its workflow has the revision {found[:12] or 'unknown'}, the catalog says "
    return _held(
        one,
        detail + (expected[:12] or "none"),
        f"Look at the workflow in Qualys; then: qflow-gitops workflows pull {workflow_id}, commit.",
    )


def _held(one: Change, detail: str, hint: str) -> Change:
    return replace(one, action=Action.HOLD, reason=Reason.WORKFLOW, detail=detail, hint=hint)


def _catalog_revision(one: Change, view: View) -> str:
    known = view.specs.catalog.get(_workflow_id(one).lower())
    return known.revision if known else ""


def _other_revisions(
    due: Sequence[Change], revisions: Mapping[str, str], view: View
) -> Iterator[events.Event]:
    """Warn where a workflow was changed after the catalog was pulled."""
    for one in due:
        expected, found = _catalog_revision(one, view), revisions[_workflow_id(one)]
        if expected and expected != found:
            yield events.Said(
                f"{one.environment}/{one.name}: its workflow was changed since the catalog was "
                f"pulled (revision {found[:12]}, there {expected[:12]}); it is sent all the same."
            )


def _job(
    one: Change,
    edges: Edges,
    view: View,
    session: LockSession,
    revisions: Mapping[str, str],
    files: Mapping[bytes, TreeFile],
    gateway: str,
    evidence: Mapping[str, object],
) -> Job:
    spec = one.spec
    assert spec is not None  # noqa: S101  every change that runs has its spec
    entry = files.get(spec.file.encode())
    facts = {
        "workflowId": spec.workflow_id,
        "revision": revisions[spec.workflow_id],
        "platform": view.project.environments[view.environment].platform,
        "gateway": gateway,
        "file": spec.file,
        "commit": view.planned.commit,
        "blob": entry.blob if entry else "",
        "bodySha256": spec.body_sha256,
        "nonce": secrets.token_hex(16),
        "annotations": dict(spec.annotations),
        "evidence": {**evidence, **_revision_evidence(one, revisions, view)},
    }
    event = Event(_now(edges.clock), State.INTENT, {"by": dict(edges.author)})
    attempt = Attempt(
        number=len(session.lockfile.attempts(*one.key)) + 1,
        state=State.INTENT,
        digest=spec.digest,
        events=(event,),
        facts={name: value for name, value in facts.items() if value},
    )
    return Job(one, attempt, spec.body)


def _revision_evidence(one: Change, revisions: Mapping[str, str], view: View) -> dict[str, object]:
    expected = _catalog_revision(one, view)
    differs = expected and expected != revisions[_workflow_id(one)]
    return {"catalogRevision": expected} if differs else {}


def _advance(session: LockSession, edges: Edges, view: View) -> None:
    """Move `latest`, and `appliedThrough` where nothing due is left, if that says anything new."""
    head, record = view.planned.commit, session.lockfile.environment(view.environment)
    rest = plan.compute(
        view.specs,
        Context(view.project, session.lockfile, (view.environment,), touched=frozenset()),
    )
    waiting = {Reason.RENAMED, Reason.TARGET, Reason.INVALID}
    done = not rest.of(Action.RUN) and not any(one.reason in waiting for one in rest.changes)
    through = head if done and not has_errors(view.found) else record.applied_through
    if (record.latest, record.applied_through) == (head, through):
        return
    nothing_new = record.latest and record.applied_through == record.latest and done
    if nothing_new and not reading.touched_files(edges.git, record.latest, head, view.project):
        return  # a commit of the lockfile itself, say, is no reason to write it again
    session.mark(view.environment, latest=head, applied_through=through or None)


def _rescue(result: Result, edges: Edges, lockfile: Lockfile) -> str:
    """Keep the answers that the store didn't take, each with its whole attempt."""
    if not result.unrecorded:
        return ""
    entries = []
    for one in result.unrecorded:
        lockfile = lockfile.recorded([one])
        attempt = lockfile.attempts(one.environment, one.run)[one.number - 1]
        entries.append(
            {"environment": one.environment, "run": one.run, "attempt": attempt_to_json(attempt)}
        )
    return edges.rescue(json.dumps({"rescueVersion": 1, "attempts": entries}, indent=2) + "\n")


def _applied(view: View, lockfile: Lockfile, work: "_Work", rescued: str) -> Applied:
    """Put together what was done, and what was not."""
    held_back = {job.change.key for job in work.result.not_started}
    held_back |= {one.key for one in work.unknown}
    started = [one for one in work.due if one.key not in held_back]
    outcomes = [Outcome(*one.key, lockfile.attempts(*one.key)[-1], one.spec) for one in started]
    keys = {one.key for one in started}
    for one in work.watches:
        if (one.environment, one.name) not in keys:
            attempt = lockfile.attempts(one.environment, one.name)[one.number - 1]
            outcomes.append(Outcome(one.environment, one.name, attempt))
    why = work.result.why_stopped
    return Applied(
        planned=view.planned,
        environment=view.environment,
        platform=view.project.environments[view.environment].platform,
        outcomes=tuple(outcomes),
        not_started=(
            *work.unknown,
            *(_not_started(j.change, why) for j in work.result.not_started),
        ),
        doubts=_doubts(lockfile, view.environment),
        rescued=rescued,
        waited=work.waited,
    )


def _not_started(one: Change, why: str) -> Change:
    return replace(
        one,
        action=Action.HOLD,
        reason=Reason.FROZEN if why.startswith("QFLOW_FREEZE") else Reason.STOPPED,
        detail=f"not started: {why}",
        hint="It is due again at the next apply.",
    )


def _doubts(lockfile: Lockfile, environment: str) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(environment, run, attempt)
        for run, attempts in sorted(lockfile.environment(environment).runs.items())
        for attempt in attempts
        if attempt.state in DOUBTFUL
    )
