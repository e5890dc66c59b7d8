"""How long an open wave is obeyed: as long as somebody may be there who looked at the fleet."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from qflow_gitops.base.times import moment
from qflow_gitops.errors import UnreachableError
from qflow_gitops.fleet.planning import looked_at
from qflow_gitops.fleet.serving import Message, Server
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.fleet.worker import MARGIN, Worker
from qflow_gitops.fleet.working import work
from qflow_gitops.lockfile.fleet_codec import from_bytes, to_bytes
from qflow_gitops.policy.waves import Wave
from tests.unit.fleet.test_applying import World, fleet
from tests.unit.fleet.test_matrix import asked, names
from tests.unit.fleet.test_working import worked

HOUR = 3600.0


def driver(world: World) -> Worker:
    """Look at all, as a driver does that is there from now on."""
    with pytest.raises(StopIteration) as end:
        next(looked_at(world.services))
    return Worker(world.services, cast("Turns", end.value.value))


def published(world: World) -> None:
    """Open a wave, and be gone."""
    driver(world).publish(world.store.record, HOUR)


def left(world: World) -> timedelta:
    return moment(world.store.record.open_until) - world.clock.now()


def test_a_wave_that_a_killed_driver_left_open_is_obeyed_until_its_time_is_over() -> None:
    world = World(fleet("a", "b", waves=(Wave(),)))
    published(world)
    world.clock.sleep(HOUR - 1)
    assert worked(world, "a") == ["a"]
    world.clock.sleep(1)
    assert world.store.record.open == 1
    assert worked(world, "b") == []
    assert world.reach.applied() == ["a"]
    published(world)
    assert worked(world, "b") == ["b"]


def test_a_later_wave_is_none_that_is_open_before_somebody_looks_at_all_again() -> None:
    """A job of yesterday that is started again by hand: the canary may have moved since."""
    world = World(fleet("c1", "a"))
    published(world)
    assert worked(world, "c1") == ["c1"]
    assert worked(world, "a") == []
    world.reach.commits["c1"] = "e" * 40
    published(world)
    assert worked(world, "a") == []
    assert worked(world, "c1") == ["c1"]
    published(world)
    assert world.store.record.open == 2
    assert worked(world, "a") == ["a"]


def test_whoever_may_begin_by_two_files_that_contradict_each_other_is_of_an_open_wave() -> None:
    """The one before has `a` first, this one `c1`: that one decides."""
    base = fleet("a", "c1", waves=(Wave(None, 50), Wave()))
    world = World(fleet("c1", "a"), base)
    for name in ("a", "c1"):
        published(world)
        assert worked(world, name) == [name]


def test_a_wave_of_which_nobody_says_until_when_is_not_open() -> None:
    """As a program before this one left it."""
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    older = json.loads(to_bytes(world.store.record))
    del older["openUntil"]
    world.store.record = from_bytes(json.dumps(older).encode(), "")
    assert world.store.record.open == 1
    assert worked(world, "a") == []


def test_a_message_that_comes_late_is_put_aside() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    said: list[str] = []
    serve = Server(world.store, world.clock, lambda _: True, lambda *_: world.services, said.append)
    world.clock.sleep(HOUR)
    serve(Message(world.services.commit, "a"))
    assert said == ["A message was put aside: no wave is open at commit ffffffffff."]
    published(world)
    serve(Message(world.services.commit, "a"))
    assert said[1:] == ["a: begun.", "a: done."]


def test_a_worker_says_in_a_line_why_a_member_failed() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    world.reach.problems["a"] = UnreachableError("Its remote\ndoesn't answer.", hint="Ask again.")
    said: list[str] = []
    serve = Server(world.store, world.clock, lambda _: True, lambda *_: world.services, said.append)
    serve(Message(world.services.commit, "a"))
    assert said == ["a: begun.", "a: failed: Its remote doesn't answer. Ask again."]


def test_who_publishes_prolongs_it_before_half_of_it_is_over_and_writes_no_more_than_that() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    worker = driver(world)
    for _ in range(100):
        worker.publish(world.store.record, HOUR)
        assert left(world) >= timedelta(seconds=HOUR / 2)
        world.clock.sleep(60.0)
    assert world.store.writes == 4


def test_an_apply_whose_members_an_inventory_lists_opens_nothing_to_who_does_not_know_them() -> (
    None
):
    """A job reads fleet.yaml, where the canary isn't, and would take its wave for over."""
    world = World(fleet("c1", "a"))
    file = world.services.fleet
    job = replace(world.services, fleet=file._replace(members=file.members[1:]))
    begun: list[str] = []

    def meanwhile(name: str) -> None:
        if name == "c1":
            with pytest.raises(StopIteration) as end:
                next(work(job, ["a"]))
            begun.append(end.value.value.reason)

    world.reach.meanwhile = meanwhile
    published(world)
    world.services = replace(world.services, inventory="--inventory 'cat more.json'")
    assert world.apply().exit_code == 0
    assert begun == ["turn"]
    assert world.reach.applied() == ["c1", "a"]
    assert (world.store.record.open, world.store.record.commit) == (0, job.commit)


def test_who_opens_it_for_less_takes_nothing_away() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    driver(world).publish(world.store.record, 60.0)
    assert left(world) == timedelta(seconds=HOUR)
    driver(world).publish(world.store.record, 9 * HOUR)
    assert left(world) == timedelta(seconds=9 * HOUR)


def test_an_apply_that_is_killed_leaves_it_open_no_longer_than_its_claims_last() -> None:
    world = World(fleet("c1", "a"))

    def killed(_: str) -> None:
        raise SystemExit

    world.reach.meanwhile = killed
    with pytest.raises(SystemExit):
        world.apply()
    lasts = world.services.fleet.time + MARGIN
    assert left(world) == timedelta(seconds=lasts)
    world.reach.meanwhile = lambda _: None
    world.clock.sleep(lasts)
    assert worked(world, "c1") == []


def test_jobs_have_a_day_and_half_of_one_at_least() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    assert names(asked(world)) == ["a"]
    assert left(world) == timedelta(days=1)
    world.clock.sleep(11 * HOUR)
    assert names(asked(world)) == ["a"]
    assert left(world) == timedelta(hours=13)
    world.clock.sleep(13 * HOUR)
    assert worked(world, "a") == []
    assert names(asked(world)) == ["a"]
    assert worked(world, "a") == ["a"]
    asked(world)
    assert (world.store.record.open, world.store.record.open_until) == (0, "")
