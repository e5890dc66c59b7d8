"""What an apply checks before anything is sent: plan, releases, retries, specs, confirmation."""

from typing import Any

import pytest

from qflow_gitops.errors import (
    AuthError,
    ExitCode,
    InvalidInput,
    QflowError,
    StaleError,
    UsageProblem,
)
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import InvalidFiles
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file, raised

BROKEN = project_file("statuses: {Broken: failed}", "apply: {concurrency: 1, onFailure: continue}")


def refused(world: World, **request: Any) -> QflowError:
    """Refuse an apply; nothing is sent and nothing written."""
    before, sent = list(world.store.place.versions), len(world.qualys.sent)
    problem = raised(QflowError, lambda: world.apply(**request))
    assert (world.store.place.versions, len(world.qualys.sent)) == (before, sent)
    return problem


def digest(world: World, **request: Any) -> str:
    body = world.plan(**request).body
    assert isinstance(body, Planned)
    return body.plan.digest


def failed(world: World, *names: str) -> None:
    """Let runs fail."""
    world.specs(*names)
    world.qualys.ends = "Broken"
    world.apply()
    world.qualys.ends = "Success"
    assert set(world.states().values()) == {State.FAILED}


# --- the plan that was approved ------------------------------------------------------


def test_only_the_plan_that_was_approved_is_carried_out() -> None:
    world = World()
    world.specs("a")
    approved = digest(world)
    world.specs("b")
    problem = refused(world, digest=approved)
    assert isinstance(problem, StaleError)
    assert problem.reason == "digest_differs"
    assert "prod/a, prod/b" in problem.message
    assert world.apply(digest=digest(world)).report.exit_code is ExitCode.OK


def test_the_rest_of_an_approved_plan_is_carried_out_too() -> None:
    world = World(project_file("apply: {concurrency: 1}"))
    world.specs("a", "b")
    approved = digest(world)
    world.qualys.replies.append(fakes.refused())
    world.apply(digest=approved)
    assert world.states() == {"a": State.REFUSED}
    assert world.apply(digest=approved).report.exit_code is ExitCode.OK
    assert world.states()["b"] is State.SUCCEEDED


def test_an_approved_plan_of_which_nothing_is_left_is_another_one() -> None:
    world = World()
    world.specs("a")
    world.apply()
    assert "would run nothing" in refused(world, digest="v1:sha256:" + "0" * 64).message


def test_a_freeze_makes_no_other_plan() -> None:
    world = World()
    world.specs("a")
    approved = digest(world)
    world.freeze()
    assert world.apply(digest=approved).report.reason == "frozen"


def test_who_does_not_confirm_sends_nothing() -> None:
    world = World()
    world.specs("a")
    world.confirms = False
    assert refused(world).reason == "not_confirmed"
    assert len(world.shown) == 1
    assert world.connected == []


def test_a_token_is_begun_once_it_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    world, calls = World(), []
    world.specs("a")
    monkeypatch.setattr(world.qualys, "start_connecting", lambda: calls.append(len(world.shown)))
    monkeypatch.setattr(world.qualys, "connect", lambda: calls.append(len(world.connected)))
    world.apply()
    assert calls == [1, 2]
    assert world.apply().report.exit_code is ExitCode.OK  # nothing is due
    assert calls == [1, 2]


def test_credentials_that_are_missing_are_told_once_they_are_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.specs("a")
    missing = AuthError("There are no credentials.", reason="credentials_missing")

    def connect(_platform: str) -> tuple[Qualys, str]:
        raise missing

    monkeypatch.setattr(world, "connect", connect)
    assert refused(world) is missing


def test_nobody_confirms_a_plan_in_which_nothing_is_due() -> None:
    world = World()
    world.commit()
    world.confirms = False
    assert world.apply().report.exit_code is ExitCode.OK


# --- specs ---------------------------------------------------------------------------


def test_a_spec_with_errors_keeps_all_from_being_sent() -> None:
    world = World()
    world.specs("a")
    world.git.write("runs/bad.yaml", "kind: [\n")
    world.commit()
    assert isinstance(refused(world), InvalidFiles)
    done = world.apply(keep_going=True)
    assert done.report.exit_code is ExitCode.INVALID
    assert world.sent() == ["a"]
    assert world.store.lockfile.environment("prod").applied_through == ""


def test_what_is_not_committed_does_not_count_and_that_is_said() -> None:
    world = World()
    world.specs("a")
    for number in range(12):
        world.spec(f"uncommitted-{number}")
    done = world.apply()
    assert world.sent() == ["a"]
    (note,) = done.report.notes
    assert "and 2 more" in note


def test_a_value_where_the_correlation_key_would_go_is_refused() -> None:
    world = World(project_file("apply: {correlationKey: value}"))
    world.specs("a")
    problem = refused(world)
    assert isinstance(problem, InvalidInput)
    assert problem.reason == "correlation_key"


def test_labels_choose_runs() -> None:
    world = World()
    world.spec("a", metadata="  labels: {team: x}\n")
    world.specs("b")
    world.apply(labels={"team": "x"})
    assert world.sent() == ["a"]


# --- retries -------------------------------------------------------------------------


