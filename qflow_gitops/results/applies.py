"""What an apply did."""

from collections.abc import Iterable
from dataclasses import dataclass

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import ExitCode, QflowError, together, worst
from qflow_gitops.findings.finding import Diagnostic, has_errors
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY, UNSUCCESSFUL, State
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.results.plans import LockSeen, Planned
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Culprit
from qflow_gitops.specs.spec import RunSpec


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run of an apply stands at its end; `failed_at` by which step, None for unknown.

    Without a `spec` where an earlier apply sent it.
    """

    environment: str
    name: str
    attempt: Attempt
    spec: RunSpec | None = None
    failed_at: Culprit | None = None

    @property
    def key(self) -> RunKey:
        """Environment and name."""
        return (self.environment, self.name)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did.

    `outcomes` are the attempts that it opened or waited for; `not_started` what it would
    have run and did not; `doubts` every attempt of the environment that may have run,
    `elsewhere` those that another apply is sending now. `waiting` is what comes after others, and
    was put off by them. `rescued` is where answers were
    saved that could not be recorded, `rescued_lines` are they, a JSON object a line. `lock` is the
    lockfile as it was left, None where nothing was begun. `notices` are what others are still to
    be told.
    """

    planned: Planned
    environment: str
    platform: str
    outcomes: tuple[Outcome, ...] = ()
    not_started: tuple[Change, ...] = ()
    doubts: tuple[Outcome, ...] = ()
    elsewhere: tuple[Outcome, ...] = ()
    waiting: tuple[Change, ...] = ()
    rescued: str = ""
    rescued_lines: str = ""
    waited: bool = True
    lock: LockSeen | None = None
    notices: int = 0

    @property
    def is_kept(self) -> bool:
        """Whether what couldn't be recorded is in a file."""
        return not self.rescued.startswith("not to a file")


_POLICY = frozenset(
    {
        Reason.FROZEN, Reason.RENAMED, Reason.SAME_REQUEST, Reason.PLATFORM, Reason.WORKFLOW,
        Reason.UNMERGED, Reason.EMPTY,
        Reason.LIMIT, Reason.WINDOW, Reason.APPROVAL, Reason.POLICY, Reason.TICKET,
        Reason.ROLLOUT, Reason.AFTER,
    }
)  # fmt: skip


def applied(
    body: Applied,
    found: tuple[Diagnostic, ...],
    notes: tuple[str, ...],
    problems: Iterable[QflowError] = (),
) -> Report:
    """Report an apply: it answers for what it did, and for any doubt that is still open.

    By the lockfile as this apply wrote it last, or read it where it wrote nothing. What others
    put in doubt after that is for the next one to say.
    """
    problems = list(problems)
    verdicts: list[tuple[ExitCode, str]] = [
        (problem.exit_code, problem.reason) for problem in problems
    ]
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
    kept_back = [
        _hold(outcome.attempt) for outcome in body.outcomes if outcome.attempt.state is State.UNSENT
    ]
    if "" in kept_back:
        verdicts.append((ExitCode.UNREACHABLE, "unsent"))
    changes = (*body.planned.plan.changes, *body.not_started)
    reasons = {change.reason for change in changes if change.action is Action.HOLD}
    held = sorted(reason for reason in _POLICY if reason in {*reasons, *kept_back})
    verdicts += [(ExitCode.HELD, reason.value) for reason in held]
    if has_errors(found):
        verdicts.append((ExitCode.INVALID, "invalid"))
    if not verdicts and any(change.reason is Reason.STOPPED for change in body.not_started):
        verdicts.append((ExitCode.STILL_RUNNING, "not_started"))  # the time was over
    code = worst([code for code, _ in verdicts])
    reason = next((word for verdict, word in verdicts if verdict is code), "ok")
    error = together(problems, code)
    return Report("apply", code, reason, found, notes, body, error, already_told=True)


def _hold(attempt: Attempt) -> str:
    """Say what kept a request back once its intent was recorded, "" where something else did."""
    return str(attempt.events[-1].extra.get("hold", ""))
