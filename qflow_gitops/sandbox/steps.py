"""The steps of an execution, made from how it ends (docs/api.md 1.7, 1.8).

Kinds of nodes are those of the samples, their order and what they put out are made up.
"""

import hashlib
import time
from typing import Any

from qflow_gitops.sandbox import shapes

KINDS = ("trigger", "resource", "filter", "qualysevent")
"""Every execution has one step of each, in this order [D STLIST: the names]."""

_NAMES = {
    "trigger": "Trigger",
    "resource": "Find resources",
    "filter": "Keep what is meant",
    "qualysevent": "Act on each",
}
ERROR_FIELD = "errorMessage"
"""Where a failed step tells why, unless a fault says: the real name is unknown [?]."""


def node_id(workflow_id: str, kind: str) -> str:
    """Name a node as the samples do: `trigger`, else `node-<8 hex>-<kind>`."""
    if kind == "trigger":
        return kind
    digest = hashlib.sha256(f"{workflow_id.lower()}/{kind}".encode()).hexdigest()
    return f"node-{digest[:8]}-{kind}"


def components(workflow_id: str) -> list[dict[str, Any]]:
    """Return the nodes as a definition has them (docs/api.md 1.3 [D WFDET])."""
    ids = [node_id(workflow_id, kind) for kind in KINDS]
    return [
        {
            "name": _NAMES[kind],
            "id": ids[at],
            "type": kind,
            "previous": ids[at - 1] if at else None,
            "next": ids[at + 1] if at + 1 < len(ids) else None,
            "inputs": [],
        }
        for at, kind in enumerate(KINDS)
    ]


def listed(row: dict[str, Any], ahead: float = 0.0) -> list[dict[str, Any]]:
    """Return the steps that have begun, in order; the one that failed is the last of them.

    Steps take equal shares of the execution's duration. How a step ends is told in the same
    words as of an execution (docs/api.md 1.7 [D STLIST]).
    """
    kinds = KINDS[: KINDS.index(_last(row)) + 1]
    share = row["duration"] / len(kinds)
    now, begun = time.time() + ahead, row["created"] + ahead
    starts = [begun + share * at for at in range(len(kinds))]
    return [
        _step(row, kind, starts[at], now, ahead)
        for at, kind in enumerate(kinds)
        if at == 0 or now >= starts[at]
    ]


def _step(row: dict[str, Any], kind: str, start: float, now: float, ahead: float) -> dict[str, Any]:
    kinds = KINDS[: KINDS.index(_last(row)) + 1]
    order = KINDS.index(kind) + 1
    end = start + row["duration"] / len(kinds)
    status = row["outcome"] if kind == kinds[-1] else "Success"
    execution = shapes.execution(row, ahead)
    return {
        # A ULID, made of the execution's id and the step's number.
        "id": f"01JT3585YRG0DHQN{order:02}" + row["id"].replace("-", "")[:8].upper(),
        "createdAt": shapes.milliseconds(start),
        "updatedAt": shapes.milliseconds(min(now, end)),
        "tags": execution["tags"],
        "customerId": shapes.CUSTOMER,
        "eventOrder": order,
        "nodeId": node_id(row["workflow"], kind),
        "execution": row["id"],
        "nodeType": kind,
        "status": status if now >= end else execution["status"],
        "startDate": shapes.milliseconds(start),
        "parDateKey": time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(row["created"] + ahead)),
    }


def failure(row: dict[str, Any], step: dict[str, Any]) -> str:
    """Say why a step failed, "" where it didn't or hasn't ended."""
    if step["status"] != row["outcome"] or row["outcome"] == shapes.SUCCESS:
        return ""
    return (
        f"AccessDenied: the role of the connector may not do this in step `{step['nodeId']}` "
        "(made up)"
    )


def details(row: dict[str, Any], step: dict[str, Any], field: str) -> dict[str, Any]:
    """Return one step; of a failed one also why, in a field with dots for objects in objects.

    That details tell of errors is documented, the field's name isn't (docs/api.md 1.7 [?]).
    """
    text = failure(row, step)
    if not text:
        return step
    *outer, name = field.split(".")
    said: dict[str, Any] = {name: text}
    for each in reversed(outer):
        said = {each: said}
    return step | said


def output(row: dict[str, Any], step: dict[str, Any], *, wrapped: bool = False) -> list[Any]:
    """Return what a step put out, an array (docs/api.md 1.8 [D STOUT]).

    What steps beside the trigger's put out is made up: what they found, or why they failed.
    """
    if step["nodeType"] == "trigger":
        return shapes.trigger_output(row, wrapped=wrapped)
    said = failure(row, step)
    found = {"resourceId": f"sandbox-{step['nodeType']}-1", "region": "us-east-1"}
    return [{"message": said}] if said else [found]


def with_data(row: dict[str, Any], step: dict[str, Any]) -> dict[str, Any]:
    """Return a step with input and output; what the two are called is unknown [?]."""
    return step | {"input": [], "output": output(row, step)}


def _last(row: dict[str, Any]) -> str:
    """Name the kind of the last step: where it failed, else the last there is."""
    kind: str = row["failed_at"]
    return kind if kind in KINDS else KINDS[-1]
