"""The one value that every output renders, and what decides the exit code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qflow_gitops.catalog import Catalog, Workflow
from qflow_gitops.diagnostics import Diagnostic, has_errors
from qflow_gitops.errors import ExitCode, InvalidInput, QflowError, worst
from qflow_gitops.lockfile import DOUBTFUL, UNDER_WAY, UNSUCCESSFUL, Attempt, State
from qflow_gitops.plan import Action, Change, Plan, Reason
from qflow_gitops.spec import RunSpec


class InvalidFiles(InvalidInput):
    """Files of the repository have errors; `diagnostics` says which."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], *, not_done: str = "") -> None:
        """Take the findings; there has to be an error among them."""
        super().__init__(
            "The repository's files have errors.",
            not_done=not_done,
            hint="Mend them, and look again: qflow-gitops validate",
        )
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Validated:
    """What `validate` looked at."""

    files: int
    runs: int


@dataclass(frozen=True, slots=True)
class LockSeen:
    """Which state of the record a command saw; `exists` is False before the first apply.

    `copied_at` is RFC 3339 where it was only a copy from earlier.
    """

    where: str
    exists: bool
    lineage: str = ""
    serial: int = 0
    copied_at: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and what it was made from.

    `commit` is "" for the work tree, `base` the commit of comparison ("" without one),
    `full` whether every spec was looked at. `names` gives connectors their names,
    `catalog` workflows theirs.
    """

    plan: Plan
    commit: str
    base: str
    full: bool
    lock: LockSeen
    names: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog = field(default_factory=dict)

    def workflow_name(self, workflow_id: str) -> str:
        """The name that the catalog gives a workflow, "" without one."""
        known = self.catalog.get(workflow_id.lower())
        return known.name if known else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run of an apply stands at its end."""

    environment: str
    name: str
    attempt: Attempt
    spec: RunSpec | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did.

    `outcomes` are the attempts that it opened or waited for; `not_started` what it would
    have run and did not; `doubts` every attempt of the environment that may have run,
    `elsewhere` those that another apply is sending now. `rescued` is where answers were
    saved that could not be recorded, `rescued_lines` are they, a JSON object a line.
    """

    planned: Planned
    environment: str
    platform: str
    outcomes: tuple[Outcome, ...] = ()
    not_started: tuple[Change, ...] = ()
    doubts: tuple[Outcome, ...] = ()
    elsewhere: tuple[Outcome, ...] = ()
    rescued: str = ""
    rescued_lines: str = ""
    waited: bool = True


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A run's last attempt (None before the first) and whether it still has a spec."""

    environment: str
    name: str
    attempt: Attempt | None
    spec: RunSpec | None


@dataclass(frozen=True, slots=True)
class Status:
    """Every run of the environments asked for."""

    rows: tuple[StatusRow, ...]
    lock: LockSeen


