"""Reaches an API for who only wants to know what holds: once, and without waiting for long."""

import socket
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult

from qflow_gitops.http.route import from_environment
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport

CONNECT, ANSWER = 2.5, 8.0
"""Seconds in which a name has to be resolved and an address be reached, and in which it answers."""


class QuickTransport(Transport):
    """Doesn't wait for the resolver of names, whose own time-outs are many times as long."""

    host = ""

    @cached_property
    def _is_known(self) -> bool:
        return not self.host or within(CONNECT, lambda: socket.getaddrinfo(self.host, None))

    def send(self, method: str, path: str, **more: Any) -> HttpAnswer:
        """Send one request as `Transport` does, where the host's name is resolved in time."""
        if not self._is_known:
            raise NoAnswerError("the host's name can't be resolved in time", sent=False)
        return super().send(method, path, **more)


def within(seconds: float, act: Callable[[], object]) -> bool:
    """Whether something is over in time, however it ends; what isn't goes on, and nobody waits."""
    thread = threading.Thread(target=_quietly, args=(act,), daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except OSError:
        return  # the request will say so


def transport(address: SplitResult, environ: Mapping[str, str]) -> Transport:
    """Build it for the host of an address."""
    import qflow_gitops

    route = from_environment(environ)
    made = QuickTransport(
        f"{address.scheme}://{address.netloc}",
        route=route,
        user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
        max_answer=8 * 1024 * 1024,
        connect_timeout=CONNECT,
        deadline=ANSWER,
    )
    made.host = "" if route.proxy else address.hostname or ""
    return made
