"""One attempt, its events, and the transition that adds to it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from qflow_gitops.base.times import BELIEVED, moment, stamp
from qflow_gitops.lockfile.states import DOUBTFUL, REOPENED, RESULTS, TRANSITIONS, UNCOUNTED, State


class Event(NamedTuple):
    """One step in the life of an attempt. `at` is RFC 3339 in UTC; `extra` what else it says."""

    at: str
    to: State
    extra: Mapping[str, Any] = {}

    @property
    def is_decision(self) -> bool:
        """Whether a person decided it, and nobody saw it: then it says by whom."""
        return self.to in REOPENED and "by" in self.extra and "reopens" not in self.extra

    @property
    def lets_go(self) -> str:
        """The execution that isn't its attempt's any more from here on, "" for none."""
        value = self.extra.get("letGo", "") if "reopens" in self.extra else ""
        return value if isinstance(value, str) else ""


def decision_in(events: Sequence[Event]) -> Event | None:
    """Return the decision of a person that an attempt with these events rests on, None for none.

    What was seen of an execution rests on its adoption, a note on what was assumed on the
    assumption. A decision that was put back doesn't count, nor one that was overtaken by what
    a machine saw for itself.
    """
    put_back = 0
    for place in range(len(events) - 1, 0, -1):
        event, before = events[place], events[place - 1]
        if "reopens" in event.extra:
            if event.to is State.IN_DOUBT:
                return None
            put_back += 1
        elif event.is_decision:
            if not put_back:
                return event
            put_back -= 1
        elif event.to not in RESULTS and not (event.to is before.to is State.ASSUMED):
            return None
    return None


def may_follow(events: Sequence[Event], event: Event) -> bool:
    """Whether an attempt with these events may come to this one.

    What puts a decision back (`reopens`) may do so only with the one that stands.
    """
    if "reopens" in event.extra:
        decision = decision_in(events)
        told = (event.extra["reopens"], event.to)
        return decision is not None and told == (decision.to, REOPENED[decision.to])
    return event.to in TRANSITIONS.get(events[-1].to if events else None, frozenset())


class Attempt(NamedTuple):
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
    facts: Mapping[str, Any] = {}

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What allowed it (`planDigest`, `pullRequest`, `released`, …), {} where none is kept."""
        found = self.facts.get("evidence")
        return found if isinstance(found, Mapping) else {}

    @property
    def counted(self) -> bool:
        """Whether its digest is spent."""
        return self.state not in UNCOUNTED

    @property
    def decision(self) -> Event | None:
        """The decision of a person that it rests on and that can be put back, None for none."""
        return decision_in(self.events)

    @property
    def let_go(self) -> frozenset[str]:
        """The executions that were its own until a person put that back, in lower case."""
        return frozenset(event.lets_go.lower() for event in self.events) - {""}

    @property
    def opened_at(self) -> str:
        """When it began, as RFC 3339."""
        return self.events[0].at

    @property
    def changed_at(self) -> str:
        """When its state last changed, as RFC 3339."""
        return self.events[-1].at

    def fact(self, name: str) -> str:
        """Return a fact as text, "" where it isn't recorded."""
        value = self.facts.get(name, "")
        return value if isinstance(value, str) else str(value)


AttemptKey = tuple[str, str, int]
"""An attempt's place in the lockfile: environment, run, number."""


class Transition(NamedTuple):
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

    @property
    def key(self) -> AttemptKey:
        """The place of its attempt."""
        return (self.environment, self.run, self.number)

    @property
    def brings(self) -> str:
        """The execution that it names, "" for none."""
        return self.execution_id or (self.opens.execution_id if self.opens else "")


def telling(attempts: Sequence[Attempt]) -> Attempt:
    """Return the attempt by which a run stands: one that may have run, else the last."""
    return next(
        (attempt for attempt in reversed(attempts) if attempt.state in DOUBTFUL), attempts[-1]
    )


def is_leased(attempt: Attempt, now: str) -> bool:
    """Whether an intent's own process may still be at it at this time (RFC 3339)."""
    return attempt.state is State.INTENT and now <= lease_end(attempt, now)


def lease_end(attempt: Attempt, now: str) -> str:
    """Say until when its own process may be at it (RFC 3339), "" where that isn't known.

    A clock that was more than a day ahead of this one said nothing: nobody waits for it.
    """
    until = attempt.events[0].extra.get("leaseUntil", "")
    if not isinstance(until, str) or until > stamp(moment(now) + timedelta(seconds=BELIEVED)):
        return ""
    return until
