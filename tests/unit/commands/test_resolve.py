"""`resolve`: a person settles a doubt, as far as Qualys shows nothing else, or puts that back."""

from typing import Any

import pytest

from qflow_gitops.errors import BusyError, ExitCode, QflowError, UsageProblem
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.records import Resolved
from qflow_gitops.results.report import Report
from tests.fakes import qualys as fakes
from tests.fakes.world import WORKFLOW, World, project_file, raised
from tests.helpers.specs import CONNECTOR
from tests.unit.apply.stories import lost, vanished

OTHER_WORKFLOW = "11111111-2222-4333-8444-555555555555"
RUN = "prod/a"


def body(report: Report) -> Resolved:
    assert isinstance(report.body, Resolved)
    return report.body


def refused(world: World, to: State, run: str = RUN, **more: Any) -> QflowError:
    """Refuse a decision; the lockfile is as it was."""
    before = list(world.store.place.versions)
    problem = raised(QflowError, lambda: world.resolve(run, to, **more))
    assert world.store.place.versions == before
    return problem


def later(world: World) -> World:
    """When the lease of what was sent is over."""
    world.clock.sleep(600)
    return world


# --- it ran --------------------------------------------------------------------------


def test_an_execution_that_shows_the_request_is_adopted() -> None:
    world = World()
    (begun,) = lost(world, "a")
    report = world.resolve(RUN, State.ADOPTED, execution_id=begun.id)
    assert report.exit_code is ExitCode.OK
    (attempt,) = world.attempts("a")
    assert (attempt.state, attempt.execution_id) == (State.ADOPTED, begun.id)
    assert attempt.events[-1].extra["checked"] == "request"
    assert attempt.events[-1].extra["by"] == {"actor": "ada"}
    assert attempt.events[-1].extra["detail"] == "I looked"


def test_an_execution_of_another_request_is_shown_and_not_adopted() -> None:
    world = World()
    vanished(world, "a")
    other = world.qualys.begin(WORKFLOW, {"input": {"value": "another", "more": 1}})
    report = world.resolve(RUN, State.ADOPTED, execution_id=other.id)
    assert (report.exit_code, report.reason) == (ExitCode.USAGE, "request_differs")
    assert [difference.pointer for difference in body(report).differences] == [
        "/input/more", "/input/value",
    ]  # fmt: skip
    assert world.states() == {"a": State.IN_DOUBT}
    report = world.resolve(RUN, State.ADOPTED, execution_id=other.id, although_different=True)
    assert report.exit_code is ExitCode.OK
    extra = world.attempts("a")[0].events[-1].extra
    assert extra["checked"] == "execution"
    assert extra["different"] == ["/input/more", "/input/value"]


def test_what_looks_like_a_secret_is_masked_in_a_difference() -> None:
    world = World()
    vanished(world, "a")
    token = "ghp_" + "a1B2" * 9
    other = world.qualys.begin(WORKFLOW, {"input": {"value": token}})
    report = world.resolve(RUN, State.ADOPTED, execution_id=other.id)
    assert token not in repr(report)


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("source", "source"),
        ("not echoed", "not_shown"),
        ("too early", "time"),
        ("before", "before"),
    ],
)
def test_what_speaks_against_an_execution_is_said(what: str, word: str) -> None:
    world = World()
    if what == "before":
        world.specs("a")
        begun = world.qualys.begin(WORKFLOW, {"input": {"value": "a"}})
        vanished(world, "a")
    else:
        (begun,) = lost(world, "a")
    match what:
        case "source":
            begun.source = "WORKFLOW_TRIGGER"
        case "not echoed":
            begun.echoed = False
        case "too early":
            begun.created = begun.created.replace(hour=3)
    report = world.resolve(RUN, State.ADOPTED, execution_id=begun.id)
    assert (report.exit_code, report.reason) == (ExitCode.USAGE, word)
    assert body(report).against
    world.resolve(RUN, State.ADOPTED, execution_id=begun.id, although_different=True)
    assert world.attempts("a")[0].events[-1].extra["against"] == [word]


