"""A program of the team's that knows its tickets: QFLOW_TICKET_COMMAND (docs/tickets.md 3).

It is run once for each question, with one JSON object to read, and answers with one.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qflow_gitops.base import program
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import UnreachableError, UsageProblem
from qflow_gitops.http import jsontext
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.policy.tickets import Ticket
from qflow_gitops.specs import secrets
from qflow_gitops.specs.complaints import complaint
from qflow_gitops.tickets.calls import PASSWORD, TOKEN, URL, USERNAME

LINE = "QFLOW_TICKET_COMMAND"
SECONDS = 10.0
"""How long it may take for one answer: runs wait for it."""
_OWN = frozenset({URL, USERNAME, PASSWORD, TOKEN})
"""Variables of ours that it gets; all others, with the credentials of Qualys, it doesn't.

Nor those of a fleet's sets, like ACME_QFLOW_TOKEN."""
_VERSION = 1
_TEXTS = 200
"""So many ids it is asked for at once: a question has 16 KiB at most (`base.program`)."""
_NOTHING = "No run was started for it."


class Program:
    """Asks a program, which is no shell's line and lies where no repository puts it."""

    def __init__(
        self,
        environ: Mapping[str, str],
        is_tracked: Callable[[Path], bool],
        time_left: Callable[[], float],
    ) -> None:
        """Take its line from the environment. Raises UsageProblem for what can't be run."""
        self._environ = {
            name: value for name, value in environ.items() if name in _OWN or "QFLOW_" not in name
        }
        self._time_left = time_left
        self._words = _words(environ.get(LINE, ""))
        self._words[0] = self._place(is_tracked)
        self._redact = Redactor()
        self._redact.learn(
            value for name, value in self._environ.items() if secrets.names_a_secret(name)
        )

    def _place(self, is_tracked: Callable[[Path], bool]) -> str:
        try:
            found = program.place_of(self._words[0], self._environ)
        except LookupError as problem:
            raise _unusable(f"the program of {LINE} {problem}") from None
        if is_tracked(Path(found)):
            raise _unusable(
                f"git keeps the program of {LINE}: whoever writes to the repository would say what "
                "runs here",
                "Put a copy where no repository keeps it, and name that.",
            )
        return found

    def read(self, ticket_id: str) -> Ticket | None:
        """Return what it says of a ticket, None where it says that there is none."""
        out = self._answer({"do": "read", "id": ticket_id})
        data, now = self._object(out), datetime.now(UTC)
        if data.get("found") is False:
            return None
        if data.get("id") != ticket_id:
            raise self._odd("its `id` isn't that of the ticket")
        state, approved = data.get("state", ""), data.get("approved")
        if not isinstance(state, str) or not isinstance(approved, bool | None):
            raise self._odd("`state` is no text, or `approved` neither true nor false")
        return Ticket(
            id=ticket_id,
            state=state,
            approved=approved,
            starts=self._time(data, "start"),
            ends=self._time(data, "end"),
            sha256=hashlib.sha256(out).hexdigest(),
            read_at=stamp(now),
        )

    def noted(self, ticket_id: str, texts: Collection[str]) -> frozenset[str] | None:
        """Return those of some texts that it finds in a ticket's notes; asks for some at a time."""
        asked, there = [*texts], set[str]()
        for at in range(0, len(asked), _TEXTS):
            some = asked[at : at + _TEXTS]
            data = self._object(self._answer({"do": "find", "id": ticket_id, "texts": some}))
            if data.get("found") is False:
                return None
            found = data.get("texts")
            if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
                raise self._odd("`texts` is no list of texts")
            there |= frozenset(some) & frozenset(found)
        return frozenset(there)

    def note(self, ticket_id: str, text: str) -> bool:
        """Have a note written; False where it says that there is no such ticket."""
        done = self._object(self._answer({"do": "note", "id": ticket_id, "text": text}))
        return done.get("found") is not False

    def close(self) -> None:
        """Nothing stays open."""

    def _answer(self, question: Mapping[str, object]) -> bytes:
        given = json.dumps({"version": _VERSION, **question}).encode() + b"\n"
        try:
            done = program.run(self._words, self._environ, SECONDS, self._time_left, given=given)
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", "") or "one of its words can't be given to it"
            raise _failed(f"can't be run: {why}") from None
        if done.why == "late":
            raise _failed(f"took too long ({SECONDS:.0f} s at most) and was ended")
        if done.why == "long":
            raise _failed("printed more than 64 KiB and was ended")
        if done.status:
            said = self._redact(complaint(done)).rstrip(".")
            raise _failed(f"ended with {done.status}{f': {said}' if said else ''}")
        return done.out

    def _object(self, out: bytes) -> dict[str, Any]:
        data = jsontext.read(out)
        if not isinstance(data, dict) or type(data.get("version")) is not int:
            raise self._odd("it printed no JSON object with a `version`")
        if data["version"] != _VERSION:
            raise self._odd(f"its `version` isn't {_VERSION}")
        return data

    def _time(self, data: Mapping[str, Any], key: str) -> str:
        text = data.get(key)
        if text in (None, ""):
            return ""
        try:
            at = datetime.fromisoformat(str(text))
            if at.tzinfo is not None:
                return stamp(at)
        except (ValueError, OverflowError):
            pass
        raise self._odd(f"`{key}` is no time of RFC 3339, like 2026-11-29T12:00:00Z")

    @staticmethod
    def _odd(why: str) -> UnreachableError:
        return UnreachableError(
            f"the answer of {LINE} can't be used: {why}",
            where=LINE,
            not_done=_NOTHING,
            hint="docs/guides/tickets.md says what it has to answer.",
            reason="ticket_answer",
        )


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:
        raise _unusable(f"a quote in {LINE} isn't closed") from None
    if not words:
        raise _unusable(f"{LINE} isn't set")
    return words


def _unusable(message: str, hint: str = "") -> UsageProblem:
    return UsageProblem(
        message,
        where=LINE,
        not_done="No ticket was looked up.",
        hint=hint
        or f"Let {LINE} begin with a program's absolute path, or its name in a folder of the "
        "PATH, and quote its words as in a shell.",
        reason="ticket_unset",
    )


def _failed(why: str) -> UnreachableError:
    return UnreachableError(
        f"the program of {LINE} {why}",
        where=LINE,
        not_done=_NOTHING,
        hint="Run it by hand, with the question to read: docs/guides/tickets.md.",
        reason="ticket_unreachable",
    )
