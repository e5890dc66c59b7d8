"""Runs the one program that gives credentials: no shell, no input, so long, so much.

The one place here that starts a process. `git.child` isn't it: what a git says is trusted to end,
and is kept whole.
"""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, NamedTuple

from qflow_gitops.specs import secrets

GLANCE, LAST_WORDS = 0.05, 0.3
"""Seconds between looks whether it has ended; and until it is killed."""
MOST = 64 * 1024
"""Bytes of what it writes: of its result, which is none if longer, and of what it complains."""
LOOKED_AT = 8 * 1024
"""Bytes of what a program wrote that are looked at where it gives nothing."""
_GIVEN = re.compile(
    r"(\b(?:bearer|basic) +|(?<!\S)--?[\w-]{0,40}(?:password|secret|token|key)[= ]|(?<!\S)-u )\S+",
    re.IGNORECASE,
)
"""What stands behind such a word is given away by many a program that tells how it was called."""


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
) -> Ended:
    """Run a program in the root folder, in a session of its own. Raises OSError, ValueError.

    It may take so many seconds, and no longer than there is time, which is asked while it runs.
    What it leaves running isn't waited for, though it holds what the program wrote to.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.sep,
        env=dict(environ),
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101  asked for above
    assert process.stderr is not None  # noqa: S101
    try:
        written = {process.stdout: bytearray(), process.stderr: bytearray()}
        why = _listen(process, written, time.monotonic() + seconds, time_left, most)
        out, err = map(bytes, written.values())
        return Ended(process.returncode if not why else -1, out, err, why)
    finally:
        _end(process)
        for pipe in (process.stdout, process.stderr):
            pipe.close()


def complaint(ended: Ended) -> str:
    """Return what a program complained of, as one line, cut, without what looks like a secret."""
    said = ended.err[:LOOKED_AT].decode(errors="replace")
    return without_secrets(" ".join(said.split()))


def without_secrets(line: str) -> str:
    """Return a line without what looks like a secret, or stands where one is given."""
    for start, end in sorted(secrets.spans(line), reverse=True):
        line = f"{line[:start]}***{line[end:]}"
    return _GIVEN.sub(r"\1***", line)


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
