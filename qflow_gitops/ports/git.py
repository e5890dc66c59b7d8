"""What is needed of git: a commit's tree, the work tree, branches; and what is kept of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from qflow_gitops.base.paths import TreeFile


class ChangeKind(StrEnum):
    """What a diff says of one path; a rename is a removal and an addition."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"


class PathChange(NamedTuple):
    """One path that differs between two commits."""

    path: bytes
    kind: ChangeKind


class CommitSeen(NamedTuple):
    """A commit as people know it: who wrote it, when (RFC 3339, UTC), its message's first line.

    "" for what it doesn't say. `message` is all of it, but for what comes after 10,000 bytes.
    """

    author: str
    at: str
    subject: str
    message: str = ""


class WorkTree(Protocol):
    """What is on disk under some folders and isn't ignored by git."""

    @property
    def identity(self) -> str:
        """What is the same only as long as no file here, tracked or not, has changed."""

    @property
    def listed(self) -> Sequence[bytes]:
        """All paths, sorted."""

    @property
    def state(self) -> tuple[Sequence[str], bytes]:
        """What `changed_since` compares with later. Take it before anything is read."""

    def prepare(self) -> None:
        """Begin on what `changed_since` needs, while the caller does something else."""

    def changed_since(self, state: tuple[Sequence[str], bytes]) -> frozenset[bytes]:
        """Name the paths that aren't there any more, are new, or may hold something else.

        Raises ValueError for what is no `state`.
        """

    def tracked(self, also: Iterable[str] = ()) -> "WorkTree":
        """Return the same without what git doesn't know, but for these files."""

    def restricted_to(self, paths: Iterable[bytes]) -> "WorkTree":
        """Return the same, as if it held no more than these paths, and git knew none of them."""

    def blob(self, path: bytes) -> str:
        """Return the id of the blob that a file was when git last looked, "" where that is over."""

    def size(self, path: bytes) -> int:
        """Return a plain file's size in bytes, -1 for anything else."""

    def read(self, path: bytes) -> bytes | None:
        """Read a plain file, if it is too big only a part of it; None where nothing is there.

        Raises Unreadable, with its `mode`, for anything else that is there.
        """

    def identify(self, content: bytes) -> str:
        """Return the id that a blob with this content has in this repository."""

    def files(self) -> Mapping[bytes, bytes]:
        """Path and content of every plain file that may be read; others: `irregular_files`."""

    def irregular_files(self) -> Sequence[tuple[bytes, str]]:
        """Path and git mode (`120000`, `160000`, …) of what is on disk and no plain file.

        The mode is `unreadable` for a plain file that this user may not read.
        """


class History(Protocol):
    """What a clone knows of commits, and how they stand to one another."""

    def resolve(self, revision: str) -> str:
        """Return the full commit id of `revision`; UsageProblem where there is none."""

    def has_commit(self, commit: str) -> bool:
        """Whether the commit object is in this clone (it may be shallow)."""

    def seen(self, commit: str) -> CommitSeen | None:
        """Say what people know a commit by; None where it isn't in this clone."""

    def all_seen(self, ids: Iterable[str]) -> Mapping[str, CommitSeen]:
        """Say what people know commits by, of many at once; those that aren't here are left out."""

    @property
    def is_partial(self) -> bool:
        """Whether something was left out of this clone, by `--filter`."""

    def is_shallow(self) -> bool:
        """Whether history is cut off in this clone."""

    def unshallow(self, remote: str) -> None:
        """Fetch the history that a shallow clone lacks, as far as the remote gives it."""

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or descends from it, as far as this clone can tell."""

    def first_parents(
        self, base: str, head: str, most: int, folders: Sequence[str] = ()
    ) -> Sequence[str]:
        """Return the commits on the first-parent line of `head` that `base` ("": none) lacks.

        Newest first, at most so many; with `folders` those that change something there.
        """

    def committed_at(self, commit: str) -> str:
        """Say when a commit was made, by its committer's clock (RFC 3339); "" for unknown."""

    def merge_base(self, commit: str, other: str) -> str | None:
        """Return the newest common ancestor, None where this clone knows none."""

    def clean_merge(self, commit: str) -> tuple[str, str] | None:
        """Return both parents of a merge whose content is exactly what git makes of them.

        None for any other commit, and where that can't be proved.
        """

    def ensure_commit(self, commit: str, remote: str, ref: str) -> bool:
        """Whether the commit is in this clone, if need be after a fetch of the remote's `ref`."""


