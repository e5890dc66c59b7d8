"""A run in doubt, and the executions that may be its own.

What an answer proves, and so what becomes a doubt, stands in `qualys.workflows`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from qflow_gitops.apply.matching import Match, Sent
from qflow_gitops.base.times import BELIEVED, moment, of_milliseconds
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.inheritance import left_behind, names_of
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL
from qflow_gitops.ports.qualys import Execution, TriggerInput
from qflow_gitops.settings.project import Project
from qflow_gitops.specs.spec import RunSpec

EARLIER = timedelta(minutes=5)
"""An execution may show a time so long before its intent: two clocks, and a margin."""
SHOWN_FOR = timedelta(days=29)
"""So long the API shows an execution, with a day to spare (docs/api.md 3 [D RN118])."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One attempt that may have run."""

    environment: str
    run: str
    attempt: Attempt

    @property
    def key(self) -> tuple[str, str]:
        """The run that the lockfile has it under."""
        return (self.environment, self.run)

    @property
    def opened_at(self) -> datetime:
        """When it was opened, by Qualys' clock as far as that was known then."""
        return moment(self.attempt.opened_at) + self.ahead

    @property
    def ahead(self) -> timedelta:
        """By how much Qualys' clock was ahead of its sender's, zero where that isn't known."""
        return timedelta(seconds=self._skew or 0)

    @property
    def is_timed(self) -> bool:
        """Whether it is known when it was opened: else its sender's clock may have been any."""
        return self._skew is not None

    @property
    def _skew(self) -> int | None:
        first = self.attempt.events[0].extra
        skew = first.get("clockSkew", 0)
        known = isinstance(skew, int) and abs(skew) <= BELIEVED and "clockUnknown" not in first
        return skew if known else None

    @property
    def before(self) -> tuple[str, ...] | None:
        """The executions that were there before it, None where they could not be listed."""
        found = self.attempt.events[0].extra.get("executionsBefore")
        return None if found is None else tuple(found)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An execution that may have come of an attempt."""

    execution: Execution
    match: Match
    echo: TriggerInput | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What was found about one doubt. `complete`: nothing that matters was out of sight."""

    doubt: Doubt
    candidates: tuple[Candidate, ...]
    complete: bool

    @property
    def sure(self) -> tuple[Candidate, ...]:
        """The candidates that show this very request."""
        return tuple(
            candidate for candidate in self.candidates if candidate.match >= Match.SAME_REQUEST
        )


Specs = Callable[[Iterable[Attempt]], Mapping[str, RunSpec]]
"""Gives the specs that attempts sent, by the attempts' nonces, as far as they are known."""


def doubts_in(lockfile: Lockfile, project: Project, environment: str) -> list[Doubt]:
    """Return every attempt of an environment, by whatever name, that may have run.

    And those of environments that exist no more: nobody else answers for them.
    """
    names = names_of(lockfile, project, environment)
    return [
        Doubt(name, run, attempt)
        for name in (*names, *left_behind(lockfile, project))
        for run, attempts in lockfile.runs_in_states(name, DOUBTFUL)
        for attempt in attempts
        if attempt.state in DOUBTFUL
    ]


def created_at(execution: Execution) -> datetime | None:
    """Say when an execution came into being, by Qualys' clock; None where that isn't shown."""
    return of_milliseconds(execution.created_at)


def sent_of(attempt: Attempt, specs: Mapping[str, RunSpec]) -> Sent:
    """Say what an attempt sent, as far as it is known."""
    nonce, key, body = (attempt.fact(name) for name in ("nonce", "correlationKey", "bodySha256"))
    spec = specs.get(nonce)
    return Sent(spec.request if spec else None, body, key, nonce)
