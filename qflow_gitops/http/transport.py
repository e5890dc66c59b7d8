"""HTTP: the one place that knows requests.

Nothing is sent anywhere but to the host that it was made for. Each request has time-outs and a
total deadline that also holds when an answer drips in byte by byte; redirects are never followed,
the environment (proxies, .netrc) is never asked but for what `route` says, and answers that are too
long (1 MiB, unless asked otherwise) are none.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from qflow_gitops.http import jsontext
from qflow_gitops.http.adapter import CURRENT, Adapter, RequestWatch
from qflow_gitops.http.allotment import Allotment
from qflow_gitops.http.deadlines import Deadlines
from qflow_gitops.http.route import CA_FILE, PROXY, Route

MAX_ANSWER = 1024 * 1024
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
DEADLINE = 60.0
"""Seconds; for a request as a whole, whatever the server does."""


_LENGTH = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_whole(self) -> bool:
        """Whether it said where it ends, and ended there.

        One that ends with its connection may have been cut, in its headers as well.
        """
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return True
        return _LENGTH.fullmatch(self.headers.get("content-length", "")) is not None

    def data(self) -> Any:
        """Return the JSON value, None where it isn't JSON."""
        return jsontext.read(self.content)


class NoAnswerError(Exception):
    """There was no whole answer. `sent` is False where it is proven that no byte left us.

    `too_long`: it holds more than is read, as it would the next time. `step` is how far it came,
    a word of `STEPS`.
    """

    def __init__(
        self, reason: str, *, sent: bool, too_long: bool = False, step: str = "answer"
    ) -> None:
        """Take a few words on what went wrong."""
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.too_long = too_long
        self.step = step


class _TooLongError(Exception):
    """An answer holds more than is read."""


