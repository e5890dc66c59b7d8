"""Tickets of a change management: nothing is sent but where one says so at that time."""

import threading
from typing import Any

import pytest

from qflow_gitops.apply import events
from qflow_gitops.errors import AuthError, ExitCode, UnreachableError, UsageProblem
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from tests.fakes.tickets import READY
from tests.fakes.world import Done, World, project_file
from tests.unit.apply.stories import Team

RULE = "policy: {require: {ticket: {system: servicenow, pattern: 'CHG[0-9]{7}'}}}"
CHG, OTHER = "CHG0000001", "CHG0000002"


@pytest.fixture
def world() -> World:
    made = World(project_file(RULE))
    made.tickets.put(CHG)
    return made


def spec(world: World, name: str, ticket: str = CHG) -> None:
    notes = f"  annotations: {{ticket: {ticket}}}\n" if ticket else ""
    world.spec(name, metadata=notes)


def held(done: Done) -> dict[str, str]:
    body: Any = done.report.body
    changes = (*body.planned.plan.changes, *body.not_started)
    return {change.name: change.detail for change in changes if change.reason == "ticket"}


def test_a_run_is_sent_where_its_ticket_is_approved_scheduled_and_in_its_window(
    world: World,
) -> None:
    spec(world, "a")
    world.commit()
    assert world.apply().report.exit_code is ExitCode.OK
    (attempt,) = world.attempts("a")
    assert attempt.evidence["ticket"] == {
        "id": CHG, "system": "servicenow", "state": "-2",
        "sha256": f"{1:064x}", "readAt": "2026-10-06T12:00:00Z",
    }  # fmt: skip
    assert world.tickets.asked == [f"read {CHG}", f"noted {CHG}", f"note {CHG}"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"approved": False}, "isn't approved"),
        ({"approved": None}, "doesn't say whether it is approved"),
        ({"state": "0"}, "is in state 0, not in -2 or -1"),
        ({"starts": "2026-10-06T12:00:01Z"}, "it may be sent from then on"),
        ({"ends": "2026-10-06T12:00:00Z"}, "ended at 2026-10-06T12:00:00Z"),
        ({"starts": ""}, "has no planned start (its field start_date)"),
        ({"ends": ""}, "has no planned end (its field end_date)"),
    ],
)
def test_a_run_is_held_where_its_ticket_says_no(
    world: World, changes: dict[str, Any], said: str
) -> None:
    world.tickets.put(CHG, **changes)
    spec(world, "a")
    world.commit()
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "ticket")
    assert said in held(done)["a"]
    assert world.sent() == []
    world.tickets.put(CHG, **{name: getattr(READY, name) for name in changes})
    assert world.apply().report.exit_code is ExitCode.OK


def test_what_has_no_ticket_or_another_thing_is_held_in_the_plan_already(world: World) -> None:
    spec(world, "none", "")
    spec(world, "odd", "INC0000001")
    spec(world, "unlooked")
    world.commit()
    body: Any = world.plan().body
    found = {change.name: change for change in body.plan.changes}
    assert found["none"].reason == found["odd"].reason == "ticket"
    assert "and it has none" in found["none"].detail
    assert "like CHG[0-9]{7} in `ticket`, and `INC0000001` isn't" in found["odd"].detail
    assert found["unlooked"].is_due
    assert "`qflow-gitops apply --ack ticket=2 --reason TEXT`" in found["none"].hint
    assert world.tickets.asked == []


def test_a_ticket_that_nobody_knows_holds_its_run_alone(world: World) -> None:
    spec(world, "a")
    spec(world, "b", OTHER)
    world.commit()
    done = world.apply()
    assert held(done) == {"b": f"ServiceNow knows no ticket {OTHER}, or doesn't show it"}
    assert world.states() == {"a": State.SUCCEEDED}


def test_a_system_that_is_down_holds_what_needs_it_and_ends_nothing_else(
    world: World,
) -> None:
    world.tickets.problem = UnreachableError(
        "ServiceNow could not be asked: no answer in time.", reason="ticket_unreachable"
    )
    for name, ticket in (("a", CHG), ("b", OTHER), ("c", CHG)):
        spec(world, name, ticket)
    world.commit()
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "ticket")
    why = "can't be looked up: ServiceNow could not be asked: no answer in time"
    assert held(done)["a"] == f"ticket {CHG} {why}"
    assert held(done)["b"] == f"ticket {OTHER} {why}"
    assert len(world.tickets.asked) == 1  # nobody waits for it twice
    world.clock.sleep(31)
    world.tickets.problem = None
    world.tickets.put(CHG)
    world.tickets.put(OTHER)
    assert world.apply().report.exit_code is ExitCode.OK


