"""`status` and `history`: how each run stands, what was tried, and what is new at Qualys."""

import pytest

from qflow_gitops.errors import ExitCode, UnreachableError, UsageProblem
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.records import RunHistory, Status, StatusRow
from qflow_gitops.results.report import Report
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file, raised
from tests.unit.apply.stories import lost, vanished


def rows(report: Report) -> dict[str, StatusRow]:
    assert isinstance(report.body, Status)
    return {row.name: row for row in report.body.rows}


def attempts(report: Report) -> list[tuple[str, int, State]]:
    assert isinstance(report.body, RunHistory)
    return [(name, attempt.number, attempt.state) for _, name, attempt in report.body.attempts]


def test_each_run_is_shown_with_its_last_attempt() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.specs("b")
    found = rows(world.status())
    assert found["a"].attempt is not None
    assert found["a"].attempt.state is State.SUCCEEDED
    assert found["b"].attempt is None
    assert found["b"].spec is not None


def test_what_has_no_spec_any_more_is_gone_unless_a_file_can_not_be_read() -> None:
    world = World()
    world.specs("a", "b")
    world.apply()
    world.git.remove("runs/a.yaml")
    world.commit()
    assert rows(world.status())["a"].gone
    assert not rows(world.status())["b"].gone
    world.git.write("runs/bad.yaml", "kind: [\n")
    world.commit()
    assert not rows(world.status())["a"].gone


def test_a_run_that_was_renamed_has_an_heir() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.git.remove("runs/a.yaml")
    world.spec("b", "a", metadata="  previousName: a\n")
    world.commit()
    found = rows(world.status())
    assert not found["a"].gone
    world.apply()
    assert rows(world.status())["a"].heir == ("prod", "b")


@pytest.mark.parametrize(
    ("end", "code"),
    [("Success", ExitCode.OK), ("Broken", ExitCode.RUN_FAILED), ("", ExitCode.STILL_RUNNING)],
)
def test_the_exit_code_says_the_worst_if_it_is_asked_for(end: str, code: ExitCode) -> None:
    world = World(project_file("statuses: {Broken: failed}"))
    world.specs("a")
    world.qualys.ends = end
    world.apply(wait=bool(end))
    assert world.status().exit_code is ExitCode.OK
    assert world.status(exit_code=True).exit_code is code


def test_freezes_are_shown_wherever_they_come_from() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.freeze("incident")
    world.freezes = freezes.by_variable("maintenance")
    body = world.status().body
    assert isinstance(body, Status)
    assert [freeze.reason for freeze in body.freezes] == ["incident", "maintenance"]


def test_environments_that_exist_no_more_are_shown_with_what_is_open_there() -> None:
    world = World(project_file("  dev: {platform: sandbox}"))
    world.git.write("runs/d.yaml", "")
    world.git.remove("runs/d.yaml")
    world.spec("a", metadata="  environment: dev\n")
    world.spec("b", metadata="  environment: dev\n")
    world.commit()
    world.qualys.replies += [fakes.VANISHED]
    world.apply(environment="dev", concurrency=1)
    world.git.write("qflow.yaml", project_file())
    for name in ("a", "b"):
        world.git.remove(f"runs/{name}.yaml")
    world.commit()
    everything = world.status()
    assert set(rows(everything)) == {"a", "b"}
    assert everything.notes
    only = rows(world.status("prod"))
    assert set(only) == {"a"}
    assert only["a"].gone


def test_where_there_is_nothing_it_is_said_what_is_missing() -> None:
    world = World()
    world.git.remove("runs/README.md")
    world.commit()
    report = world.status()
    assert rows(report) == {}
    assert "runs" in report.notes[0]


# --- refresh -------------------------------------------------------------------------


def under_way() -> World:
    world = World()
    world.specs("a", "b")
    world.qualys.ends = ""
    world.apply(wait=False)
    return world


def test_a_look_records_what_is_new() -> None:
    world = under_way()
    world.qualys.begun[0].end("Success", world.clock.now())
    assert world.refresh() == ()
    assert world.states() == {"a": State.SUCCEEDED, "b": State.RUNNING}
    before = len(world.store.place.versions)
    world.refresh()
    assert len(world.store.place.versions) == before


def test_what_was_seen_before_a_failure_is_recorded() -> None:
    world = under_way()
    world.qualys.problem = fakes.out_of_reach()
    (problem,) = world.refresh()
    assert isinstance(problem, UnreachableError)
    assert world.states() == {"a": State.ACCEPTED, "b": State.ACCEPTED}


def test_what_qualys_shows_no_more_has_ended_nobody_knows_how() -> None:
    world = under_way()
    world.qualys.begun[0].shown = False
    world.refresh()
    assert world.states()["a"] is State.ACCEPTED
    world.clock.sleep(7_200)
    world.refresh()
    assert world.states()["a"] is State.ENDED


def test_where_the_workflow_is_hidden_too_nothing_is_concluded() -> None:
    world = under_way()
    world.clock.sleep(7_200)
    for begun in world.qualys.begun:
        begun.shown = False
    world.qualys.unknown.add(world.qualys.begun[0].workflow_id)
    world.refresh()
    assert set(world.states().values()) == {State.ACCEPTED}


def test_a_word_that_is_explained_by_now_needs_no_look() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = "Finished"
    world.apply()
    world.git.write("qflow.yaml", project_file("statuses: {Finished: succeeded}"))
    world.commit()
    asked = len(world.qualys.asked)
    world.refresh()
    assert world.states() == {"a": State.SUCCEEDED}
    assert len(world.qualys.asked) == asked


# --- history -------------------------------------------------------------------------


def test_all_attempts_of_a_run_are_shown() -> None:
    world = World()
    lost(world, "a")
    world.reconcile()
    world.spec("a", "changed")
    world.commit()
    world.apply()
    assert [(number, state) for _, number, state in attempts(world.history("a"))] == [
        (1, State.SUCCEEDED), (2, State.SUCCEEDED),
    ]  # fmt: skip


def test_attempts_that_were_carried_over_count_too() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.git.remove("runs/a.yaml")
    world.spec("b", "a", metadata="  previousName: a\n")
    world.commit()
    assert attempts(world.history("prod/b")) == [("a", 1, State.SUCCEEDED)]


def test_all_runs_of_all_environments_or_of_one_are_shown() -> None:
    world = World(project_file("  dev: {platform: sandbox}"))
    world.specs("a")
    world.spec("d", metadata="  environment: dev\n")
    world.commit()
    world.apply(environment="prod")
    world.apply(environment="dev")
    assert [name for name, *_ in attempts(world.history())] == ["d", "a"]
    assert [name for name, *_ in attempts(world.history(environment="prod"))] == ["a"]


def test_a_run_that_was_never_sent_has_no_history() -> None:
    world = World()
    vanished(world, "a")
    assert raised(UsageProblem, lambda: world.history("none")).reason == "run_unknown"
