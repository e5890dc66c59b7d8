"""Calls of one system's REST API: authenticated, in little time, and what its no means."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlencode

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http import jsontext
from qflow_gitops.http.evidence import number
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.retries import GivenUp, Retries
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport

CONNECT, ANSWER = 4.0, 10.0
"""Seconds in which an address is reached, and in which it answers: runs wait for it."""
_TRIES, _LONGEST = 2, 3.0
URL, USERNAME, PASSWORD, TOKEN = (
    "QFLOW_TICKET_URL", "QFLOW_TICKET_USERNAME", "QFLOW_TICKET_PASSWORD", "QFLOW_TICKET_TOKEN",
)  # fmt: skip
_NOTHING = "No run was started for it."


class Account(NamedTuple):
    """As whom it is asked: a name and a password, or a token alone."""

    username: str = ""
    password: str = ""
    token: str = ""

    @property
    def header(self) -> str:
        """What stands in `Authorization`."""
        if self.token:
            return f"Bearer {self.token}"
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is never shown."""
        return tuple(filter(None, (self.password, self.token, self.header.partition(" ")[2])))


class Read(NamedTuple):
    """What was read: the JSON, the hash of its bytes, and when it came (RFC 3339)."""

    data: Any
    sha256: str
    at: str


class Api:
    """Calls one system's API; safe from several threads.

    `places` say where in an error answer a message stands.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        prefix: str,
        account: Account,
        places: Sequence[Sequence[str | int]],
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the system's name, what reaches it, a path before all others, and as whom."""
        self._name = name
        self._transport = transport
        self._prefix = prefix
        self._headers = {"Accept": "application/json", "Authorization": account.header}
        self._places = places
        self._retries = Retries(_is_limited, _pause, sleep, _LONGEST, _LONGEST, _TRIES)
        self._now = now
        self._redact = Redactor()
        self._redact.learn(account.secrets)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def read(self, path: str, query: Mapping[str, str | int]) -> Read | None:
        """Read an object, None where it isn't there (404). Raises AuthError, UnreachableError."""
        answer = self._asked("GET", f"{path}?{urlencode(query)}", None)
        if answer.status == 404:
            return None
        self._check(answer)
        data = jsontext.read(answer.content)
        if not isinstance(data, dict):
            raise self.odd_answer()
        return Read(data, hashlib.sha256(answer.content).hexdigest(), stamp(self._now()))

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> bool:
        """Change something, once; False where it isn't there. Raises as `read`.

        Where no answer came, it may have been done or not: who asks again looks first.
        """
        answer = self._asked(method, path, json.dumps(body).encode())
        if answer.status == 404:
            return False
        self._check(answer)
        return True

    def odd_answer(self) -> UnreachableError:
        """What is raised for an answer of another shape than the documentation says."""
        return UnreachableError(
            f"{self._name}'s answer isn't what its documentation says",
            not_done=_NOTHING,
            hint=f"See what {URL} names: another kind of server may answer there.",
            reason="ticket_answer",
        )

    def _asked(self, method: str, path: str, body: bytes | None) -> HttpAnswer:
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        address = self._prefix + path
        answer = self._retries.ask(
            lambda: self._transport.send(method, address, headers=headers, body=body),
            may_repeat=method == "GET",
        )
        if isinstance(answer, GivenUp):
            raise UnreachableError(
                f"{self._name} could not be asked: {self._last(answer.last)}",
                not_done=_NOTHING,
                hint=f"Apply again later. If {URL} names another address than it should: set it.",
                reason="ticket_unreachable",
            )
        return answer

    def _last(self, last: HttpAnswer | NoAnswerError) -> str:
        return last.reason if isinstance(last, NoAnswerError) else self._said(last)

    def _check(self, answer: HttpAnswer) -> None:
        if answer.status in (401, 403):
            self._refused(answer)
        if not 200 <= answer.status < 300:
            raise UnreachableError(
                f"{self._name} refused this: {self._said(answer)}",
                not_done=_NOTHING,
                hint=f"See what {URL} names.",
                reason="ticket_answer",
            )

    def _refused(self, answer: HttpAnswer) -> NoReturn:
        who = f"{TOKEN}, or {USERNAME} and {PASSWORD}"
        if answer.status == 403:
            raise AuthError(
                f"{self._name} doesn't permit this: {self._said(answer)}",
                where=URL,
                not_done=_NOTHING,
                hint="Give the account the right to it, or take another one.",
                reason="ticket_permission",
            )
        raise AuthError(
            f"{self._name} refused the account: {self._said(answer)}",
            where=URL,
            not_done=_NOTHING,
            hint=f"Check {who}, and that the account may read these tickets.",
            reason="ticket_account",
        )

    def _said(self, answer: HttpAnswer) -> str:
        """Return the status, and what is said where a message stands; never a page of HTML."""
        data = jsontext.read(answer.content)
        for place in self._places:
            found = data
            for step in place:
                try:
                    found = found[step]
                except (KeyError, IndexError, TypeError):
                    found = None
            if isinstance(found, str) and found.strip():
                return f"{answer.status}, {self._redact(found)}"
        return f"status {answer.status}"


def held_in(notes: Iterable[str], texts: Collection[str]) -> frozenset[str]:
    """Return those of some texts that notes hold; no more notes are read than it takes."""
    missing = set(texts)
    for note in notes:
        missing = {text for text in missing if text not in note}
        if not missing:
            break
    return frozenset(texts) - missing


def _is_limited(answer: HttpAnswer) -> bool:
    """Refused by a rate limit, which did nothing (docs/tickets.md 1.5, 2.5)."""
    return answer.status == 429


def _pause(_attempt: int, answer: HttpAnswer | None) -> float:
    asked = None if answer is None else number(answer.headers.get("retry-after", ""))
    return 1.0 if asked is None else float(asked)
