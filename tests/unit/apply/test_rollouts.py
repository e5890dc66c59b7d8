"""Rollouts: batches, failures, pauses and releases, through plans, applies and people."""

import pytest

from qflow_gitops.errors import ExitCode, StaleError, UsageProblem
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Action, Change, Reason
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.plans import Planned
from tests.fakes.qualys import LOST, refused
from tests.fakes.world import SETTINGS, WORKFLOW, Done, World, project_file, raised

NAMES = "abcdefghij"
STATUSES = "statuses: {Failed: failed}"


@pytest.fixture
def world() -> World:
    return World(project_file(STATUSES))


def written(world: World, rollout: str, names: str = NAMES, value: str = "") -> None:
    lines = "".join(f"    - {{name: {name}, input: {{in: {name}{value}}}}}\n" for name in names)
    more = f"  rollout: {rollout}\n" if rollout else ""
    world.spec("one", "same", extra=f"  targets:\n{lines}{more}")
    world.commit()


def changes(world: World) -> dict[str, Change]:
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    return {change.name.removeprefix("one/"): change for change in body.plan.changes}


def actions(world: World) -> dict[Action, str]:
    """Name the targets with each action."""
    found: dict[Action, str] = {}
    for name, change in sorted(changes(world).items()):
        found[change.action] = found.get(change.action, "") + name
    return found


def body_of(done: Done) -> Applied:
    assert isinstance(done.report.body, Applied)
    return done.report.body


def sent(world: World) -> str:
    return "".join(body["input"]["in"][0] for _, body in world.qualys.sent)


