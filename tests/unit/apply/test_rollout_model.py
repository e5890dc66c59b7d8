"""Rollouts against an oracle: whatever is killed, done at once or changed in the middle.

At each execution that really begins, Qualys' side checks that no batch was opened too early and
that nothing ran twice; at the end everything has run.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qflow_gitops.apply import events
from qflow_gitops.apply.preconditions import ApplyRequest
from qflow_gitops.commands import apply as applying
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.report import Report
from tests.fakes.qualys import Begun, FakeQualys
from tests.fakes.world import World, project_file
from tests.helpers.partners import NIGHTLY

Apply = Generator[events.Event, None, Report]
SIZES = {"[1]": (1,), "[1, 50%]": (1, 0.5), "[2, 4]": (2, 4), "[34%]": (0.34,), "[100%]": (1.0,)}


class WatchedQualys(FakeQualys):
    """Checks each execution that begins. `order` are the targets, `retried` what was released."""

    order: tuple[str, ...] = ()
    sizes: tuple[float, ...] = ()
    most: int = 0
    forgiven: frozenset[str] = frozenset()
    retried: Counter[str]
    wrong: list[str]

    def begin(self, workflow_id: str, body: Mapping[str, Any], **more: Any) -> Begun:
        name = body["input"]["in"]
        self.wrong += self._wrong(name)
        return super().begin(workflow_id, body, **more)

    def _wrong(self, name: str) -> Iterator[str]:
        if self.times(name) > self.retried[name]:
            yield f"{name} again"
        if self.times(name):
            return  # it was begun once, and a person released it
        before = self._before(name)
        unfinished = [each for each in before if not self.times(each)]
        if unfinished:
            yield f"{name} before {unfinished}"
        failed = [each for each in before if self.failed(each) and each not in self.forgiven]
        if name not in failed and len(failed) > self.most:
            yield f"{name} after {failed}"

    def times(self, name: str) -> int:
        return sum(begun.body["input"]["in"] == name for begun in self.begun)

    def failed(self, name: str) -> bool:
        mine = [begun for begun in self.begun if begun.body["input"]["in"] == name]
        return bool(mine) and mine[-1].status == "Failed"

    def _before(self, name: str) -> tuple[str, ...]:
        """The targets of the batches before that of one."""
        count, place, done = len(self.order), self.order.index(name), 0
        for size in self.sizes:
            whole = -int(-size * count // 1) if isinstance(size, float) else size
            if place < max(done, whole):
                break
            done = min(count, max(done, whole))
        return self.order[:done]


class Model:
    def __init__(self, batches: str, most: int, pause: str, names: str, bad: set[str]) -> None:
        more = ("statuses: {Failed: failed}", "apply: {concurrency: 2}")
        self.world = World(project_file(*more))
        self.qualys = WatchedQualys(self.world.clock)
        self.qualys.retried, self.qualys.wrong = Counter(), []
        self.qualys.most, self.qualys.sizes = most, SIZES[batches]
        self.qualys.ends_of = dict.fromkeys(bad, "Failed")
        self.world.qualys = self.qualys
        self.rollout = f"{{batches: {batches}, maxFailures: {most}{pause}}}"
        self.alive: list[Apply] = []
        self.killed: list[Apply] = []  # kept, so that nothing of them is tidied up
        self.write(names)

    def write(self, names: str) -> None:
        self.qualys.order = tuple(names)
        lines = "".join(f"    - {{name: {name}, input: {{in: {name}}}}}\n" for name in names)
        self.world.spec("one", "same", extra=f"  targets:\n{lines}  rollout: {self.rollout}\n")
        self.world.commit()

    def start(self, **more: Any) -> None:
        request = ApplyRequest(platform="", **more)
        given_settings = self.world._settings("HEAD")
        self.alive.append(applying.apply(request, self.world.apply_services(), given_settings))

    def step(self, number: int, times: int) -> None:
        if not self.alive:
            return
        one = self.alive[number % len(self.alive)]
        for _ in range(times):
            try:
                event = next(one)
            except (StopIteration, QflowError):
                self.alive.remove(one)
                return
            if isinstance(event, events.Tick) and not event.sending:
                self.world.clock.sleep(20.0)

    def finish(self) -> None:
        while self.alive:
            self.step(0, 50)

    def kill(self) -> None:
        if self.alive:
            self.killed.append(self.alive.pop())

    def failed(self) -> list[str]:
        return [name for name in self.qualys.order
                if self.world.states().get(f"one/{name}") is State.FAILED]  # fmt: skip

    def retry(self) -> None:
        self.finish()
        names = self.failed()
        if names:
            self.qualys.retried.update(names)
            self.start(retries=tuple(f"one/{name}" for name in names))
            self.finish()

    def look(self) -> None:
        """Say of each that was cut off before it was sent that it did not run."""
        for name in self.qualys.order:
            attempts = self.world.attempts(f"one/{name}")
            sent = sum(attempt.counted for attempt in attempts)
            doubt = attempts and attempts[-1].state is State.IN_DOUBT
            if doubt and self.qualys.times(name) < sent:
                self.world.resolve(f"one/{name}", State.ABSENT)

    def forgive(self) -> None:
        self.finish()
        failed = frozenset(self.failed())
        before, self.qualys.forgiven = self.qualys.forgiven, self.qualys.forgiven | failed
        for number in range(1, len(self.qualys.order) + 1):
            with suppress(QflowError):
                self.world.apply(acks={"rollout": number}, reason="known")
                return
        self.qualys.forgiven = before

    def change(self, names: str) -> None:
        self.finish()
        self.write(names)

    def to_the_end(self) -> None:
        """Nothing fails any more, and a person does what is said; everything has run then."""
        self.finish()
        self.qualys.ends_of = {}
        for _ in range(12):
            self.world.clock.sleep(3600)
            self.look()
            self.retry()
            with suppress(QflowError):
                self.world.apply()
        states = self.world.states()
        assert {states[f"one/{name}"] for name in self.qualys.order} == {State.SUCCEEDED}


STEPS = st.one_of(
    st.tuples(st.just("start")),
    st.tuples(st.just("step"), st.integers(0, 1), st.integers(1, 25)),
    st.tuples(st.just("step"), st.integers(0, 1), st.integers(1, 25)),
    st.tuples(st.just("kill")),
    st.tuples(st.just("retry")),
    st.tuples(st.just("forgive")),
    st.tuples(st.just("sleep")),
    st.tuples(st.just("change"), st.permutations("abcdefg").map("".join), st.integers(2, 7)),
)


@settings(
    max_examples=600 if NIGHTLY else 50, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    st.sampled_from(list(SIZES)),
    st.integers(0, 2),
    st.sampled_from(["", ", pause: 10m", ", pause: 2h"]),
    st.integers(2, 7),
    st.sets(st.sampled_from("abcdefg"), max_size=3),
    st.lists(STEPS, max_size=14),
)
def test_no_batch_is_opened_too_early_and_all_runs_once(
    batches: str, most: int, pause: str, count: int, bad: set[str], steps: list[tuple[Any, ...]]
) -> None:
    model = Model(batches, most, pause, "abcdefg"[:count], bad)
    for name, *values in steps:
        match name:
            case "start" if len(model.alive) < 2:
                model.start()
            case "step":
                model.step(*values)
            case "sleep":
                model.world.clock.sleep(700)
            case "change":
                model.change(values[0][: values[1]])
            case "kill" | "retry" | "forgive":
                getattr(model, name)()
    model.to_the_end()
    assert model.qualys.wrong == []
