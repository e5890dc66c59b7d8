"""How long is waited before something is asked again."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from qflow_gitops.http.evidence import number


class Waits:
    """What the server asks for, else longer each time. `chance` spreads it, from 0 to 1."""

    def __init__(self, chance: Callable[[], float], now: Callable[[], datetime]) -> None:
        """Take the edges."""
        self._chance = chance
        self._now = now

    def pause(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Say how many seconds, after a try (counted from 0) whose answer had these headers.

        `X-RateLimit-ToWait-Sec`, then `Retry-After` in seconds or as a date (docs/api.md 4.3).
        """
        for name in ("x-ratelimit-towait-sec", "retry-after"):
            asked = self._seconds(headers.get(name, ""))
            if asked is not None:
                return max(0.0, asked)
        return float(min(30.0, 2.0**attempt) * (0.5 + self._chance() / 2))

    def until(self, date: str) -> float | None:
        """Return the seconds until a date of HTTP, None for no date, or one of no time zone."""
        try:
            return (parsedate_to_datetime(date) - self._now()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None

    def _seconds(self, text: str) -> float | None:
        asked = number(text)
        return self.until(text) if asked is None else float(asked)


class Rests:
    """Sleeps, and tells meanwhile how long that still takes. Safe to use from several threads."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        """Take what sleeps."""
        self._sleep = sleep
        self._ends: dict[int, float] = {}

    def sleep(self, seconds: float) -> None:
        """Sleep so long."""
        me = threading.get_ident()
        self._ends[me] = time.monotonic() + seconds
        try:
            self._sleep(seconds)
        finally:
            del self._ends[me]

    @property
    def left(self) -> float:
        """Return the seconds until the last of those that sleep now goes on; 0 for none."""
        return max(0.0, max(self._ends.copy().values(), default=0.0) - time.monotonic())
