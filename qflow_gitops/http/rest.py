"""Authenticated calls to the REST API of a code host: JSON, pages, retries, and what a no means.

What one host does otherwise than another is its `Server`.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.evidence import number
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.retries import ATTEMPTS, GivenUp, Retries
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport

LONGEST = 60.0  # seconds that one wait takes at most
BUDGET = ATTEMPTS * LONGEST
PAGES = 300  # a list of more of them is taken for one that doesn't end
_NEXT = re.compile(r"""rel\s{0,5}=\s{0,5}["']?[^"',;]{0,100}\bnext\b""", re.IGNORECASE)
_MOVED = (301, 302, 307, 308)
_LAST_SECOND = 253_402_300_799  # of the year 9999
_NOTHING = "Nothing was concluded from it."


class Server(NamedTuple):
    """A kind of host: what it is called, and how it says "too many".

    `word` begins the reasons of its problems. `token`, `address` and `repository` are the
    variables that name them; `also` is what to check besides the token where something isn't
    permitted, `what` where it is refused. `reset` is the header that tells when a limit is over,
    in seconds since 1970.
    """

    name: str
    word: str
    token: str
    address: str
    repository: str
    also: str
    what: str
    reset: str
    is_limited: Callable[[HttpAnswer], bool]
    pause: Callable[[int, HttpAnswer | None], float]

    def odd_answer(self) -> UnreachableError:
        """What is raised where an answer has another shape than the documentation says."""
        return UnreachableError(
            f"{self.name}'s answer isn't what its documentation says.",
            not_done=_NOTHING,
            hint=f"See what {self.address} names: another kind of server may answer there.",
            reason=f"{self.word}_answer",
        )


class RestClient:
    """Calls the API of one repository with one token."""

    def __init__(
        self,
        transport: Transport,
        server: Server,
        headers: Mapping[str, str],
        token: str,
        below: tuple[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Take the API's address, what each request says, the token that is never shown.

        `below` is a path before all others, and that of the repository.
        """
        self._transport = transport
        self._server = server
        self._headers = headers
        self._prefix, self._repository = below
        self._retries = Retries(server.is_limited, server.pause, sleep, BUDGET, LONGEST, attempts)
        self._redact = Redactor()
        self._redact.learn([token])

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """Read JSON below the repository's address; None where it isn't there (404).

        A path that begins with `/` is one of the API itself. Raises AuthError (401, 403) and
        UnreachableError, after retries.
        """
        answer = self._read(path, query)
        return None if answer is None else self._data(answer)

    def page(
        self, path: str, query: Mapping[str, str | int] | None = None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Read one page of a list, and whether more is out of sight, as its Link header says.

        A list that isn't there (404) isn't an empty one: a token may only not see it. Raises
        what `get` raises, and UnreachableError for what is no list of objects.
        """
        answer = self._read(path, query)
        if answer is None:
            return [], True
        items = self._data(answer)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._server.odd_answer()
        return items, bool(_NEXT.search(answer.headers.get("link", "")))

    def pages(
        self, path: str, query: Mapping[str, str | int] | None = None, *, size: int = 100
    ) -> Iterator[dict[str, Any]]:
        """Return the items of a list, page by page.

        Raises what `page` raises, and UnreachableError where not all of them can be seen.
        """
        for at in range(1, PAGES + 1):
            items, more = self.page(path, {**(query or {}), "per_page": size, "page": at})
            yield from items
            if not more and len(items) < size:
                return
            if more and not items:
                break
        raise self._server.odd_answer()

    def _read(self, path: str, query: Mapping[str, str | int] | None) -> HttpAnswer | None:
        answer = self._asked("GET", path, query)
        return None if answer.status == 404 else answer

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Change something. Gives None where what it changes isn't there any more.

        What comes to the same when it is done twice (PATCH, DELETE) is tried as often as a read;
        a POST again only after a rate limit, which did nothing. Raises AuthError and
        UnreachableError.
        """
        answer = self._asked(method, path, None, body)
        if answer.status in (404, 410) and method != "POST":
            return None
        return self._data(answer)

    def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        """Ask until it is answered otherwise than by "busy". Raises UnreachableError."""
        answer = self._retries.ask(
            lambda: self._send(method, path, query, body), may_repeat=method != "POST"
        )
        if isinstance(answer, HttpAnswer):
            return answer
        name, reason = self._server.name, f"{self._server.word}_unreachable"
        if method == "GET" or answer.undone:
            raise UnreachableError(
                f"{name} could not be asked{self._why(answer)}.",
                not_done=_NOTHING if method == "GET" else "It was not done.",
                hint="Run the command again later.",
                reason=reason,
            )
        raise UnreachableError(
            f"{name} gave no clear answer{self._why(answer)}.",
            not_done="It may have been done or not.",
            hint="Run the command again: it looks at what is there first.",
            reason=reason,
        )

    def _why(self, given_up: GivenUp) -> str:
        """Say how often it was tried, what came last, and when a limit is over."""
        last, often = given_up.last, given_up.tries
        tries = f", tried {often} times" if often > 1 else ""
        if isinstance(last, NoAnswerError):
            return f"{tries}: {last.reason}"
        seconds = _second(last.headers.get(self._server.reset, ""))
        limited = seconds and self._server.is_limited(last)
        until = f", until {stamp(datetime.fromtimestamp(seconds, UTC))}" if limited else ""
        return f"{tries}: {self._what(last)}{until}"

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        below = path if path.startswith("/") else f"{self._repository}/{path}"
        address = (self._prefix + below).rstrip("/")
        if query:
            address += f"?{urlencode(query)}"
        headers = dict(self._headers)
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        return self._transport.send(method, address, headers=headers, body=content)

    def _data(self, answer: HttpAnswer) -> Any:
        name, word = self._server.name, self._server.word
        if answer.status == 401:
            raise AuthError(
                f"{name} doesn't know the token ({self._what(answer)}).",
                where=self._server.token,
                not_done=_NOTHING,
                hint=f"It may be over, or for another server: check {self._server.token}, "
                f"{self._server.address}.",
                reason=f"{word}_token",
            )
        if answer.status == 403:
            raise AuthError(
                f"{name} doesn't permit this ({self._what(answer)}).",
                not_done=_NOTHING,
                hint=f"Check the token{self._server.also}.",
                reason=f"{word}_permission",
            )
        if answer.status in _MOVED:
            raise UnreachableError(
                f"{name} says that it is elsewhere now ({self._what(answer)}).",
                not_done=_NOTHING,
                hint=f"If it was renamed, set {self._server.repository} to its new name.",
                reason=f"{word}_moved",
            )
        if not 200 <= answer.status < 300:
            raise UnreachableError(
                f"{name} refused this ({self._what(answer)}).",
                not_done=_NOTHING,
                hint=f"Check that {self._server.what} are right.",
                reason=f"{word}_refused",
            )
        data = answer.data()
        if data is None and answer.content.strip():
            raise self._server.odd_answer()
        return data

    def _what(self, answer: HttpAnswer) -> str:
        said = self._redact(message_of(answer.content))
        return f"{answer.status}: {said}" if said else f"status {answer.status}"


def pause(attempt: int, answer: HttpAnswer | None) -> float:
    """Return the seconds until the next try: as many as are asked for, else twice as many each."""
    asked = None if answer is None else number(answer.headers.get("retry-after", ""))
    return float(2**attempt if asked is None else asked)


def _second(text: str) -> int:
    """Read a moment in seconds since 1970; 0 for anything else."""
    plain = text.isascii() and text.isdecimal() and len(text) < 13
    return int(text) if plain and int(text) <= _LAST_SECOND else 0
