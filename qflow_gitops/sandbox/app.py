"""The endpoints, as Flask routes. Shapes come from `shapes`, faults from `faults`."""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from qflow_gitops.sandbox import shapes
from qflow_gitops.sandbox.faults import Fault, Faults, parse
from qflow_gitops.sandbox.store import Store

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_SECRET_HEADERS = frozenset({"authorization", "clientid", "clientsecret", "cookie"})
_MONTH = 30 * 86400


def build(store: Store, faults: Faults, duration: float) -> Flask:
    """Make the application; `duration` is how many seconds an execution takes."""
    app = Flask("qflow-sandbox")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    sandbox = _Sandbox(store, faults, duration)
    api = "/qflowapi/v1"
    routes: list[tuple[str, str, str, Callable[..., Any]]] = [
        ("POST", "/auth/oidc", "token", sandbox.token_for_client),
        ("POST", "/auth", "token", sandbox.token_for_user),
        ("GET", f"{api}/workflows", "list", sandbox.workflows),
        ("GET", f"{api}/workflows/<one>", "workflow", sandbox.workflow),
        ("POST", f"{api}/workflows/<one>/run", "run", sandbox.run),
        ("GET", f"{api}/workflows/<one>/executions", "list", sandbox.executions),
        ("GET", f"{api}/executions/<one>", "execution", sandbox.execution),
        ("GET", f"{api}/executions/<one>/steps", "execution", sandbox.steps),
        ("GET", f"{api}/executions/<one>/steps/<node>", "execution", sandbox.step),
        ("GET", f"{api}/executions/<one>/steps/<node>/output", "execution", sandbox.output),
    ]
    for method, path, target, view in routes:
        app.add_url_rule(path, f"{method} {path}", sandbox.guarded(target, view), methods=[method])
    app.add_url_rule("/_sandbox/executions", "x", lambda: jsonify(store.executions()))
    app.add_url_rule("/_sandbox/requests", "r", lambda: jsonify(store.requests()))
    app.add_url_rule("/_sandbox/faults", "f", sandbox.set_faults, methods=["POST", "DELETE"])
    app.register_error_handler(HTTPException, _not_found)
    return app


def _not_found(problem: HTTPException) -> tuple[Response, int]:
    status = problem.code or 500
    return jsonify({"message": problem.name}), status


def _no(status: int, headers: dict[str, str] | None = None) -> Response:
    answer: Response = jsonify(shapes.problem(status))
    answer.status_code = status
    answer.headers.update(headers or {})
    return answer


class _Sandbox:
    """What the routes do."""

    def __init__(self, store: Store, faults: Faults, duration: float) -> None:
        self._store = store
        self._faults = faults
        self._duration = duration

    def guarded(self, target: str, view: Callable[..., Any]) -> Callable[..., Any]:
        """Log the request, strike with faults, and ask for a token, before the view."""

        def guarded(**arguments: str) -> Any:
            self._log()
            struck = {one.name: one for one in self._faults.strike(target)}
            if "latency" in struck:
                time.sleep(struck["latency"].seconds)
            early = _refusal(struck)
            if early is not None:
                return early
            if target != "token" and not self._is_allowed():
                return _no(401)
            if self._is_unknown(arguments.get("one", "")):
                return _no(404)
            if target == "run":
                return view(struck=struck, **arguments)
            return _disturbed(struck, view(**arguments))

        return guarded

    def _log(self) -> None:
        headers = {
            name: "***" if name.lower() in _SECRET_HEADERS else value
            for name, value in request.headers.items()
        }
        if request.headers.get("Authorization", "").startswith("Bearer "):
            headers["Authorization"] = "Bearer ***"
        body = "" if request.path.startswith("/auth") else request.get_data(as_text=True)
        self._store.add_request(request.method, request.full_path.rstrip("?"), headers, body)

    def _is_allowed(self) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and shapes.expiry(token) > time.time()

    def _is_unknown(self, one: str) -> bool:
        return any(fault.value == one for fault in self._faults.all_standing("unknown-workflow"))

    # --- tokens ----------------------------------------------------------------------

    def _token(self) -> str:
        fault = self._faults.standing("expire-tokens")
        return shapes.token(fault.seconds if fault else 4 * 3600)

    def token_for_client(self) -> Any:
        if request.headers.get("clientId") and request.headers.get("clientSecret"):
            return Response(self._token(), 200, content_type="text/plain")
        return _no(401)

    def token_for_user(self) -> Any:
        if request.form.get("username") and request.form.get("password"):
            return Response(self._token(), 201, content_type="text/plain")
        return _no(401)

    # --- workflows -------------------------------------------------------------------

    def workflows(self) -> Any:
        known = sorted({row["workflow"] for row in self._store.executions()})
        return _page([shapes.workflow(one) for one in known])

    def workflow(self, one: str) -> Any:
        if not _UUID.fullmatch(one):
            return _no(404)
        return jsonify({"data": shapes.workflow(one)})

    def run(self, one: str, struck: dict[str, Fault]) -> Any:
        body = request.get_json(silent=True)
        if not _UUID.fullmatch(one) or not isinstance(body, dict | None):
            return _no(404 if isinstance(body, dict | None) else 400)
        if "drop" in struck:
            return _cut_off()
        made = self._store.add_execution(one, body or {}, self._duration, self._outcome(one))
        answer = jsonify(shapes.started(made))
        if "old-shape" in struck:
            answer = jsonify(shapes.started_116(made, one, body))
        if "bad-id" in struck:
            answer = jsonify(shapes.started("not an id!"))
        return _disturbed(struck, answer)

    def _outcome(self, workflow: str) -> str:
        chosen = "Success"
        for fault in self._faults.all_standing("outcome"):
            scope, colon, status = fault.value.rpartition(":")
            if not colon or scope == workflow:
                chosen = status
        return chosen

    # --- executions ------------------------------------------------------------------

    def executions(self, one: str) -> Any:
        lag = self._faults.standing("list-lag")
        newest = time.time() - (lag.seconds if lag else 0)
        start, end = _time("startAt", 0.0), _time("endAt", newest)
        if start and start < time.time() - _MONTH:
            return _no(400)
        rows = [
            row
            for row in self._store.executions(one)
            if start <= row["created"] <= min(end, newest)
        ]
        if request.args.get("order", "").startswith("-"):
            rows.reverse()
        return _page([shapes.execution(row) for row in rows])

    def _row(self, one: str) -> dict[str, Any] | None:
        return self._store.execution(one)

    def execution(self, one: str) -> Any:
        row = self._row(one)
        return jsonify({"data": shapes.execution(row)}) if row else _no(404)

    def steps(self, one: str) -> Any:
        row = self._row(one)
        return jsonify({"total": 1, "items": [shapes.step(row)]}) if row else _no(404)

    def step(self, one: str, node: str) -> Any:
        row = self._row(one)
        return jsonify(shapes.step(row)) if row and node == "trigger" else _no(404)

    def output(self, one: str, node: str) -> Any:
        row = self._row(one)
        return jsonify(shapes.trigger_output(row)) if row and node == "trigger" else _no(404)

    # --- faults ----------------------------------------------------------------------

    def set_faults(self) -> Any:
        named = request.get_json(silent=True) or [] if request.method == "POST" else []
        self._faults.replace([parse(str(one)) for one in named])
        return jsonify({"faults": named})


