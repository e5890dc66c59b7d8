"""What the operations need from outside: a git tree, Qualys, a lock store, a clock.

Values and protocols only. The edges (`gitrepo`, `api`, `lockstores`) implement them and
`cli/wiring.py` puts them together; tests put others in their place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from qflow_gitops.base.paths import TreeFile
from qflow_gitops.lockfile.ledger import Lockfile, Transition
from qflow_gitops.lockfile.notes import LedgerEvent, Mark
from qflow_gitops.specs.catalogs import Workflow

# --- git -----------------------------------------------------------------------------


class ChangeKind(StrEnum):
    """What a diff says of one path; a rename is a removal and an addition."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"


class PathChange(NamedTuple):
    """One path that differs between two commits."""

    path: bytes
    kind: ChangeKind


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
        """Give the same without what git doesn't know, but for these files."""

    def among(self, paths: Iterable[bytes]) -> "WorkTree":
        """Give the same, as if it held no more than these paths, and git knew none of them."""

    def blob(self, path: bytes) -> str:
        """Give the id of the blob that a file was when git last looked, "" where that is over."""

    def size(self, path: bytes) -> int:
        """Give a plain file's size in bytes, -1 for anything else."""

    def read(self, path: bytes) -> bytes | None:
        """Read a plain file, if it is too big only a part of it; None where nothing is there.

        Raises Unreadable, with its `mode`, for anything else that is there.
        """

    def identify(self, content: bytes) -> str:
        """Give the id that a blob with this content has in this repository."""

    def files(self) -> Mapping[bytes, bytes]:
        """Path and content of every plain file that may be read; `oddities` are the others."""

    def oddities(self) -> Sequence[tuple[bytes, str]]:
        """Path and git mode (`120000`, `160000`, …) of what is on disk and no plain file.

        The mode is `unreadable` for a plain file that this user may not read.
        """


