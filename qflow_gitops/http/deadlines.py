"""One thread that ends whatever takes longer than it may."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from qflow_gitops.http.adapter import RequestWatch


class Deadlines:
    """Cuts each request that isn't over `seconds` after it began, however slowly it still drips.

    One thread for all of them, which only looks at the oldest: one that begins while it sleeps
    ends after it wakes.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: dict[RequestWatch, float] = {}  # oldest first, with their ends
        self._awake = False

    @contextmanager
    def over(self, watch: RequestWatch) -> Iterator[None]:
        """End the request that this watches when its time is over."""
        with self._lock:
            self._open[watch] = time.monotonic() + self._seconds
            if not self._awake:
                threading.Thread(target=self._look, daemon=True).start()
                self._awake = True
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(watch, None)

    def _look(self) -> None:
        """Cut what is late, until a whole deadline passes without a request."""
        pause = self._seconds
        while pause > 0:
            time.sleep(pause)
            with self._lock:
                pause = self._cut_late()
                self._awake = pause > 0

    def _cut_late(self) -> float:
        """Return the seconds until the next one is late, 0 where there is none."""
        now = time.monotonic()
        for watch, end in list(self._open.items()):
            if end > now:
                return end - now
            del self._open[watch]
            watch.cut()
        return 0.0
