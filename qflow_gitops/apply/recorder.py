"""Make durable what a launch does: an intent before its POST, its answer after it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from qflow_gitops.apply import events
from qflow_gitops.apply.job import Job, LaunchOptions, LaunchResult, Opened
from qflow_gitops.apply.known_executions import KnownExecutions
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import LockError, UnreachableError
from qflow_gitops.lockfile.attempt import Attempt, AttemptKey, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.circumstances import for_intent
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import FINAL, State
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockSession, LostRace
from qflow_gitops.ports.qualys import Qualys

LEASE = 360.0
"""Seconds from the intent in which only its owner settles it: the time to send, a token and
two requests at their deadlines, and a minute for clocks that differ."""


class Recorder:
    """What a launch saw and hasn't recorded yet, and the session that it is recorded in.

    One write holds the answers of the last wave and the intents of the next one. What can't be
    written is left in the launch's result, to be rescued.
    """

    def __init__(
        self,
        session: LockSession,
        options: LaunchOptions,
        checkpoint: Callable[[Lockfile], Checkpoint] | None,
        known: KnownExecutions,
        qualys: Qualys,
        clock: Clock,
        result: LaunchResult,
    ) -> None:
        """Take the edges; nothing is written yet.

        `checkpoint` gives what the first intents add to a lockfile, None for nothing.
        """
        self._session = session
        self._options = options
        self._checkpoint = checkpoint
        self._known = known
        self._qualys = qualys
        self._clock = clock
        self._result = result
        self._answers: list[Transition] = []
        self._words: list[Transition] = []  # Qualys' status words: recorded with what matters
        self._first_answer = clock.monotonic()
        self._told = False
        self.is_unwritable = False
        """Whether nothing that is seen from here on could be recorded."""

    @property
    def waits(self) -> bool:
        """Whether there are answers that aren't recorded yet."""
        return bool(self._answers)

    @property
    def wait_for_more(self) -> float:
        """Return the seconds that a write may wait for other answers of its wave, 0 for none."""
        if not self._session.batch_delay:
            return 0.0
        return self._session.batch_delay - (self._clock.monotonic() - self._first_answer)

    def is_owned(self, execution_id: str) -> bool:
        """Whether another attempt has this execution."""
        wanted = execution_id.lower()
        mine = any(transition.execution_id.lower() == wanted for transition in self._answers)
        return mine or self._session.lockfile.owner(execution_id) is not None

    def saw(self, transition: Transition) -> None:
        """Take what is to be recorded. A word of Qualys' is recorded with what matters.

        A write for each word would cost a push each.
        """
        if transition.event.to is State.RUNNING:
            self._words.append(transition)
        else:
            self._answers.append(transition)

    def answered(self) -> None:
        """Note that a POST ended: its wave's other answers are waited for from here on."""
        if not self._answers:
            self._first_answer = self._clock.monotonic()

    def push(
        self, job: Job, number: int, state: State, extra: dict[str, Any], execution: str = ""
    ) -> None:
        """Take what became of a job's attempt now."""
        event = Event(stamp(self._clock.now()), state, extra)
        self.saw(Transition(*job.change.key, number, event, execution_id=execution))

    def record(self, wave: list[Job]) -> tuple[list[Opened], list[events.Event]]:
        """Make the answers of the last wave and the intents of this one durable, in one go.

        Gives what may be sent now, none of the wave if its intents could not be recorded, and
        what there is to tell.
        """
        opened = self._opened(wave)
        intents = [
            Transition(*job.change.key, attempt.number, attempt.events[-1], opens=attempt)
            for job, attempt in opened
        ]
        told = self._unlisted(opened)
        answers = self._in_order() if self._answers or intents else []
        if not answers and not intents:
            return [], told
        transitions = [*answers, *intents]
        try:
            mark = self._checkpoint if intents else None
            self._session.record(transitions, mark and mark(self._session.lockfile))
        except LostRace:
            opened, transitions = [], self._record_alone(answers)
        except LockError as problem:
            self._result.stop("the lockfile can't be written", problem)
            opened, transitions = [], self._record_alone(answers)
        else:
            self._checkpoint = None if intents else self._checkpoint
        if answers:
            self._answers, self._words = [], []
        self._result.opened += [(*job.change.key, attempt.number) for job, attempt in opened]
        return opened, told + self._moves(transitions)

    def record_the_rest(self) -> list[events.Event]:
        """Record whatever is left, words too; give what there is to tell."""
        self._answers, self._words = self._in_order(), []
        return self.record([])[1]

    def close(self) -> None:
        """Leave what isn't recorded in the result."""
        self._result.unrecorded += self._in_order()
        self._answers, self._words = [], []

    def _in_order(self) -> list[Transition]:
        """Everything to record of what was seen, each attempt's in the order of its life."""
        starts = [each for each in self._answers if each.event.to not in FINAL]
        finals = [each for each in self._answers if each.event.to in FINAL]
        return [*starts, *self._words, *finals]

    def _moves(self, transitions: Sequence[Transition]) -> list[events.Event]:
        keys = dict.fromkeys(transition.key for transition in transitions)
        known = self._session.lockfile.attempts
        return [events.Moved(env, run, known(env, run)[number - 1]) for env, run, number in keys]

    def _record_alone(self, answers: list[Transition]) -> list[Transition]:
        """Record without new intents; what can't be stored is handed on for rescue."""
        try:
            self._session.record(answers)
        except LockError as problem:
            self._result.stop("the lockfile can't be written", problem)
            self.is_unwritable = True
            # One that contradicts the lockfile may be what the others suffer for. Where it can't
            # be written at all, each further try would only put off the rescue.
            contradicts = problem.reason in ("lock_conflict", "lock")
            if contradicts and len(answers) > 1 and not self._options.stop():
                return [each for each in answers if self._is_recorded(each)]
            self._result.unrecorded += answers
            return []
        return answers

    def _is_recorded(self, transition: Transition) -> bool:
        try:
            self._session.record([transition])
        except LockError:
            self._result.unrecorded.append(transition)
            return False
        return True

    # --- opening attempts ------------------------------------------------------------

    def _opened(self, wave: list[Job]) -> list[Opened]:
        """Open the wave's attempts, none where what was there before them can't be listed.

        That ends the launching, not the recording: answers of the last wave may be waiting.
        """
        opened = list[Opened]()
        first = self._result.opened[0] if self._result.opened else None
        try:
            for job in wave:
                opened.append((job, self._attempt(job, first)))
                first = first or (*job.change.key, opened[0][1].number)
        except UnreachableError as problem:
            unlisted = UnreachableError(
                problem.message,
                where=wave[0].name,
                not_done="It wasn't sent, nor was any run after it.",
                hint=problem.hint,
                reason=problem.reason,
            )
            self._result.stop("what ran before it can't be listed", unlisted)
            return []
        return opened

    def _attempt(self, job: Job, first: AttemptKey | None) -> Attempt:
        """Open the attempt: from here on this process alone may send it, until its lease ends.

        `first` is the apply's first one, None where this is it.
        """
        now = self._clock.now()
        extra: dict[str, Any] = {
            "by": dict(self._options.author),
            "leaseUntil": stamp(now + timedelta(seconds=LEASE)),
        }
        before = self._known(str(job.facts["workflowId"]))
        if before is not None:
            extra["executionsBefore"] = list(before)
        if self._qualys.skew is None:
            extra["clockUnknown"] = True
        elif abs(self._qualys.skew) >= 2:
            extra["clockSkew"] = round(self._qualys.skew)
        extra |= for_intent(self._circumstances, first)
        return Attempt(
            number=len(self._session.lockfile.attempts(*job.change.key)) + 1,
            state=State.INTENT,
            digest=job.digest,
            events=(Event(stamp(now), State.INTENT, extra),),
            facts=job.facts,
        )

    @property
    def _circumstances(self) -> dict[str, Any]:
        """What is known of the whole apply; Qualys' clock comes in whole seconds."""
        skew = self._qualys.skew
        clock = {} if skew is None else {"clockSkew": round(skew)}
        return {**self._options.circumstances, **clock}

    def _unlisted(self, opened: list[Opened]) -> list[events.Event]:
        """Say once that a lost answer would be a person's to settle."""
        hidden = any("executionsBefore" not in attempt.events[-1].extra for _, attempt in opened)
        if not hidden or self._told:
            return []
        self._told = True
        said = (
            "Qualys doesn't list a workflow's executions, or not all, so a run whose answer is "
            "lost can't be looked up: a person would have to. The role of these credentials may "
            "lack the right to view them."
        )
        return [events.Said(said)]
