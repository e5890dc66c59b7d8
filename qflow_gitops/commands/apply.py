"""Run what is due, at most once: plan, ask, check, then launch and record."""

from collections.abc import Generator
from dataclasses import replace
from functools import partial

from qflow_gitops.apply import belonging, events
from qflow_gitops.apply.admission import Admission, admit, asked, check_follows, left_alone
from qflow_gitops.apply.approvals import Approver, unread
from qflow_gitops.apply.carry_out import carry_out
from qflow_gitops.apply.failures import with_steps
from qflow_gitops.apply.notices import carried
from qflow_gitops.apply.planned import ApplySource, PlannedApply, due_in
from qflow_gitops.apply.planner import Planner
from qflow_gitops.apply.platforms import Gateways, one_environment
from qflow_gitops.apply.preconditions import ApplyRequest, check, check_reason, uncommitted
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.apply.tickets import Desk
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import (
    AuthError,
    LockError,
    StaleError,
    UnreachableError,
    UsageProblem,
)
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import context
from qflow_gitops.plan.change import Action
from qflow_gitops.policy.approvals import Approval
from qflow_gitops.policy.rules import PolicyContext, asks_for_approvals, ticket_rules
from qflow_gitops.ports.lockfile import LockSession, Snapshot
from qflow_gitops.results.report import Report
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.inputs import Inputs, read_inputs
from qflow_gitops.sources.lockseen import held
from qflow_gitops.sources.orphans import orphans
from qflow_gitops.sources.policies import NEW_RECORD, check_record
from qflow_gitops.sources.reverted import check_newest
from qflow_gitops.sources.runs import environments_of


def apply(
    request: ApplyRequest, services: ApplyServices, settings: Settings
) -> Generator[events.Event, None, Report]:
    """Apply a commit, whose settings were read. Raises QflowError for what stops it.

    Then nothing was sent.
    """
    head = services.git.resolve(request.head)
    names = environments_of(request.runs, settings.project, request.environment)
    environment = one_environment(settings.project, names[0] if len(names) == 1 else "")
    inputs = read_inputs(services.git, head, settings, services.store.read(), services.loader)
    found = _admitted(request, services, inputs, environment)
    planner = _planner(request, services, inputs, environment, found)
    planner.look_up_tickets(inputs.recorded)
    first = planner.plan(inputs.recorded)
    answer = asked(request, services.ask, first)
    if answer != request:
        planner = planner.for_request(answer, aside=found.aside(answer))
        planner.look_up_tickets(inputs.recorded)
        first = planner.plan(inputs.recorded)
    check(answer, first)
    belonging.check_own(services.remembered(), services.store.where, first)
    notes = (*uncommitted(services.git, inputs.project, head), *left_alone(first))
    yield from _told(answer, first, notes)
    if first.plan.due:
        if not services.confirm(first.body):
            raise UsageProblem(
                "The plan was not confirmed.", not_done="Nothing was sent.", reason="not_confirmed"
            )
        Gateways(services.qualys, inputs.project).start_connecting(environment)
    report = None
    try:
        with services.store.session() as session:
            steps = _locked(planner, first, session, notes)
            report = yield from carried(steps, session, services.courier)
    except LockError as problem:
        if report is None:
            raise
        return replace(report, exit_code=problem.exit_code, reason=problem.reason, error=problem)
    return (
        yield from with_steps(report, services, inputs.project)
    )  # nobody else has to wait for it


def _admitted(
    request: ApplyRequest, services: ApplyServices, inputs: Inputs, environment: str
) -> Admission:
    """Find out whether the commit may be applied at all, and by which rules."""
    project, lockfile, head = inputs.project, inputs.lockfile, inputs.commit
    check_reason(request)
    belonging.check(request, services.store, lockfile)
    released = request.acks.get(NEW_RECORD) == 1
    left = partial(orphans, services.git, services.branches, services.store_of, project, head)
    check_record(services.git, project, lockfile, head, released=released, orphans=left)
    check_newest(services.git, project, lockfile, head)
    return admit(request, services.git, services.branches, project, lockfile, environment, head)


def _planner(
    request: ApplyRequest,
    services: ApplyServices,
    inputs: Inputs,
    environment: str,
    found: Admission,
) -> Planner:
    """Put together what plans the commit for a request, with who approved what if that counts."""
    source = ApplySource(
        inputs.project, environment, inputs.commit, inputs.specs, found.facts,
        found.let_go, found.absent, found.aside(request), request.reason,
    )  # fmt: skip
    desk = Desk(services.tickets, services.clock, services.stop)
    needed = bool(ticket_rules(found.facts.policies))
    planner = Planner(request, services, source, desk if needed else None)
    if not (request.approved or (request.unattended and asks_for_approvals(found.facts))):
        return planner
    base = inputs.lockfile.environment(environment).applied_through
    base = base if services.git.has_commit(base) else ""
    given = _approvals(planner, inputs.recorded, base)
    return planner.with_facts(found.facts._replace(approvals=given))


def _approvals(planner: Planner, recorded: Snapshot, base: str) -> dict[RunKey, Approval]:
    """Look up who approved what would run but for the policy.

    Where nobody watches, what can't be asked holds it, and ends nothing.
    """
    services, source = planner.services, planner.source
    bare = planner.with_facts(PolicyContext(())).plan(recorded)
    due = [change.spec for change in bare.plan.thawed.due if change.spec]
    if not due:
        return {}
    try:
        approver = Approver(
            services.history, services.pulls(), source.project, source.project.lock.remote,
            planner.request.platform, source.facts.policies, source.commit,
        )  # fmt: skip
        return approver.approvals(due, bare.lockfile, base)
    except (AuthError, UnreachableError, UsageProblem) as problem:
        if not planner.request.unattended:
            raise
        return unread(due, problem, source.project.folder.settings, source.environment)


def _told(
    request: ApplyRequest, first: PlannedApply, notes: tuple[str, ...]
) -> Generator[events.Event, None, None]:
    """Say what a person should know, then the plan."""
    if request.retry_failed and context.RETRY not in request.acks:
        none = (
            "No run is known to have failed, was cancelled or refused: there is nothing to retry."
        )
        yield events.Said(none)
        attempts = [change.attempt for change in first.plan.changes if change.attempt]
        if any(attempt.state is State.ENDED for attempt in attempts):
            yield events.Said("What ended unexplained is sent again by its own name only.")
    for note in notes:
        yield events.Said(note)
    yield events.Ready(first.body, len(first.plan.of(Action.RUN)))


def _locked(
    planner: Planner, first: PlannedApply, session: LockSession, notes: tuple[str, ...]
) -> Generator[events.Event, None, Report]:
    """Settle doubt, plan again on the newest record, and carry it out if it is still the same."""
    request, services, source = planner.request, planner.services, planner.source
    at = stamp(services.clock.now())
    if said := belonging.settle_in(request, services.store, session, at, services.author):
        yield events.Said(said)
    reconciler = services.reconciler(source.project)
    problems = yield from reconciler.settle(session, source.environment)
    planner.look_up_tickets(held(session, services.store.where))
    planned = planner.plan_in(session)
    check_follows(request, services.git, services.branches, planned)
    check(request, planned)
    more = sorted(name for name, *_ in due_in(planned.plan.due) - due_in(first.plan.due))
    if more:  # less is fine: another apply did it in the meantime
        raise StaleError(
            "What would run has changed since the plan was shown: now also "
            f"{', '.join(more[:5])}{' and others' if len(more) > 5 else ''}.",
            not_done="Nothing was sent.",
            hint="Look at it again: `qflow-gitops plan`",
            reason="stale_plan",
        )
    return (yield from carry_out(planner, planned, session, notes, problems))
