"""What an apply costs beside the server's own time: one that answers each request in 50 ms."""

import asyncio
import os
import resource
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

from tests.benchmarks.table import Table
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.storm import PROGRAM


class Server:
    """A bare server on the loopback address: every answer takes `delay` seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self.runs = 0
        threading.Thread(target=self._serve, daemon=True).start()
        self._ready.wait()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=256)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                await reader.readexactly(length)
                await asyncio.sleep(self._delay)
                body = self._body(head)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _body(self, head: bytes) -> bytes:
        path = head.split(b" ")[1]
        if path.startswith(b"/auth"):
            return b"a.b.c"
        if b"/executions?" in path:
            return b'{"data": {"items": [], "total": 0}}'
        if path.endswith(b"/run"):
            self.runs += 1
            return b'{"executionId": "%s"}' % str(uuid.uuid4()).encode()
        return b'{"data": {"id": "%s", "revision": "1"}}' % WORKFLOW.encode()


def _timed(runs: int, concurrency: int, delay: float) -> tuple[float, float]:
    """Give seconds of the whole process and MiB of its peak memory."""
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
            "QFLOW_CLIENT_ID": "bench",
            "QFLOW_CLIENT_SECRET": "bench",
        }
        command = [*PROGRAM, "-q", "apply", "--yes", "--no-wait", f"--concurrency={concurrency}"]
        begun = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begun
    assert server.runs == runs
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def measure(small: bool) -> Table:
    """Time an apply whose server answers in 50 ms, eight at a time, beside that floor."""
    runs, concurrency, delay = (100 if small else 1000), 8, 0.05
    idle, _ = _timed(1, 1, 0.0)
    seconds, memory = _timed(runs, concurrency, delay)
    floor = runs * delay / concurrency
    row = {
        "runs": f"{runs}",
        "floor s": f"{floor:.2f}",
        "apply s": f"{seconds:.2f}",
        "ratio": f"{seconds / floor:.2f}",
        "one run alone s": f"{idle:.2f}",
        "peak MiB": f"{memory:.0f}",
    }
    return Table(
        "A whole `apply` on the worktree store, each run recorded before and after; the floor is "
        "runs x 50 ms / 8.",
        [row],
    )
