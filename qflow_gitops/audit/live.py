"""The lockfile against what Qualys shows: executions that nobody here started, and the others."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from qflow_gitops.audit.span import Span
from qflow_gitops.base.times import BELIEVED, moment, of_milliseconds, stamp
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import ENDINGS, FINAL
from qflow_gitops.ports.qualys import Execution, Listing, Qualys
from qflow_gitops.results.evidence import AttemptEvidence, DifferenceTold, Kind, RunEvidence
from qflow_gitops.results.sources import UNKNOWN, started_through

SHOWN_FOR = timedelta(days=30) - timedelta(minutes=10)
"""So far back the list of executions goes, with room for two clocks (docs/api.md 1.5 [D RN118])."""
WORKFLOWS, SOURCES = 100, 50
"""So many workflows' executions are listed, and of so many it is asked what started them."""
_EDGE = timedelta(minutes=10)
"""So near to an end of the window a clock or a slow list explains what isn't shown."""
_PRIVATE = "private"


class Here(NamedTuple):
    """A platform, and the gateway that it has: of private ones each has its own."""

    platform: str
    gateway: str

    @classmethod
    def of(cls, one: AttemptEvidence) -> Self:
        """Return where an attempt was sent."""
        return cls(one.platform, str(one.facts.get("gateway", "")))

    def __str__(self) -> str:
        parts = (self.platform, self.gateway if self.platform == _PRIVATE else "")
        return " ".join(filter(None, parts)) or UNKNOWN

    def knows(self, one: AttemptEvidence) -> bool:
        """Whether an attempt was sent there."""
        return str(Here.of(one)) == str(self)