def test_what_is_shown_without_its_variables_is_not_all_of_it() -> None:
    world = World()
    variables = f"{{connectorId: {CONNECTOR}, region: us-east-1}}"
    world.spec("a", extra=f"  connectorType: aws\n  variables: {variables}\n")
    world.commit()
    world.qualys.replies.append(fakes.LOST)
    world.qualys.before_send = lambda: world.qualys.hidden.add(WORKFLOW)
    world.apply()
    (begun,) = world.qualys.begun
    begun.body = {**begun.body, "variables": None}
    report = world.resolve(RUN, State.ADOPTED, execution_id=begun.id)
    assert (report.exit_code, report.reason) == (ExitCode.USAGE, "not_shown")


def test_when_it_began_counts_only_where_both_clocks_are_known() -> None:
    world = World()
    (begun,) = lost(world, "a")
    begun.dated = False
    report = world.resolve(RUN, State.ADOPTED, execution_id=begun.id)
    assert (report.exit_code, report.reason) == (ExitCode.USAGE, "time")
    (attempt,) = world.attempts("a")
    first = attempt.events[0]._replace(extra={**attempt.events[0].extra, "clockUnknown": True})
    rewritten(world, attempt._replace(events=(first, *attempt.events[1:])))
    assert world.resolve(RUN, State.ADOPTED, execution_id=begun.id).exit_code is ExitCode.OK
    assert "createdAt" not in world.attempts("a")[0].events[-1].extra


def test_without_its_key_an_execution_is_another_ones() -> None:
    world = World(project_file("apply: {correlationKey: qflowRun}"))
    (begun,) = lost(world, "a")
    copy = world.qualys.begin(WORKFLOW, {"input": {"value": "a"}})
    report = world.resolve(RUN, State.ADOPTED, execution_id=copy.id)
    assert report.exit_code is ExitCode.USAGE
    assert world.resolve(RUN, State.ADOPTED, execution_id=begun.id).exit_code is ExitCode.OK


def test_where_the_file_as_sent_is_lost_that_is_said() -> None:
    world = World()
    (begun,) = lost(world, "a")
    begun.body = {"input": {"value": "other bytes"}}
    world.spec("a", "changed since")
    world.commit()
    world.git.lost.add(world.attempts("a")[0].fact("blob"))
    report = world.resolve(RUN, State.ADOPTED, execution_id=begun.id)
    assert report.reason == "request_unknown"


def test_an_execution_that_can_not_be_its_own_is_refused_whatever_is_said() -> None:
    world = World()
    vanished(world, "a")
    other = world.qualys.begin(OTHER_WORKFLOW, {"input": {"value": "a"}})
    for execution_id in (other.id, "nowhere"):
        problem = refused(world, State.ADOPTED, execution_id=execution_id, although_different=True)
        assert problem.reason == "execution_differs"


def test_an_execution_of_another_attempt_is_refused() -> None:
    world = World()
    vanished(world, "a")
    world.specs("b")
    world.apply()
    taken = world.attempts("b")[0].execution_id
    problem = refused(world, State.ADOPTED, execution_id=taken)
    assert problem.reason == "execution_taken"
    assert "prod/b" in problem.message


def test_a_decision_that_took_an_execution_can_be_put_back_first() -> None:
    world = World()
    vanished(world, "a", "b")
    other = world.qualys.begin(WORKFLOW, {"input": {"value": "a"}})
    world.resolve("prod/b", State.ADOPTED, execution_id=other.id, although_different=True)
    problem = refused(world, State.ADOPTED, execution_id=other.id)
    assert "--reopen" in problem.hint


# --- it did not run ------------------------------------------------------------------


def test_what_is_not_listed_may_be_called_absent_and_is_due_again() -> None:
    world = World()
    vanished(world, "a")
    later(world).resolve(RUN, State.ABSENT)
    assert world.states() == {"a": State.ABSENT}
    assert world.attempts("a")[0].events[-1].extra["checked"] == "list"
    world.apply()
    assert world.states() == {"a": State.SUCCEEDED}


