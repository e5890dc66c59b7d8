"""What an apply sends, in which order, and what each answer comes to."""

from collections.abc import Iterable, Mapping

import pytest

from qflow_gitops.apply import events
from qflow_gitops.errors import AuthError, ExitCode, UnreachableError
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import change
from qflow_gitops.plan.change import Reason
from qflow_gitops.ports.qualys import AnswerKind
from qflow_gitops.results.applies import Applied
from qflow_gitops.specs import catalogs
from qflow_gitops.specs.catalogs import Workflow
from qflow_gitops.specs.spec import RunSpec
from tests.fakes import qualys as fakes
from tests.fakes.qualys import Reply
from tests.fakes.world import WORKFLOW, Done, World, project_file, raised

ONE_AT_A_TIME = project_file("apply: {concurrency: 1}")
GOING_ON = project_file("apply: {concurrency: 1, onFailure: continue}")


def body(done: Done) -> Applied:
    assert isinstance(done.report.body, Applied)
    return done.report.body


def not_started(done: Done) -> dict[str, Reason]:
    return {change.name: change.reason for change in body(done).not_started}


def test_what_is_due_is_sent_once_and_recorded() -> None:
    world = World()
    commit = world.specs("a", "b")
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert world.states() == {"a": State.SUCCEEDED, "b": State.SUCCEEDED}
    assert world.sent() == ["a", "b"]
    record = world.store.lockfile.environment("prod")
    assert (record.latest, record.applied_through) == (commit, commit)
    assert [event.to for event in world.attempts("a")[0].events] == [
        State.INTENT, State.ACCEPTED, State.SUCCEEDED,
    ]  # fmt: skip
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.sent() == ["a", "b"]


def test_an_attempt_says_what_was_sent_from_which_commit() -> None:
    world = World()
    world.evidence = {"pullRequest": 7}
    commit = world.specs("a")
    world.apply()
    (attempt,) = world.attempts("a")
    assert attempt.fact("workflowId") == WORKFLOW
    assert attempt.fact("platform") == "sandbox"
    assert attempt.fact("gateway") == "gateway.example"
    assert (attempt.fact("commit"), attempt.fact("file")) == (commit, "runs/a.yaml")
    assert attempt.fact("blob") in world.git.blobs_at_hand([attempt.fact("blob")])
    assert attempt.evidence["pullRequest"] == 7
    assert attempt.events[0].extra["by"] == {"actor": "ada"}
    assert attempt.events[0].extra["executionsBefore"] == []


def test_the_digest_of_a_plan_is_not_taken_for_each_of_its_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []
    of_runs = change.digest_of_runs

    def counted(platforms: Mapping[str, str], specs: Iterable[RunSpec]) -> str:
        taken.append(digest := of_runs(platforms, specs))
        return digest

    monkeypatch.setattr(change, "digest_of_runs", counted)
    world = World()
    world.specs(*(f"run-{number}" for number in range(20)))
    world.apply()
    assert len(taken) < 10
    assert {world.attempts(name)[0].evidence["planDigest"] for name in world.states()} == {taken[0]}


def test_nothing_is_asked_of_qualys_where_nothing_is_due() -> None:
    world = World()
    world.commit()
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.connected == []


def test_a_new_lockfile_is_told_of_before_the_first_run() -> None:
    world = World()
    world.specs("a")
    assert any("is made now" in said for said in world.apply().sentences)


def test_runs_wait_for_a_place() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b", "c")
    done = world.apply()
    under_way = [
        event.sending + event.under_way for event in done.told if isinstance(event, events.Tick)
    ]
    assert max(under_way) == 1
    assert done.states[:4] == [
        ("a", State.INTENT), ("a", State.ACCEPTED), ("a", State.SUCCEEDED), ("b", State.INTENT),
    ]  # fmt: skip
    many = World(ONE_AT_A_TIME)
    many.specs("a", "b", "c")
    assert many.apply(concurrency=3).states[:3] == [(name, State.INTENT) for name in "abc"]


def test_without_waiting_it_ends_once_all_is_accepted() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = ""
    done = world.apply(wait=False)
    assert done.report.exit_code is ExitCode.OK
    assert world.states() == {"a": State.ACCEPTED}
    assert not body(done).waited


def test_the_next_apply_waits_for_what_is_under_way() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = ""
    world.apply(wait=False)
    world.qualys.begun[0].end("Success", world.clock.now())
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert world.states() == {"a": State.SUCCEEDED}
    assert [outcome.name for outcome in body(done).outcomes] == ["a"]


# --- answers -------------------------------------------------------------------------


def test_after_a_refusal_nothing_more_is_sent() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    world.qualys.replies.append(fakes.refused(400, "no such input"))
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.RUN_FAILED, "refused")
    assert world.states() == {"a": State.REFUSED}
    assert world.attempts("a")[0].events[-1].extra == {
        "httpStatus": 400, "detail": "no such input",
    }  # fmt: skip
    assert not_started(done) == {"b": Reason.STOPPED}
    assert "refused prod/a" in body(done).not_started[0].detail


