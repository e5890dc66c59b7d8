"""Steps as they come, in whatever shape: in order, and with what may say what went wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.errors import UnreachableError
from qflow_gitops.http.bounded import CHARACTERS, bounded
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError
from qflow_gitops.ports.qualys import Allowance, Said, Step
from qflow_gitops.qualys import steps
from qflow_gitops.qualys.step_items import step_of
from tests.unit.test_qualys_caller import ONE, Answers, answer, caller

NODE = "node-1a2b3c4d-resource"
SECRET = "canary-secret"


def node(order: Any, status: str = "Success", **more: Any) -> dict[str, Any]:
    return {"id": "01JT3585YRG0DHQNS9ABCDEFGH", "nodeId": f"{NODE}-{order}", "nodeType": "resource",
            "eventOrder": order, "status": status, **more}  # fmt: skip


def listed(data: Any) -> Any:
    one, _ = caller(Answers(answer(200, data)))
    return steps.listed(one, ONE)


def test_steps_are_told_by_their_order_and_those_without_one_last() -> None:
    items = [node(3), node(None), node(1), node("2"), node(2), node(True)]
    found = listed({"total": 6, "items": items})
    assert [step.order for step in found.steps] == [1, 2, 3, None, None, None]
    assert [step.node_id[-4:] for step in found.steps[3:]] == ["None", "ce-2", "True"]
    assert found.missing == 0


def test_what_a_list_does_not_show_is_counted() -> None:
    assert listed({"total": 9, "items": [node(1), "x", None]}).missing == 8
    assert listed({"total": "9", "items": [node(1)]}).missing == 0
    assert listed({"items": []}) == ((), 0)


@pytest.mark.parametrize("data", [{}, {"items": {}}, {"total": 1, "items": None}, [], "x"])
def test_what_is_no_list_is_not_an_empty_one(data: Any) -> None:
    with pytest.raises(UnreachableError):
        listed(data)


def test_steps_that_are_not_shown_are_none() -> None:
    one, _ = caller(Answers(answer(404), answer(404), answer(404)))
    assert steps.listed(one, ONE) is None
    assert steps.details(one, ONE, NODE) is None
    assert steps.shown(one, ONE, ("steps", NODE, "output")) is None


def test_a_step_that_is_another_s_is_none() -> None:
    one, _ = caller(Answers(answer(200, {"nodeId": "trigger"})))
    with pytest.raises(UnreachableError):
        steps.details(one, ONE, NODE)


def said(**more: Any) -> tuple[Said, ...]:
    one, _ = caller(Answers(answer(200, node(1, **more))))
    found = steps.details(one, ONE, f"{NODE}-1")
    assert found is not None
    return found.said


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"errorMessage": "no bucket"}, Said("/errorMessage", "no bucket", likely=True)),
        ({"name": "Find", "details": {"cause": "no bucket"}},
         Said("/details/cause", "no bucket", likely=True)),
        ({"cause": "deep", "details": {"message": "no bucket"}},
         Said("/details/message", "no bucket", likely=True)),
        ({"details": [{"errors": [{"message": "no bucket"}]}]},
         Said("/details/0/errors/0/message", "no bucket", likely=True)),
        ({"message": "no bucket", "error": {"message": "deeper"}},
         Said("/message", "no bucket", likely=True)),
        ({"name": "Find buckets"}, Said("/name", "Find buckets", likely=False)),
        ({"errorMessage": "it said canary-secret"},
         Said("/errorMessage", "it said ***", likely=True)),
        ({"a/b~c": "odd"}, Said("/a~1b~0c", "odd", likely=False)),
    ],
)  # fmt: skip
def test_texts_of_fields_that_nobody_documents_may_be_the_message(
    fields: dict[str, Any], first: Said
) -> None:
    assert said(**fields)[0] == first


def test_documented_fields_ids_and_content_are_no_message() -> None:
    assert said(
        customerId="x", tags=["created_by=y"], input={"message": "m"}, output=["x"],
        parDateKey="2026-01-01T00:00:00.000Z", ref="497d0fe7-1111-4222-8333-444455556666",
        at="2026-01-01T00:00:00.000Z", empty=" ", count=4, why=None,
    ) == ()  # fmt: skip


def test_of_many_texts_a_few_are_told() -> None:
    many = {f"note{number}": f"text {number}" for number in range(5_000)}
    found = said(**many, errorMessage="the one")
    assert len(found) == 5
    assert found[0].text == "the one"


_NAMES = st.sampled_from(
    ["nodeId", "nodeType", "eventOrder", "status", "items", "total", "data", "message", "error",
     "errors", "details", "createdAt"]
)  # fmt: skip
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_NAMES | st.text(), inner),
    max_leaves=30,
)


@given(_JSON)
def test_no_shape_of_steps_crashes(data: Any) -> None:
    """They come out read, or as what is no list; and always as what can be shown."""
    one, _ = caller(Answers(*[answer(200, data)] * 3))
    for call in (
        lambda: steps.listed(one, ONE),
        lambda: steps.details(one, ONE, NODE),
        lambda: steps.shown(one, ONE, ("steps",)),
    ):
        try:
            found = call()
        except UnreachableError:
            continue
        for step in getattr(found, "steps", ()):
            assert isinstance(step, Step)
            assert len(step.said) <= 5


@given(_JSON)
def test_what_is_small_and_holds_no_secret_is_shown_as_it_came(data: Any) -> None:
    assert bounded(data, str) == data


def test_what_is_shown_is_bounded_and_holds_no_secret() -> None:
    redact = Redactor()
    redact.learn([SECRET])
    data = {"a": ["x" * 1_000] * 5_000, SECRET: f"before\n{SECRET} after", "z": 1}
    text = json.dumps(bounded(data, redact.without_secrets))
    assert len(text) < CHARACTERS * 1.2
    assert "more)" in text
    first = bounded({SECRET: f"before\n{SECRET} after"}, redact.without_secrets)
    assert first == {"***": "before\n*** after"}
    deep: Any = "end"
    for _ in range(500):
        deep = [deep]
    assert "nested deeper" in json.dumps(bounded(deep, str))
    assert len(bounded(list(range(100_000)), str)) < 11_000


def test_what_is_no_number_of_json_is_a_text() -> None:
    assert bounded([float("inf"), float("nan"), 1e300], str) == ["inf", "nan", 1e300]


def test_what_is_no_json_is_shown_as_a_line() -> None:
    page = HttpAnswer(200, {}, b"<html>\x1b[31m canary-secret</html>")
    one, _ = caller(Answers(page))
    assert steps.shown(one, ONE, ()) == "<html> [31m ***</html>"


def test_a_list_that_is_too_long_is_asked_for_once() -> None:
    long = NoAnswerError("the answer is too long", sent=True, too_long=True)
    transport = Answers(long, long)
    one, waited = caller(transport)
    with pytest.raises(UnreachableError, match="too long"):
        steps.listed(one, ONE)
    assert waited == []
    assert len(transport.answers) == 1


def test_five_thousand_steps_are_read() -> None:
    items = [node(number, errorMessage="x") for number in range(5_000, 0, -1)]
    found = listed({"total": 5_000, "items": items})
    assert [step.order for step in found.steps] == list(range(1, 5_001))


def test_what_the_rate_headers_leave_is_known() -> None:
    headers = {"x-ratelimit-remaining": "40", "x-ratelimit-limit": "300",
               "x-ratelimit-window-sec": "3600"}  # fmt: skip
    found = [HttpAnswer(200, each, b"{}") for each in (headers, {}, {"x-ratelimit-remaining": "x"})]
    one, _ = caller(Answers(*found, HttpAnswer(200, {"x-ratelimit-remaining": "39"}, b"{}")))
    assert one.allowance is None
    for _ in found:
        one.get("/x", "read")
        assert one.allowance == Allowance(40, 300, 3600)
    one.get("/x", "read")
    assert one.allowance == Allowance(39)


def test_a_step_of_nothing_is_one() -> None:
    assert step_of({}, str) == Step("", "", None, "")
