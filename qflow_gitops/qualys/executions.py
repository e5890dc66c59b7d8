"""Executions: list and details (docs/api.md 1.5, 1.6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from qflow_gitops.errors import UnreachableError
from qflow_gitops.ports.qualys import Execution, Listing
from qflow_gitops.qualys.caller import Caller, unwrapped

PAGE = 100
PAGES = 100  # of one window; a longer list is called incomplete
RESTARTS = 3


def listed(caller: Caller, workflow_id: str, start: datetime, end: datetime) -> Listing:
    """Return a workflow's executions between two times, oldest first.

    `pageNumber` counts from 1; `startAt` may be at most 30 days back (docs/api.md 1.5
    [D EXLIST, RN118]). The items' form is inferred from that of the details [I].
    While pages are turned the list may grow or shift: then it is read from the start again,
    and after `RESTARTS` of it the listing says that it isn't complete. Nor is one of a
    workflow that Qualys doesn't show (404): nothing can be concluded from that.
    """
    window = {"startAt": _iso(start), "endAt": _iso(end), "order": "createdAt"}
    found: dict[str, Execution] = {}
    for _ in range(RESTARTS + 1):
        found = {}
        whole = _read_whole(caller, workflow_id, window, found)
        if whole is not False:
            return Listing(tuple(found.values()), complete=whole is True)
    return Listing(tuple(found.values()), complete=False)


def _read_whole(
    caller: Caller, workflow_id: str, window: dict[str, str], found: dict[str, Execution]
) -> bool | None:
    """Turn all pages; False where the list shifted meanwhile or doesn't end, None for a 404.

    The end is where as many are read as the list says there are (`total`), or an empty page.
    A short page alone is none: how many fit on one isn't documented [?].
    """
    total = None
    for number in range(1, PAGES + 1):
        page = _page(caller, workflow_id, {"pageNumber": str(number), **window})
        if page is None:
            return None
        known = len(found)
        found |= {execution.id.lower(): execution for execution in page.items}
        if number > 1 and page.total != total:
            return False
        if len(found) - known < len(page.items):
            return False  # an execution shown twice: pages shifted, or aren't turned at all
        total = page.total
        if not page.items or total == len(found):
            return total is None or total == len(found)
    return False


def newest(caller: Caller, workflow_id: str, start: datetime) -> tuple[str, ...] | None:
    """Return the ids of a workflow's executions since a time, the newest first.

    None where Qualys doesn't show the list (404), or not all of it: that isn't an empty one.
    """
    found: dict[str, Execution] = {}
    window = {"startAt": _iso(start), "order": "-createdAt"}
    whole = _read_whole(caller, workflow_id, window, found)
    return tuple(execution.id for execution in found.values()) if whole else None


@dataclass(frozen=True, slots=True)
class _Page:
    items: tuple[Execution, ...]
    total: int | None


def _page(caller: Caller, workflow_id: str, window: dict[str, str]) -> _Page | None:
    query = urlencode({"pageSize": PAGE, **window})
    path = f"/qflowapi/v1/workflows/{quote(workflow_id, safe='')}/executions?{query}"
    answer = caller.get(path, "list")
    if answer is None:
        return None
    data = unwrapped(answer)
    items = data.get("items")
    if not isinstance(items, list):  # an empty list has to say so: `{}` proves nothing
        raise _odd("list of executions")
    executions = tuple(_execution(item) for item in items if isinstance(item, dict))
    others = (
        execution.workflow_id.lower() not in ("", workflow_id.lower()) for execution in executions
    )
    if (
        len(executions) < len(items)
        or not all(execution.id for execution in executions)
        or any(others)
    ):
        raise _odd("list of executions")  # what can't be read isn't absent
    return _Page(executions, _number(data.get("total")))


def _odd(what: str) -> UnreachableError:
    return UnreachableError(
        f"Qualys' {what} isn't what its documentation says.",
        not_done="Nothing was concluded from it.",
    )


def details(caller: Caller, execution_id: str) -> Execution | None:
    """Return an execution, None where Qualys doesn't show it (any more) (docs/api.md 1.6 [D]).

    Raises UnreachableError for an answer that is about another one, or doesn't say about which.
    """
    answer = caller.get(f"/qflowapi/v1/executions/{quote(execution_id, safe='')}", "list")
    if answer is None:
        return None
    data = unwrapped(answer)
    if execution_id.lower() not in {str(data.get(key)).lower() for key in ("execution", "id")}:
        raise _odd("answer about an execution")
    return _execution(data)


def _execution(data: dict[str, Any]) -> Execution:
    inner = data.get("details")
    end = data.get("endDate") or (
        inner.get("executionEndDate") if isinstance(inner, dict) else None
    )
    return Execution(
        id=_text(data.get("execution")) or _text(data.get("id")),
        workflow_id=_text(data.get("workflow")),
        status=_text(data.get("status")),
        ended=isinstance(end, int | float) and end > 0 and end is not True,
        created_at=_number(data.get("createdAt")),
        start_date=_number(data.get("startDate")),
        end_date=_number(end),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
