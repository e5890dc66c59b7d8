"""Comments that stay on a pull request, one for each project and environment.

Found by its marker and its author, never by the marker alone. Two processes at once leave one
comment: each looks again after it has written one, keeps the oldest and removes its own others.
"""

from collections.abc import Callable

from qflow_gitops.errors import UnreachableError
from qflow_gitops.ports.pull_requests import Author, Comment, Conversations
from qflow_gitops.results.reviews import CommentKey

_TRIES = 3


class Sticky:
    """The comments of one author on one pull request, one for each project and environment."""

    def __init__(
        self,
        conversations: Conversations,
        author: Author,
        marked: Callable[[str], CommentKey | None],
        number: int,
    ) -> None:
        """Take the pull request's number and as whom its comments are written."""
        self._conversations = conversations
        self._author = author
        self._marked = marked
        self._number = number
        self._seen: list[Comment] | None = None

    def keys(self) -> set[CommentKey]:
        """Say what this author has comments about."""
        found = (self._marked(one.body) for one in self._all() if one.author == self._author)
        return {key for key in found if key}

    def own(self, key: CommentKey) -> list[Comment]:
        """Return this author's comments about a project's environment, oldest first."""
        return [
            comment
            for comment in self._all()
            if comment.author == self._author and self._marked(comment.body) == key
        ]

    def _all(self) -> list[Comment]:
        if self._seen is None:
            self._seen = list(self._conversations.comments(self._number))
        return self._seen

    def put(self, key: CommentKey, text: str) -> tuple[str, Comment, int]:
        """See to it that one comment says this: what was done, the comment, others removed.

        Raises UnreachableError where others keep removing it.
        """
        what = "unchanged"
        for _ in range(_TRIES):
            if not self.own(key):
                what = self._create(text)
            kept = self._kept(key, text)
            if kept is not None:
                changed, sticky = kept
                removed = self._remove(self.own(key)[1:])
                return (what if what == "created" else changed), sticky, removed
            self._seen = None
        raise UnreachableError(
            "The comment is removed again and again while it is written.",
            where=f"pull request {self._number}",
            not_done="It isn't up to date.",
            hint="Run the command again.",
            reason="comment_contended",
        )

    def _create(self, text: str) -> str:
        """Write a comment and look again: the answer says for certain who this author is."""
        made = self._conversations.create(self._number, text)
        self._author = made.author
        found = list(self._conversations.comments(self._number))
        # A list that doesn't have it yet is only late.
        known = {comment.id for comment in found}
        self._seen = found if made.id in known else [*found, made]
        return "created"

    def _kept(self, key: CommentKey, text: str) -> tuple[str, Comment] | None:
        """Return the oldest of ours, edited if need be; None where there is none any more."""
        own = self.own(key)
        if not own:
            return None
        if _same(own[0].body, text):
            return "unchanged", own[0]
        edited = self._conversations.edit(own[0].id, text)
        return ("edited", edited) if edited else None

    def _remove(self, others: list[Comment]) -> int:
        for comment in others:
            self._conversations.delete(comment.id)
        gone = {comment.id for comment in others}
        self._seen = [comment for comment in self._seen or () if comment.id not in gone]
        return len(others)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for line ends and the space around them."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
