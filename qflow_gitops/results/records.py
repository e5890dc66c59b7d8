"""What the lockfile says: status, history, checks of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from qflow_gitops.base.jsondiff import Difference
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import ExitCode, QflowError, together, worst
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY, UNSUCCESSFUL, State
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Culprit
from qflow_gitops.specs.connector_catalogs import Names
from qflow_gitops.specs.spec import RunSpec

_OVER = UNSUCCESSFUL | {State.REFUSED}


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A run's last attempt (None before the first) and its spec, None where none is found.

    `heir` is the run that its attempts were carried over to, None for none. `gone`: it certainly
    has no spec any more, under no name; where a file can't be read, nobody knows. `way` is
    what a person types about it, "" for nothing. `failed_at` is by which step it failed, as the
    lockfile has it.
    """

    environment: str
    name: str
    attempt: Attempt | None
    spec: RunSpec | None
    heir: RunKey | None = None
    gone: bool = False
    way: str = ""
    failed_at: Culprit | None = None

    @property
    def key(self) -> RunKey:
        """Environment and name."""
        return (self.environment, self.name)

    @property
    def attention(self) -> bool:
        """Whether a person has to look at it, or at least to wait for it."""
        known = _OVER | DOUBTFUL | UNDER_WAY | {State.EXPIRED}
        return self.attempt is not None and self.attempt.state in known and not self.closed

    @property
    def closed(self) -> bool:
        """Whether it failed, and nobody asks for it any more. What may have run is never closed."""
        return self.gone and self.attempt is not None and self.attempt.state in _OVER


@dataclass(frozen=True, slots=True)
class Status:
    """Every run of the environments asked for, and the freezes that hold.

    `names` gives connectors their names, `hints` are further commands.
    """

    rows: tuple[StatusRow, ...]
    lock: LockSeen
    freezes: tuple[Freeze, ...] = ()
    names: Names = field(default_factory=dict)
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunHistory:
    """All attempts, oldest first, and what a person can do about them.

    `brief`: they are of several runs that were asked for at once. `left` so many aren't shown, as
    was asked for. `failed_at` says of executions by which steps they failed, as the lockfile has
    it. `written` is whether something was recorded.
    """

    attempts: tuple[tuple[str, str, Attempt], ...]
    lock: LockSeen
    hints: tuple[str, ...] = ()
    brief: bool = False
    left: int = 0
    failed_at: Mapping[str, Culprit] = field(default_factory=dict)
    written: bool = False


@dataclass(frozen=True, slots=True)
class Standstill:
    """What holds everything after a freeze or an unfreeze of the lockfile at `where`.

    `written` is whether it had to be said there; `lifted` are the freezes that it ended.
    `of_fleet`: it is fleet.lock, and members are what is held.
    """

    where: str
    freezes: tuple[Freeze, ...]
    written: bool
    lifted: tuple[Freeze, ...] = ()
    of_fleet: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a person's decision came to.

    `attempts` are what it is about, oldest first; () where it wasn't recorded. `differences`
    say where an execution shows another request (`new`) than was sent (`old`), `against` in
    sentences what else speaks against its being the attempt's.
    """

    attempts: tuple[tuple[str, str, Attempt], ...]
    lock: LockSeen
    differences: tuple[Difference, ...] = ()
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchored:
    """An anchor of the lockfile at `where`: of its commit and serial, at a time, in a file.

    `server` gave its time stamp, "" for a file outside of the branch. It is `new`, or was there.
    """

    where: str
    commit: str
    serial: int
    at: str
    file: str
    server: str
    new: bool


class AnchorHeld(NamedTuple):
    """An anchor that was held against the history, and the file that it is in.

    `stands`: what it is of is there as it was. `stamped`: its time stamp was checked, and is
    sound; None where it has none, or nothing could be checked.
    """

    file: str
    commit: str
    serial: int
    at: str
    stands: bool
    stamped: bool | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the lockfile found.

    `digests` of the attempts were taken again of their files; `unseen` could not be, since
    their files as they were aren't in this clone (or not recorded); None for both where that
    wasn't asked. `signed` counts commits with a signature of an allowed signer, None where that
    wasn't asked. `problems` are sentences.
    `anchors` were held against the history, oldest first; None for a store that has none.
    `certificates` say against which ones their time stamps were checked, "" where none was.
    `versions` are commits where the store has a history; `serial` is the newest one's, None where
    that can't be read.
    """

    where: str
    versions: int
    attempts: int
    digests: int | None
    unseen: int | None
    signed: int | None
    problems: tuple[str, ...]
    anchors: tuple[AnchorHeld, ...] | None = None
    certificates: str = ""
    serial: int | None = None


def verified(body: Verified) -> Report:
    """Report on a check of the lockfile: 11 where anything is wrong with it."""
    if body.problems:
        return Report("lock", ExitCode.LOCK, "lock_unsound", body=body)
    return Report("lock", body=body)


def reconciled(body: RunHistory, problems: Iterable[QflowError]) -> Report:
    """Report on a look at doubts: 9 where one is left, 12 or 4 where Qualys could not be asked."""
    problems = list(problems)
    verdicts = [(error.exit_code, error.reason) for error in problems]
    if any(attempt.state in DOUBTFUL for _, _, attempt in body.attempts):
        verdicts.append((ExitCode.IN_DOUBT, "in_doubt"))
    code = worst([code for code, _ in verdicts])
    reason = next((word for verdict, word in verdicts if verdict is code), "ok")
    return Report("reconcile", code, reason, body=body, error=together(problems, code))


def standing(body: Status, *, exit_code: bool = False) -> Report:
    """Report how runs stand: 0, or with `exit_code` what the worst that isn't closed says."""
    if not exit_code:
        return Report("status", body=body)
    rows = [row for row in body.rows if row.heir is None and not row.closed]
    states = {row.attempt.state for row in rows if row.attempt}
    verdicts: list[tuple[ExitCode, str]] = []
    if states & (DOUBTFUL | {State.EXPIRED}):
        verdicts.append((ExitCode.IN_DOUBT, "in_doubt"))
    if states & _OVER:
        verdicts.append((ExitCode.RUN_FAILED, "run_failed"))
    if states & UNDER_WAY:
        verdicts.append((ExitCode.STILL_RUNNING, "still_running"))
    code = worst([code for code, _ in verdicts])
    return Report("status", code, next((w for c, w in verdicts if c is code), "ok"), body=body)
