"""The application: its routes, and what happens to each request before its endpoint.

Shapes come from `shapes`, faults from `faults` and `wire`.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule

from qflow_gitops.errors import QflowError
from qflow_gitops.sandbox import connectors_v3, guard, overview
from qflow_gitops.sandbox.endpoints import Endpoints
from qflow_gitops.sandbox.faults import Faults, parse
from qflow_gitops.sandbox.identities import Identities
from qflow_gitops.sandbox.neighbours import Neighbours
from qflow_gitops.sandbox.pages import TEMPLATES, Pages, prepare
from qflow_gitops.sandbox.store import Store
from qflow_gitops.sandbox.wire import ahead, bearer, disturbed, no, rates, refusal

_SECRET_HEADERS = frozenset({"authorization", "clientid", "clientsecret", "cookie"})


def build(
    store: Store,
    faults: Faults,
    ends: Endpoints,
    neighbours: Neighbours,
    identities: Identities,
    pages: Pages,
) -> Flask:
    """Make the application of what answers, and of who is let in."""
    app = Flask("qflow-sandbox", static_folder=None, template_folder=str(TEMPLATES))
    prepare(app)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    gate = _Gate(store, faults, identities)
    views: dict[tuple[str, str], Callable[..., Response]] = {
        ("GET", "/_sandbox/executions"): lambda: _what_ran(store),
        ("GET", "/_sandbox/requests"): lambda: jsonify(store.requests()),
        ("POST DELETE", "/_sandbox/faults"): gate.set_faults,
        ("GET", "/"): pages.executions,
        ("GET", "/executions/<execution_id>"): pages.execution,
        ("GET", "/workflows"): pages.workflows,
        ("GET", "/connectors"): pages.connectors,
        ("GET", "/faults"): pages.faults,
        ("POST", "/faults"): pages.change_faults,
        ("GET", "/requests"): pages.requests,
        ("GET", "/style.css"): pages.style,
    }
    for method, path, kind, view in _routes(ends, neighbours):
        views[method, path] = gate.guarded(kind, view)
    app.url_map = _addresses(tuple(views))
    app.view_functions = {f"{method} {path}": view for (method, path), view in views.items()}
    app.register_error_handler(HTTPException, _not_found)
    app.before_request(guard.refused)
    app.before_request(gate.set_clock)
    app.after_request(_finished)
    return app


class _Kind(NamedTuple):
    """What a request is one of: the targets of faults, the rights of which one suffices, the door.

    The door is what lets it in: a `token`, a `password`, or nothing that the gate looks at.
    """

    targets: tuple[str, ...]
    rights: tuple[str, ...] = ()
    door: str = "token"


def _routes(
    ends: Endpoints, more: Neighbours
) -> tuple[tuple[str, str, _Kind, Callable[..., Response]], ...]:
    """List the endpoints; rights are those of docs/api.md 1.1."""
    api, one = "/qflowapi/v1", "/qflowapi/v1/executions/<execution_id>"
    to_list, seen = ("read", "list"), ("list",)
    workflows = _Kind(("list", "list-workflows"), to_list)
    executions = _Kind(("list", "list-executions"), to_list)
    at_the_door, ours = _Kind(("token",), door=""), _Kind(("tickets",), door="")
    version, v3 = _Kind(("version",), door="password"), _Kind(("connectors-v3",), door="password")
    return (
        ("POST", "/auth/oidc", at_the_door, more.token_for_client),
        ("POST", "/auth", at_the_door, more.token_for_user),
        ("GET", f"{api}/workflows", workflows, ends.workflows),
        ("GET", f"{api}/workflows/<workflow_id>", _Kind(("workflow",), ("read",)), ends.workflow),
        ("POST", f"{api}/workflows/<workflow_id>/run", _Kind(("run",), ("execute",)), ends.run),
        ("GET", f"{api}/workflows/<workflow_id>/executions", executions, ends.executions),
        (
            "GET",
            "/cloudview-api/rest/v1/<cloud>/connectors",
            _Kind(("connectors",)),
            ends.connectors,
        ),
        ("POST", "/qps/rest/3.0/search/am/<kind>", v3, ends.connectors_v3),
        ("GET", "/qps/rest/portal/version", version, more.version),
        ("GET", one, _Kind(("execution",), seen), ends.execution),
        ("GET", f"{one}/steps", _Kind(("steps",), to_list), ends.steps),
        ("GET", f"{one}/steps/<node>", _Kind(("steps",), seen), ends.step),
        ("GET", f"{one}/steps/<node>/output", _Kind(("steps",), seen), ends.output),
        ("GET", "/_sandbox/id-token", _Kind(("id-token",), door=""), more.id_token),
        ("GET", "/_sandbox/tickets/<ticket_id>", ours, more.ticket),
        ("PUT", "/_sandbox/tickets/<ticket_id>", ours, more.set_ticket),
        ("POST", "/_sandbox/tickets/<ticket_id>/notes", ours, more.note_ticket),
    )


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


def _finished(answer: Response) -> Response:
    """Put the server's time on an answer, and the rate headers that a fault asks for."""
    answer.headers["Date"] = http_date(time.time() + ahead())
    answer.headers.update(rates(g.get("struck", {})))
    return answer


