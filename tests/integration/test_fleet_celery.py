"""A fleet's apply on Celery's workers and real brokers: killed, restarted, repeated, made up.

By day on Redis; RabbitMQ, which takes longer to begin than all of that, has its turn at night.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.benchmarks import killed
from tests.helpers import rabbitmq, redis
from tests.helpers.brokers import Broker, message
from tests.helpers.fleets import FleetOnDisk
from tests.helpers.partners import nightly, requires
from tests.helpers.rabbitmq import RabbitMQ
from tests.helpers.redis import Redis
from tests.helpers.workers import Fleet, Hurry

BROKERS = [
    pytest.param(Redis, marks=requires(redis.PROGRAM)),
    pytest.param(RabbitMQ, marks=[nightly, requires(rabbitmq.PROGRAM)]),
]

TIME = 20


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    with request.param(tmp_path) as server:
        yield server


@pytest.fixture
def make(tmp_path: Path, broker: Broker, sandbox: SandboxServer) -> Iterator[Callable[..., Fleet]]:
    made: list[Fleet] = []

    def fleet(*names: str, more: str = "", runs: int = 1, time: int = TIME) -> Fleet:
        limits = f"  limits: {{time: {time}s}}\n  apply: {{atOnce: 8}}\n{more}"
        made.append(Fleet(FleetOnDisk(tmp_path, names, more=limits, runs=runs), broker, sandbox))
        return made[-1]

    yield fleet
    for one in made:
        one.close()


def test_nothing_that_is_put_in_by_hand_is_done_and_what_is_done_twice_is_sent_once(
    make: Callable[..., Fleet], broker: Broker
) -> None:
    fleet = make("c1", "a", "b")
    fleet.disk.clone.git("checkout", "--quiet", "-b", "mine")
    fleet.disk.clone.write("fleet.yaml", (fleet.disk.clone.path / "fleet.yaml").read_text() + "#\n")
    unmerged = fleet.disk.clone.commit("mine")
    fleet.disk.clone.git("checkout", "--quiet", "main")
    head = fleet.head
    broker.publish(commit=head, member="c1")  # nobody opened a wave
    fleet.work(2)
    fleet.wait(lambda: f"no wave is open at commit {head[:10]}" in fleet.said())
    assert fleet.sent == []
    driver = fleet.apply()
    fleet.wait(lambda: "c1: begun" in fleet.said())
    broker.publish(commit=head, member="c1")
    broker.publish(commit=head, member="b")  # of a later wave
    broker.publish(commit=head, member="evil")
    broker.publish(commit=unmerged, member="c1")
    broker.publish(commit="HEAD", member="c1")
    broker.publish(commit=head, member="c1", force=True)
    broker.publish(head, "c1")
    broker.publish(commit=head, member="c1", name="os.system")
    broker.put(b'{"garbage', task="qflow_gitops.member", id="x")
    broker.put(message(head, "c1"), "application/x-python-serialize", task="qflow_gitops.member")
    broker.push("garbage")
    assert driver.wait(100) == 0, fleet.said("")
    assert sorted(fleet.sent) == ["a-0", "b-0", "c1-0"], fleet.said("")
    assert fleet.sent[0] == "c1-0"
    fleet.wait(lambda: broker.waiting() == 0)
    said = fleet.said()
    for why in ("isn't the turn of b", "has no member evil", f"at commit {unmerged[:10]}",
                "its commit is none", "it holds other things", "it is for another task",
                "it isn't as Celery writes one", "it isn't JSON"):  # fmt: skip
        assert why in said, said
    for _, worker in fleet.workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(20) for _, worker in fleet.workers] == [0, 0]


@nightly
def test_what_a_restarted_broker_lost_is_published_again(
    make: Callable[..., Fleet], broker: Broker
) -> None:
    fleet = make("c1", "a", "b")
    driver = fleet.apply()
    fleet.wait(lambda: broker.waiting() == 1)
    broker.restart()  # nobody took it yet, and nobody will
    assert broker.waiting() == 0
    fleet.work(2)
    fleet.wait(lambda: "c1: begun" in fleet.said())
    broker.restart()  # while it is worked on: it can't be acknowledged any more
    assert driver.wait(100) == 0, fleet.said("")
    assert sorted(fleet.sent) == ["a-0", "b-0", "c1-0"], fleet.said("")


@nightly
def test_a_worker_that_is_asked_to_end_gives_back_what_it_claimed(
    make: Callable[..., Fleet], sandbox: SandboxServer
) -> None:
    fleet = make("c1")
    sandbox.set_faults("hang")
    fleet.work()
    driver = fleet.apply()
    fleet.wait(lambda: "c1: begun" in fleet.said())
    ((_, worker),) = fleet.workers
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(40) == 0, fleet.said("")
    assert "c1: given back" in fleet.said()
    sandbox.set_faults()
    fleet.work()
    assert driver.wait(100) == 0, fleet.said("")
    assert fleet.sent == ["c1-0"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, *(pytest.param(each, marks=nightly) for each in range(2, 12))])
def test_whatever_is_killed_each_run_is_sent_once_and_in_order(
    seed: int, make: Callable[..., Fleet], broker: Broker
) -> None:
    """Workers and the driver die at any moment, and the broker; the next apply goes on."""
    chance = random.Random(seed)
    count = 2 if seed == 1 else 4
    fleet = make(*(("c1", "a") if seed == 1 else ("c1", "c2", "a", "b", "d", "e")))
    fleet.work(count)
    driver = fleet.apply()
    fleet.wait(lambda: "begun" in fleet.said())
    for _ in range(1 if seed == 1 else 5):
        time.sleep(chance.uniform(0.0, 2.0))
        victim = chance.choice(["worker", "worker", "broker", "driver"]) if seed > 1 else "both"
        if victim in ("broker", "both"):
            broker.restart()
        if victim in ("worker", "both"):
            # A worker that begins in the same clone knows that the claim is free.
            fleet.kill_one(chance, same_clone=seed == 1 or chance.random() < 0.5)
        if victim == "driver":
            driver.kill()
            driver.wait()
            driver = fleet.apply(fleet.disk.remote.clone(f"other-{chance.random()}").path)
    assert driver.wait(300) == 0, fleet.said("")
    names = fleet.disk.names
    assert sorted(fleet.sent) == sorted(f"{name}-0" for name in names), fleet.said("")
    canaries = [f"{name}-0" for name in names if name.startswith("c")]
    assert sorted(fleet.sent[: len(canaries)]) == canaries


@nightly
def test_what_a_killed_driver_left_open_is_not_obeyed_for_long(
    make: Callable[..., Fleet], broker: Redis
) -> None:
    fleet = make("c1", "a", time=1)
    driver = fleet.apply()
    fleet.wait(lambda: broker.waiting() == 1)
    driver.kill()
    driver.wait()
    time.sleep(3.5)  # the limit, and the margin of these processes
    fleet.work()
    fleet.wait(lambda: f"no wave is open at commit {fleet.head[:10]}" in fleet.said())
    assert fleet.sent == []


@nightly
def test_two_drivers_at_once_end_together(make: Callable[..., Fleet]) -> None:
    fleet = make("c1", "a", "b")
    fleet.work(2)
    both = [fleet.apply(), fleet.apply(fleet.disk.remote.clone("other").path)]
    assert [driver.wait(100) for driver in both] == [0, 0], fleet.said("")
    assert sorted(fleet.sent) == ["a-0", "b-0", "c1-0"]
    assert fleet.sent[0] == "c1-0"


@nightly
@requires(redis.PROGRAM)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("lease", [15.0, 40.0])
def test_a_worker_that_is_killed_costs_its_members_time_and_an_intents_lease_at_most(
    lease: float, whole: bool, tmp_path: Path, sandbox: SandboxServer
) -> None:
    hurry = Hurry(margin=2.0, lease=lease)
    took = killed.until_done(tmp_path, sandbox, hurry, whole=whole)
    beside = 15.0  # looks, pushes, and programs that begin
    assert took <= killed.TIME + hurry.margin + hurry.lease + beside


@nightly
@requires(rabbitmq.PROGRAM)
def test_a_broker_that_waits_for_less_than_a_member_takes_costs_nothing(
    tmp_path: Path, sandbox: SandboxServer
) -> None:
    """RabbitMQ ends a channel on which a message isn't acknowledged for so long."""
    limits = f"  limits: {{time: {TIME}s}}\n"
    with RabbitMQ(tmp_path, patience=2.0) as broker:
        fleet = Fleet(FleetOnDisk(tmp_path, ("c1", "a"), more=limits), broker, sandbox)
        try:
            sandbox.set_faults("latency=3")
            fleet.work(2)
            driver = fleet.apply()
            assert driver.wait(200) == 0, fleet.said("")
        finally:
            fleet.close()
        assert fleet.sent == ["c1-0", "a-0"]
        said = fleet.said("worker")
        assert "RabbitMQ gave up on a message" in said
        assert "it isn't the turn of c1" in said
        assert "Traceback" not in said
        assert "no program can read" not in said


@nightly
@requires(rabbitmq.PROGRAM)
def test_a_queue_that_another_program_made_is_told(tmp_path: Path, sandbox: SandboxServer) -> None:
    with RabbitMQ(tmp_path) as broker:
        broker.make_queue(durable=False)
        fleet = Fleet(FleetOnDisk(tmp_path, ("c1",)), broker, sandbox)
        fleet.work()
        ((_, worker),) = fleet.workers
        assert (fleet.apply().wait(60), worker.wait(60)) == (2, 2)
        for name in ("apply", "worker"):
            assert "has a queue qflow-fleet that isn't as the fleet makes it" in fleet.said(name)
            assert "rabbitmqctl delete_queue qflow-fleet" in fleet.said(name)
            assert "guest:guest" not in fleet.said(name)
            assert "Traceback" not in fleet.said(name)
