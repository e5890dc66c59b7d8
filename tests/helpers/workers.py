"""A fleet on disk with a broker, and processes that work on it, each in a clone of its own."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.brokers import Broker
from tests.helpers.fleets import FleetOnDisk, order_of


class Hurry(NamedTuple):
    """How long is waited for who was killed: a claim beyond its time limit, and an intent."""

    margin: float = 60.0
    lease: float = 360.0

    def program(self) -> str:
        """Return the program with these times, which its members' processes have as well."""
        lease = f"from qflow_gitops.apply import recorder; recorder.LEASE = {self.lease}; "
        return (
            f"from qflow_gitops.fleet import work, worker; worker.MARGIN = {self.margin}; "
            f"work._PROGRAM = {lease!r} + work._PROGRAM; "
            "from qflow_gitops.cli.main import main; main()"
        )


HURRY = Hurry(margin=2.0)
"""What a killed worker claimed is free sooner after its time limit."""


class Fleet:
    """A fleet, a broker, and processes that work on it, each in a clone of its own."""

    def __init__(
        self, disk: FleetOnDisk, broker: Broker, sandbox: SandboxServer, hurry: Hurry = HURRY
    ) -> None:
        self.disk, self.broker, self.sandbox = disk, broker, sandbox
        self.workers: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._started, self._program = 0, hurry.program()
        self._environ = disk.environ(sandbox.url) | {"QFLOW_FLEET_BROKER": broker.url}

    @property
    def head(self) -> str:
        return self.disk.clone.git("rev-parse", "HEAD")

    @property
    def sent(self) -> list[str]:
        return order_of(self.sandbox.executions())

    def work(self, count: int = 1) -> None:
        """Start workers."""
        for _ in range(count):
            self._started += 1
            name = f"worker-{self._started}"
            self.disk.remote.clone(name)
            self._work(name)

    def kill_one(self, chance: random.Random, *, same_clone: bool) -> None:
        """Kill a worker, and start another: as a supervisor does, or elsewhere."""
        name, process = self.workers.pop(chance.randrange(len(self.workers)))
        process.kill()
        process.wait()
        if same_clone:
            self._work(name)
        else:
            self.work()

    def lose_one(self, *, whole: bool) -> None:
        """Kill a worker; `whole`: and all that it started, as a machine that goes does."""
        _, process = self.workers.pop(0)
        if whole:
            with_children(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()

    def apply(self, clone: Path | None = None) -> "subprocess.Popen[bytes]":
        """Start a driver."""
        self._started += 1
        where = str(clone or self.disk.clone.path)
        return self._start(f"apply-{self._started}", "-C", where, "fleet", "apply",
                           "--engine", "celery")  # fmt: skip

    def said(self, name: str = "worker") -> str:
        """Return what the workers, or one process, said."""
        logs = sorted(self.disk.folder.glob(f"{name}*.log"))
        return "\n".join(log.read_text(errors="replace") for log in logs)

    def wait(self, holds: Callable[[], bool], seconds: float = 100.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.said("") + str(self.sent)
            time.sleep(0.05)

    def close(self) -> None:
        for _, process in self.workers:
            process.kill()
            process.wait()

    def _work(self, name: str) -> None:
        clone = str(self.disk.folder / name)
        words = ("-C", clone, "fleet", "worker", "--concurrency", "1")
        self.workers.append((name, self._start(name, *words)))

    def _start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.disk.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", self._program, *arguments],
                env=self._environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def with_children(pid: int, number: int) -> None:
    """Signal a process and all that descend from it: members' have sessions of their own."""
    children: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            child, _, rest = file.read_text().partition(" (")
            children.setdefault(int(rest.rpartition(")")[2].split()[1]), []).append(int(child))
    todo = [pid]
    while todo:
        one = todo.pop()
        todo += children.get(one, [])
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, number)
