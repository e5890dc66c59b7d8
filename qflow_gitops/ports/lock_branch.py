"""What is needed of a branch of a remote as the place where the lockfile lives."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol


class TreeEntry(NamedTuple):
    """A file of a commit: its path, git's mode ("100644" for a plain file), its blob's id."""

    path: str
    mode: str
    blob: str


class FileChange(NamedTuple):
    """A file that a commit changed: the ids of its blobs, and its new mode.

    An id is "" where the file isn't there, or is no file (a submodule). The mode is "000000" where
    it isn't there any more.
    """

    path: str
    mode: str
    old: str
    new: str


class Step(NamedTuple):
    """A commit, its parents, what it changed against the first of them, and when (RFC 3339)."""

    commit: str
    parents: tuple[str, ...]
    changes: tuple[FileChange, ...]
    at: str = ""


class Known(NamedTuple):
    """The newest commit that a clone has seen, and when (RFC 3339); "" for none.

    `checked` is the one that `remember` kept: what came since may have been fetched by somebody
    else, who looked at nothing.
    """

    commit: str = ""
    at: str = ""
    checked: str = ""


class LockBranch(Protocol):
    """A branch of a remote repository, in a clone. Every commit id is 40 or 64 hex characters.

    Raises LockError for what git refuses or can't reach.
    """

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""

    @property
    def remote(self) -> str:
        """What this clone calls the remote."""

    @property
    def address(self) -> str:
        """Where it is pushed to (`base.addresses.same_form`). Raises LockError for no remote."""

    def push_command(self, commit: str, *, force: bool = False) -> str:
        """Return what a person types to put a commit on the remote's branch."""

    def fetch(self) -> str:
        """Bring the remote's newest commit into the clone; "" where the branch isn't there.

        And the commit before it, at least.
        """

    def complete(self, tip: str) -> bool:
        """Bring all commits that a commit descends from; whether any was missing."""

    def known(self) -> Known:
        """Return what this clone has seen of the branch."""

    def remember(self, commit: str) -> None:
        """Keep a commit as the newest one seen, and checked."""

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""

    def parents(self, commit: str) -> Sequence[str]:
        """Return a commit's parents."""

    def entries(self, commit: str) -> Sequence[TreeEntry]:
        """Return every file of a commit, in the order of the paths."""

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Read many blobs at once; their contents, in this order."""

    def steps(self, base: str, tip: str, only: str = "") -> Sequence[Step]:
        """Return the commits that `tip` descends from and `base` ("": none) doesn't.

        Oldest first; with `only` what changed that one path, and nothing else of it.
        """

    def commit(self, parent: str, files: Mapping[str, bytes], message: str) -> str:
        """Make a commit on top of `parent` ("": the first one) with these files in it.

        What else the parent holds stays.
        """

    def try_push(self, commit: str) -> None:
        """Raise LockError where a push would be refused, as far as that shows before one.

        Nothing changes, here or there.
        """

    def push(self, commit: str, parent: str) -> bool:
        """Push a commit if the remote's branch still is `parent`; False where it isn't.

        True only after the remote was read back and holds the commit.
        """

    def signer(self, commit: str, signers: str) -> str:
        """Return who of the allowed signers' file made a commit's SSH signature, "" for nobody."""
