"""Time that only moves when it is told to, or slept through; and somebody who asks to stop."""

import math
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 10, 6, 12, tzinfo=UTC)  # a Tuesday


class FakeClock:
    """Implements `ports.clock.Clock`: `sleep` returns at once, that much later."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Let time go by, on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds

    def set(self, now: datetime) -> None:
        """Set the clock on the wall, forward or back; the other one knows nothing of that."""
        self._now = now


class FakeStop:
    """Implements `ports.clock.StopSignal`. `within` is how many seconds are left once asked."""

    def __init__(self, clock: FakeClock, within: float = 6.0) -> None:
        self._clock = clock
        self._within = within
        self._asked_at = math.inf

    def ask(self) -> None:
        """Ask to stop, as SIGTERM does."""
        self._asked_at = min(self._asked_at, self._clock.monotonic())

    def __call__(self) -> bool:
        return math.isfinite(self._asked_at)

    def left(self) -> float:
        return max(0.0, self._asked_at + self._within - self._clock.monotonic())
