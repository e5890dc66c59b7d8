"""What is needed of the place where the lockfile lives."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint, LedgerEvent


class Snapshot(NamedTuple):
    """A record as it was read. `lockfile` is None where there is none yet.

    `where` says where it lives, for people. `copied_at` is RFC 3339 where this is only a
    copy from earlier, because the place itself could not be asked; "" for the newest.
    """

    lockfile: Lockfile | None
    where: str
    copied_at: str = ""


class LostRace(Exception):
    """Another process wrote the lockfile first, and nothing of this was written.

    The session's `lockfile` is the new record: decide again on top of it.
    """


class Version(NamedTuple):
    """One version of the lockfile that was kept: a commit, or the file.

    `parents` are the versions that it follows; `content` gives its bytes, None where it
    holds no lockfile.
    """

    name: str
    parents: tuple[str, ...]
    content: Callable[[], bytes | None]


class LockStore(Protocol):
    """Where the lockfile lives. Each method raises LockError for what can't be trusted."""

    @property
    def where(self) -> str:
        """Where the lockfile lives, for people."""

    def read(self) -> Snapshot:
        """Return the lockfile for reading (a plan, a status)."""

    def at_hand(self) -> Lockfile | None:
        """Return the lockfile as this clone has it, without asking a remote; None for none."""

    def session(self) -> AbstractContextManager["LockSession"]:
        """Open the lockfile for writing; BusyError where the store lets only one in."""

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Add an event to the head, also while another process has a session open.

        `decide` gives the event, with a `nonce`, on top of the lockfile that it is shown (serial
        0 where there is none), or None for none; it is asked again whenever another process was
        faster, and may raise. Durable when this returns: every `read` shows it from then on, and
        each session before its next attempt is opened. Raises LockError, BusyError.
        """

    def versions(self) -> Iterator[Version]:
        """Return every version that is kept, oldest first; none where there is no record."""

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


class LockBranch(Protocol):
    """A branch of a remote repository, in a clone. Every commit id is 40 or 64 hex characters.

    Raises LockError for what git refuses or can't reach.
    """

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""

    def push_command(self, commit: str, *, force: bool = False) -> str:
        """Return what a person types to put a commit on the remote's branch."""

    def fetch(self) -> str:
        """Bring the remote's newest commit into the clone; "" where the branch isn't there."""

    def known(self) -> tuple[str, str]:
        """Return the newest commit that this clone has seen, and when (RFC 3339); "" for none."""

    def remember(self, commit: str) -> None:
        """Keep a commit as the newest one seen."""

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""

    def parents(self, commit: str) -> Sequence[str]:
        """Return a commit's parents."""

    def content(self, commit: str) -> bytes | None:
        """Return the lockfile as a commit holds it, None where it holds none."""

    def contents(self, commits: Sequence[str]) -> Sequence[bytes | None]:
        """Return the lockfiles of many commits, in their order."""

    def commit(self, parent: str, content: bytes, message: str) -> str:
        """Make a commit with this lockfile on top of `parent` ("": the first one)."""

    def push(self, commit: str, parent: str) -> bool:
        """Push a commit if the remote's branch still is `parent`; False where it isn't.

        True only after the remote was read back and holds the commit.
        """

    def history(self, tip: str) -> Sequence[tuple[str, Sequence[str]]]:
        """Return every commit that `tip` descends from, oldest first, with its parents."""

    def signer(self, commit: str, signers: str) -> str:
        """Return who of the allowed signers' file made a commit's SSH signature, "" for nobody."""
