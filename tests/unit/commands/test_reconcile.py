"""`reconcile`: a doubt is settled by what Qualys shows, or left to a person with what was found."""

from datetime import timedelta
from typing import Any

import pytest

from qflow_gitops.errors import ExitCode, UsageProblem
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from tests.fakes import qualys as fakes
from tests.fakes.world import WORKFLOW, World, project_file, raised
from tests.unit.apply.stories import lost, vanished

AT = "2026-10-06T12:00:00Z"


def test_an_execution_that_shows_the_request_is_adopted() -> None:
    world = World()
    (begun,) = lost(world, "a")
    assert world.states() == {"a": State.IN_DOUBT}
    done = world.reconcile()
    assert done.report.exit_code is ExitCode.OK
    (attempt,) = world.attempts("a")
    assert (attempt.state, attempt.execution_id) == (State.ADOPTED, begun.id)
    assert attempt.events[-1].extra["createdAt"]
    assert len(world.qualys.sent) == 1


def test_with_a_key_of_its_own_an_attempt_is_known_whatever_else_is_there() -> None:
    world = World(project_file("apply: {correlationKey: qflowRun}"))
    lost(world, "a")
    world.qualys.begin(WORKFLOW, {"input": {"value": "a"}})
    mine = world.qualys.begun[0]
    world.reconcile()
    assert world.attempts("a")[0].execution_id == mine.id


def test_of_two_that_look_alike_a_person_decides() -> None:
    world = World()
    (begun,) = lost(world, "a")
    other = world.qualys.begin(WORKFLOW, begun.body)
    done = world.reconcile()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.IN_DOUBT, "in_doubt")
    (said,) = done.sentences
    assert begun.id in said
    assert other.id in said
    assert "a person has to decide" in said
    assert world.states() == {"a": State.IN_DOUBT}


def test_many_candidates_are_counted() -> None:
    world = World()
    (begun,) = lost(world, "a")
    for _ in range(4):
        world.qualys.begin(WORKFLOW, begun.body)
    assert " more" not in world.reconcile().sentences[0]
    for _ in range(2):
        world.qualys.begin(WORKFLOW, begun.body)
    assert "and 2 more" in world.reconcile().sentences[0]


def test_what_others_started_is_no_candidate() -> None:
    world = World()
    (begun,) = lost(world, "a")
    world.qualys.begin(WORKFLOW, begun.body, source="WORKFLOW_TRIGGER")
    world.qualys.begin(WORKFLOW, {"input": {"value": "another"}})
    assert world.reconcile().report.exit_code is ExitCode.OK
    assert world.attempts("a")[0].execution_id == begun.id


def test_what_was_there_before_is_no_candidate() -> None:
    world = World()
    world.specs("a")
    earlier = world.qualys.begin(WORKFLOW, {"input": {"value": "a"}})
    vanished(world, "a")
    assert earlier.id in world.attempts("a")[0].events[0].extra["executionsBefore"]
    assert "lists no execution" in world.reconcile().sentences[0]


def test_an_execution_that_shows_nothing_of_its_request_is_not_adopted() -> None:
    world = World()
    (begun,) = lost(world, "a")
    begun.echoed = False
    (said,) = world.reconcile().sentences
    assert f"{begun.id} (unclear), which doesn't show what was sent" in said


def test_what_another_doubt_could_claim_is_not_adopted() -> None:
    """Two runs with one request, each in doubt, and one execution."""
    world = World()
    lost(world, "a")
    world.spec("b", "a")
    world.commit()
    world.qualys.replies.append(fakes.VANISHED)
    world.qualys.partial.add(WORKFLOW)
    world.apply(acks={"same_request": 1}, reason="twice, on purpose")
    world.qualys.partial.clear()
    done = world.reconcile()
    assert set(world.states().values()) == {State.IN_DOUBT}
    assert "which another doubt could claim as well" in done.sentences[0]


def test_where_the_list_before_could_not_be_read_nothing_is_adopted() -> None:
    world = World()
    world.specs("a")
    world.qualys.hidden.add(WORKFLOW)
    world.qualys.replies.append(fakes.LOST)
    world.apply()
    world.qualys.hidden.clear()
    (said,) = world.reconcile().sentences
    assert "may have been there before" in said


def test_nothing_is_concluded_from_a_list_that_is_not_whole() -> None:
    world = World()
    lost(world, "a")
    world.qualys.partial.add(WORKFLOW)
    assert "could not be read whole" in world.reconcile().sentences[0]
    assert world.states() == {"a": State.IN_DOUBT}


