"""The states of an attempt, what they mean for its run, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum


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


NEVER_SENT = "never_sent"
"""What stands for the state of a run without an attempt."""
UNCOUNTED = frozenset({State.UNSENT, State.ABSENT})
"""Proven not executed: the digest isn't spent."""
UNDER_WAY = frozenset({State.ACCEPTED, State.RUNNING, State.ADOPTED})
"""An execution is known and has not ended."""
DOUBTFUL = frozenset({State.INTENT, State.IN_DOUBT})
"""It may have run."""
UNSUCCESSFUL = frozenset({State.FAILED, State.CANCELLED, State.ENDED})
RETRIABLE = (State.FAILED, State.CANCELLED, State.REFUSED)
"""It is known that it didn't do what was asked for: `--retry-failed` sends these again."""
ENDINGS = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
"""How an execution ended, by a word that somebody explained."""
FINAL = ENDINGS | {State.ENDED}
"""An execution is known and has ended."""
EXECUTED = UNDER_WAY | FINAL
"""An execution is known: such an attempt always has its id."""
SETTLED = UNDER_WAY | {State.SUCCEEDED, State.BASELINED, State.ASSUMED}
"""Nothing is left to do about it, as long as its spec stays as it is."""

RESULTS = FINAL | {State.RUNNING}
TRANSITIONS: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.INTENT, State.BASELINED}),
    State.INTENT: frozenset({State.ACCEPTED, State.REFUSED, State.UNSENT, State.IN_DOUBT}),
    State.ACCEPTED: RESULTS,
    State.ADOPTED: RESULTS,
    State.RUNNING: RESULTS,  # also to itself, when Qualys' word changes
    State.IN_DOUBT: frozenset({State.ADOPTED, State.ABSENT, State.ASSUMED, State.EXPIRED}),
    State.EXPIRED: frozenset({State.ADOPTED, State.ABSENT, State.ASSUMED}),
    # The truth comes late: an execution shows up after it was decided otherwise.
    State.ABSENT: frozenset({State.ADOPTED}),
    State.ASSUMED: frozenset({State.ADOPTED, State.ASSUMED}),  # to itself: a note
    # The settings learned what its word means, or a person knows how it ended.
    State.ENDED: ENDINGS,
}
REOPENED: Mapping[State, State] = {
    State.ADOPTED: State.IN_DOUBT,
    State.ABSENT: State.IN_DOUBT,
    State.ASSUMED: State.IN_DOUBT,
    State.SUCCEEDED: State.ENDED,
    State.FAILED: State.ENDED,
}
"""What a person can decide -> what it was before, to which it can be put back."""
