"""Authenticated calls to the GitHub API: what it does otherwise than other hosts."""

import time
from collections.abc import Callable
from urllib.parse import quote

from qflow_gitops.errors import UnreachableError
from qflow_gitops.http import rest
from qflow_gitops.http.evidence import number
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.rest import LONGEST, RestClient, Server
from qflow_gitops.http.retries import ATTEMPTS
from qflow_gitops.http.transport import HttpAnswer, Transport

_SECONDARY = "secondary rate limit"  # in the message of a 403 that may have no such header


class Client(RestClient):
    """Calls the API of one repository with one token."""

    def __init__(
        self,
        transport: Transport,
        token: str,
        prefix: str,
        repository: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Take the API's address, a path before all others, and `OWNER/NAME`."""
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        below = prefix, f"/repos/{quote(repository)}"
        super().__init__(transport, GITHUB, headers, token, below, sleep=sleep, attempts=attempts)
        self.repository = repository


def odd_answer() -> UnreachableError:
    """What is raised where an answer has another shape than the documentation says."""
    return GITHUB.odd_answer()


def _pause(attempt: int, answer: HttpAnswer | None) -> float:
    """Return the seconds until the next try, a minute where only the message tells of a limit.

    That is what the documentation asks for where no time is given.
    """
    asked = None if answer is None else number(answer.headers.get("retry-after", ""))
    if answer is not None and asked is None and _is_secondary(answer):
        return LONGEST
    return rest.pause(attempt, answer)


def _is_secondary(answer: HttpAnswer) -> bool:
    return _SECONDARY in message_of(answer.content).lower()


def _is_limited(answer: HttpAnswer) -> bool:
    """Refused by a rate limit, primary or secondary (docs, "Rate limits for the REST API")."""
    return answer.status == 429 or (
        answer.status == 403
        and (
            "retry-after" in answer.headers
            or answer.headers.get("x-ratelimit-remaining") == "0"
            or _is_secondary(answer)
        )
    )


GITHUB = Server(
    name="GitHub",
    word="github",
    token="GITHUB_TOKEN",  # noqa: S106  a variable's name
    address="GITHUB_API_URL",
    repository="GITHUB_REPOSITORY",
    also=", and the job's `permissions`",
    what="the repository and the pull request's number",
    reset="x-ratelimit-reset",
    is_limited=_is_limited,
    pause=_pause,
)
"""How GitHub speaks (docs, "Best practices for using the REST API", "Using pagination")."""
