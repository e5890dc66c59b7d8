"""Targets are runs of their own, through plan, apply and the decisions of people."""

import pytest

from qflow_gitops.errors import ExitCode, UsageProblem
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.records import RunHistory
from qflow_gitops.yaml.parse import parse
from tests.fakes.world import World, project_file, raised
from tests.helpers.specs import spec

TARGETS = "  targets:\n"


@pytest.fixture
def world() -> World:
    return World()


def target(name: str, *more: str) -> str:
    return f"    - {{{', '.join([f'name: {name}', f'input: {{in: {name}}}', *more])}}}\n"


def written(world: World, *targets: str, name: str = "one", metadata: str = "") -> None:
    world.spec(name, "same", metadata=metadata, extra=TARGETS + "".join(targets))
    world.commit()


def holds(world: World) -> dict[str, Reason]:
    return {each.name: each.reason for each in held(world)}


def held(world: World) -> list[Change]:
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    return [change for change in body.plan.changes if change.action is Action.HOLD]


def test_each_target_is_sent_once_and_its_place_is_none(world: World) -> None:
    written(world, target("us"), target("eu"))
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.states() == {"one/us": State.SUCCEEDED, "one/eu": State.SUCCEEDED}
    world.spec("one", "same", extra=TARGETS + target("eu") + target("us") + target("ap"))
    world.commit()
    world.apply()
    assert len(world.qualys.sent) == 3
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(world.qualys.sent) == 3


def test_a_target_that_is_written_out_sends_nothing(world: World) -> None:
    written(world, target("us"), target("eu"))
    world.apply()
    for name in ("us", "eu"):
        world.git.write(
            f"runs/{name}.yaml",
            spec(name, "same", metadata=f"  previousName: one/{name}\n", extra=f"    in: {name}\n"),
        )
    world.git.remove("runs/one.yaml")
    world.commit()
    assert holds(world) == {}
    world.apply()
    assert len(world.qualys.sent) == 2


def test_what_is_gathered_is_held_until_it_is_said_to_be_the_same(world: World) -> None:
    for name in ("us", "eu"):
        world.git.write(f"runs/{name}.yaml", spec(name, "same", extra=f"    in: {name}\n"))
    world.commit()
    world.apply()
    for name in ("us", "eu"):
        world.git.remove(f"runs/{name}.yaml")
    written(world, target("us"), target("eu"))
    assert holds(world) == {"one/us": Reason.RENAMED, "one/eu": Reason.RENAMED}
    (hint,) = {each.hint for each in held(world) if each.name == "one/us"}
    assert "add `previousName: us` in its target in runs/one.yaml" in hint
    written(world, target("us", "previousName: us"), target("eu", "previousName: eu"))
    assert holds(world) == {}
    world.apply()
    assert len(world.qualys.sent) == 2


def test_a_spec_that_is_renamed_takes_its_targets_along(world: World) -> None:
    written(world, target("us"), target("eu"))
    world.apply()
    world.git.remove("runs/one.yaml")
    written(world, target("us"), target("eu"), name="two", metadata="  previousName: one\n")
    assert holds(world) == {}
    world.apply()
    assert len(world.qualys.sent) == 2


def test_a_target_is_repeated_by_its_own_number(world: World) -> None:
    written(world, target("us"), target("eu"))
    world.apply()
    world.on_disk()
    world.rerun("one/us", "once more")
    (document,) = parse(world.from_disk("runs/one.yaml").encode(), "a.yaml").documents
    first, second = document.data["spec"]["targets"]
    assert (first["rerun"], first["annotations"]) == (1, {"rerunReason": "once more"})
    assert "rerun" not in document.data["spec"]
    assert set(second) == {"name", "input"}
    assert "annotations" not in document.data["metadata"]


def test_who_repeats_a_spec_with_targets_is_told_how(world: World) -> None:
    written(world, target("us"), target("eu"))
    world.on_disk()
    problem = raised(UsageProblem, lambda: world.rerun("one"))
    assert "`qflow-gitops rerun prod/one/eu --reason TEXT`" in problem.hint
    assert "`rerun:` under `spec` in runs/one.yaml" in problem.hint


def test_it_is_named_with_or_without_its_environment(world: World) -> None:
    written(world, target("us"), target("eu"))
    assert world.apply(runs=("one/us",)).report.exit_code is ExitCode.OK
    assert list(world.states()) == ["one/us"]
    world.apply(runs=("prod/one/*",))
    assert list(world.states()) == ["one/eu", "one/us"]
    history = world.history("prod/one/eu").body
    assert isinstance(history, RunHistory)
    assert len(history.attempts) == 1
    problem = raised(UsageProblem, lambda: world.apply(runs=("one/ap",)))
    assert problem.reason == "run_unknown"


def test_a_failed_target_is_retried_alone(world: World) -> None:
    written(world, target("eu"))
    world.apply()
    world.qualys.ends = "Failed"
    written(world, target("us"), target("eu"))
    assert world.apply().report.exit_code is ExitCode.RUN_FAILED
    world.qualys.ends = "Success"
    assert holds(world) == {"one/us": Reason.FAILED}
    assert world.apply(retries=("one/us",)).report.exit_code is ExitCode.OK
    assert [len(world.attempts(name)) for name in ("one/eu", "one/us")] == [1, 2]


def test_a_name_of_an_environment_is_refused() -> None:
    world = World(project_file())
    world.spec("prod", "same", extra=TARGETS + target("us"))
    assert [each.rule for each in world.validate().diagnostics] == ["target-environment"]
