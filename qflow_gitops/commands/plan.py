"""What would run, and why: two commits and the lockfile, without a secret or a network."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from qflow_gitops.apply import belonging
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import moment
from qflow_gitops.commands.beforehand import Ground, loosened
from qflow_gitops.commands.plan_request import Comparison, PlanRequest, compared_with
from qflow_gitops.lockfile import freezes
from qflow_gitops.plan import decide
from qflow_gitops.plan.change import Plan
from qflow_gitops.plan.context import Context, Overrides
from qflow_gitops.plan.rest import goes_on
from qflow_gitops.policy.rules import PolicyContext, asks_for_approvals
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.groups import sizes
from qflow_gitops.results.plans import Beforehand, Planned, planned
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import LockSettings, Project
from qflow_gitops.sources import folders, forgotten, narrowing
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.inputs import kept_lockfile
from qflow_gitops.sources.loader import DIRECT, Loader
from qflow_gitops.sources.lockseen import seen, unsettled
from qflow_gitops.sources.orphans import Orphan, orphans
from qflow_gitops.sources.policies import Base, facts_of
from qflow_gitops.sources.previous import previous_requests, settled
from qflow_gitops.sources.runs import environments_of, known_runs, run_keys
from qflow_gitops.specs.connector_catalogs import names
from qflow_gitops.specs.load import SpecSet


def make_plan(
    request: PlanRequest,
    git: Repository,
    settings: Settings,
    store: LockStore,
    now: str,
    loader: Loader = DIRECT,
    branches: Branches | None = None,
    store_of: Callable[[LockSettings], LockStore] | None = None,
) -> Report:
    """Make the plan, as things stand `now` (RFC 3339). Raises QflowError for what stops it.

    `settings` are those of the request's head, or of the work tree. Of runs that are settled no
    more than their identity is needed; `loader` may know it. With `branches` it also says first
    what an apply of the commit would refuse, or ask; `store_of` opens other lockfiles for that.
    """
    head = git.resolve(request.head)
    commit = "" if request.worktree else head
    project = settings.project
    environments = environments_of(request.runs, project, request.environment)
    recorded = store.read()
    lockfile = kept_lockfile(git, commit, settings, recorded)
    compared = compared_with(request, git, head, lockfile, environments)
    left = _left(git, branches, store_of, project, head)
    ground = Ground(git, branches, project, lockfile, head, loader, left)
    facts = _facts(ground, compared, environments)
    read = _read(request, ground, settings, compared, environments, facts)
    context = _context(request, ground, read, environments, facts, now)
    made = _decided(request, ground, compared, read, context)
    body = Planned(
        *(made, commit, compared.base, read.full, seen(recorded)),
        names=names(read.specs.connectors, project, environments),
        catalog=read.specs.catalog,
        freezes=context.brakes.freezes,
        first=(*_first(request, ground, store, made), *loosened(facts, project)),
        project=project.folder.name,
        goes_on=goes_on(made, read.specs.specs.values(), lockfile),
        targets={} if context.selects else sizes(read.specs.keys),
        merging=compared.own,
        pages=request.pages,
        unsettled=unsettled(lockfile, project, environments, now),
        asks=asks_for_approvals(facts),
    )
    notes, found = forgotten.notes(lockfile, project), (*settings.found, *read.specs.diagnostics)
    return planned(body, found, (*compared.notes, *notes), exit_code=request.exit_code)


def _left(
    git: Repository,
    branches: Branches | None,
    store_of: Callable[[LockSettings], LockStore] | None,
    project: Project,
    head: str,
) -> Callable[[], Iterable[Orphan]]:
    """Return what finds lockfiles whose projects are gone, nothing where nobody is asked."""
    if branches is None or store_of is None:
        return tuple
    return partial(orphans, git, branches, store_of, project, head)


def _first(
    request: PlanRequest, ground: Ground, store: LockStore, made: Plan
) -> Iterator[Beforehand]:
    if not (request.base or request.target):  # nobody applies a pull request's commit
        yield from belonging.warnings(store, ground.lockfile)
        yield from ground.warnings(made, worktree=request.worktree)


def _facts(ground: Ground, compared: Comparison, environments: tuple[str, ...]) -> PolicyContext:
    """Return what the policies are held against: those here, and those of what came before."""
    ends = (
        (Base(compared.base),)
        if compared.own
        else tuple(end for environment in environments for end in ground.bases(environment))
    )
    return facts_of(ground.git, ground.project, ends, sending=False, loader=ground.loader)


class _Read(NamedTuple):
    """The specs that a plan looks at; `full` is whether that is all, `touched` as in `Context`."""

    specs: SpecSet
    touched: frozenset[str] | None
    full: bool


def _read(
    request: PlanRequest,
    ground: Ground,
    settings: Settings,
    compared: Comparison,
    environments: tuple[str, ...],
    facts: PolicyContext,
) -> _Read:
    """Read the specs: only those that can be due or held, where a diff tells which these are."""
    git, project, lockfile = ground.git, ground.project, ground.lockfile
    base, head = compared.base, compared.head
    read = _reader(request, ground, settings)
    shares = any(policy.limits.share is not None for policy in facts.policies)  # of all specs
    narrow = None
    whole = request.full or request.worktree or request.runs
    if base and not (compared.own or whole or shares):
        narrow = narrowing.narrowed(git, base, head, project, lockfile, environments, read)
    if narrow:
        specs, touched = narrow
    elif request.worktree:
        specs, touched = reading.all_specs(git, "", project), None
    else:
        specs = read(head)
        touched = None
        if base and (compared.own or not request.runs):  # what is asked for by name is shown
            touched = narrowing.touched_files(git, base, head, project)
            touched = narrowing.with_catalogs(touched, specs, project)
    commit = "" if request.worktree else head
    specs = folders.checked(specs, git, commit, project, lockfile)
    return _Read(specs, touched, full=narrow is None)


def _reader(request: PlanRequest, ground: Ground, settings: Settings) -> narrowing.Reads:
    """Return what reads the specs of a commit: of those that are settled, as little as possible."""
    return partial(
        ground.loader.specs,
        ground.git,
        settings=settings,
        platform=request.platform,
        settled=settled(ground.lockfile, ground.project),
    )


def _context(
    request: PlanRequest,
    ground: Ground,
    read: _Read,
    environments: tuple[str, ...],
    facts: PolicyContext,
    now: str,
) -> Context:
    project, lockfile = ground.project, ground.lockfile
    return Context(
        project=project,
        lockfile=lockfile,
        environments=environments,
        brakes=Overrides((*freezes.recorded(lockfile.freezes), *request.freezes)),
        labels=request.labels,
        runs=_chosen(request, ground, read.specs, environments),
        options=tuple(map(shlex.quote, request.runs)),
        previous=previous_requests(ground.git, read.specs.specs, lockfile, project),
        touched=read.touched,
        now=now,
        facts=facts._replace(now=moment(now)),
    )


def _chosen(
    request: PlanRequest, ground: Ground, specs: SpecSet, environments: tuple[str, ...]
) -> frozenset[RunKey]:
    """Name the runs that were asked for; none for all. Raises UsageProblem for no such run."""
    if not request.runs:
        return frozenset()
    known = known_runs(specs, ground.lockfile, environments)
    asked = (request.runs, ground.project, request.environment)
    return run_keys(*asked, known, "Nothing was planned and nothing was sent.")


def _decided(
    request: PlanRequest, ground: Ground, compared: Comparison, read: _Read, context: Context
) -> Plan:
    if read.full:  # else whatever was removed was never recorded
        base = compared.base if compared.own else ""
        context = ground.emptied(read.specs, base, context, worktree=request.worktree)
    made = decide.compute(read.specs, context)
    if compared.own:
        return decide.only_touched(made, context.touched or frozenset())
    return made
