"""The report for an audit: what ran, what allowed it, and what is missing. Looks only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import qflow_gitops
from qflow_gitops.audit.comparing import Compare, compared
from qflow_gitops.audit.content import Gatherer, events_of
from qflow_gitops.audit.files import Files
from qflow_gitops.audit.masking import Masking
from qflow_gitops.audit.projects import Projects
from qflow_gitops.audit.span import Span
from qflow_gitops.audit.worked import Bases, out_of_order, worked_on
from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.commands.report_live import Asking
from qflow_gitops.commands.show_found import Finder, OneRun, SeveralRuns
from qflow_gitops.errors import ExitCode, LockError, QflowError, UsageProblem
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.worked import Worked
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore, Snapshot
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.evidence import Compared, Evidence, RunEvidence
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.loader import Loader
from qflow_gitops.sources.lockseen import out_of_use, seen
from qflow_gitops.sources.settings import chosen
from qflow_gitops.sources.specs import all_specs

_UNDATED = (
    "The lockfile is a file: which commits were worked on before the newest one, and what the "
    "policy was then, only its attempts tell."
)
_DISORDERED = (
    "The times of the lockfile's versions aren't in their order, by a wrong clock or somebody's "
    "hand: which commits were worked on in a span, and what the policy was before an attempt, "
    "isn't certain."
)


class Asked(NamedTuple):
    """What is asked for: RUNs or EXECUTIONs (() for all), an environment ("": any), a span.

    `live`: Qualys is asked, too. `exit_code`: differences are told by it.
    """

    runs: tuple[str, ...] = ()
    environment: str = ""
    span: Span = Span()
    live: bool = False
    exit_code: bool = False


@dataclass(frozen=True, slots=True)
class ReportServices:
    """What `report` needs from outside.

    `commit` is "" for the work tree. `pages` is what the addresses of the code host's pages begin
    with, "" for no links. `connect` as in `apply.platforms.Gateways`.
    """

    git: Repository
    commit: str
    store: LockStore
    settings: Settings
    loader: Loader
    clock: Clock
    connect: Callable[[str], tuple[Qualys, str]]
    pages: str = ""

    @property
    def project(self) -> Project:
        """What the settings say."""
        return self.settings.project


def report(asked: Asked, services: ReportServices, recorded: Snapshot | None = None) -> Report:
    """Gather the evidence. Raises QflowError where the lockfile can't be read, or a RUN is none.

    `recorded` is the lockfile where it was read already.
    """
    recorded = recorded or services.store.read()
    lockfile = recorded.lockfile or Lockfile("")
    if asked.environment not in lockfile.environments:
        chosen(services.project, asked.environment)
    masking = Masking()
    steps, limits = _steps(recorded)
    gatherer = _gatherer(asked, services, lockfile, masking, steps)
    meant = wanted(asked, services, lockfile)
    runs = gatherer.runs(meant)
    names = [name for name in lockfile.environments if asked.environment in ("", name)]
    worked = worked_on((*steps, *_sent_from(runs)), lockfile, asked.span, names)
    compare = Compare(runs, worked, meant, limits)
    found, problem = compared(gatherer, compare), None
    if asked.live:
        runs, found, problem = _live(asked, services, gatherer, compare, found)
    evidence = _evidence(asked, services, recorded)._replace(
        # A RUN is told by its own events; those of the lockfile are about all.
        events=() if asked.runs else events_of(lockfile, asked.span, names),
        compared=found,
    )
    body = masking.told(evidence)._replace(runs=masking.each(runs))
    made = Report("report", notes=out_of_use(recorded), body=body)
    if problem is None:
        differs = asked.exit_code and found.differences
        return replace(made, exit_code=ExitCode.PENDING, reason="differs") if differs else made
    return replace(made, exit_code=problem.exit_code, reason=problem.reason, error=problem)


def _live(
    asked: Asked,
    services: ReportServices,
    gatherer: Gatherer,
    given: Compare,
    found: Compared,
) -> tuple[list[RunEvidence], Compared, QflowError | None]:
    """Ask Qualys about executions, and about the steps of runs that are named."""
    project, runs, meant = services.project, [*given.runs], given.wanted
    asking = Asking(
        project, asked.environment, services.connect, gatherer.specs_of, gatherer.lockfile,
        services.clock.now(), asked.span,
    )  # fmt: skip
    # Also of older attempts, and where there is none: what is run by hand heeds no span.
    workflows = dict.fromkeys(attempt.workflow_id for run in runs for attempt in run.attempts)
    specs = all_specs(services.git, services.commit, project).specs.values()
    workflows |= dict.fromkeys(spec.workflow_id for spec in specs if meant(spec.key))
    workflows |= dict.fromkeys(asking.recorded(meant))
    found, problem = asking.compare(found, workflows, runs)
    if asked.runs and problem is None:
        runs = asking.steps(runs)
    return runs, found, problem


def _steps(recorded: Snapshot) -> tuple[Sequence[Worked], tuple[str, ...]]:
    """Return the steps by which environments were worked on, and why some aren't known."""
    try:
        steps = recorded.worked()
    except LockError as problem:
        said = f"{problem.message} {problem.hint}".strip()
        return (), (f"Which commits were worked on only attempts tell: {said}",)
    limits = (_UNDATED,) if any(not step.at for step in steps) else ()
    return steps, (*limits, _DISORDERED) if out_of_order(steps) else limits