def test_what_failed_is_held_until_somebody_asks_for_it() -> None:
    world = World(BROKEN)
    failed(world, "a", "b")
    assert world.apply().report.exit_code is ExitCode.OK
    done = world.apply(retries=("prod/a",), reason="fixed")
    assert done.report.exit_code is ExitCode.OK
    assert world.states() == {"a": State.SUCCEEDED, "b": State.FAILED}
    assert world.attempts("a")[1].evidence["released"] == [
        {"hold": "retry", "by": "ada", "reason": "fixed"}
    ]


@pytest.mark.parametrize("run", ["prod/a", "none"])
def test_only_what_failed_can_be_retried(run: str) -> None:
    world = World()
    world.specs("a")
    world.apply()
    problem = refused(world, retries=(run,))
    assert problem.reason == "retry_not_held"


def test_a_retry_of_what_is_frozen_is_held_by_the_freeze() -> None:
    world = World(BROKEN)
    failed(world, "a")
    world.freeze()
    assert world.apply(retries=("a",)).report.reason == "frozen"


def test_all_that_failed_is_retried_once_its_number_is_said() -> None:
    world = World(BROKEN)
    failed(world, "a", "b")
    problem = refused(world, retry_failed=True)
    assert problem.reason == "retry_count"
    assert "2 runs" in problem.message
    assert "--ack retry=2 --reason TEXT" in problem.hint
    assert "not 3" in refused(world, retry_failed=True, acks={"retry": 3}, reason="x").message
    done = world.apply(retry_failed=True, acks={"retry": 2}, reason="fixed")
    assert done.report.exit_code is ExitCode.OK
    assert set(world.states().values()) == {State.SUCCEEDED}


def test_a_long_list_of_what_failed_is_cut() -> None:
    world = World(BROKEN)
    failed(world, *(f"r-{number}" for number in range(12)))
    assert "and 2 more" in refused(world, retry_failed=True).message


def test_where_nothing_failed_that_is_said() -> None:
    world = World(BROKEN)
    failed(world, "only")
    assert "1 run again" in refused(world, retry_failed=True).message
    fine = World()
    fine.specs("a")
    assert any("nothing to retry" in said for said in fine.apply(retry_failed=True).sentences)


def test_a_number_of_retries_belongs_to_retry_failed() -> None:
    world = World(BROKEN)
    failed(world, "a")
    problem = refused(world, acks={"retry": 1}, reason="x")
    assert "--retry-failed" in problem.message


def test_what_is_still_held_names_what_the_next_apply_needs() -> None:
    world = World(BROKEN)
    failed(world, "a", "b")
    world.specs("c")
    done = world.apply(retries=("a",), reason="fixed")
    assert isinstance(done.report.body, Applied)
    held = {change.name: change.hint for change in done.report.body.planned.plan.of(Action.HOLD)}
    assert "--retry prod/b" in held["b"]
    assert "--retry prod/a" not in held["b"]


# --- releases ------------------------------------------------------------------------


def test_a_release_says_why() -> None:
    world = World()
    world.specs("a")
    assert refused(world, acks={"limit:runs": 1}).reason == "reason_missing"
    secret = "ghp_" + "a1B2" * 9
    assert isinstance(refused(world, reason=secret), UsageProblem)


def test_a_release_by_another_number_releases_nothing() -> None:
    world = World(project_file("policy: {limits: {runs: 1}}"))
    world.specs("a", "b")
    assert world.apply().report.reason == "limit"
    problem = refused(world, acks={"limit:runs": 3}, reason="all of them")
    assert "2 are held" in problem.message
    done = world.apply(acks={"limit:runs": 2}, reason="all of them")
    assert done.report.exit_code is ExitCode.OK
    assert world.attempts("a")[0].evidence["released"] == [
        {"hold": "limit:runs", "count": 2, "by": "ada", "reason": "all of them"}
    ]


def test_a_release_of_nothing_is_refused() -> None:
    world = World()
    world.specs("a")
    assert "there is no such hold" in refused(world, acks={"limit:runs": 1}, reason="x").message


def test_a_hold_of_a_commit_counts_once() -> None:
    world = World(project_file(prod="{platform: sandbox, branches: [main]}"))
    world.commit()
    world.git.switch("feature")
    world.specs("a", "b")
    assert "about one commit" in refused(world, acks={"unmerged": 2}, reason="x").message


def test_an_earlier_request_of_another_name_is_held_until_it_is_meant() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.spec("b", "a")
    world.commit()
    assert world.apply().report.reason == "same_request"
    done = world.apply(acks={"same_request": 1}, reason="once more")
    assert done.report.exit_code is ExitCode.OK
    assert world.sent() == ["a", "a"]


def test_one_environment_has_to_be_named() -> None:
    world = World(project_file("  dev: {platform: sandbox}"))
    world.specs("a")
    assert refused(world).reason == "environment_needed"
    assert refused(world, environment="none").reason == "environment_unknown"
    assert world.apply(environment="prod").report.exit_code is ExitCode.OK


def test_without_settings_the_platform_is_the_environments() -> None:
    world = World(project="")
    world.platform = "sandbox"
    world.specs("a")
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.connected[0] == "sandbox"
