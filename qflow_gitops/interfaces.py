"""What the operations need from outside: a git tree, Qualys, a lock store, a clock.

Values and protocols only. The edges (`gitrepo`, `api`, `lockstores`) implement them and
`cli/wiring.py` puts them together; tests put others in their place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from qflow_gitops.catalog import Workflow
from qflow_gitops.lockfile import Lockfile, Transition

# --- git -----------------------------------------------------------------------------


class ChangeKind(StrEnum):
    """What a diff says of one path; a rename is a removal and an addition."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a commit: raw path bytes, octal mode (`100644`), blob id."""

    path: bytes
    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class PathChange:
    """One path that differs between two commits."""

    path: bytes
    kind: ChangeKind


class GitTree(Protocol):
    """What is read of a git repository. Every path is bytes, relative to `root`, with `/`."""

    @property
    def root(self) -> Path:
        """The work tree's top folder."""

    @property
    def common_dir(self) -> Path:
        """The git directory that all work trees of the repository share."""

    def resolve(self, revision: str) -> str:
        """Give the full commit id of `revision`; UsageProblem where there is none."""

    def has_commit(self, commit: str) -> bool:
        """Whether the commit object is in this clone (it may be shallow)."""

    def is_shallow(self) -> bool:
        """Whether history is cut off in this clone."""

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or descends from it, as far as this clone can tell."""

    def merge_base(self, one: str, other: str) -> str | None:
        """Give the newest common ancestor, None where this clone knows none."""

    def files(self, commit: str, folders: Sequence[str]) -> Mapping[bytes, TreeFile]:
        """Everything that the commit holds under the folders or at these paths."""

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Give the contents of the blobs; one that this clone lacks is left out."""

    def changes(self, base: str, head: str, folders: Sequence[str]) -> Sequence[PathChange]:
        """Give the paths under the folders that differ, sorted; never a rename."""

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Give the paths under the folders whose work tree differs from HEAD, for display."""

    def worktree_files(self, folders: Sequence[str]) -> Mapping[bytes, bytes]:
        """Path and content of the plain files on disk that git doesn't ignore."""

    def worktree_oddities(self, folders: Sequence[str]) -> Sequence[tuple[bytes, str]]:
        """Path and git mode (`120000`, `160000`, …) of what is on disk and no plain file.

        The mode is `unreadable` for a plain file that this user may not read.
        """


# --- Qualys --------------------------------------------------------------------------


class AnswerKind(StrEnum):
    """What the outcome of a POST proves (`hardening` table 1.4)."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNCLEAR = "in_doubt"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one POST …/run.

    `execution_id` only with ACCEPTED; `http_status` where there was an answer;
    `detail` is one redacted sentence for the record and the person.
    """

    kind: AnswerKind
    execution_id: str = ""
    http_status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as Qualys shows it.

    `status` is Qualys' word as it stands, "" where absent; `ended` whether an end date is
    shown. Times are milliseconds since 1970 UTC, None where absent.
    """

    id: str
    workflow_id: str
    status: str
    ended: bool
    created_at: int | None = None
    start_date: int | None = None
    end_date: int | None = None


class Qualys(Protocol):
    """The part of the Qualys Flow API that a run needs. Safe to call from several threads.

    Every call ends within its total deadline. Raises AuthError (401, 403), UnreachableError
    (no connection, time-out, 5xx, rate limit beyond the budget).
    """

    def connect(self) -> None:
        """Get a token now, so that refused credentials end a command before it starts."""

    def close(self) -> None:
        """Let go of the connections."""

    def workflow(self, workflow_id: str) -> Workflow | None:
        """Give the details of a workflow; None where Qualys doesn't know it (404)."""

    def workflows(self) -> Iterator[str]:
        """Give the ids of all workflows that this user may see."""

    def run(self, workflow_id: str, body: bytes) -> Answer:
        """Start a run with exactly this JSON body. Never raises for what the network does."""

    def execution(self, execution_id: str) -> Execution | None:
        """Give an execution; None where Qualys doesn't show it any more (404)."""


# --- the record ----------------------------------------------------------------------


class LockStore(Protocol):
    """Where the lockfile lives. Each method raises LockError for what can't be trusted."""

    def read(self) -> Lockfile | None:
        """Give the record for reading (a plan, a status); None where there is none yet."""

    def session(self) -> AbstractContextManager["LockSession"]:
        """Take the record for writing; BusyError where another process has it."""


class LockSession(Protocol):
    """The record while this process alone may write it."""

    @property
    def lockfile(self) -> Lockfile:
        """The record as it stands now; one with serial 0 where there was none."""

    @property
    def created(self) -> bool:
        """Whether there was no record before this session."""

    def record(self, transitions: Sequence[Transition]) -> None:
        """Make the transitions durable, all or none; returns only when they are on disk."""

    def mark(self, environment: str, *, latest: str, applied_through: str | None) -> None:
        """Record which commit was worked on, and how far nothing is left to do."""


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> datetime:
        """Give the time, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


StopSignal = Callable[[], bool]
