"""What an apply costs beside the server's own time: one that answers each request in 50 ms."""

import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from tests.benchmarks.processes import measured
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.storm import PROGRAM


class Server:
    """A bare server on the loopback address: every answer takes `delay` seconds, to the 0.1 ms.

    `begun` and `ended` say when the first run was asked for and the last one was answered.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._read: dict[socket.socket, bytes] = {}
        self._due: list[tuple[float, int, socket.socket, bytes]] = []
        self._count = count()
        self.port = self._listener.getsockname()[1]
        self.runs = 0
        self.begun = self.ended = 0.0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            wait = max(0.0, self._due[0][0] - time.perf_counter()) if self._due else None
            for one in select.select([self._listener, *self._read], [], [], wait)[0]:
                self._take(one)
            while self._due and self._due[0][0] <= time.perf_counter():
                _, _, wire, path = heappop(self._due)
                self._answer(wire, path)

    def _take(self, one: socket.socket) -> None:
        if one is self._listener:
            self._read[one.accept()[0]] = b""
            return
        piece = one.recv(65536)
        if not piece:
            del self._read[one]
            one.close()
            return
        self._read[one] += piece
        head, ended, body = self._read[one].partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if ended and len(body) == int(length[1] if length else 0):
            self._read[one] = b""
            now, path = time.perf_counter(), head.split(b" ")[1]
            if path.endswith(b"/run"):
                self.begun = self.begun or now
            heappush(self._due, (now + self._delay, next(self._count), one, path))

    def _answer(self, wire: socket.socket, path: bytes) -> None:
        body = self._body(path)
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        if path.endswith(b"/run"):
            self.runs += 1
            self.ended = time.perf_counter()

    def _body(self, path: bytes) -> bytes:
        if path.startswith(b"/auth"):
            return b"a.b.c"
        if b"/executions?" in path:
            return b'{"data": {"items": [], "total": 0}}'
        if path.endswith(b"/run"):
            return b'{"executionId": "%s"}' % str(uuid.uuid4()).encode()
        return b'{"data": {"id": "%s", "revision": "1"}}' % WORKFLOW.encode()


def _timed(runs: int, concurrency: int, delay: float) -> tuple[float, float, float]:
    """Give seconds of the whole process and of its sending, and MiB of its peak memory."""
    server = Server(delay)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        workspace.git("init", "--quiet")
        workspace.git("config", "user.email", "bench@example.com")
        workspace.git("config", "user.name", "bench")
        limits = f"  policy: {{limits: {{runs: {runs}}}}}\n"
        workspace.write("qflow.yaml", SANDBOX_PROJECT + limits)
        for number in range(runs):
            workspace.write(f"runs/{number // 100}/{number}.yaml", spec(f"run-{number}", number))
        workspace.commit("runs")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "QFLOW_GATEWAY": f"http://127.0.0.1:{server.port}",
            "QFLOW_CLIENT_ID": "sandbox",
            "QFLOW_CLIENT_SECRET": "sandbox",
        }
        command = [*PROGRAM, "-q", "apply", "--yes", "--no-wait", f"--concurrency={concurrency}"]
        used = measured(command, Path(folder), environ)
    assert server.runs == runs
    return used.wall / 1e3, server.ended - server.begun, used.memory


_BARE = """\
import itertools, sys, threading, requests
runs, concurrency, address = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
numbers = itertools.count()
def post():
    session = requests.Session()
    session.trust_env = False
    while next(numbers) < runs:
        session.post(address, json={}).raise_for_status()
threads = [threading.Thread(target=post) for _ in range(concurrency)]
for one in threads: one.start()
for one in threads: one.join()
"""
"""As many requests as runs, in threads, and nothing else: no record, no look before the first."""


def _bare(runs: int, concurrency: int, delay: float) -> float:
    """Give the seconds that `requests` alone needs, from the first request to the last answer."""
    server = Server(delay)
    address = f"http://127.0.0.1:{server.port}/qflowapi/v1/workflows/{WORKFLOW}/run"
    command = [sys.executable, "-c", _BARE, str(runs), str(concurrency), address]
    subprocess.run(command, check=True)
    assert server.runs == runs
    return server.ended - server.begun


def measure(scale: Scale) -> Table:
    """Time an apply whose server answers in 50 ms, eight at a time, beside that floor."""
    runs, concurrency, delay = min(scale.largest, 1000), 8, 0.05
    idle, _, _ = _timed(1, 1, 0.0)
    bare = _bare(runs, concurrency, delay)
    seconds, sending, memory = _timed(runs, concurrency, delay)
    floor = runs * delay / concurrency
    row = {
        "runs": f"{runs}",
        "floor s": f"{floor:.2f}",
        "apply s": f"{seconds:.2f}",
        "ratio": f"{seconds / floor:.2f}",
        "first POST to last answer": f"{sending / floor:.2f}",
        "the same of requests alone": f"{bare / floor:.2f}",
        "one run alone s": f"{idle:.2f}",
        "peak MiB": f"{memory:.0f}",
    }
    return Table(
        "A whole `apply` on the worktree store, each run recorded before and after; the floor is "
        "runs x 50 ms / 8.",
        [row],
    )
