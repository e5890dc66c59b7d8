"""What a fleet's commands tell a person to type, each of which works where it is told."""

from typing import Any

import pytest

from qflow_gitops.errors import UnreachableError
from qflow_gitops.fleet.freezing import freeze, unfreeze
from qflow_gitops.fleet.planning import status
from qflow_gitops.policy.rollout import Share
from qflow_gitops.policy.waves import Wave
from qflow_gitops.render import text
from qflow_gitops.results.fleets import FleetTold, Turn
from qflow_gitops.results.report import Report
from qflow_gitops.settings.fleet import FleetMember
from tests.unit.fleet.test_applying import DOUBT, FAILED, HELD, World, fleet


def _body(report: Report) -> FleetTold:
    assert isinstance(report.body, FleetTold)
    return report.body


def _told(report: Report) -> str:
    return text.render(report)


def test_a_freeze_names_the_fleets_own_commands() -> None:
    world = World(fleet("a"))
    told = _told(freeze("incident 42", world.services))
    assert "→ When it is over: `qflow-gitops fleet unfreeze --reason TEXT`" in told
    assert "No member is begun any more" in told
    assert "`qflow-gitops fleet unfreeze --reason TEXT`" in _told(world.plan())
    told = _told(unfreeze("over", world.services))
    assert "What is due now: `qflow-gitops fleet plan`" in told


def test_a_doubt_is_told_in_its_own_wave_and_looked_up_by_each_apply() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["a"] = DOUBT
    world.apply()
    report = world.apply()
    assert world.reach.applied() == ["c1", "a", "a"]
    told = _told(report)
    assert "✓ Wave 1: 1 member, 1 done" in told
    assert "✗ Wave 2 is stopped: 1 member, 1 in doubt; at most 0 may fail; a is in doubt" in told


def test_a_wave_in_doubt_is_never_said_to_go_on_by_a_release() -> None:
    world = World(fleet("a", "c1"))
    world.reach.ends["c1"] = DOUBT
    world.apply()
    told = _told(world.plan())
    assert "--ack" not in told
    assert "First settle what is in doubt, in a clone of c1: `qflow-gitops reconcile`" in told


def test_a_failure_that_stops_nothing_is_not_said_to_be_released() -> None:
    """Nothing is stopped, so there is nothing that `--ack wave=1` would let go."""
    world = World(fleet("c1", "a", waves=(Wave(max_failures=Share(1)),)))
    world.reach.ends["c1"] = FAILED
    world.reach.ends["a"] = HELD
    told = _told(world.apply())
    assert "--ack" not in told
    assert "qflow-gitops -C ../c1 plan" in told


ADDRESS = "https://git.example.com/c1/runs.git"
FOLDER = {"project": "cloud/runs", "environment": "prod", "ref": "release"}


@pytest.mark.parametrize(
    ("more", "clone", "plan"),
    [
        ({}, f"git clone --branch main {ADDRESS} ../c1", "-C ../c1 plan"),
        (FOLDER, f"git clone --branch release {ADDRESS} ../c1", "-C ../c1/cloud/runs plan -e prod"),
    ],
)
def test_what_a_member_needs_is_read_in_a_clone_of_it(
    more: dict[str, Any], clone: str, plan: str
) -> None:
    one = FleetMember("c1", ADDRESS, **more)
    world = World(fleet()._replace(members=(one,)))
    world.reach.ends["c1"] = HELD
    told = _told(world.apply())
    assert f"All that c1 needs is said by its own plan: `{clone} && qflow-gitops {plan}`" in told


def test_of_a_member_that_cannot_be_reached_no_clone_is_offered() -> None:
    world = World(fleet("c1"))
    world.reach.problems["c1"] = UnreachableError("Nobody answers.")
    assert "git clone" not in _told(world.plan())


def test_a_stopped_wave_is_no_soak_that_is_waited_for() -> None:
    soaks = Wave(select={"tier": "canary"}, soak=600.0)
    world = World(fleet("c1", "c2", "a", waves=(soaks, Wave())))
    world.reach.ends["c1"] = FAILED
    world.reach.ends["c2"] = FAILED
    began = world.clock.now()
    world.apply(patience=3600.0)
    assert (world.clock.now() - began).total_seconds() < 600


def test_failures_are_counted_apart_from_what_is_held() -> None:
    world = World(fleet("a", "b", "c1"))
    world.reach.ends["c1"] = FAILED
    report = world.apply()
    assert _told(report).startswith("3 members: 1 worked on, 1 failed, 2 held; ")
    assert len(_body(report).having(Turn.HOLD)) == 3


def test_status_says_that_nobody_looked() -> None:
    world = World(fleet("a", "c1"))
    world.apply()
    told = _told(status(world.services))
    assert told.startswith("2 members: 2 with nothing to do, as each was seen last; ")
    assert "→ What moved since then: `qflow-gitops fleet plan`" in told
