"""What would run, and why: two commits and the lockfile, without a secret or a network."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from qflow_gitops.base.times import moment
from qflow_gitops.cache import verdicts
from qflow_gitops.commands.beforehand import Ground
from qflow_gitops.errors import UsageProblem
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan import decide
from qflow_gitops.plan.context import Context, Overrides
from qflow_gitops.policy import loosening
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.ports.git import Branches, Cache, GitTree, History, Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.plans import Beforehand, Planned, planned
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
from qflow_gitops.sources.examining import CachedChecks
from qflow_gitops.sources.lockseen import seen
from qflow_gitops.sources.place import Settings
from qflow_gitops.sources.policies import Base, facts_of
from qflow_gitops.sources.previous import previous_requests, settled
from qflow_gitops.sources.settings import chosen
from qflow_gitops.sources.specs import all_specs


class PlanRequest(NamedTuple):
    """What to plan. `base` and `environment` are "" where they aren't chosen.

    `freezes` are those beside the lockfile's. `target` is the branch that a pull request goes
    to, "" outside one.
    """

    platform: str
    base: str = ""
    head: str = "HEAD"
    full: bool = False
    worktree: bool = False
    environment: str = ""
    labels: Mapping[str, str] = {}
    freezes: tuple[Freeze, ...] = ()
    exit_code: bool = False
    target: str = ""


def make_plan(
    request: PlanRequest,
    git: Repository,
    store: Callable[[Project], LockStore],
    now: str,
    cache: Cache | None = None,
    branches: Branches | None = None,
) -> Report:
    """Make the plan, as things stand `now` (RFC 3339). Raises QflowError for what stops it.

    Of runs that are settled no more than their identity is needed; `cache` may know it. With
    `branches` it also says first what an apply of the commit would refuse, or ask.
    """
    head = git.resolve(request.head)
    source = "" if request.worktree else head
    settings = projectfile.settings(git, source, request.platform, cache)
    project, _, found = settings
    environments = chosen(project, request.environment)
    recorded = store(project).read()
    lockfile = recorded.lockfile or Lockfile(project.lock.lineage)
    lostsettings.check_kept(git, settings, lockfile, source)
    base, notes = _base(request, git, head, lockfile, environments)
    own = bool(request.base) or (base and _is_pull_request(request))
    before = Ground(git, branches, project, lockfile, head, cache)
    ends = (
        (Base(base),)
        if own
        else tuple(end for environment in environments for end in before.bases(environment))
    )
    facts = facts_of(git, project, ends, sending=False, cache=cache)._replace(now=moment(now))
    holding = (*freezes.recorded(lockfile.freezes), *request.freezes)
    read = _reads(request, git, settings, lockfile, cache)
    shares = any(policy.limits.share is not None for policy in facts.policies)  # of all specs
    narrow = None
    if base and not (own or request.full or request.worktree or shares):
        narrow = narrowing.narrowed(git, base, head, project, lockfile, environments, read)
    if narrow:
        specs = narrow.specs
    else:
        specs = all_specs(git, source, project) if request.worktree else read(source)
    specs = folders.checked(specs, git, source, project, lockfile)
    context = Context(
        project=project,
        lockfile=lockfile,
        environments=environments,
        brakes=Overrides(holding),
        labels=request.labels,
        previous=previous_requests(git, specs.specs, lockfile, project),
        touched=narrow.touched if narrow else _touched(request, git, base, head, project),
        now=now,
        facts=facts,
    )
    if not narrow:  # else whatever was removed was never recorded
        worktree = request.worktree
        context = before.emptied(specs, base if own else "", context, worktree=worktree)
    made = decide.compute(specs, context)
    if own:
        made = decide.only_touched(made, context.touched or frozenset())
    alone = not (request.base or request.target)  # nobody applies a pull request's commit
    first = (
        *_loosened(facts, project),
        *(before.said(made, worktree=request.worktree) if alone else ()),
    )
    body = Planned(
        plan=made,
        commit=source,
        base=base,
        full=narrow is None,
        lock=seen(recorded),
        names=project.connector_names(environments),
        catalog=specs.catalog,
        freezes=holding,
        first=first,
    )
    notes += forgotten.notes(lockfile, project)
    return planned(body, (*found, *specs.diagnostics), notes, exit_code=request.exit_code)


def _reads(
    request: PlanRequest, git: GitTree, settings: Settings, lockfile: Lockfile, cache: Cache | None
) -> narrowing.Reads:
    """Return what reads the specs of a commit: as little as possible, with a cache."""
    project, content, _ = settings
    if cache is None:
        return partial(reading.commit_specs, git, project=project)
    basis = verdicts.basis(cache.tool, request.platform, content, project.folder)
    return partial(
        reading.known_specs,
        git,
        project=project,
        keeper=CachedChecks(cache, basis),
        settled=settled(lockfile, project),
    )


def _loosened(facts: PolicyContext, project: Project) -> Iterator[Beforehand]:
    """Say where the policy at hand holds less than those that count beside it."""
    now, *others = facts.policies
    found = dict.fromkeys(loss for other in others for loss in loosening.loosened(other, now))
    if found:
        file = project.folder.settings
        yield Beforehand(
            f"{file} holds less than the policy up to now: {'; '.join(found)}.",
            "Here both count, and the stricter one holds; for later changes only this one will. "
            "See that it is meant.",
        )


def _is_pull_request(request: PlanRequest) -> bool:
    return bool(request.target) and not (request.full or request.worktree or request.base)


def _base(
    request: PlanRequest,
    git: History,
    head: str,
    lockfile: Lockfile,
    environments: tuple[str, ...],
) -> tuple[str, tuple[str, ...]]:
    """Find the commit to compare with, "" for none, and say why if it isn't the usual one.

    A pull request is compared with its merge base, so that it shows its own changes.
    """
    if request.base:
        base = git.resolve(request.base)
        return git.merge_base(base, head) or base, ()
    if _is_pull_request(request):
        with contextlib.suppress(UsageProblem):
            return git.merge_base(
                git.resolve(f"refs/remotes/origin/{request.target}"), head
            ) or "", ()
        note = f"origin/{request.target} isn't in this clone: all that is due is shown."
        return "", (note,)
    through = {lockfile.environment(name).applied_through for name in environments}
    if through == {""} or not lockfile.environments:
        return "", ()
    if len(through) > 1:
        return "", (
            "The environments were applied through different commits: all specs are looked at.",
        )
    (commit,) = through
    if not git.has_commit(commit):
        shallow = " (it is shallow; `git fetch --unshallow` fetches it)" if git.is_shallow() else ""
        note = (
            f"The commit {commit[:10]}, through which all was applied, isn't in this "
            f"clone{shallow}: all specs are looked at, as with --full."
        )
        return "", (note,)
    return commit, ()


def _touched(
    request: PlanRequest, git: GitTree, base: str, head: str, project: Project
) -> frozenset[str] | None:
    if not base or request.worktree:
        return None
    return narrowing.touched_files(git, base, head, project)
