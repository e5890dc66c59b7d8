"""Send what is due, wave by wave, and wait: intent recorded, POST, answer recorded.

One thread, the caller's, decides and records; others only wait for the network. So at most
`concurrency` runs are ever between their intent and their answer, and each step is durable
before the next one begins. Where other processes write the lockfile as well, every write may
show what they did meanwhile: then what is still due is decided again before anything more
is sent.
"""

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from qflow_gitops.apply import events
from qflow_gitops.apply.brakes import Brakes
from qflow_gitops.apply.job import Job, LaunchOptions, LaunchResult, Opened
from qflow_gitops.apply.known_executions import KnownExecutions
from qflow_gitops.apply.polling import Poll, Watch, Watching, watch_of
from qflow_gitops.apply.recorder import Recorder
from qflow_gitops.apply.replanning import Agreed
from qflow_gitops.apply.workers import Background
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import AuthError, QflowError
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.ports.qualys import Answer, AnswerKind, Qualys

FOR_THE_RECORD = 3.0
"""Seconds of those left, once a person asked to stop, in which no more answers are waited for."""

_BAD = frozenset({State.FAILED, State.CANCELLED, State.ENDED, State.REFUSED})
_STATES = {
    AnswerKind.ACCEPTED: State.ACCEPTED,
    AnswerKind.REFUSED: State.REFUSED,
    AnswerKind.UNSENT: State.UNSENT,
    AnswerKind.UNCLEAR: State.IN_DOUBT,
}


