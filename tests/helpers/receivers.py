"""Receivers of notices on this machine, which take them, or answer as a bad one does."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

KEY = "whsec_" + "dGVzdC1jYW5hcnktbm90aWZ5LWtleS0wMTIzNDU2Nzg5"
"""A key to sign with, of 33 bytes."""


class Got(NamedTuple):
    """A request that came: where to, with which headers (in small letters), and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Answer:
    """How a receiver answers, after so many seconds."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


class Receiver:
    """What a receiver got, and how it answers: with `first`, one after the other, then `rest`."""

    def __init__(self, *first: Answer, rest: Answer | None = None) -> None:
        self.got: list[Got] = []
        self.first = [*first]
        self.rest = rest or Answer()
        self.port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/test-canary-path?sig=test-canary-sig"

    @property
    def ids(self) -> list[str]:
        """The ids of the events that came, each as often as it did."""
        return [got.data["id"] for got in self.got]

    def take(self, got: Got) -> Answer:
        with self._lock:
            self.got.append(got)
            return self.first.pop(0) if self.first else self.rest


@contextmanager
def receiving(*first: Answer, rest: Answer | None = None) -> Iterator[Receiver]:
    """Take requests for as long as it is open."""
    receiver = Receiver(*first, rest=rest)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(Got(self.path, headers, body))
            time.sleep(answer.after)
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST  # noqa: N815 - the library's own name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever left
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
