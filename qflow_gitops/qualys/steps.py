"""The steps of an execution: list, details, output (docs/api.md 1.7, 1.8)."""

from typing import Any
from urllib.parse import quote

from qflow_gitops.ports.qualys import TriggerInput
from qflow_gitops.qualys.caller import Caller, unwrapped


def listed(caller: Caller, execution_id: str) -> list[dict[str, Any]]:
    """Return the steps that `{"total", "items"}` holds; none where there is no such execution."""
    answer = caller.get(_path(execution_id), "list")
    items = unwrapped(answer).get("items", []) if answer else []
    return [item for item in items if isinstance(item, dict)]


def details(caller: Caller, execution_id: str, node_id: str) -> dict[str, Any] | None:
    """Return one step, which comes without an envelope; None where there is none."""
    answer = caller.get(f"{_path(execution_id)}/{quote(node_id, safe='')}", "list")
    return unwrapped(answer) if answer else None


def output(caller: Caller, execution_id: str, node_id: str) -> list[Any]:
    """Return a step's output, a bare array; that of `trigger` echoes input and variables."""
    answer = caller.get(f"{_path(execution_id)}/{quote(node_id, safe='')}/output", "list")
    data = answer.data() if answer else None
    return data if isinstance(data, list) else []


def trigger(caller: Caller, execution_id: str) -> TriggerInput | None:
    """Return what started an execution, as its trigger step shows it (docs/api.md 1.8 [D STOUT]).

    None where it isn't shown, where several are, or where it says that it is another's.
    Variables come as `{key, value, type}` items; those that can't be read count as not shown.
    """
    shown = [
        item
        for item in output(caller, execution_id, "trigger")
        if isinstance(item, dict) and ("input" in item or "overrideVariables" in item)
    ]
    if len(shown) != 1:
        return None
    (step,) = shown
    if str(step.get("executionId") or execution_id).lower() != execution_id.lower():
        return None
    variables = step.get("overrideVariables")
    return TriggerInput(
        source=str(step.get("source") or ""),
        input=step.get("input"),
        variables=_by_key(variables) if isinstance(variables, list) else None,
    )


def _by_key(items: list[Any]) -> dict[str, Any] | None:
    pairs = [
        (item["key"], item.get("value"))
        for item in items
        if isinstance(item, dict) and isinstance(item.get("key"), str)
    ]
    found = dict(pairs)
    return found if len(found) == len(items) else None


def _path(execution_id: str) -> str:
    return f"/qflowapi/v1/executions/{quote(execution_id, safe='')}/steps"
