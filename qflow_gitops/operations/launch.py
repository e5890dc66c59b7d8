"""Send what is due, wave by wave, and wait: intent on disk, POST, answer on disk.

One thread, the caller's, decides and records; others only wait for the network. So at most
`concurrency` runs are ever between their intent and their answer, and each step is durable
before the next one begins.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qflow_gitops.errors import AuthError, LockError, QflowError, UnreachableError
from qflow_gitops.interfaces import (
    Answer,
    AnswerKind,
    Clock,
    Execution,
    LockSession,
    Qualys,
    StopSignal,
)
from qflow_gitops.lockfile import Attempt, Event, State, Transition
from qflow_gitops.operations import events
from qflow_gitops.plan import Change

SEND_WITHIN = 120.0  # seconds from the intent to the POST; later, the attempt is given up unsent
GRACE = 5.0  # seconds that answers may take once a person asked to stop
FIRST_POLL, POLL_FACTOR, LAST_POLL = 0.5, 1.5, 15.0  # seconds between looks at an execution
DOUBTS_IN_A_ROW = 3  # so many unclear answers one after another end the launching

_FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.ENDED})
_BAD = frozenset({State.FAILED, State.CANCELLED, State.ENDED, State.REFUSED})


@dataclass(frozen=True, slots=True)
class Job:
    """A run that is to be sent: the decision, its attempt as an intent, and the body."""

    change: Change
    attempt: Attempt
    body: bytes


@dataclass(frozen=True, slots=True)
class Watch:
    """An execution to wait for. `environment` and `name` say whose it is."""

    environment: str
    name: str
    number: int
    execution_id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How to launch. `timeout` in seconds; `freeze` gives the reason of a freeze, "" for none."""

    concurrency: int
    wait: bool
    timeout: float
    stop_on_failure: bool
    statuses: Mapping[str, State]
    stop: StopSignal
    freeze: Callable[[], str]


@dataclass(slots=True)
class Result:
    """What a launch came to; filled while it works."""

    not_started: list[Job] = field(default_factory=list)
    why_stopped: str = ""
    problems: list[QflowError] = field(default_factory=list)
    unrecorded: list[Transition] = field(default_factory=list)


@dataclass(slots=True)
class _Poll:
    watch: Watch
    due: float
    delay: float = FIRST_POLL
    takes_place: bool = True  # False for what another apply began
    asked: bool = False
    shown: str = ""