def _gatherer(
    asked: Asked,
    services: ReportServices,
    lockfile: Lockfile,
    masking: Masking,
    steps: Sequence[Worked],
) -> Gatherer:
    git, project = services.git, services.project
    return Gatherer(
        git,
        lockfile,
        asked.span,
        Files(git, project, masking),
        Projects(git, project, services.loader),
        Bases(steps),
    )


def _sent_from(runs: Iterable[RunEvidence]) -> list[Worked]:
    """Return the commits that attempts were sent from, as steps; the oldest first."""
    found = {
        (attempt.opened_at, attempt.key[0], attempt.commit.id)
        for run in runs
        for attempt in run.attempts
        if attempt.commit
    }
    return [Worked(environment, commit, "", at) for at, environment, commit in sorted(found)]


def _evidence(asked: Asked, services: ReportServices, recorded: Snapshot) -> Evidence:
    lockfile = recorded.lockfile or Lockfile("")
    return Evidence(
        lock=seen(recorded),
        runs=(),
        made_at=stamp(services.clock.now()),
        tool=qflow_gitops.__version__,
        since=asked.span.since,
        until=asked.span.until,
        environments=(asked.environment,) if asked.environment else (),
        of_runs=bool(asked.runs),
        project=services.project.folder.name,
        repository=_repository(services.store),
        pages=services.pages,
        lineage=lockfile.lineage,
        serial=lockfile.serial,
        head=recorded.commit,
    )


def _repository(store: LockStore) -> str:
    try:
        return without_secrets(store.address)
    except QflowError:
        return ""


def wanted(asked: Asked, services: ReportServices, lockfile: Lockfile) -> Callable[[RunKey], bool]:
    """Say which runs are meant: those named, with those whose attempts count for them."""
    if not asked.runs:
        return lambda key: asked.environment in ("", key[0])
    specs = all_specs(services.git, services.commit, services.project)
    finder = Finder(services.project, lockfile, specs, asked.environment)
    keys: set[RunKey] = set()
    for run in asked.runs:
        found = finder.find(run)
        if isinstance(found, OneRun):
            keys |= {found.key, *(placed.key for placed in found.attempts)}
        elif isinstance(found, SeveralRuns):
            for key in found.keys:
                keys |= {key, *(origin.key for origin in finder.inheritance.origins(key))}
        else:
            raise UsageProblem(
                f"The lockfile doesn't have execution {found.execution_id}.",
                not_done="Nothing is shown.",
                hint=f"`qflow-gitops show {found.execution_id}` shows what Qualys says of it.",
                reason="execution_unknown",
            )
    return keys.__contains__
