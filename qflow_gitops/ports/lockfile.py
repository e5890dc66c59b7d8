"""What is needed of the place where the lockfile lives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from qflow_gitops.lockfile.anchors import Anchor
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
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
