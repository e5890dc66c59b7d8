"""One value changes where it stands; everything else keeps its characters."""

import copy
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qflow_gitops.yaml.edit import Refused, put, with_lock, written
from qflow_gitops.yaml.parse import parse

RERUN = ("spec", "rerun")
NOTE = ("metadata", "annotations", "why")


def data(content: bytes) -> list[Any]:
    parsed = parse(content, "f.yaml")
    assert not parsed.diagnostics
    return [one.data for one in parsed.documents]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec:\n  a: 1\n", "spec:\n  a: 1\n  rerun: 2\n"),
        ("spec:\n  a: 1", "spec:\n  a: 1\n  rerun: 2"),
        ("spec:\r\n    a: 1\r\nb: 2\r\n", "spec:\r\n    a: 1\r\n    rerun: 2\r\nb: 2\r\n"),
        ("\ufeffspec:\n  a: 1\n", "\ufeffspec:\n  a: 1\n  rerun: 2\n"),
        ("spec: {a: 1} # c\n", "spec: {a: 1, rerun: 2} # c\n"),
        ("spec: {a: 1,}\n", "spec: {a: 1, rerun: 2,}\n"),
        ("spec: {a: {b: c} }\n", "spec: {a: {b: c}, rerun: 2 }\n"),
        ("spec: {\n  a: 1 # c\n }\n", "spec: {\n  a: 1, rerun: 2 # c\n }\n"),
        ('{"spec": {"a": "1"}}', '{"spec": {"a": "1", "rerun": 2}}'),
        ('{"a": 1}', '{"a": 1, "spec": {"rerun": 2}}'),
        ("spec: {}\n", "spec: {rerun: 2}\n"),
        ("spec: { # c\n }\n", "spec: {rerun: 2 # c\n }\n"),
        ("spec:\nb: 1\n", "spec:\n  rerun: 2\nb: 1\n"),
        ("a:\n    b: 1\nspec: # c\n    # d\n# e\n", None),
        ("spec: ~ # c\n", "spec: {rerun: 2} # c\n"),
        ("{spec: ~ , b: 1}\n", "{spec: {rerun: 2} , b: 1}\n"),
        ("{a: 1, b: ~ }\n", "{a: 1, b: ~, spec: {rerun: 2} }\n"),
        ("a:\n   b: 1\n# end\n", "a:\n   b: 1\nspec:\n   rerun: 2\n# end\n"),
        ("spec:\n  rerun: 1 # once\n  a: 1\n", "spec:\n  rerun: 2 # once\n  a: 1\n"),
        ("spec:\n  rerun: # once\n  a: 1\n", "spec:\n  rerun: 2 # once\n  a: 1\n"),
        ("spec: {rerun: '1', a: 1}\n", "spec: {rerun: 2, a: 1}\n"),
        ("spec:\n  rerun: |\n    x\n\n    # y\n\n# z\n", "spec:\n  rerun: 2\n\n# z\n"),
        ("spec:\n  rerun: >+\n    x\n  a: 1\n", "spec:\n  rerun: 2\n  a: 1\n"),
        ("spec:\n  a: 'x\n   y'\n\nb: 1\n", "spec:\n  a: 'x\n   y'\n  rerun: 2\n\nb: 1\n"),
        ("spec:\n  a: |\n    # x\n\n# c\n", "spec:\n  a: |\n    # x\n  rerun: 2\n\n# c\n"),
        ("spec:\n  a: |+\n    x\n# c\n", "spec:\n  a: |+\n    x\n  rerun: 2\n# c\n"),
        ("spec:\n  a: |+\n    x\n", "spec:\n  a: |+\n    x\n  rerun: 2\n"),
        (
            "spec:\n  a:\n  - 1\n  -  # c\n\nb: 1\n",
            "spec:\n  a:\n  - 1\n  -  # c\n  rerun: 2\n\nb: 1\n",
        ),
        (
            "spec:\n  a:\n    b: 1\n    # c\n  # d\n# e\n",
            "spec:\n  a:\n    b: 1\n    # c\n  # d\n  rerun: 2\n# e\n",
        ),
        ("spec:\n  a:   # c\n\n  # d\n", "spec:\n  a:   # c\n  rerun: 2\n\n  # d\n"),
        ("spec:\n  a: 1\n...\n# c\n", "spec:\n  a: 1\n  rerun: 2\n...\n# c\n"),
        (
            "---\nspec:\n  a: 1\n---\nspec: {rerun: 7}\n",
            "---\nspec:\n  a: 1\n  rerun: 2\n---\nspec: {rerun: 7}\n",
        ),
    ],
)  # fmt: skip
def test_a_number_goes_where_it_belongs(before: str, after: str | None) -> None:
    after = after or "a:\n    b: 1\nspec: # c\n    # d\n    rerun: 2\n# e\n"
    assert put(before.encode(), 0, RERUN, 2) == after.encode()
    assert put(after.encode(), 0, RERUN, 2) == after.encode()


