"""A clock that stands still until it is told otherwise."""

from datetime import UTC, datetime


class StillClock:
    """Its date never changes; `seconds` is what `monotonic` gives."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds
