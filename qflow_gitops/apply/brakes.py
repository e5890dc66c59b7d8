"""What keeps an apply that runs from sending anything more.

A freeze, a closed window, what became of the runs before, a person who asks to stop, the time.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

from qflow_gitops.apply import events
from qflow_gitops.apply.job import Job, LaunchOptions, LaunchResult
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import moment
from qflow_gitops.errors import AuthError, LockError, UnreachableError
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.notes import freezes_of
from qflow_gitops.plan.change import Reason
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.ports.qualys import Answer, AnswerKind

SEND_WITHIN = 120.0  # seconds from the intent to the POST; later, the attempt is given up unsent
DOUBTS_IN_A_ROW = 3  # so many unclear answers one after another end the launching


class Brake(NamedTuple):
    """Why nothing may be sent now: the reason, in words, and what lifts it ("": time does)."""

    reason: Reason
    why: str
    way_on: str = ""


def brake_at(
    session: LockSession, others: Callable[[], tuple[Freeze, ...]], closed: Callable[[], str]
) -> Brake | None:
    """Say what holds now, None for nothing. Safe from any thread, where the two callables are.

    `others` gives the freezes beside the lockfile's, `closed` why a window is closed, "" for none.
    """
    if holding := (*_recorded(session), *others()):
        return Brake(Reason.FROZEN, freezes.describe(holding), freezes.way_on(holding))
    why = closed()
    return Brake(Reason.WINDOW, why) if why else None


def _recorded(session: LockSession) -> tuple[Freeze, ...]:
    """Return the lockfile's freezes, as far as they are known without asking a remote."""
    try:
        return freezes.recorded(freezes_of(session.head()))
    except LockError as problem:
        return (freezes.by_doubt(problem.message, problem.hint),)


class Brakes:
    """The brakes of one launch: once one has stopped it, no further run is started.

    What is under way is waited for all the same. `brake` tells what holds now; several threads
    ask it.
    """

    def __init__(
        self,
        options: LaunchOptions,
        brake: Callable[[], Brake | None],
        clock: Clock,
        result: LaunchResult,
        moved: Callable[[RunKey], Brake | None] = lambda _key: None,
    ) -> None:
        """Begin to count the time; what stops the launch is said in `result`.

        `moved` says what keeps one run alone from being sent now.
        """
        self._options = options
        self._brake = brake
        self._moved = moved
        self._clock = clock
        self._result = result
        self._begun = clock.monotonic()
        self._doubts = 0
        self._held_back: dict[RunKey, Brake] = {}  # after their intent, by any thread

    @property
    def elapsed(self) -> float:
        """Return the seconds since the launch began."""
        return self._clock.monotonic() - self._begun

    @property
    def is_late(self) -> bool:
        """Whether the time that was given is over."""
        return self.elapsed > self._options.timeout

    def look(self, *, waiting: bool) -> Iterator[events.Event]:
        """Stop where something says so; a brake is told at once, as executions may take long.

        `waiting` is whether anything is still to be sent.
        """
        if self._options.stop():
            self._result.stop("it was interrupted")
        if waiting and not self._result.why_stopped and (brake := self._brake()):
            self._stop_by(brake)
            yield events.Said(f"Nothing more is started: {brake.why}.")
        if self.is_late:
            self._result.stop("the time given with --timeout is over")

    def _stop_by(self, brake: Brake) -> None:
        if not self._result.why_stopped:
            self._result.stopped_by, self._result.why_stopped, self._result.way_on = brake

    def may_send(self, key: RunKey, attempt: Attempt) -> Callable[[], bool]:
        """Say until when it may be sent: counted from its intent, however long that took to record.

        By two clocks: one may be set back, and the other stands while a machine sleeps. And never
        while a brake holds: it may have waited for a token or a rate limit. What is asked of others
        comes first, since they may be slow: the clocks and the brakes are looked at behind it.
        """
        end = moment(attempt.opened_at) + timedelta(seconds=SEND_WITHIN)
        left = (end - self._clock.now()).total_seconds()
        last = self._clock.monotonic() + min(left, SEND_WITHIN)

        def is_over() -> bool:
            late = self._clock.now() > end or self._clock.monotonic() > last
            return late or self._options.stop()

        def may_send() -> bool:
            if is_over():
                return False
            brake = self._moved(key) or self._brake()
            if brake is not None:
                self._held_back[key] = brake
            return brake is None and not is_over()

        return may_send

    def held_back(self, job: Job, answer: Answer) -> Brake | None:
        """Return what kept a run from being sent after its intent, None for nothing. Asked once."""
        brake = self._held_back.pop(job.change.key, None)
        return brake if answer.kind is AnswerKind.UNSENT else None

    def heed(self, job: Job, answer: Answer, brake: Brake | None) -> None:
        """Decide what an answer means for the runs after it; `brake` is what held it back."""
        self._doubts = self._doubts + 1 if answer.kind is AnswerKind.UNCLEAR else 0
        if brake is not None and brake.reason is Reason.TICKET:
            return  # of this run alone
        if brake is not None:
            self._stop_by(brake)
        elif answer.kind is AnswerKind.REFUSED and answer.http_status in (401, 403):
            none_more = "No further run was started."
            problem = AuthError(answer.detail, where=job.name, not_done=none_more)
            self._result.stop(f"Qualys refused {job.name}", problem)
        elif answer.kind is AnswerKind.REFUSED and self._stops(job):
            self._result.stop(f"Qualys refused {job.name}")
        elif answer.kind is AnswerKind.UNSENT:
            none_sent = "It wasn't sent, nor was any run after it."
            unsent = UnreachableError(answer.detail, where=job.name, not_done=none_sent)
            self._result.stop(f"{job.name} could not be sent", unsent)
        elif self._doubts >= DOUBTS_IN_A_ROW:
            self._result.stop(f"{self._doubts} runs one after another are in doubt")

    def _stops(self, job: Job) -> bool:
        """Whether a failure of a run stops everything: in a rollout it counts for that alone."""
        return self._options.stop_on_failure and job.change.key not in self._options.rollouts