@dataclass(frozen=True, slots=True)
class History:
    """All attempts, oldest first."""

    attempts: tuple[tuple[str, str, Attempt], ...]
    lock: LockSeen


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the record found.

    `digests` of the attempts were taken again of their files; `unseen` could not be, since
    their files as they were aren't in this clone (or not recorded). `signed` counts commits
    with a signature of an allowed signer, None where that wasn't asked. `problems` are
    sentences.
    """

    where: str
    versions: int
    attempts: int
    digests: int
    unseen: int
    signed: int | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """What became of one file. `what` is one word: written, kept, changed, left, …"""

    file: str
    what: str
    detail: str = ""
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """What a command did, or would do, to files; `next` are commands to type."""

    changes: tuple[FileChange, ...]
    next: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Workflows of the catalog; `detailed`: with their variables."""

    workflows: tuple[Workflow, ...]
    detailed: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to go on with."""

    content: str


class Standing(StrEnum):
    """How a run of a pull request stands, or a pull request as a whole."""

    PLANNED = "planned"
    APPROVED = "approved"
    RUNNING = "running"
    IN_DOUBT = "in doubt"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTLY_DONE = "partly done"
    DONE = "done"
    HELD = "held"
    NOTHING = "nothing to do"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One run that a pull request starts, will start or has started.

    `why` is the reason for which it starts or started. `attempt` is the one that came of this
    pull request, None before it; `ci_run` is the address of the CI's run that made it, ""
    where that isn't one of this server.
    """

    change: Change
    why: str
    standing: Standing
    attempt: Attempt | None = None
    ci_run: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A pull request's plan for one environment, and how its runs stand.

    `digest` is that of all its runs, sent or not, so that it stays when they are. `held` and
    `skipped` are the plan's other decisions. `merged` is whether the pull request is.
    """

    environment: str
    pull_request: int
    planned: Planned
    standing: Standing
    digest: str
    proposals: tuple[Proposal, ...] = ()
    held: tuple[Change, ...] = ()
    skipped: tuple[Change, ...] = ()
    found: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    merged: bool = False

    @property
    def empty(self) -> bool:
        """Whether it is about nothing at all."""
        return not (self.proposals or self.held or self.skipped or self.found)


@dataclass(frozen=True, slots=True)
class Commented:
    """What became of one comment: created, edited, unchanged, none, or shown.

    `text` is its Markdown where it is only shown; `removed` counts duplicates of it.
    """

    pull_request: int
    environment: str
    what: str
    standing: Standing
    url: str = ""
    removed: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Comments:
    """What a call of `comment` did."""

    entries: tuple[Commented, ...]


Body = (
    Validated | Planned | Applied | Status | History | Verified | Files | Known | Draft | Comments
)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a command.

    `reason` is a stable word for the exit code, `notes` are sentences that a person should
    see beside the result.
    """

    command: str
    exit_code: ExitCode = ExitCode.OK
    reason: str = "ok"
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    body: Body | None = None
    error: QflowError | None = None


def failed(command: str, problem: QflowError) -> Report:
    """Report a command that stopped."""
    found = problem.diagnostics if isinstance(problem, InvalidFiles) else ()
    return Report(command, problem.exit_code, problem.reason, found, error=problem)


def validated(body: Validated, found: tuple[Diagnostic, ...], *, strict: bool = False) -> Report:
    """Report on specs: 3 if there is an error among the findings, or anything if `strict`."""
    if has_errors(found):
        return Report("validate", ExitCode.INVALID, "invalid", found, body=body)
    if strict and found:
        return Report("validate", ExitCode.INVALID, "warnings", found, body=body)
    return Report("validate", diagnostics=found, body=body)


def pulled(changes: tuple[FileChange, ...]) -> Report:
    """Report on a pull: 3 where Qualys doesn't know one of the workflows."""
    changed = any(one.what in ("written", "changed") for one in changes)
    steps = ("qflow-gitops validate", "git add workflows && git commit") if changed else ()
    body = Files(changes, steps)
    if any(one.what == "unknown" for one in changes):
        return Report("workflows", ExitCode.INVALID, "workflow_unknown", body=body)
    return Report("workflows", body=body)


def planned(
    body: Planned, found: tuple[Diagnostic, ...], notes: tuple[str, ...], *, exit_code: bool
) -> Report:
    """Report a plan: 3 for invalid specs, 10 for pending runs where the code is asked for."""
    if has_errors(found):
        return Report("plan", ExitCode.INVALID, "invalid", found, notes, body)
    if exit_code and body.plan.of(Action.RUN):
        return Report("plan", ExitCode.PENDING, "pending", found, notes, body)
    return Report("plan", ExitCode.OK, "ok", found, notes, body)


_POLICY = frozenset(
    {
        Reason.FROZEN, Reason.RENAMED, Reason.TARGET, Reason.WORKFLOW,
        Reason.LIMIT, Reason.WINDOW, Reason.APPROVAL, Reason.POLICY,
    }
)  # fmt: skip


