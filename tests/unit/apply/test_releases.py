"""What a release of a rollout lets go, and what it doesn't: nothing that nobody meant."""

import re
from datetime import timedelta

import pytest

from qflow_gitops.errors import ExitCode, UsageProblem
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.render import text
from qflow_gitops.results.plans import Planned
from tests.fakes.world import World, project_file, raised
from tests.unit.apply.test_rollouts import STATUSES, actions, changes, goes_on, sent, written

LIMITED = "policy: {limits: {runs: 3}}"
WINDOW = 'policy: {windows: [{deny: "0 13 * * *", duration: 1h, timezone: UTC}]}'


@pytest.fixture
def world() -> World:
    return World(project_file(STATUSES))


def failed(world: World, rollout: str = "{batches: [1]}", names: str = "abcdefghij") -> None:
    """Let the first target fail."""
    written(world, rollout, names)
    world.qualys.ends_of = {names[0]: "Failed"}
    world.apply()


def another(world: World, name: str, names: str, rollout: str) -> None:
    lines = "".join(f"    - {{name: {x}, input: {{in: {x}}}}}\n" for x in names)
    world.spec(name, "same", extra=f"  targets:\n{lines}  rollout: {rollout}\n")
    world.commit()


def test_a_release_is_not_for_another_rollout_that_stops_meanwhile(world: World) -> None:
    """The number is the same by chance."""
    failed(world, names="abcde")
    another(world, "two", "pqrstu", "{batches: [2]}")
    world.qualys.ends_of = {"p": "Failed"}
    world.apply(acks={"rollout": 4}, reason="known")
    assert sorted(sent(world)) == list("abcdepq")
    assert changes(world)["two/r"].reason is Reason.ROLLOUT


def test_a_release_of_some_targets_lets_no_others_go(world: World) -> None:
    failed(world)
    world.apply(runs=("one/j",), acks={"rollout": 1}, reason="known")
    assert sent(world) == "aj"
    assert actions(world) == {Action.HOLD: "abcdefghi", Action.SKIP: "j"}


def test_a_release_ends_with_its_rollout() -> None:
    """A change and a change back: it is asked for again."""
    world = World(project_file(STATUSES, LIMITED))
    rollout = "{batches: [1], pause: 2h}"
    written(world, rollout)
    world.apply(acks={"limit:runs": 10}, reason="CHG1")
    assert actions(world) == {Action.SKIP: "a", Action.WAIT: "bcdefghij"}
    written(world, rollout, value="2")
    world.apply(acks={"limit:runs": 10}, reason="CHG2")
    written(world, rollout)
    assert actions(world) == {Action.SKIP: "a", Action.HOLD: "bcdefghij"}
    assert changes(world)["b"].release == "limit:runs"


def test_nobody_let_a_change_back_through(world: World) -> None:
    rollout = "{batches: [1], pause: 2h}"
    written(world, rollout)
    world.apply()
    written(world, rollout, value="2")
    world.apply()
    assert goes_on(world)
    written(world, rollout)
    assert actions(world) == {Action.SKIP: "a", Action.WAIT: "bcdefghij"}
    assert not goes_on(world)


def test_a_window_that_was_released_for_some_is_closed_to_others() -> None:
    world = World(project_file(STATUSES, WINDOW))
    world.clock.set(world.clock.now().replace(hour=13, minute=1))
    written(world, "{batches: [1], pause: 2h}")
    world.apply(acks={"window": 10}, reason="CHG1")
    assert sent(world) == "a"
    closing = (world.clock.now() + timedelta(days=1)).replace(hour=12, minute=59, second=50)
    world.clock.set(closing)
    world.specs("x", "y", "z")
    world.apply(concurrency=1)
    assert closing.replace(hour=13, minute=0, second=0) < world.clock.now()
    assert not {"x", "y", "z"} & set(world.states())
    world.apply()
    assert sorted(sent(world)) == list("abcdefghij")


def test_a_release_stands_in_the_evidence_after_a_pause(world: World) -> None:
    failed(world, "{batches: [1], pause: 10m}", "abc")
    world.apply(acks={"rollout": 2}, reason="known")
    released = [world.attempts(f"one/{name}")[0].evidence["released"] for name in "bc"]
    assert released == [[{"hold": "rollout", "count": 2, "by": "ada", "reason": "known"}]] * 2


