"""What is needed of the place where the lockfile lives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from qflow_gitops.lockfile.anchors import Anchor
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint, LedgerEvent
from qflow_gitops.lockfile.pieces import PieceSummary
from qflow_gitops.lockfile.worked import Worked


class Snapshot(NamedTuple):
    """A record as it was read. `lockfile` is None where there is none yet.

    `where` says where it lives, for people. `copied_at` is RFC 3339 where this is only a
    copy from earlier, because the place itself could not be asked; "" for the newest. `commit` is
    the branch's, "" for a file. `worked` gives each step by which environments were worked on, up
    to this record, as far as earlier ones are kept; it raises LockError.
    """

    lockfile: Lockfile | None
    where: str
    copied_at: str = ""
    commit: str = ""
    worked: Callable[[], Sequence[Worked]] = tuple


class LostRace(Exception):
    """Another process wrote the lockfile first, and nothing of this was written.

    The session's `lockfile` is the new record: decide again on top of it.
    """


class Version(NamedTuple):
    """One version of the lockfile that was kept: a commit, or the file.

    `parents` are the versions that it follows. `problems` say in what it isn't the one before
    and more, and what of it can't be read.
    """

    name: str
    parents: tuple[str, ...]
    problems: tuple[str, ...]


class Kept(NamedTuple):
    """Every version that is kept.

    `versions` come oldest first; `lockfile` gives the newest after them, as far as it can be
    read, None where there is none. `notes` say what had to be fetched for it, and how much was
    checked.
    """

    versions: Iterator[Version]
    lockfile: Callable[[], Lockfile | None]
    notes: tuple[str, ...] = ()


class Summaries(Protocol):
    """What was found out about files of the lockfile, kept by their blobs' ids."""

    def known(self, blobs: Sequence[str]) -> Mapping[str, PieceSummary]:
        """Return what is known of these blobs; any of it may be gone."""

    def keep(self, found: Mapping[str, PieceSummary]) -> None:
        """Keep what was found out."""

    def whole(self, where: str) -> bytes | None:
        """Return what `keep_whole` kept last of the whole lockfile there, None where it is gone."""

    def keep_whole(self, where: str, found: bytes) -> None:
        """Keep what was found out about the whole lockfile there, in place of what was before."""


class Standing(NamedTuple):
    """The newest commit of the lockfile's branch, its lockfile, and the anchors by their paths."""

    commit: str
    lockfile: Lockfile
    anchors: Mapping[str, Anchor]


class Contents(NamedTuple):
    """What a commit of the lockfile's branch holds, as a text (`lockfile.anchors`), and its head.

    The head is None where it can't be read.
    """

    text: bytes
    head: Lockfile | None


class LockAnchors(Protocol):
    """The anchors of a lockfile on a branch (`lockfile.anchors`). Raises LockError."""

    def standing(self) -> Standing:
        """Return what stands there now, trusted as a session trusts it."""

    def newest(self) -> tuple[str, Mapping[str, Anchor]]:
        """Return the newest commit and its anchors, by their paths: all that can be read."""

    def at_hand(self) -> Mapping[str, Anchor]:
        """Return the anchors as this clone has them, without asking a remote."""

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor`, or descends from it."""

    def contents(self, commit: str) -> Contents:
        """Write down what a commit of this clone holds; ValueError where that can't be said."""

    def keep(self, anchor: Anchor, *, again: bool) -> tuple[str, Anchor]:
        """Put an anchor on the branch; return what is there now, and its path.

        That is another one where one of this serial came first; with `again` it is kept beside
        any. Durable when this returns.
        """


class LockStore(Protocol):
    """Where the lockfile lives. Each method raises LockError for what can't be trusted."""

    @property
    def where(self) -> str:
        """Where the lockfile lives, for people."""

    def read(self, *, whole: bool = False) -> Snapshot:
        """Return the lockfile for reading (a plan, a status).

        Read `whole`, every run's attempts are at hand, for who needs all of them.
        """

    def at_hand(self) -> Lockfile | None:
        """Return the lockfile as this clone has it, without asking a remote; None for none."""

    @property
    def address(self) -> str:
        """The repository that it belongs to (`base.addresses.same_form`); "" without a remote."""

    def session(self, *, moving: bool = False) -> AbstractContextManager["LockSession"]:
        """Open the lockfile for writing; BusyError where the store lets only one in.

        Raises LockError where it was moved away, or isn't open yet (`lockfile.places`), then and
        at each write, but for who is `moving` it.
        """

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Add an event to the head, also while another process has a session open.

        `decide` gives the event, with a `nonce`, on top of the lockfile that it is shown (serial
        0 where there is none), or None for none; it is asked again whenever another process was
        faster, and may raise. Durable when this returns: every `read` shows it from then on, and
        each session before its next attempt is opened. Raises LockError, BusyError.
        """

    @property
    def anchors(self) -> LockAnchors | None:
        """Its anchors; None for a store that can have none."""

    def kept(self) -> Kept:
        """Return every version that is kept; none where there is no record."""

    def check_memory(self) -> None:
        """Raise LockError where this clone knows of a newer record than the one that is there."""

    def signer(self, version: str, signers: str) -> str:
        """Return which of git's allowed signers (a file) signed a version, "" for none.

        Raises UsageProblem where the store's versions aren't signed.
        """


class LockSession(Protocol):
    """The lockfile, open for writing."""

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile as this process last wrote or read it; serial 0 where there was none."""

    @property
    def commit(self) -> str:
        """The branch's commit that holds it; "" for a file, and where there is none yet."""

    @property
    def created(self) -> bool:
        """Whether there was no record before this session."""

    @property
    def alone(self) -> bool:
        """Whether it is certain that no other process works with this record now.

        But for `announce`: events of the head may come at any time.
        """

    @property
    def batch_delay(self) -> float:
        """Seconds that a write may wait so that others are made with it; 0 where it is cheap."""

    @property
    def generation(self) -> int:
        """Changes whenever another process' writes were taken in: decide again then.

        What one that is `alone` takes in are announced events of the head, nothing else.
        """

    def adopt(self, lockfile: Lockfile) -> None:
        """Put all of another place's lockfile in place of this one, which is a beginning of it.

        Durable when this returns, under the next serial. Raises LostRace where another process
        wrote meanwhile, LockError.
        """

    def head(self) -> tuple[LedgerEvent, ...]:
        """Return the events of the head, those not taken in yet included where no remote is asked.

        Safe to call from several threads. Raises LockError.
        """

    def record(
        self,
        transitions: Sequence[Transition],
        mark: Checkpoint | None = None,
        *,
        exact: bool = False,
    ) -> None:
        """Make all of it durable, or nothing; returns only when it is.

        Where another process wrote in between, transitions that open no attempt are put on
        top of its record (`lockfile.rebased`). Raises LostRace instead if an attempt was to be
        opened, a mark set, or the decision holds for exactly this record (`exact`); LockError
        where it can't be written or contradicts the lockfile.
        """


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
