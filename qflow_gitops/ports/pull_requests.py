"""What is needed of a host of pull requests, and what people say there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class PullRequest(NamedTuple):
    """A pull request: the commit at its head, and where it goes.

    `base_commit` is its target branch as GitHub last saw it. `merge_commit` is what its merge
    (of any kind) put last on that branch, "" as long as there was none. `branch` of `repository`
    is where it comes from, `opened_at` is RFC 3339.
    """

    number: int
    head: str
    base: str
    base_commit: str
    merged: bool = False
    merge_commit: str = ""
    author: str = ""
    branch: str = ""
    repository: str = ""
    opened_at: str = ""


class Update(NamedTuple):
    """A merge of the target branch into a pull request that adds nothing of its own.

    `before` is the commit that it came on top of.
    """

    commit: str
    before: str


class Reviewed(NamedTuple):
    """Who approved a pull request, without those who had a hand in it, and at which commit.

    `why` says why nothing counts ("" where it does); `signed` whether the host verified a
    signature of every commit. `uncounted` says of each other review why it is no approval.
    `reviews` are the approvals' ids at the host, `merged_by` who merged it; what the host doesn't
    tell is left out, or "".
    """

    approvers: Mapping[str, str]
    why: str = ""
    signed: bool = False
    uncounted: tuple[str, ...] = ()
    reviews: Mapping[str, int] = {}
    merged_by: str = ""


class PullRequests(Protocol):
    """What a host knows about pull requests. Raises AuthError and UnreachableError."""

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request; UsageProblem where there is none."""

    def default_branch(self) -> str:
        """Name the branch that pull requests go to."""

    def merged_with(self, commit: str) -> Sequence[PullRequest]:
        """Return the merged pull requests that brought a commit."""

    def review(self, request: PullRequest, updates: Sequence[Update]) -> Reviewed:
        """Say who approved its newest commit, or the one that only `updates` came after.

        Who made these had no hand in it by that.
        """


class Author(NamedTuple):
    """Who wrote a comment: the login, a bot's without `[bot]`, and whether it is a bot."""

    login: str
    bot: bool


class Comment(NamedTuple):
    """A comment on a pull request. A lower `id` is older; `url` is for people."""

    id: int
    author: Author
    body: str
    url: str = ""


class Conversations(Protocol):
    """Pull requests and what is said there.

    Raises AuthError and UnreachableError; what has a number, UsageProblem where there is no
    such pull request.
    """

    def author(self) -> Author | None:
        """Say as whom this token writes, None where the API doesn't tell."""

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request."""

    def comments(self, number: int) -> Sequence[Comment]:
        """Return all comments of a pull request, oldest first."""

    def create(self, number: int, body: str) -> Comment:
        """Write a comment."""

    def edit(self, comment_id: int, body: str) -> Comment | None:
        """Change a comment's text; None where it isn't there any more."""

    def delete(self, comment_id: int) -> None:
        """Remove a comment, if it is still there."""
