"""A file is brought to other data: what differs is written, and comments stay."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.yaml.edit import Refused
from qflow_gitops.yaml.parse import parse
from qflow_gitops.yaml.update import lines, update

OLD = """\
# a head
all:   # of them
  # about a
  a:
    id: "1"      # quoted
    gone: '2'    # asked Ada
    # still a's

  # about c
  c: {id: x, title: 'y'}
  d:
    id: z
    gone: w
# the end
"""
DATA: dict[str, Any] = {
    "all": {"a": {"id": "1", "gone": "2"}, "c": {"id": "x", "title": "y"},
            "d": {"id": "z", "gone": "w"}}
}  # fmt: skip


def updated(text: str, data: Any) -> str:
    made = update(text.encode(), data)
    assert isinstance(made, bytes)
    return made.decode()


def test_nothing_new_changes_no_byte() -> None:
    assert updated(OLD, DATA) == OLD


def test_what_is_new_stands_in_its_place_and_comments_stay() -> None:
    new = {
        "0": {"id": "first", "labels": {}},
        "a": {"id": "1", "title": "A: b", "disabled": False},
        "b": {"id": "2", "labels": {"tier": "prod"}},
        "c": {"id": "x", "state": "OK", "title": "yy"},
        "d": {"id": "z"},
        "e": {"id": "last"},
    }
    assert (
        updated(OLD, {"all": new})
        == """\
# a head
all:   # of them
  "0":
    id: first
    labels: {}
  # about a
  a:
    id: "1"      # quoted
    title: "A: b"
    disabled: false
    # asked Ada
    # still a's
  b:
    id: "2"
    labels:
      tier: prod

  # about c
  c:
    id: x
    state: OK
    title: yy
  d:
    id: z
  e:
    id: last
# the end
"""
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("all: {}\n", {"all": {"a": {"id": "x"}}}, "all:\n  a:\n    id: x\n"),
        ("all: {} # none\r\n", {"all": {"a": "x"}}, "all:\r\n  a: x # none\r\n"),
        ("all: {a: {b: 'c'}}", {"all": {"a": {"b": "d"}}}, "all: {a: {b: d}}"),
        ("all: {a: {b: 'c'}}", {"all": {"a": {"b": "c", "d": 1}}}, "all: {a: {b: c, d: 1}}"),
        ("all:\n    a:\n        b: c", {"all": {"a": {"b": "c"}, "d": {"e": 1}}},
         "all:\n    a:\n        b: c\n    d:\n        e: 1"),
        ("a: b\nc: d", {"a": "b"}, "a: b\n"),
    ],
)  # fmt: skip
def test_what_stands_in_braces(old: str, new: Any, text: str) -> None:
    assert updated(old, new) == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a: [", {"a": 1}),
        ("a: 1\n---\na: 1", {"a": 2}),
        ("a: {b: 1, # why\n  c: 2}", {"a": {"b": 1}}),
        ("a: 1\nb: 2", {"b": 2, "a": 1}),
        ("a: x", {"a": "y\nz"}),
    ],
)
def test_what_is_left_alone(old: str, new: Any) -> None:
    assert isinstance(update(old.encode(), new), Refused)


words = st.sampled_from(("a", "b", "c", "1", "no", "x: y", "#", "é", "0b6f2c1e", "-"))
entries = st.dictionaries(
    words, st.dictionaries(words, words | st.booleans(), min_size=1), min_size=1
)


@given(entries, entries, st.data())
def test_any_data_becomes_any_other(old: dict[str, Any], new: dict[str, Any], draw: Any) -> None:
    text = "\n".join(["all:", *lines(old, 2)]) + "\n"
    marked = "".join(
        f"{line} # comment {n}\n" if draw.draw(st.booleans()) else f"{line}\n"
        for n, line in enumerate(text.splitlines())
    )
    kept = {name: _merged(old[name], new.get(name, old[name])) for name in old}
    wanted = {"all": {**kept, **{name: each for name, each in new.items() if name not in old}}}
    made = updated(marked, wanted)
    (document,) = parse(made.encode(), "").documents
    assert document.data == wanted
    assert made.count("# comment") == marked.count("# comment")
    assert updated(made, wanted) == made


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Give the new one, with the keys that stay in the order of the old one."""
    stay = {key: new[key] for key in old if key in new}
    return {**stay, **{key: value for key, value in new.items() if key not in old}}