class Transport:
    """Sends requests to one gateway. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        *,
        route: Route = Route(),  # noqa: B008  a value, which nothing changes
        user_agent: str = "qflow-gitops",
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        deadline: float = DEADLINE,
        max_answer: int = MAX_ANSWER,
        allotment: Allotment | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the gateway's address, `https://host` or the sandbox's `http://host:port`.

        `allotment` counts what is sent, and ends it.
        """
        self._base = base_url
        self._route = route
        self._timeouts = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._deadlines = Deadlines(deadline)
        self._max_answer = max_answer
        self._allotment = allotment
        self._monotonic = monotonic
        self._agent = user_agent
        self._idle: deque[Adapter] = deque()
        self._closed: deque[Adapter] = deque()  # whose next connection is a new one

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        fresh: bool = False,
        may_send: Callable[[], bool] = lambda: True,
        most: int = 0,
    ) -> HttpAnswer:
        """Send one request, once, and read its whole answer, of at most `most` bytes if not 0.

        With `fresh` the connection is a new one, so that an old one's end can't be taken
        for this request's. `may_send` is asked when the connection stands, right before the
        first byte. Raises NoAnswerError, which says whether a byte was sent, and CallsSpent
        where no more may be.
        """
        if self._allotment is not None:
            self._allotment.take()
        watch = RequestWatch(may_send)
        CURRENT.watch = watch
        idle = self._closed if fresh else self._idle
        adapter = self._taken(idle)
        whole = False
        try:
            with self._deadlines.over(watch):
                answer = self._exchange(adapter, method, path, headers, body, most)
            if watch.late:  # what was cut in its headers looks like an empty answer
                raise requests.exceptions.ReadTimeout("the total deadline is over")
            whole = True
        except _TooLongError:
            reason = "the answer is too long"
            raise NoAnswerError(reason, sent=True, too_long=True) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            step, reason = _describe(problem, cut=watch.late and watch.sent)
            raise NoAnswerError(reason, sent=watch.sent, step=step) from None
        except ValueError as problem:  # a header or an address that can't be sent
            raise NoAnswerError(type(problem).__name__, sent=watch.sent) from None
        finally:
            CURRENT.watch = None
            if fresh or not whole:
                adapter.close()
            idle.append(adapter)
        return answer

    def _taken(self, idle: deque[Adapter]) -> Adapter:
        """One that no other thread uses now; making one costs as much as a request."""
        try:
            return idle.pop()
        except IndexError:
            return Adapter(self._base, self._route)

    def close(self) -> None:
        """Close the connections that wait for the next request."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(
        self,
        adapter: Adapter,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        most: int,
    ) -> HttpAnswer:
        # No session: it would ask the environment, keep cookies, and read a redirect's body.
        prepared = requests.PreparedRequest()
        prepared.prepare_method(method)
        prepared.url, prepared.body = self._base + path, body
        prepared.prepare_headers(
            {"User-Agent": self._agent, "Accept-Encoding": "identity", **headers}
        )
        if body is not None:
            prepared.headers["Content-Length"] = str(len(body))
        begun = self._monotonic()
        with adapter.send(prepared, stream=True, timeout=self._timeouts) as answer:
            content = self._content(answer, begun, most or self._max_answer)
            if answer.status_code < 200:  # another protocol, which nobody asked for
                raise requests.exceptions.ChunkedEncodingError("the answer is none of HTTP")
            names = {name.lower(): value for name, value in answer.headers.items()}
            return HttpAnswer(answer.status_code, names, content)

    def _content(self, answer: requests.Response, begun: float, most: int) -> bytes:
        content = b""
        for piece in answer.raw.stream(65536, decode_content=True):
            content += piece
            if len(content) > most:
                raise _TooLongError
        if self._monotonic() - begun > self._deadline:
            raise requests.exceptions.ReadTimeout("the total deadline is over")
        expected = answer.headers.get("Content-Length", "")
        arrived = answer.raw.tell() or len(content)  # on the wire: it may be compressed
        if _LENGTH.fullmatch(expected) and arrived != int(expected):
            raise requests.exceptions.ChunkedEncodingError("the answer was cut")
        return content


_UNTRUSTED = (
    "its certificate isn't one that is trusted here; if your network looks into TLS, or the "
    f"server's authority is your own, {CA_FILE} names a file with that authority's certificate"
)
NAME, CONNECTION, VIA, TLS, ANSWER = STEPS = ("name", "connection", "proxy", "tls", "answer")
"""How far a request comes: its host's name, the connection, through a proxy, TLS, the answer."""

_WORDS = (
    ("TooLateError", ANSWER, "the time to send it was over, so it was not sent"),
    ("NoTunnelError", VIA, f"the proxy of {PROXY} doesn't lead there"),
    ("ProxyError", VIA, f"the proxy of {PROXY} can't be reached"),
    ("SSLCertVerificationError", TLS, _UNTRUSTED),
    ("NameResolutionError", NAME, "the host's name can't be resolved"),
    ("NewConnectionError", CONNECTION, "the connection was refused"),
    ("ConnectTimeoutError", CONNECTION, "the connection took too long"),
    ("ReadTimeout", ANSWER, "no answer in time"),
    ("SSLError", TLS, "the TLS handshake failed"),
    ("RemoteDisconnected", ANSWER, "the connection was closed without an answer"),
    ("ConnectionResetError", ANSWER, "the connection was reset"),
    ("IncompleteRead", ANSWER, "the answer was cut"),
)


def _describe(problem: BaseException, *, cut: bool) -> tuple[str, str]:
    """Say at which step, and name a fault in a few words.

    Never the exception's own text, which may hold headers. What was `cut` here, at its deadline,
    looks like a fault of the other side.
    """
    if cut:
        return ANSWER, "no answer in time"
    names: list[str] = []
    seen: Any = problem
    while isinstance(seen, BaseException) and len(names) < 8:
        names.append(type(seen).__name__)
        inner = (getattr(seen, "reason", None), *seen.args)
        seen = next(
            (inner_problem for inner_problem in inner if isinstance(inner_problem, BaseException)),
            None,
        )
    for name, step, words in _WORDS:
        if any(name in known for known in names):
            return step, words
    return ANSWER, f"no answer ({names[-1]})"
