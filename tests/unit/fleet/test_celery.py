"""What the driver publishes, and when again: a broker in memory, workers that obey a test."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from amqp.exceptions import ConnectionForced
from kombu import Connection

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode, UnreachableError
from qflow_gitops.fleet.applying import Asked, apply
from qflow_gitops.fleet.engines.celery import QUEUE, TASK, CeleryEngine, app_of
from qflow_gitops.fleet.worker import MARGIN, work_on
from qflow_gitops.lockfile.fleet import claim
from qflow_gitops.policy.waves import Wave
from qflow_gitops.results.report import Report
from tests.fakes.clock import FakeClock
from tests.unit.fleet.test_applying import HELD, UNTIL, World, fleet

BROKER = "memory://"
ALL = (Wave(),)


class Clock(FakeClock):
    """While the driver sleeps, the workers do what a test says."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.meanwhile()


class Crowd:
    """A fleet, a driver, and workers of which `takes` says what they do with a message."""

    def __init__(self, world: World) -> None:
        self.world, self.clock = world, Clock()
        world.clock, world.services = self.clock, _with(world, self.clock)
        self.published: list[str] = []
        self.takes: Callable[[str], None] = self.work
        self.clock.meanwhile = self.drain

    def work(self, name: str) -> None:
        work_on(self.world.services, name)

    def drain(self) -> None:
        for message in messages():
            (_, given, _) = json.loads(message.body)
            assert given.keys() == {"commit", "member"}
            assert given["commit"] == self.world.services.commit
            self.published.append(given["member"])
            self.takes(given["member"])

    def apply(self) -> Report:
        work = apply(self.world.services, CeleryEngine(BROKER), Asked({}))
        while True:
            try:
                assert isinstance(next(work), events.Said)
            except StopIteration as end:
                report: Report = end.value
                return report


def _with(world: World, clock: Clock) -> Any:
    return replace(world.services, clock=clock)


def messages() -> list[Any]:
    """Take what waits in the queue."""
    found = []
    with Connection(BROKER) as connection:
        channel = connection.default_channel
        while (message := channel.basic_get(QUEUE, no_ack=True)) is not None:
            found.append(message)
    return found


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    with Connection(BROKER) as connection:
        connection.default_channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    messages()
    yield
    messages()


def test_a_wave_is_published_when_the_one_before_has_ended() -> None:
    crowd = Crowd(World(fleet("a", "c1", "c2", "b", at_once=8)))
    report = crowd.apply()
    assert report.exit_code is ExitCode.OK
    assert crowd.published == ["c1", "c2", "a", "b"]
    assert crowd.world.reach.applied() == ["c1", "c2", "a", "b"]
    assert crowd.world.store.record.open == 0
    assert crowd.apply().exit_code is ExitCode.OK
    assert crowd.published == ["c1", "c2", "a", "b"], "what is done isn't published again"