def test_only_the_named_document_changes() -> None:
    content = b"spec:\n  a: 1\n# first\n---\n# second\nspec: {a: 1}\n---\nspec: {a: 1}\n"
    assert put(content, 1, RERUN, 3) == content.replace(b"{a: 1}", b"{a: 1, rerun: 3}", 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("metadata:\n  name: x\n", 'metadata:\n  name: x\n  annotations:\n    why: "a: b"\n'),
        ("metadata: {name: x}\n", 'metadata: {name: x, annotations: {why: "a: b"}}\n'),
        ("metadata:\n  annotations:\n\n", 'metadata:\n  annotations:\n    why: "a: b"\n\n'),
        ("metadata:\n  annotations: {}\n", 'metadata:\n  annotations: {why: "a: b"}\n'),
        ("metadata:\n\tannotations: {}\n", None),
    ],
)
def test_mappings_on_the_way_are_made(before: str, after: str | None) -> None:
    expected = after.encode() if after else Refused("it has YAML errors")
    assert put(before.encode(), 0, NOTE, "a: b") == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"spec: [1]\n", "`spec` is no mapping"),
        (b"spec: text\n", "`spec` is no mapping"),
        (b"spec: {rerun: {a: 1}}\n", "`spec.rerun` is no single value"),
        (b"spec: &a {b: 1}\n", "it has YAML errors"),
        (b"spec: {a: 1, a: 2}\n", "it has YAML errors"),
        (b"\xff", "it has YAML errors"),
        (b"", "it has YAML errors"),
        (b"a: 1\n#" + b"x" * (256 * 1024 - 8), "the result could not be read as YAML any more"),
    ],
)
def test_what_cant_be_done_is_refused_with_a_reason(content: bytes, why: str) -> None:
    assert put(content, 0, RERUN, 1) == Refused(why)


def test_a_block_of_text_is_not_given_a_line_break_that_it_hadnt() -> None:
    assert put(b"spec:\n  a: |\n    x", 0, RERUN, 1) == Refused("it has YAML errors")
    assert isinstance(put(b"spec:\n  a: |-\n    x", 0, RERUN, 1), bytes)


def test_a_document_that_isnt_there_is_refused() -> None:
    assert put(b"a: 1\n", 1, RERUN, 1) == Refused("it has no document number 2")


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\x1b[1m", "a\u2028b", "\x85", "\ud800", "\x7f"])
def test_control_characters_are_refused(text: str) -> None:
    assert put(b"a: 1\n", 0, NOTE, text) == Refused(
        "the text holds control characters or line breaks"
    )


def test_invisible_characters_are_written_so_that_they_are_seen() -> None:
    assert written("a\u202eb\u00a0\U000e0001") == '"a\\u202eb\\u00a0\\U000e0001"'
    assert written("Grüße 🙂") == '"Grüße 🙂"'


@pytest.mark.parametrize(
    "word", ["no", "Yes", "on", "y", "null", "TRUE", "~", "1", "1e3", ".inf", ""]
)
def test_a_word_that_yaml_may_take_for_another_value_is_quoted(word: str) -> None:
    assert written(word) == f'"{word}"'


TEXTS = st.text(max_size=40) | st.sampled_from(
    ["a: b", "a #b", " x ", "- x", "'", '"', "\\", "{x}", "[", "%a", "@a", "---", "...", "<<", "?"]
)


@given(TEXTS)
def test_a_text_comes_back_as_the_same_string(text: str) -> None:
    """In block and flow style; refused exactly for control characters and line breaks."""
    bad = any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in text)
    for start in (b"metadata:\n  name: x\n", b"metadata: {name: x}\n"):
        new = put(start, 0, NOTE, text)
        assert isinstance(new, Refused) == bad
        if isinstance(new, bytes):
            assert data(new)[0]["metadata"]["annotations"] == {"why": text}


# --- generated documents -------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c d", "spec", "rerun", "'x'", '"y"'])
PLAIN = ["1", "x", "~", "", "'q # q'", '"d: d"', "x y # c", "{}", "[]", "{k: v}", "[1, {z: }]"]
BLOCKS = ["|\n{0}t\n", "|+\n{0}t\n", ">-\n{0}# t\n\n{0}u\n\n", "'a\n{0}b'\n", "p\n{0}q\n"]


