"""What an apply is computed from: its edges, the lockfile as it is now, the plan of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from qflow_gitops.apply.admission import still_needed, with_holds
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.preconditions import ApplyRequest, PlannedApply
from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan import decide
from qflow_gitops.plan.change import Action, Change, Plan, Reason
from qflow_gitops.plan.context import Context, Overrides
from qflow_gitops.ports.clock import Clock, StopSignal
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.ports.lockfile import LockSession, LockStore, Snapshot
from qflow_gitops.ports.pull_requests import PullRequests
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.plans import Planned
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.lockseen import seen
from qflow_gitops.sources.previous import previous_requests
from qflow_gitops.sources.runs import run_key


@dataclass(frozen=True, slots=True)
class ApplyServices:
    """What apply needs from outside.

    `qualys` connects to the platform of an environment; it is only called when something
    has to be sent or looked at. `freezes` gives those beside the lockfile's, as they are when
    it is called. `confirm` asks a person (True: go on). `author` and
    `evidence` are what is recorded about who did it. `rescue` keeps a record that could
    not be stored, and says where. `pulls` connects to the host of the pull requests. `ask`
    puts a question to a person, and is None where there is nobody to ask.
    """

    git: Repository
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


def reconciler_of(services: ApplyServices, project: Project) -> Reconciler:
    """Build what settles the doubts of a project."""
    return Reconciler(
        Gateways(services.qualys, project),
        services.clock,
        partial(reading.sent_specs, services.git, project),
    )


def snapshot_of(session: LockSession, services: ApplyServices) -> Snapshot:
    """Return what a session holds, as if it had just been read."""
    empty = session.created and session.lockfile == Lockfile(session.lockfile.lineage)
    return Snapshot(None if empty else session.lockfile, services.store.where)


def due_in(made: Plan) -> set[tuple[str, str, str]]:
    """Name what would be sent: run, digest, and the very attempt that a retry releases."""
    return {
        (change.name, change.spec.digest, retried(change))
        for change in made.of(Action.RUN)
        if change.spec
    }


def retried(change: Change) -> str:
    """Name the very attempt that a retry releases, "" for none."""
    if change.reason is not Reason.RETRY or change.attempt is None:
        return ""
    return f"{change.attempt.opened_at} {change.attempt.number} {change.attempt.fact('nonce')}"


def view_of(
    request: ApplyRequest,
    services: ApplyServices,
    source: PlannedApply,
    snapshot: Snapshot,
    released: frozenset[RunKey] = frozenset(),
) -> PlannedApply:
    """Plan from every spec of the commit and this record: apply never trusts a diff alone."""
    project, specs = source.project, source.specs
    known = snapshot.lockfile or Lockfile(project.lock.lineage)
    holding = (*freezes.recorded(known.freezes), *services.freezes())
    context = Context(
        project=project,
        lockfile=known,
        environments=(source.environment,),
        brakes=Overrides(
            freezes=holding,
            retries=frozenset(run_key(run, project) for run in request.retries),
            retry_failed=request.retry_failed,
            acks=still_needed(request.acks, source),
            released=released,
        ),
        labels=request.labels,
        previous=previous_requests(services.git, specs.specs, known, project),
        touched=frozenset(),
        now=stamp(services.clock.now()),
        facts=source.facts._replace(now=services.clock.now()),
        options=request.options,
    )
    context = with_holds(context, services.git, source)
    planned = source.planned._replace(
        plan=decide.compute(specs, context),
        lock=seen(snapshot),
        names=project.connector_names([source.environment]),
        catalog=specs.catalog,
        freezes=holding,
    )
    return replace(source, planned=planned, lockfile=known)
