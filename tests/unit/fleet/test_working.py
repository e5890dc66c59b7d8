"""One named member, worked on by a process of its own: by fleet.lock, and by nothing else."""

from dataclasses import replace
from typing import cast

import pytest

from qflow_gitops.errors import ExitCode
from qflow_gitops.fleet.freezing import freeze
from qflow_gitops.fleet.planning import looked_at
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.fleet.worker import Worker, work_on
from qflow_gitops.lockfile.fleet import claim
from qflow_gitops.policy.rollout import Share
from qflow_gitops.policy.waves import MemberStanding, Wave
from qflow_gitops.settings.fleet import Subscription
from tests.unit.fleet.test_applying import FAILED, UNTIL, World, fleet


def looked_about(world: World) -> Turns:
    """Look at all, as a driver does."""
    with pytest.raises(StopIteration) as end:
        next(looked_at(world.services))
    return cast("Turns", end.value.value)


def published(world: World) -> list[str]:
    """Look at all and open the wave whose turn it is."""
    before = world.store.record
    return Worker(world.services, looked_about(world)).publish(before, 3600.0)


def worked(world: World, name: str) -> list[str]:
    """Have one member worked on; those that were."""
    return [*work_on(world.services, name).worked]


def test_a_member_is_worked_on_once_its_wave_is_open() -> None:
    world = World(fleet("a", "c1", "c2"))
    assert worked(world, "c1") == [], "nobody opened a wave"
    assert published(world) == ["c1", "c2"]
    assert worked(world, "a") == [], "its turn comes later"
    assert worked(world, "c1") == ["c1"]
    assert worked(world, "c1") == [], "what is done isn't done again"
    assert worked(world, "a") == [], "the wave isn't over"
    assert worked(world, "c2") == ["c2"]
    assert published(world) == ["a"]
    assert worked(world, "a") == ["a"]
    assert world.reach.applied() == ["c1", "c2", "a"]
    assert published(world) == []
    assert (world.store.record.open, world.store.record.commit) == (0, "f" * 40)
    assert all(one.claim is None for one in world.store.record.members.values())


def test_who_isnt_in_the_fleet_is_nobody() -> None:
    world = World(fleet("a"))
    published(world)
    assert worked(world, "evil") == []
    assert "evil" not in world.store.record.members


def test_another_commit_of_the_fleet_opens_nothing_here() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    world.services = replace(world.services, commit="e" * 40)
    assert worked(world, "a") == []


def test_once_nobody_is_left_nothing_is_open() -> None:
    """A task that comes late, or was put in by hand, finds closed waves."""
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    worked(world, "a")
    published(world)
    world.reach.commits["a"] = "d" * 40
    assert worked(world, "a") == []
    assert published(world) == ["a"]
    assert worked(world, "a") == ["a"]


def test_a_wave_that_failed_lets_nobody_else_begin() -> None:
    world = World(fleet("a", "c1", "c2"))
    world.reach.ends["c1"] = FAILED
    published(world)
    assert worked(world, "c1") == ["c1"]
    assert worked(world, "c2") == []
    assert published(world) == []
    assert worked(world, "a") == []


def test_it_is_claimed_by_one() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    now = world.clock.now()
    theirs = claim("theirs", "grace", now, 60.0)
    world.store.before.append(lambda record: record.claimed(["a"], theirs, now))
    assert worked(world, "a") == []
    world.clock.sleep(61.0)
    assert worked(world, "a") == ["a"]


def test_while_it_is_frozen_nobody_begins() -> None:
    world = World(fleet("a", waves=(Wave(),)))
    published(world)
    freeze("It burns.", world.services)
    assert worked(world, "a") == []


def test_a_subscription_counts_who_works_elsewhere() -> None:
    several = fleet("a", "b", waves=(Wave(),))
    world = World(several._replace(subscriptions=(Subscription("one", ("a", "b"), 1),)))
    assert published(world) == ["a"]
    tried: list[str] = []

    def meanwhile(name: str) -> None:
        world.reach.meanwhile = lambda _: None
        tried.extend(worked(world, "a" if name == "b" else "b"))

    world.reach.meanwhile = meanwhile
    assert worked(world, "b") == ["b"], "which of them is first is all the same"
    assert tried == []
    assert worked(world, "a") == ["a"]


def test_what_another_recorded_meanwhile_is_newer_than_what_was_seen() -> None:
    world = World(fleet("a", "b", waves=(Wave(),)))
    published(world)
    before, turns = world.store.record, looked_about(world)
    world.reach.ends["a"] = FAILED
    assert worked(world, "a") == ["a"]
    assert Worker(world.services, turns).publish(before, 3600.0) == []
    seen = world.store.record.member("a").seen
    assert seen
    assert seen.standing is MemberStanding.FAILED


def test_what_failed_stays_so_until_its_repository_moves() -> None:
    world = World(fleet("a", "b", waves=(Wave(max_failures=Share(1)),)))
    world.reach.ends["a"] = FAILED
    published(world)
    assert worked(world, "a") == ["a"]
    assert worked(world, "a") == []
    world.reach.commits["a"] = "d" * 40
    del world.reach.ends["a"]
    assert worked(world, "a") == ["a"]


def test_loosened_waves_loosen_nothing_before_all_are_over_once() -> None:
    """Whoever reads fleet.lock finds the commit before in it, until then."""
    strict = fleet("a", "c1", "c2")
    world = World(strict)
    world.store.record = world.store.record.opened(1, "e" * 40, UNTIL).closed()
    world.services = replace(
        world.services, before=(strict,), fleet=fleet("a", "c1", "c2", waves=(Wave(),))
    )
    assert published(world) == ["c1", "c2"]
    assert world.store.record.base == "e" * 40
    assert worked(world, "a") == []
    for name in ("c1", "c2"):
        assert worked(world, name) == [name]
    assert published(world) == ["a"]
    assert worked(world, "a") == ["a"]
    assert published(world) == []
    assert world.store.record.base == ""


def test_an_apply_leaves_nothing_open() -> None:
    world = World(fleet("a", "c1"))
    world.store.record = world.store.record.opened(1, "e" * 40, UNTIL)
    assert world.apply().exit_code is ExitCode.OK
    assert (world.store.record.open, world.store.record.base) == (0, "")
    world = World(fleet("a", "c1"))
    world.store.record = world.store.record.opened(1, "e" * 40, UNTIL)
    world.reach.ends["c1"] = FAILED
    world.apply()
    assert (world.store.record.open, world.store.record.base) == (0, "e" * 40)
