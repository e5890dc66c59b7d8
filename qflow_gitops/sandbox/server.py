"""Serves the sandbox on the loopback address, from the command line or from a test."""

import shlex
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from qflow_gitops.errors import UsageProblem
from qflow_gitops.sandbox.app import build
from qflow_gitops.sandbox.connectors import Connectors
from qflow_gitops.sandbox.endpoints import Endpoints, outcome
from qflow_gitops.sandbox.faults import Fault, Faults, parse
from qflow_gitops.sandbox.identities import CREDENTIALS, Identities
from qflow_gitops.sandbox.neighbours import VERSION, Neighbours
from qflow_gitops.sandbox.pages import Pages
from qflow_gitops.sandbox.store import Begun, Store


class _Quiet(WSGIRequestHandler):
    """Logs nothing, keeps connections open, and takes a cut connection for what it is."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        """Say nothing: the requests are in the data file."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer without a date: the application knows the server's clock."""
        self.send_response_only(code, message)
        self.send_header("Server", self.version_string())

    def run_wsgi(self) -> None:
        """Serve one request; a fault ends it by ConnectionAbortedError."""
        try:
            super().run_wsgi()
        except ConnectionAbortedError:
            self.close_connection = True

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Say nothing."""


def _store_in(data: Path) -> Store:
    try:
        return Store(data)
    except sqlite3.Error as problem:
        raise UsageProblem(
            f"The executions can't be kept there: {problem}.",
            where=str(data),
            not_done="The sandbox was not started.",
            hint="--data names a file that may be written, or made anew.",
            reason="sandbox_data",
        ) from None


def _server_at(port: int, app: Flask, data: str) -> BaseWSGIServer:
    try:  # werkzeug, which would bind it, ends the process where it can't, in words of its own
        with socket.create_server(("127.0.0.1", port), backlog=128) as bound:
            return make_server(
                "127.0.0.1", port, app, threaded=True, request_handler=_Quiet, fd=bound.fileno()
            )
    except OSError:
        raise UsageProblem(
            f"The port {port} can't be used.",
            not_done="The sandbox was not started.",
            hint=f"Let it choose, and set what it prints: `qflow-gitops sandbox --port 0{data}`",
            reason="port_taken",
        ) from None


class SandboxServer:
    """A running sandbox: `with SandboxServer(faults=["429#1"]) as sandbox: … sandbox.url`."""

    def __init__(
        self,
        *,
        port: int = 0,
        data: Path | None = None,
        faults: Iterable[str] = (),
        duration: float = 0.4,
        credentials: Iterable[str] = CREDENTIALS,
        onboarded: Iterable[str] = (),
        version: str = VERSION,
    ) -> None:
        """Bind to the loopback address; UsageProblem where the port is taken.

        `data` is the SQLite file, a temporary one where it is None; `duration` is how many
        seconds an execution takes. `credentials` are NAME:SECRET, `onboarded` the audiences
        whose ID tokens are taken, `version` is QFlow's.
        """
        identities = Identities(credentials, onboarded)
        self._faults = Faults([parse(fault) for fault in faults])
        self._duration = duration
        self._connectors = Connectors()
        with ExitStack() as opened:
            kept = "" if data is None else f" --data {shlex.quote(str(data))}"
            if data is None:
                folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="qflow-sandbox-"))
                data = Path(folder) / "sandbox.sqlite"
            self._store = _store_in(data)
            opened.callback(self._store.close)
            neighbours = Neighbours(self._faults, identities, version)
            ends = Endpoints(self._store, self._faults, duration, self._connectors)
            pages = Pages(self._store, self._faults, self._connectors)
            app = build(self._store, self._faults, ends, neighbours, identities, pages)
            app.config["PROPAGATE_EXCEPTIONS"] = True
            self._server = _server_at(port, app, kept)
            opened.callback(self._server.server_close)
            self._opened = opened.pop_all()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> "SandboxServer":
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering, and close the data file."""
        self._server.shutdown()
        self._opened.close()

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def executions(
        self, workflow_id: str = "", *, foreign: bool = False, coming: bool = False
    ) -> list[dict[str, Any]]:
        """Return every execution that was begun through POST run: the truth about what ran.

        Oldest first, of one workflow or of all; with `foreign` also those that nobody sent
        here, with `coming` also those that a fault `late` has yet to begin. Each has id,
        workflow, created (seconds since 1970), duration (seconds), outcome, body, source, and
        whether it is `ours` and `forgotten`.
        """
        return self._store.executions(workflow_id, foreign=foreign, coming=coming)

    def add_foreign(
        self,
        workflow_id: str,
        body: dict[str, Any],
        *,
        source: str = "WORKFLOW_TRIGGER",
        created: float | None = None,
    ) -> str:
        """Begin an execution that nobody sent to POST run, and give its id.

        `source` is what its trigger's output says, `PUBLIC_API` for another client of the
        API; `created` is in seconds since 1970, now where it is None.
        """
        ends = outcome(self._faults, workflow_id)
        begun = Begun(workflow_id, body, self._duration, ends, source, ours=False, created=created)
        return self._store.add_execution(begun)

    def set_connectors(self, cloud: str, items: Sequence[Any] | None, *, v3: bool = False) -> None:
        """List other connectors of a cloud: items as they are sent; None for no list at all.

        With `v3` those of Connector v3, each in what names its kind, by their numbers.
        """
        self._connectors.put(cloud, items, v3=v3)

    def forget(self, execution_id: str) -> None:
        """Let the API show an execution no more; `executions` still does.

        Raises KeyError where there is none.
        """
        self._store.forget(execution_id)

    def age(self, execution_id: str, seconds: float) -> None:
        """Move the beginning of an execution into the past; after 30 days the API hides it.

        Raises KeyError where there is none.
        """
        self._store.age(execution_id, seconds)

    def elapse(self, seconds: float) -> None:
        """Let time go by for the sandbox alone, without waiting: its clock is ahead from here on.

        Whatever was begun is that much older; what a fault `late` has yet to begin comes
        that much sooner. Tokens live by the machine's clock.
        """
        self._store.elapse(seconds)

    def requests(self, method: str = "", containing: str = "") -> list[dict[str, Any]]:
        """Return the requests that arrived whole, in their order."""
        return [
            request
            for request in self._store.requests()
            if method in ("", request["method"]) and containing in request["path"]
        ]

    def set_faults(self, *names: str) -> None:
        """Put other faults in force."""
        faults: list[Fault] = [parse(name) for name in names]
        self._faults.replace(faults)
