"""JSON as it is written: what `json` writes, in pieces that never cut a string."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.base import logjson
from qflow_gitops.base.jsontext import indented, pieces

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES, st.booleans())
def test_it_is_what_json_writes(value: Any, ascii_only: bool) -> None:
    wanted = json.dumps(value, indent=2, ensure_ascii=ascii_only)
    assert indented(value, ascii_only=ascii_only) == wanted


@given(st.dictionaries(st.text(), st.lists(VALUES, max_size=4), min_size=1, max_size=3))
def test_a_list_comes_item_by_item(value: dict[str, list[Any]]) -> None:
    lazy = {key: iter(items) for key, items in value.items()}
    found = list(pieces(lazy))
    assert "".join(found) == json.dumps(value, indent=2, ensure_ascii=False)
    assert len(found) == 1 + sum(2 + len(items) for items in value.values())


@pytest.mark.parametrize("text", ["::set-output name=a::b", "##[error]", "a::::b"])
def test_no_command_of_a_runner_is_left(text: str) -> None:
    written = logjson.dumps({text: [text, {text: text}]}, lines=True)
    assert "::" not in written
    assert "##[" not in written
    assert json.loads(written) == {text: [text, {text: text}]}
