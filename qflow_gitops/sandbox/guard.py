"""Who may ask: this machine alone, and no page of somebody else's in a browser here.

A page anywhere can make a browser send requests to this machine, and with a name of its own that
leads here (DNS rebinding) read the answers. So the name that was asked for has to be one of this
machine's, and what changes something may come from no other page.
"""

import re
import secrets
from typing import Any

from flask import Response, request

_HERE = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_ONLY_LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every page: no script runs in it, and nobody shows it inside of another."""


class Forms:
    """Knows the forms of this server's own pages by a token in them, new with each start."""

    def __init__(self) -> None:
        """Make the token."""
        self.token = secrets.token_urlsafe(32)

    def is_ours(self, given: Any) -> bool:
        """Whether a form brought the token."""
        return isinstance(given, str) and secrets.compare_digest(
            given.encode(), self.token.encode()
        )


def refused() -> Response | None:
    """Refuse what another name or another page asks for; None where it may go on."""
    host = request.environ.get("HTTP_HOST", "")
    if host and not _HERE.fullmatch(host):
        return _told(421, "This sandbox answers to 127.0.0.1 and localhost alone.")
    if request.method in _ONLY_LOOKS:
        return None
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin") or origin not in (None, f"http://{host}"):
        return _told(403, "Another page asks for this. Nothing was changed.")
    return None


def _told(status: int, text: str) -> Response:
    return Response(text + "\n", status, content_type="text/plain; charset=utf-8")
