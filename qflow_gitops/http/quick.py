"""Reaches an API for who only wants to know what holds: once, and without waiting for long."""

from collections.abc import Mapping
from urllib.parse import SplitResult

from qflow_gitops.http.route import from_environment
from qflow_gitops.http.transport import Transport

CONNECT, ANSWER = 2.5, 8.0
"""Seconds in which an address has to be reached, and has to answer."""


def transport(address: SplitResult, environ: Mapping[str, str]) -> Transport:
    """Build it for the host of an address."""
    import qflow_gitops

    return Transport(
        f"{address.scheme}://{address.netloc}",
        route=from_environment(environ),
        user_agent=f"qflow-gitops/{qflow_gitops.__version__}",
        max_answer=8 * 1024 * 1024,
        connect_timeout=CONNECT,
        deadline=ANSWER,
    )
