"""HTTP: the one place that knows requests. Nothing is sent anywhere but to the gateway.

Each request has time-outs and a total deadline that also holds when an answer drips in
byte by byte; redirects are never followed, the environment (proxies, .netrc) is never
asked but for what `route` says, and answers that are too long (1 MiB, unless asked otherwise)
are none.
"""

import http.client
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

from qflow_gitops.http import jsontext
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
        """Give the JSON value, None where it isn't JSON."""
        return jsontext.read(self.content)


class NoAnswerError(Exception):
    """There was no whole answer. `sent` is False where it is proven that no byte left us."""

    def __init__(self, said: str, *, sent: bool) -> None:
        """Take a few words on what went wrong."""
        super().__init__(said)
        self.said = said
        self.sent = sent


@dataclass(slots=True, eq=False)
class _Watch:
    """What one request does, seen from its connection."""

    may_send: Callable[[], bool] = lambda: True
    sent: bool = False
    late: bool = False
    sockets: list[Any] = field(default_factory=list)

    def cut(self) -> None:
        """End it: it is late."""
        self.late = True
        for sock in self.sockets:
            with suppress(OSError):
                sock.shutdown(2)


_current = threading.local()


class _Response(http.client.HTTPResponse):
    """Passes over informational answers (102, 103, …), of which http.client knows only 100.

    Taken for the answer, they would also leave the real one to the connection's next request.
    """

    def begin(self) -> None:
        super().begin()
        while self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _Watched:
    """Mixed into urllib3's connections: notes the socket, and the first byte of a request."""

    response_class: Any = _Response
    sock: Any
    connect: Callable[[], None]
    _asks_proxy = False

    def _tunnel(self) -> None:
        self._asks_proxy = True
        try:
            super()._tunnel()  # type: ignore[misc]
        except OSError as problem:
            raise _NoTunnelError from problem
        finally:
            self._asks_proxy = False

    def send(self, data: Any) -> None:
        watch = getattr(_current, "watch", None)
        if self.sock is None:
            self.connect()
        if self._asks_proxy:  # not yet a byte of the request
            super().send(data)  # type: ignore[misc]
            return
        if watch is not None and not watch.sent:
            watch.sockets.append(self.sock)  # also a kept one, which isn't connected any more
            if watch.late or not watch.may_send():
                raise _TooLateError
            watch.sent = True
        super().send(data)  # type: ignore[misc]


class _TooLateError(OSError):
    """The time to send was over before the first byte was."""


class _NoTunnelError(OSError):
    """The proxy was reached, and doesn't lead to the host."""


class _Http(_Watched, HTTPConnection):
    pass


