"""How a member stands by the JSON of its plans and applies: real ones, and all words that may come.

The reports are made by the program in a team's world in memory, and rendered as they are written.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.base.times import moment
from qflow_gitops.errors import ExitCode, LockError
from qflow_gitops.fleet.standing import seen
from qflow_gitops.lockfile.fleet import FleetRecord, Seen
from qflow_gitops.lockfile.fleet_codec import from_bytes, to_bytes
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.states import State
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.render.json import render
from qflow_gitops.results.report import Report, failed
from tests.fakes import qualys as fakes
from tests.fakes.world import World, project_file
from tests.unit.apply.stories import lost, vanished

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas/plan.schema.json").read_text(encoding="utf-8")
)
WORDS = project_file("statuses: {Broken: failed}", "apply: {onFailure: continue}")
DONE, OPEN, UNSENT = MemberStanding.DONE, MemberStanding.OPEN, MemberStanding.UNSENT
FAILED, HELD, DOUBT = MemberStanding.FAILED, MemberStanding.HELD, MemberStanding.DOUBT


def told(report: Report) -> Any:
    """A report as the program writes it; a plan is as its schema says."""
    data = json.loads(render(report))
    if report.command == "plan":
        jsonschema.validate(data, SCHEMA)
    return data


def of(report: Report) -> Seen:
    return seen(told(report), int(report.exit_code))


def planned(world: World, **request: Any) -> Seen:
    return of(world.plan(full=True, **request))


def applied(world: World, **request: Any) -> Seen:
    return of(world.apply(**request).report)


# --- real reports --------------------------------------------------------------------


def test_what_is_due_is_unsent_and_then_done() -> None:
    world = World()
    world.specs("a", "b")
    first = planned(world)
    assert (first.standing, first.counts["run"], first.ended) == (UNSENT, 2, 0.0)
    assert planned(world, exit_code=True).standing is UNSENT
    done = applied(world)
    assert (done.standing, done.exit_code, done.reason) == (DONE, 0, "ok")
    assert (done.counts["done"], done.detail) == (2, "")
    last = max(attempt.changed_at for run in "ab" for attempt in world.attempts(run))
    assert done.ended == moment(last).timestamp()
    assert planned(world).standing is DONE
    assert applied(world).standing is DONE


def test_what_a_plan_and_an_apply_were_made_of_is_kept() -> None:
    world = World()
    world.specs("a")
    report = told(world.plan(full=True))
    at = seen(report | {"lock": {**report["lock"], "commit": "c" * 40}}, 0)
    assert (at.commit, at.digest, at.lock_commit) == (report["commit"], report["digest"], "c" * 40)
    done = told(world.apply().report)
    left = seen(done | {"lockAfter": {**done["lockAfter"], "commit": "d" * 64}}, 0)
    assert (left.commit, left.lock_commit) == (done["commit"], "d" * 64)
    assert seen(report | {"commit": None, "lock": {"commit": "--x"}}, 0).lock_commit == ""


def test_what_is_under_way_is_open_though_no_decision_is_about_it() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = ""
    world.apply(wait=False)
    world.git.write("README.md", "more")
    world.commit()
    report = world.plan(base="HEAD")
    assert told(report)["changes"] == []
    assert (of(report).standing, of(report).reason) == (OPEN, "in_progress")


def test_what_is_under_way_is_open() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = ""
    sent = applied(world, wait=False)
    assert (sent.standing, sent.exit_code, sent.ended) == (OPEN, 0, 0.0)
    assert planned(world).standing is OPEN
    waited = applied(world, timeout=60.0)
    assert (waited.standing, waited.exit_code) == (OPEN, ExitCode.STILL_RUNNING)


def test_what_is_under_way_and_has_no_spec_any_more_is_open() -> None:
    world = World()
    world.specs("a", "b")
    world.qualys.ends = ""
    world.apply(wait=False)
    world.git.remove("runs/a.yaml")
    world.commit()
    world.qualys.ends = "Success"
    assert planned(world).standing is OPEN


def test_what_ended_meanwhile_is_done_though_the_plan_before_says_otherwise() -> None:
    world = World()
    world.specs("a")
    world.qualys.ends = ""
    world.apply(wait=False)
    for begun in world.qualys.begun:
        begun.end("Success", world.clock.now())
    done = world.apply().report
    assert of(done).standing is DONE


def test_a_failure_counts_more_than_what_went_well() -> None:
    world = World(WORDS)
    world.qualys.ends_of["b"] = "Broken"
    world.specs("a", "b")
    found = applied(world)
    assert (found.standing, found.reason) == (FAILED, "failed")
    assert found.counts["done"] == found.counts["failed"] == 1
    assert found.detail == 'prod/b: failed ("Broken")'
    assert (planned(world).standing, planned(world).reason) == (FAILED, "failed")
    world.specs("c")
    assert planned(world).standing is UNSENT  # it has to be worked on
    assert applied(world).standing is FAILED


def test_what_was_not_started_after_a_failure_is_no_other_one() -> None:
    world = World(project_file("statuses: {Broken: failed}", "apply: {concurrency: 1}"))
    world.qualys.ends = "Broken"
    world.specs("a", "b")
    report = world.apply().report
    assert [each["reason"] for each in told(report)["notStarted"]] == ["stopped"]
    assert of(report).standing is FAILED


def test_what_was_not_started_for_want_of_time_goes_on() -> None:
    world = World(project_file("apply: {concurrency: 1}"))
    world.specs("a", "b")
    world.qualys.ends = ""
    report = world.apply(timeout=60.0).report
    assert [each["reason"] for each in told(report)["notStarted"]] == ["stopped"]
    assert (of(report).standing, report.exit_code) == (OPEN, ExitCode.STILL_RUNNING)


def test_a_doubt_counts_most() -> None:
    world = World(WORDS)
    world.qualys.ends = "Broken"
    world.specs("b")
    world.apply()
    lost(world, "a")
    assert planned(world).standing is DOUBT
    world.qualys.hidden.add(first_workflow(world))
    assert applied(world).standing is DOUBT


def first_workflow(world: World) -> str:
    (begun, *_) = world.qualys.begun
    return begun.workflow_id.lower()


def test_a_doubt_without_a_spec_is_one_all_the_same() -> None:
    world = World()
    lost(world, "a")
    world.qualys.hidden.add(first_workflow(world))
    world.specs("b")
    world.git.remove("runs/a.yaml")
    world.commit()
    report = world.apply(runs=("b",)).report
    assert (of(report).standing, report.exit_code) == (DOUBT, ExitCode.IN_DOUBT)
    plan = told(world.plan(base="HEAD"))
    assert plan["changes"] == []
    assert seen(plan, 0).standing is DOUBT


def test_an_expired_doubt_is_one() -> None:
    world = World()
    vanished(world, "a")
    world.clock.sleep(31 * 86_400.0)
    world.apply()
    assert world.states()["a"] is State.EXPIRED
    assert (planned(world).standing, planned(world).reason) == (DOUBT, "expired")


def test_what_could_not_be_sent_at_all_is_a_failure_with_its_code() -> None:
    world = World()
    world.specs("a")
    world.qualys.replies += [fakes.UNSENT] * 10
    found = applied(world)
    assert (found.standing, found.exit_code) == (FAILED, ExitCode.UNREACHABLE)
    assert planned(world).standing is UNSENT


@pytest.mark.parametrize(
    ("project", "reason"),
    [
        (project_file("policy: {approvals: [{count: 1}]}"), "approval"),
        (project_file("policy: {limits: {runs: 1}}"), "limit"),
        (project_file("policy: {require: {annotations: {ticket: 'C[0-9]'}}}"), "policy"),
    ],
)
def test_what_the_policy_holds_is_held(project: str, reason: str) -> None:
    world = World(project)
    world.specs("a", "b")
    found = applied(world)
    assert (found.standing, found.reason, found.exit_code) == (HELD, reason, ExitCode.HELD)
    assert found.detail.startswith("prod/a: ")
    assert found.counts["hold"] == 2


def test_a_freeze_holds() -> None:
    world = World()
    world.specs("a")
    world.freezes = (Freeze("QFLOW_FREEZE", "quarter end", "", ""),)
    assert (applied(world).standing, applied(world).reason) == (HELD, "frozen")


def test_what_waits_for_its_turn_is_open() -> None:
    world = World()
    targets = "  targets: [{name: x}, {name: y, rerun: 1}]\n  rollout: {batches: [1], pause: 10m}\n"
    world.spec("a", extra=targets)
    world.commit()
    assert planned(world).standing is UNSENT
    found = world.apply(timeout=60.0).report
    assert [each["name"] for each in told(found)["waiting"]] == ["a/y"]
    assert of(found).standing is OPEN
    assert (planned(world).standing, planned(world).counts["wait"]) == (OPEN, 1)


def test_invalid_files_are_a_failure_and_never_done() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.git.write("runs/b.yaml", "kind: [\n")
    world.commit()
    found = planned(world)
    assert (found.standing, found.exit_code, found.reason) == (FAILED, ExitCode.INVALID, "invalid")


# --- no report, or no plan in it -----------------------------------------------------


def test_an_error_without_a_plan_is_a_failure_that_says_why() -> None:
    problem = LockError("The lockfile can't be\nread.", reason="lock_broken")
    for command in ("plan", "apply"):
        found = of(failed(command, problem))
        assert (found.standing, found.exit_code) == (FAILED, ExitCode.LOCK)
        assert (found.reason, found.digest, found.lock_commit) == ("lock_broken", "", "")
        assert "The lockfile can't be" in found.detail


@pytest.mark.parametrize(
    ("code", "standing"),
    [
        *((code, FAILED) for code in (0, 1, 2, 3, 4, 7, 10, 11, 12, 70, 130, 143, -9, 99)),
        (5, HELD), (6, OPEN), (8, OPEN), (9, DOUBT),
    ],
)  # fmt: skip
def test_an_exit_code_alone_proves_nothing_done(code: int, standing: MemberStanding) -> None:
    for report in (None, "text", {}, {"formatVersion": 2, "changes": [], "digest": "v1"}):
        found = seen(report, code, "killed after 1h")
        assert (found.standing, found.exit_code, found.detail) == (
            standing, code, "killed after 1h",
        )  # fmt: skip


def test_a_code_that_says_more_than_the_report_counts() -> None:
    world = World()
    world.specs("a")
    world.apply()
    done = told(world.apply().report)
    assert seen(done, 0).standing is DONE
    for code, standing in ((5, HELD), (8, OPEN), (9, DOUBT), (11, FAILED), (70, FAILED)):
        assert seen(done, code).standing is standing, code


# --- every word ----------------------------------------------------------------------

CHANGE = SCHEMA["properties"]["changes"]["items"]["properties"]
ACTIONS, REASONS = CHANGE["action"]["enum"], CHANGE["reason"]["enum"]
HOLDS = {
    **dict.fromkeys(REASONS, HELD),
    "in_doubt": DOUBT, "expired": DOUBT,
    "failed": FAILED, "refused": FAILED, "stopped": FAILED, "invalid": FAILED,
}  # fmt: skip
SKIPS = {
    **dict.fromkeys(REASONS, HELD),
    "already_ran": DONE, "baselined": DONE, "removed": DONE, "in_progress": OPEN,
}  # fmt: skip


def report_of(*changes: dict[str, Any], command: str = "plan") -> dict[str, Any]:
    named = [{"environment": "prod", "name": "a", "detail": "words", **one} for one in changes]
    return {
        "formatVersion": 1, "command": command, "reason": "ok", "error": None, "full": True,
        "digest": "v1:sha256:0", "changes": named,
        "environments": {"prod": {"underWay": 0, "inDoubt": 0}},
    }  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("reason", REASONS)
def test_every_action_and_reason_has_a_standing(action: str, reason: str) -> None:
    wanted = {"run": UNSENT, "wait": OPEN, "skip": SKIPS[reason], "hold": HOLDS[reason]}[action]
    change = {"action": action, "reason": reason}
    assert seen(report_of(change), 0).standing is wanted
    if action in ("skip", "hold"):
        assert seen(report_of(change, command="apply"), 0).standing is wanted


@pytest.mark.parametrize("state", [*State, "odd"])
def test_every_state_of_an_attempt_has_a_standing(state: str) -> None:
    outcome = {"environment": "prod", "name": "a", "attempt": {"state": state, "events": []}}
    found = seen(report_of(command="apply") | {"outcomes": [outcome]}, 0)
    done = state in ("succeeded", "assumed", "baselined")
    assert (found.standing is DONE) == done
    assert sum(found.counts.values()) == 1


@given(st.text(), st.text(), st.sampled_from(["plan", "apply"]))
def test_an_unknown_word_is_never_done(action: str, reason: str, command: str) -> None:
    known = action == "skip" and SKIPS.get(reason) is DONE
    found = seen(report_of({"action": action, "reason": reason}, command=command), 0)
    assert (found.standing is DONE) == known


def test_what_does_not_say_whether_anything_is_under_way_is_never_done() -> None:
    report = report_of()
    assert seen(report, 0).standing is DONE
    odds: list[Any] = [{}, {"prod": {}}, {"prod": {"underWay": 0, "inDoubt": None}}, None]
    for odd in odds:
        assert seen(report | {"environments": odd}, 0).standing is OPEN, odd


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PARTS = (
    "environments",
    "changes",
    "outcomes",
    "inDoubt",
    "elsewhere",
    "notStarted",
    "waiting",
    "counts",
    "lock",
)


@given(st.dictionaries(st.sampled_from(PARTS), ANYTHING), st.sampled_from(["plan", "apply"]))
def test_whatever_a_report_holds_it_can_be_kept(parts: dict[str, Any], command: str) -> None:
    found = seen(report_of(command=command) | parts, 0)
    assert found.standing in [*MemberStanding]
    record = FleetRecord().worked("a", found, "2026-11-29T00:00:00Z")
    assert from_bytes(to_bytes(record), "fleet.lock").members.keys() == {"a"}