@dataclass
class Live:
    """One look at a platform. `statuses` say what Qualys' words mean, in lower case.

    `shown` gets the attempts whose executions Qualys shows.
    """

    qualys: Qualys
    here: Here
    statuses: Mapping[str, str]
    lockfile: Lockfile
    now: datetime
    span: Span
    found: list[DifferenceTold] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    shown: list[AttemptEvidence] = field(default_factory=list)
    executions: int = 0
    problem: QflowError | None = None
    _sources: int = 0

    def compare(self, workflows: Iterable[str], runs: Sequence[RunEvidence]) -> None:
        """Compare the executions of workflows, the most wanted first.

        What stops it is kept as the `problem`.
        """
        start, end = self._window()
        self._say_elsewhere(runs)
        wanted = [*dict.fromkeys(each.lower() for each in workflows if each)]
        if start >= end:
            self.limits.append(
                "Qualys shows no executions of the span asked for: nothing was asked."
            )
            return
        if len(wanted) > WORKFLOWS:
            self.limits.append(
                f"Of {len(wanted):,} workflows only {WORKFLOWS} were looked at in Qualys; -e and "
                "RUN narrow it."
            )
        attempts = self._attempts(runs)
        try:
            for workflow in wanted[:WORKFLOWS]:
                listing = self.qualys.executions(workflow, start, end)
                self._compare(workflow, listing, attempts.get(workflow, []), (start, end))
        except QflowError as problem:
            self.problem = problem
            self.limits.append(f"Not all of Qualys could be looked at: {problem.message}")
        self._say_limits()

    def _window(self) -> tuple[datetime, datetime]:
        earliest = self.now - SHOWN_FOR
        start = max(earliest, moment(self.span.since)) if self.span.since else earliest
        if not self.span.since or moment(self.span.since) < earliest:
            self.limits.append(
                f"Qualys shows executions for 30 days: those before {stamp(earliest)} weren't "
                "compared."
            )
        until = moment(self.span.until) if self.span.until else None
        return start, until or self.now + timedelta(seconds=BELIEVED)

    def _attempts(self, runs: Sequence[RunEvidence]) -> dict[str, list[AttemptEvidence]]:
        """Return the attempts with an execution on this platform, by their workflows."""
        found: dict[str, list[AttemptEvidence]] = {}
        for run in runs:
            for one in run.attempts:
                if one.execution_id and self.here.knows(one):
                    found.setdefault(one.workflow_id.lower(), []).append(one)
        return found

    def _compare(
        self,
        workflow: str,
        listing: Listing,
        attempts: Sequence[AttemptEvidence],
        window: tuple[datetime, datetime],
    ) -> None:
        shown = {each.id.lower(): each for each in listing.executions}
        self.executions += len(shown)
        self.found += [
            self._foreign(workflow, each)
            for each in listing.executions
            if self.lockfile.owner(each.id) is None
        ]
        self.shown += [one for one in attempts if one.execution_id.lower() in shown]
        self.found += self._otherwise(shown, attempts)
        if listing.complete:
            self.found += self._not_shown(shown, attempts, window)
        else:
            self.limits.append(
                f"Qualys' list of executions of workflow {workflow} can't be read whole: what it "
                "lacks isn't known."
            )

    def _foreign(self, workflow: str, execution: Execution) -> DifferenceTold:
        at = of_milliseconds(execution.created_at or execution.start_date)
        when, source = stamp(at) if at else "", self._source(execution)
        status = f', "{execution.status}"' if execution.status else ""
        return DifferenceTold(
            Kind.FOREIGN,
            f"Qualys shows execution {execution.id} of workflow {workflow}, begun at "
            f"{when or 'an unknown time'}, {started_through(source)}{status}: nothing in this "
            "lockfile started it.",
            execution_id=execution.id,
            workflow_id=workflow,
            source=source,
            at=when,
        )

    def _source(self, execution: Execution) -> str:
        self._sources += 1
        if self._sources > SOURCES:
            return UNKNOWN
        echo = self.qualys.echo(execution.id)
        return (echo.source if echo else "") or UNKNOWN

    def _otherwise(
        self, shown: Mapping[str, Execution], attempts: Sequence[AttemptEvidence]
    ) -> Iterator[DifferenceTold]:
        for one in attempts:
            execution = shown.get(one.execution_id.lower())
            if execution and one.state in FINAL and (why := self._contradiction(one, execution)):
                yield DifferenceTold.about(Kind.OTHER_STATE, one, why)

    def _contradiction(self, one: AttemptEvidence, execution: Execution) -> str:
        said = f'Qualys says "{execution.status}"'
        if not execution.ended:
            return f"the lockfile says {one.state}, and Qualys that it hasn't ended ({said})"
        meaning = self.statuses.get(execution.status.lower(), "")
        if one.state in ENDINGS and meaning in ENDINGS and meaning != one.state:
            return f"the lockfile says {one.state}, and {said}, which means {meaning}"
        return ""

    def _not_shown(
        self,
        shown: Mapping[str, Execution],
        attempts: Sequence[AttemptEvidence],
        window: tuple[datetime, datetime],
    ) -> Iterator[DifferenceTold]:
        start, end = window[0] + _EDGE, min(window[1], self.now) - _EDGE
        for one in attempts:
            if start <= moment(one.opened_at) <= end and one.execution_id.lower() not in shown:
                why = f"Qualys doesn't show its execution {one.execution_id}"
                yield DifferenceTold.about(Kind.NOT_SHOWN, one, why)

    def _say_elsewhere(self, runs: Sequence[RunEvidence]) -> None:
        """Say of how many attempts this platform can tell nothing: they were sent to another."""
        attempts = (one for run in runs for one in run.attempts if one.execution_id)
        found = Counter(str(Here.of(one)) for one in attempts if not self.here.knows(one))
        if found:
            names = ", ".join(sorted(found))
            many = f"{found.total():,} attempt{'' if found.total() == 1 else 's'}"
            self.limits.append(
                f"{many} went to another platform ({names}) than {self.here}, the only one "
                "that was asked: what Qualys shows of that isn't known."
            )

    def _say_limits(self) -> None:
        if self._sources > SOURCES:
            self.limits.append(
                f"What started {self._sources - SOURCES:,} more executions wasn't asked."
            )