def test_what_is_listed_has_to_be_ruled_out_by_name() -> None:
    world = World()
    (begun,) = lost(world, "a")
    problem = refused(later(world), State.ABSENT)
    assert problem.reason == "execution_found"
    assert f"--not {begun.id}" in problem.hint
    begun.echoed = False
    assert "isn't shown" in refused(world, State.ABSENT).message
    world.resolve(RUN, State.ABSENT, others=[begun.id.upper()])
    assert world.attempts("a")[0].events[-1].extra["notThese"] == [begun.id.upper()]


def test_a_list_that_is_not_whole_proves_no_absence() -> None:
    world = World()
    vanished(world, "a")
    world.qualys.partial.add(WORKFLOW)
    assert refused(later(world), State.ABSENT).reason == "list_incomplete"


def test_a_list_that_can_not_be_read_proves_no_absence() -> None:
    world = World()
    vanished(world, "a")
    world.qualys.problem = fakes.out_of_reach()
    assert refused(later(world), State.ABSENT) is world.qualys.problem


def test_nobody_calls_a_request_absent_that_may_be_under_way() -> None:
    world = World()
    vanished(world, "a")
    problem = refused(world, State.ABSENT)
    assert isinstance(problem, BusyError)
    assert problem.reason == "lease_runs"


def test_nor_by_the_clock_of_qualys() -> None:
    """The sender's clock was behind: by Qualys' own its lease isn't over."""
    world = World()
    vanished(world, "a")
    world.clock.sleep(600)
    world.qualys.ahead = -500.0
    assert refused(world, State.ABSENT).reason == "lease_runs"


def rewritten(world: World, attempt: Attempt) -> None:
    """Let the lockfile hold another attempt of the run."""
    record = world.store.lockfile.environment("prod")
    environments = {"prod": record._replace(runs={"a": (attempt,)})}
    world.store.another_writes(lambda lockfile: Lockfile(lockfile.lineage, 9, environments))


def test_where_it_is_not_known_when_it_was_sent_nothing_proves_absence() -> None:
    world = World()
    vanished(world, "a")
    (attempt,) = world.attempts("a")
    first = attempt.events[0]._replace(extra={**attempt.events[0].extra, "clockUnknown": True})
    rewritten(world, attempt._replace(events=(first, *attempt.events[1:])))
    assert refused(later(world), State.ABSENT).reason == "time_unknown"


def test_an_intent_that_was_left_comes_into_doubt_on_the_way() -> None:
    world = World()
    vanished(world, "a")
    (attempt,) = world.attempts("a")
    rewritten(world, attempt._replace(state=State.INTENT, events=attempt.events[:1]))
    assert refused(world, State.ASSUMED).reason == "lease_runs"
    later(world).resolve(RUN, State.ASSUMED)
    assert [event.to for event in world.attempts("a")[0].events] == [
        State.INTENT, State.IN_DOUBT, State.ASSUMED,
    ]  # fmt: skip


def test_what_is_too_old_to_be_looked_up_may_be_decided() -> None:
    world = World()
    vanished(world, "a")
    world.clock.sleep(31 * 86_400)
    world.reconcile()
    world.resolve(RUN, State.ABSENT)
    assert world.states() == {"a": State.ABSENT}


def test_who_assumes_that_it_ran_asks_nobody() -> None:
    world = World()
    vanished(world, "a")
    asked = len(world.qualys.asked)
    world.resolve(RUN, State.ASSUMED)
    assert world.states() == {"a": State.ASSUMED}
    assert len(world.qualys.asked) == asked


# --- which attempt -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "attempt", "reason"),
    [("prod/none", 0, "run_unknown"), (RUN, 7, "attempt_unknown")],
)
def test_what_is_not_there_is_not_decided_about(run: str, attempt: int, reason: str) -> None:
    world = World()
    vanished(world, "a")
    problem = refused(world, State.ASSUMED, run, attempt=attempt)
    assert problem.reason == reason


@pytest.mark.parametrize(
    ("end", "way"),
    [("Success", "rerun"), ("Broken", "--retry"), ("Whatever", "--succeeded"), ("", "rerun")],
)
def test_what_is_not_in_doubt_goes_on_another_way(end: str, way: str) -> None:
    world = World(project_file("statuses: {Broken: failed}"))
    world.specs("a")
    world.qualys.ends = end
    world.apply(wait=bool(end))
    problem = refused(world, State.ASSUMED)
    assert problem.reason == "not_in_doubt"
    assert way in problem.hint


