"""Debian's Redis on the loopback address, which keeps nothing on disk: what it held is lost."""

import json
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from kombu import Connection, Queue

from qflow_gitops.fleet.engines.celery import QUEUE, app_of

PROGRAM = "redis-server"


class Redis:
    """A server of its own; as a context it is ended."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Redis":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline, "Redis doesn't begin"
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it; what it held is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def publish(self, *words: Any, name: str = "", **given: Any) -> None:
        """Put in a message as Celery would."""
        from qflow_gitops.fleet.engines.celery import TASK

        app = app_of(self.url, 60.0)
        app.send_task(name or TASK, args=words, kwargs=given, queue=QUEUE)

    def put(self, body: bytes, content_type: str = "application/json", **headers: Any) -> None:
        """Put in a message of any kind."""
        with Connection(self.url) as connection:
            producer = connection.Producer()
            producer.publish(
                body, routing_key=QUEUE, exchange="", declare=[Queue(QUEUE)], headers=headers,
                content_type=content_type, content_encoding="utf-8",
            )  # fmt: skip

    def push(self, raw: str) -> None:
        """Push what isn't even a message, as one does by hand."""
        with Connection(self.url) as connection:
            connection.default_channel.client.lpush(QUEUE, raw)

    def waiting(self) -> int:
        with Connection(self.url) as connection:
            return int(connection.default_channel.client.llen(QUEUE))

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as asked:
                asked.sendall(b"PING\r\n")
                return asked.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def message(commit: str, member: str) -> bytes:
    """The body of a message as Celery writes it."""
    return json.dumps([[], {"commit": commit, "member": member}, {}]).encode()