def test_after_a_refusal_the_others_are_sent_where_the_settings_say_so() -> None:
    world = World(GOING_ON)
    world.specs("a", "b")
    world.qualys.replies.append(fakes.refused())
    assert world.apply().report.exit_code is ExitCode.RUN_FAILED
    assert world.states() == {"a": State.REFUSED, "b": State.SUCCEEDED}


@pytest.mark.parametrize("status", [401, 403])
def test_a_right_that_is_missing_stops_all_of_it(status: int) -> None:
    world = World(GOING_ON)
    world.specs("a", "b")
    world.qualys.replies.append(fakes.refused(status))
    done = world.apply()
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert isinstance(done.report.error, AuthError)
    assert not_started(done) == {"b": Reason.STOPPED}


def test_what_was_not_sent_is_due_again_and_stops_the_rest() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    world.qualys.replies.append(fakes.UNSENT)
    done = world.apply()
    assert done.report.exit_code is ExitCode.UNREACHABLE
    assert isinstance(done.report.error, UnreachableError)
    assert world.states() == {"a": State.UNSENT}
    assert not_started(done) == {"b": Reason.STOPPED}
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.states() == {"a": State.SUCCEEDED, "b": State.SUCCEEDED}
    assert world.sent() == ["a", "a", "b"]  # the first one reached nobody


def test_a_failed_execution_stops_the_rest() -> None:
    world = World(project_file("apply: {concurrency: 1}", "statuses: {Broken: failed}"))
    world.specs("a", "b")
    world.qualys.ends = "Broken"
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.RUN_FAILED, "run_failed")
    assert world.states() == {"a": State.FAILED}
    assert not_started(done) == {"b": Reason.STOPPED}


def test_a_word_that_nobody_explains_is_no_success() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = "Whatever"
    assert world.apply().report.exit_code is ExitCode.RUN_FAILED
    assert world.states() == {"a": State.ENDED}


def test_an_execution_that_another_attempt_owns_is_no_answer() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    taken = "00000000-0000-4000-8000-000000000001"
    world.qualys.replies += [Reply(), Reply(executes=False, execution_id=taken)]
    done = world.apply()
    assert done.report.exit_code is ExitCode.IN_DOUBT
    assert world.states() == {"a": State.SUCCEEDED, "b": State.IN_DOUBT}
    assert "another attempt owns" in world.attempts("b")[0].events[-1].extra["detail"]


def test_two_answers_of_one_wave_with_one_execution_leave_a_doubt() -> None:
    world = World()
    world.specs("a", "b")
    same = Reply(executes=False, execution_id="11111111-0000-4000-8000-000000000001")
    world.qualys.replies += [same, same]
    assert world.apply(wait=False).report.exit_code is ExitCode.IN_DOUBT
    assert sorted(world.states().values()) == [State.ACCEPTED, State.IN_DOUBT]


def test_a_lost_answer_is_looked_up_at_once_and_waited_for() -> None:
    world = World()
    world.specs("a")
    world.qualys.replies.append(fakes.LOST)
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert [state for _, state in done.states] == [
        State.INTENT, State.IN_DOUBT, State.ADOPTED, State.SUCCEEDED,
    ]  # fmt: skip
    assert len(world.qualys.sent) == 1


def test_a_lost_answer_without_an_execution_stays_a_doubt() -> None:
    world = World()
    world.specs("a")
    world.qualys.replies.append(fakes.VANISHED)
    done = world.apply()
    assert done.report.exit_code is ExitCode.IN_DOUBT
    assert [outcome.name for outcome in body(done).doubts] == ["a"]
    assert any("lists no execution" in said for said in done.sentences)
    assert world.apply().report.exit_code is ExitCode.IN_DOUBT
    assert len(world.qualys.sent) == 1


def test_three_unclear_answers_in_a_row_are_enough() -> None:
    world = World(GOING_ON)
    world.specs("a", "b", "c", "d")
    world.qualys.replies += [fakes.VANISHED] * 3
    done = world.apply()
    assert world.states() == dict.fromkeys("abc", State.IN_DOUBT)
    assert "3 runs one after another are in doubt" in body(done).not_started[0].detail


def test_an_unclear_answer_and_a_clear_one_are_none_in_a_row() -> None:
    world = World(GOING_ON)
    world.specs("a", "b", "c", "d", "e")
    world.qualys.replies += [fakes.VANISHED, fakes.VANISHED, Reply(), fakes.VANISHED, Reply()]
    world.apply()
    assert world.states() == {
        "a": State.IN_DOUBT, "b": State.IN_DOUBT, "c": State.SUCCEEDED,
        "d": State.IN_DOUBT, "e": State.SUCCEEDED,
    }  # fmt: skip