def test_what_is_due_again_needs_no_decision() -> None:
    world = World()
    world.specs("a")
    world.qualys.replies.append(fakes.UNSENT)
    world.apply()
    assert "plan -e prod" in refused(world, State.ASSUMED).hint


def test_a_decision_says_why() -> None:
    world = World()
    vanished(world, "a")
    assert refused(world, State.ASSUMED, reason=" ").reason == "reason_missing"
    secret = refused(world, State.ASSUMED, reason="ghp_" + "a1B2" * 9)
    assert isinstance(secret, UsageProblem)


def test_who_was_slower_is_told() -> None:
    world = World()
    (begun,) = lost(world, "a")
    adopted = Transition("prod", "a", 1, Event(world.now, State.ADOPTED), execution_id=begun.id)
    world.store.meanwhile.append(lambda lockfile: lockfile.recorded([adopted]))
    problem = raised(BusyError, lambda: world.resolve(RUN, State.ASSUMED))
    assert problem.reason == "settled_elsewhere"
    assert world.states() == {"a": State.ADOPTED}


# --- putting a decision back, and ends -----------------------------------------------


def test_a_decision_is_put_back() -> None:
    world = World()
    vanished(world, "a")
    world.resolve(RUN, State.ASSUMED)
    report = world.resolve(RUN, State.IN_DOUBT)
    assert world.states() == {"a": State.IN_DOUBT}
    assert "the decision that it ran is put back" in report.notes[0]


def test_an_adoption_that_is_put_back_lets_its_execution_go() -> None:
    world = World()
    (begun,) = lost(world, "a")
    world.resolve(RUN, State.ADOPTED, execution_id=begun.id)
    world.apply()
    assert world.states() == {"a": State.SUCCEEDED}
    report = world.resolve(RUN, State.IN_DOUBT)
    assert any("is given up with it" in note for note in report.notes)
    assert any(f"{begun.id} is no attempt's" in note for note in report.notes)
    assert world.store.lockfile.owner(begun.id) is None


def test_what_was_sent_since_counts_beside_it() -> None:
    world = World()
    vanished(world, "a")
    later(world).resolve(RUN, State.ABSENT)
    world.apply()
    report = world.resolve(RUN, State.IN_DOUBT, attempt=1)
    assert any("Attempt 2 sent the same request since" in note for note in report.notes)
    assert len(body(report).attempts) == 2


def test_where_nobody_decided_nothing_is_put_back() -> None:
    world = World()
    vanished(world, "a")
    problem = refused(world, State.IN_DOUBT)
    assert problem.reason == "nothing_decided"
    assert "resolve" in problem.hint


def test_an_end_that_nobody_knows_is_told_by_a_person_and_put_back() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = "Whatever"
    world.apply()
    world.resolve(RUN, State.FAILED)
    assert world.states() == {"a": State.FAILED}
    report = world.resolve(RUN, State.IN_DOUBT)
    assert world.states() == {"a": State.ENDED}
    assert len(report.notes) == 2
    world.resolve(RUN, State.SUCCEEDED)
    problem = refused(world, State.SUCCEEDED)
    assert problem.reason == "not_ended"
    assert "--reopen" in problem.hint


def test_a_decision_holds_for_exactly_one_lockfile() -> None:
    world = World()
    vanished(world, "a")
    world.resolve(RUN, State.ASSUMED)
    mark = Checkpoint("test", "1" * 40)
    world.store.meanwhile += [lambda lockfile: lockfile.marked(mark)] * 3
    world.resolve(RUN, State.IN_DOUBT)
    assert world.states() == {"a": State.IN_DOUBT}
    world.resolve(RUN, State.ASSUMED)
    world.store.meanwhile += [lambda lockfile: lockfile.marked(mark)] * 30
    assert isinstance(raised(BusyError, lambda: world.resolve(RUN, State.IN_DOUBT)), BusyError)