def test_a_refused_account_is_shown_once(world: World) -> None:
    world.tickets.problem = AuthError(
        "ServiceNow refused the account: 401.", hint="Check it.", reason="ticket_account"
    )
    spec(world, "a")
    spec(world, "b", OTHER)
    world.commit()
    done = world.apply()
    assert "refused the account" in held(done)["b"]
    assert len(world.tickets.asked) == 1


def test_what_isnt_set_up_is_said_with_what_to_set(world: World) -> None:
    world.tickets.problem = UsageProblem("QFLOW_TICKET_URL isn't set", hint="Set it.")
    spec(world, "a")
    world.commit()
    body: Any = world.apply().report.body
    (change,) = body.planned.plan.changes
    assert change.hint.startswith("Set it. Or release them: `qflow-gitops apply --ack ticket=1")


# --- released -------------------------------------------------------------------------


def test_a_release_of_too_many_says_that_one_is_held(world: World) -> None:
    spec(world, "b", OTHER)
    world.commit()
    with pytest.raises(UsageProblem, match=r"--ack ticket=2 releases nothing: 1 is held\."):
        world.apply(acks={"ticket": 2}, reason="incident 7")


def test_a_person_releases_as_many_as_are_held(world: World) -> None:
    spec(world, "a")
    spec(world, "b", OTHER)
    spec(world, "c", "")
    world.commit()
    with pytest.raises(UsageProblem, match="2 are held"):
        world.apply(acks={"ticket": 3}, reason="incident 7")
    done = world.apply(acks={"ticket": 2}, reason="incident 7")
    assert done.report.exit_code is ExitCode.OK
    assert len(world.sent()) == 3
    told = world.attempts("b")[0].evidence
    assert told["released"] == [{"hold": "ticket", "count": 2, "by": "ada", "reason": "incident 7"}]
    assert told["ticket"] == {"id": OTHER, "system": "servicenow"}
    assert "ticket" not in world.attempts("c")[0].evidence
    assert "released" not in world.attempts("a")[0].evidence


# --- while an apply waits -------------------------------------------------------------


def test_a_ticket_that_moved_while_its_run_waited_holds_that_run_alone(world: World) -> None:
    world.tickets.put(OTHER)
    for name, ticket in (("a", CHG), ("b", OTHER), ("c", CHG)):
        spec(world, name, ticket)
    world.commit()

    def moves(event: events.Event) -> None:
        if isinstance(event, events.Moved) and event.name == "a":
            world.tickets.put(OTHER, approved=False)
            world.clock.sleep(31)

    done = world.apply(on=moves, concurrency=1)
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "ticket")
    assert held(done) == {"b": f"ticket {OTHER} isn't approved"}
    assert world.states() == {"a": State.SUCCEEDED, "c": State.SUCCEEDED}  # no attempt of b
    world.tickets.put(OTHER, approved=True)
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(world.sent()) == 3


def test_a_ticket_is_looked_at_once_more_where_the_post_waited_after_its_intent(
    world: World,
) -> None:
    world.tickets.put(OTHER)
    spec(world, "a")
    spec(world, "b", OTHER)
    world.commit()

    def late() -> None:
        if not world.sent():
            world.clock.sleep(31)
            world.tickets.put(CHG, state="4")

    world.qualys.before_send = late
    done = world.apply(concurrency=1)
    assert done.report.reason == "ticket"
    (attempt,) = world.attempts("a")
    assert attempt.state is State.UNSENT
    assert attempt.events[-1].extra["hold"] == "ticket"
    assert "is in state 4" in attempt.events[-1].extra["detail"]
    assert world.states()["b"] is State.SUCCEEDED


# --- rollouts, other writers, reviews -------------------------------------------------


def targets(world: World, rollout: str) -> None:
    lines = "".join(f"    - {{name: {name}, input: {{in: {name}}}}}\n" for name in "abc")
    notes = f"  annotations: {{ticket: {CHG}}}\n"
    more = f"  targets:\n{lines}  rollout: {rollout}\n"
    world.spec("one", "same", metadata=notes, extra=more)
    world.commit()


