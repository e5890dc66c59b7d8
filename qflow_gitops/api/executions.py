"""Executions: list and details (qflow-api 1.5, 1.6)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from qflow_gitops.api.caller import Caller, unwrapped
from qflow_gitops.interfaces import Execution

PAGE = 100


def listed(caller: Caller, workflow_id: str, start: datetime, end: datetime) -> Iterator[Execution]:
    """Give a workflow's executions between two times, oldest first.

    `pageNumber` counts from 1; `startAt` may be at most 30 days back (qflow-api 1.5
    [D EXLIST, RN118]). The items' form is inferred from that of the details [I].
    """
    for number in range(1, 10_000):
        query = urlencode(
            {
                "pageSize": PAGE,
                "pageNumber": number,
                "startAt": _iso(start),
                "endAt": _iso(end),
                "order": "createdAt",
            }
        )
        path = f"/qflowapi/v1/workflows/{quote(workflow_id, safe='')}/executions?{query}"
        answer = caller.get(path, "list")
        items = unwrapped(answer).get("items", []) if answer else []
        yield from (_execution(one) for one in items if isinstance(one, dict))
        if len(items) < PAGE:
            return


def details(caller: Caller, execution_id: str) -> Execution | None:
    """Give an execution, None where Qualys doesn't show it (any more) (qflow-api 1.6 [D])."""
    answer = caller.get(f"/qflowapi/v1/executions/{quote(execution_id, safe='')}", "list")
    return _execution(unwrapped(answer)) if answer else None


def _execution(data: dict[str, Any]) -> Execution:
    inner = data.get("details")
    end = data.get("endDate") or (
        inner.get("executionEndDate") if isinstance(inner, dict) else None
    )
    status = data.get("status")
    return Execution(
        id=str(data.get("execution") or data.get("id") or ""),
        workflow_id=str(data.get("workflow") or ""),
        status=status if isinstance(status, str) else "",
        ended=bool(end),
        created_at=_number(data.get("createdAt")),
        start_date=_number(data.get("startDate")),
        end_date=_number(end),
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
