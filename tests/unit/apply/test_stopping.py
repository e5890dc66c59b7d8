"""What keeps an apply that runs from sending more: a person, the time, a freeze, a window."""

from datetime import UTC, datetime, timedelta

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode, LockError
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Reason
from qflow_gitops.ports.qualys import AnswerKind
from qflow_gitops.results.applies import Applied
from tests.fakes.qualys import Reply
from tests.fakes.world import Done, World, project_file

ONE_AT_A_TIME = project_file("apply: {concurrency: 1}")
OFFICE_HOURS = project_file(
    "apply: {concurrency: 1}",
    "policy: {windows: [{allow: '0 9 * * MON-FRI', duration: 8h, timezone: UTC}]}",
)


def not_started(done: Done) -> dict[str, tuple[Reason, str]]:
    assert isinstance(done.report.body, Applied)
    return {change.name: (change.reason, change.detail) for change in done.report.body.not_started}


def accepted(world: World, name: str = "a") -> bool:
    return world.states().get(name) is State.ACCEPTED


# --- a person ------------------------------------------------------------------------


def test_who_asks_to_stop_ends_the_sending_and_the_waiting() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    world.qualys.ends = ""
    done = world.apply(lambda _event: world.stop.ask() if accepted(world) else None)
    assert world.states()["a"] in (State.ACCEPTED, State.RUNNING)
    assert "it was interrupted" in not_started(done)["b"][1]
    assert world.store.lockfile.environment("prod").applied_through == ""


def test_who_asks_before_anything_was_sent_has_nothing_sent() -> None:
    world = World()
    world.specs("a")
    world.stop.ask()
    done = world.apply()
    assert world.qualys.sent == []
    assert world.states() == {}
    assert "it was interrupted" in not_started(done)["a"][1]


def test_what_was_being_recorded_when_somebody_asked_is_not_sent() -> None:
    world = World()
    world.specs("a")
    write = world.store.place.write

    def asked(lockfile: Lockfile) -> Lockfile:
        world.stop.ask()
        return write(lockfile)

    world.store.place.write = asked  # type: ignore[method-assign]  # a signal amid the write
    world.apply()
    assert world.states() == {"a": State.UNSENT}
    assert world.qualys.sent == []


def test_answers_that_are_there_are_recorded_though_time_is_short() -> None:
    world = World()
    world.store.batch_delay, world.tick = 1.0, 0.5
    world.specs("a", "b")
    world.qualys.replies.append(Reply(before=world.stop.ask))
    world.apply()
    assert State.INTENT not in world.states().values()
    assert len(world.qualys.sent) == 1


# --- the time ------------------------------------------------------------------------


def test_the_time_given_ends_the_waiting() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    world.qualys.ends = ""
    done = world.apply(timeout=60.0)
    assert (done.report.exit_code, done.report.reason) == (ExitCode.STILL_RUNNING, "still_running")
    assert world.states() == {"a": State.RUNNING}
    assert "--timeout" in not_started(done)["b"][1]


def test_the_settings_give_the_time_otherwise() -> None:
    world = World(project_file("apply: {timeout: 1m}"))
    world.specs("a")
    world.qualys.ends = ""
    begun = world.clock.monotonic()
    assert world.apply().report.exit_code is ExitCode.STILL_RUNNING
    assert 60 < world.clock.monotonic() - begun < 120


def test_an_intent_that_was_recorded_too_late_is_not_sent() -> None:
    """A request two minutes after its intent could be another process' doubt already."""
    world = World()
    world.specs("a")
    write = world.store.place.write

    def slow(lockfile: Lockfile) -> Lockfile:
        world.clock.sleep(121)
        return write(lockfile)

    world.store.place.write = slow  # type: ignore[method-assign]  # a remote that takes long
    assert world.apply().report.exit_code is ExitCode.UNREACHABLE
    assert world.states() == {"a": State.UNSENT}
    assert world.qualys.sent == []


# --- freezes -------------------------------------------------------------------------


def test_nothing_due_is_sent_while_it_is_frozen() -> None:
    world = World()
    world.specs("a")
    world.freezes = freezes.by_variable("incident 7")
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "frozen")
    assert world.qualys.sent == []


def test_a_freeze_that_is_announced_stops_an_apply_that_runs() -> None:
    world = World(ONE_AT_A_TIME)
    world.store.place.alone = True
    world.specs("a", "b")
    frozen = False

    def freeze(event: events.Event) -> None:
        nonlocal frozen
        if not frozen and accepted(world):
            frozen = True
            world.freeze("incident 7")

    done = world.apply(freeze)
    assert world.states() == {"a": State.SUCCEEDED}
    assert not_started(done)["b"][0] is Reason.FROZEN
    assert any("Nothing more is started: ada froze everything" in said for said in done.sentences)
    assert done.report.exit_code is ExitCode.HELD


def test_a_freeze_right_before_the_first_byte_keeps_the_request_back() -> None:
    world = World()
    world.specs("a")

    def freeze() -> None:
        world.freezes = freezes.by_variable("incident 7")

    world.qualys.before_send = freeze
    done = world.apply()
    assert world.qualys.sent == []
    assert world.attempts("a")[0].events[-1].extra["hold"] == "frozen"
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "frozen")
    assert world.states() == {"a": State.UNSENT}


def test_a_head_that_can_not_be_read_stops_as_a_freeze_does() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")

    def lose(event: events.Event) -> None:
        if accepted(world):
            world.store.unreadable = LockError("The head is broken.", hint="Look.", reason="lock")

    done = world.apply(lose)
    assert not_started(done)["b"][0] is Reason.FROZEN


# --- windows -------------------------------------------------------------------------


def test_a_window_that_closes_stops_the_rest() -> None:
    world = World(OFFICE_HOURS)
    world.specs("a", "b")
    end = datetime(2026, 10, 6, 17, 0, 5, tzinfo=UTC)
    world.clock.set(end - timedelta(seconds=20))
    done = world.apply()
    assert world.states() == {"a": State.SUCCEEDED}
    assert not_started(done)["b"][0] is Reason.WINDOW
    assert world.attempts("a")[0].evidence["timeZones"]


def test_outside_a_window_all_is_held_unless_it_is_released() -> None:
    world = World(OFFICE_HOURS)
    world.specs("a", "b")
    world.clock.set(datetime(2026, 10, 4, 12, tzinfo=UTC))  # a Sunday
    assert world.apply().report.reason == "window"
    assert world.qualys.sent == []
    done = world.apply(acks={"window": 2}, reason="the incident")
    assert done.report.exit_code is ExitCode.OK
    assert world.attempts("a")[0].evidence["released"] == [
        {"hold": "window", "count": 2, "by": "ada", "reason": "the incident"}
    ]


def event(reason: str) -> LedgerEvent:
    return LedgerEvent("2026-10-06T12:00:00Z", "frozen", {"reason": reason, "nonce": reason})


def test_a_freeze_that_another_process_pushes_is_seen_at_the_next_write() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    mark = Checkpoint(notes=(Note("", "", event("incident")),))
    world.qualys.replies.append(
        Reply(
            AnswerKind.ACCEPTED,
            before=lambda: world.store.another_writes(lambda lockfile: lockfile.marked(mark)),
        )
    )
    done = world.apply()
    assert world.states() == {"a": State.SUCCEEDED}
    assert not_started(done)["b"][0] is Reason.FROZEN
