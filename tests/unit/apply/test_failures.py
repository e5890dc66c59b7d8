"""What an apply tells of runs that failed: by which step, and never at any cost."""

import json
import threading
from typing import Any

import pytest

from qflow_gitops.apply import failures
from qflow_gitops.errors import ExitCode
from qflow_gitops.render import json as as_json
from qflow_gitops.render import markdown as as_markdown
from qflow_gitops.render import text as as_text
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.report import Report
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file

SETTINGS = project_file("statuses: {Failed: failed}", "apply: {onFailure: continue}")


def applied(world: World, *names: str, **request: Any) -> Report:
    """Send runs that fail in a step which says why."""
    world.specs(*names)
    world.qualys.ends = "Failed"
    begin = world.qualys.begin

    def begun(*about: Any, **more: Any) -> fakes.Begun:
        made = begin(*about, **more)
        made.more = (fakes.failing(f"no bucket for {made.body['input']['value']}"),)
        return made

    world.qualys.begin = begun  # type: ignore[method-assign]
    return world.apply(**request).report


def culprits(report: Report) -> dict[str, str]:
    assert isinstance(report.body, Applied)
    return {
        each.name: each.failed_at.step.message.text
        for each in report.body.outcomes
        if each.failed_at and each.failed_at.step.message
    }


def test_a_failed_run_names_its_step_and_what_that_says() -> None:
    report = applied(World(SETTINGS), "a", "b")
    assert culprits(report) == {"a": "no bucket for a", "b": "no bucket for b"}
    line = 'at step 2 (node-00000002-resource) "Failed": no bucket for a'
    assert line in as_text.render(report)
    assert line in as_markdown.render(report)
    outcomes = json.loads(as_json.render(report))["outcomes"]
    assert [each["failedAt"]["message"] for each in outcomes] == [
        "no bucket for a", "no bucket for b",
    ]  # fmt: skip


def test_what_succeeded_is_not_looked_at() -> None:
    world = World(SETTINGS)
    world.specs("a")
    report = world.apply().report
    assert culprits(report) == {}
    assert "steps" not in world.qualys.asked


@pytest.mark.parametrize("problem", [fakes.token_refused(), fakes.out_of_reach(), KeyError("x")])
def test_a_look_that_fails_changes_nothing(problem: Any) -> None:
    world = World(SETTINGS)
    world.qualys.refuses["steps"] = problem
    report = applied(world, "a")
    assert (report.exit_code, report.reason, report.error) == (
        ExitCode.RUN_FAILED, "run_failed", None,
    )  # fmt: skip
    assert culprits(report) == {}
    assert world.states() == {"a": "failed"}


def test_a_few_are_looked_at_however_many_failed() -> None:
    world = World(SETTINGS)
    names = [f"run-{number}" for number in range(25)]
    report = applied(world, *names, concurrency=25)
    assert len(culprits(report)) == failures.MOST
    assert world.qualys.asked.count("steps") == failures.MOST


def test_a_look_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "WITHIN", 0.4)
    world, never = World(SETTINGS), threading.Event()

    def hang(_execution_id: str) -> None:
        never.wait(60)

    world.qualys.steps = hang  # type: ignore[assignment, method-assign]
    report = applied(world, "a")
    never.set()
    assert report.exit_code is ExitCode.RUN_FAILED
    assert culprits(report) == {}


def test_nobody_looks_once_somebody_asked_to_stop() -> None:
    world = World(SETTINGS)
    report = applied(world, "a", on=lambda _event: world.stop.ask())
    assert "steps" not in world.qualys.asked
    assert culprits(report) == {}


def test_the_lockfile_is_let_go_before() -> None:
    """Another apply needn't wait for what is only told."""
    world = World(SETTINGS)
    seen = world.qualys.steps

    def steps(execution_id: str) -> Any:
        with world.store.session():
            return seen(execution_id)

    world.qualys.steps = steps  # type: ignore[method-assign]
    assert culprits(applied(world, "a")) == {"a": "no bucket for a"}


def test_what_is_sensitive_is_not_in_the_line() -> None:
    world = World(SETTINGS)
    world.spec("a", "hunter2", extra="  sensitive: [/input/value]\n")
    world.commit()
    report = applied(world)
    assert culprits(report) == {"a": "no bucket for (sensitive)"}


def test_a_spec_that_is_lost_hides_every_text() -> None:
    world = World(SETTINGS)
    before = world.git.blobs_at_hand
    world.git.blobs_at_hand = lambda ids: {} if world.qualys.sent else before(ids)  # type: ignore[method-assign]
    report = applied(world, "a")
    assert culprits(report) == {}
    assert "at step 2" in as_text.render(report)
