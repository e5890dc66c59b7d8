"""An apply waits for what it started: a look that fails, that is refused, that shows nothing."""

from collections.abc import Callable

from qflow_gitops.apply import events
from qflow_gitops.apply.doubt import created_at
from qflow_gitops.errors import AuthError, ExitCode, QflowError
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.qualys import Execution
from tests.fakes import qualys as fakes
from tests.fakes.world import World


def looking(*looks: str | QflowError | None) -> World:
    """One run, of which looks show this, and then that it succeeded."""
    world = World()
    world.specs("a")
    world.qualys.looks += looks
    return world


def test_words_that_change_are_recorded_with_what_comes_next() -> None:
    world = looking("Running", "Queued", "Queued")
    assert world.apply().report.exit_code is ExitCode.OK
    states = [(event.to, event.extra.get("status")) for event in world.attempts("a")[0].events]
    assert states[-3:] == [
        (State.RUNNING, "Running"), (State.RUNNING, "Queued"), (State.SUCCEEDED, "Success"),
    ]  # fmt: skip


def test_a_look_that_fails_is_only_another_look() -> None:
    world = looking("Running", fakes.out_of_reach(), fakes.out_of_reach())
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.qualys.asked.count("execution") == 4


def test_who_may_not_look_waits_for_nothing() -> None:
    world = looking(fakes.token_refused())
    done = world.apply()
    assert done.report.exit_code is ExitCode.STILL_RUNNING
    assert world.states() == {"a": State.ACCEPTED}
    problems = [done.report.error, *(done.report.error.also if done.report.error else ())]
    assert any(isinstance(problem, AuthError) for problem in problems)


def an_hour_later(world: World) -> Callable[[events.Event], None]:
    """Let an hour go by once the run was accepted: before, it may only be late in showing."""

    def on(event: events.Event) -> None:
        if isinstance(event, events.Moved) and event.attempt.state is State.ACCEPTED:
            world.clock.sleep(3_600)

    return on


def test_what_is_shown_no_more_has_ended_once_that_was_seen_three_times() -> None:
    world = looking(None, None, None)
    done = world.apply(an_hour_later(world), timeout=86_400.0)
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert world.states() == {"a": State.ENDED}
    said = world.attempts("a")[0].events[-1].extra["detail"]
    assert "doesn't show this execution any more" in said


def test_one_that_shows_again_was_never_gone() -> None:
    world = looking(None, None, "Running", None, None)
    assert world.apply(an_hour_later(world), timeout=86_400.0).report.exit_code is ExitCode.OK


def test_one_that_does_not_show_yet_is_waited_for() -> None:
    assert looking(None, None, None, None).apply().report.exit_code is ExitCode.OK


def test_a_number_that_is_no_time_tells_no_time() -> None:
    for number in (None, 10**30):
        assert created_at(Execution("e", "w", "", ended=False, created_at=number)) is None