@st.composite
def mappings(draw: st.DrawFn, depth: int = 0, column: int = 0) -> str:
    """A mapping in block style: its lines, with comments and blank lines between them."""
    pad, step = " " * column, draw(st.sampled_from([1, 2, 4]))
    text = ""
    for key in draw(st.lists(KEYS, min_size=1, max_size=3, unique_by=lambda k: k.strip("'\""))):
        text += draw(st.sampled_from(["", "", "\n", f"{pad}# {key}: no\n", "# left\n"]))
        kind = draw(st.integers(0, 3 if depth < 3 else 1))
        if kind == 0:
            text += f"{pad}{key}: {draw(st.sampled_from(PLAIN))}\n"
        elif kind == 1:
            text += f"{pad}{key}: {draw(st.sampled_from(BLOCKS)).format(' ' * (column + step))}"
        elif kind == 2:
            inner = draw(mappings(depth=depth + 1, column=column + step))
            text += f"{pad}{key}:{draw(st.sampled_from(['', ' # c']))}\n{inner}"
        else:
            items = draw(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=2))
            text += f"{pad}{key}:\n" + "".join(f"{pad}- {one}\n" for one in items)
    return text + draw(st.sampled_from(["", "", "\n", f"{pad}# end\n", "\n# end\n\n"]))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    text = "---\n".join(draw(st.lists(mappings(), min_size=1, max_size=3)))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return (mark + text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))).encode()


PATHS = st.lists(st.sampled_from(["a", "b", "spec", "rerun", "new"]), min_size=1, max_size=3)


def wanted(before: Any, path: list[str], value: Any) -> Any:
    """The data with the value set, None where a path can't lead there."""
    after = copy.deepcopy(before)
    at = after
    for key in path[:-1]:
        if at.get(key) is None:
            at[key] = {}
        at = at[key]
        if not isinstance(at, dict):
            return None
    if isinstance(at.get(path[-1]), (dict, list)):
        return None
    at[path[-1]] = value
    return after


def is_one_change(old: bytes, new: bytes) -> bool:
    """Whether all that went is one stretch, and that is a value: no line of another key."""
    pairs = list(zip(old, new, strict=False))
    head = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
    backwards = list(zip(old[head:][::-1], new[head:][::-1], strict=False))
    tail = next((i for i, (a, b) in enumerate(backwards) if a != b), len(backwards))
    gone = old[head : len(old) - tail]
    return b"# c" not in gone and b"left" not in gone and b"end" not in gone


@given(files(), PATHS, st.integers(0, 2), st.sampled_from([7, "a: b", "no", "word"]))
def test_exactly_the_intended_thing_changes(
    content: bytes, path: list[str], index: int, value: Any
) -> None:
    parsed = parse(content, "f.yaml")
    assume(not [one for one in parsed.diagnostics if one.severity == "error"])
    before = [one.data for one in parsed.documents]
    index %= len(before)
    expected = wanted(before[index], path, value)
    new = put(content, index, tuple(path), value)
    if expected is None:
        assert isinstance(new, Refused)
        return
    if not content.endswith(b"\n") and b"|" in content and isinstance(new, Refused):
        assert "no line break" in new.why
        return
    assert isinstance(new, bytes), (content, path, new)
    before[index] = expected
    after = [one.data for one in parse(new, "f.yaml").documents]
    assert json.dumps(after) == json.dumps(before)
    assert new.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    if b"\r\n" in content:
        assert new.count(b"\n") == new.count(b"\r\n")
    assert is_one_change(content, new)


# --- the lineage in qflow.yaml -------------------------------------------------------

HEAD = "apiVersion: qflow-gitops/v1\nkind: Project\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "spec:\n  lock:\n    lineage: a-1\n"),
        ("spec:\n  runs: [runs]\n", "spec:\n  runs: [runs]\n  lock:\n    lineage: a-1\n"),
        (
            "spec:\n  lock: {store: branch}   # ours\n  # end\n",
            "spec:\n  lock: {store: branch, lineage: a-1}   # ours\n  # end\n",
        ),
        (
            "spec:\n  lock:\n    lineage: old # c\n    store: branch\n",
            "spec:\n  lock:\n    lineage: a-1 # c\n    store: branch\n",
        ),
        ("spec:\n", "spec:\n  lock:\n    lineage: a-1\n"),
    ],
)
def test_the_lineage_goes_into_the_settings(before: str, after: str) -> None:
    assert with_lock((HEAD + before).encode(), {"lineage": "a-1"}) == (HEAD + after).encode()


def test_a_lineage_of_digits_stays_a_string() -> None:
    new = with_lock(HEAD.encode(), {"lineage": "0123"})
    assert isinstance(new, bytes)
    assert data(new)[0]["spec"] == {"lock": {"lineage": "0123"}}


def test_settings_that_cant_be_edited_are_refused() -> None:
    assert with_lock(b"a: 1\n---\nb: 2\n", {"lineage": "x"}) == Refused(
        "it holds several YAML documents"
    )
    assert with_lock(b"spec: [1]\n", {"lineage": "x"}) == Refused("`spec` is no mapping")
    assert with_lock(b"", {"lineage": "x"}) == Refused("it has YAML errors")
