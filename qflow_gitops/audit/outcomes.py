"""How attempts are counted, and what became of doubts."""

from collections.abc import Iterator, Mapping, Sequence
from sys import intern
from typing import Any

from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.states import FINAL, State
from qflow_gitops.results.evidence import DoubtTold, Outcome

OUTCOMES: Mapping[State, Outcome] = {
    State.INTENT: Outcome.IN_DOUBT,
    State.ACCEPTED: Outcome.RUNNING,
    State.RUNNING: Outcome.RUNNING,
    State.ADOPTED: Outcome.RUNNING,
    State.SUCCEEDED: Outcome.SUCCEEDED,
    State.FAILED: Outcome.FAILED,
    State.CANCELLED: Outcome.FAILED,
    State.REFUSED: Outcome.FAILED,
    State.ENDED: Outcome.UNEXPLAINED,
    State.UNSENT: Outcome.NOT_RUN,
    State.ABSENT: Outcome.NOT_RUN,
    State.IN_DOUBT: Outcome.IN_DOUBT,
    State.EXPIRED: Outcome.IN_DOUBT,
    State.ASSUMED: Outcome.ASSUMED,
    State.BASELINED: Outcome.DECLARED,
}
"""Each state's outcome. An intent that nobody followed up may have been sent."""

_OPEN = frozenset({State.IN_DOUBT, State.EXPIRED})
OVER = FINAL | {State.REFUSED, State.UNSENT, State.ABSENT, State.ASSUMED, State.BASELINED}
"""Nothing more is awaited of such an attempt."""


def ended_at(attempt: Attempt) -> str:
    """Say when an attempt came to its end, as it was recorded; "" where it is still open.

    Of an end that was explained later, when the execution ended.
    """
    if attempt.state not in OVER:
        return ""
    at = attempt.changed_at
    for event in reversed(attempt.events):
        if event.to not in FINAL or attempt.state not in FINAL:
            break
        at = event.at
    return at


def doubts(attempt: Attempt) -> Iterator[DoubtTold]:
    """Return each doubt about an attempt, oldest first, and how it was settled."""
    since = ""
    for event in attempt.events:
        if event.to in _OPEN:
            since = since or event.at
        elif since:
            who, why = (
                actor(event.extra),
                text(event.extra, "detail") or text(event.extra, "reason"),
            )
            yield DoubtTold(since, event.to.value, event.at, who, why)
            since = ""
    if since:
        yield DoubtTold(since)


def actor(extra: Mapping[str, Any]) -> str:
    """Say who did something, "" where that isn't recorded."""
    by = extra.get("by")
    return text(by, "actor") if isinstance(by, Mapping) else text(extra, "by")


def text(data: Mapping[str, Any], name: str) -> str:
    """Return a text that is recorded under a name, "" for anything else.

    It is in memory once: names, tools and CI runs stand in many attempts.
    """
    value = data.get(name, "")
    return intern(value) if isinstance(value, str) else ""


def opened(events: Sequence[Event]) -> Mapping[str, Any]:
    """Say who opened an attempt, as the lockfile has it."""
    by = events[0].extra.get("by")
    return by if isinstance(by, Mapping) else {}
