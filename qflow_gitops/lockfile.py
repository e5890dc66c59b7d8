"""The record of all attempts: states, what may follow what, and the value of the lockfile.

A ledger: attempts and events are only ever added. Pure; its bytes are the business of
`lockformat`, where they live that of a lock store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from qflow_gitops.errors import LockError


class State(StrEnum):
    """Where an attempt stands."""

    INTENT = "intent"
    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENDED = "ended"
    REFUSED = "refused"
    UNSENT = "unsent"
    IN_DOUBT = "in_doubt"
    ABSENT = "absent"
    ADOPTED = "adopted"
    ASSUMED = "assumed"
    EXPIRED = "expired"
    BASELINED = "baselined"


UNCOUNTED = frozenset({State.UNSENT, State.ABSENT})
"""Proven not executed: the digest isn't spent."""
UNDER_WAY = frozenset({State.ACCEPTED, State.RUNNING, State.ADOPTED})
"""An execution is known and has not ended."""
DOUBTFUL = frozenset({State.INTENT, State.IN_DOUBT})
"""It may have run."""
UNSUCCESSFUL = frozenset({State.FAILED, State.CANCELLED, State.ENDED})

_RESULTS = frozenset({State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED, State.ENDED})
TRANSITIONS: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.INTENT, State.BASELINED}),
    State.INTENT: frozenset({State.ACCEPTED, State.REFUSED, State.UNSENT, State.IN_DOUBT}),
    State.ACCEPTED: _RESULTS,
    State.ADOPTED: _RESULTS,
    State.RUNNING: _RESULTS,  # also to itself, when Qualys' word changes
    State.IN_DOUBT: frozenset({State.ADOPTED, State.ABSENT, State.ASSUMED, State.EXPIRED}),
    State.EXPIRED: frozenset({State.ADOPTED, State.ABSENT, State.ASSUMED}),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One step in the life of an attempt. `at` is RFC 3339 in UTC; `extra` what else it says."""

    at: str
    to: State
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to start a run.

    `state`, `execution_id` and `status` (Qualys' word) are those of the last event, ""
    where not known. `facts` holds what was known when it was opened, under the lockfile's
    own names: `workflowId`, `platform`, `file`, `commit`, `bodySha256`, …
    """

    number: int
    state: State
    digest: str
    events: tuple[Event, ...]
    execution_id: str = ""
    status: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        """Whether its digest is spent."""
        return self.state not in UNCOUNTED

    @property
    def opened_at(self) -> str:
        """When it began, as RFC 3339."""
        return self.events[0].at

    @property
    def changed_at(self) -> str:
        """When its state last changed, as RFC 3339."""
        return self.events[-1].at

    def fact(self, name: str) -> str:
        """Give a fact as text, "" where it isn't recorded."""
        value = self.facts.get(name, "")
        return value if isinstance(value, str) else str(value)


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing to record: an attempt that opens (`opens` is set) or one that moves on.

    `execution_id` and `status` replace those of the attempt where they aren't "".
    """

    environment: str
    run: str
    number: int
    event: Event
    opens: Attempt | None = None
    execution_id: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What is recorded of one environment; commits are "" where none was worked on yet."""

    latest: str = ""
    applied_through: str = ""
    runs: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lockfile:
    """The whole record. `serial` counts its written versions, 0 for one never written."""

    lineage: str
    serial: int = 0
    environments: Mapping[str, EnvironmentRecord] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def environment(self, name: str) -> EnvironmentRecord:
        """The environment's record, an empty one where there is none."""
        return self.environments.get(name) or EnvironmentRecord()

    def attempts(self, environment: str, run: str) -> tuple[Attempt, ...]:
        """All attempts of a run, oldest first."""
        return self.environment(environment).runs.get(run, ())

    def recorded(self, transitions: Iterable[Transition]) -> "Lockfile":
        """Give the record with these transitions added, in their order.

        Raises LockError for one that the ledger doesn't allow.
        """
        changed: dict[str, dict[str, tuple[Attempt, ...]]] = {}
        for one in transitions:
            runs = changed.setdefault(one.environment, dict(self.environment(one.environment).runs))
            runs[one.run] = _extended(runs.get(one.run, ()), one)
        environments = dict(self.environments)
        for name, runs in changed.items():
            environments[name] = replace(self.environment(name), runs=runs)
        return replace(self, environments=environments)

    def marked(self, environment: str, latest: str, applied_through: str | None) -> "Lockfile":
        """Give the record with the commits of an environment moved on."""
        record = replace(self.environment(environment), latest=latest)
        if applied_through is not None:
            record = replace(record, applied_through=applied_through)
        return replace(self, environments={**self.environments, environment: record})


def is_leased(attempt: Attempt, now: str) -> bool:
    """Whether an intent's own process may still be at it at this time (RFC 3339)."""
    until = attempt.events[0].extra.get("leaseUntil", "")
    return attempt.state is State.INTENT and isinstance(until, str) and now <= until


def owned_executions(lockfile: Lockfile) -> frozenset[str]:
    """Give every execution that the record already holds."""
    return frozenset(
        attempt.execution_id
        for record in lockfile.environments.values()
        for attempts in record.runs.values()
        for attempt in attempts
        if attempt.execution_id
    )


def _extended(attempts: tuple[Attempt, ...], one: Transition) -> tuple[Attempt, ...]:
    where = f"{one.environment}/{one.run} #{one.number}"
    if one.opens is not None:
        if one.number != len(attempts) + 1 or one.event.to not in TRANSITIONS[None]:
            raise LockError(
                f"The attempt {where} can't be opened: {len(attempts)} are recorded.",
                not_done="Nothing was written.",
            )
        return (*attempts, one.opens)
    if not 1 <= one.number <= len(attempts):
        raise LockError(f"There is no attempt {where}.", not_done="Nothing was written.")
    attempt = attempts[one.number - 1]
    if one.event.to not in TRANSITIONS.get(attempt.state, frozenset()):
        raise LockError(
            f"The attempt {where} is {attempt.state} and can't become {one.event.to}.",
            not_done="Nothing was written.",
        )
    moved = replace(
        attempt,
        state=one.event.to,
        events=(*attempt.events, one.event),
        execution_id=one.execution_id or attempt.execution_id,
        status=one.status or attempt.status,
    )
    return (*attempts[: one.number - 1], moved, *attempts[one.number :])
