"""Tickets of a change management that is nobody's: their form is this project's own.

Just what a check looks at: state, approval, and the planned window.
"""

import re
import threading
import time
from typing import Any

_ID = re.compile(r"[A-Z][A-Z0-9]*-?[0-9]+")
_HOUR = 3600
_TEXTS = ("state", "approval", "plannedStart", "plannedEnd")


class Tickets:
    """Those that somebody put there, and for every other id one that is approved for now."""

    def __init__(self) -> None:
        """Begin without any."""
        self._put: dict[str, dict[str, str]] = {}
        self._notes: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def of(self, ticket_id: str) -> dict[str, Any] | None:
        """Return a ticket with its notes, None for what can't be the id of one.

        Times are ISO 8601, UTC. That there is none is asked for as `404@tickets`.
        """
        if not _ID.fullmatch(ticket_id):
            return None
        with self._lock:
            put = self._put.get(ticket_id, {})
            notes = [*self._notes.get(ticket_id, ())]
        now = time.time()
        usual = {
            "state": "scheduled",
            "approval": "approved",
            "plannedStart": _iso(now - _HOUR),
            "plannedEnd": _iso(now + _HOUR),
        }
        return {"id": ticket_id, "notes": notes} | usual | put

    def put(self, ticket_id: str, given: Any) -> bool:
        """Change what is given of a ticket's texts; False where it isn't such an object."""
        if self.of(ticket_id) is None or not isinstance(given, dict):
            return False
        if not all(key in _TEXTS and isinstance(text, str) for key, text in given.items()):
            return False
        with self._lock:
            self._put[ticket_id] = self._put.get(ticket_id, {}) | given
        return True

    def note(self, ticket_id: str, given: Any) -> bool:
        """Add a note, `{"text": …}`; False where it isn't one."""
        text = given.get("text") if isinstance(given, dict) else None
        if self.of(ticket_id) is None or not isinstance(text, str) or len(given) > 1:
            return False
        with self._lock:
            self._notes.setdefault(ticket_id, []).append(text)
        return True


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
