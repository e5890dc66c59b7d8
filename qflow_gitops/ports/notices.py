"""What is needed of whoever is told what happened, and of who carries it there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import Notice


class Told(NamedTuple):
    """A notice, and what is shown of it: each text on one line, without hidden characters.

    Those of the notice itself as well. `title` says what happened, `way` is what to type next (""
    for nothing). `state`, `platform`, `execution_id`, `commit`, `by` and `ticket` are those of its
    attempt, "" where there is none. Nothing of a request is ever in it.
    """

    notice: Notice
    lineage: str
    title: str
    way: str = ""
    platform: str = ""
    state: str = ""
    execution_id: str = ""
    commit: str = ""
    by: str = ""
    ticket: str = ""


class Undelivered(Exception):
    """A receiver doesn't have it, as far as that is known; `why` in a few words, without secrets.

    `retry_after` are the seconds that it asks to wait, 0 where it doesn't. `permanent`: it would
    say the same the next time; `odd`: of what was sent alone, and not of whatever else comes.
    """

    def __init__(
        self, why: str, *, retry_after: float = 0.0, permanent: bool = False, odd: bool = False
    ) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after
        self.permanent = permanent
        self.odd = odd


class Receiver(Protocol):
    """One place where notices are sent to."""

    @property
    def name(self) -> str:
        """What the lockfile calls it: `cloudevents`, `slack` or `teams`."""

    @property
    def most(self) -> int:
        """How many notices it takes at once."""

    def send(self, told: Sequence[Told]) -> None:
        """Send notices, oldest first; raises Undelivered. What was sent may be sent again."""

    def close(self) -> None:
        """Let go of what was opened."""


class Courier(Protocol):
    """Carries notices to all receivers, beside what its caller does. Raises nothing."""

    @property
    def names(self) -> tuple[str, ...]:
        """The receivers that are set up."""

    def offer(self, lockfile: Lockfile) -> None:
        """Take a lockfile, whose waiting notices are carried; returns at once."""

    def wait(self, seconds: float) -> None:
        """Wait until all that was offered is delivered, or can't be within so many seconds."""

    def close(self, seconds: float) -> None:
        """Stop, within so many seconds; what isn't delivered by then waits for the next time."""

    def done(self) -> Mapping[str, frozenset[str]]:
        """Return the ids of notices that were delivered, each with the receivers that have it."""

    def troubles(self) -> Mapping[str, str]:
        """Return why receivers didn't take what was sent last, by their names."""


class Nobody:
    """Implements `Courier` where nobody is told."""

    names: tuple[str, ...] = ()

    def offer(self, lockfile: Lockfile) -> None:
        """Leave them where they are."""

    def wait(self, seconds: float) -> None:
        """Wait for nothing."""

    def close(self, seconds: float) -> None:
        """Close nothing."""

    def done(self) -> Mapping[str, frozenset[str]]:
        """Return nothing."""
        return {}

    def troubles(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}


NOBODY: Courier = Nobody()