def test_a_retry_is_not_counted_among_what_is_released(world: World) -> None:
    written(world, "{batches: [2]}")
    world.qualys.ends_of = {"a": "Failed", "b": "Failed"}
    world.apply()
    world.qualys.ends_of.clear()
    problem = raised(
        UsageProblem,
        lambda: world.apply(retries=("one/a",), acks={"rollout": 1}, reason="known"),
    )
    again, release = re.findall("`([^`]+)`", problem.hint)
    assert again == "qflow-gitops apply --retry prod/one/a --retry prod/one/b"
    assert release.endswith("--retry prod/one/a --ack rollout=8 --reason TEXT")
    world.apply(retries=("one/a",), acks={"rollout": 8}, reason="known")
    assert sorted(sent(world)) == sorted("aabcdefghij")


def test_what_failed_is_named_where_other_targets_are_selected(world: World) -> None:
    failed(world)
    body = world.plan(full=True, runs=("one/j",)).body
    assert isinstance(body, Planned)
    (held,) = body.plan.changes
    assert "`qflow-gitops apply prod/one/a --retry prod/one/a`" in held.hint
    world.qualys.ends_of.clear()
    world.apply(runs=("prod/one/a",), retries=("prod/one/a",))
    world.apply(runs=("one/j",))
    assert sent(world) == "aaj"


@pytest.mark.parametrize("known", [True, False])
def test_of_many_that_failed_a_command_sends_some_again(known: bool) -> None:
    """By the name of their spec; of those that ended in a way that nobody knows by their own."""
    world = World(project_file(*[STATUSES] * known))
    written(world, "{batches: [5]}")
    world.qualys.ends_of = dict.fromkeys("abcde", "Failed")
    world.apply(concurrency=5)
    assert sorted(sent(world)) == list("abcde")
    retries = re.findall("--retry ([a-z/]+)", changes(world)["j"].hint)
    assert retries == (["prod/one"] if known else ["prod/one/a", "prod/one/b", "prod/one/c"])
    world.apply(retries=tuple(retries))
    assert len(sent(world)) == (10 if known else 8)


def test_what_failed_is_sent_again_one_after_the_other(world: World) -> None:
    world.specs("b", "c")
    world.qualys.ends = "Failed"
    world.apply()
    world.apply()
    assert set(world.states().values()) == {State.FAILED}
    world.spec("c", extra="  after: [b]\n")
    world.commit()
    world.qualys.ends = "Success"
    world.apply(retry_failed=True, acks={"retry": 2}, reason="fixed")
    assert world.states() == {"b": State.SUCCEEDED, "c": State.SUCCEEDED}


def test_the_digest_of_a_plan_whose_rest_is_held_is_still_its_own(world: World) -> None:
    written(world, "{batches: [1]}")
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    world.qualys.ends_of = {"a": "Failed"}
    world.apply(digest=body.plan.digest)
    done = world.apply(digest=body.plan.digest)
    assert done.report.exit_code is ExitCode.HELD
    assert done.report.reason == "rollout"


def test_what_a_rollout_holds_is_declared_as_done(world: World) -> None:
    failed(world)
    world.baseline("one/b")
    assert world.states()["one/b"] is State.BASELINED


def test_what_waits_is_held_for_the_reason_that_it_is_due_for() -> None:
    """By a limit or a freeze; and it can be told."""
    world = World(project_file(STATUSES, LIMITED))
    world.specs("x")
    world.spec("y", extra="  after: [x]\n")
    written(world, "{batches: [1]}")
    for reason in (Reason.LIMIT, Reason.FROZEN):
        report = world.plan(full=True)
        assert isinstance(report.body, Planned)
        changes = report.body.plan.changes
        assert {(change.reason, change.due) for change in changes} == {(reason, Reason.ADDED)}
        assert "Held (12)" in text.render(report)
        world.freeze()
        world.git.write("qflow.yaml", project_file(STATUSES))
        world.commit()


def test_a_failure_under_an_earlier_name_stops_its_rollout() -> None:
    """Of what was under way when its target got another one."""
    world = World(project_file(STATUSES, "apply: {onFailure: continue, concurrency: 2}"))
    written(world, "{batches: [1]}", "abcdef")
    world.qualys.ends = ""
    world.apply(wait=False)
    lines = "".join(f"    - {{name: {x}, input: {{in: {x}}}}}\n" for x in "bcdef")
    lines = "    - {name: z, previousName: one/a, input: {in: a}}\n" + lines
    world.spec("one", "same", extra=f"  targets:\n{lines}  rollout: {{batches: [6]}}\n")
    world.commit()
    world.qualys.begun[0].end("Failed", world.clock.now())
    world.qualys.ends = "Success"
    done = world.apply()
    assert sent(world) == "abc"
    assert done.report.exit_code is ExitCode.RUN_FAILED
