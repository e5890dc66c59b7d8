"""The steps of an execution: list, details, output (qflow-api 1.7, 1.8)."""

from typing import Any
from urllib.parse import quote

from qflow_gitops.api.caller import Caller, unwrapped


def listed(caller: Caller, execution_id: str) -> list[dict[str, Any]]:
    """Give the steps as `{"total", "items"}` holds them; empty where there is no such execution."""
    answer = caller.get(_path(execution_id), "list")
    items = unwrapped(answer).get("items", []) if answer else []
    return [one for one in items if isinstance(one, dict)]


def details(caller: Caller, execution_id: str, node_id: str) -> dict[str, Any] | None:
    """Give one step, which comes without an envelope; None where there is none."""
    answer = caller.get(f"{_path(execution_id)}/{quote(node_id, safe='')}", "list")
    return unwrapped(answer) if answer else None


def output(caller: Caller, execution_id: str, node_id: str) -> list[Any]:
    """Give a step's output, a bare array; that of `trigger` echoes input and variables."""
    answer = caller.get(f"{_path(execution_id)}/{quote(node_id, safe='')}/output", "list")
    data = answer.data() if answer else None
    return data if isinstance(data, list) else []


def _path(execution_id: str) -> str:
    return f"/qflowapi/v1/executions/{quote(execution_id, safe='')}/steps"