def test_one_apply_goes_through_all_batches(world: World) -> None:
    written(world, "{batches: [1, 25%]}")
    assert actions(world) == {Action.RUN: "a", Action.WAIT: "bcdefghij"}
    batches = [changes(world)[name].batch for name in NAMES]
    assert batches == [0, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert set(world.states().values()) == {State.SUCCEEDED}
    at = {(name, state): place for place, (name, state) in enumerate(done.states)}
    assert at["one/a", State.SUCCEEDED] < min(at[f"one/{x}", State.INTENT] for x in "bc")
    assert max(at[f"one/{x}", State.SUCCEEDED] for x in "bc") < min(
        at[f"one/{x}", State.INTENT] for x in "defghij"
    )
    assert sorted(sent(world)) == list(NAMES)
    assert body_of(done).waiting == ()


def test_the_digest_is_that_of_all_that_is_due(world: World) -> None:
    written(world, "")
    bare = world.plan(full=True).body
    written(world, "{batches: [1]}")
    batched = world.plan(full=True).body
    assert isinstance(bare, Planned)
    assert isinstance(batched, Planned)
    assert bare.plan.digest == batched.plan.digest


def test_order_names_the_canary(world: World) -> None:
    written(world, "{batches: [2], order: [j, e]}")
    assert actions(world)[Action.RUN] == "ej"


def test_a_failed_canary_holds_the_rest_until_it_is_sent_again(world: World) -> None:
    written(world, "{batches: [1, 50%]}")
    world.qualys.ends_of["a"] = "Failed"
    done = world.apply()
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert sent(world) == "a"
    assert {each.reason for each in body_of(done).not_started} == {Reason.ROLLOUT}
    assert len(body_of(done).not_started) == 9
    held = changes(world)["b"]
    assert held.action is Action.HOLD
    assert held.reason is Reason.ROLLOUT
    assert "1 of 10 targets failed, and none may: a" in held.detail
    assert "`qflow-gitops apply --retry prod/one/a`" in held.hint
    assert "--ack rollout=4 --reason TEXT" in held.hint
    assert world.apply().report.exit_code is ExitCode.HELD
    assert sent(world) == "a"
    del world.qualys.ends_of["a"]
    done = world.apply(retries=("one/a",))
    assert done.report.exit_code is ExitCode.OK
    assert sorted(sent(world)) == ["a", *NAMES]


def test_what_is_sent_again_is_waited_for(world: World) -> None:
    """While it isn't known whether it fails once more, no other target is started."""
    written(world, "{batches: [1, 50%]}")
    world.qualys.ends_of["a"] = "Failed"
    world.apply()
    world.apply(retries=("one/a",))
    assert sent(world) == "aa"
    assert actions(world) == {Action.HOLD: NAMES}


def test_a_release_forgives_what_failed_so_far_and_nothing_after(world: World) -> None:
    written(world, "{batches: [1, 3]}")
    world.qualys.ends_of = {"a": "Failed", "c": "Failed"}
    world.apply()
    problem = raised(UsageProblem, lambda: world.apply(acks={"rollout": 8}, reason="known"))
    assert "2 are held" in problem.message
    done = world.apply(acks={"rollout": 2}, reason="known")
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert sorted(sent(world)) == ["a", "b", "c"]
    (event,) = world.store.lockfile.events("prod", "one")
    assert event.extra["hold"] == "rollout"
    assert event.extra["forgives"] == ["prod/one/a 1"]
    assert len(event.extra["digests"]) == 2
    assert "2 of 10 targets failed" in changes(world)["d"].detail
    world.qualys.ends_of.clear()
    done = world.apply(acks={"rollout": 7}, reason="known, too")
    assert sorted(sent(world)) == list(NAMES)
    held = {each.name: each.reason for each in body_of(done).planned.plan.of(Action.HOLD)}
    assert held == {"one/a": Reason.FAILED, "one/c": Reason.FAILED}


def test_a_release_opens_the_next_batch_and_no_other(world: World) -> None:
    """Nothing more fails, and a person is asked before each batch all the same."""
    written(world, "{batches: [1, 3, 6]}")
    world.qualys.ends_of = {"a": "Failed"}
    world.apply()
    numbers = []
    for expected in ("abc", "abcdef", NAMES):
        found = changes(world)
        released = [change for change in found.values() if change.release]
        beyond = [each for each in found.values() if each.due and not each.release]
        assert all("another batch comes before its own" in each.detail for each in beyond)
        assert all("--ack" not in each.hint for each in beyond)
        numbers.append(len(released))
        world.apply(acks={"rollout": len(released)}, reason="known")
        assert sorted(sent(world)) == list(expected)
    assert numbers == [2, 3, 4]


def test_a_forgiven_failure_that_fails_again_counts(world: World) -> None:
    written(world, "{batches: [1, 3], pause: 10m}")
    world.qualys.ends_of = {"a": "Failed"}
    world.apply()
    world.apply(acks={"rollout": 2}, reason="known", timeout=1.0)
    world.clock.sleep(3600)
    world.apply(retries=("one/a",))
    assert changes(world)["j"].reason is Reason.ROLLOUT
    assert changes(world)["j"].action is Action.HOLD


@pytest.mark.parametrize(("most", "stops"), [("2", False), ("20%", False), ("1", True)])
def test_so_many_may_fail(world: World, most: str, stops: bool) -> None:
    written(world, f"{{batches: [5], maxFailures: {most}}}")
    world.qualys.ends_of = {"b": "Failed", "d": "Failed"}
    done = world.apply()
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert (sorted(sent(world)) == list(NAMES)) is not stops
    if stops:
        assert "at most 1 may: b, d" in changes(world)["j"].detail


def test_a_failure_stops_the_rest_of_its_batch(world: World) -> None:
    world = World(project_file(STATUSES, "apply: {concurrency: 1}"))
    written(world, "{batches: [100%]}")
    world.qualys.ends_of = {"c": "Failed"}
    done = world.apply()
    assert sent(world) == "abc"
    assert done.report.exit_code is ExitCode.RUN_FAILED
    assert len(body_of(done).not_started) == 7


def test_a_refusal_counts_as_a_failure(world: World) -> None:
    written(world, "{batches: [1], maxFailures: 1}")
    world.qualys.replies.append(refused())
    world.apply()
    assert sorted(sent(world)) == list(NAMES)
    assert world.states()["one/a"] is State.REFUSED


def test_a_doubt_stops_whatever_may_fail(world: World) -> None:
    written(world, "{batches: [1], maxFailures: 100%}")
    world.qualys.replies.append(LOST)
    world.qualys.hidden = {WORKFLOW.lower()}
    world.apply()
    assert sent(world) == "a"
    held = changes(world)["b"]
    assert held.reason is Reason.ROLLOUT
    assert not held.release
    assert "nobody knows whether a ran" in held.detail


def test_a_doubt_that_is_cleared_at_once_goes_on(world: World) -> None:
    written(world, "{batches: [1]}")
    world.qualys.replies.append(LOST)
    world.apply()
    assert sorted(sent(world)) == list(NAMES)


def test_a_pause_is_waited_for(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 10m}")
    begun = world.clock.now()
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert sorted(sent(world)) == list(NAMES)
    assert (world.clock.now() - begun).total_seconds() >= 1200
    assert any(sentence.startswith("A pause until ") for sentence in done.sentences)
    assert sum(sentence.startswith("There was no lockfile") for sentence in done.sentences) == 1


def test_a_pause_that_is_too_long_is_left_to_the_next_apply(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 2h}")
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert sent(world) == "a"
    assert len(body_of(done).waiting) == 9
    assert any("9 of one wait from " in sentence for sentence in done.sentences)
    assert "which begins at" in changes(world)["b"].detail
    assert changes(world)["b"].opens
    assert not changes(world)["c"].opens
    assert world.apply().report.exit_code is ExitCode.OK
    assert sent(world) == "a"
    world.clock.sleep(7200)
    world.apply()
    assert sent(world) == "ab"


def test_what_runs_elsewhere_is_waited_for(world: World) -> None:
    written(world, "{batches: [1]}")
    world.qualys.ends = ""
    done = world.apply(wait=False)
    assert done.report.exit_code is ExitCode.OK
    assert sent(world) == "a"
    assert changes(world)["b"].detail == "in batch 2 of 2, after a"
    world.qualys.begun[0].end("Success", world.clock.now())
    world.qualys.ends = "Success"
    world.apply()
    assert sorted(sent(world)) == list(NAMES)


def test_targets_that_are_added_in_the_middle_take_their_place(world: World) -> None:
    written(world, "{batches: [1, 3], pause: 2h}", "abcd")
    world.apply()
    written(world, "{batches: [1, 3], pause: 2h}", "xabcd")
    assert actions(world) == {Action.RUN: "x", Action.SKIP: "a", Action.WAIT: "bcd"}
    written(world, "{batches: [1, 3], pause: 2h}", "bcd")
    assert actions(world)[Action.RUN] == "b"


def test_a_change_of_all_begins_anew(world: World) -> None:
    written(world, "{batches: [1]}")
    world.apply()
    written(world, "{batches: [1]}", value="2")
    assert actions(world) == {Action.RUN: "a", Action.WAIT: "bcdefghij"}


def test_selected_targets_wait_for_those_before_them(world: World) -> None:
    written(world, "{batches: [1]}")
    done = world.apply(runs=("one/j",))
    assert sent(world) == ""
    assert done.report.exit_code is ExitCode.OK
    assert "after a" in body_of(done).waiting[0].detail


def test_the_policy_has_a_rollout_for_every_spec_with_targets() -> None:
    world = World(project_file(STATUSES, "policy: {rollout: {batches: [2]}}"))
    written(world, "")
    assert actions(world)[Action.RUN] == "ab"
    written(world, "{batches: [1]}")
    assert actions(world)[Action.RUN] == "a"
    written(world, "{batches: [5], order: [j]}")
    assert actions(world)[Action.RUN] == "aj"


def test_a_change_cannot_take_the_policy_with_it() -> None:
    world = World(project_file(STATUSES, "policy: {rollout: {batches: [1]}}"))
    written(world, "", "a")
    world.apply()
    world.git.write("qflow.yaml", SETTINGS)
    written(world, "", "xyza")
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    assert any("rollout: no more" in each.message for each in body.first)
    assert actions(world)[Action.RUN] == "x"


def test_a_release_of_a_limit_holds_for_the_rest_of_the_rollout() -> None:
    world = World(project_file(STATUSES, "policy: {limits: {runs: 3}}"))
    written(world, "{batches: [1, 2], pause: 2h}")
    assert actions(world) == {Action.HOLD: NAMES}
    assert changes(world)["a"].release == "limit:runs"
    world.apply(acks={"limit:runs": 10}, reason="CHG1")
    assert sent(world) == "a"
    assert actions(world) == {Action.SKIP: "a", Action.WAIT: "bcdefghij"}
    world.clock.sleep(7200)
    world.apply()
    assert sent(world) == "ab"
    world.specs("x", "y", "z", "w")
    assert {change.release for change in changes(world).values()} >= {"limit:runs"}
    assert changes(world)["c"].action is Action.WAIT
    assert changes(world)["x"].action is Action.HOLD
    assert "4 are due" in changes(world)["x"].detail


def test_an_apply_that_was_cut_off_goes_on_by_the_same_digest(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 2h}")
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    digest = body.plan.digest
    world.apply(digest=digest)
    world.clock.sleep(7200)
    world.apply(digest=digest)
    assert sent(world) == "ab"
    world.clock.sleep(7200)
    world.apply(digest=digest)
    assert sorted(sent(world)) == list(NAMES)
    written(world, "{batches: [1, 2], pause: 2h}", value="2")
    assert raised(StaleError, lambda: world.apply(digest=digest))


def test_a_freeze_in_a_pause_holds_the_next_batch(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 2h}")
    world.apply()
    world.freeze(reason="incident")
    assert set(actions(world)) == {Action.SKIP, Action.HOLD}
    world.clock.sleep(7200)
    assert world.apply().report.exit_code is ExitCode.HELD
    assert sent(world) == "a"


def test_an_apply_that_is_interrupted_in_a_pause_ends(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 10m}")
    sleep = world.clock.sleep

    def asked(seconds: float) -> None:
        sleep(seconds)
        if world.qualys.sent and world.states() == {"one/a": State.SUCCEEDED}:
            world.stop.ask()

    world.clock.sleep = asked  # type: ignore[method-assign]
    world.apply()
    assert sent(world) == "a"


def test_baseline_declares_what_waits(world: World) -> None:
    written(world, "{batches: [1]}")
    world.baseline(reason="done by hand")
    assert set(world.states().values()) == {State.BASELINED}
    assert sent(world) == ""


def test_baselined_targets_need_no_pause(world: World) -> None:
    written(world, "{batches: [1], pause: 2h}")
    world.baseline("one/a", reason="done by hand")
    assert actions(world) == {Action.SKIP: "a", Action.RUN: "bcdefghij"}


def goes_on(world: World) -> bool:
    body = world.plan(full=True).body
    assert isinstance(body, Planned)
    return body.goes_on


def test_a_plan_says_that_it_is_the_rest_of_one_that_was_let_through(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 2h}")
    assert not goes_on(world)
    world.apply()
    assert goes_on(world)
    world.clock.sleep(7200)
    assert goes_on(world)
    world.apply()
    assert goes_on(world)
    world.specs("another")
    assert not goes_on(world)
    world.git.remove("runs/another.yaml")
    written(world, "{batches: [1, 2], pause: 2h}", value="2")
    assert not goes_on(world)


def test_what_was_held_by_a_failure_is_no_rest_that_anybody_let_through(world: World) -> None:
    written(world, "{batches: [1, 2], pause: 2h}")
    world.qualys.ends_of["a"] = "Failed"
    world.apply()
    assert not goes_on(world)


def test_a_release_from_before_is_named_in_later_attempts(world: World) -> None:
    world = World(project_file(STATUSES, "policy: {limits: {runs: 3}}"))
    written(world, "{batches: [1, 2], pause: 2h}")
    world.apply(acks={"limit:runs": 10}, reason="CHG1")
    world.clock.sleep(7200)
    world.apply()
    first, second = (world.attempts(f"one/{name}")[0].evidence["released"] for name in "ab")
    assert first == [{"hold": "limit:runs", "count": 10, "by": "ada", "reason": "CHG1"}]
    assert second == [{"hold": "limit:runs"}]
