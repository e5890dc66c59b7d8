"""Sends a body to one address, once, and says what the answer means.

Facts [documented]: 2xx is success and a redirect is none, 410 asks to send nothing more, 429 and
503 may say in Retry-After when to come again (Standard Webhooks 1.0.0, "Delivery success and
failure"; CloudEvents, http-webhook.md 2.2; RFC 9110 10.2.3).
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from qflow_gitops.http.evidence import number
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.ports.notices import Undelivered

DEADLINE = 20.0
"""Seconds for one request; 15 to 30 are recommended (Standard Webhooks, "Request timeouts")."""
MAX_ANSWER = 64 * 1024
_MAY_PASS = frozenset({408, 409, 425, 429})
_OF_THE_BODY = frozenset({400, 413, 422})
_FAILED_INSIDE = re.compile(r"returned HTTP error (\d{3})")
_LONGEST = 86_400.0  # seconds; nobody who works waits for as long, nor can every clock
_SAID = 120  # characters of what an answer says


class Post:
    """One address of one receiver, which nothing shows."""

    def __init__(
        self,
        transport: Transport,
        path: str,
        redact: Redactor,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the host's transport, the path with its query, and what knows all secrets of it."""
        self._transport = transport
        self._path = path
        self._redact = redact
        self._now = now

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Send it; Undelivered for every answer but success."""
        try:
            answer = self._transport.send("POST", self._path, headers=headers, body=body)
        except NoAnswerError as problem:
            raise Undelivered(problem.reason) from None
        status = _status(answer)
        if 200 <= status < 300:
            return
        permanent = status < 500 and status not in _MAY_PASS
        raise Undelivered(
            self._why(status, answer),
            retry_after=self._wait(answer),
            permanent=permanent,
            odd=status in _OF_THE_BODY,
        )

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _why(self, status: int, answer: HttpAnswer) -> str:
        if 300 <= status < 400:
            return f"it answered {status}: it is elsewhere now, which isn't followed"
        said = self._redact(message_of(answer.content))[:_SAID]
        name = said or _phrase(status)
        return f"it answered {status}" + (f": {name}" if name else "")

    def _wait(self, answer: HttpAnswer) -> float:
        """Return the seconds that Retry-After asks for, as a number or as a date; else 0."""
        value = answer.headers.get("retry-after", "")
        if (seconds := number(value)) is not None:
            return float(seconds)
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return 0.0
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        left = (at - datetime.fromtimestamp(self._now(), UTC)).total_seconds()
        return min(max(0.0, left), _LONGEST)


def _status(answer: HttpAnswer) -> int:
    """Return what became of it: a connector of Teams answers 200 and says in the text that not."""
    if answer.status == HTTPStatus.OK:
        text = answer.content[:2000].decode("utf-8", "replace")
        if inside := _FAILED_INSIDE.search(text):
            return int(inside[1])
    return answer.status


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return ""