def test_a_bug_while_sending_leaves_a_doubt_not_a_second_request() -> None:
    world = World()
    world.specs("a")

    def bug() -> None:
        raise ZeroDivisionError

    world.qualys.replies.append(Reply(AnswerKind.ACCEPTED, executes=True, before=bug))
    world.qualys.partial.add(WORKFLOW)
    assert world.apply().report.exit_code is ExitCode.IN_DOUBT
    assert "A bug: ZeroDivisionError" in world.attempts("a")[0].events[1].extra["detail"]


# --- before the first byte -----------------------------------------------------------


def test_credentials_that_are_refused_end_it_before_an_intent() -> None:
    world = World()
    world.specs("a")
    world.qualys.problem = fakes.token_refused()
    raised(AuthError, world.apply)
    assert world.states() == {}


def test_a_workflow_that_is_not_known_is_held_and_the_others_run() -> None:
    world = World()
    world.specs("a")
    other = "11111111-2222-4333-8444-555555555555"
    text = world.git.files_on_disk[b"runs/a.yaml"].content.decode()
    world.git.write("runs/b.yaml", text.replace(WORKFLOW, other).replace("name: a", "name: b"))
    world.commit()
    world.qualys.unknown.add(other)
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "workflow")
    assert not_started(done) == {"b": Reason.WORKFLOW}
    assert world.states() == {"a": State.SUCCEEDED}


def test_a_workflow_that_can_not_be_asked_for_ends_it() -> None:
    world = World()
    world.specs("a")
    world.qualys.refuses["workflow"] = fakes.out_of_reach()
    raised(UnreachableError, world.apply)
    assert world.qualys.sent == []


def catalog(world: World, revision: str) -> None:
    """Commit what was pulled of the workflow."""
    known = Workflow(WORKFLOW, "Encrypt", revision)
    world.git.write(f"workflows/{WORKFLOW}.json", catalogs.to_bytes(known))
    world.commit()


REVISION = f"revision of {WORKFLOW}"


def test_a_workflow_that_was_changed_since_the_catalog_is_told_and_recorded() -> None:
    world = World()
    world.specs("a")
    catalog(world, "an older one")
    done = world.apply()
    assert any("its workflow was changed since the catalog" in said for said in done.sentences)
    assert world.attempts("a")[0].evidence["catalogRevision"] == "an older one"
    assert world.attempts("a")[0].fact("revision") == REVISION


def test_the_catalog_s_revision_is_recorded_where_there_is_one() -> None:
    world = World()
    world.specs("a")
    world.apply()
    assert "catalogRevision" not in world.attempts("a")[0].evidence
    catalog(world, REVISION)
    world.specs("b")
    world.apply()
    assert world.attempts("b")[0].evidence["catalogRevision"] == REVISION


@pytest.mark.parametrize(
    ("revision", "code"),
    [(REVISION, ExitCode.OK), ("an older one", ExitCode.HELD), ("", ExitCode.HELD)],
)
def test_the_policy_may_ask_for_the_revision_of_the_catalog(revision: str, code: ExitCode) -> None:
    world = World(project_file("policy: {require: {workflowRevision: true}}"))
    world.specs("a")
    if revision:
        catalog(world, revision)
    done = world.apply()
    assert done.report.exit_code is code
    if code is ExitCode.HELD:
        assert not_started(done) == {"a": Reason.WORKFLOW}
        assert "workflows pull -e prod" in body(done).not_started[0].hint


def test_a_clock_that_is_ahead_is_recorded() -> None:
    world = World()
    world.specs("a")
    world.qualys.ahead = 90.0
    world.apply()
    assert world.attempts("a")[0].events[0].extra["clockSkew"] == 90


def test_where_executions_can_not_be_listed_a_person_is_told_once() -> None:
    world = World(ONE_AT_A_TIME)
    world.specs("a", "b")
    world.qualys.hidden.add(WORKFLOW)
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert len([said for said in done.sentences if "doesn't list" in said]) == 1
    assert "executionsBefore" not in world.attempts("a")[0].events[0].extra


def test_where_the_right_to_list_is_missing_it_is_sent_all_the_same() -> None:
    world = World()
    world.specs("a")
    world.qualys.refuses["newest"] = AuthError("403")
    assert world.apply().report.exit_code is ExitCode.OK
    assert "executionsBefore" not in world.attempts("a")[0].events[0].extra


def test_where_the_list_can_not_be_reached_nothing_is_sent() -> None:
    world = World()
    world.specs("a")
    world.qualys.refuses["newest"] = fakes.out_of_reach()
    done = world.apply()
    assert done.report.exit_code is ExitCode.UNREACHABLE
    assert "prod/a" in (done.report.error.where if done.report.error else "")
    assert not_started(done) == {"a": Reason.STOPPED}
    assert world.qualys.sent == []
