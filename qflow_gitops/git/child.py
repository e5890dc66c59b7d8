"""A git that was started: what it reads, and its end."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


TOO_LONG = b"it took too long and was ended"
"""What is said in place of a git that was ended, at the end of its own words."""
_GLANCE, _LAST_WORDS = 0.1, 0.3  # seconds between looks at a git; and until it is killed


def ended(
    process: subprocess.Popen[bytes], time_left: Callable[[], float] | None
) -> tuple[int, bytes, bytes]:
    """Wait for a git, no longer than there is patience: exit status, stdout, stderr."""
    if time_left is None:
        out, err = process.communicate()
        return process.returncode, out, err
    deadline = math.inf
    while True:
        now = time.monotonic()
        deadline = min(deadline, now + time_left())
        try:
            out, err = process.communicate(timeout=max(0.0, min(_GLANCE, deadline - now)))
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            return _given_up(process)
        return process.returncode, out, err


def _given_up(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """End a git and its helpers; first so that it takes its lock files away."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            out, err = process.communicate(timeout=_LAST_WORDS)
            return process.returncode or 1, out, err + b"\nfatal: " + TOO_LONG
    # Something that left the session holds its output open: nothing to wait for.
    return 1, b"", b"fatal: " + TOO_LONG


@contextmanager
def given_input(feed: bytes) -> Iterator[BinaryIO]:
    """Return a process' stdin: a file, so that no pipe can fill up; in memory where there is that.

    So a full disk is no reason why a record that belongs elsewhere can't be written. Raises
    UsageProblem where there is no room.
    """
    with ExitStack() as opened:
        try:
            file = opened.enter_context(scratch())
            left = memoryview(feed)
            while left:  # a disk that is nearly full takes only a part
                left = left[file.write(left) :]
            file.seek(0)
        except OSError as problem:
            raise UsageProblem(
                f"There is no room for what git is to read: {problem.strerror or problem}.",
                not_done="Nothing was planned and nothing was sent.",
                hint="Make room in the folder for temporary files, or set TMPDIR to another one.",
                reason="no_room",
            ) from None
        yield file


def scratch() -> BinaryIO:
    """Open a file without a name; unbuffered, so that closing it has nothing left to write."""
    if hasattr(os, "memfd_create"):
        return cast(BinaryIO, os.fdopen(os.memfd_create("feed"), "w+b", buffering=0))
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))  # macOS
