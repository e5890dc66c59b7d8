"""What a round's apply answered, as a person is told of it."""

from typing import Any

import pytest

from qflow_gitops.fleet.work import Work
from qflow_gitops.ports.rounds import Round
from qflow_gitops.watch.answers import came_of, notices_left

COMMIT = "c" * 40


def outcome(name: str, state: str, execution: str = "") -> dict[str, Any]:
    attempt = {"number": 1, "state": state, "executionId": execution}
    return {"environment": "prod", "name": name, "attempt": attempt}


def held(name: str, reason: str) -> dict[str, Any]:
    return {"environment": "prod", "name": name, "action": "hold", "reason": reason}


def answered(code: int, reason: str = "ok", **more: Any) -> Round:
    report = {"reason": reason, "environment": "prod", "error": None, **more}
    return came_of(Work(code, report, ""), COMMIT)


def test_nothing_to_do_is_nothing_to_tell() -> None:
    assert answered(0) == Round(0, "ok", commit=COMMIT)
    going = answered(8, "still_running", outcomes=[outcome("a", "accepted", "E1")])
    assert going.problem is None
    assert going.runs == {"prod/a #1": "accepted, E1"}


def test_what_is_held_failed_or_in_doubt_is_counted_by_its_kind() -> None:
    found = answered(
        9, "in_doubt",
        changes=[held("a", "window"), held("b", "window"), held("c", "approval")],
        notStarted=[held("d", "stopped"), held("a", "window"), held("e", "in_doubt")],
        inDoubt=[outcome("e", "in_doubt")],
        outcomes=[outcome("e", "in_doubt"), outcome("f", "failed", "E2")],
    )  # fmt: skip
    assert found.problem is not None
    assert found.problem.message == (
        "prod: 1 run in doubt, 1 run failed, 1 run held (approval), 1 run held (stopped), "
        "2 runs held (window)."
    )
    assert (
        found.problem.hint
        == "Look what it waits for: `qflow-gitops plan -e prod --to cccccccccccc`"
    )
    assert (found.held, found.doubts) == (4, 1)
    assert found.problem.exit_code == 9


@pytest.mark.parametrize("code", [0, 8])
def test_what_is_held_beside_what_went_well_is_told_all_the_same(code: int) -> None:
    found = answered(code, changes=[held("a", "ticket")])
    assert found.problem is not None
    assert found.problem.message == "prod: 1 run held (ticket)."


def test_why_something_is_held_that_no_plan_shows_is_said_by_the_watch() -> None:
    ticket = {**held("a", "ticket"), "detail": "ticket CHG1 isn't approved", "hint": "Have it so."}
    found = answered(5, "held", changes=[held("b", "window"), ticket])
    assert found.problem is not None
    assert found.problem.message == "prod: 1 run held (ticket), 1 run held (window)."
    assert found.problem.hint == "prod/a: ticket CHG1 isn't approved. Have it so."


def test_a_word_that_nobody_explained_is_told_as_such() -> None:
    found = answered(1, "ended", outcomes=[outcome("a", "ended", "E1")])
    assert found.problem is not None
    assert found.problem.message == "prod: 1 run ended unexplained."


def test_a_failure_names_the_command_that_shows_it() -> None:
    found = answered(1, "failed", outcomes=[outcome("a", "failed", "E1")])
    assert found.problem is not None
    assert found.problem.hint == "Look how it stands: `qflow-gitops status -e prod`"


def test_an_error_is_told_as_the_apply_tells_it() -> None:
    error = {"message": "Qualys refused.", "where": "US1", "notDone": "Nothing.", "hint": "Try."}
    found = answered(4, "auth", error=error)
    assert found.problem is not None
    told = found.problem
    assert (told.message, told.where, told.not_done, told.hint, told.reason, told.exit_code) == (
        "Qualys refused.", "US1", "Nothing.", "Try.", "auth", 4,
    )  # fmt: skip
    assert not found.passing


@pytest.mark.parametrize(
    ("code", "reason"),
    [(6, "busy"), (6, "elsewhere"), (7, "superseded"), (7, "stale_plan")],
)
def test_a_race_that_was_lost_passes(code: int, reason: str) -> None:
    error = {"message": "Another was faster.", "where": "", "notDone": "", "hint": ""}
    assert answered(code, reason, error=error).passing
    assert not answered(7, "digest_differs", error=error).passing


def test_no_answer_is_told_with_what_the_process_said() -> None:
    found = came_of(Work(137, None, "It was ended: it took longer than 60 seconds."), COMMIT)
    assert (found.exit_code, found.reason) == (137, "no_report")
    assert found.problem is not None
    assert "it took longer than 60 seconds." in found.problem.message
    assert "in the lockfile" in found.problem.not_done


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"reason": 7}, {"changes": "x"}, {"changes": [1, None, []]}, {"outcomes": [{}]},
        {"outcomes": [{"attempt": 1}], "inDoubt": {}}, {"error": "x"}, {"environment": []},
    ],
)  # fmt: skip
def test_what_no_apply_answers_ends_no_watch(odd: dict[str, Any]) -> None:
    for code in (0, 5, 70, 255):
        came_of(Work(code, odd, ""), COMMIT)


def test_only_an_apply_that_says_so_left_something_to_tell() -> None:
    assert notices_left({"noticesLeft": 2})
    for report in (None, {}, {"noticesLeft": 0}):
        assert not notices_left(report)
