"""A host of pull requests: who opened, wrote, pushed, approved, merged, commented."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.ports.pull_requests import Author, Comment, PullRequest, Reviewed, Update

REPOSITORY = "octo/runs"
ACTIONS = Author("github-actions", bot=True)
OPENED_AT = "2026-11-01T00:00:00Z"


@dataclass
class Opened:
    """A pull request as the host knows it.

    `hands` maps its commits to who wrote them, "" where the host knows no such user; `approvals`
    say who approved which commit, the last word of each. `told` is False where the host doesn't
    tell who pushed its commits.
    """

    request: PullRequest
    hands: dict[str, str] = field(default_factory=dict)
    approvals: dict[str, str] = field(default_factory=dict)
    signed: bool = True
    told: bool = True
    reviews: dict[str, int] = field(default_factory=dict)
    merged_by: str = ""


@dataclass
class FakeGitHub:
    """Implements `ports.pull_requests.PullRequests` and `Conversations`, for one repository.

    `me` is as whom comments are written; `user` what the API says of that, None where it says
    nothing. `problem` is what each call raises. `before_create` is done right before a comment is
    written, `before_edit` before one is changed: what other processes do.
    """

    me: Author = ACTIONS
    user: Author | None = None
    opened: dict[int, Opened] = field(default_factory=dict)
    said: dict[int, list[Comment]] = field(default_factory=dict)
    rights: dict[str, bool] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    problem: QflowError | None = None
    before_create: Callable[[], None] = lambda: None
    before_edit: Callable[[], None] = lambda: None
    _ids: Iterator[int] = field(default_factory=lambda: count(1_001))
    _reviews: Iterator[int] = field(default_factory=lambda: count(80))

    # --- what people do --------------------------------------------------------------

    def open(self, number: int, head: str, base_commit: str, *, author: str = "ada") -> None:
        """Open a pull request to main."""
        request = PullRequest(
            number, head, "main", base_commit, author=author, branch=f"pull-{number}",
            repository=REPOSITORY, opened_at=OPENED_AT,
        )  # fmt: skip
        self.opened[number] = Opened(request, {head: author})

    def push(self, number: int, head: str, by: str = "ada") -> None:
        """Push a commit to a pull request; who does has a hand in it."""
        self.change(number, head=head)
        self.opened[number].hands[head] = by

    def approve(self, number: int, by: str, commit: str = "", *, may_write: bool = True) -> None:
        """Approve a commit of a pull request, by default the newest one."""
        found = self.opened[number]
        found.approvals[by] = commit or found.request.head
        found.reviews[by] = next(self._reviews)
        self.rights[by] = may_write

    def withdraw(self, number: int, by: str) -> None:
        """Ask for changes after all."""
        self.opened[number].approvals.pop(by, None)

    def merge(self, number: int, commit: str, by: str = "ada") -> None:
        """Merge a pull request; the merge put `commit` last on the target branch."""
        self.change(number, merged=True, merge_commit=commit)
        self.opened[number].merged_by = by

    def change(self, number: int, **changes: object) -> None:
        """Change what the host says of a pull request."""
        found = self.opened[number]
        found.request = found.request._replace(**changes)  # type: ignore[arg-type]  # any field

    def say(self, number: int, body: str, author: Author) -> Comment:
        """Write a comment as somebody else."""
        made = Comment(next(self._ids), author, body, f"https://github.example/pull/{number}")
        self.said.setdefault(number, []).append(made)
        return made

    def bodies(self, number: int) -> list[str]:
        """Return the texts of a pull request's comments."""
        return [comment.body for comment in self.said.get(number, [])]

    # --- ports.pull_requests.PullRequests --------------------------------------------

    def _called(self, name: str) -> None:
        self.asked.append(name)
        if self.problem is not None:
            raise self.problem

    def pull_request(self, number: int) -> PullRequest:
        self._called("pull_request")
        if number not in self.opened:
            said = f"There is no pull request {number}."
            raise UsageProblem(said, reason="pull_request_unknown")
        return self.opened[number].request

    def default_branch(self) -> str:
        self._called("default_branch")
        return "main"

    def merged_with(self, commit: str) -> Sequence[PullRequest]:
        self._called("merged_with")
        merged = (found.request for found in self.opened.values() if found.request.merged)
        return [request for request in merged if request.merge_commit == commit]

    def review(self, request: PullRequest, updates: Sequence[Update]) -> Reviewed:
        self._called("review")
        found = self.opened[request.number]
        made = {update.commit for update in updates}
        hands = {by.lower() for commit, by in found.hands.items() if commit not in made}
        why = ""
        if not found.told or "" in hands:
            why = "GitHub doesn't tell who pushed its commits"
        counted = {request.head, *(update.before for update in updates)}
        valid = {by: at for by, at in found.approvals.items() if self.rights.get(by)}
        approved = {by: at for by, at in valid.items() if at in counted}
        own = {*hands, request.author.lower()}
        approvers = {by: at for by, at in sorted(approved.items()) if by.lower() not in own}
        if not why and approved and not approvers:
            why = f"only {', '.join(sorted(approved))} approved it, who had a hand in it"
        elif not why and valid and not approved:
            by, at = min(valid.items())
            why = f"{by} approved commit {at[:10]}, not its newest one, {request.head[:10]}"
        uncounted = [
            f"{by} approved it, who may not write here"
            if by not in valid
            else f"{by} approved it, who had a hand in it"
            if by in approved
            else f"{by} approved commit {at[:10]}, not its newest one, {request.head[:10]}"
            for by, at in found.approvals.items()
            if by not in approvers
        ]
        ids = {by: found.reviews[by] for by in approvers}
        return Reviewed(
            {} if why else approvers, why, found.signed, tuple(uncounted), ids, found.merged_by
        )

    # --- ports.pull_requests.Conversations -------------------------------------------

    def author(self) -> Author | None:
        self._called("author")
        return self.user

    def comments(self, number: int) -> Sequence[Comment]:
        self._called("comments")
        return sorted(self.said.get(number, []))

    def create(self, number: int, body: str) -> Comment:
        self._called("create")
        self.pull_request(number)
        self.before_create()
        return self.say(number, body, self.me)

    def edit(self, comment_id: int, body: str) -> Comment | None:
        self._called("edit")
        self.before_edit()
        for comments in self.said.values():
            for place, comment in enumerate(comments):
                if comment.id == comment_id:
                    comments[place] = comment._replace(body=body)
                    return comments[place]
        return None

    def delete(self, comment_id: int) -> None:
        self._called("delete")
        for comments in self.said.values():
            comments[:] = [comment for comment in comments if comment.id != comment_id]
