"""Single looks at a platform. Implements `ports.tenant.Tenant`: no call of it starts anything."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from qflow_gitops.http.allotment import Allotment
from qflow_gitops.http.evidence import is_rate_limited
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.ports.tenant import CALLS, Look, Shown, Told
from qflow_gitops.qualys import claims
from qflow_gitops.qualys.credentials import Secret
from qflow_gitops.qualys.portal import Portal, versions
from qflow_gitops.qualys.token import TokenSource
from qflow_gitops.qualys.waits import Waits

CONNECT_TIMEOUT, READ_TIMEOUT, DEADLINE = 5.0, 10.0, 15.0
"""Seconds: somebody waits for what is found, and a look that takes longer is one that failed."""

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes; a page of workflows holds their definitions."""


class TenantLooks:
    """One gateway, and its API server, as one user."""

    def __init__(
        self,
        host: str,
        transport: Transport,
        tokens: Callable[[], TokenSource],
        given: tuple[str, ...],
        redact: Redactor,
        allotment: Allotment,
        portal: Portal | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the edges; `tokens` raises AuthError or UsageProblem without credentials."""
        self.host = host
        self.given = given
        self._transport = transport
        self._tokens = tokens
        self._redact = redact
        self._allotment = allotment
        self._portal = portal
        self._waits = Waits(lambda: 0.5, now)
        self._monotonic = monotonic
        self._token: Secret | None = None
        self._source: TokenSource | None = None

    @property
    def has_portal(self) -> bool:
        """Whether there is what the API server takes."""
        return self._portal is not None

    @property
    def made(self) -> int:
        """How many calls were made."""
        return self._allotment.made

    @property
    def left(self) -> int | None:
        """How many more may be made, None for any number."""
        return self._allotment.left

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        if self._portal is not None:
            self._portal.close()

    def token(self) -> Told:
        """Get a token, once: what it says of its end is for a person to judge, not for us."""
        return claims.read(self._bearer().reveal(), self.given)

    def _bearer(self) -> Secret:
        if self._token is None:
            self._source = self._tokens()
            self._token = self._source.get()
        return self._token

    def advice(self) -> str:
        """Say what to do where Qualys doesn't take the token."""
        return self._source.advice() if self._source else ""

    def look(self, what: Look, *, named: bool = True) -> Shown:
        """Look at one thing, once: no answer is tried again, and no token replaced."""
        begun = self._monotonic()
        try:
            answer = self._ask(what, named=named)
        except NoAnswerError as problem:
            took = self._monotonic() - begun
            return Shown(0, said=problem.reason, step=problem.step, seconds=took)
        shown = self._shown(answer)._replace(seconds=self._monotonic() - begun)
        is_version = what.call == "version" and shown.is_good
        return shown._replace(data=versions(answer)) if is_version else shown

    def _ask(self, what: Look, *, named: bool) -> HttpAnswer:
        if what.call == "version":
            if self._portal is None:
                raise ValueError("nothing is known that the API server takes")
            return self._portal.ask()
        headers = {"Accept": "application/json"}
        if named:
            headers["Authorization"] = f"Bearer {self._bearer().reveal()}"
        path = CALLS[what.call]
        for part in what.about:
            before, _, rest = path.partition("{")
            path = before + quote(part, safe="") + rest.partition("}")[2]
        query = f"?{urlencode(what.query)}" if what.query else ""
        return self._transport.send("GET", path + query, headers=headers)

    def _shown(self, answer: HttpAnswer) -> Shown:
        data = answer.data()
        refused = not 200 <= answer.status < 300
        ahead = None if "age" in answer.headers else self._waits.until(_date(answer))
        return Shown(
            answer.status,
            _form(answer.content, data),
            data,
            answer.headers,
            self._redact(message_of(answer.content)) if refused else "",
            ahead=ahead,
            limited=is_rate_limited(answer),
        )


def _date(answer: HttpAnswer) -> str:
    return answer.headers.get("date", "")


def _form(content: bytes, data: object) -> str:
    begin = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:500].lower()
    if data is not None or begin.strip() == b"null":
        return "json"
    if not begin:
        return "empty"
    if b"<html" in begin or begin.startswith(b"<!doctype html"):
        return "html"
    return "xml" if begin.startswith(b"<") else "text"
