"""What a spec calls sensitive isn't seen in what Qualys shows of its execution."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.specs.connector_catalogs import Connectors
from qflow_gitops.specs.hiding import Hiding
from qflow_gitops.specs.load import unchecked
from qflow_gitops.specs.spec import MASK
from tests.fakes.world import World
from tests.helpers.specs import WORKFLOW


def hiding(*pointers: str, **input_: Any) -> Hiding:
    project = World().project
    data = {
        "apiVersion": "qflow-gitops/v1", "kind": "WorkflowRun", "metadata": {"name": "a"},
        "spec": {"workflowId": WORKFLOW, "input": input_, "variables": {"note": "var-secret"},
                 "sensitive": list(pointers)},
    }  # fmt: skip
    (spec,) = unchecked(json.dumps(data).encode(), "runs/a.yaml", project, Connectors())
    return Hiding(spec)


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
