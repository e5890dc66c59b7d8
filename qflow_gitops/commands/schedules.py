"""Whether the applies that a team relies on still get through, for each environment."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from qflow_gitops.apply.overdue import PATIENCE, Overdue, batches_left, last_done, missed, overdue
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.inheritance import names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan import decide
from qflow_gitops.plan.change import Plan
from qflow_gitops.plan.context import Context, Overrides
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.branches import is_named
from qflow_gitops.sources.unworked import tips, unworked
from qflow_gitops.specs.load import SpecSet


def late(
    git: Repository,
    branches: Branches,
    project: Project,
    lockfile: Lockfile,
    environments: Iterable[str],
    now: datetime,
    specs: SpecSet | None = None,
    others: tuple[Freeze, ...] = (),
) -> Iterator[Overdue]:
    """Say of each environment what is longest overdue there, nothing where nothing is.

    Nobody applies by a schedule where the lockfile is a file. `specs` are those of the commit at
    hand, `others` the freezes beside the lockfile's.
    """
    for name in environments if project.lock.store == "branch" else ():
        if found := missed(lockfile, project, name, now):
            yield found
            continue
        latest = lockfile.environment(name).latest
        waiting = (
            unworked(git, project, latest, tip) for tip in tips(git, branches, project, name)
        )
        oldest = min(filter(None, waiting), default=None, key=lambda each: each.at)
        begun = _begun(project, lockfile, name, now, specs, others) if specs else {}
        found = overdue(lockfile, project, name, now, oldest, begun)
        if found:
            yield found


def late_on(
    branch: str,
    tip: str,
    git: Repository,
    project: Project,
    lockfile: Lockfile,
    environment: str,
    now: datetime,
) -> Iterator[Overdue]:
    """Say the same of one environment and the branch that a change goes to, with its newest commit.

    Nothing where the environment isn't applied from that branch.
    """
    patterns = project.environments[environment].branches or ("**",)
    if project.lock.store == "branch" and is_named(branch, patterns):
        waiting = unworked(git, project, lockfile.environment(environment).latest, tip)
        found = missed(lockfile, project, environment, now)
        if found := found or overdue(lockfile, project, environment, now, waiting):
            yield found


def _begun(
    project: Project,
    lockfile: Lockfile,
    environment: str,
    now: datetime,
    specs: SpecSet,
    others: tuple[Freeze, ...],
) -> dict[str, str]:
    """Name the specs of which the next batch could begin a day ago, and could now.

    Planned only where that could be an alarm: not while applies record something.
    """
    if not any(spec.rollout or project.policy.rollout for spec in specs.specs.values()):
        return {}
    if last_done(lockfile, names_of(lockfile, project, environment)) >= stamp(now - PATIENCE):
        return {}

    def plan(at: datetime) -> Plan:
        context = Context(
            project=project,
            lockfile=lockfile,
            environments=(environment,),
            brakes=Overrides((*freezes.recorded(lockfile.freezes), *others)),
            touched=frozenset(),
            now=stamp(at),
            facts=PolicyContext((project.policy,), now=at),
        )
        return decide.compute(specs, context)

    return batches_left(specs, lockfile, plan(now - PATIENCE), plan(now), environment)
