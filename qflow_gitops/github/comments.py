"""Comments on pull requests, and who writes them (docs.github.com, REST API 2022-11-28).

GET /repos/{repo}/pulls/{number} and /issues/{number}/comments, POST there, PATCH and DELETE
/repos/{repo}/issues/comments/{id}. GET /user tells whose a token is, but not for the token of
an installation, of which GITHUB_TOKEN in a workflow is one: that gets 403.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from qflow_gitops.errors import AuthError
from qflow_gitops.github.client import Client, odd_answer
from qflow_gitops.github.pulls import GitHubPulls
from qflow_gitops.ports.pull_requests import Author, Comment, PullRequest

_NOTHING = "Nothing was posted."


class GitHubConversations:
    """Implements `ports.pull_requests.Conversations` for one repository."""

    def __init__(self, client: Client) -> None:
        """Take the client of the repository."""
        self._client = client

    def author(self) -> Author | None:
        """Say as whom this token writes, None for the token of an installation."""
        try:
            data = self._client.get("/user")
        except AuthError as problem:
            if problem.reason != "github_permission":
                raise
            return None
        return _author(data) if isinstance(data, dict) and data.get("login") else None

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request; UsageProblem where there is none."""
        return GitHubPulls(self._client).pull_request(number)

    def comments(self, number: int) -> Sequence[Comment]:
        """Return all comments of a pull request, oldest first."""
        found = [_comment(page) for page in self._client.pages(f"issues/{number}/comments")]
        return sorted(found, key=lambda comment: comment.id)

    def create(self, number: int, body: str) -> Comment:
        """Write a comment. AuthError says what a token lacks, which is common."""
        with _explained(number):
            return _comment(self._client.send("POST", f"issues/{number}/comments", {"body": body}))

    def edit(self, comment_id: int, body: str) -> Comment | None:
        """Change a comment's text; None where it isn't there any more."""
        with _explained():
            path = f"issues/comments/{comment_id}"
            data = self._client.send("PATCH", path, {"body": body})
            return _comment(data) if data is not None else None

    def delete(self, comment_id: int) -> None:
        """Remove a comment, if it is still there."""
        with _explained():
            self._client.send("DELETE", f"issues/comments/{comment_id}")


@contextmanager
def _explained(number: int = 0) -> Iterator[None]:
    try:
        yield
    except AuthError as problem:
        if problem.reason != "github_permission":
            raise
        where = f"pull request {number}" if number else ""
        raise AuthError(
            f"This token may not comment. {problem.message}",
            where=where,
            not_done=_NOTHING,
            hint="Give the job `permissions: {pull-requests: write}`. For a pull request from a "
            "fork the token can only read: comment from a `workflow_run` job, or read the plan "
            "in the job summary.",
            reason="github_read_only",
        ) from None


def _author(data: Any) -> Author:
    login = str(data.get("login", ""))
    return Author(login.removesuffix("[bot]"), data.get("type") == "Bot")


def _comment(data: Any) -> Comment:
    try:
        user = data["user"] or {"login": "ghost", "type": "User"}  # whose account is gone
        return Comment(
            int(data["id"]), _author(user), str(data["body"] or ""), str(data.get("html_url") or "")
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise odd_answer() from None