class Cache(Protocol):
    """What was found out about contents, kept between commands; any of it may be gone."""

    @property
    def tool(self) -> str:
        """What is another one for each version of this program, and for each change to its code."""

    def verdicts(self, context: str, blobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """Give what is known of these blobs in a context: id -> size in bytes, and a text."""

    def keep_verdicts(self, context: str, verdicts: Mapping[str, tuple[int, str]]) -> None:
        """Keep what was found out about blobs: id -> size in bytes, and a text."""

    def answer(self, context: str) -> Any:
        """Give the JSON data that was kept as an answer in a context, None for none."""

    def keep_answer(self, context: str, data: Any) -> None:
        """Keep JSON data as the answer in a context."""

    def content(self, name: str) -> bytes | None:
        """Give the bytes that were kept under a name, None for none."""

    def keep_content(self, name: str, content: bytes) -> None:
        """Keep bytes under a name."""


class GitTree(Protocol):
    """What is read of a git repository. Every path is bytes, relative to `root`, with `/`."""

    @property
    def root(self) -> Path:
        """The work tree's top folder."""

    @property
    def prefix(self) -> str:
        """The folder at hand, from the root; "" for the root itself."""

    @property
    def common_dir(self) -> Path:
        """The git directory that all work trees of the repository share."""

    def at(self, prefix: str) -> "GitTree":
        """Give the same repository, as if another folder were at hand."""

    def resolve(self, revision: str) -> str:
        """Give the full commit id of `revision`; UsageProblem where there is none."""

    def has_commit(self, commit: str) -> bool:
        """Whether the commit object is in this clone (it may be shallow)."""

    def is_shallow(self) -> bool:
        """Whether history is cut off in this clone."""

    def unshallow(self, remote: str) -> None:
        """Fetch the history that a shallow clone lacks, as far as the remote gives it."""

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or descends from it, as far as this clone can tell."""

    def first_parents(
        self, base: str, head: str, most: int, folders: Sequence[str] = ()
    ) -> Sequence[str]:
        """Give the commits on the first-parent line of `head` that `base` ("": none) lacks.

        Newest first, at most so many; with `folders` those that change something there.
        """

    def merge_base(self, one: str, other: str) -> str | None:
        """Give the newest common ancestor, None where this clone knows none."""

    def clean_merge(self, commit: str) -> tuple[str, str] | None:
        """Give both parents of a merge whose content is exactly what git makes of them.

        None for any other commit, and where that can't be proved.
        """

    def bring(self, commit: str, remote: str, ref: str) -> bool:
        """Whether the commit is in this clone, if need be after a fetch of the remote's `ref`."""

    def files(self, commit: str, folders: Sequence[str]) -> Mapping[bytes, TreeFile]:
        """Everything that the commit holds under the folders or at these paths."""

    def listing(self, commit: str, folder: str) -> Mapping[bytes, TreeFile]:
        """What a folder ("": the root) of a commit holds itself; nothing where there is none.

        Of the work tree where `commit` is "", without blobs and whether git knows it or not.
        Paths are from the root; a folder has the mode `040000`.
        """

    def named(self, commit: str, name: str) -> Sequence[str]:
        """Give the paths of everything that a commit holds under this name, in any folder."""

    def contents(self, entries: Iterable[TreeFile]) -> Mapping[str, bytes]:
        """Give the contents of files that a commit holds, by their blobs.

        Raises Unreadable where this clone can't give one: a commit that names it holds it.
        """

    def blobs_at_hand(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Give the contents of blobs that something else than a commit names.

        One that this clone lacks or can't read is left out: for what is only explained by it.
        """

    def changes(self, base: str, head: str, folders: Sequence[str]) -> Sequence[PathChange]:
        """Give the paths under the folders that differ, sorted; never a rename."""

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Give the paths under the folders whose work tree differs from HEAD, for display."""

    def worktree(self, folders: Sequence[str]) -> "WorkTree":
        """Look at what is on disk under the folders and isn't ignored by git."""


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
        """Give remote ("" for this clone) and name of the branch that the current one tracks.

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


# --- Qualys --------------------------------------------------------------------------


class AnswerKind(StrEnum):
    """What the outcome of a POST proves (`hardening` table 1.4)."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNCLEAR = "in_doubt"


class Answer(NamedTuple):
    """What became of one POST …/run.

    `execution_id` only with ACCEPTED; `http_status` where there was an answer;
    `detail` is one redacted sentence for the record and the person.
    """

    kind: AnswerKind
    execution_id: str = ""
    http_status: int | None = None
    detail: str = ""


class Execution(NamedTuple):
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


class Listing(NamedTuple):
    """A workflow's executions in a window of time, oldest first.

    `complete` is False where pages shifted or ended in a way that leaves a doubt: then
    nothing may be concluded from what is missing.
    """

    executions: tuple[Execution, ...]
    complete: bool


class Echo(NamedTuple):
    """What an execution's trigger step shows of the request that started it.

    `source` is Qualys' word (`PUBLIC_API` for this API), "" where absent; `input` and
    `variables` (by key) are None where they aren't shown.
    """

    source: str
    input: Any
    variables: Mapping[str, Any] | None


class Qualys(Protocol):
    """The part of the Qualys Flow API that a run needs. Safe to call from several threads.

    Every call ends within its total deadline. Raises AuthError (401, 403), UnreachableError
    (no connection, time-out, 5xx, rate limit beyond the budget, an undocumented answer).
    """

    @property
    def skew(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours; None until it answered."""

    def connect(self) -> None:
        """Get a token now, so that refused credentials end a command before it starts."""

    def close(self) -> None:
        """Let go of the connections."""

    def workflow(self, workflow_id: str) -> Workflow | None:
        """Give the details of a workflow; None where Qualys doesn't know it (404)."""

    def workflows(self) -> Iterator[str]:
        """Give the ids of all workflows that this user may see."""

    def run(self, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
        """Start a run with exactly this JSON body. Never raises for what the network does.

        `may_send` is asked right before the first byte of each request: once it says no, none
        begins any more.
        """

    def execution(self, execution_id: str) -> Execution | None:
        """Give an execution; None where Qualys doesn't show it any more (404)."""

    def executions(self, workflow_id: str, start: datetime, end: datetime) -> Listing:
        """Give a workflow's executions between two times of the server's clock."""

    def newest(self, workflow_id: str, start: datetime) -> tuple[str, ...] | None:
        """Give the ids of a workflow's executions since a time, the newest first.

        None where Qualys doesn't show the list, or not all of it.
        """

    def echo(self, execution_id: str) -> Echo | None:
        """Give what started an execution; None where Qualys doesn't show it."""


# --- pull requests -------------------------------------------------------------------


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
    signature of every commit.
    """

    approvers: Mapping[str, str]
    why: str = ""
    signed: bool = False


class PullRequests(Protocol):
    """What a host knows about pull requests. Raises AuthError and UnreachableError."""

    def pull_request(self, number: int) -> PullRequest:
        """Give a pull request; UsageProblem where there is none."""

    def default_branch(self) -> str:
        """Name the branch that pull requests go to."""

    def merged_with(self, commit: str) -> Sequence[PullRequest]:
        """Give the merged pull requests that brought a commit."""

    def review(self, one: PullRequest, updates: Sequence[Update]) -> Reviewed:
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
        """Give a pull request."""

    def comments(self, number: int) -> Sequence[Comment]:
        """Give all comments of a pull request, oldest first."""

    def create(self, number: int, body: str) -> Comment:
        """Write a comment."""

    def edit(self, comment_id: int, body: str) -> Comment | None:
        """Change a comment's text; None where it isn't there any more."""

    def delete(self, comment_id: int) -> None:
        """Remove a comment, if it is still there."""


# --- the record ----------------------------------------------------------------------


class Snapshot(NamedTuple):
    """A record as it was read. `lockfile` is None where there is none yet.

    `where` says where it lives, for people. `copied_at` is RFC 3339 where this is only a
    copy from earlier, because the place itself could not be asked; "" for the newest.
    """

    lockfile: Lockfile | None
    where: str
    copied_at: str = ""


class LostRace(Exception):
    """Another process wrote the record first, and nothing of this was written.

    The session's `lockfile` is the new record: decide again on top of it.
    """


class Version(NamedTuple):
    """One version of the record that was kept: a commit, or the file.

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
        """Where the record lives, for people."""

    def read(self) -> Snapshot:
        """Give the record for reading (a plan, a status)."""

    def at_hand(self) -> Lockfile | None:
        """Give the record as this clone has it, without asking a remote; None for none."""

    def session(self) -> AbstractContextManager["LockSession"]:
        """Open the record for writing; BusyError where the store lets only one in."""

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Add an event to the head, also while another process has a session open.

        `decide` gives the event, with a `nonce`, on top of the lockfile that it is shown (serial
        0 where there is none), or None for none; it is asked again whenever another process was
        faster, and may raise. Durable when this returns: every `read` shows it from then on, and
        each session before its next attempt is opened. Raises LockError, BusyError.
        """

    def versions(self) -> Iterator[Version]:
        """Give every version that is kept, oldest first; none where there is no record."""

    def signer(self, version: str, signers: str) -> str:
        """Give which of git's allowed signers (a file) signed a version, "" for none.

        Raises UsageProblem where the store's versions aren't signed.
        """


class LockSession(Protocol):
    """The record, open for writing."""

    @property
    def lockfile(self) -> Lockfile:
        """The record as this process last wrote or read it; serial 0 where there was none."""

    @property
    def created(self) -> bool:
        """Whether there was no record before this session."""

    @property
    def alone(self) -> bool:
        """Whether it is certain that no other process works with this record now.

        But for `announce`: events of the head may come at any time.
        """

    @property
    def gather(self) -> float:
        """Seconds that a write may wait so that others are made with it; 0 where it is cheap."""

    @property
    def generation(self) -> int:
        """Changes whenever another process' writes were taken in: decide again then.

        What one that is `alone` takes in are announced events of the head, nothing else.
        """

    def head(self) -> tuple[LedgerEvent, ...]:
        """Give the events of the head, those not taken in yet included where no remote is asked.

        Safe to call from several threads. Raises LockError.
        """

    def record(
        self, transitions: Sequence[Transition], mark: Mark | None = None, *, exact: bool = False
    ) -> None:
        """Make all of it durable, or nothing; returns only when it is.

        Where another process wrote in between, transitions that open no attempt are put on
        top of its record (`lockfile.rebased`). Raises LostRace instead if an attempt was to be
        opened, a mark set, or the decision holds for exactly this record (`exact`); LockError
        where it can't be written or contradicts the record.
        """


class LockBranch(Protocol):
    """A branch of a remote repository, in a clone. Every commit id is 40 or 64 hex characters.

    Raises LockError for what git refuses or can't reach.
    """

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""

    def push_command(self, commit: str, *, force: bool = False) -> str:
        """Give what a person types to put a commit on the remote's branch."""

    def fetch(self) -> str:
        """Bring the remote's newest commit into the clone; "" where the branch isn't there."""

    def known(self) -> tuple[str, str]:
        """Give the newest commit that this clone has seen, and when (RFC 3339); "" for none."""

    def remember(self, commit: str) -> None:
        """Keep a commit as the newest one seen."""

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""

    def parents(self, commit: str) -> Sequence[str]:
        """Give a commit's parents."""

    def content(self, commit: str) -> bytes | None:
        """Give the lockfile as a commit holds it, None where it holds none."""

    def contents(self, commits: Sequence[str]) -> Sequence[bytes | None]:
        """Give the lockfiles of many commits, in their order."""

    def commit(self, parent: str, content: bytes, message: str) -> str:
        """Make a commit with this lockfile on top of `parent` ("": the first one)."""

    def push(self, commit: str, parent: str) -> bool:
        """Push a commit if the remote's branch still is `parent`; False where it isn't.

        True only after the remote was read back and holds the commit.
        """

    def history(self, tip: str) -> Sequence[tuple[str, Sequence[str]]]:
        """Give every commit that `tip` descends from, oldest first, with its parents."""

    def signer(self, commit: str, signers: str) -> str:
        """Give who of the allowed signers' file made a commit's SSH signature, "" for nobody."""


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> datetime:
        """Give the time, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class StopSignal(Protocol):
    """Whether a person or the CI asked to stop."""

    def __call__(self) -> bool:
        """Whether they did."""

    def left(self) -> float:
        """Give the seconds in which all has to be over; infinity as long as nobody asked."""
