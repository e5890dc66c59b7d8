"""Launch what is due, then what became due by that: batch after batch, one run after another.

Each stage is planned anew on what the lockfile says by then, and sends nothing that the plan which
was agreed to doesn't have.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import timedelta
from functools import partial

from qflow_gitops.apply import events
from qflow_gitops.apply.evidence import evidence_of
from qflow_gitops.apply.job import Job, LaunchOptions, LaunchResult
from qflow_gitops.apply.launch import Launch
from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.planner import Planner
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.polling import Watch, watch_of
from qflow_gitops.apply.prepare import prepare
from qflow_gitops.apply.replanning import Agreed
from qflow_gitops.apply.result import ApplyOutcome, rescued
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.base.names import spec_of
from qflow_gitops.base.times import moment
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change
from qflow_gitops.plan.order import with_rollout
from qflow_gitops.ports.lockfile import LockSession
from qflow_gitops.sources.lockseen import beginning

_NAP = 1.0
"""Seconds of a pause after which it is looked whether a person asks to stop."""


class Stages:
    """The launches of one apply, of all that a plan has due; each adds to the same outcome."""

    def __init__(
        self, planner: Planner, planned: PlannedApply, work: ApplyOutcome, session: LockSession
    ) -> None:
        """Take the plan that was agreed to. Nothing is sent before `run()`."""
        self._planner, self._planned, self._work, self._session = planner, planned, work, session
        self._agreed = Agreed.to(planner, planned)
        self._rollouts = with_rollout(planned.source.specs, planned.context)
        self._begun = planner.services.clock.monotonic()

    def run(self) -> Generator[events.Event, None, None]:
        """Go on until nothing more may be sent, a person stops it, or the time is over."""
        stage, watches = self._planned, self._work.watches
        while True:
            if stage.plan.of(Action.RUN) or watches:
                yield from self._launch(stage, watches)
            elif not (yield from self._pause(stage)):
                return
            if not self._may_go_on():
                return
            sent = frozenset((env, run) for env, run, _ in self._work.result.opened)
            stage, watches = self._agreed.later(self._session, sent), []

    def _may_go_on(self) -> bool:
        """Whether something is left that may become due, and nothing stopped this apply."""
        result, opened = self._work.result, {each[:2] for each in self._work.result.opened}
        over = result.why_stopped or result.problems or result.elsewhere or self._work.lines
        left = any(change.key not in opened for change in self._planned.plan.due)
        waits = self._planned.plan.of(Action.WAIT) or result.put_off
        if self._time_left <= 0:
            return False
        return bool(left and waits and not (over or self._work.unknown or self._services.stop()))

    @property
    def _services(self) -> ApplyServices:
        return self._planner.services

    @property
    def _time_left(self) -> float:
        request, settings = self._planner.request, self._planner.source.project.apply
        timeout = request.timeout if request.timeout is not None else settings.timeout
        return timeout - (self._services.clock.monotonic() - self._begun)

    # --- a pause -----------------------------------------------------------------------

    def _pause(self, stage: PlannedApply) -> Generator[events.Event, None, bool]:
        """Wait until the next batch begins; False where none does within the time that is left."""
        opens = min((each.opens for each in stage.plan.of(Action.WAIT) if each.opens), default="")
        clock = self._services.clock
        if not opens or not self._work.waited:
            return False
        until = moment(opens)
        if (until - clock.now()).total_seconds() > self._time_left:
            return False
        waiting = [each for each in stage.plan.of(Action.WAIT) if each.opens]
        yield events.Said(
            f"A pause until {opens}; after it: {len(waiting)} of {spec_of(waiting[0].key)[1]}."
        )
        done = len(self._work.result.opened)
        while (left := until - clock.now()) > timedelta(0):
            if self._services.stop() or self._time_left < 0:
                return False
            clock.sleep(min(_NAP, left.total_seconds()))
            yield events.Tick(
                len(stage.plan.of(Action.WAIT)), 0, 0, done, clock.monotonic() - self._begun
            )
        return True

    # --- one launch --------------------------------------------------------------------

    def _launch(
        self, stage: PlannedApply, watches: Sequence[Watch]
    ) -> Generator[events.Event, None, None]:
        work, session, source = self._work, self._session, self._planned.source
        qualys, gateway = Gateways(self._services.qualys, source.project).of(source.environment)
        circumstances = self._services.circumstances()  # while a token is on its way
        qualys.connect()
        jobs = list[Job]()
        evidence = partial(evidence_of, self._planner, self._planned, self._planned.plan.digest)
        due = stage.plan.of(Action.RUN)
        for item in prepare(due, stage, qualys, gateway, evidence, self._concurrency):
            if isinstance(item, Job):
                jobs.append(item)
            elif isinstance(item, Change):
                work.unknown = (*work.unknown, item)
            else:
                yield item
        if jobs and session.created and not work.result.opened:
            where, lineage = self._services.store.where, session.lockfile.lineage
            yield events.Said(beginning(where, lineage, source.project))
        options, clock = self._options(circumstances), self._services.clock

        def launch_of(
            jobs: Sequence[Job], watches: Sequence[Watch], result: LaunchResult | None = None
        ) -> Launch:
            return Launch(jobs, watches, options, self._agreed, session, qualys, clock, result)

        opened = len(work.result.opened)
        launch = launch_of(jobs, watches, work.result)
        yield from launch.run()
        rescue(work, self._services, session)
        mine = [
            session.lockfile.attempts(env, run)[n - 1]
            for env, run, n in work.result.opened[opened:]
        ]
        doubt = any(attempt.state is State.IN_DOUBT for attempt in mine)
        if doubt and not (self._services.stop() or work.lines):
            yield from self._look_once(launch_of)

    def _look_once(
        self, launch_of: Callable[[Sequence[Job], Sequence[Watch]], Launch]
    ) -> Generator[events.Event, None, None]:
        """Look for what this apply itself lost sight of, and wait for what is found."""
        result, source = self._work.result, self._planner.source
        reconciler = self._services.reconciler(source.project)
        try:
            result.problems += yield from reconciler.settle(self._session, source.environment)
        except QflowError as problem:
            result.problems.append(problem)
            return
        found = [
            watch_of(env, run, attempt)
            for env, run, number in result.opened
            for attempt in (self._session.lockfile.attempts(env, run)[number - 1],)
            if attempt.state is State.ADOPTED
        ]
        again = launch_of([], found)
        yield from again.run()
        result.problems += again.result.problems
        result.unrecorded += again.result.unrecorded

    @property
    def _concurrency(self) -> int:
        return self._planner.request.concurrency or self._planner.source.project.apply.concurrency

    def _options(self, circumstances: Mapping[str, object]) -> LaunchOptions:
        settings = self._planner.source.project.apply
        return LaunchOptions(
            concurrency=self._concurrency,
            wait=self._work.waited,
            timeout=self._time_left,
            stop_on_failure=settings.stop_on_failure,
            statuses=self._planner.source.project.statuses,
            stop=self._services.stop,
            author=self._services.author,
            rollouts=self._rollouts,
            circumstances=circumstances,
        )


def rescue(work: ApplyOutcome, services: ApplyServices, session: LockSession) -> None:
    """Keep what could not be recorded, at once: whatever comes next may hang."""
    lines = rescued(work.result.unrecorded, session.lockfile)
    work.result.unrecorded.clear()
    if lines:
        work.kept = services.rescue(lines)
        work.lines += lines
