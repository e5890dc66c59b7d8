"""What a server said, as one line that is safe to show and to keep."""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

_MAX = 200


ROLE_HINT = (
    "API access is off in every default role of Qualys Flow. In Qualys: Administration → Role "
    'Management → your role → add "Qualys API Access", and the right to {right} workflows.'
)


class Redactor:
    """Takes secrets out of texts, in each form in which they may come back."""

    def __init__(self) -> None:
        """Begin without a secret."""
        self._forms: set[str] = set()

    def learn(self, secrets: Iterable[str]) -> None:
        """Remember secrets; one of under four characters would hide half of every text."""
        for one in secrets:
            if len(one) >= 4:
                encoded = base64.b64encode(one.encode()).decode()
                forms = {one, quote(one, safe=""), quote_plus(one), json.dumps(one)[1:-1], encoded}
                self._forms |= forms

    def __call__(self, text: str) -> str:
        """Give the text on one line, without secrets, cut to 200 characters."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "***")
        line = " ".join(re.sub(r"[^\x20-\x7e\u00a1-\ufffd]", " ", text).split())
        return line if len(line) <= _MAX else line[: _MAX - 1] + "…"


def message_of(content: bytes) -> str:
    """Find what an error answer says, in the shapes that Qualys' gateways use.

    The order is that of qflow-api 4.2 (from sibling APIs: [I] for QFlow).
    """
    text = content[:2000].decode("utf-8", "replace")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return re.sub(r"<[^>]*>", " ", text)
    if not isinstance(data, dict):
        return text
    for one in _candidates(data):
        if isinstance(one, str) and one.strip():
            return one
    return text


def _candidates(data: dict[str, Any]) -> Iterable[Any]:
    for key in ("message", "error", "errorMessage", "errorCode"):
        yield data.get(key)
    yield _dig(data, "errors", 0, "message")
    yield _dig(data, "_error", "message")
    yield _dig(data, "authentication_exceptions", 0, 0)
    yield _dig(data, "ServiceResponse", "responseErrorDetails", "errorMessage")


def _dig(data: Any, *path: str | int) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
