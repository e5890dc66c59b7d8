"""What a sandbox executed, as lines for a person."""

import json
from collections.abc import Iterator
from typing import Any

from qflow_gitops.render.escape import clean, count
from qflow_gitops.results.sandbox import Executed

_LONGEST = 300  # characters of a request; the page shows the rest


def executed(body: Executed) -> Iterator[str]:
    """A block for each execution, the newest first."""
    if not body.executions:
        yield f"Nothing was executed at {clean(body.url)} yet."
        return
    rest = body.total - len(body.executions)
    more = f", the newest {len(body.executions)} of them" if rest else ", the newest first"
    yield f"{count(body.total, 'execution')} at {clean(body.url)}{more}. It is not Qualys."
    for one in body.executions:
        yield ""
        yield f"{clean(one.execution)}  {clean(one.status)}  {clean(one.begun)}"
        yield f"  workflow   {clean(one.workflow)}"
        yield f"  source     {clean(one.source)}"
        for name, value in one.request.items():
            yield f"  {clean(name):9}  {_line(value)}"
    if rest:
        yield ""
        command = f"qflow-gitops sandbox executions --url {clean(body.url)}"
        yield f"More: `{command} --limit {min(body.total, 100)}`"


def _line(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return clean(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
