"""Send what is due, wave by wave, and wait: intent recorded, POST, answer recorded.

One thread, the caller's, decides and records; others only wait for the network. So at most
`concurrency` runs are ever between their intent and their answer, and each step is durable
before the next one begins. Where other processes write the lockfile as well, every write may
show what they did meanwhile: then what is still due is decided again before anything more
is sent.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from qflow_gitops.apply import events
from qflow_gitops.apply.brakes import Brake
from qflow_gitops.apply.polling import Poll, Watch, Watching, watch_of
from qflow_gitops.apply.workers import Background
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import moment, stamp
from qflow_gitops.errors import AuthError, LockError, QflowError, UnreachableError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint
from qflow_gitops.lockfile.states import FINAL, State
from qflow_gitops.plan.change import Change, Reason
from qflow_gitops.ports.clock import Clock, StopSignal
from qflow_gitops.ports.lockfile import LockSession, LostRace
from qflow_gitops.ports.qualys import Answer, AnswerKind, Qualys

SEND_WITHIN = 120.0  # seconds from the intent to the POST; later, the attempt is given up unsent
LEASE = 360.0
"""Seconds from the intent in which only its owner settles it: the time to send, a token and
two requests at their deadlines, and a minute for clocks that differ."""
FOR_THE_RECORD = 3.0
"""Seconds of those left, once a person asked to stop, in which no more answers are waited for."""
DOUBTS_IN_A_ROW = 3  # so many unclear answers one after another end the launching

_BAD = frozenset({State.FAILED, State.CANCELLED, State.ENDED, State.REFUSED})


@dataclass(frozen=True, slots=True)
class Job:
    """A run that is to be sent: the decision, and what its attempt records."""

    change: Change
    digest: str
    facts: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """How to launch. `timeout` is in seconds.

    `brake` tells what keeps runs from being sent now, None for nothing; several threads ask it.
    `author` is who does it, as the lockfile says it. `still_due` decides again on top of a
    newer record; it raises QflowError where nothing may be sent any more. `before` gives the
    executions of a workflow that were there already, None where they can't be listed. `mark`
    gives what the first write adds to a lockfile: how far the environment was worked on, and
    whose names were carried over.
    """

    concurrency: int
    wait: bool
    timeout: float
    stop_on_failure: bool
    statuses: Mapping[str, str]
    stop: StopSignal
    brake: Callable[[], Brake | None]
    author: Mapping[str, str]
    still_due: Callable[[Lockfile], frozenset[RunKey]]
    before: Callable[[str], Sequence[str] | None]
    mark: Callable[[Lockfile], Checkpoint] | None = None


@dataclass(slots=True)
class Result:
    """What a launch came to; filled while it works.

    `opened` are the attempts that it made: (environment, run, number). `elsewhere` are the
    runs that another process took over meanwhile. `way_on` is what lets the rest start, ""
    where the next apply does.
    """

    opened: list[tuple[str, str, int]] = field(default_factory=list)
    elsewhere: list[Job] = field(default_factory=list)
    not_started: list[Job] = field(default_factory=list)
    why_stopped: str = ""
    stopped_by: Reason = Reason.STOPPED
    way_on: str = ""
    problems: list[QflowError] = field(default_factory=list)
    unrecorded: list[Transition] = field(default_factory=list)


_Sent = tuple[Job, Attempt]


class Launch:
    """One launch: `run()` yields events until everything that may be done is done."""

    def __init__(
        self,
        jobs: Sequence[Job],
        watches: Sequence[Watch],
        terms: LaunchOptions,
        session: LockSession,
        qualys: Qualys,
        clock: Clock,
    ) -> None:
        """Take the work and the edges; nothing happens before `run()`."""
        self._pending = deque(jobs)
        self._terms = terms
        self._mark = terms.mark if jobs else None
        self._generation = session.generation
        self._session = session
        self._qualys = qualys
        self._clock = clock
        self._begun = clock.monotonic()
        self._sending: dict[RunKey, Attempt] = {}
        self._braked: dict[RunKey, Brake] = {}  # kept back after their intent, by any thread
        self._watching = Watching(qualys, terms.statuses, clock)
        for watch in watches if terms.wait else ():
            self._watching.add(watch, new=False)
        self._buffer: list[Transition] = []
        self._unhurried: list[Transition] = []  # status words: recorded along with what matters
        self._first_answer = self._begun
        self._unwritable = False
        self._told = False
        self._doubts = 0
        self._finished = 0
        self._background: Background[_Sent | Poll] = Background()
        self.result = Result()

    def run(self) -> Iterator[events.Event]:
        """Work until nothing is left, a person stops it, or the time is over.

        Whatever ends it, `result.unrecorded` then holds what was seen and isn't recorded.
        """
        try:
            yield from self._work()
        finally:
            with contextlib.suppress(Exception):  # what is being raised is what is to be seen
                self._take_what_is_there()
            self._background.close()
            self.result.unrecorded += self._answers()
            self._buffer, self._unhurried = [], []

    def _work(self) -> Iterator[events.Event]:
        while True:
            yield from self._look_for_brakes()
            if not self._is_gathering():
                sent, told = self._record(self._next_wave())
                for job, attempt in sent:
                    (self._hold_back if self._terms.stop() else self._start_post)(job, attempt)
                yield from told  # after the sending, which need not wait for a terminal
            self._start_polls()
            if self._is_over():
                break
            self._collect()
            yield self._tick()
        self._take_what_is_there()
        self._buffer, self._unhurried = self._answers(), []
        yield from self._record([])[1]
        self.result.not_started = list(self._pending)

    def _is_gathering(self) -> bool:
        """Whether a write waits a moment for the other answers of its wave: it isn't cheap."""
        if not self._sending:
            return False
        if (
            self._terms.stop() and self._session.batch_delay
        ):  # there is time for one write, not for two
            return self._terms.stop.left() >= FOR_THE_RECORD
        return self._clock.monotonic() - self._first_answer < self._session.batch_delay

    # --- deciding --------------------------------------------------------------------

    def _stop(self, why: str, problem: QflowError | None = None) -> None:
        if not self.result.why_stopped:
            self.result.why_stopped = why
        if problem:
            self.result.problems.append(problem)

    def _stop_by(self, brake: Brake) -> None:
        if not self.result.why_stopped:
            self.result.stopped_by, self.result.why_stopped, self.result.way_on = brake

    def _look_for_brakes(self) -> Iterator[events.Event]:
        """Stop where something says so; a brake is told at once, as executions may take long."""
        if self._terms.stop():
            self._stop("it was interrupted")
        if self._pending and not self.result.why_stopped and (brake := self._terms.brake()):
            self._stop_by(brake)
            yield events.Said(f"Nothing more is started: {brake.why}.")
        if self._elapsed() > self._terms.timeout:
            self._stop("the time given with --timeout is over")

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._begun

    def _next_wave(self) -> list[Job]:
        self._decide_again()
        if self.result.why_stopped:
            return []
        busy = len(self._sending) + self._watching.places
        free = max(0, self._terms.concurrency - busy)
        return [self._pending.popleft() for _ in range(min(free, len(self._pending)))]

    def _decide_again(self) -> None:
        """Leave out what another process' writes, which were taken in, made not due."""
        if self._generation == self._session.generation:
            return
        self._generation = self._session.generation
        if not self._pending:
            return
        try:
            due = self._terms.still_due(self._session.lockfile)
        except QflowError as problem:
            self._stop("the lockfile has moved on", problem)
            return
        self.result.elsewhere += [job for job in self._pending if job.change.key not in due]
        self._pending = deque(job for job in self._pending if job.change.key in due)

    def _is_over(self) -> bool:
        if self._sending:
            return self._terms.stop.left() < FOR_THE_RECORD
        if self._buffer or (self._pending and not self.result.why_stopped):
            return False
        if self._unwritable:
            return True  # nothing that is seen from here on could be recorded
        return not self._watching or self._terms.stop() or self._is_late()

    def _is_late(self) -> bool:
        return self._elapsed() > self._terms.timeout

    # --- the lockfile ------------------------------------------------------------------

    def _record(self, wave: list[Job]) -> tuple[list[_Sent], list[events.Event]]:
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
        answers = self._answers() if self._buffer or intents else []
        if not answers and not intents:
            return [], told
        transitions = [*answers, *intents]
        try:
            marked = self._mark if intents else None
            self._session.record(transitions, marked and marked(self._session.lockfile))
        except LostRace:
            opened, transitions = self._given_back(wave), self._record_alone(answers)
        except LockError as problem:
            self._stop("the lockfile can't be written", problem)
            opened, transitions = self._given_back(wave), self._record_alone(answers)
        else:
            self._mark = None if intents else self._mark
        if answers:
            self._buffer, self._unhurried = [], []
        self.result.opened += [(*job.change.key, attempt.number) for job, attempt in opened]
        return opened, told + self._moves(transitions)

    def _moves(self, transitions: Sequence[Transition]) -> list[events.Event]:
        keys = dict.fromkeys(transition.key for transition in transitions)
        known = self._session.lockfile.attempts
        return [events.Moved(env, run, known(env, run)[number - 1]) for env, run, number in keys]

    def _answers(self) -> list[Transition]:
        """Everything to record of what was seen, each attempt's in the order of its life."""
        starts = [transition for transition in self._buffer if transition.event.to not in FINAL]
        finals = [transition for transition in self._buffer if transition.event.to in FINAL]
        return [*starts, *self._unhurried, *finals]

    def _opened(self, wave: list[Job]) -> list[_Sent]:
        """Open the wave's attempts, none where what was there before them can't be listed.

        That ends the launching, not the recording: answers of the last wave may be waiting.
        """
        try:
            return [(job, self._attempt(job)) for job in wave]
        except UnreachableError as problem:
            who = f"{wave[0].change.environment}/{wave[0].change.name}"
            problem2 = UnreachableError(
                problem.message,
                where=who,
                not_done="It was not sent, nor was any after it.",
                hint=problem.hint,
                reason=problem.reason,
            )
            self._stop("what ran before it can't be listed", problem2)
            return self._given_back(wave)

    def _unlisted(self, opened: list[_Sent]) -> list[events.Event]:
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

    def _given_back(self, wave: list[Job]) -> list[_Sent]:
        self._pending.extendleft(reversed(wave))
        return []

    def _record_alone(self, answers: list[Transition]) -> list[Transition]:
        """Record without new intents; what can't be stored is handed on for rescue."""
        try:
            self._session.record(answers)
        except LockError as problem:
            self._stop("the lockfile can't be written", problem)
            self._unwritable = True
            # One that contradicts the lockfile may be what the others suffer for. Where it can't
            # be written at all, each further try would only put off the rescue.
            contradicts = problem.reason in ("lock_conflict", "lock")
            if contradicts and len(answers) > 1 and not self._terms.stop():
                return [transition for transition in answers if self._recorded(transition)]
            self.result.unrecorded += answers
            return []
        return answers

    def _recorded(self, transition: Transition) -> bool:
        try:
            self._session.record([transition])
        except LockError:
            self.result.unrecorded.append(transition)
            return False
        return True

    def _attempt(self, job: Job) -> Attempt:
        """Open the attempt: from here on this process alone may send it, until its lease ends."""
        now = self._clock.now()
        extra: dict[str, Any] = {
            "by": dict(self._terms.author),
            "leaseUntil": stamp(now + timedelta(seconds=LEASE)),
        }
        before = self._terms.before(str(job.facts["workflowId"]))
        if before is not None:
            extra["executionsBefore"] = list(before)
        if self._qualys.skew is None:
            extra["clockUnknown"] = True
        elif abs(self._qualys.skew) >= 2:
            extra["clockSkew"] = round(self._qualys.skew)
        return Attempt(
            number=len(self._session.lockfile.attempts(*job.change.key)) + 1,
            state=State.INTENT,
            digest=job.digest,
            events=(Event(stamp(now), State.INTENT, extra),),
            facts=job.facts,
        )

    # --- the network -----------------------------------------------------------------

    def _start_post(self, job: Job, attempt: Attempt) -> None:
        self._sending[job.change.key] = attempt
        may_send = self._time_to_send(job.change.key, attempt)
        post = partial(self._qualys.run, attempt.fact("workflowId"), job.body, may_send)
        self._background.do((job, attempt), post)

    def _hold_back(self, job: Job, attempt: Attempt) -> None:
        """Its intent was being recorded when a person asked to stop: say that it was not sent."""
        extra = {"detail": "The apply was interrupted before it was sent."}
        self._push(job.change, attempt.number, State.UNSENT, extra, "")
        self._finished += 1

    def _time_to_send(self, key: RunKey, attempt: Attempt) -> Callable[[], bool]:
        """Say until when it may be sent: counted from its intent, however long that took to record.

        By two clocks: one may be set back, and the other stands while a machine sleeps. And never
        while a brake holds: it may have waited for a token or a rate limit.
        """
        end = moment(attempt.opened_at) + timedelta(seconds=SEND_WITHIN)
        left = (end - self._clock.now()).total_seconds()
        last = self._clock.monotonic() + min(left, SEND_WITHIN)

        def may_send() -> bool:
            late = self._clock.now() > end or self._clock.monotonic() > last
            if late or self._terms.stop():
                return False
            brake = self._terms.brake()
            if brake is not None:
                self._braked[key] = brake
            return brake is None

        return may_send

    def _start_polls(self) -> None:
        for poll in self._watching.take_due(self._terms.concurrency):
            self._background.do(poll, partial(self._watching.look, poll))

    def _collect(self) -> None:
        """Wait for the next answer, and take every other one that is there."""
        for owner, answer in self._background.done(self._patience()):
            self._take(owner, answer)

    def _take_what_is_there(self) -> None:
        for owner, answer in self._background.done(0.0):
            self._take(owner, answer)

    def _patience(self) -> float:
        if not self._sending and self._generation != self._session.generation:
            return 0.0  # a lost race: what was read just now gets old with every moment
        return min(0.25, max(0.005, self._watching.next_due(0.25)))

    def _take(self, owner: _Sent | Poll, answer: Any) -> None:
        if isinstance(owner, Poll):
            self._looked(owner, answer)
            return
        del self._sending[owner[0].change.key]
        if not self._buffer:
            self._first_answer = self._clock.monotonic()
        if not isinstance(answer, Answer):
            answer = Answer(AnswerKind.UNCLEAR, detail=f"A bug: {type(answer).__name__}.")
        self._answered(*owner, answer)

    # --- what an answer means --------------------------------------------------------

    def _answered(self, job: Job, attempt: Attempt, answer: Answer) -> None:
        if answer.kind is AnswerKind.ACCEPTED and self._is_owned(answer.execution_id):
            answer = Answer(
                AnswerKind.UNCLEAR,
                http_status=answer.http_status,
                detail=f"Qualys answered with the execution {answer.execution_id}, "
                "which another attempt owns.",
            )
        self._doubts = self._doubts + 1 if answer.kind is AnswerKind.UNCLEAR else 0
        extra: dict[str, Any] = {}
        if answer.http_status is not None:
            extra["httpStatus"] = answer.http_status
        if answer.detail:
            extra["detail"] = answer.detail
        brake = self._braked.pop(job.change.key, None)
        if brake is not None and answer.kind is AnswerKind.UNSENT:
            extra |= {"detail": f"Not sent: {brake.why}.", "hold": brake.reason.value}
        state = _STATES[answer.kind]
        self._push(job.change, attempt.number, state, extra, answer.execution_id)
        if answer.kind is AnswerKind.ACCEPTED:
            watch = watch_of(*job.change.key, attempt, answer.execution_id)
            if self._terms.wait:
                self._watching.add(watch, new=True)
            else:
                self._finished += 1
            return
        self._finished += 1
        if "hold" in extra and brake is not None:
            self._stop_by(brake)
        else:
            self._after_no(job, answer)

    def _is_owned(self, execution_id: str) -> bool:
        mine = any(
            transition.execution_id.lower() == execution_id.lower() for transition in self._buffer
        )
        return mine or self._session.lockfile.owner(execution_id) is not None

    def _after_no(self, job: Job, answer: Answer) -> None:
        """Decide what a run that wasn't accepted means for those after it."""
        who = f"{job.change.environment}/{job.change.name}"
        if answer.kind is AnswerKind.REFUSED and answer.http_status in (401, 403):
            problem = AuthError(answer.detail, where=who, not_done="No further run was started.")
            self._stop(f"Qualys refused {who}", problem)
        elif answer.kind is AnswerKind.REFUSED and self._terms.stop_on_failure:
            self._stop(f"Qualys refused {who}")
        elif answer.kind is AnswerKind.UNSENT:
            problem2 = UnreachableError(
                answer.detail, where=who, not_done="It was not sent, nor was any after it."
            )
            self._stop(f"{who} could not be sent", problem2)
        elif self._doubts >= DOUBTS_IN_A_ROW:
            self._stop(f"{self._doubts} runs one after another are in doubt")

    def _looked(self, poll: Poll, seen: Any) -> None:
        try:
            found = self._watching.took(poll, seen)
        except AuthError as problem:
            self._stop("Qualys refuses to show executions", problem)
            return
        if found is None:
            return
        state = found.event.to
        if state is State.RUNNING:
            # A write for each word would cost a push each; it is only a word.
            self._unhurried.append(found)
            return
        self._buffer.append(found)
        self._finished += 1
        if state in _BAD and self._terms.stop_on_failure:
            self._stop(f"{poll.watch.environment}/{poll.watch.name} {state}")

    def _push(
        self, change: Change, number: int, state: State, extra: dict[str, Any], execution: str
    ) -> None:
        event = Event(stamp(self._clock.now()), state, extra)
        self._buffer.append(Transition(*change.key, number, event, execution_id=execution))

    def _tick(self) -> events.Tick:
        return events.Tick(
            len(self._pending),
            len(self._sending),
            len(self._watching),
            self._finished,
            self._elapsed(),
        )


_STATES = {
    AnswerKind.ACCEPTED: State.ACCEPTED,
    AnswerKind.REFUSED: State.REFUSED,
    AnswerKind.UNSENT: State.UNSENT,
    AnswerKind.UNCLEAR: State.IN_DOUBT,
}
