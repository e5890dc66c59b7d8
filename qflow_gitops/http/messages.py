"""What a server said, in the shapes that Qualys' gateways use."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from qflow_gitops.http import jsontext

ROLE_HINT = (
    "API access is off in every default role of Qualys Flow. In Qualys: Administration → Role "
    'Management → your role → add "Qualys API Access", and the right to {right} workflows.'
)


def message_of(content: bytes) -> str:
    """Find what an error answer says, in the shapes that Qualys' gateways use.

    The order is that of docs/api.md 4.2 (from sibling APIs: [I] for QFlow).
    """
    text = content[:2000].decode("utf-8", "replace")
    data = jsontext.read(content)
    if data is None:
        return re.sub(r"<[^>]*>", " ", text)
    if not isinstance(data, dict):
        return text
    for candidate in (_dig(data, place) for place in PLACES):
        if isinstance(candidate, str) and candidate.strip():
            return candidate
    return text


PLACES: Sequence[Sequence[str | int]] = (
    ("message",),
    ("error",),
    ("errorMessage",),
    ("errorCode",),
    ("errors", 0, "message"),
    ("_error", "message"),
    ("authentication_exceptions", 0, 0),
    ("ServiceResponse", "responseErrorDetails", "errorMessage"),
)
"""Where a message stands, in the order in which it is looked for (docs/api.md 4.2)."""


def _dig(data: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
