"""Connect to GitLab's API: address, project and token from the environment.

Facts: docs.gitlab.com, "Predefined CI/CD variables reference", "CI/CD job token": that token
reaches none of the endpoints that are read here.
"""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from qflow_gitops.errors import UsageProblem
from qflow_gitops.gitlab.client import Client
from qflow_gitops.http.quick import transport

_API = "https://gitlab.com/api/v4"


def connect(environ: Mapping[str, str], project: str) -> Client:
    """Build the client for a project with GITLAB_TOKEN. Sends nothing yet.

    Raises UsageProblem for an address that can't be used.
    """
    address = api(environ)
    token = environ.get("GITLAB_TOKEN", "").strip()
    return Client(transport(address, environ), token, address.path.rstrip("/"), project, attempts=1)


def server(environ: Mapping[str, str]) -> str:
    """Return the address of the pages for people."""
    if told := environ.get("CI_SERVER_URL", ""):
        return told.rstrip("/")
    address = api(environ)
    return f"{address.scheme}://{address.netloc}{address.path.partition('/api/')[0]}"


def api(environ: Mapping[str, str]) -> SplitResult:
    """Return the API's address: CI_API_V4_URL, else that of the server, else gitlab.com's."""
    host = environ.get("CI_SERVER_URL", "").rstrip("/")
    told = environ.get("CI_API_V4_URL", "") or (f"{host}/api/v4" if host else _API)
    address = urlsplit(told)
    loopback = address.hostname in ("127.0.0.1", "localhost", "::1")
    if not address.hostname or not (address.scheme == "https" or loopback) or "@" in address.netloc:
        raise UsageProblem(
            "CI_API_V4_URL is no https address.",
            where="CI_API_V4_URL",
            not_done="Nothing was asked of GitLab.",
            hint="Leave it out for gitlab.com.",
            reason="gitlab_address",
        )
    return address
