"""Workflows: list, details, run (docs/api.md 1.2 to 1.4)."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from qflow_gitops.errors import QflowError, UnreachableError
from qflow_gitops.http import evidence, jsontext
from qflow_gitops.http.transport import NoAnswerError
from qflow_gitops.ports.qualys import Answer, AnswerKind
from qflow_gitops.qualys import run_answers
from qflow_gitops.qualys.caller import BUDGET, Caller, unwrapped
from qflow_gitops.specs.catalogs import Workflow, kinds_in

BASE = "/qflowapi/v1/workflows"
PAGE, PAGES = 100, 100  # a list of more pages is taken for one that doesn't end
SENDS = 3  # of one run, where each one before was refused by a rate limit


def listed(caller: Caller) -> Iterator[str]:
    """Return every workflow's id; what else the list's items hold isn't documented [?].

    Raises UnreachableError for a list that can't be read, isn't there (404) or doesn't end.
    """
    seen: set[str] = set()
    for number in range(1, PAGES + 1):
        query = urlencode({"pageSize": PAGE, "pageNumber": number})
        answer = caller.get(f"{BASE}?{query}", "read")
        data = unwrapped(answer) if answer else {}
        items = data.get("items")
        if not isinstance(items, list):
            break
        ids = {item["id"] for item in items if isinstance(item, dict) and _is_text(item.get("id"))}
        yield from sorted(ids - seen)
        new = ids - seen
        seen |= ids
        if not new or data.get("total") == len(seen):
            if data.get("total", len(seen)) != len(seen):
                break
            return
    raise UnreachableError(
        "Qualys' list of workflows isn't what its documentation says.",
        not_done="No run was started by this call.",
        hint="Name the workflows by their ids, instead of asking for all.",
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def details(caller: Caller, workflow_id: str) -> Workflow | None:
    """Return what is known of a workflow, None where Qualys knows none (docs/api.md 1.3 [D])."""
    answer = caller.get(f"{BASE}/{quote(workflow_id, safe='')}", "read")
    if answer is None:
        return None
    data = unwrapped(answer)
    if str(data.get("id") or workflow_id).lower() != workflow_id.lower():
        raise UnreachableError(
            "Qualys answered about another workflow than was asked for.",
            not_done="No run was started by this call.",
        )
    return described(data, workflow_id)


def described(data: Mapping[str, Any], workflow_id: str) -> Workflow:
    """Read what an answer tells of a workflow; nothing of it has to be there."""
    texts = {key: data[key] for key in ("name", "revision") if isinstance(data.get(key), str)}
    return Workflow(
        workflow_id.lower(),
        texts.get("name", ""),  # not documented: the sample is cut before it would come [?]
        texts.get("revision", ""),
        kinds_in(decoded(data.get("definition"))),
    )


def decoded(definition: Any) -> Any:
    """Decode a definition, which Qualys sends as JSON in a string (docs/api.md 1.3 [D])."""
    if not isinstance(definition, str):
        return definition
    return jsontext.read(definition.encode("utf-8", "replace"))


def run(caller: Caller, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
    """Start a run with exactly this body (docs/api.md 1.4 [D RUN, RN119]). Never raises.

    Sent once; again only after a refusal that proves that nothing was executed (a rate
    limit, an expired token), and never once `may_send` says no.
    """
    path, waited = f"{BASE}/{quote(workflow_id, safe='')}/run", 0.0
    for attempt in range(SENDS):
        try:
            answer = caller.once("POST", path, body, may_send)
        except NoAnswerError as problem:
            kind = AnswerKind.UNCLEAR if problem.sent else AnswerKind.UNSENT
            return Answer(kind, detail=f"{problem.reason[:1].upper()}{problem.reason[1:]}.")
        except QflowError as problem:  # from the token: nothing was sent with it
            return Answer(AnswerKind.UNSENT, detail=problem.message)
        if not (evidence.is_rate_limited(answer) and evidence.ran_nothing(answer)):
            return run_answers.meaning(answer, workflow_id, caller.redact)
        pause = caller.pause(attempt, answer.headers)
        if attempt == SENDS - 1 or pause > BUDGET or not may_send():
            break
        caller.wait(pause)
        waited += min(pause, BUDGET)
    return Answer(
        AnswerKind.UNSENT,
        http_status=answer.status,
        detail=_limited(answer.status, attempt + 1, waited, pause),
    )


def _limited(status: int, times: int, waited: float, pause: float) -> str:
    """Say that a rate limit refused it, how long it waited for that, and how long it would."""
    often = f", {times} times in {math.ceil(waited):,} s" if times > 1 else ""
    left = f"Qualys asks to wait {math.ceil(pause):,} s more"
    return f"Refused by a rate limit ({status}){often}; {left}."
