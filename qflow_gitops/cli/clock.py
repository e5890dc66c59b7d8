"""The machine's time, and how much of it is left once somebody asks to stop."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from typing import TYPE_CHECKING

from qflow_gitops.errors import ExitCode

if TYPE_CHECKING:
    from datetime import datetime

GIT_TIMEOUT = 60.0
"""Seconds that one exchange with a git remote may take."""
STOP_WITHIN, LAST_MOMENT = 6.0, 6.8
"""Seconds in which all is to be over after a signal, and in which the process ends for certain:
GitHub gives 7.5 (docs, workflow cancellation)."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Stopper:
    """Remembers the first SIGINT or SIGTERM; a second one ends the process at once."""

    def __init__(self, within: float = STOP_WITHIN, last: float = LAST_MOMENT) -> None:
        """Begin to listen.

        `within` so many seconds after a signal all has to be over; after `last` the process ends
        for certain.
        """
        self.signal = 0
        self._within, self._last = within, last
        self._at = self._until = math.inf
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._caught)

    def _caught(self, number: int, _frame: object) -> None:
        if self.signal:
            os._exit(128 + number)  # what was sent is in the lockfile as an intent
        self._at = time.monotonic()
        self.signal = number
        import threading

        # Whatever still hangs by then has nothing in hand that isn't recorded or rescued.
        last = threading.Timer(self._last, _give_up, (number,))
        last.daemon = True
        last.start()

    def left(self) -> float:
        """Seconds in which all has to be over; infinity as long as nobody asked to stop."""
        return max(0.0, self._within + self._at - time.monotonic())

    def time_left(self) -> float:
        """Seconds that git may still take to reach a remote."""
        return min(GIT_TIMEOUT, self.left(), max(0.0, self._until - time.monotonic()))

    def hurry(self, seconds: float) -> None:
        """Let git take no more than so many seconds in all from now on: what is left can wait."""
        self._until = time.monotonic() + seconds

    def __call__(self) -> bool:
        """Whether a person or the CI asked to stop."""
        return bool(self.signal)

    @property
    def exit_code(self) -> ExitCode:
        """130 for SIGINT, 143 for SIGTERM."""
        return ExitCode.SIGTERM if self.signal == signal.SIGTERM else ExitCode.SIGINT


def _give_up(number: int) -> None:
    told = (
        "Interrupted, and something still hangs: this process ends now. What was sent is in the "
        "lockfile, if only as an intent; the next apply looks it up: `qflow-gitops status`\n"
    )
    with contextlib.suppress(OSError):
        os.write(2, told.encode())
    os._exit(128 + number)
