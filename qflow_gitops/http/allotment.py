"""How many requests may be sent in all, and how long they may take together."""

import time
from collections.abc import Callable

from qflow_gitops.errors import UnreachableError


class CallsSpent(UnreachableError):
    """No more requests are sent: as many as were allowed have been."""

    reason = "calls_spent"


class Allotment:
    """Counts requests, each try of one. For one thread."""

    def __init__(
        self,
        most: int | None,
        seconds: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Allow `most` requests, None for any number, to be begun within so many seconds."""
        self._most = most
        self._seconds = seconds
        self._monotonic = monotonic
        self._end: float | None = None
        self.made = 0
        """So many were sent."""

    @property
    def left(self) -> int | None:
        """How many more may be sent, None for any number."""
        return None if self._most is None else max(0, self._most - self.made)

    def take(self) -> None:
        """Count one more. Raises CallsSpent where there is none left, or no time."""
        now = self._monotonic()
        if self._end is None and self._seconds is not None:
            self._end = now + self._seconds
        if self.left == 0:
            raise CallsSpent(f"All {self._most} calls that were allowed have been made.")
        if self._end is not None and now > self._end:
            raise CallsSpent(f"The {self._seconds:.0f} seconds that were allowed are over.")
        self.made += 1
