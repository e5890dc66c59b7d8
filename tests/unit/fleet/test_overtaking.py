"""Two drivers at two commits of the fleet: the older one ends, and turns nothing back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from qflow_gitops.errors import ExitCode, StaleError
from qflow_gitops.lockfile.fleet import FleetRecord
from qflow_gitops.policy.waves import MemberStanding, Wave
from qflow_gitops.results.report import Report
from tests.unit.fleet.test_applying import FAILED, UNTIL, World, _body, fleet
from tests.unit.fleet.test_matrix import asked, names

NEWER = "e" * 40


def behind(*members: str, waves: tuple[Wave, ...] = (Wave(),)) -> World:
    """A fleet at a commit that the newer one descends from, and not the other way."""
    world = World(fleet(*members, waves=waves))
    world.services = replace(world.services, follows=lambda commit: commit != NEWER)
    return world


def goes_on(record: FleetRecord) -> FleetRecord:
    """What another driver does that is at the newer commit."""
    return record.opened(1, NEWER, UNTIL)


def amid(world: World, member: str, do: Callable[[FleetRecord], FleetRecord]) -> None:
    """Let another process write while a member is worked on."""
    world.reach.meanwhile = lambda name: world.store.before.extend([do] * (name == member))


def is_superseded(report: Report) -> bool:
    return report.exit_code is ExitCode.STALE and report.reason == "superseded"


def test_who_is_overtaken_begins_nothing_more_and_records_what_came_of_members() -> None:
    world = behind("a", "b")
    amid(world, "a", goes_on)
    report = world.apply()
    assert is_superseded(report)
    assert world.reach.applied() == ["a"]
    assert isinstance(report.error, StaleError)
    assert "has gone on to commit eeeeeeeeee meanwhile, and ffffffffff doesn't descend" in (
        report.error.message
    )
    told = {one.name: one.standing for one in _body(report).members}
    assert told == {"a": MemberStanding.DONE, "b": MemberStanding.UNSENT}
    record = world.store.record
    assert (record.commit, record.open, record.open_until) == (NEWER, 1, UNTIL)
    seen = record.member("a").seen
    assert seen
    assert seen.standing is MemberStanding.DONE
    assert record.member("a").claim is None


def test_what_failed_there_counts_more() -> None:
    world = behind("a", "b")
    world.reach.ends["a"] = FAILED
    amid(world, "a", goes_on)
    report = world.apply()
    assert (report.exit_code, report.reason) == (ExitCode.RUN_FAILED, "members")
    assert report.error
    assert report.error.reason == "superseded"


def test_who_waits_for_a_soak_goes_no_further_either() -> None:
    world = behind("c1", "a", waves=(Wave(select={"tier": "canary"}, soak=60.0), Wave()))
    world.apply()
    world.reach.commits["c1"] = "d" * 40
    amid(world, "c1", goes_on)
    begun = world.clock.monotonic()
    assert is_superseded(world.apply(patience=3600.0))
    assert world.reach.applied() == ["c1", "c1"]
    assert world.clock.monotonic() == begun, "nor does it wait for that"


def test_who_comes_later_at_a_newer_commit_goes_on() -> None:
    world = behind("a", "b")
    older = "9" * 40
    amid(world, "a", lambda record: record.opened(1, older, UNTIL))
    assert world.apply().exit_code is ExitCode.OK
    assert world.reach.applied() == ["a", "b"]
    assert world.store.record.commit == world.services.commit


def test_a_matrix_of_an_older_commit_opens_nothing() -> None:
    world = behind("a")
    world.store.before.append(goes_on)
    report = asked(world)
    assert is_superseded(report)
    assert names(report) == []
    assert world.store.record.commit == NEWER


def test_nothing_is_released_any_more_either() -> None:
    world = behind("a")
    world.reach.ends["a"] = FAILED
    world.apply()
    world.store.before.append(goes_on)
    with pytest.raises(StaleError) as stopped:
        world.apply({"wave": 1}, "It is only the test account.")
    assert stopped.value.reason == "superseded"
    assert world.store.record.releases == ()
    assert world.reach.applied() == ["a"]
