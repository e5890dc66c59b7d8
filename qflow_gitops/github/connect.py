"""Connect to GitHub's API: address, repository and token from the environment.

Facts: docs.github.com, "REST API", version 2022-11-28. HTTP itself is `http.transport`'s.
"""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from qflow_gitops.errors import AuthError, UsageProblem
from qflow_gitops.github.client import Client

_NOTHING = "Nothing was asked of GitHub."


def connect(environ: Mapping[str, str], repository: str = "", *, quick: bool = False) -> Client:
    """Build the client for a repository, "" for the one that GITHUB_REPOSITORY names.

    GITHUB_API_URL and GITHUB_REPOSITORY are what a runner sets; the token is GITHUB_TOKEN or
    GH_TOKEN. `quick` asks once and doesn't wait for long. Sends nothing yet. Raises UsageProblem or
    AuthError for what can't be used.
    """
    address = _api(environ)
    repository = repository or environ.get("GITHUB_REPOSITORY", "")
    if repository.count("/") != 1 or not repository.replace("/", "").strip(". "):
        raise UsageProblem(
            "Cannot tell which repository on GitHub to use.",
            where="GITHUB_REPOSITORY",
            not_done=_NOTHING,
            hint="Set GITHUB_REPOSITORY to OWNER/NAME; GitHub Actions does.",
            reason="github_repository",
        )
    token = environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")
    if not token.strip():
        raise AuthError(
            "There is no token for GitHub.",
            where="GITHUB_TOKEN",
            not_done=_NOTHING,
            hint="In a workflow: env: {GITHUB_TOKEN: '${{ github.token }}'}",
            reason="github_token",
        )
    return _built(environ, address, token.strip(), repository, quick=quick)


def _built(
    environ: Mapping[str, str], address: SplitResult, token: str, repository: str, *, quick: bool
) -> Client:
    import qflow_gitops
    from qflow_gitops.http.quick import transport
    from qflow_gitops.http.route import from_environment as route_of
    from qflow_gitops.http.transport import Transport

    prefix = address.path.rstrip("/")
    if quick:
        return Client(transport(address, environ), token, prefix, repository, attempts=1)
    agent = f"qflow-gitops/{qflow_gitops.__version__}"
    base, route = f"{address.scheme}://{address.netloc}", route_of(environ)
    whole = Transport(base, route=route, user_agent=agent, max_answer=8 * 1024 * 1024)
    return Client(whole, token, prefix, repository)


def server(environ: Mapping[str, str]) -> str:
    """Return the address of the pages for people, beside that of the API.

    `https://HOST/api/v3` is GitHub Enterprise Server's (docs, "Getting started with the REST API").
    """
    if told := environ.get("GITHUB_SERVER_URL", ""):
        return told.rstrip("/")
    address = _api(environ)
    return f"{address.scheme}://{address.netloc.removeprefix('api.')}"


def _api(environ: Mapping[str, str]) -> SplitResult:
    address = urlsplit(environ.get("GITHUB_API_URL", "") or "https://api.github.com")
    loopback = address.hostname in ("127.0.0.1", "localhost", "::1")
    if not address.hostname or not (address.scheme == "https" or loopback) or "@" in address.netloc:
        raise UsageProblem(
            "GITHUB_API_URL is no https address.",
            where="GITHUB_API_URL",
            not_done=_NOTHING,
            hint="Leave it out for github.com.",
            reason="github_address",
        )
    return address
