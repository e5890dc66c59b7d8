"""Kills of the real program, step by step where it can be traced, else at random times."""

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROGRAM = "from qflow_gitops.cli.main import main; main()"
LATER = """\
from datetime import UTC, datetime, timedelta
from qflow_gitops.cli.clock import SystemClock
SystemClock.now = lambda _: datetime.now(UTC) + timedelta(seconds={seconds})
"""
"""Before PROGRAM: its clock is so far ahead, as if it had been started so much later."""
_TRACER = Path(__file__).with_name("tracer.py")
_UNABLE = 77


@dataclass(frozen=True)
class Ended:
    """How a run ended. `status` is its exit code where it wasn't killed."""

    killed: bool
    step: str
    status: int
    out: str


@dataclass(frozen=True)
class Killer:
    """Runs the program in a folder. `everything`: its children are killed along with it."""

    folder: Path
    everything: bool

    def run(self, point: int, *arguments: str, ahead: float = 0) -> Ended:
        """Run the program and kill it at its step `point`, if it comes to that."""
        code = (LATER.format(seconds=ahead) if ahead else "") + PROGRAM
        command = [sys.executable, "-c", code, *arguments]
        return self._traced(point, command) if can_trace() else self._timed(point, command)

    def _traced(self, point: int, command: list[str]) -> Ended:
        result = self.folder.with_name(f"{self.folder.name}.traced")
        done = subprocess.run(
            [*_tracer(str(point), "all" if self.everything else "alone", str(result)), *command],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        )  # fmt: skip
        out = done.stdout.decode(errors="replace")
        assert done.returncode == 0, out
        told = json.loads(result.read_text())
        return Ended(told["killed"], told["step"], told["status"], out)

    def _timed(self, point: int, command: list[str]) -> Ended:
        """A step is taken for some milliseconds, and a bit more or less."""
        process = subprocess.Popen(
            command, cwd=self.folder, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        seconds = 0.15 + (point + random.random()) * 0.003
        killed = False
        try:
            out, _ = process.communicate(timeout=min(seconds, 60))
        except subprocess.TimeoutExpired:
            killed = True
            if self.everything:
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            out, _ = process.communicate()
        return Ended(killed, f"{seconds:.3f} s", process.returncode, out.decode(errors="replace"))


def _tracer(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(_TRACER), *arguments]


@cache
def can_trace() -> bool:
    """Whether processes may be traced here: Linux on a machine that the tracer knows."""
    done = subprocess.run([*_tracer("0", "all", os.devnull), sys.executable, "-c", "pass"])
    return done.returncode != _UNABLE