def test_a_clock_that_is_a_day_off_tells_nothing() -> None:
    world = World()
    (begun,) = lost(world, "a")
    (attempt,) = world.attempts("a")
    unknown = {**attempt.events[0].extra, "clockUnknown": True}
    events = (attempt.events[0]._replace(extra=unknown), *attempt.events[1:])
    untimed = attempt._replace(events=events)
    record = world.store.lockfile.environment("prod")
    environments = {"prod": record._replace(runs={"a": (untimed,)})}
    world.store.another_writes(lambda lockfile: Lockfile(lockfile.lineage, 9, environments))
    (said,) = world.reconcile().sentences
    assert "it isn't known when this run's was sent" in said
    begun.shown = False
    (said,) = world.reconcile().sentences
    assert "more than a day apart" in said


def test_what_is_older_than_qualys_shows_is_given_up() -> None:
    world = World()
    lost(world, "a")
    world.clock.sleep(timedelta(days=31).total_seconds())
    world.reconcile()
    assert world.states() == {"a": State.EXPIRED}


def test_an_intent_that_was_left_is_in_doubt_and_looked_up() -> None:
    """Its process died; here nobody else is at work."""
    world = World()
    world.store.place.alone = True
    lost(world, "a")
    (attempt,) = world.attempts("a")
    intent = attempt._replace(state=State.INTENT, events=attempt.events[:1])
    environments = {
        "prod": world.store.lockfile.environment("prod")._replace(runs={"a": (intent,)})
    }
    world.store.another_writes(lambda lockfile: Lockfile(lockfile.lineage, 9, environments))
    world.reconcile()
    assert [event.to for event in world.attempts("a")[0].events] == [
        State.INTENT, State.IN_DOUBT, State.ADOPTED,
    ]  # fmt: skip


def test_an_intent_whose_process_may_be_at_work_is_left_alone() -> None:
    world = World()
    vanished(world, "a")
    (attempt,) = world.attempts("a")
    intent = attempt._replace(state=State.INTENT, events=attempt.events[:1])
    environments = {
        "prod": world.store.lockfile.environment("prod")._replace(runs={"a": (intent,)})
    }
    world.store.another_writes(lambda lockfile: Lockfile(lockfile.lineage, 9, environments))
    done = world.reconcile()
    assert world.states() == {"a": State.INTENT}
    assert "may still be on its way" in done.report.body.hints[0]  # type: ignore[union-attr]  # a history
    world.clock.sleep(400)
    assert "once you have looked in Qualys" in world.reconcile().report.body.hints[0]  # type: ignore[union-attr]  # a history
    assert world.states() == {"a": State.IN_DOUBT}


def test_a_word_that_the_settings_explain_by_now_settles_an_end() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = "Finished"
    world.apply()
    assert world.states() == {"a": State.ENDED}
    world.git.write("qflow.yaml", project_file("statuses: {Finished: succeeded}"))
    world.commit()
    world.reconcile()
    assert world.states() == {"a": State.SUCCEEDED}


def test_nothing_is_asked_where_nothing_is_in_doubt() -> None:
    world = World()
    world.specs("a")
    assert world.reconcile().report.exit_code is ExitCode.OK
    assert world.connected == []


def test_what_can_not_be_asked_stays_and_is_told() -> None:
    world = World()
    lost(world, "a", "b")
    world.qualys.problem = fakes.out_of_reach()
    done = world.reconcile()
    assert done.report.exit_code is ExitCode.IN_DOUBT
    assert done.report.error is world.qualys.problem
    assert set(world.states().values()) == {State.IN_DOUBT}


def test_an_attempt_of_another_platform_is_asked_for_nowhere() -> None:
    world = World()
    lost(world, "a")
    world.git.write("qflow.yaml", project_file(prod="{platform: EU1}"))
    world.commit()
    asked = len(world.qualys.asked)
    done = world.reconcile()
    assert "back to sandbox" in (done.report.error.hint if done.report.error else "")
    assert len(world.qualys.asked) == asked


def test_a_race_is_looked_at_again() -> None:
    """Another process wrote while it was looked: what it opened may claim the same."""
    world = World()
    (begun,) = lost(world, "a")
    mark = Checkpoint("test", "1" * 40)
    world.store.meanwhile += [lambda lockfile: lockfile.marked(mark)] * 2
    assert world.reconcile().report.exit_code is ExitCode.OK
    assert world.attempts("a")[0].execution_id == begun.id


