"""What one process takes, and several in turn: time, processor time, memory."""

import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PROGRAM = str(Path(sys.executable).with_name("qflow-gitops"))
COMPILED = {
    name: one for name, one in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "CI")
}
"""As an installed program runs at a desk: what pip compiled isn't compiled at each start."""


class Used(NamedTuple):
    """Milliseconds of the clock and of processors, and MiB at most.

    `memory` is what the process had or any that it started, `own` what it had itself.
    """

    wall: float
    cpu: float
    memory: float
    own: float = 0.0


_MEASURED = """\
import os, select, subprocess, sys, time
begun, own = time.perf_counter(), "0"
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
ended = os.pidfd_open(child.pid)
while not select.select([ended], [], [], 0.01)[0]:
    with open(f"/proc/{child.pid}/status") as status:
        own = next((line.split()[1] for line in status if line.startswith("VmHWM")), own)
wall = time.perf_counter() - begun
_, status, used = os.wait4(child.pid, 0)
code = os.waitstatus_to_exitcode(status)
print(code, wall, used.ru_utime + used.ru_stime, used.ru_maxrss, own)
"""
"""A small process between: the kernel counts what a process was before its exec as well."""


def measured(command: Sequence[str], folder: Path, environ: Mapping[str, str] = COMPILED) -> Used:
    """Run a command that has to succeed; its output goes nowhere."""
    between = [sys.executable, "-S", "-c", _MEASURED, *command]
    process = subprocess.Popen(
        between, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate()
    except BaseException:  # whoever stops the benchmark stops what it measures
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    assert process.returncode == 0, err
    code, wall, cpu, memory, own = map(float, out.split())
    assert code == 0, (command, err)
    return Used(wall * 1e3, cpu * 1e3, memory / 1024, own / 1024)


class Case(NamedTuple):
    """A command to time: beside which other, what it may take, and what is done before each run."""

    name: str
    command: Sequence[str]
    beside: str = ""
    target: str = ""
    before: Callable[[], object] = lambda: None


def in_turn(cases: Sequence[Case], folder: Path, rounds: int) -> dict[str, Used]:
    """Time whole processes, A B A B; give the medians of each, and the most memory."""
    found: dict[str, list[Used]] = {one.name: [] for one in cases}
    for _ in range(rounds):
        for one in cases:
            one.before()
            found[one.name].append(measured(one.command, folder))
    return {name: medians(some) for name, some in found.items()}


def medians(some: Sequence[Used]) -> Used:
    """Return the medians of the same command's times, and the most memory."""
    return Used(
        statistics.median(one.wall for one in some),
        statistics.median(one.cpu for one in some),
        max(one.memory for one in some),
        max(one.own for one in some),
    )
