"""Debian's Redis on the loopback address, which keeps nothing on disk: what it held is lost."""

import socket
import subprocess
import time
from pathlib import Path

from kombu import Connection

from qflow_gitops.fleet.engines.celery import QUEUE
from tests.helpers.brokers import Broker
from tests.helpers.gitdaemon import free_port

PROGRAM = "redis-server"


class Redis(Broker):
    """A server of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

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
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def push(self, raw: str) -> None:
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
