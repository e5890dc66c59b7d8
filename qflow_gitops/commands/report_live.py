"""What Qualys shows beside the lockfile: its executions, and the steps of runs that are named."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from qflow_gitops.apply.platforms import several_platforms
from qflow_gitops.audit.live import Here, Live
from qflow_gitops.audit.span import Span
from qflow_gitops.base.names import RunKey
from qflow_gitops.commands.report_requests import Requests
from qflow_gitops.commands.show_execution import Looker
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.evidence import AttemptEvidence, Compared, RunEvidence
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.settings import chosen
from qflow_gitops.specs.hiding import Hiding
from qflow_gitops.specs.spec import RunSpec

STEPS = 10
"""So many executions' steps are asked for, of runs that are named."""


@dataclass(frozen=True)
class Asking:
    """Who is asked about what.

    `connect` is as in `apply.platforms.Gateways`, `specs_of` as in `Requests`.
    """

    project: Project
    environment: str
    connect: Callable[[str], tuple[Qualys, str]]
    specs_of: Callable[[Sequence[AttemptEvidence]], Sequence[RunSpec | None]]
    lockfile: Lockfile
    now: datetime
    span: Span

    def compare(
        self, compared: Compared, workflows: Iterable[str], runs: Sequence[RunEvidence]
    ) -> tuple[Compared, QflowError | None]:
        """Add what Qualys shows otherwise, and say what kept it from being all.

        Raises UsageProblem where it isn't said which of several platforms is meant.
        """
        platform = self._platform()
        try:
            qualys, gateway = self.connect(platform)
        except QflowError as problem:
            limit = f"Qualys wasn't asked: {problem.message}"
            return compared._replace(limits=(*compared.limits, limit)), problem
        live = Live(
            qualys,
            Here(platform, gateway),
            self.project.statuses,
            self.lockfile,
            self.now,
            self.span,
        )
        live.compare(workflows, runs)
        requests = Requests(qualys, self.specs_of)
        if live.problem is None:
            requests.compare(live.shown)
        return compared._replace(
            differences=(*compared.differences, *live.found, *requests.found),
            executions=live.executions,
            limits=(*compared.limits, *live.limits, *requests.limits),
        ), live.problem or requests.problem

    def recorded(self, meant: Callable[[RunKey], bool]) -> Iterator[str]:
        """Give the workflows of all attempts of the runs that are meant, whenever they were."""
        for environment, record in self.lockfile.environments.items():
            for run, attempts in record.runs.items():
                if meant((environment, run)):
                    yield from (attempt.fact("workflowId") for attempt in attempts)

    def _platform(self) -> str:
        environments = chosen(self.project, self.environment)
        platforms = {self.project.environments[name].platform for name in environments}
        if len(platforms) > 1:
            raise several_platforms(environments[0])
        return platforms.pop()

    def steps(self, runs: Sequence[RunEvidence]) -> list[RunEvidence]:
        """Add to the newest attempts the steps that Qualys shows of their executions."""
        newest = sorted(
            (one for run in runs for one in run.attempts if one.execution_id),
            key=lambda one: one.opened_at,
        )[-STEPS:]
        specs = zip(newest, self.specs_of(newest), strict=True)
        looked = {one.anchor: self._looked(one, spec) for one, spec in specs}
        return [
            run._replace(attempts=tuple(looked.get(one.anchor, one) for one in run.attempts))
            for run in runs
        ]

    def _looked(self, one: AttemptEvidence, spec: RunSpec | None) -> AttemptEvidence:
        platform = self._platform()
        qualys, gateway = self.connect(platform)
        if not Here(platform, gateway).knows(one):
            return one
        hiding = Hiding(spec) if spec else None
        try:
            shown = Looker(qualys, one.execution_id, self.project.statuses, hiding).look()
        except QflowError as problem:
            why = f"Its steps weren't seen: {problem.message}"
            return one._replace(unknown=(*one.unknown, why))
        if shown.steps is None:
            why = f"Its steps weren't seen: {shown.problem}" if shown.problem else ""
            return one._replace(unknown=(*one.unknown, *filter(None, [why])))
        return one._replace(steps=shown.steps, culprit=shown.culprit or one.culprit)