def _page(items: list[dict[str, Any]]) -> Any:
    """Cut a page out: `pageSize` and `pageNumber`, from 1, are required (qflow-api 1.5 [D])."""
    try:
        size, number = int(request.args["pageSize"]), int(request.args["pageNumber"])
    except (KeyError, ValueError):
        return _no(400)
    if size < 1 or number < 1:
        return _no(400)
    return jsonify({"total": len(items), "items": items[(number - 1) * size : number * size]})


def _time(name: str, default: float) -> float:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(request.args[name])
    except (KeyError, ValueError):
        return default
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


# --- faults on the wire --------------------------------------------------------------


def _refusal(struck: dict[str, Fault]) -> Any:
    """Give the answer of a fault that executes nothing; None where there is none."""
    for name, fault in struck.items():
        if name in ("429", "409-rate"):
            headers = {"X-RateLimit-ToWait-Sec": f"{fault.seconds:.0f}", "X-RateLimit-Limit": "1"}
            return _no(int(name[:3]), headers)
        if name.isdecimal():
            return _no(int(name))
        if name == "redirect":
            return _no(307, {"Location": "/elsewhere"})
        if name == "html":
            return Response("<html><body>Please log in</body></html>", 200)
        if name == "empty":
            return jsonify({})
        if name == "hidden":
            return _no(404)
        if name == "hang":
            time.sleep(fault.seconds)
            return _cut_off()
    return None


def _disturbed(struck: dict[str, Fault], answer: Any) -> Any:
    """Spoil the answer of a request that was carried out."""
    if "accept-then-drop" in struck or "drop" in struck:
        return _cut_off()
    if "accept-then-cut" in struck:
        return _cut_off(_raw(answer)[:-12])
    if "accept-then-500" in struck:
        return _no(500)
    if "drip" in struck:
        return _dripped(_raw(answer), struck["drip"].seconds)
    return answer


def _raw(answer: Response) -> bytes:
    body = answer.get_data()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _cut_off(begun: bytes = b"") -> Response:
    """End the connection at once (with a reset where nothing was answered)."""
    wire: socket.socket = request.environ["werkzeug.socket"]
    if begun:
        wire.sendall(begun)
    else:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return _gone(wire)


def _dripped(content: bytes, seconds: float) -> Response:
    wire: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        for at in range(len(content)):
            wire.sendall(content[at : at + 1])
            time.sleep(seconds / len(content))
    return _gone(wire)


def _gone(wire: socket.socket) -> Response:
    with contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR) if wire.fileno() >= 0 else None
    raise ConnectionAbortedError("the sandbox was asked to end this connection")
