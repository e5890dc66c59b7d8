"""What is read of answers to questions: only what they say of what was asked, or nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qflow_gitops.errors import UnreachableError
from qflow_gitops.http.transport import HttpAnswer
from qflow_gitops.qualys import executions, jwt, steps, workflows
from tests.unit.test_qualys_caller import ONE, Answers, answer, caller

WORKFLOW = "6cad21c8-4405-4517-beb9-7372feafb5b4"
OTHER = ONE.replace("4", "5")


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7), ("Thu, 01 Jan 2026 00:00:09 GMT", 9), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("", 0.5), ("-7", 0.5), ("7, 8", 0.5), ("٣", 0.5), ("9" * 400, 0.5), ("soon", 0.5),
        ("Thu, 01 Jan 99999 00:00:00 GMT", 0.5), ("Thu, 01 Jan 2026 00:00:09", 0.5),
        ("Fri, 31 Dec 9999 23:59:59 -9999", 0.5),
    ],
)  # fmt: skip
def test_how_long_is_waited_is_asked_in_plain_numbers_and_dates(asked: str, waited: float) -> None:
    one, _ = caller(Answers())
    assert one.pause(0, {"retry-after": asked}) == waited


@pytest.mark.parametrize(
    ("headers", "skew"),
    [
        ({"date": "Thu, 01 Jan 2026 00:02:00 GMT"}, 120),
        ({"date": "Wed, 31 Dec 2025 00:00:00 GMT"}, -86400),
        ({"date": "Tue, 02 Dec 2025 00:00:00 GMT"}, None),  # 30 days behind
        ({"date": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
        ({"date": "Fri, 31 Dec 9999 23:59:59 -9999"}, None),
        ({"date": "Thu, 01 Jan 99999 00:00:00 GMT"}, None),
        ({"date": "Thu, 01 Jan 2026 00:02:00 GMT, Thu, 01 Jan 2026 00:02:00 GMT"}, None),
        ({"date": "Thu, 01 Jan 2026 00:02:00"}, None),
        ({"date": "Thu, 01 Jan 2026 00:02:00 GMT", "age": "60"}, None),
        ({}, None),
    ],
)
def test_a_server_s_clock_is_believed_for_a_day_at_most(
    headers: dict[str, Any], skew: int | None
) -> None:
    """What is farther off would hide executions from the list, or expire a fresh doubt."""
    one, _ = caller(Answers(HttpAnswer(200, headers, b"{}")))
    one.get("/x", "read")
    assert one.skew == skew


@pytest.mark.parametrize("end", ['"x"', "null", "NaN", "Infinity", "1e999", "9" * 400, "[1]"])
def test_a_strange_end_of_a_token_is_none(end: str) -> None:
    payload = base64.urlsafe_b64encode(f'{{"exp": {end}}}'.encode()).decode().rstrip("=")
    assert jwt.expiry(f"a.{payload}.c") is None


def test_a_part_of_an_answer_is_none() -> None:
    one, _ = caller(Answers(answer(206, {"data": {}})))
    with pytest.raises(UnreachableError):
        one.get("/x", "read")


@pytest.mark.parametrize(
    ("data", "known"),
    [
        ({"id": ONE}, True),
        ({"execution": ONE.upper(), "id": OTHER}, True),
        ({"id": OTHER, "status": "Success"}, False),
        ({"status": "Success", "endDate": 5}, False),
        ({}, False),
        ({"id": [ONE]}, False),
    ],
)
def test_details_of_an_execution_are_those_of_the_one_asked_for(
    data: dict[str, Any], known: bool
) -> None:
    """Another's end, or that of none, isn't this one's."""
    one, _ = caller(Answers(answer(200, {"data": data})))
    if known:
        assert executions.details(one, ONE)
        return
    with pytest.raises(UnreachableError):
        executions.details(one, ONE)


@pytest.mark.parametrize(
    ("end", "ended"),
    [(1746007633052, True), (1.7e12, True), (0, False), (-1, False), (True, False),
     ("2025-04-30T10:07:13Z", False), ("null", False), ([1], False), (None, False)],
)  # fmt: skip
def test_an_execution_has_ended_where_it_shows_a_time(end: Any, ended: bool) -> None:
    for shown in ({"endDate": end}, {"details": {"executionEndDate": end}}):
        one, _ = caller(Answers(answer(200, {"data": {"id": ONE, **shown}})))
        found = executions.details(one, ONE)
        assert found is not None
        assert found.ended is ended


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def listed(*pages: Any) -> tuple[list[str], bool]:
    one, _ = caller(Answers(*[answer(200, page) for page in pages]))
    found = executions.listed(one, WORKFLOW, NOW - timedelta(hours=1), NOW)
    return [each.id for each in found.executions], found.complete


def item(number: int, workflow: str = WORKFLOW) -> dict[str, str]:
    return {"id": f"execution-{number}", "workflow": workflow}


