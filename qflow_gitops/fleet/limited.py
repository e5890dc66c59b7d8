"""The beginning of a member's process: what it may take, set before the program is loaded.

It is set in the process itself, not between fork and exec, where a driver with threads may not run
code of its own.
"""

import contextlib
import signal
import sys


def begin() -> None:
    """Take limits off the command line, and set them: bytes of memory, seconds of time."""
    memory, seconds = map(int, sys.argv[1:3])
    del sys.argv[1:3]
    limit(memory, seconds)


def limit(memory: int, seconds: int) -> None:
    """Bound what this process, and what it starts, takes of memory, and how long it runs.

    The time is a last resort: who started it ends it before, unless that one was killed.
    """
    import resource

    with contextlib.suppress(ValueError, OSError):  # macOS sets no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    without_core()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def without_core() -> None:
    """Let no core be written of this process, nor of what it starts: it would hold credentials."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