def test_what_is_lost_is_published_again_and_more_and_more_seldom() -> None:
    crowd = Crowd(World(fleet("a", waves=ALL)))
    begun, at = crowd.clock.monotonic(), []

    def lose(name: str) -> None:
        at.append(crowd.clock.monotonic() - begun)
        if len(at) == 4:
            crowd.work(name)

    crowd.takes = lose
    assert crowd.apply().exit_code is ExitCode.OK
    assert crowd.world.reach.applied() == ["a"]
    gaps = [later - before for before, later in pairwise(at)]
    assert [gap // 5 for gap in gaps] == [1, 2, 4], at


def test_what_waits_for_a_worker_is_not_lost() -> None:
    crowd = Crowd(World(fleet("a", waves=ALL)))
    until = crowd.clock.monotonic() + 600
    crowd.clock.meanwhile = lambda: crowd.drain() if crowd.clock.monotonic() > until else None
    assert crowd.apply().exit_code is ExitCode.OK
    assert crowd.published == ["a"]


def test_a_message_twice_is_a_member_once() -> None:
    crowd = Crowd(World(fleet("a", "c1")))

    def twice(name: str) -> None:
        crowd.work(name)
        crowd.work(name)
        crowd.work("a")

    crowd.takes = twice
    assert crowd.apply().exit_code is ExitCode.OK
    assert crowd.world.reach.applied() == ["c1", "a"]


def test_no_more_are_under_way_than_the_file_says() -> None:
    crowd = Crowd(World(fleet(*"abcdef", waves=ALL, at_once=2)))
    waiting: list[str] = []

    def one_by_one(name: str) -> None:
        waiting.append(name)
        assert len(waiting) <= 2
        if len(waiting) == 2:
            crowd.work(waiting.pop(0))

    crowd.takes = one_by_one
    last = crowd.clock.meanwhile

    def meanwhile() -> None:
        last()
        if waiting and not crowd.published[6:] and len(crowd.published) == 6:
            crowd.work(waiting.pop())

    crowd.clock.meanwhile = meanwhile
    assert crowd.apply().exit_code is ExitCode.OK
    assert sorted(crowd.world.reach.applied()) == list("abcdef")


def test_a_worker_that_dies_costs_its_claim_and_no_more() -> None:
    world = World(fleet("a", waves=ALL))
    crowd = Crowd(world)
    begun = crowd.clock.monotonic()

    def die(name: str) -> None:
        now = crowd.clock.now()
        gone = claim("gone", "grace", now, world.services.fleet.time + MARGIN)
        world.store.record = world.store.record.claimed([name], gone, now)
        crowd.takes = crowd.work

    crowd.takes = die
    assert crowd.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["a"]
    assert crowd.clock.monotonic() - begun < world.services.fleet.time + MARGIN + 30


def test_what_every_worker_dies_of_is_left_after_some() -> None:
    world = World(fleet("a", "b", waves=ALL, at_once=2))
    crowd = Crowd(world)

    def die(name: str) -> None:
        if name == "a":
            now = crowd.clock.now()
            world.store.record = world.store.record.claimed([name], claim("x", "x", now, 60), now)
        else:
            crowd.work(name)

    crowd.takes = die
    crowd.apply()
    assert world.reach.applied() == ["b"]
    assert crowd.published.count("a") == 5


def test_what_is_held_is_published_once_an_apply() -> None:
    world = World(fleet("a", waves=ALL))
    world.reach.ends["a"] = HELD
    crowd = Crowd(world)
    for number in (1, 2, 3):
        assert crowd.apply().exit_code is ExitCode.HELD
        assert crowd.published == ["a"] * number


def test_where_no_worker_is_it_says_so_and_opens_nothing() -> None:
    crowd = Crowd(World(fleet("a", waves=ALL)))
    crowd.takes = lambda _: None
    with pytest.raises(UnreachableError) as stopped:
        crowd.apply()
    assert stopped.value.reason == "no_worker"
    assert "fleet worker" in stopped.value.hint
    assert crowd.world.store.record.open == 0


def test_the_wave_stays_open_as_long_as_the_driver_is_there() -> None:
    crowd = Crowd(World(fleet("a", waves=ALL)._replace(time=60.0)))
    record, opened = crowd.world.store, []

    def lose(name: str) -> None:
        opened.append(record.record.is_open(crowd.world.services.commit, crowd.clock.now()))
        if crowd.clock.monotonic() > 600:
            crowd.work(name)

    crowd.takes = lose
    assert crowd.apply().exit_code is ExitCode.OK
    assert opened
    assert all(opened)
    assert record.writes < 600 / 60 + 10, "and it writes no more often than that"


def test_a_driver_that_is_overtaken_waits_for_nobody() -> None:
    world = World(fleet("a", "b", waves=ALL))
    world.services = replace(world.services, follows=lambda _: False)
    crowd = Crowd(world)

    def overtake(name: str) -> None:
        now = crowd.clock.now()
        theirs = claim("theirs", "grace", now, 3600.0)
        world.store.record = world.store.record.opened(1, "e" * 40, UNTIL).claimed(
            ["b"], theirs, now
        )

    crowd.takes = overtake
    report = crowd.apply()
    assert (report.exit_code, report.reason) == (ExitCode.STALE, "superseded")
    assert crowd.clock.monotonic() < 60
    assert world.store.record.is_open("e" * 40, crowd.clock.now()), "what is theirs stays open"


def test_the_broker_is_the_one_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
        monkeypatch.setenv(name, "redis://evil.example/0")
    app = app_of("redis://127.0.0.1:1/0", 60.0)
    for made in (app.connection_for_read(), app.connection_for_write()):
        assert (made.hostname, made.port) == ("127.0.0.1", 1)
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late is True
    assert app.conf.broker_transport_options["visibility_timeout"] >= 60.0 + MARGIN
    assert not app.conf.result_backend
    assert TASK == "qflow_gitops.member"


def test_a_broker_that_breaks_off_what_it_is_asked_costs_a_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What its own library raises is neither kombu's error nor the system's."""
    crowd = Crowd(World(fleet("a", waves=ALL)))
    waiting, asked = CeleryEngine._waiting, []

    def broken_off(self: CeleryEngine) -> int:
        asked.append(1)
        if len(asked) == 1:
            raise ConnectionForced("CONNECTION_FORCED - broker forced connection closure")
        return waiting(self)

    monkeypatch.setattr(CeleryEngine, "_waiting", broken_off)
    crowd.takes = lambda _: None if len(asked) < 2 else crowd.work("a")
    assert crowd.apply().exit_code is ExitCode.OK
    assert len(asked) > 1
