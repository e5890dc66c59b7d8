"""What is needed of time, and of whoever wants an apply to stop."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> datetime:
        """Return the time, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class StopSignal(Protocol):
    """Whether a person or the CI asked to stop."""

    def __call__(self) -> bool:
        """Whether they did."""

    def left(self) -> float:
        """Return the seconds in which all has to be over; infinity as long as nobody asked."""
