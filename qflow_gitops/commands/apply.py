"""Run what is due, at most once: plan, ask, check, then launch and record."""

from collections.abc import Generator
from dataclasses import replace

from qflow_gitops.apply import events
from qflow_gitops.apply.admission import admit, asked, check_follows, left_alone
from qflow_gitops.apply.approvals import Approver
from qflow_gitops.apply.carry_out import carry_out
from qflow_gitops.apply.platforms import one_environment
from qflow_gitops.apply.preconditions import (
    ApplyRequest,
    PlannedApply,
    check,
    check_reason,
    uncommitted,
)
from qflow_gitops.apply.view import ApplyServices, due_in, reconciler_of, snapshot_of, view_of
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import LockError, StaleError, UsageProblem
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan import context
from qflow_gitops.plan.change import Action, Plan
from qflow_gitops.policy.rules import Approval, PolicyContext
from qflow_gitops.ports.lockfile import LockSession, Snapshot
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.sources import folders, lostsettings
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.lockseen import seen
from qflow_gitops.sources.policies import NEW_RECORD, check_record
from qflow_gitops.sources.specs import all_specs


def apply(request: ApplyRequest, services: ApplyServices) -> Generator[events.Event, None, Report]:
    """Apply a commit. Raises QflowError for what stops it before anything was sent."""
    head = services.git.resolve(request.head)
    settings = projectfile.settings(services.git, head, request.platform, fetch=True)
    project = settings.project
    environment = one_environment(project, request.environment)
    specs = all_specs(services.git, head, project)  # a commit's: read once, they can't change
    snapshot = services.store.read()
    empty = Planned(Plan((), {}), head, "", full=True, lock=seen(snapshot))
    known = snapshot.lockfile or Lockfile("")
    lostsettings.check_kept(services.git, settings, known, head)
    specs = folders.checked(specs, services.git, head, project, known)
    released = request.acks.get(NEW_RECORD) == 1 and bool(request.reason.strip())
    check_record(services.git, project, known, head, released=released)
    check_reason(request)
    found = admit(request, services.git, services.branches, project, known, environment, head)
    source = PlannedApply(
        empty, Lockfile(""), project, environment, specs.diagnostics, specs, found.facts,
        found.let_go, found.absent, found.aside(request), request.reason,
    )  # fmt: skip
    if request.approved:
        base = known.environment(environment).applied_through
        base = base if services.git.has_commit(base) else ""
        given = _approvals(request, services, source, snapshot, base)
        source = replace(source, facts=found.facts._replace(approvals=given))
    first = view_of(request, services, source, snapshot)
    answer = asked(request, services.ask, first)
    if answer != request:
        request = answer
        source = replace(source, aside=found.aside(answer), reason=answer.reason)
        first = view_of(request, services, source, snapshot)
    check(request, first)
    notes = (*uncommitted(services.git, project, head), *left_alone(first))
    if request.retry_failed and context.RETRY not in request.acks:
        yield events.Said("No run failed, was cancelled or refused: there is nothing to retry.")
    for note in notes:
        yield events.Said(note)
    due = first.planned.plan.of(Action.RUN)
    yield events.Ready(first.planned, len(due))
    if due and not services.confirm(first.planned):
        raise UsageProblem(
            "The plan was not confirmed.", not_done="Nothing was sent.", reason="not_confirmed"
        )
    report = None
    try:
        with services.store.session() as session:
            report = yield from _locked(request, services, first, session, notes)
    except LockError as problem:
        if report is None:
            raise
        return replace(report, exit_code=problem.exit_code, reason=problem.reason, error=problem)
    return report


def _approvals(
    request: ApplyRequest,
    services: ApplyServices,
    source: PlannedApply,
    snapshot: Snapshot,
    base: str,
) -> dict[RunKey, Approval]:
    """Look up who approved what would run but for the policy."""
    bare = view_of(request, services, replace(source, facts=PolicyContext(())), snapshot)
    due = [change.spec for change in bare.planned.plan.thawed.of(Action.RUN) if change.spec]
    if not due:
        return {}
    approver = Approver(
        services.git, services.pulls(), source.project, source.project.lock.remote,
        request.platform, source.facts.policies, source.planned.commit,
    )  # fmt: skip
    return approver.approvals(due, bare.lockfile, base)


def _locked(
    request: ApplyRequest,
    services: ApplyServices,
    first: PlannedApply,
    session: LockSession,
    notes: tuple[str, ...],
) -> Generator[events.Event, None, Report]:
    """Settle doubt, plan again on the newest record, and carry it out if it is still the same."""
    problems = yield from reconciler_of(services, first.project).settle(session, first.environment)
    view = view_of(request, services, first, snapshot_of(session, services))
    check_follows(request, services.git, services.branches, view)
    check(request, view)
    more = sorted(name for name, *_ in due_in(view.planned.plan) - due_in(first.planned.plan))
    if more:  # less is fine: another apply did it in the meantime
        raise StaleError(
            "What would run has changed since the plan was shown: now also "
            f"{', '.join(more[:5])}{' and others' if len(more) > 5 else ''}.",
            not_done="Nothing was sent.",
            hint="Look at it again: `qflow-gitops plan`",
            reason="stale_plan",
        )
    return (yield from carry_out(request, services, view, session, notes, problems))
