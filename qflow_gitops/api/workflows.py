"""Workflows: list, details, run (qflow-api 1.2 to 1.4)."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from qflow_gitops.api.caller import BUDGET, Caller, is_rate_limited, unwrapped
from qflow_gitops.api.messages import ROLE_HINT, message_of
from qflow_gitops.api.transport import HttpAnswer, NoAnswerError
from qflow_gitops.catalog import Workflow, kinds_in
from qflow_gitops.errors import QflowError
from qflow_gitops.interfaces import Answer, AnswerKind

BASE = "/qflowapi/v1/workflows"
PAGE = 100
SENDS = 3  # of one run, where each one before was refused by a rate limit

_EXECUTION_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_REFUSED = frozenset({400, 401, 403, 404, 405, 413, 415, 422})
_REDIRECTED_UNDONE = frozenset({307, 308})


def listed(caller: Caller) -> Iterator[str]:
    """Give every workflow's id; what else the list's items hold isn't documented [?]."""
    for number in range(1, 10_000):
        query = urlencode({"pageSize": PAGE, "pageNumber": number})
        answer = caller.get(f"{BASE}?{query}", "read")
        items = unwrapped(answer).get("items", []) if answer else []
        for one in items:
            if isinstance(one, dict) and isinstance(one.get("id"), str):
                yield one["id"]
        if len(items) < PAGE:
            return


def details(caller: Caller, workflow_id: str) -> Workflow | None:
    """Give what is known of a workflow, None where Qualys knows none (qflow-api 1.3 [D])."""
    answer = caller.get(f"{BASE}/{quote(workflow_id, safe='')}", "read")
    if answer is None:
        return None
    data = unwrapped(answer)
    texts = {key: data[key] for key in ("name", "revision") if isinstance(data.get(key), str)}
    return Workflow(
        workflow_id.lower(),
        texts.get("name", ""),  # not documented: the sample is cut before it would come [?]
        texts.get("revision", ""),
        kinds_in(_decoded(data.get("definition"))),
    )


def _decoded(definition: Any) -> Any:
    """Decode a definition, which Qualys sends as JSON in a string (qflow-api 1.3 [D])."""
    if not isinstance(definition, str):
        return definition
    try:
        return json.loads(definition)
    except (ValueError, RecursionError):
        return None


def run(caller: Caller, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
    """Start a run with exactly this body (qflow-api 1.4 [D RUN, RN119]). Never raises.

    Sent once; again only after a refusal that proves that nothing was executed (a rate
    limit, an expired token), and never once `may_send` says no.
    """
    path = f"{BASE}/{quote(workflow_id, safe='')}/run"
    for attempt in range(SENDS):
        try:
            answer = caller.once("POST", path, body, may_send)
        except NoAnswerError as problem:
            kind = AnswerKind.UNCLEAR if problem.sent else AnswerKind.UNSENT
            return Answer(kind, detail=f"{problem.said[:1].upper()}{problem.said[1:]}.")
        except QflowError as problem:  # from the token: nothing was sent with it
            return Answer(AnswerKind.UNSENT, detail=problem.message)
        if not is_rate_limited(answer):
            return _meaning(caller, answer)
        pause = caller.pause(attempt, answer.headers)
        if attempt == SENDS - 1 or pause > BUDGET or not may_send():
            break
        caller.wait(pause)
    times = attempt + 1
    return Answer(
        AnswerKind.UNSENT,
        http_status=answer.status,
        detail=f"Refused by a rate limit, {times} time{'s' if times > 1 else ''}.",
    )


def _meaning(caller: Caller, answer: HttpAnswer) -> Answer:
    """Say what an answer proves (`hardening` table 1.4); whatever proves nothing is unclear."""
    status = answer.status
    if status in (200, 201, 202):
        execution_id = _execution_id(answer.data())
        if execution_id:
            return Answer(AnswerKind.ACCEPTED, execution_id, status)
        return Answer(AnswerKind.UNCLEAR, "", status, "The answer holds no execution id.")
    said = caller.redact(message_of(answer.content))
    if status in _REDIRECTED_UNDONE:
        return Answer(
            AnswerKind.REFUSED,
            "",
            status,
            "The gateway redirected the request elsewhere; it was not followed. Tell security.",
        )
    if status == 403:
        hint = ROLE_HINT.format(right="execute")
        return Answer(AnswerKind.REFUSED, "", status, f"{said}. {hint}")
    kind = AnswerKind.REFUSED if status in _REFUSED else AnswerKind.UNCLEAR
    return Answer(kind, "", status, f"Status {status}: {said}" if said else f"Status {status}.")


def _execution_id(data: Any) -> str:
    """Find the id in both documented shapes: at the top (1.19) or under `data` (1.16)."""
    if not isinstance(data, dict):
        return ""
    inner = data.get("data")
    for one in (data, inner if isinstance(inner, dict) else {}):
        found = one.get("executionId")
        if isinstance(found, str) and _EXECUTION_ID.fullmatch(found):
            return found
    return ""
