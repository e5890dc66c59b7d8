"""The steps of an execution: list, details, output (docs/api.md 1.7, 1.8)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from qflow_gitops.errors import UnreachableError
from qflow_gitops.http.bounded import bounded
from qflow_gitops.ports.qualys import Step, Steps, TriggerInput
from qflow_gitops.qualys.caller import Caller, unwrapped
from qflow_gitops.qualys.step_items import number_of, step_of

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes; the list has no pages (docs/api.md 1.7), and outputs may be long (1.8 [I])."""


def listed(caller: Caller, execution_id: str) -> Steps | None:
    """Return the steps that `{"total", "items"}` holds, by `eventOrder`; None for a 404.

    Raises UnreachableError where there is no list of items: `{}` doesn't say that there are none.
    """
    answer = caller.get(_path(execution_id, "steps"), "list", MAX_ANSWER)
    if answer is None:
        return None
    data = unwrapped(answer)
    items = data.get("items")
    if not isinstance(items, list):
        raise UnreachableError(
            "Qualys' list of steps isn't what its documentation says.",
            not_done="Nothing was concluded from it.",
        )
    found = [step_of(item, caller.redact) for item in items if isinstance(item, dict)]
    total = number_of(data.get("total"))
    missing = max(len(items), total or 0) - len(found)
    return Steps(tuple(sorted(found, key=_place)), missing)


def _place(step: Step) -> tuple[bool, int]:
    return (step.order is None, step.order or 0)


def details(caller: Caller, execution_id: str, node_id: str) -> Step | None:
    """Return one step, which comes without an envelope; None where there is none (404).

    Raises UnreachableError for an answer about another one.
    """
    answer = caller.get(_path(execution_id, "steps", node_id), "list", MAX_ANSWER)
    if answer is None:
        return None
    found = step_of(unwrapped(answer), caller.redact)
    if found.node_id not in ("", node_id):
        raise UnreachableError(
            "Qualys' answer about a step is about another one.",
            not_done="Nothing was concluded from it.",
        )
    return found


def shown(caller: Caller, execution_id: str, below: Sequence[str]) -> Any:
    """Return the JSON of an execution or of what is below it, without secrets; None for a 404."""
    answer = caller.get(_path(execution_id, *below), "list", MAX_ANSWER)
    if answer is None:
        return None
    data = answer.data()
    if data is None and answer.content.strip() != b"null":  # no JSON: what it is, in a line
        return caller.redact(answer.content[:10_000].decode("utf-8", "replace"))
    return bounded(data, caller.redact.without_secrets)


def trigger(caller: Caller, execution_id: str) -> TriggerInput | None:
    """Return what started an execution, as its trigger step shows it (docs/api.md 1.8 [D STOUT]).

    None where it isn't shown, where several are, or where it says that it is another's.
    Variables come as `{key, value, type}` items; those that can't be read count as not shown.
    """
    shown = [
        item
        for item in _trigger_output(caller, execution_id)
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


def _trigger_output(caller: Caller, execution_id: str) -> list[Any]:
    answer = caller.get(_path(execution_id, "steps", "trigger", "output"), "list")
    data = answer.data() if answer else None
    return data if isinstance(data, list) else []


def _path(execution_id: str, *below: str) -> str:
    parts = (quote(part, safe="") for part in (execution_id, *below))
    return f"/qflowapi/v1/executions/{'/'.join(parts)}"
