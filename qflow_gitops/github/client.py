"""Authenticated calls to the GitHub API: JSON, pages, and retries."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.evidence import number
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.retries import ATTEMPTS, Retries
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport

LONGEST = 60.0  # seconds that one wait takes at most
BUDGET = ATTEMPTS * LONGEST
PAGES = 300  # a list of more of them is taken for one that doesn't end
_NEXT = re.compile(r"""rel\s{0,5}=\s{0,5}["']?[^"',;]{0,100}\bnext\b""", re.IGNORECASE)
_SECONDARY = "secondary rate limit"  # in the message of a 403 that may have no such header
_NOTHING = "Nothing was concluded from it."


class Client:
    """Calls the API of one repository with one token."""

    def __init__(
        self,
        transport: Transport,
        token: str,
        prefix: str,
        repository: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the API's address, a path before all others, and `OWNER/NAME`."""
        self._transport = transport
        self._headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._prefix = prefix
        self.repository = repository
        self._retries = Retries(_is_limited, _pause, sleep, BUDGET, LONGEST)
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
        """Read one page of a list, and whether more is out of sight (docs, "Using pagination").

        A list that isn't there (404) isn't an empty one: a token may only not see it. Raises
        what `get` raises, and UnreachableError for what is no list of objects.
        """
        answer = self._read(path, query)
        if answer is None:
            return [], True
        items = self._data(answer)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise odd_answer()
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
        raise odd_answer()

    def _read(self, path: str, query: Mapping[str, str | int] | None) -> HttpAnswer | None:
        answer = self._asked("GET", path, query)
        return None if answer.status == 404 else answer

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Change something. Gives None where what it changes isn't there any more.

        What comes to the same when it is done twice (PATCH, DELETE) is tried as often as a read;
        a POST again only after a rate limit, which did nothing (docs, "Best practices for using
        the REST API"). Raises AuthError and UnreachableError.
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
        last = answer.last
        said = last.reason if isinstance(last, NoAnswerError) else self._what(last)
        if method == "GET" or answer.undone:
            raise UnreachableError(
                f"GitHub could not be asked{_times(answer.tries)}: {said}.",
                not_done=_NOTHING if method == "GET" else "It was not done.",
                hint="Run the command again later.",
                reason="github_unreachable",
            )
        raise UnreachableError(
            f"GitHub gave no clear answer{_times(answer.tries)}: {said}.",
            not_done="It may have been done or not.",
            hint="Run the command again: it looks at what is there first.",
            reason="github_unreachable",
        )

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        below = path if path.startswith("/") else f"/repos/{quote(self.repository)}/{path}"
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
        if answer.status == 401:
            raise AuthError(
                f"GitHub doesn't know the token ({self._what(answer)}).",
                where="GITHUB_TOKEN",
                not_done=_NOTHING,
                hint="It may be over, or for another server: check GITHUB_TOKEN, GITHUB_API_URL.",
                reason="github_token",
            )
        if answer.status == 403:
            raise AuthError(
                f"GitHub doesn't permit this ({self._what(answer)}).",
                not_done=_NOTHING,
                hint="Check the token, and the job's `permissions`.",
                reason="github_permission",
            )
        if not 200 <= answer.status < 300:
            raise UnreachableError(
                f"GitHub refused this ({self._what(answer)}).",
                not_done=_NOTHING,
                hint="Check the repository and the pull request's number.",
                reason="github_refused",
            )
        data = answer.data()
        if data is None and answer.content.strip():
            raise odd_answer()
        return data

    def _what(self, answer: HttpAnswer) -> str:
        said = self._redact(message_of(answer.content))
        return f"{answer.status}: {said}" if said else f"status {answer.status}"


def odd_answer() -> UnreachableError:
    """What is raised where an answer has another shape than the documentation says."""
    return UnreachableError(
        "GitHub's answer isn't what its documentation says.",
        not_done=_NOTHING,
        hint="Check GITHUB_API_URL: another kind of server may answer there.",
        reason="github_answer",
    )


def _times(attempts: int) -> str:
    return f", tried {attempts} times" if attempts > 1 else ""


def _pause(attempt: int, answer: HttpAnswer | None) -> float:
    """Return the seconds until the next try: as many as are asked for, else twice as many each."""
    if answer is not None:
        asked = number(answer.headers.get("retry-after", ""))
        if asked is not None:
            return float(asked)
        if _SECONDARY in message_of(answer.content).lower():
            return LONGEST  # what the documentation asks for where no time is given
    return float(2**attempt)


def _is_limited(answer: HttpAnswer) -> bool:
    """Refused by a rate limit, primary or secondary (docs, "Rate limits for the REST API")."""
    return answer.status == 429 or (
        answer.status == 403
        and (
            "retry-after" in answer.headers
            or answer.headers.get("x-ratelimit-remaining") == "0"
            or _SECONDARY in message_of(answer.content).lower()
        )
    )
