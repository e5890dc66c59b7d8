"""One connection that tells when its first byte goes out, and can be ended from outside.

What `requests` and urllib3 are made to do beside what they do.
"""

import http.client
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

from qflow_gitops.http.route import Route


@dataclass(slots=True, eq=False)
class RequestWatch:
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


CURRENT = threading.local()


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
            raise NoTunnelError from problem
        finally:
            self._asks_proxy = False

    def send(self, data: Any) -> None:
        watch = getattr(CURRENT, "watch", None)
        if self.sock is None:
            self.connect()
        if self._asks_proxy:  # not yet a byte of the request
            super().send(data)  # type: ignore[misc]
            return
        if watch is not None and not watch.sent:
            watch.sockets.append(self.sock)  # also a kept one, which isn't connected any more
            if not watch.may_send() or watch.late:  # the asking may take long as well
                raise TooLateError
            watch.sent = True
        super().send(data)  # type: ignore[misc]


class TooLateError(OSError):
    """The time to send was over before the first byte was."""


class NoTunnelError(OSError):
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


class Adapter(HTTPAdapter):
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
        """Return the connections to the one host."""
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
        """Close its connection."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