def test_a_race_that_is_lost_again_and_again_is_left_for_later() -> None:
    world = World()
    lost(world, "a")
    mark = Checkpoint("test", "1" * 40)
    world.store.meanwhile += [lambda lockfile: lockfile.marked(mark)] * 9
    done = world.reconcile()
    assert done.report.exit_code is ExitCode.IN_DOUBT
    assert world.states() == {"a": State.IN_DOUBT}


def test_a_doubt_of_another_workflow_claims_nothing() -> None:
    world = World()
    other = "11111111-2222-4333-8444-555555555555"
    (begun,) = lost(world, "a")
    text = world.git.files_on_disk[b"runs/a.yaml"].content.decode()
    world.git.write("runs/b.yaml", text.replace(WORKFLOW, other).replace("name: a", "name: b"))
    world.commit()
    world.qualys.replies.append(fakes.VANISHED)
    world.qualys.hidden.add(WORKFLOW)
    world.apply()
    assert world.states() == {"a": State.IN_DOUBT, "b": State.IN_DOUBT}
    world.qualys.hidden.clear()
    world.reconcile()
    assert world.states() == {"a": State.ADOPTED, "b": State.IN_DOUBT}
    assert world.attempts("a")[0].execution_id == begun.id


def test_a_doubt_that_let_an_execution_go_claims_it_no_more() -> None:
    world = World()
    (begun,) = lost(world, "a")
    world.spec("b", "a")
    world.commit()
    world.qualys.replies.append(fakes.VANISHED)
    world.qualys.hidden.add(WORKFLOW)
    world.apply(acks={"same_request": 1}, reason="twice, on purpose")
    world.qualys.hidden.clear()
    world.resolve("prod/b", State.ADOPTED, execution_id=begun.id, although_different=True)
    world.resolve("prod/b", State.IN_DOUBT)
    world.reconcile()
    assert world.attempts("a")[0].execution_id == begun.id
    assert world.states()["b"] is State.IN_DOUBT


def test_doubts_of_an_environment_that_is_gone_are_looked_up_with_those_at_hand() -> None:
    """Only on the platform whose credentials are at hand."""
    world = World(project_file("  dev: {platform: sandbox}", "  far: {platform: EU1}"))
    for name in ("dev", "far"):
        world.spec(name, metadata=f"  environment: {name}\n")
    world.commit()
    world.qualys.before_send = lambda: world.qualys.hidden.add(WORKFLOW)
    for name in ("dev", "far"):
        world.qualys.replies.append(fakes.LOST)
        world.apply(environment=name)
        world.qualys.hidden.clear()
    world.qualys.before_send = lambda: None
    world.git.write("qflow.yaml", project_file())
    for name in ("dev", "far"):
        world.git.remove(f"runs/{name}.yaml")
    world.commit()
    done = world.reconcile()
    assert world.states("dev") == {"dev": State.ADOPTED}
    assert world.states("far") == {"far": State.IN_DOUBT}
    assert "Put far back under `environments:`" in (
        done.report.error.hint if done.report.error else ""
    )
    assert any("far" in said for said in world.apply().sentences)


def test_one_environment_has_to_be_named() -> None:
    world = World(project_file("  dev: {platform: sandbox}"))
    world.commit()
    refused = raised(UsageProblem, world.reconcile)
    assert refused.reason == "environment_needed"
    assert world.reconcile("dev").report.exit_code is ExitCode.OK


@pytest.mark.parametrize("taken", [State.ASSUMED, State.IN_DOUBT])
def test_a_rival_of_another_environment_can_claim_it(taken: State) -> None:
    """Also one of the same time that a person took to have run."""
    world = World()
    lost(world, "a")
    (attempt,) = world.attempts("a")
    facts: dict[str, Any] = {**attempt.facts, "nonce": "another"}
    steps = [attempt.events[0], Event(AT, State.IN_DOUBT)]
    if taken is State.ASSUMED:
        steps.append(Event(AT, State.ASSUMED, {"by": {"actor": "ada"}}))
    rival = Attempt(1, taken, attempt.digest, tuple(steps), facts=facts)

    def write(lockfile: Lockfile) -> Lockfile:
        opened = rival._replace(state=State.INTENT, events=rival.events[:1])
        moves = [Transition("prod", "z", 1, rival.events[0], opens=opened)]
        moves += [Transition("prod", "z", 1, event) for event in rival.events[1:]]
        return lockfile.recorded(moves)

    world.store.another_writes(write)
    world.reconcile()
    assert world.states()["a"] is State.IN_DOUBT