class _Https(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


@cache
def _trusted(ca_file: str) -> ssl.SSLContext:
    """Read the authorities that requests brings, once: that takes longer than many requests.

    And those of a file, "" for none.
    """
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


class _Adapter(HTTPAdapter):
    """One connection to one gateway, and to nothing else whatever a request's address says.

    For one request at a time: requests doesn't promise more. After `close` the next request
    has a new connection.
    """

    def __init__(self, base_url: str, route: Route) -> None:
        self._base = parse_url(base_url)
        self._route = route
        self._pool: HTTPConnectionPool | None = None
        super().__init__(max_retries=0)

    def init_poolmanager(self, *_args: Any, **_options: Any) -> None:
        """There are no other hosts."""

    def get_connection_with_tls_context(self, *_args: Any, **_options: Any) -> HTTPConnectionPool:
        if self._pool is None:
            self._pool = self._new_pool()
        return self._pool

    def _new_pool(self) -> HTTPConnectionPool:
        host, port = self._base.host or "", self._base.port
        if self._base.scheme == "http":
            return _HttpPool(host, port, maxsize=1)
        return _HttpsPool(
            host,
            port,
            maxsize=1,
            cert_reqs="CERT_REQUIRED",
            ssl_context=_trusted(self._route.ca_file),
            _proxy=parse_url(self._route.proxy) if self._route.proxy else None,
        )

    def cert_verify(self, *_args: Any) -> None:
        """Nothing to set for each request: the pool's context asks for a certificate."""

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class _Deadlines:
    """Cuts each request that isn't over `seconds` after it began, however slowly it still drips.

    One thread for all of them, which only looks at the oldest: one that begins while it sleeps
    ends after it wakes.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: dict[_Watch, float] = {}  # oldest first, with their ends
        self._awake = False

    @contextmanager
    def over(self, watch: _Watch) -> Iterator[None]:
        with self._lock:
            self._open[watch] = time.monotonic() + self._seconds
            if not self._awake:
                threading.Thread(target=self._look, daemon=True).start()
                self._awake = True
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(watch, None)

    def _look(self) -> None:
        """Cut what is late, until a whole deadline passes without a request."""
        pause = self._seconds
        while pause > 0:
            time.sleep(pause)
            with self._lock:
                pause = self._cut_late()
                self._awake = pause > 0

    def _cut_late(self) -> float:
        """Give the seconds until the next one is late, 0 where there is none."""
        now = time.monotonic()
        for watch, end in list(self._open.items()):
            if end > now:
                return end - now
            del self._open[watch]
            watch.cut()
        return 0.0


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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the gateway's address, `https://host` or the sandbox's `http://host:port`."""
        self._base = base_url
        self._route = route
        self._timeouts = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._deadlines = _Deadlines(deadline)
        self._max_answer = max_answer
        self._monotonic = monotonic
        self._agent = user_agent
        self._idle: deque[_Adapter] = deque()
        self._closed: deque[_Adapter] = deque()  # whose next connection is a new one

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        fresh: bool = False,
        may_send: Callable[[], bool] = lambda: True,
    ) -> HttpAnswer:
        """Send one request, once, and read its whole answer.

        With `fresh` the connection is a new one, so that an old one's end can't be taken
        for this request's. `may_send` is asked when the connection stands, right before the
        first byte. Raises NoAnswerError, which says whether a byte was sent.
        """
        watch = _Watch(may_send)
        _current.watch = watch
        idle = self._closed if fresh else self._idle
        adapter = self._taken(idle)
        whole = False
        try:
            with self._deadlines.over(watch):
                answer = self._exchange(adapter, method, path, headers, body)
            if watch.late:  # what was cut in its headers looks like an empty answer
                raise requests.exceptions.ReadTimeout("the total deadline is over")
            whole = True
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            raise NoAnswerError(_said(problem), sent=watch.sent) from None
        except ValueError as problem:  # a header or an address that can't be sent
            raise NoAnswerError(type(problem).__name__, sent=watch.sent) from None
        finally:
            _current.watch = None
            if fresh or not whole:
                adapter.close()
            idle.append(adapter)
        return answer

    def _taken(self, idle: deque[_Adapter]) -> _Adapter:
        """One that no other thread uses now; making one costs as much as a request."""
        try:
            return idle.pop()
        except IndexError:
            return _Adapter(self._base, self._route)

    def close(self) -> None:
        """Close the connections that wait for the next request."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(
        self,
        adapter: _Adapter,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
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
            content = self._content(answer, begun)
            if answer.status_code < 200:  # another protocol, which nobody asked for
                raise requests.exceptions.ChunkedEncodingError("the answer is none of HTTP")
            names = {name.lower(): value for name, value in answer.headers.items()}
            return HttpAnswer(answer.status_code, names, content)

    def _content(self, answer: requests.Response, begun: float) -> bytes:
        content = b""
        for piece in answer.raw.stream(65536, decode_content=True):
            content += piece
            if len(content) > self._max_answer:
                raise requests.exceptions.ContentDecodingError("the answer is too long")
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
_WORDS = (
    ("_TooLateError", "the time to send it was over, so it was not sent"),
    ("_NoTunnelError", f"the proxy of {PROXY} doesn't lead there"),
    ("ProxyError", f"the proxy of {PROXY} can't be reached"),
    ("SSLCertVerificationError", _UNTRUSTED),
    ("NameResolutionError", "the host's name can't be resolved"),
    ("NewConnectionError", "the connection was refused"),
    ("ConnectTimeoutError", "the connection took too long"),
    ("ReadTimeout", "no answer in time"),
    ("SSLError", "the TLS handshake failed"),
    ("RemoteDisconnected", "the connection was closed without an answer"),
    ("ConnectionResetError", "the connection was reset"),
    ("IncompleteRead", "the answer was cut"),
)


def _said(problem: BaseException) -> str:
    """Name a fault in a few words; never the exception's own text, which may hold headers."""
    names: list[str] = []
    seen: Any = problem
    while isinstance(seen, BaseException) and len(names) < 8:
        names.append(type(seen).__name__)
        inner = (getattr(seen, "reason", None), *seen.args)
        seen = next((one for one in inner if isinstance(one, BaseException)), None)
    for name, words in _WORDS:
        if any(name in one for one in names):
            return words
    return f"no answer ({names[-1]})"
