"""`notify`: what is left to be told is told, and who has it is recorded."""

import pytest

from qflow_gitops.commands.notify import try_out
from qflow_gitops.errors import ExitCode, UsageProblem
from qflow_gitops.lockfile.attempt import Event, Transition
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import Notice
from qflow_gitops.lockfile.states import State
from qflow_gitops.notify.telling import a_test
from qflow_gitops.ports.notices import Undelivered
from qflow_gitops.render.textnotices import delivered
from qflow_gitops.results.notices import Delivered
from qflow_gitops.results.report import Report
from tests.fakes.couriers import FakeCourier
from tests.fakes.receivers import FakeReceiver
from tests.fakes.world import World, project_file, raised

AT = "2026-10-06T12:00:00Z"


def left(*names: str, lines: tuple[str, ...] = ("notify: {}",)) -> tuple[World, FakeCourier]:
    """A run was sent, and nobody told of it yet; who is set up now."""
    world = World(project_file(*lines))
    world.specs("a")
    world.apply()
    world.courier = courier = FakeCourier(*names)
    return world, courier


def waiting(world: World) -> tuple[Notice, ...]:
    return world.store.lockfile.outbox.notices


def body(report: Report) -> Delivered:
    assert isinstance(report.body, Delivered)
    return report.body


def test_all_that_waits_is_told_and_leaves_the_lockfile() -> None:
    world, courier = left("slack", "teams")
    report = world.notify(seconds=5)
    assert (report.exit_code, body(report)) == (ExitCode.OK, Delivered(("slack", "teams"), 2))
    assert waiting(world) == ()
    assert (courier.waited, courier.closed) == ([5], [0])


def test_what_is_left_is_12_with_who_and_why() -> None:
    world, courier = left("slack", "teams")
    courier.down = {"teams": "it answered 500"}
    report = world.notify()
    assert (report.exit_code, report.reason) == (ExitCode.UNREACHABLE, "notices_left")
    assert body(report) == Delivered(("slack", "teams"), 0, 2, {"teams": "it answered 500"})
    assert report.error is not None
    assert report.error.hint.endswith("`qflow-gitops notify`")
    assert [notice.done for notice in waiting(world)] == [("slack",), ("slack",)]
    courier.down = {}
    courier.closed.clear()
    assert world.notify().exit_code is ExitCode.OK
    assert waiting(world) == ()


def test_where_nothing_waits_nothing_is_written() -> None:
    world, courier = left("slack", lines=())
    before = len(world.store.place.versions)
    report = world.notify()
    assert (report.exit_code, body(report)) == (ExitCode.OK, Delivered(("slack",), 0))
    assert len(world.store.place.versions) == before
    assert courier.offered == []


def test_before_anything_was_applied_there_is_nothing_to_tell() -> None:
    world = World(project_file("notify: {}"))
    world.commit()
    world.courier = FakeCourier("slack")
    assert world.notify().exit_code is ExitCode.OK


def test_without_a_receiver_nobody_can_be_told() -> None:
    world, _ = left()
    problem = raised(UsageProblem, world.notify)
    assert problem.reason == "notify_nobody"
    assert len(waiting(world)) == 2


def test_what_others_write_meanwhile_is_kept() -> None:
    world, _ = left("slack")

    def write(lockfile: Lockfile) -> Lockfile:
        event = Event(AT, State.INTENT)
        attempt = world.attempts("a")[0]._replace(
            number=1, state=State.INTENT, events=(event,), execution_id="", status=""
        )
        return lockfile.recorded([Transition("prod", "b", 1, event, opens=attempt)])

    world.store.meanwhile.append(write)
    assert world.notify().exit_code is ExitCode.OK
    assert waiting(world) == ()
    assert world.states() == {"a": State.SUCCEEDED, "b": State.INTENT}


def test_that_no_apply_came_is_told_once() -> None:
    """A machine elsewhere notices when the one that applies is gone."""
    world, courier = left(
        "slack", lines=("notify: {}", "lock: {store: branch}", "apply: {expectEvery: 2h}")
    )
    world.notify()
    courier.closed.clear()
    courier.offered.clear()
    world.clock.sleep(5 * 3600)
    courier.down = {"slack": "it is down"}
    world.notify()
    (notice,) = waiting(world)
    assert (notice.kind, courier.offered) == ("missed", [notice.id])
    courier.down = {}
    courier.closed.clear()
    assert world.notify().exit_code is ExitCode.OK
    world.clock.sleep(3600)
    assert body(world.notify()) == Delivered(("slack",), 0)


def test_a_test_goes_to_each_receiver_and_says_who_did_not_take_it() -> None:
    slack, teams = FakeReceiver("slack"), FakeReceiver("teams")
    told = a_test(AT, "7" * 32)
    report = try_out([slack, teams], told)
    assert report.exit_code is ExitCode.OK
    assert [*delivered(body(report))] == ["The test notice was taken by slack, teams"]
    assert slack.got == teams.got == [["7" * 32]]
    teams.troubles = [Undelivered("it answered 404", permanent=True)]
    report = try_out([slack, teams], told)
    assert report.exit_code is ExitCode.UNREACHABLE
    assert body(report).troubles == {"teams": "it answered 404"}
    said = ["The test notice was taken by slack", "teams: it answered 404"]
    assert [*delivered(body(report))] == said


def test_a_test_of_nobody_is_refused() -> None:
    with pytest.raises(UsageProblem):
        try_out([], a_test(AT, "7"))
