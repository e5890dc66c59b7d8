"""What a spec calls sensitive isn't seen in what Qualys shows of its execution."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.audit.masking import Masking
from qflow_gitops.specs.connector_catalogs import Connectors
from qflow_gitops.specs.hiding import Hiding
from qflow_gitops.specs.load import unchecked
from qflow_gitops.specs.spec import MASK, RunSpec
from tests.fakes.world import World
from tests.helpers.specs import WORKFLOW


def hiding(*pointers: str, **input_: Any) -> Hiding:
    return Hiding(spec_of(*pointers, **input_))


def spec_of(*pointers: str, **input_: Any) -> RunSpec:
    project = World().project
    data = {
        "apiVersion": "qflow-gitops/v1", "kind": "WorkflowRun", "metadata": {"name": "a"},
        "spec": {"workflowId": WORKFLOW, "input": input_, "variables": {"note": "var-secret"},
                 "sensitive": list(pointers)},
    }  # fmt: skip
    (spec,) = unchecked(json.dumps(data).encode(), "runs/a.yaml", project, Connectors())
    return spec


@pytest.mark.parametrize(
    "text",
    [
        "hunter2", "it said hunter2!", '{"reason": "hunter2"}', "xhunter2y", "cut here: hunt…",
        "a hunter2 and hunte… (7 more characters)",
    ],
)  # fmt: skip
def test_a_text_holds_no_value(text: str) -> None:
    shown = hiding("/input/reason", reason="hunter2").text(text)
    assert "hunt" not in shown
    assert MASK in shown


def test_values_of_several_lines_are_found_as_they_are_told() -> None:
    one = hiding("/input/reason", reason='first "line"\nsecond')
    for text in ('x first "line"\nsecond', 'first "line" second', '"first \\"line\\"\\nsecond"'):
        assert "line" not in one.text(text)


VALUE = 'Ada "L" is/was under it\nby the board & co, since 4711'
"""A value of two lines, with all that anything escapes."""


def escapings() -> dict[str, str]:
    once, html = json.dumps(VALUE)[1:-1], "Ada &quot;L&quot; is/was under it"
    addressed = (
        "Ada%20%22L%22%20is%2Fwas%20under%20it%0Aby%20the%20board%20%26%20co%2C%20since%204711"
    )
    return {
        "JSON": once,
        "JSON within JSON": json.dumps(once)[1:-1],
        "an address": addressed,
        "one in small letters": addressed.replace("2F", "2f").replace("0A", "0a"),
        "a path": "/x/Ada%20%22L%22%20is/was%20under%20it",
        "a form": "?q=Ada+%22L%22+is%2Fwas+under+it&r=1",
        "HTML": html,
        "HTML's text": "by the board &amp; co, since 4711",
        "one line": " ".join(VALUE.split()),
        "its first line": "x Ada \"L\" is/was under it.",
        "its last line": "(by the board & co, since 4711)",
        "Windows' lines": VALUE.replace("\n", "\r\n"),
        "wrapped": VALUE.replace("is/was ", "is/was\n"),
        "indented": VALUE.replace("is/was ", "is/was\n      "),
        "spread": "Ada  \"L\"\tis/was\u00a0under it",
        "quoted": VALUE.replace("is/was ", "is/was\n> ").replace("the ", "the\n> "),
        "commented out": "# " + VALUE.replace("is/was ", "is/was\n# "),
    }  # fmt: skip


@pytest.mark.parametrize("how", escapings())
def test_values_are_found_however_they_are_escaped_or_wrapped(how: str) -> None:
    one = hiding("/input/reason", reason=VALUE)
    masking = Masking()
    masking.learn([spec_of("/input/reason", reason=VALUE)])
    for shown in (one.text(escapings()[how]), masking.text(escapings()[how])):
        assert MASK in shown
        for word in ("Ada", "under", "board", "4711"):
            assert word not in shown


def test_words_of_a_value_are_no_value() -> None:
    one = hiding("/input/reason", reason="is\nyes, no\nis under investigation")
    assert one.text("He is here\nyes, no matter") == "He is here\nyes, no matter"


@given(st.text(), st.text())
def test_a_text_without_the_value_stays_as_it_is(text: str, value: str) -> None:
    one = hiding("/input/reason", reason=f"<{' '.join(value.split())}>")
    if "<" not in text and "lt;" not in text and "%3" not in text.lower():
        assert one.text(text) == text


def test_spaces_alone_take_no_time() -> None:
    one = hiding("/input/reason", reason=VALUE)
    text = " " * 200_000 + "\n" * 200_000 + "> " * 200_000
    assert one.text(text) == text


def test_short_values_are_hidden_where_they_are_all_there_is() -> None:
    one = hiding("/input/pin", "/input/yes", pin="42", yes=True)
    assert one.value(["42", "1942", 42, True]) == [MASK, "1942", 42, True]


def test_numbers_that_tell_are_hidden() -> None:
    one = hiding("/input/account", account=123456789012)
    assert one.value({"a": 123456789012, "b": "arn:123456789012:x", "c": 1}) == {
        "a": MASK, "b": f"arn:{MASK}:x", "c": 1,
    }  # fmt: skip


def test_what_echoes_the_request_is_hidden_by_its_place() -> None:
    one = hiding("/input/deep", "/variables/note", deep={"on": False, "n": 1}, open=1)
    echo = [
        {
            "input": {"deep": {"on": False, "n": 1}, "open": 1},
            "overrideVariables": [{"key": "note", "value": 5, "type": "x"}],
        }
    ]
    assert one.value(echo) == [
        {
            "input": {"deep": MASK, "open": 1},
            "overrideVariables": [{"key": "note", "value": MASK, "type": "x"}],
        }
    ]


def test_names_are_hidden_as_well() -> None:
    assert hiding("/input/x", x="hunter2").value({"hunter2": 1}) == {MASK: 1}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_JSON)
def test_where_nothing_is_sensitive_nothing_is_changed(data: Any) -> None:
    assert Hiding(None).value(data) == data
    assert hiding(reason="hunter2").value(data) == data
    json.dumps(hiding("/input/reason", reason="hunter2").value(data))
