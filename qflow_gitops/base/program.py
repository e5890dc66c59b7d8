"""Runs a program that a variable names: no shell, so long, so much.

`git.child` is another one: what a git says is trusted to end, and is kept whole.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

GLANCE, LAST_WORDS = 0.05, 0.3
"""Seconds between looks whether it has ended; and until it is killed."""
MOST = 64 * 1024
"""Bytes of what it writes: of its result, which is none if longer, and of what it complains."""
_GIVEN = 16 * 1024


class Ended(NamedTuple):
    """How a program ended. `why` is "" unless it was ended: `late` or `long`."""

    status: int
    out: bytes
    err: bytes
    why: str = ""


def run(
    words: Sequence[str],
    environ: Mapping[str, str],
    seconds: float,
    time_left: Callable[[], float],
    most: int = MOST,
    given: bytes = b"",
) -> Ended:
    """Run a program in the root folder, in a session of its own. Raises OSError, ValueError.

    It is `given` at most 16 KiB to read. It may take so many seconds, and no longer than there is
    time, which is asked while it runs. What it leaves running isn't waited for, though it holds
    what the program wrote to.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.sep,
        env=dict(environ),
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101  asked for above
    assert process.stderr is not None  # noqa: S101
    try:
        if process.stdin is not None:  # so little fits into a pipe, whoever reads it or not
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(given[:_GIVEN])
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        written = {process.stdout: bytearray(), process.stderr: bytearray()}
        why = _listen(process, written, time.monotonic() + seconds, time_left, most)
        out, err = map(bytes, written.values())
        return Ended(process.returncode if not why else -1, out, err, why)
    finally:
        _end(process)
        for pipe in (process.stdout, process.stderr):
            pipe.close()


def place_of(name: str, environ: Mapping[str, str]) -> str:
    """Return where a program is: an absolute path, or in an absolute folder of the PATH.

    Raises LookupError, whose text says why it is none: `is in no folder of the PATH`.
    """
    if os.sep in name:
        if Path(name).is_absolute():
            return name
        raise LookupError("is named by a relative path, which a repository could fill")
    folders = environ.get("PATH", "").split(os.pathsep)
    for place in (Path(each) / name for each in folders if Path(each).is_absolute()):
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    raise LookupError("is in no folder of the PATH")


def _listen(
    process: subprocess.Popen[bytes],
    written: dict[IO[bytes], bytearray],
    deadline: float,
    time_left: Callable[[], float],
    most: int,
) -> str:
    """Read until it has ended; why it has to be ended, else ""."""
    result = next(iter(written))
    with selectors.DefaultSelector() as open_ones:
        for pipe in written:
            os.set_blocking(pipe.fileno(), False)
            open_ones.register(pipe.fileno(), selectors.EVENT_READ, pipe)
        while True:
            now = time.monotonic()
            deadline = min(deadline, now + time_left())
            left = deadline - now
            ended = process.poll() is not None
            if left <= 0 and not ended:
                return "late"
            ready = open_ones.select(0 if ended else min(left, GLANCE))
            for key, _ in ready:
                piece = os.read(key.fd, 65536)
                if not piece:
                    open_ones.unregister(key.fd)
                kept = written[key.data]
                kept += piece[: most + 1 - len(kept)]
            if len(written[result]) > most:
                return "long"
            if ended and (left <= 0 or not ready):
                return ""
            if not open_ones.get_map() and not ended:  # it wrote all, and ends now or later
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(min(left, GLANCE))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs, and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LAST_WORDS)