def test_a_batch_that_begins_later_is_held_by_what_its_ticket_says_then(world: World) -> None:
    targets(world, "{batches: [1], pause: 10m}")
    world.tickets.put(CHG, ends="2026-10-06T12:05:00Z")
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "ticket")
    why = f"the planned window of ticket {CHG} ended at 2026-10-06T12:05:00Z"
    assert held(done) == {"one/b": why, "one/c": why}
    body: Any = done.report.body
    (hint,) = {change.hint for change in body.not_started}
    assert hint.startswith("Have the ticket in order; the next apply looks again.")
    assert "`qflow-gitops apply --ack ticket=2 --reason TEXT`" in hint
    world.tickets.put(CHG, ends="2026-10-07T00:00:00Z")
    assert world.apply().report.exit_code is ExitCode.OK
    assert set(world.states().values()) == {State.SUCCEEDED}


def test_a_ticket_that_was_released_stays_so_for_the_rest_of_its_rollout(world: World) -> None:
    world.tickets.put(CHG, approved=False)
    targets(world, "{batches: [1], pause: 10m}")
    world.apply(acks={"ticket": 3}, reason="incident 7", timeout=60.0)
    assert list(world.states()) == ["one/a"]
    world.clock.sleep(600)
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(world.states()) == 3


def test_what_others_write_meanwhile_takes_no_run_away_for_its_ticket(world: World) -> None:
    """Whether a ticket still lets a run go is for its own turn to say."""
    world.tickets.put(OTHER, ends="2026-10-06T12:01:00Z")
    for name, ticket in (("a", CHG), ("b", OTHER)):
        spec(world, name, ticket)
    world.commit()

    def moved_on(lockfile: Lockfile) -> Lockfile:
        world.clock.sleep(31)
        return lockfile.marked(Checkpoint("test", "1" * 40))

    def moves(event: events.Event) -> None:
        if isinstance(event, events.Moved) and event.attempt.state is State.ACCEPTED:
            world.store.meanwhile.append(moved_on)

    done = world.apply(on=moves, concurrency=1)
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "ticket")
    assert held(done)["b"].endswith("ended at 2026-10-06T12:01:00Z")


def test_a_stop_isnt_kept_waiting_by_a_system_that_is_slow(world: World) -> None:
    spec(world, "a")
    world.commit()
    gate = threading.Event()

    def slow(_ticket: str) -> None:
        world.stop.ask()
        gate.wait(30)

    world.tickets.at_read = slow
    done = world.apply()
    gate.set()
    assert world.sent() == []
    assert held(done) == {"a": f"nobody looked up ticket {CHG}"}


def test_an_approval_is_for_the_ticket_that_was_reviewed() -> None:
    team = Team(project_file(RULE))
    world = team.world
    world.tickets.put(CHG)
    world.tickets.put(OTHER)
    world.git.switch("pull-7", world.git.resolve("main"))
    spec(world, "a")
    world.github.open(7, world.commit("propose"), world.git.resolve("main"))
    world.git.push(ref="refs/pull/7/head")
    world.git.switch("main")
    world.github.approve(7, "bob")
    team.merge(7)
    spec(world, "a", OTHER)
    world.commit("another ticket, straight to main")
    team.publish()
    done = world.apply(approved=True)
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "approval")
    assert world.sent() == []
    spec(world, "a")
    world.commit("back")
    team.publish()
    assert world.apply(approved=True).report.exit_code is ExitCode.OK


@pytest.mark.parametrize("what", ["time", "freeze", "stop"])
def test_what_happens_while_a_ticket_is_looked_at_again_holds_its_run(
    world: World, what: str
) -> None:
    """The system is slow; the clocks and the brakes are asked behind it, right before the POST."""
    spec(world, "a")
    world.commit()

    def slow(_: str) -> None:
        if world.tickets.asked == [f"read {CHG}"]:
            world.clock.sleep(100 if what == "time" else 20)
            world.freezes = freezes.by_variable("incident 7") if what == "freeze" else ()
            if what == "stop":
                world.stop.ask()

    world.tickets.at_read = slow
    world.qualys.before_send = lambda: world.clock.sleep(31)
    world.apply()
    assert len(world.tickets.asked) == 2
    assert world.sent() == []


@pytest.mark.parametrize("system", ["servicenow", "command"])
def test_a_state_of_any_length_is_kept_and_shown_as_one_short_line(system: str) -> None:
    world = World(project_file(RULE.replace("servicenow", system)))
    world.tickets.put(CHG, state="Open\n\x1b[31m" + "x" * 60_000)
    spec(world, "a")
    world.commit()
    said = [*held(world.apply()).values()]
    said += [attempt.evidence["ticket"]["state"] for attempt in world.attempts("a")]
    assert len(said) == 1
    assert said[0].isprintable()
    assert len(said[0]) < 200
