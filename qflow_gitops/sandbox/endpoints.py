"""What the endpoints answer, once a request was let in. `g.struck` holds its faults."""

import re
import time
from datetime import UTC, datetime
from typing import Any

from flask import Response, g, jsonify, request

from qflow_gitops.sandbox import connectors_v3, shapes, steps
from qflow_gitops.sandbox.connectors import Connectors, page
from qflow_gitops.sandbox.faults import Fault, Faults
from qflow_gitops.sandbox.store import MONTH, Begun, Store
from qflow_gitops.sandbox.wire import ahead, cut_off, no

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NOUN = "assetdataconnector"
_FROM_THE_FIRST = {"field": "id", "operator": "GREATER", "value": "0"}
_FIRST_PAGE = (("pageNo", "0"), ("pageSize", "50"))


class Endpoints:
    """The endpoints of Qualys Flow, and the lists of connectors."""

    def __init__(
        self, store: Store, faults: Faults, duration: float, connectors: Connectors
    ) -> None:
        """`duration` is how many seconds an execution takes."""
        self._store = store
        self._faults = faults
        self._duration = duration
        self._connectors = connectors

    # --- workflows -------------------------------------------------------------------

    def workflows(self) -> Response:
        """Return the workflows that were run."""
        asked = _asked_page()
        if asked is None:
            return no(400)
        size, number = asked
        known = self._store.workflows()
        items = [
            shapes.workflow(workflow_id, steps.components(workflow_id))
            for workflow_id in known[(number - 1) * size : number * size]
        ]
        return jsonify({"total": len(known), "items": items})

    def workflow(self, workflow_id: str) -> Response:
        """Return the details of a workflow; any UUID is one."""
        if not _UUID.fullmatch(workflow_id):
            return no(404)
        return jsonify({"data": shapes.workflow(workflow_id, steps.components(workflow_id))})

    def connectors(self, cloud: str) -> Response:
        """Return a page of the connectors of a cloud, as TotalCloud does."""
        items = self._connectors.of(cloud)
        try:
            number, size = (int(request.args.get(*each)) for each in _FIRST_PAGE)
        except ValueError:
            return no(400)
        if items is None:
            return no(404)
        if number < 0 or size < 1:
            return no(400)
        return jsonify(page(items, 0 if "list-stuck" in g.struck else number, size))

    def connectors_v3(self, kind: str) -> Response:
        """Return a page of a cloud's connectors, as Connector v3 does."""
        if "response-code" in g.struck:
            return connectors_v3.refused(g.struck["response-code"].value)
        items = self._connectors.of(kind.removesuffix(_NOUN), v3=True)
        if items is None or not kind.endswith(_NOUN):
            return connectors_v3.refused("OBJECT_NOT_FOUND")
        asked = _asked_v3()
        if asked is None:
            return connectors_v3.refused("INVALID_REQUEST")
        size, after = asked
        return jsonify(connectors_v3.found(items, 0 if "list-stuck" in g.struck else after, size))

    def run(self, workflow_id: str) -> Response:
        """Begin an execution, unless a fault of this request says otherwise."""
        body = request.get_json(silent=True)
        if not _is_request(body):
            return no(400)
        if not _UUID.fullmatch(workflow_id):
            return no(404)
        if "drop" in g.struck:
            cut_off()
        late, failing = g.struck.get("late"), g.struck.get("fail")
        created = time.time() + late.seconds if late else None
        begun = Begun(
            workflow_id,
            body or {},
            self._duration,
            outcome(self._faults, workflow_id, failing),
            created=created,
            failed_at=failing.value if failing else "",
        )
        made = self._store.add_execution(begun)
        if late:
            cut_off()
        if "bad-id" in g.struck:
            return jsonify(shapes.started("not an id!"))
        if "old-shape" in g.struck:
            return jsonify(shapes.started_116(made, workflow_id, body))
        return jsonify(shapes.started(made))

    # --- executions ------------------------------------------------------------------

    def executions(self, workflow_id: str) -> Response:
        """Return a page of a workflow's executions, between two times of the server's clock."""
        asked = _asked_page()
        lag = self._faults.standing("list-lag")
        newest = time.time() - (lag.seconds if lag else 0)
        start, end = _time("startAt", 0.0), min(_time("endAt", newest), newest)
        if asked is None or (start and start < time.time() - MONTH):
            return no(400)
        if "list-shift" in g.struck:
            self._shift(workflow_id, start, end)
        size, number = asked
        newest_first = request.args.get("order", "").startswith("-")
        total, rows = self._store.page(
            workflow_id, start, end, newest_first=newest_first, size=size, number=number
        )
        items = [shapes.execution(row, ahead()) for row in rows]
        return jsonify({"total": total, "items": items})

    def _shift(self, workflow: str, start: float, end: float) -> None:
        """Let somebody else's execution begin, within the window that is asked for."""
        ago = float(g.struck["list-shift"].value or 0)
        body = {"input": {"sandbox": "list-shift", "at": time.time()}}
        created = max(start, min(end, time.time() - ago))
        source = "WORKFLOW_TRIGGER"
        begun = Begun(workflow, body, self._duration, source=source, ours=False, created=created)
        self._store.add_execution(begun)

    def execution(self, execution_id: str) -> Response:
        """Return the details of an execution."""
        row = self._store.execution(execution_id)
        return jsonify({"data": shapes.execution(row, ahead())}) if row else no(404)

    def steps(self, execution_id: str) -> Response:
        """Return the steps that have begun, with `includeData` also what went in and came out."""
        row = self._store.execution(execution_id)
        if not row:
            return no(404)
        items = steps.listed(row, ahead())
        if request.args.get("includeData") == "true":
            items = [steps.with_data(row, item) for item in items]
        return jsonify({"total": len(items), "items": items})

    def step(self, execution_id: str, node: str) -> Response:
        """Return one step."""
        row, step = self._step(execution_id, node)
        field = g.struck.get("error-field")
        name = (field.value if field else "") or steps.ERROR_FIELD
        return jsonify(steps.details(row, step, name)) if row and step else no(404)

    def output(self, execution_id: str, node: str) -> Response:
        """Return a step's output; the trigger's echoes what was sent."""
        row, step = self._step(execution_id, node)
        if not row or not step or (node == "trigger" and "no-echo" in g.struck):
            return no(404)
        return jsonify(steps.output(row, step, wrapped="wrapped-variables" in g.struck))

    def _step(
        self, execution_id: str, node: str
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        row = self._store.execution(execution_id)
        found = (
            (step for step in steps.listed(row, ahead()) if step["nodeId"] == node) if row else ()
        )
        return row, next(iter(found), None)


def outcome(faults: Faults, workflow: str, failing: Fault | None = None) -> str:
    """Say how an execution of this workflow ends, by the faults in force."""
    chosen = "Failed" if failing else shapes.SUCCESS
    for fault in faults.all_standing("outcome"):
        scope, colon, status = fault.value.rpartition(":")
        if not colon or scope.lower() == workflow.lower():
            chosen = status
    return chosen


def _is_request(body: Any) -> bool:
    if not isinstance(body, dict | None):
        return False
    return all(isinstance((body or {}).get(key, {}), dict) for key in ("input", "variables"))


def _asked_page() -> tuple[int, int] | None:
    """Read `pageSize` and `pageNumber`, from 1; both are required (docs/api.md 1.5 [D])."""
    try:
        size, number = int(request.args["pageSize"]), int(request.args["pageNumber"])
    except (KeyError, ValueError):
        return None
    if size < 1 or number < 1:
        return None
    return size, 1 if "list-stuck" in g.struck else number


def _asked_v3() -> tuple[int, int] | None:
    """Read how many, and behind which number; None for what isn't documented."""
    body: Any = request.get_json(silent=True)
    try:
        asked = body["ServiceRequest"]
        (criteria,) = asked.get("filters", {"Criteria": [_FROM_THE_FIRST]})["Criteria"]
        if (criteria["field"], criteria["operator"]) != ("id", "GREATER"):
            return None
        return int(asked["preferences"]["limitResults"]), int(criteria["value"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _time(name: str, default: float) -> float:
    """Read a time of the server's clock, as seconds since 1970 on the real one."""
    try:
        moment = datetime.fromisoformat(request.args[name])
    except (KeyError, ValueError):
        return default
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - ahead()
