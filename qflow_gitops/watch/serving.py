"""Answers /healthz and /metrics, for whoever looks after processes."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from qflow_gitops.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qflow_gitops.watch.health import Health

_MOST, _SECONDS, _AT_ONCE = 8192, 3.0, 8
"""Bytes of a request, seconds that it may take to arrive, and how many are answered at once."""
_ADDRESS = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_.-]+):)?(?P<port>[0-9]{1,5})")
_NONE = b'{\n  "formatVersion": 1,\n  "round": 0\n}\n'
_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    kind: str
    content: bytes


class Shown:
    """What is shown: `health` is set after each round, None before the first one ended."""

    def __init__(self, address: str, metrics: Callable[[Health | None], Answer]) -> None:
        """Take where it is shown, and what makes the metrics."""
        self.address = address
        self.health: Health | None = None
        self._metrics = metrics

    def answer(self, path: str) -> Answer:
        """Answer a GET."""
        if path == "/healthz":
            good = self.health is not None and self.health.is_good(datetime.now(UTC))
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            return Answer(status, _JSON, self.health.as_json() if self.health else _NONE)
        if path == "/metrics":
            return self._metrics(self.health)
        return Answer(HTTPStatus.NOT_FOUND, _TEXT, b"There are /healthz and /metrics.\n")


class _Handler(BaseHTTPRequestHandler):
    """One request on one connection; of it no more is read than its head, which has to be small."""

    shown: Shown

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(io.BytesIO(_head(self.connection)))

    def do_GET(self) -> None:
        self._send(self.shown.answer(self.path))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Say no without a word of what was asked."""
        del message, explain
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else code
        self.close_connection = True
        self._send(Answer(HTTPStatus(status), _TEXT, b"GET /healthz or /metrics\n"))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(answer.content)

    def version_string(self) -> str:
        return "qflow-gitops"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
        """Say nothing: who asks every few seconds would fill a log."""


def _head(connection: socket.socket) -> bytes:
    """Read a request's head, within a time for all of it; what comes behind it isn't read."""
    end, found = time.monotonic() + _SECONDS, b""
    while b"\r\n\r\n" not in found and b"\n\n" not in found:
        left = end - time.monotonic()
        if left <= 0 or len(found) > _MOST:
            return b""
        connection.settimeout(left)
        try:
            part = connection.recv(_MOST)
        except OSError:
            return b""
        if not part:
            return b""
        found += part
    connection.settimeout(_SECONDS)
    return found


class _Server(ThreadingTCPServer):
    """Threads of its own for a few requests at once; more are turned away.

    `http.server` has one that asks for the host's name, which may take as long as a DNS is slow.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, family: socket.AddressFamily, place: tuple[str, int], handler: Any) -> None:
        self.address_family = family
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(place, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody went away: nobody has to know."""


@contextmanager
def listening(where: str, metrics: Callable[[Health | None], Answer]) -> Iterator[Shown]:
    """Answer at `[HOST:]PORT` until the end. Raises UsageProblem where that can't be."""
    host, port = _place(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    handler = type("Handler", (_Handler,), {})
    try:
        server = _Server(family, (host, port), handler)
    except OSError as problem:
        raise _unusable(where, problem.strerror or str(problem)) from None
    shown = Shown(
        f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}", metrics
    )
    handler.shown = shown  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        server.shutdown()
        server.server_close()


def unmeasured(why: str) -> Answer:
    """Answer whoever asks for metrics where there are none."""
    return Answer(HTTPStatus.NOT_IMPLEMENTED, _TEXT, f"No metrics: {why}\n".encode())


def _place(where: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(where)
    if match is None or int(match["port"]) > 65535:
        raise _unusable(where, "it isn't [HOST:]PORT")
    return (match["host"] or "127.0.0.1").strip("[]"), int(match["port"])


def _unusable(where: str, why: str) -> UsageProblem:
    return UsageProblem(
        f"Nobody can be answered there: {why}.",
        where=f"--listen {where}",
        not_done="No round was begun.",
        hint="Name a port that is free, on this machine alone or at one of its addresses: "
        "`qflow-gitops watch --listen 127.0.0.1:9464`",
        reason="watch_listen",
    )
