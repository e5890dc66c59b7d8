"""Others are told what an apply does, at least once, and none of them is in its way."""

from pytest import approx  # noqa: PT013  read as a word

from qflow_gitops.apply.notices import SHARE
from qflow_gitops.errors import ExitCode, LockError
from qflow_gitops.lockfile.outbox import Notice
from tests.fakes.couriers import FakeCourier
from tests.fakes.world import World, project_file
from tests.unit.apply.stories import lost

ALL = project_file("notify: {}")
DOWN = {"slack": "it is down"}


def told(*lines: str, names: tuple[str, ...] = ("slack",)) -> tuple[World, FakeCourier]:
    """A team that tells others of everything, or as these lines of the settings say."""
    world = World(project_file(*lines) if lines else ALL)
    return world, again(world, *names)


def again(world: World, *names: str) -> FakeCourier:
    """The receivers of the next process."""
    world.courier = courier = FakeCourier(*(names or ("slack",)))
    return courier


def waiting(world: World) -> tuple[Notice, ...]:
    return world.store.lockfile.outbox.notices


def kinds(world: World) -> list[str]:
    return [notice.kind for notice in waiting(world)]


def test_what_is_told_is_gone_when_all_have_it() -> None:
    """From the first apply on that has the setting."""
    world, courier = told()
    world.specs("a")
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert waiting(world) == ()
    assert len({*courier.offered}) == 2
    assert not [said for said in done.sentences if "still to be told" in said]


def test_only_what_the_settings_ask_for_is_told() -> None:
    world, courier = told("notify: {events: [finished]}")
    courier.down = DOWN
    world.specs("a")
    world.apply()
    assert kinds(world) == ["finished"]
    world.git.write("qflow.yaml", project_file())
    world.specs("b")
    world.apply()
    assert kinds(world) == ["finished"]
    assert world.store.lockfile.outbox.tells == ()


def test_what_nobody_takes_stays_and_is_said_with_what_to_type() -> None:
    world, courier = told()
    courier.down = DOWN
    world.specs("a")
    done = world.apply()
    said = "2 notices are still to be told; slack: it is down. To tell them: `qflow-gitops notify`"
    assert said in done.sentences
    assert said in done.report.notes
    assert done.report.exit_code is ExitCode.OK
    left = [notice.id for notice in waiting(world)]
    courier = again(world)
    world.apply()  # has nothing else to write
    assert courier.offered[:2] == left
    assert waiting(world) == ()


def test_who_has_it_is_noted_where_another_has_not() -> None:
    world, courier = told(names=("slack", "teams"))
    courier.down = {"teams": "it is down"}
    world.specs("a")
    world.apply()
    assert [notice.done for notice in waiting(world)] == [("slack",), ("slack",)]
    again(world, "slack", "teams")
    world.apply()
    assert waiting(world) == ()


def test_where_nobody_is_set_up_it_waits_for_who_is() -> None:
    world, _ = told(names=())
    world.courier = FakeCourier()
    world.specs("a")
    done = world.apply()
    assert kinds(world) == ["started", "finished"]
    assert [said for said in done.sentences if said.startswith("2 notices are still to be told.")]


def test_receivers_have_a_small_share_of_an_applys_time() -> None:
    world, courier = told()
    world.specs("a")
    world.apply()
    assert courier.closed == [approx(SHARE * world.clock.monotonic(), rel=0.5)]


def test_what_was_told_and_not_recorded_is_told_again_under_the_same_id() -> None:
    world, courier = told()
    world.specs("a")
    world.store.unwritable = None
    full = LockError("No space.", reason="lock_unwritable")

    def fills_up(seconds: float = 0.0) -> None:
        world.store.unwritable = full

    courier.close = fills_up  # type: ignore[method-assign]  # the disk is full at the end
    world.apply()
    world.store.unwritable = None
    before, courier = {*courier.offered}, again(world)
    world.apply()
    assert {*courier.offered} == before
    assert waiting(world) == ()


def test_who_is_asked_to_stop_waits_for_no_receiver() -> None:
    world, courier = told()
    world.specs("a")
    world.stop.ask()
    world.apply()
    assert courier.closed == []


def held(world: World) -> list[Notice]:
    return [notice for notice in waiting(world) if notice.kind == "held"]


def test_all_that_is_held_is_told_in_one_notice_and_once() -> None:
    world, courier = told("notify: {}", "policy: {limits: {runs: 1}}")
    courier.down = DOWN
    world.specs(*(f"r{number:02}" for number in range(25)))
    world.apply()
    (notice,) = held(world)
    assert (notice.environment, notice.reason) == ("prod", "limit")
    assert notice.detail.startswith("r00: limit, r01: limit, ")
    assert notice.detail.endswith("r19: limit, and 5 more")
    for _ in range(3):
        world.apply()
    assert held(world) == [notice]


def test_what_is_held_is_told_again_when_it_is_other_runs_or_held_once_more() -> None:
    world, courier = told()
    courier.down = DOWN
    world.specs("a")
    world.freeze()
    world.apply()
    world.unfreeze()
    world.apply()
    assert world.store.lockfile.environment("prod").held == ""
    world.clock.sleep(60)
    world.specs("b")
    world.freeze()
    world.apply()
    first, second = held(world)
    assert (first.detail, second.detail) == ("a: frozen", "b: frozen")
    assert first.id != second.id
    world.clock.sleep(60)
    world.unfreeze()
    world.apply()
    world.freeze()
    world.specs("c")
    world.apply()
    assert len({notice.id for notice in held(world)}) == 3


def test_nothing_held_is_told_where_nobody_wants_to_know() -> None:
    world, courier = told("notify: {events: [failed]}", "policy: {limits: {runs: 1}}")
    courier.down = DOWN
    world.specs("a", "b")
    world.apply()
    assert waiting(world) == ()
    assert world.store.lockfile.environment("prod").held == ""


def test_doubt_and_what_settles_it_are_told() -> None:
    world, courier = told()
    courier.down = DOWN
    lost(world, "a")
    world.reconcile()
    assert kinds(world) == ["doubt", "settled"]
