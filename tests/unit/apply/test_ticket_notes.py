"""What became of runs is noted on their tickets: once, and without any say in what became of it."""

import json
import threading
from typing import Any

import pytest

from qflow_gitops.apply import ticket_notes
from qflow_gitops.commands.notify import NotifyServices, notify
from qflow_gitops.errors import ExitCode, LockError, UnreachableError, UsageProblem
from qflow_gitops.lockfile.outbox import TICKET, Notice
from qflow_gitops.lockfile.states import State
from qflow_gitops.policy.tickets import TicketRule
from qflow_gitops.ports.notices import NOBODY
from qflow_gitops.ports.tickets import Tickets
from qflow_gitops.results.notices import Delivered
from tests.fakes.world import World, project_file

RULE = "policy: {require: {ticket: {system: servicenow, pattern: 'CHG[0-9]{7}'}}}"
CHG, OTHER = "CHG0000001", "CHG0000002"
DOWN = UnreachableError("It is down.", reason="ticket_unreachable")


@pytest.fixture
def world() -> World:
    made = World(project_file(RULE))
    made.tickets.put(CHG)
    return made


def specs(world: World, *names: str, ticket: str = CHG) -> None:
    for name in names:
        world.spec(name, metadata=f"  annotations: {{ticket: {ticket}}}\n")
    world.commit()


def waiting(world: World) -> list[Notice]:
    return [each for each in world.store.lockfile.outbox.notices if each.kind == TICKET]


def test_a_note_says_what_ran_and_how_it_ended(world: World) -> None:
    specs(world, "a")
    assert world.apply().report.exit_code is ExitCode.OK
    (attempt,) = world.attempts("a")
    ((note,),) = world.tickets.notes.values()
    first, *lines = note.splitlines()
    assert first == f"prod/a, attempt 1: succeeded, {attempt.changed_at}"
    assert f"Execution: {attempt.execution_id}" in lines
    assert f"Commit: {attempt.fact('commit')}" in lines
    assert "Qualys' status: Success" in lines
    assert waiting(world) == []


@pytest.mark.parametrize(("word", "said"), [("Failed", "failed"), ("Odd", "nobody explained")])
def test_a_failure_is_noted_as_well(word: str, said: str) -> None:
    world = World(project_file(RULE, "statuses: {Failed: failed}"))
    world.tickets.put(CHG)
    world.qualys.ends = word
    specs(world, "a")
    assert world.apply().report.exit_code is ExitCode.RUN_FAILED
    ((note,),) = world.tickets.notes.values()
    assert said in note.splitlines()[0]


def test_runs_of_one_ticket_are_noted_together_and_looked_for_once(world: World) -> None:
    names = [f"r{number}" for number in range(25)]
    specs(world, *names)
    assert world.apply().report.exit_code is ExitCode.OK
    (notes,) = world.tickets.notes.values()
    assert [note.count("Reference: ") for note in notes] == [20, 5]
    assert world.tickets.asked.count(f"noted {CHG}") == 1


def test_without_a_ticket_in_the_evidence_nothing_is_noted() -> None:
    world = World()
    specs(world, "a")
    world.apply()
    assert world.tickets.asked == []


def test_a_note_that_was_written_and_not_recorded_is_found_and_not_written_again(
    world: World,
) -> None:
    specs(world, "a")

    def unwritable() -> None:
        world.store.unwritable = LockError("The disk is full.")

    world.tickets.after_note = unwritable
    assert world.apply().report.exit_code is ExitCode.LOCK
    assert len(waiting(world)) == 1
    world.store.unwritable = None
    world.tickets.after_note = lambda: None
    assert world.apply().report.exit_code is ExitCode.OK
    assert [len(notes) for notes in world.tickets.notes.values()] == [1]
    assert waiting(world) == []


def test_a_system_that_is_down_afterwards_is_said_in_one_line(world: World) -> None:
    specs(world, "a")

    world.qualys.before_send = lambda: setattr(world.tickets, "problem", DOWN)
    done = world.apply()
    assert (done.report.exit_code, world.states()) == (ExitCode.OK, {"a": State.SUCCEEDED})
    said = (
        f"What became of 1 run isn't noted on its ticket yet ({CHG}: It is down). To note it: "
        "`qflow-gitops notify`"
    )
    assert said in done.sentences
    assert said in done.report.notes
    assert len(waiting(world)) == 1
    world.tickets.problem = None
    world.qualys.before_send = lambda: None
    assert world.apply().report.exit_code is ExitCode.OK
    assert waiting(world) == []
    assert len(world.tickets.notes[CHG]) == 1


def test_a_ticket_that_nobody_knows_is_given_up_after_a_week(world: World) -> None:
    specs(world, "a", ticket=OTHER)
    done = world.apply(acks={"ticket": 1}, reason="incident 7")
    assert "ServiceNow knows no such ticket" in done.report.notes[-1]
    world.clock.sleep(7 * 86_400 - 60)
    world.apply()
    assert len(waiting(world)) == 1
    world.clock.sleep(120)
    told = world.apply().report.notes[-1]
    assert told.startswith("What became of 1 run isn't noted on its ticket at all")
    assert waiting(world) == []


