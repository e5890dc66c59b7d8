"""Which members of a fleet may be worked on, by what became of those before them.

Pure. As a rollout is, waves are a schedule and not a state: where they stand is told by the
members alone, so that any process goes on where another one was.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from qflow_gitops.policy.rollout import Share


class Counting(StrEnum):
    """What a member that didn't end well means for its wave."""

    COUNT = "count"
    """It counts against the failures that a wave may have, and the wave ends without it."""
    WAIT = "wait"
    """The wave isn't over until it is settled."""
    PASS = "pass"  # noqa: S105  a word, not a password
    """It is as good as done."""


class Outcomes(NamedTuple):
    """What each way to end that isn't a good one means."""

    failure: Counting = Counting.COUNT
    doubt: Counting = Counting.WAIT
    hold: Counting = Counting.WAIT


class Wave(NamedTuple):
    """Members that are worked on together; `soak` is in seconds.

    Those with the labels of `select`, else so many that with those of the waves before they are
    `percent` of all, rounded up, else all that are left.
    """

    select: Mapping[str, str] | None = None
    percent: int | None = None
    max_failures: Share = Share(0)
    soak: float = 0.0


class MemberStanding(StrEnum):
    """How a member stands."""

    DONE = "done"
    """Nothing is left to do."""
    FORGIVEN = "forgiven"
    """It didn't end well, and a person lets the waves go on all the same."""
    FAILED = "failed"
    OPEN = "open"
    """Runs of it are under way."""
    DOUBT = "doubt"
    """Nobody knows whether one of its runs was started."""
    HELD = "held"
    UNSENT = "unsent"
    """Runs of it are due."""


class WaveMember(NamedTuple):
    """A member of a fleet; `ended` is when its last execution ended (seconds), 0 for none."""

    name: str
    labels: Mapping[str, str]
    standing: MemberStanding
    ended: float = 0.0


class Labelled(Protocol):
    """What waves take members by."""

    @property
    def name(self) -> str:
        """Its name in the fleet."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""


class Scheduled(Protocol):
    """What a fleet says of its waves."""

    @property
    def members(self) -> Sequence[Labelled]:
        """The members that it names, in order."""

    @property
    def waves(self) -> Sequence[Wave]:
        """Its waves."""

    @property
    def outcomes(self) -> Outcomes:
        """What the ways to end mean."""
