"""An apply, a plan and a status of runs that are named."""

from typing import Any

import pytest

from qflow_gitops.commands.status import Only
from qflow_gitops.errors import ExitCode, StaleError, UsageProblem
from qflow_gitops.plan.change import Action
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.records import Status
from tests.fakes.world import World, project_file, raised
from tests.helpers.specs import spec

TWO = project_file(prod="{platform: sandbox}").replace(
    "    prod:", "    dev: {platform: sandbox}\n    prod:"
)


def names(world: World, action: Action, **request: Any) -> list[str]:
    body = world.plan(**request).body
    assert isinstance(body, Planned)
    return ["/".join(change.key) for change in body.plan.changes if change.action is action]


@pytest.fixture
def world() -> World:
    """Three specs, of which nothing was sent."""
    made = World()
    made.specs("a", "b", "c")
    return made


def test_only_what_is_named_is_sent(world: World) -> None:
    assert names(world, Action.RUN, runs=("b", "prod/c")) == ["prod/b", "prod/c"]
    assert world.apply(runs=("b",)).report.exit_code is ExitCode.OK
    assert list(world.states()) == ["b"]
    assert world.store.lockfile.environment("prod").applied_through == ""  # a and c are left
    assert names(world, Action.RUN) == ["prod/a", "prod/c"]
    assert world.apply().report.exit_code is ExitCode.OK
    assert [len(world.store.lockfile.attempts("prod", name)) for name in "abc"] == [1, 1, 1]


def test_the_plan_of_some_runs_has_a_digest_of_its_own(world: World) -> None:
    body = world.plan(runs=("b",)).body
    assert isinstance(body, Planned)
    assert world.apply(runs=("b",), digest=body.plan.digest).report.exit_code is ExitCode.OK
    problem = raised(StaleError, lambda: world.apply(digest=body.plan.digest))
    assert "not the approved one" in problem.message


def test_a_star_stands_for_any(world: World) -> None:
    assert names(world, Action.RUN, runs=("*",)) == ["prod/a", "prod/b", "prod/c"]
    assert names(world, Action.RUN, runs=("*/c",)) == ["prod/c"]


def test_what_is_named_is_shown_though_nothing_changed(world: World) -> None:
    world.apply()
    assert names(world, Action.SKIP) == []
    assert names(world, Action.SKIP, runs=("a",)) == ["prod/a"]


def test_a_run_without_a_spec_is_one_by_its_record(world: World) -> None:
    world.apply()
    world.git.remove("runs/c.yaml")
    world.commit()
    assert names(world, Action.SKIP, runs=("c",)) == ["prod/c"]
    status = world.status(only=Only(("c",))).body
    assert isinstance(status, Status)
    assert [(row.name, row.gone) for row in status.rows] == [("c", True)]


@pytest.mark.parametrize("runs", [("x",), ("b", "x"), ("prod/x",), ("*/x",)])
def test_a_name_that_names_nothing_stops_it(world: World, runs: tuple[str, ...]) -> None:
    for work in (
        lambda: world.plan(runs=runs),
        lambda: world.apply(runs=runs),
        lambda: world.status(only=Only(runs)),
    ):
        assert raised(UsageProblem, work).reason == "run_unknown"
    assert world.qualys.sent == []


def test_an_invalid_spec_elsewhere_holds_nothing_that_is_named(world: World) -> None:
    world.git.write("runs/bad.yaml", "kind: WorkflowRun\n")
    odd = spec("odd").replace("workflowId: ", "workflowId: x")
    world.git.write("runs/odd.yaml", odd)
    world.commit()
    assert names(world, Action.HOLD, runs=("a",)) == []
    assert names(world, Action.HOLD, runs=("odd",)) == ["prod/odd"]


def test_the_environment_is_that_of_the_names() -> None:
    world = World(TWO)
    world.spec("a")
    world.spec("d", metadata="  environment: dev\n")
    world.commit()
    assert names(world, Action.RUN, runs=("dev/d",)) == ["dev/d"]
    assert world.apply(runs=("dev/d",)).report.exit_code is ExitCode.OK
    assert raised(UsageProblem, lambda: world.apply(runs=("dev/d", "prod/a"))).reason == (
        "environment_needed"
    )
    assert raised(UsageProblem, lambda: world.apply(runs=("nowhere/a",))).reason == ("run_unknown")
    problem = raised(UsageProblem, lambda: world.apply(environment="prod", runs=("dev/d",)))
    assert problem.reason == "run_unknown"


def test_the_way_on_names_them_too(world: World) -> None:
    world.apply()
    world.git.write("qflow.yaml", project_file(prod="{platform: US1}"))
    world.commit()
    body = world.plan(runs=("a", "b")).body
    assert isinstance(body, Planned)
    hint = body.plan.changes[0].hint
    assert "`qflow-gitops apply a b --ack platform=2 --reason TEXT`" in hint