class GitTree(Protocol):
    """What commits and the work tree hold. Every path is bytes, relative to `root`, with `/`."""

    @property
    def root(self) -> Path:
        """The work tree's top folder."""

    @property
    def prefix(self) -> str:
        """The folder at hand, from the root; "" for the root itself."""

    @property
    def common_dir(self) -> Path:
        """The git directory that all work trees of the repository share."""

    def at(self, prefix: str) -> Self:
        """Return the same repository, as if another folder were at hand."""

    def files(self, commit: str, folders: Sequence[str]) -> Mapping[bytes, TreeFile]:
        """Everything that the commit holds under the folders or at these paths."""

    def listing(self, commit: str, folder: str) -> Mapping[bytes, TreeFile]:
        """What a folder ("": the root) of a commit holds itself; nothing where there is none.

        Of the work tree where `commit` is "", without blobs and whether git knows it or not.
        Paths are from the root; a folder has the mode `040000`.
        """

    def named(self, commit: str, name: str, *, untracked: bool = False) -> Sequence[str]:
        """Return the paths of everything that a commit holds under this name, in any folder.

        Of the work tree, where `commit` is "", what git knows; `untracked` also what it doesn't,
        which takes a look at all of it.
        """

    @property
    def index_identity(self) -> str:
        """What is the same only as long as git knows the same files of the work tree.

        "" where that can't be told.
        """

    def contents(self, entries: Iterable[TreeFile]) -> Mapping[str, bytes]:
        """Return the contents of files that a commit holds, by their blobs.

        Raises Unreadable where this clone can't give one: a commit that names it holds it.
        """

    def blobs_at_hand(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of blobs that something else than a commit names.

        One that this clone lacks or can't read is left out: for what is only explained by it.
        """

    def succession(
        self, commits: Sequence[str], folders: Sequence[str]
    ) -> Iterator[tuple[str, Mapping[bytes, TreeFile | None]]]:
        """Return what of the folders each of some commits has otherwise than the one before it.

        Of the first all of it; None for a path that isn't there any more. All are in this clone.
        """

    def blobs_of(self, places: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Return the blobs that paths have at commits; "" where a commit that is here has none.

        Paths are as in `TreeFile`, in ASCII and without a line break; others, and those of commits
        that this clone lacks, in whole or in part, are left out.
        """

    def changes(self, base: str, head: str, folders: Sequence[str]) -> Sequence[PathChange]:
        """Return the paths under the folders that differ, sorted; never a rename."""

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Return the paths under the folders whose work tree differs from HEAD, for display."""

    def worktree(self, folders: Sequence[str]) -> WorkTree:
        """Look at what is on disk under the folders and isn't ignored by git."""


class Repository(History, GitTree, Protocol):
    """What is read of a git repository: its commits, and what they hold."""


class RemoteBranches(NamedTuple):
    """What a remote says of its branches now: `tips` maps their names to their commits.

    `head` is the one that its HEAD names, "" where that names none. `answered` is False where
    it couldn't be asked; then nothing else is known.
    """

    answered: bool
    head: str = ""
    tips: Mapping[str, str] = {}


class Branches(Protocol):
    """Which branches of a clone, and of its remotes, hold a commit. Changes none of them."""

    def remote(self, preferred: str) -> str:
        """Name the remote to ask, "" for none.

        The preferred one, else the one that the current branch tracks, else the only one.
        """

    def current(self) -> str:
        """Name the branch that is checked out, "" for none."""

    def tracked(self) -> tuple[str, str]:
        """Return remote ("" for this clone) and name of the branch that the current one tracks.

        Both are "" where it tracks none.
        """

    def head_of(self, remote: str) -> str:
        """Name the branch that a remote's HEAD names, "" where this clone doesn't know it."""

    def holding(self, commit: str, remote: str) -> Sequence[str]:
        """Name the branches that hold a commit, as far as this clone knows.

        Those of a remote, those of this clone where it is "".
        """

    def ask(self, remote: str) -> RemoteBranches:
        """Ask a remote for its branches."""

    def reached(self, commit: str, tips: Mapping[str, str], remote: str) -> bool | None:
        """Whether one of these branches of a remote holds a commit, None where nobody can tell.

        What this clone lacks of them is fetched.
        """
