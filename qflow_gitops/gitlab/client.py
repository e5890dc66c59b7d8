"""Authenticated calls to the GitLab API: what it does otherwise than other hosts."""

from urllib.parse import quote

from qflow_gitops.http import rest
from qflow_gitops.http.rest import RestClient, Server
from qflow_gitops.http.retries import ATTEMPTS
from qflow_gitops.http.transport import HttpAnswer, Transport


class Client(RestClient):
    """Calls the API of one project with one token."""

    def __init__(
        self,
        transport: Transport,
        token: str,
        prefix: str,
        project: str,
        *,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Take the API's address, a path before all others, and the project's path or number.

        (docs, "REST API authentication", "Namespaced paths")
        """
        below = prefix, f"/projects/{quote(project, safe='')}"
        headers = {"Accept": "application/json", "PRIVATE-TOKEN": token}
        super().__init__(transport, GITLAB, headers, token, below, attempts=attempts)
        self.project = project


def _is_limited(answer: HttpAnswer) -> bool:
    return answer.status == 429


GITLAB = Server(
    name="GitLab",
    word="gitlab",
    token="GITLAB_TOKEN",  # noqa: S106  a variable's name
    address="CI_API_V4_URL",
    repository="CI_PROJECT_PATH",
    also=" and its scopes",
    what="the project and the address",
    reset="ratelimit-reset",
    is_limited=_is_limited,
    pause=rest.pause,
)
"""How GitLab speaks (docs, "Rate limits", "Response headers"; "REST API", "Pagination")."""
