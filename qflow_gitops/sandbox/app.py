"""The application: its routes, and what happens to each request before its endpoint.

Shapes come from `shapes`, faults from `faults` and `wire`.
"""

import time
from collections.abc import Callable
from functools import cache

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule

from qflow_gitops.sandbox import connectors_v3, shapes
from qflow_gitops.sandbox.connectors import Connectors
from qflow_gitops.sandbox.endpoints import Endpoints
from qflow_gitops.sandbox.faults import Faults, parse
from qflow_gitops.sandbox.store import Store
from qflow_gitops.sandbox.wire import ahead, disturbed, no, refusal

_SECRET_HEADERS = frozenset({"authorization", "clientid", "clientsecret", "cookie"})


def build(store: Store, faults: Faults, duration: float, connectors: Connectors) -> Flask:
    """Make the application; `duration` is how many seconds an execution takes."""
    app = Flask("qflow-sandbox", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    gate, ends = _Gate(store, faults), Endpoints(store, faults, duration, connectors)
    api = "/qflowapi/v1"
    views: dict[tuple[str, str], Callable[..., Response]] = {
        ("GET", "/_sandbox/executions"): ends.what_ran,
        ("GET", "/_sandbox/requests"): lambda: jsonify(store.requests()),
        ("POST DELETE", "/_sandbox/faults"): gate.set_faults,
    }
    for method, path, target, view in (
        ("POST", "/auth/oidc", "token", ends.token_for_client),
        ("POST", "/auth", "token", ends.token_for_user),
        ("GET", f"{api}/workflows", "list", ends.workflows),
        ("GET", f"{api}/workflows/<workflow_id>", "workflow", ends.workflow),
        ("POST", f"{api}/workflows/<workflow_id>/run", "run", ends.run),
        ("GET", f"{api}/workflows/<workflow_id>/executions", "list", ends.executions),
        ("GET", "/cloudview-api/rest/v1/<cloud>/connectors", "connectors", ends.connectors),
        ("POST", "/qps/rest/3.0/search/am/<kind>", "connectors-v3", ends.connectors_v3),
        ("GET", f"{api}/executions/<execution_id>", "execution", ends.execution),
        ("GET", f"{api}/executions/<execution_id>/steps", "steps", ends.steps),
        ("GET", f"{api}/executions/<execution_id>/steps/<node>", "steps", ends.step),
        ("GET", f"{api}/executions/<execution_id>/steps/<node>/output", "steps", ends.output),
    ):
        views[method, path] = gate.guarded(target, view)
    app.url_map = _addresses(tuple(views))
    app.view_functions = {f"{method} {path}": view for (method, path), view in views.items()}
    app.register_error_handler(HTTPException, _not_found)
    app.before_request(gate.set_clock)
    app.after_request(_dated)
    return app


@cache
def _addresses(known: tuple[tuple[str, str], ...]) -> Map:
    """Compile the methods and paths; once a process, since it takes longer than many answers."""
    return Map(
        [
            Rule(path, endpoint=f"{methods} {path}", methods=methods.split())
            for methods, path in known
        ]
    )


def _not_found(problem: HTTPException) -> tuple[Response, int]:
    status = problem.code or 500
    return jsonify({"message": problem.name}), status


def _dated(answer: Response) -> Response:
    answer.headers["Date"] = http_date(time.time() + ahead())
    return answer


def _has_password() -> bool:
    """Whether a name and a password came along; a token is none."""
    given = request.authorization
    return given is not None and bool(given.username and given.password)


class _Gate:
    """What every request passes: the log, the faults, the question for a token."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    def guarded(self, target: str, view: Callable[..., Response]) -> Callable[..., Response]:
        """Log the request, strike with faults, and ask for a token, before the view."""

        def guarded(**arguments: str) -> Response:
            self._log()
            g.struck = {fault.name: fault for fault in self._faults.strike(target)}
            if "latency" in g.struck:
                time.sleep(g.struck["latency"].seconds)
            early = refusal(g.struck)
            if early is not None:
                return early
            if target == "connectors-v3" and not _has_password():
                return connectors_v3.refused("UNAUTHORIZED")
            if target not in ("token", "connectors-v3") and not self._is_allowed():
                return no(401)
            if self._is_unknown(arguments.get("workflow_id", "")):
                return no(404)
            return disturbed(g.struck, view(**arguments))

        return guarded

    def set_clock(self) -> None:
        """Note once a request how far the server's clock is ahead."""
        skew = self._faults.standing("skew")
        g.ahead = self._store.elapsed + (skew.seconds if skew else 0.0)

    def _log(self) -> None:
        headers = {
            name: "***" if name.lower() in _SECRET_HEADERS else value
            for name, value in request.headers.items()
        }
        kind, space, _ = request.headers.get("Authorization", "").partition(" ")
        if space and kind in ("Bearer", "Basic"):
            headers["Authorization"] = f"{kind} ***"
        body = "" if request.path.startswith("/auth") else request.get_data(as_text=True)
        self._store.add_request(request.method, request.full_path.rstrip("?"), headers, body)

    def _is_allowed(self) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and shapes.expiry(token) > time.time()

    def _is_unknown(self, workflow_id: str) -> bool:
        return any(
            fault.value.lower() == workflow_id.lower()
            for fault in self._faults.all_standing("unknown-workflow")
        )

    def set_faults(self) -> Response:
        """Put the faults that the body names in force; with DELETE none."""
        named = request.get_json(silent=True) or [] if request.method == "POST" else []
        self._faults.replace([parse(str(text)) for text in named])
        return jsonify({"faults": named})
