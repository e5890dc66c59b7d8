"""What a person looks at: executions with their request, source, status and steps."""

import json
from typing import Any, NamedTuple

from qflow_gitops.sandbox import shapes, steps
from qflow_gitops.sandbox.store import Store


class Page(NamedTuple):
    """Some of a list; `total` is how many there are in all, `number` counts pages from 1."""

    total: int
    items: list[dict[str, Any]]
    number: int
    pages: int


def newest(store: Store, ahead: float, size: int, number: int = 1) -> Page:
    """Return a page of all executions, the newest first, whatever the API still shows."""
    total = store.count()
    number, pages, offset = _turned(total, size, number)
    rows = store.newest(size, offset)
    return Page(total, [execution(row, ahead) for row in rows], number, pages)


def workflows(store: Store, size: int, number: int) -> Page:
    """Return a page of the workflows that were run, the last one first."""
    found = store.by_workflow()
    number, pages, offset = _turned(len(found), size, number)
    return Page(len(found), found[offset : offset + size], number, pages)


def requests(store: Store, size: int, number: int) -> Page:
    """Return a page of the requests, the newest first."""
    total = store.count_requests()
    number, pages, offset = _turned(total, size, number)
    return Page(total, store.newest_requests(size, offset), number, pages)


def _turned(total: int, size: int, number: int) -> tuple[int, int, int]:
    """Return the page that there is nearest to a number, how many there are, and what is before."""
    pages = max(1, -(-total // size))
    number = min(max(1, number), pages)
    return number, pages, (number - 1) * size


def execution(row: dict[str, Any], ahead: float) -> dict[str, Any]:
    """Return an execution as it is told here; times in milliseconds, null where it still runs."""
    shown = shapes.execution(row, ahead)
    body = row["body"] if isinstance(row["body"], dict) else {}
    return {
        "execution": row["id"],
        "workflow": row["workflow"],
        "status": shown["status"],
        "source": row["source"],
        "createdAt": shown["createdAt"],
        "endDate": shown.get("endDate"),
        "shown": not row["forgotten"],
        "input": body.get("input"),
        "variables": body.get("variables"),
    }


def steps_of(row: dict[str, Any], ahead: float) -> list[dict[str, Any]]:
    """Return the steps of an execution, each with why it failed, "" where it didn't."""
    return [step | {"failure": steps.failure(row, step)} for step in steps.listed(row, ahead)]


def told(value: Any, indent: int | None = 2) -> str:
    """Write JSON as a person reads it."""
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False)
    except RecursionError:
        return "(too deeply nested to be shown)"