def _what_ran(store: Store) -> Response:
    """Return what POST run began; with `?foreign=true` what others did as well.

    With `?newest=N` so many of all, the newest first, as a person looks at them.
    """
    if "newest" in request.args:
        size = max(1, min(100, request.args.get("newest", 1, type=int)))
        page = overview.newest(store, ahead(), size)
        return jsonify({"total": page.total, "items": page.items})
    return jsonify(store.executions(foreign=request.args.get("foreign") == "true"))


class _Gate:
    """What every request passes: the log, the faults, the question for a token."""

    def __init__(self, store: Store, faults: Faults, identities: Identities) -> None:
        self._store = store
        self._faults = faults
        self._identities = identities

    def guarded(self, kind: _Kind, view: Callable[..., Response]) -> Callable[..., Response]:
        """Log the request, strike with faults, and ask who it is, before the view."""

        def guarded(**arguments: str) -> Response:
            self._log()
            g.struck = {fault.name: fault for fault in self._faults.strike(kind.targets)}
            if "latency" in g.struck:
                time.sleep(g.struck["latency"].seconds)
            early = refusal(g.struck) or self._refused(kind)
            if early is not None:
                return early
            if self._is_unknown(arguments.get("workflow_id", "")):
                return no(404)
            return disturbed(g.struck, view(**arguments))

        return guarded

    def _refused(self, kind: _Kind) -> Response | None:
        """Refuse who isn't known, and who lacks the right."""
        given = request.authorization
        if kind.door == "password" and not (
            given and self._identities.knows(given.username, given.password)
        ):
            return connectors_v3.refused("UNAUTHORIZED")
        if kind.door == "token" and not self._identities.takes(bearer()):
            return no(401)
        rights = g.struck.get("rights")
        if rights and kind.rights and not {*rights.value.split(",")} & {*kind.rights}:
            return no(403)
        return None

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

    def _is_unknown(self, workflow_id: str) -> bool:
        return any(
            fault.value.lower() == workflow_id.lower()
            for fault in self._faults.all_standing("unknown-workflow")
        )

    def set_faults(self) -> Response:
        """Put the faults that the body names in force; with DELETE none. 400 for what is none."""
        named = request.get_json(silent=True) if request.method == "POST" else []
        if not isinstance(named, list):
            return no(400)
        try:
            found = [parse(str(text)) for text in named]
        except QflowError as problem:
            answer: Response = jsonify({"message": problem.message, "hint": problem.hint})
            answer.status_code = 400
            return answer
        self._faults.replace(found)
        return jsonify({"faults": named})
