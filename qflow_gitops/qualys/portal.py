"""The versions of a platform's modules, as its API server tells them (docs/api.md 5.6)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, Transport
from qflow_gitops.ports.tenant import CALLS
from qflow_gitops.qualys.api_server import basic
from qflow_gitops.qualys.credentials import Credentials

_ELEMENT = re.compile(rb"<([A-Za-z][A-Za-z0-9_-]{0,40}-VERSION)>\s{0,9}([^<>]{1,60})</")
_LONGEST = 60


class Portal:
    """One API server, as one user, asked for nothing but its versions."""

    def __init__(self, make: Callable[[], tuple[Transport, Credentials]], redact: Redactor) -> None:
        """Take what makes the connection; it may raise UsageProblem or AuthError."""
        self._make = make
        self._redact = redact
        self._made: Transport | None = None

    def ask(self) -> HttpAnswer:
        """Ask once. Raises NoAnswerError, CallsSpent, and what making the connection does."""
        transport, credentials = self._make()
        self._made = transport
        headers = {
            "Accept": "application/json",
            "Authorization": f"Basic {basic(credentials, self._redact)}",
        }
        return transport.send("GET", CALLS["version"], headers=headers)

    def close(self) -> None:
        """Close the connection."""
        if self._made is not None:
            self._made.close()


def versions(answer: HttpAnswer) -> Mapping[str, str] | None:
    """Return the version of each module, `QFLOW-VERSION` among them; None where there are none.

    In JSON `data` is seen as a list of objects and as one object; XML comes where JSON isn't known.
    """
    response = answer.data()
    response = response.get("ServiceResponse") if isinstance(response, dict) else None
    data = response.get("data") if isinstance(response, dict) else None
    found: dict[str, str] = {}
    for each in data if isinstance(data, list) else [data]:
        for group in each.values() if isinstance(each, dict) else ():
            found |= _texts(group)
    for name, text in _ELEMENT.findall(answer.content):
        found[name.decode()] = text.decode("utf-8", "replace").strip()
    return found or None


def _texts(group: Any) -> dict[str, str]:
    if not isinstance(group, dict):
        return {}
    return {
        name: value
        for name, value in group.items()
        if isinstance(value, str) and len(value) <= _LONGEST
    }