def applied(
    body: Applied,
    found: tuple[Diagnostic, ...],
    notes: tuple[str, ...],
    problems: Iterable[QflowError] = (),
) -> Report:
    """Report an apply. It answers for what it did and for any doubt that is still open."""
    verdicts: list[tuple[ExitCode, str]] = [(one.exit_code, one.reason) for one in problems]
    states = {outcome.attempt.state for outcome in body.outcomes}
    if body.elsewhere:
        verdicts.append((ExitCode.BUSY, "elsewhere"))
    if body.doubts or states & DOUBTFUL:
        verdicts.append((ExitCode.IN_DOUBT, "in_doubt"))
    if states & UNSUCCESSFUL:
        verdicts.append((ExitCode.RUN_FAILED, "run_failed"))
    if State.REFUSED in states:
        verdicts.append((ExitCode.RUN_FAILED, "refused"))
    if body.waited and states & UNDER_WAY:
        verdicts.append((ExitCode.STILL_RUNNING, "still_running"))
    if State.UNSENT in states:
        verdicts.append((ExitCode.UNREACHABLE, "unsent"))
    held = sorted({one.reason for one in (*body.planned.plan.changes, *body.not_started)} & _POLICY)
    verdicts += [(ExitCode.HELD, reason.value) for reason in held]
    if has_errors(found):
        verdicts.append((ExitCode.INVALID, "invalid"))
    if not verdicts and any(one.reason is Reason.STOPPED for one in body.not_started):
        verdicts.append((ExitCode.STILL_RUNNING, "not_started"))  # the time was over
    code = worst([code for code, _ in verdicts])
    reason = next((word for verdict, word in verdicts if verdict is code), "ok")
    error = next((one for one in problems if one.exit_code is code), None)
    return Report("apply", code, reason, found, notes, body, error)


def commented(body: Comments, notes: tuple[str, ...], problems: Iterable[QflowError]) -> Report:
    """Report on comments: the worst of what kept one from being written."""
    problems = list(problems)
    code = worst([one.exit_code for one in problems])
    error = next((one for one in problems if one.exit_code is code), None)
    return Report("comment", code, error.reason if error else "ok", (), notes, body, error)


def verified(body: Verified) -> Report:
    """Report on a check of the record: 11 where anything is wrong with it."""
    if body.problems:
        return Report("lock", ExitCode.LOCK, "lock_unsound", body=body)
    return Report("lock", body=body)


def reconciled(body: History, problems: Iterable[QflowError]) -> Report:
    """Report on a look at doubts: 9 where one is left, 12 or 4 where Qualys could not be asked."""
    problems = list(problems)
    verdicts = [(one.exit_code, one.reason) for one in problems]
    if any(attempt.state in DOUBTFUL for _, _, attempt in body.attempts):
        verdicts.append((ExitCode.IN_DOUBT, "in_doubt"))
    code = worst([code for code, _ in verdicts])
    reason = next((word for verdict, word in verdicts if verdict is code), "ok")
    return Report("reconcile", code, reason, body=body, error=next(iter(problems), None))


def standing(body: Status, *, exit_code: bool = False) -> Report:
    """Report how runs stand: 0, or with `exit_code` what the worst of them says."""
    if not exit_code:
        return Report("status", body=body)
    states = {row.attempt.state for row in body.rows if row.attempt}
    verdicts: list[tuple[ExitCode, str]] = []
    if states & (DOUBTFUL | {State.EXPIRED}):
        verdicts.append((ExitCode.IN_DOUBT, "in_doubt"))
    if states & (UNSUCCESSFUL | {State.REFUSED}):
        verdicts.append((ExitCode.RUN_FAILED, "run_failed"))
    if states & UNDER_WAY:
        verdicts.append((ExitCode.STILL_RUNNING, "still_running"))
    code = worst([code for code, _ in verdicts])
    return Report("status", code, next((w for c, w in verdicts if c is code), "ok"), body=body)
