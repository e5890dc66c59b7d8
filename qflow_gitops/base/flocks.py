"""A lock that a file stands for, which the kernel gives back however a process ends."""

import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_GLANCE = 0.02  # seconds between two tries


@contextmanager
def entered(path: Path, time_left: Callable[[], float]) -> Iterator[int | None]:
    """Hold the lock of a file, which is made; its descriptor, None where others don't let go.

    It is tried once at least, and for so many seconds, which are asked for again: the shortest
    time counts. A process that inherits the descriptor holds the lock, too. Raises OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    deadline = math.inf
    try:
        while not (held := _locked(descriptor)):
            deadline = min(deadline, time.monotonic() + time_left())
            if time.monotonic() >= deadline:
                break
            time.sleep(_GLANCE)
        yield descriptor if held else None
    finally:
        os.close(descriptor)  # the kernel releases the flock, also after kill -9


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