def test_a_list_ends_where_it_says_so_however_many_fit_on_a_page() -> None:
    two, three = [item(0), item(1)], [item(0), item(1), item(2)]
    assert listed({"total": 2, "items": two}) == (["execution-0", "execution-1"], True)
    pages = ({"total": 3, "items": two}, {"total": 3, "items": [item(2)]})
    assert listed(*pages) == ([one["id"] for one in three], True)
    assert listed({"total": 0, "items": []}) == ([], True)


def test_a_list_without_a_total_ends_with_an_empty_page() -> None:
    """A short one proves nothing: how many fit on one isn't documented."""
    assert listed({"items": [item(0)]}, {"items": [item(1)]}, {"items": []}) == (
        ["execution-0", "execution-1"],
        True,
    )
    assert listed({"items": []}) == ([], True)


def test_a_list_that_shows_an_execution_in_two_spellings_is_not_complete() -> None:
    """It is one, shown twice: the pages shifted, and another may be out of sight."""
    capitals = {"id": "EXECUTION-0", "workflow": WORKFLOW}
    pages = ({"total": 2, "items": [item(0)]}, {"total": 2, "items": [capitals]}) * 4
    assert not listed(*pages)[1]


def test_a_list_that_shows_less_than_it_says_is_not_complete() -> None:
    pages = ({"total": 3, "items": [item(0)]}, {"total": 3, "items": []}) * 4
    assert listed(*pages) == (["execution-0"], False)


def test_what_was_there_before_is_known_only_as_a_whole() -> None:
    """Else somebody else's execution could be taken for one that came of the request."""

    def before(*pages: Any) -> Any:
        one, _ = caller(Answers(*pages))
        return executions.newest(one, WORKFLOW, NOW)

    assert before(answer(200, {"total": 1, "items": [item(0)]})) == ("execution-0",)
    assert before(answer(200, {"total": 0, "items": []})) == ()
    two = (answer(200, {"total": 2, "items": [item(n)]}) for n in (1, 0))
    assert before(*two) == ("execution-1", "execution-0")
    again = answer(200, {"total": 200, "items": [item(0)]})
    assert before(again, again) is None
    assert before(answer(404)) is None


@pytest.mark.parametrize(
    "items",
    [
        [item(0), None], [item(0), "x"], [{"status": "Success"}], [{"id": 5}],
        [item(0, OTHER)], {}, None, "",
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_not_an_empty_one(items: Any) -> None:
    with pytest.raises(UnreachableError):
        listed({"total": 1, "items": items})


def test_a_list_of_workflows_ends_and_is_not_guessed() -> None:
    def told(*pages: Any) -> list[str]:
        one, _ = caller(Answers(*pages))
        return list(workflows.listed(one))

    assert told(answer(200, {"total": 1, "items": [{"id": WORKFLOW}]})) == [WORKFLOW]
    again = answer(200, {"items": [{"id": WORKFLOW}]})
    assert told(again, again) == [WORKFLOW]
    for bad in (answer(404), answer(200, {}), answer(200, {"items": {}})):
        with pytest.raises(UnreachableError):
            told(bad)
    short = answer(200, {"total": 2, "items": [{"id": WORKFLOW}]})
    with pytest.raises(UnreachableError):
        told(short, short)


def test_details_of_a_workflow_are_those_of_the_one_asked_for() -> None:
    one, _ = caller(Answers(answer(200, {"data": {"id": WORKFLOW.upper()}})))
    assert workflows.details(one, WORKFLOW)
    one, _ = caller(Answers(answer(200, {"data": {"id": OTHER}})))
    with pytest.raises(UnreachableError):
        workflows.details(one, WORKFLOW)


ECHO = {"source": "PUBLIC_API", "input": {"a": 1}, "executionId": ONE}


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ([ECHO], True),
        ([{"source": "PUBLIC_API", "input": {"a": 1}}], True),
        ([ECHO | {"executionId": OTHER}], False),
        ([ECHO, ECHO], False),
        ([], False),
        ({"input": {}}, False),
    ],
)
def test_what_started_an_execution_is_told_once_and_by_itself(output: Any, shown: bool) -> None:
    one, _ = caller(Answers(answer(200, json.dumps(output).encode())))
    assert (steps.trigger(one, ONE) is not None) is shown


@pytest.mark.parametrize(
    "variables",
    [
        [{"key": "a", "value": 1}, {"key": "a", "value": 2}],
        [{"key": "a", "value": 1}, {"name": "b"}],
        [{"key": "a", "value": 1}, 5],
    ],
)
def test_variables_that_cannot_be_read_are_not_shown(variables: Any) -> None:
    """Rather than half of them, which could look like another request."""
    one, _ = caller(Answers(answer(200, [ECHO | {"overrideVariables": variables}])))
    found = steps.trigger(one, ONE)
    assert found is not None
    assert found.variables is None
