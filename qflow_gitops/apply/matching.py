"""Decide by what an execution shows of its start whether it is that of a request.

Pure. What Qualys' answers are compared by is documented in part only: the trigger step's
output echoes `input` and `overrideVariables` (docs/api.md 1.8 [D STOUT]); how it echoes system
variables is beyond the documentation's cut [?], so those only count where they contradict.
"""

import hashlib
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from qflow_gitops.base.jsondiff import Difference, differences
from qflow_gitops.ports.qualys import TriggerInput
from qflow_gitops.specs.spec import CONNECTOR_IDS, PLACE_VARIABLES, body_of

SOURCE = "PUBLIC_API"
"""What an execution shows as its source that this API started (docs/api.md 1.8 [D])."""
_SYSTEM = CONNECTOR_IDS.union(PLACE_VARIABLES)


class Match(IntEnum):
    """How sure it is that an execution belongs to a request."""

    DIFFERENT = 0
    UNKNOWN = 1
    SAME_REQUEST = 2
    OWN_KEY = 3


class Sent(NamedTuple):
    """A request whose execution is looked for.

    `request` is None where this clone doesn't have it any more; then only `body_sha256` is
    left to compare with. `key` is the name in `input` under which `nonce` was sent, "" for
    none.
    """

    request: Mapping[str, Any] | None
    body_sha256: str
    key: str = ""
    nonce: str = ""


def grade(sent: Sent, echo: TriggerInput | None) -> Match:
    """Say how sure it is that the execution with this echo was started by this request."""
    if echo is None:
        return Match.UNKNOWN
    if echo.source and echo.source != SOURCE:
        return Match.DIFFERENT
    if sent.key:
        return _by_key(sent, echo)
    if echo.input is None and echo.variables is None:
        return Match.UNKNOWN
    if sent.request is None:
        return _by_hash(sent, echo)
    return _by_request(sent.request, echo)


def differing(request: Mapping[str, Any], echo: TriggerInput) -> tuple[Difference, ...]:
    """Say where an execution shows another request (`new`) than the one that was sent (`old`).

    Only what `grade` calls different too; a part that isn't shown differs in nothing.
    """
    if _is_whole_body(request, echo):
        return ()
    sent = {"input": request.get("input", {}), "variables": request.get("variables", {})}
    shown = dict(sent)
    if echo.input is not None:
        shown["input"] = echo.input
    if echo.variables is not None:
        shown["variables"] = _as_sent(sent["variables"], echo.variables)
    return differences(sent, shown)


def _as_sent(sent: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that are shown, those that mean what was sent as they were sent."""
    system = {name: value for name, value in sent.items() if name in _SYSTEM}
    others = {name: value for name, value in shown.items() if name in sent or name not in _SYSTEM}
    alike = {
        name: sent[name]
        for name, value in others.items()
        if name in sent and _same_variable(name, sent[name], value)
    }
    return {**system, **others, **alike}


def _by_key(sent: Sent, echo: TriggerInput) -> Match:
    """A key of ours decides alone: no other request carries its nonce."""
    if not isinstance(echo.input, Mapping):
        return Match.UNKNOWN
    inner = echo.input.get("input")  # where a platform took the whole body for the input
    found = (echo.input.get(sent.key), inner.get(sent.key) if isinstance(inner, Mapping) else None)
    return Match.OWN_KEY if sent.nonce in found else Match.DIFFERENT


def _by_hash(sent: Sent, echo: TriggerInput) -> Match:
    """Without the request: the same bytes, put together again, are the same request."""
    parts = {"input": echo.input or {}, "variables": echo.variables or {}}
    try:
        body = body_of({name: part for name, part in parts.items() if part})
    except (ValueError, RecursionError):  # what JSON can't say, this program didn't send
        return Match.UNKNOWN
    same = hashlib.sha256(body).hexdigest() == sent.body_sha256
    return Match.SAME_REQUEST if same else Match.UNKNOWN


def _by_request(request: Mapping[str, Any], echo: TriggerInput) -> Match:
    if _is_whole_body(request, echo):
        return Match.SAME_REQUEST
    parts = (
        _input(request.get("input", {}), echo.input),
        _variables(request.get("variables", {}), echo.variables),
    )
    return min(parts)


def _is_whole_body(request: Mapping[str, Any], echo: TriggerInput) -> bool:
    """A platform before 1.18 takes the whole body for the input (docs/api.md 1.4 [I])."""
    return bool(request) and not echo.variables and _same(echo.input, request)


def _input(sent: Any, shown: Any) -> Match:
    if shown is None:
        return Match.UNKNOWN if sent else Match.SAME_REQUEST
    return Match.SAME_REQUEST if _same(sent, shown) else Match.DIFFERENT


def _variables(sent: Mapping[str, Any], shown: Mapping[str, Any] | None) -> Match:
    if shown is None:
        return Match.UNKNOWN if sent else Match.SAME_REQUEST
    for name, value in sent.items():
        if name in shown and not _same_variable(name, value, shown[name]):
            return Match.DIFFERENT
        if name not in shown and name not in _SYSTEM:
            return Match.DIFFERENT
    more = set(shown) - set(sent) - _SYSTEM
    return Match.DIFFERENT if more else Match.SAME_REQUEST


def _same_variable(name: str, sent: Any, shown: Any) -> bool:
    """Definitions hold values in arrays, and ids with an `@` (docs/api.md 1.3 [D])."""
    if _same(sent, shown):
        return True
    if isinstance(shown, list) and len(shown) == 1:
        return _same_variable(name, sent, shown[0])
    return (
        isinstance(sent, str)
        and isinstance(shown, str)
        and (
            sent.removeprefix("@").lower() == shown.removeprefix("@").lower()
            and (name in CONNECTOR_IDS or sent.startswith("@") or shown.startswith("@"))
        )
    )


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true isn't 1, and 4 is 4.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
