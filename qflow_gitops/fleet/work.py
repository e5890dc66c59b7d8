"""Runs the program in a process of its own, with limits, whose answer is JSON.

So a fleet works on its members, and a watch on its project.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from qflow_gitops.base.printable import shown
from qflow_gitops.errors import ExitCode
from qflow_gitops.fleet.environ import masked, secrets_of
from qflow_gitops.git.child import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MOST = 16 * 1024 * 1024
"""Bytes of an answer that are read."""
LAST_WORDS = 10.0
"""Seconds from SIGTERM to SIGKILL: an apply that was asked to end records what it has."""
_ALONE = 30.0
"""So many seconds after its time limit a process ends by itself, if nobody ended it."""
_GLANCE = 0.25  # seconds between two looks at whether it has to be ended
_TOLD = 2000  # characters of what it complained of
_PROGRAM = (
    "from qflow_gitops.fleet import limited; limited.begin(); "
    "from qflow_gitops.cli.main import main; main()"
)


class Limits(NamedTuple):
    """What a process may take: seconds, and bytes of memory; `setting` has them, "" for none."""

    time: float = 3600.0
    memory: int = 2**30
    setting: str = "limits"

    def named(self, name: str) -> str:
        """Say, behind a limit, what sets it."""
        return f" (`{self.setting}.{name}`)" if self.setting else ""


class Work(NamedTuple):
    """What came of it: the exit code, what the program answered, and what went wrong, masked.

    `report` is None where it answered nothing that can be read.
    """

    exit_code: int
    report: Mapping[str, Any] | None
    problem: str


def work(
    words: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    limits: Limits,
    *,
    held: Sequence[int] = (),
    stopping: Callable[[], bool],
) -> Work:
    """Run a command of the program in a folder, with this environment alone.

    `held` are locks that it holds itself, whatever becomes of this process: nobody else gets a
    member's clone while it runs. Once `stopping`, or when its time is over, it is ended.
    """
    command = [
        # -P: no file of the folder at hand is imported.
        *(sys.executable, "-P", "-c", _PROGRAM),
        *(str(limits.memory), str(ceil(limits.time + LAST_WORDS + _ALONE))),
        *("-C", str(folder), *words, "--format", "json"),
    ]
    with scratch() as output, scratch() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=os.sep,
                env=dict(environ),
                start_new_session=True,
                pass_fds=held,
            )
        except OSError as problem:
            return Work(ExitCode.BUG, None, f"It can't be started: {problem.strerror}.")
        try:
            why = _waited(process, (output, errors), limits, stopping)
        finally:
            _end(process)
        code = process.returncode
        return _told(code if code >= 0 else 128 - code, output, errors, environ, why, limits)


def _waited(
    process: subprocess.Popen[bytes],
    written: Sequence[BinaryIO],
    limits: Limits,
    stopping: Callable[[], bool],
) -> str:
    """Wait for its end; why it has to be ended before, else ""."""
    deadline = time.monotonic() + limits.time
    while (left := deadline - time.monotonic()) > 0:
        if _ended(process, min(left, _GLANCE)):
            return ""
        if stopping():
            return "It was ended, since this command was asked to end."
        if any(os.fstat(file.fileno()).st_size > MOST for file in written):
            return f"It was ended: it wrote more than {MOST // 2**20} MiB."
    return f"It was ended: it took longer than {limits.time:g} seconds{limits.named('time')}."


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends within so many seconds; without asking again and again, where there is that.

    The process stays as a zombie until it is waited for, so its id is no other's meanwhile.
    """
    if process.poll() is None and hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(process.pid)
        try:
            ends = select.poll()
            ends.register(descriptor, select.POLLIN)
            ends.poll(seconds * 1000)
        finally:
            os.close(descriptor)
        return process.poll() is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.returncode is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs: its group, and after that what it started in sessions of their own."""
    if process.poll() is not None:
        return
    _signal(process.pid, signal.SIGTERM)
    if _ended(process, LAST_WORDS):
        return
    # Stopped, it takes leave of no child, so that each id stays what it is until it is killed.
    _signal(process.pid, signal.SIGSTOP)
    for child in _started_by(process.pid):
        _signal(child, signal.SIGKILL)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def _started_by(pid: int) -> Iterator[int]:
    """Name what a process started and hasn't taken leave of, as far as the system tells."""
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, file.read_text(encoding="ascii").split())


_NO_MEMORY = ("MemoryError", "failed to map segment", "annot allocate memory", "ut of memory")
"""What Python, the loader of its libraries, the C library and git say where there is no more."""


def _told(
    code: int, output: BinaryIO, errors: BinaryIO, environ: Mapping[str, str], why: str,
    limits: Limits,
) -> Work:  # fmt: skip
    output.seek(0)
    report = _report(output.read(MOST + 1), environ)
    said = masked(_last(errors), environ)
    if not why and code and any(words in said for words in _NO_MEMORY):
        least = f"{limits.memory // 2**20} MiB{limits.named('memory')}"
        return Work(code, report, f"It needed more memory than {least}.")
    if report is not None and not why:
        return Work(code, report, "")
    lines = " · ".join(line.strip() for line in said.splitlines() if line.strip())
    told = shown(f"{why} {lines[-_TOLD:]}".strip())
    return Work(code, report, told or f"It ended with {code} and no answer.")


def _last(errors: BinaryIO) -> str:
    """Return whole lines: half a secret at the beginning of one wouldn't be known."""
    begin = max(0, os.fstat(errors.fileno()).st_size - 4 * _TOLD)
    errors.seek(begin)
    said = errors.read(4 * _TOLD).decode(errors="replace")
    return said.partition("\n")[2] if begin else said


def _report(written: bytes, environ: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Read an answer, without the secrets that must not be in it; None for anything else."""
    if len(written) > MOST:
        return None
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return None
    hidden: Mapping[str, Any] | None = _without(found, secrets_of(environ))
    return hidden if isinstance(hidden, dict) else None


def _without(found: Any, secrets: Sequence[str]) -> Any:
    match found:
        case str():
            for secret in secrets:
                found = found.replace(secret, "***")
            return found
        case dict():
            return {_without(key, secrets): _without(one, secrets) for key, one in found.items()}
        case list():
            return [_without(one, secrets) for one in found]
    return found
