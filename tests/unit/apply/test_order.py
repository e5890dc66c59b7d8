"""`after`: what comes before what, through plans, applies and the decisions of people."""

import pytest

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.plans import Planned
from tests.fakes.qualys import LOST
from tests.fakes.world import WORKFLOW, Done, World, project_file

STATUSES = "statuses: {Failed: failed}"


@pytest.fixture
def world() -> World:
    return World(project_file(STATUSES))


def put(world: World, name: str, after: str = "", targets: str = "", labels: str = "") -> None:
    more = f"  after: {after}\n" if after else ""
    lines = "".join(f"    - {{name: {x}, input: {{in: {name}-{x}}}}}\n" for x in targets)
    more += f"  targets:\n{lines}" if targets else ""
    world.spec(name, name, metadata=f"  labels: {labels}\n" if labels else "", extra=more)


def changes(world: World) -> dict[str, Change]:
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    return {change.name: change for change in body.plan.changes}


def stands(world: World) -> dict[str, tuple[Action, Reason]]:
    return {name: (change.action, change.reason) for name, change in changes(world).items()}


def body_of(done: Done) -> Applied:
    assert isinstance(done.report.body, Applied)
    return done.report.body


def test_one_comes_after_the_other_in_one_apply(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b", "[c]")
    put(world, "c")
    world.commit()
    assert stands(world) == {
        "c": (Action.RUN, Reason.ADDED),
        "a": (Action.WAIT, Reason.AFTER),
        "b": (Action.WAIT, Reason.AFTER),
    }
    assert changes(world)["a"].detail == "comes after b, which has to end well first"
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.sent() == ["c", "b", "a"]


@pytest.mark.parametrize("entry", ["b", "b/*", "b/y", "{labels: {stage: first}}"])
def test_targets_and_labels_are_waited_for(world: World, entry: str) -> None:
    put(world, "a", f"[{entry}]")
    put(world, "b", targets="xyz", labels="{stage: first}")
    world.commit()
    assert stands(world)["a"] == (Action.WAIT, Reason.AFTER)
    world.apply()
    assert world.sent()[-1] == "a"
    assert len(world.sent()) == 4


def test_a_failure_holds_what_comes_after_it(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    world.commit()
    world.qualys.ends_of["b"] = "Failed"
    done = world.apply()
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert world.sent() == ["b"]
    held = changes(world)["a"]
    assert (held.action, held.reason) == (Action.HOLD, Reason.AFTER)
    assert held.detail == "it comes after b, which failed"
    assert held.hint == "Send it again: `qflow-gitops apply --retry prod/b`"
    world.qualys.ends_of.clear()
    assert world.apply(retries=("b",)).report.exit_code is ExitCode.OK
    assert world.sent() == ["b", "b", "a"]


def test_a_doubt_holds_what_comes_after_it(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    world.commit()
    world.qualys.replies.append(LOST)
    world.qualys.hidden = {WORKFLOW.lower()}
    world.apply()
    assert world.sent() == ["b"]
    held = changes(world)["a"]
    assert (held.action, held.reason) == (Action.HOLD, Reason.AFTER)
    assert "b, which may have run" in held.detail
    world.resolve("b", State.ASSUMED)
    world.apply()
    assert world.sent() == ["b", "a"]


def test_what_is_declared_as_done_is_done(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    world.commit()
    world.baseline("prod/b")
    assert stands(world)["a"] == (Action.RUN, Reason.ADDED)


def test_a_selection_does_not_start_what_it_waits_for(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    world.commit()
    done = world.apply(runs=("a",))
    assert done.report.exit_code is ExitCode.OK
    assert world.sent() == []
    assert [each.name for each in body_of(done).waiting] == ["a"]
    said = "a waits (comes after b, which has to end well first)"
    assert f"{said}: the next apply of everything goes on." in done.sentences


def test_a_change_of_the_first_makes_the_second_wait_only_where_that_is_due(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    world.commit()
    world.apply()
    world.spec("b", "other")
    world.commit()
    assert stands(world) == {"b": (Action.RUN, Reason.MODIFIED)}
    world.apply()
    assert world.sent() == ["b", "a", "other"]


def test_a_successor_waits_for_what_a_rollout_has_left(world: World) -> None:
    put(world, "a", "[b]")
    world.git.write("runs/b.yaml", "")
    put(world, "b", targets="xyz")
    text = world.git.files_on_disk[b"runs/b.yaml"].content.decode()
    world.git.write("runs/b.yaml", text + "  rollout: {batches: [1], pause: 2h}\n")
    world.commit()
    world.apply()
    assert len(world.sent()) == 1
    assert changes(world)["a"].detail.startswith("comes after b/y, b/z")
    world.clock.sleep(7200)
    world.apply()
    assert world.sent()[-1] == "a"


def test_policy_and_limits_are_about_successors_too() -> None:
    world = World(project_file(STATUSES, "policy: {limits: {runs: 1}}"))
    put(world, "a", "[b]")
    put(world, "b")
    world.commit()
    held = changes(world)
    assert {each.reason for each in held.values()} == {Reason.LIMIT}
    assert held["a"].hint.count("--ack limit:runs=2") == 1
    world.apply(acks={"limit:runs": 2}, reason="CHG1")
    assert world.sent() == ["b", "a"]


def test_a_predecessor_with_an_error_is_waited_for(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    world.spec("b", extra="  workflow: no\n")
    world.commit()
    assert stands(world)["a"] == (Action.WAIT, Reason.AFTER)
    assert stands(world)["b"] == (Action.HOLD, Reason.INVALID)


def test_a_plan_of_a_diff_agrees_with_one_of_all(world: World) -> None:
    put(world, "a", "[b]")
    put(world, "b")
    put(world, "c")
    world.commit()
    world.apply()
    world.spec("a", "other", extra="  after: [b, c]\n")
    world.spec("c", "another")
    world.commit()
    body = world.plan().body
    assert isinstance(body, Planned)
    found = {change.name: change.action for change in body.plan.due}
    assert found == {"a": Action.WAIT, "c": Action.RUN}


@pytest.mark.parametrize("of", ["one of the targets", "what it comes after"])
def test_of_what_expired_a_person_says_what_is_known(world: World, of: str) -> None:
    """It can't be retried, so nobody is told to."""
    if of == "one of the targets":
        put(world, "b", targets="xy")
        text = world.git.files_on_disk[b"runs/b.yaml"].content.decode()
        world.git.write("runs/b.yaml", text + "  rollout: {batches: [1]}\n")
    else:
        put(world, "b", "[c]")
        put(world, "c")
    world.commit()
    world.qualys.replies.append(LOST)
    world.qualys.hidden = {WORKFLOW.lower()}
    world.apply()
    world.clock.sleep(40 * 86_400)
    world.apply()
    assert State.EXPIRED in world.states().values()
    held = changes(world)["b/y" if "targets" in of else "b"]
    first = "prod/b/x" if "targets" in of else "prod/c"
    assert held.action is Action.HOLD
    assert held.hint.startswith(f"Say what you know: `qflow-gitops resolve {first} --adopt")


def test_what_is_left_says_what_it_waited_for(world: World) -> None:
    """Its turn has come, and the apply was interrupted."""
    put(world, "a", "[b]", targets="xy")
    put(world, "b")
    world.commit()

    def on(event: object) -> None:
        if isinstance(event, events.Moved) and event.attempt.state is State.SUCCEEDED:
            world.stop.ask()

    left = body_of(world.apply(on)).waiting
    assert {(each.name, each.reason) for each in left} == {
        ("a/x", Reason.AFTER),
        ("a/y", Reason.AFTER),
    }
