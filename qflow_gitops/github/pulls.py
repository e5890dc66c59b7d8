"""Pull requests (docs.github.com, "REST API endpoints for pulls"). Who approved: `approvers`."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from qflow_gitops.errors import UsageProblem
from qflow_gitops.github import approvers
from qflow_gitops.github.client import Client, odd_answer
from qflow_gitops.ports.pull_requests import PullRequest, Reviewed, Update


class GitHubPulls:
    """Implements `ports.pull_requests.PullRequests`."""

    def __init__(self, client: Client) -> None:
        """Take the client of the repository."""
        self._client = client

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request; UsageProblem where there is none."""
        found = self._client.get(f"pulls/{number}")
        if found is None:
            raise UsageProblem(
                f"There is no pull request {number} in {self._client.repository}.",
                not_done="Nothing was posted, and nothing was sent for it.",
                hint="Check the number (an issue's is none), and that the token may read pull "
                "requests.",
                reason="pull_request_unknown",
            )
        return _pull_request(found)

    def default_branch(self) -> str:
        """Name the branch that pull requests go to."""
        found = self._client.get("")
        if not isinstance(found, dict) or not found.get("default_branch"):
            raise odd_answer()
        return str(found["default_branch"])

    def merged_with(self, commit: str) -> Sequence[PullRequest]:
        """Return the merged pull requests that brought a commit."""
        found = (
            _pull_request(page) for page in self._client.pages(f"commits/{quote(commit)}/pulls")
        )
        return [request for request in found if request.merged]

    def review(self, request: PullRequest, updates: Sequence[Update]) -> Reviewed:
        """Say who approved it, without those who had a hand in it."""
        return approvers.review(self._client, request, updates)


def _pull_request(raw: Any) -> PullRequest:
    """Read a pull request, whole or as lists show it: there only `merged_at` says that it was."""
    try:
        merged = bool(raw.get("merged_at")) or raw.get("merged") is True
        return PullRequest(
            number=int(raw["number"]),
            head=str(raw["head"]["sha"]),
            base=str(raw["base"]["ref"]),
            base_commit=str(raw["base"]["sha"]),
            merged=merged,
            merge_commit=str(raw.get("merge_commit_sha") or "") if merged else "",
            author=str((raw.get("user") or {}).get("login", "")),
            branch=str(raw["head"].get("ref") or ""),
            repository=str((raw["head"].get("repo") or {}).get("full_name", "")),
            opened_at=str(raw.get("created_at") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise odd_answer() from None