def test_what_isnt_permitted_on_one_ticket_holds_no_other_note_up(world: World) -> None:
    """A change that is closed may take no notes any more."""
    world.tickets.put(OTHER)
    specs(world, "a", ticket=OTHER)
    specs(world, "b")
    world.tickets.closed = {OTHER}
    done = world.apply()
    assert f"({OTHER}: It is closed)" in done.report.notes[-1]
    assert [*world.tickets.notes] == [CHG]
    world.clock.sleep(7 * 86_400 + 60)
    assert "at all" in world.apply().report.notes[-1]
    assert waiting(world) == []


def test_notes_of_another_environment_are_left_to_its_own_apply() -> None:
    both = "{platform: sandbox}\n    dev: {platform: sandbox}"
    world = World(project_file(RULE, prod=both))
    world.tickets.put(CHG)
    specs(world, "a")
    world.spec("b", 7, metadata=f"  environment: dev\n  annotations: {{ticket: {CHG}}}\n")
    world.commit()
    world.qualys.before_send = lambda: setattr(world.tickets, "problem", DOWN)
    assert world.apply(environment="prod").report.exit_code is ExitCode.OK
    world.tickets.problem, world.qualys.before_send = None, lambda: None
    assert world.apply(environment="dev").report.exit_code is ExitCode.OK
    assert [note.partition(",")[0] for note in world.tickets.notes[CHG]] == ["dev/b"]
    world.apply(environment="prod")
    assert [note.partition(",")[0] for note in world.tickets.notes[CHG]] == ["dev/b", "prod/a"]


def test_nobody_waits_for_notes_for_long_or_once_asked_to_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs(world, *(f"r{number}" for number in range(21)))
    gate = threading.Event()
    world.tickets.after_note = lambda: (gate.wait(30), None)[1]  # it answers much later
    monkeypatch.setattr(ticket_notes, "SECONDS", 0.2)
    done = world.apply()
    gate.set()
    assert done.report.exit_code is ExitCode.OK
    assert "there was no time for it" in done.report.notes[-1]
    assert len(world.tickets.notes[CHG]) == 1  # no more of them, once nobody records it
    world.tickets.after_note = lambda: None
    world.apply()
    assert [note.count("Reference: ") for note in world.tickets.notes[CHG]] == [20, 1]
    assert waiting(world) == []


def test_what_qualys_says_cant_forge_a_note(world: World) -> None:
    world.qualys.ends = "Success\nReference: x\u202e" + "y" * 10_000
    specs(world, "a")
    world.apply()
    note: Any = world.tickets.notes[CHG][0]
    assert len(note.splitlines()) == 6 + ("Platform" in note)
    assert "\u202e" not in note
    assert max(map(len, note.splitlines())) < 250


# --- notify ---------------------------------------------------------------------------


def notified(world: World) -> Delivered:
    services = NotifyServices(world.project, world.store, NOBODY, world.clock, world.tickets)
    body: Any = notify(services, 5.0).body
    return body  # type: ignore[no-any-return]  # a report's body is any


def test_notify_writes_what_is_left_and_says_what_it_cant(world: World) -> None:
    specs(world, "a")
    world.qualys.before_send = lambda: setattr(world.tickets, "problem", DOWN)
    world.apply()
    told = notified(world)
    assert (told.noted, "It is down" in told.unnoted) == (0, True)
    world.tickets.problem = None
    told = notified(world)
    assert (told.noted, told.unnoted, waiting(world)) == (1, "", [])
    assert len(world.tickets.notes[CHG]) == 1
    assert notified(world).noted == 0


def test_where_no_system_is_set_up_any_more_the_notes_wait(world: World) -> None:
    world.tickets.put(OTHER)
    specs(world, "a")
    specs(world, "b", ticket=OTHER)
    world.qualys.before_send = lambda: setattr(world.tickets, "problem", DOWN)
    world.apply()

    def unset(_rule: TicketRule) -> Tickets:
        raise UsageProblem("QFLOW_TICKET_URL isn't set", reason="ticket_unset")

    about = world.store.lockfile, ["prod"], unset, world.clock.now(), world.stop
    written = ticket_notes.write(*about, 5.0)
    assert written.done == frozenset()
    assert written.left.count("QFLOW_TICKET_URL isn't set") == 2


def test_a_note_isnt_longer_than_a_program_is_given() -> None:
    """What Qualys says may be in any writing, of which JSON makes six bytes a character."""
    world = World(project_file(RULE, "apply: {onFailure: continue}"))
    world.tickets.put(CHG)
    world.qualys.ends = "\u7d50" * 150
    specs(world, *(f"r{number}" for number in range(20)))
    world.apply()
    notes = world.tickets.notes[CHG]
    assert len(notes) > 1
    assert max(len(json.dumps(note)) for note in notes) < 15_000
    assert sum(note.count("Reference: ") for note in notes) == 20