class Launch:
    """One launch: `run()` yields events until everything that may be done is done."""

    def __init__(
        self,
        jobs: Sequence[Job],
        watches: Sequence[Watch],
        terms: Terms,
        session: LockSession,
        qualys: Qualys,
        clock: Clock,
    ) -> None:
        """Take the work and the edges; nothing happens before `run()`."""
        self._pending = deque(jobs)
        self._terms = terms
        self._session = session
        self._qualys = qualys
        self._clock = clock
        self._begun = clock.monotonic()
        self._sending: dict[tuple[str, str], Job] = {}
        earlier = watches if terms.wait else ()
        self._polls = [_Poll(one, self._begun, takes_place=False) for one in earlier]
        self._owned = {
            attempt.execution_id
            for record in session.lockfile.environments.values()
            for attempts in record.runs.values()
            for attempt in attempts
        } - {""}
        self._buffer: list[Transition] = []
        self._doubts = 0
        self._finished = 0
        self._done: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self._stopped_at: float | None = None
        self.result = Result()

    def run(self) -> Iterator[events.Event]:
        """Work until nothing is left, a person stops it, or the time is over."""
        while True:
            self._look_for_brakes()
            wave = self._next_wave()
            yield from self._record(wave)
            for job in wave:
                self._start_post(job)
            self._start_polls()
            if self._is_over():
                break
            self._collect()
            yield self._tick()
        yield from self._record([])
        self.result.not_started = list(self._pending)

    # --- deciding --------------------------------------------------------------------

    def _stop(self, why: str, problem: QflowError | None = None) -> None:
        self.result.why_stopped = self.result.why_stopped or why
        if problem:
            self.result.problems.append(problem)

    def _look_for_brakes(self) -> None:
        if self._terms.stop() and self._stopped_at is None:
            self._stopped_at = self._clock.monotonic()
            self._stop("it was interrupted")
        if self._pending and (reason := self._terms.freeze()):
            self._stop(f"QFLOW_FREEZE is set: {reason}")
        if self._elapsed() > self._terms.timeout:
            self._stop("the time given with --timeout is over")

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._begun

    def _next_wave(self) -> list[Job]:
        if self.result.why_stopped:
            return []
        busy = len(self._sending) + sum(poll.takes_place for poll in self._polls)
        free = max(0, self._terms.concurrency - busy)
        return [self._pending.popleft() for _ in range(min(free, len(self._pending)))]

    def _is_over(self) -> bool:
        if self._sending:
            late = self._stopped_at and self._clock.monotonic() - self._stopped_at > GRACE
            return bool(late)
        if self._buffer or (self._pending and not self.result.why_stopped):
            return False
        return not self._polls or self._stopped_at is not None or self._is_late()

    def _is_late(self) -> bool:
        return self._elapsed() > self._terms.timeout

    # --- the record ------------------------------------------------------------------

    def _record(self, wave: list[Job]) -> Iterator[events.Event]:
        """Make the answers of the last wave and the intents of this one durable, in one go."""
        intents = [
            Transition(
                job.change.environment,
                job.change.name,
                job.attempt.number,
                job.attempt.events[-1],
                opens=job.attempt,
            )
            for job in wave
        ]
        transitions = [*self._buffer, *intents]
        if not transitions:
            return
        try:
            self._session.record(transitions)
        except LockError as problem:
            self._stop("the record can't be written", problem)
            self._pending.extendleft(reversed(wave))
            wave.clear()
            transitions = self._record_answers_alone()
        self._buffer = []
        for one in transitions:
            attempt = self._session.lockfile.attempts(one.environment, one.run)[one.number - 1]
            yield events.Moved(one.environment, one.run, attempt)

    def _record_answers_alone(self) -> list[Transition]:
        """Try once more without new intents; what can't be stored is handed on for rescue."""
        try:
            self._session.record(self._buffer)
        except LockError:
            self.result.unrecorded += self._buffer
            return []
        return self._buffer

    # --- the network -----------------------------------------------------------------

    def _start_post(self, job: Job) -> None:
        self._sending[job.change.key] = job
        deadline = self._clock.monotonic() + SEND_WITHIN

        def post() -> Answer:
            if self._clock.monotonic() > deadline:
                return Answer(AnswerKind.UNSENT, detail="Too long after its intent: not sent.")
            return self._qualys.run(job.attempt.fact("workflowId"), job.body)

        self._in_background(job, post)

    def _start_polls(self) -> None:
        now = self._clock.monotonic()
        asked = sum(poll.asked for poll in self._polls)
        for poll in self._polls:
            if not poll.asked and poll.due <= now and asked < self._terms.concurrency:
                poll.asked = True
                asked += 1
                self._in_background(poll, partial(self._look, poll.watch))

    def _look(self, watch: Watch) -> Execution | QflowError | None:
        try:
            return self._qualys.execution(watch.execution_id)
        except QflowError as problem:
            return problem

    def _in_background(self, owner: Job | _Poll, work: Callable[[], Any]) -> None:
        def target() -> None:
            try:
                self._done.put((owner, work()))
            except BaseException as problem:  # noqa: BLE001  a thread's exception must not vanish
                self._done.put((owner, problem))

        threading.Thread(target=target, daemon=True).start()

    def _collect(self) -> None:
        """Wait for the next answer, and take every other one that is there."""
        try:
            self._take(*self._done.get(timeout=self._patience()))
            while True:
                self._take(*self._done.get_nowait())
        except queue.Empty:
            return

    def _patience(self) -> float:
        now = self._clock.monotonic()
        nearest = min((poll.due - now for poll in self._polls if not poll.asked), default=0.25)
        return min(0.25, max(0.005, nearest))

    def _take(self, owner: Job | _Poll, answer: Any) -> None:
        if isinstance(owner, Job):
            del self._sending[owner.change.key]
            if not isinstance(answer, Answer):
                answer = Answer(AnswerKind.UNCLEAR, detail=f"A bug: {type(answer).__name__}.")
            self._answered(owner, answer)
        else:
            owner.asked = False
            self._looked(owner, answer)

    # --- what an answer means --------------------------------------------------------

    def _answered(self, job: Job, answer: Answer) -> None:
        if answer.kind is AnswerKind.ACCEPTED and answer.execution_id in self._owned:
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
        state = _STATES[answer.kind]
        self._push(job.change, job.attempt.number, state, extra, answer.execution_id)
        if answer.kind is AnswerKind.ACCEPTED:
            self._owned.add(answer.execution_id)
            watch = Watch(*job.change.key, job.attempt.number, answer.execution_id)
            if self._terms.wait:
                self._polls.append(_Poll(watch, self._clock.monotonic() + FIRST_POLL))
            else:
                self._finished += 1
            return
        self._finished += 1
        self._after_no(job, answer)

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

    def _looked(self, poll: _Poll, seen: Any) -> None:
        poll.delay = min(LAST_POLL, poll.delay * POLL_FACTOR)
        poll.due = self._clock.monotonic() + poll.delay
        if isinstance(seen, AuthError):
            self._polls.clear()
            self._stop("Qualys refuses to show executions", seen)
        if not isinstance(seen, Execution):
            return  # not shown yet, or not reachable now: the next look may tell
        state = state_of(seen, self._terms.statuses)
        if state is State.RUNNING and poll.shown == seen.status:
            return
        poll.shown = seen.status
        watch = poll.watch
        key = (watch.environment, watch.name)
        self._buffer.append(
            Transition(
                *key, watch.number, Event(self._now(), state, _word(seen)), status=seen.status
            )
        )
        if state in _FINAL:
            self._polls.remove(poll)
            self._finished += 1
            if state in _BAD and self._terms.stop_on_failure:
                self._stop(f"{watch.environment}/{watch.name} {state}")

    def _push(
        self, change: Change, number: int, state: State, extra: dict[str, Any], execution: str
    ) -> None:
        event = Event(self._now(), state, extra)
        self._buffer.append(Transition(*change.key, number, event, execution_id=execution))

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _tick(self) -> events.Tick:
        return events.Tick(
            len(self._pending),
            len(self._sending),
            len(self._polls),
            self._finished,
            self._elapsed(),
        )


_STATES = {
    AnswerKind.ACCEPTED: State.ACCEPTED,
    AnswerKind.REFUSED: State.REFUSED,
    AnswerKind.UNSENT: State.UNSENT,
    AnswerKind.UNCLEAR: State.IN_DOUBT,
}


def state_of(execution: Execution, statuses: Mapping[str, State]) -> State:
    """Say what an execution's status word and end date mean.

    A word that neither Qualys' documentation nor the settings explain is never success: the
    execution is `running` until it shows an end date, then `ended`.
    """
    known = statuses.get(execution.status.lower())
    if known is not None:
        return known
    return State.ENDED if execution.ended else State.RUNNING


def _word(execution: Execution) -> dict[str, Any]:
    return {"status": execution.status} if execution.status else {}