class Launch:
    """One launch: `run()` yields events until everything that may be done is done."""

    def __init__(
        self,
        jobs: Sequence[Job],
        watches: Sequence[Watch],
        options: LaunchOptions,
        agreed: Agreed,
        session: LockSession,
        qualys: Qualys,
        clock: Clock,
        result: LaunchResult | None = None,
    ) -> None:
        """Take the work and the edges; nothing happens before `run()`.

        `result` is that of a launch before, which this one adds to.
        """
        self.result = result or LaunchResult()
        self._pending = deque(jobs)
        self._options = options
        self._agreed = agreed
        self._session = session
        self._generation = session.generation
        self._qualys = qualys
        known = KnownExecutions.before(jobs, qualys, clock, options.concurrency)
        checkpoint = agreed.checkpoint if jobs else None
        self._recorder = Recorder(session, options, checkpoint, known, qualys, clock, self.result)
        brake = partial(agreed.brake, session)
        self._brakes = Brakes(options, brake, clock, self.result, agreed.moved)
        self._sending: dict[RunKey, Attempt] = {}
        self._watching = Watching(qualys, options.statuses, clock)
        for watch in watches if options.wait else ():
            self._watching.add(watch, new=False)
        self._finished = 0
        self._is_in_question = False  # a rollout, by what became of one of its runs
        self._background: Background[Opened | Poll] = Background()

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
            self._recorder.close()

    def _work(self) -> Iterator[events.Event]:
        while True:
            yield from self._brakes.look(waiting=bool(self._pending))
            if not self._is_gathering():
                yield from self._record_what_counts()
                opened, told = self._record(self._next_wave())
                for job, attempt in opened:
                    (self._hold_back if self._options.stop() else self._start_post)(job, attempt)
                yield from told  # after the sending, which need not wait for a terminal
            self._start_polls()
            if self._is_over():
                break
            self._collect()
            yield self._tick()
        self._take_what_is_there()
        yield from self._recorder.record_the_rest()
        self.result.not_started = list(self._pending)

    # --- deciding --------------------------------------------------------------------

    def _is_gathering(self) -> bool:
        """Whether a write waits a moment for the other answers of its wave: it isn't cheap."""
        if not self._sending:
            return False
        if self._options.stop() and self._session.batch_delay:
            # there is time for one write, not for two
            return self._options.stop.left() >= FOR_THE_RECORD
        return self._recorder.wait_for_more > 0

    def _next_wave(self) -> list[Job]:
        self._decide_again()
        if self.result.why_stopped:
            return []
        busy = len(self._sending) + self._watching.places
        free = max(0, self._options.concurrency - busy)
        wave = [self._pending.popleft() for _ in range(min(free, len(self._pending)))]
        ready, held = self._agreed.with_tickets(wave)
        if self._options.stop():  # it didn't wait for tickets
            self._pending.extendleft(reversed(wave))
            return []
        self.result.held += held
        return ready

    def _record_what_counts(self) -> list[events.Event]:
        """Record first what may stop a rollout: what may be sent next is decided by that."""
        if not (self._is_in_question and self._pending):
            return []
        return self._recorder.record([])[1]

    def _decide_again(self) -> None:
        """Leave out what isn't due any more, by what others wrote or what a rollout came to."""
        if self._generation == self._session.generation and not self._is_in_question:
            return
        mine = self._generation == self._session.generation
        self._generation, self._is_in_question = self._session.generation, False
        if not self._pending:
            return
        try:
            due = self._agreed.still_due(self._session.lockfile)
        except QflowError as problem:
            self.result.stop("the lockfile has moved on", problem)
            return
        gone = [job for job in self._pending if job.change.key not in due]
        for job in gone:
            own = mine and job.change.key in self._options.rollouts
            (self.result.put_off if own else self.result.elsewhere).append(job)
        self._pending = deque(job for job in self._pending if job.change.key in due)

    def _record(self, wave: list[Job]) -> tuple[list[Opened], list[events.Event]]:
        """Record the answers of the last wave and the intents of this one; one or none of them."""
        opened, told = self._recorder.record(wave)
        if not opened:
            self._pending.extendleft(reversed(wave))
        return opened, told

    def _is_over(self) -> bool:
        if self._sending:
            return self._options.stop.left() < FOR_THE_RECORD
        if self._recorder.waits or (self._pending and not self.result.why_stopped):
            return False
        if self._recorder.is_unwritable:
            return True
        return not self._watching or self._options.stop() or self._brakes.is_late

    # --- the network -----------------------------------------------------------------

    def _start_post(self, job: Job, attempt: Attempt) -> None:
        self._sending[job.change.key] = attempt
        may_send = self._brakes.may_send(job.change.key, attempt)
        post = partial(self._qualys.run, attempt.fact("workflowId"), job.body, may_send)
        self._background.do((job, attempt), post)

    def _hold_back(self, job: Job, attempt: Attempt) -> None:
        """Its intent was being recorded when a person asked to stop: say that it was not sent."""
        extra = {"detail": "The apply was interrupted before it was sent."}
        self._recorder.push(job, attempt.number, State.UNSENT, extra)
        self._finished += 1

    def _start_polls(self) -> None:
        for poll in self._watching.take_due(self._options.concurrency):
            self._background.do(poll, partial(self._watching.look, poll))

    def _collect(self) -> None:
        """Wait for the next answer, and take every other one that is there."""
        for owner, answer in self._background.done(self._time_to_wait()):
            self._take(owner, answer)

    def _take_what_is_there(self) -> None:
        for owner, answer in self._background.done(0.0):
            self._take(owner, answer)

    def _time_to_wait(self) -> float:
        if not self._sending and self._generation != self._session.generation:
            return 0.0  # a lost race: what was read just now gets old with every moment
        return min(0.25, max(0.005, self._watching.next_due(0.25)))

    def _take(self, owner: Opened | Poll, answer: Any) -> None:
        if isinstance(owner, Poll):
            self._looked(owner, answer)
            return
        del self._sending[owner[0].change.key]
        self._recorder.answered()
        if not isinstance(answer, Answer):
            answer = Answer(AnswerKind.UNCLEAR, detail=f"A bug: {type(answer).__name__}.")
        self._answered(*owner, answer)

    # --- what an answer means --------------------------------------------------------

    def _answered(self, job: Job, attempt: Attempt, answer: Answer) -> None:
        if answer.kind is AnswerKind.ACCEPTED and self._recorder.is_owned(answer.execution_id):
            answer = Answer(
                AnswerKind.UNCLEAR,
                http_status=answer.http_status,
                detail=f"Qualys answered with the execution {answer.execution_id}, "
                "which another attempt owns.",
            )
        extra: dict[str, Any] = {}
        if answer.http_status is not None:
            extra["httpStatus"] = answer.http_status
        if answer.detail:
            extra["detail"] = answer.detail
        brake = self._brakes.held_back(job, answer)
        if brake is not None:
            extra |= {"detail": f"Not sent: {brake.why}.", "hold": brake.reason.value}
        state = _STATES[answer.kind]
        self._recorder.push(job, attempt.number, state, extra, answer.execution_id)
        if answer.kind is AnswerKind.ACCEPTED and self._options.wait:
            watch = watch_of(*job.change.key, attempt, answer.execution_id)
            self._watching.add(watch, new=True)
        else:
            self._finished += 1
        if answer.kind is not AnswerKind.ACCEPTED and job.change.key in self._options.rollouts:
            self._is_in_question = True
        self._brakes.heed(job, answer, brake)

    def _looked(self, poll: Poll, seen: Any) -> None:
        try:
            found = self._watching.took(poll, seen)
        except AuthError as problem:
            self.result.stop("Qualys refuses to show executions", problem)
            return
        if found is None:
            return
        self._recorder.saw(found)
        state = found.event.to
        if state is State.RUNNING:
            return
        self._finished += 1
        if state in _BAD and (poll.watch.environment, poll.watch.name) in self._options.rollouts:
            self._is_in_question = True
        elif state in _BAD and self._options.stop_on_failure:
            self.result.stop(f"{poll.watch.environment}/{poll.watch.name} {state}")

    def _tick(self) -> events.Tick:
        return events.Tick(
            len(self._pending),
            len(self._sending),
            len(self._watching),
            self._finished,
            self._brakes.elapsed,
            self._qualys.resting,
        )
