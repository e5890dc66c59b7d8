"""What an answer proves: by the fields that say it, never by what merely stands in it.

Pure. An answer to a request that was sent proves that nothing ran only where it came whole,
names no execution, and says no in the place that is there for it (docs/api.md 4.2, 4.3, 12 [I]).
The digits of a code somewhere in a text, a header that is only there, a number that is no plain
one: none of that is evidence.
"""

import json
import re
from typing import Any

from qflow_gitops.http.transport import HttpAnswer

STARTED = frozenset({200, 201, 202})
"""With which of them a run answers isn't documented [?] (docs/api.md 1.4)."""
REFUSED = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 307, 308})
"""Statuses that say no before anything is done (docs/api.md 12 [I])."""

_LIMIT_CODES = frozenset({"1960", "1965"})  # concurrency, rate (docs/api.md 4.3 [D], of siblings)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,5}")  # nobody waits for more seconds than that
_ID = re.compile(r"(?=[^1-9]*[1-9])[A-Za-z0-9-]{8,64}")  # `undefined` and all zeros are none
_BEARER = re.compile(r"\s{0,9}bearer\b", re.IGNORECASE)

_NO_LETTER = re.compile(r"[^a-z0-9]+")
_CODE_FIELD = re.compile(r"(?:error|err|response|return|fault)?(?:code|number)")
_CODE_NAME = r"(?<![a-z])(?:(?:error|err|response|return|fault)[-_ ]?)?(?:code|number)(?![a-z])"
_CODE_ELEMENT = re.compile(
    rf"<(?:[\w.-]{{1,40}}:)?{_CODE_NAME}[^<>]{{0,200}}>([^<>]{{0,200}})", re.IGNORECASE
)
_CODE_IN_LINE = re.compile(
    rf"{_CODE_NAME}[\"']?\s{{0,5}}[=:]\s{{0,5}}[\"']?([^\s\"'<>,;]{{1,100}})", re.IGNORECASE
)
_NULL_ID = re.compile(r"\"execution[-_ ]?id\"\s{0,9}:\s{0,9}(?:null|\"\")", re.IGNORECASE)
_NAMES_ID = re.compile(r"execution[-_ ]?id", re.IGNORECASE)
_LEADS_TO_ONE = re.compile(r"/executions\\?/[A-Za-z0-9-]{8}", re.IGNORECASE)


def number(value: str) -> int | None:
    """Read a header's whole number of at most six digits; None for anything else.

    Two headers of one name arrive joined by a comma, and so are none; nor is a sign, a
    fraction, a leading zero, or a digit that isn't ASCII.
    """
    value = value.strip(" \t")
    return int(value) if _NUMBER.fullmatch(value) else None


def is_rate_limited(answer: HttpAnswer) -> bool:
    """Whether the answer says "too many": 429, or 409 where the documented fields say so.

    Rate headers come with every answer of sibling APIs, so only "none left" or "wait" in them
    counts, and an error code in a field of its own that isn't one of a limit contradicts.
    Documented for those siblings behind the same gateway, so [I] for QFlow (docs/api.md 4.3).
    """
    if answer.status != 409:
        return answer.status == 429
    left = number(answer.headers.get("x-ratelimit-remaining", ""))
    wait = number(answer.headers.get("x-ratelimit-towait-sec", ""))
    if left != 0 and not wait:
        return False
    codes = _error_codes(answer.content)
    return codes is not None and _LIMIT_CODES.issuperset(codes)


def refuses_token(answer: HttpAnswer) -> bool:
    """Whether a 401 is about the token that was sent, so that nothing was done with it.

    A challenge for a bearer token (RFC 9110 11.6.1), or a body as the gateway's (docs/api.md 4.2).
    Any other 401 may come from something behind the gateway, in the middle of a run.
    """
    if answer.status != 401 or not ran_nothing(answer):
        return False
    if _BEARER.match(answer.headers.get("www-authenticate", "")):
        return True
    data = answer.data()
    if not isinstance(data, dict):
        return False
    named = str(data.get("error")).lower() == "unauthorized" and data.get("status", 401) == 401
    return named or bool(data.get("authentication_exceptions"))


def ran_nothing(answer: HttpAnswer) -> bool:
    """Whether an answer that says no may be believed: it came whole, and names no execution."""
    return answer.is_whole and not _names_execution(answer)


def started_execution(answer: HttpAnswer, workflow_id: str) -> str:
    """Return the execution that an answer of success names, "" for none or more than one.

    In both documented shapes: at the top (1.19), or under `data` (1.16), where `workflowId`
    stands as well and must be the one that was asked for (docs/api.md 1.4 [D]).
    """
    data = answer.data()
    inner = data.get("data") if isinstance(data, dict) else None
    places = [place for place in (data, inner) if isinstance(place, dict)]
    found = [place["executionId"] for place in places if "executionId" in place]
    of = [place["workflowId"] for place in places if place.get("workflowId")]
    if any(str(workflow).lower() != workflow_id.lower() for workflow in of):
        return ""
    return found[0] if found and found.count(found[0]) == len(found) and _is_id(found[0]) else ""


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _names_execution(answer: HttpAnswer) -> bool:
    for name, value in answer.headers.items():
        if _LEADS_TO_ONE.search(value) or (value and _plain(name).endswith("executionid")):
            return True
    text = _text(answer.content)
    if _LEADS_TO_ONE.search(text) or _NAMES_ID.search(_NULL_ID.sub("", text)):
        return True
    return any(
        (_plain(key) == "executionid" and value not in (None, ""))
        or (_plain(key) == "execution" and _is_id(value))
        for key, value in _fields(answer.content) or ()
    )


# --- fields --------------------------------------------------------------------------


def _error_codes(content: bytes) -> set[str] | None:
    """Return the error codes that stand in fields of their own; None where they can't be read."""
    fields = _fields(content)
    if fields is not None:
        return {str(value) for key, value in fields if _is_code(_plain(key), value)}
    text = _text(content)
    if b"\0" in content or text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    text = text.replace("<![CDATA[", "").replace("]]>", "")
    found = (*_CODE_ELEMENT.findall(text), *_CODE_IN_LINE.findall(text))
    return {text.strip() for text in found} - {""}


def _is_code(name: str, value: Any) -> bool:
    if value is None or value == "":
        return False
    if name == "error":  # a word or an object, as a rule
        return isinstance(value, int) or (isinstance(value, str) and value.strip().isdecimal())
    return _CODE_FIELD.fullmatch(name) is not None


def _fields(content: bytes) -> list[tuple[str, Any]] | None:
    """Return every field of a JSON text, at any depth, each time it stands there; None for none."""
    found: list[tuple[str, Any]] = []

    def seen(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.extend(pairs)
        return dict(pairs)

    try:
        json.loads(content, object_pairs_hook=seen)
    except (ValueError, RecursionError):
        return None
    return found


def _plain(name: str) -> str:
    """A field's name without its case, and without the signs between its words."""
    return _NO_LETTER.sub("", name.lower())


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\0", "")
