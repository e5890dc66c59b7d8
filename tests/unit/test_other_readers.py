"""What is sent is what every reader of the file sees, and what a formatter leaves of it.

The kind: a text that this program takes, and another one takes for something else, refuses, or
rewrites. Beside it stand npm's `yaml` (which editors use) and `js-yaml`, and prettier; others in
tests/contract/test_readers.py.
"""

import json
import random
from typing import Any, NamedTuple

import pytest
import yaml

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.specs import load
from qflow_gitops.yaml import fast
from qflow_gitops.yaml.parse import parse
from tests.fuzz import ROOT, seeds, twisted
from tests.helpers.node import requires_node, script
from tests.helpers.partners import nightly
from tests.unit.test_cases import SETTINGS

ID = "6cad21c8-4405-4517-beb9-7372feafb5b4"


def is_warned_of(text: str) -> bool:
    """Whether it is said that a formatter would change it."""
    found = parse(text.encode("utf-8", "surrogatepass"), "a.yaml").diagnostics
    return any(one.rule == "yaml-formatter" for one in found)


def read(text: str) -> list[Any] | None:
    """The data of a text that is taken, in a form in which 1 and True differ."""
    found = parse(text.encode("utf-8", "surrogatepass"), "a.yaml")
    return None if has_errors(found.diagnostics) else [form(one.data) for one in found.documents]


def form(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


class Differences(NamedTuple):
    texts: int
    otherwise: list[Any]  # another reader sees something else
    refused: list[Any]  # another reader refuses what is taken here
    rewritten: list[Any]  # a formatter changes what is sent


def compare(texts: list[str]) -> Differences:
    taken = {text: ours for text in texts if (ours := read(text)) is not None}
    found = Differences(len(taken), [], [], [])
    for (text, ours), answer in zip(
        taken.items(), script("readings.mjs", list(taken)), strict=True
    ):
        for reader in ("yaml", "jsYaml"):
            if "refused" in answer[reader]:
                found.refused.append((reader, text, answer[reader]["refused"]))
            elif [form(one) for one in answer[reader]["data"]] != ours:
                found.otherwise.append((reader, text, answer[reader]["data"]))
        written = answer["prettier"]
        if "refused" in written:
            found.refused.append(("prettier", text, written["refused"]))
        elif read(written["text"]) not in (ours, None) and not is_warned_of(text):
            # None: it's refused then, not sent
            found.rewritten.append((text, written["text"]))
    return found


@requires_node
def test_a_formatter_and_two_readers_agree_on_the_corpus_and_the_examples() -> None:
    found = compare([one.decode("utf-8-sig", "surrogateescape") for one in seeds() if utf8(one)])
    assert found.texts > 100
    assert found[1:] == ([], [], [])


@requires_node
def test_what_a_formatter_makes_of_an_example_is_still_valid() -> None:
    files = [one.read_text() for one in sorted((ROOT / "examples").rglob("*.yaml"))]
    texts = [text for text in files if "apiVersion: qflow-gitops/" in text]
    assert texts
    for text, answer in zip(texts, script("readings.mjs", texts), strict=True):
        assert read(answer["prettier"]["text"]) == read(text) is not None


def utf8(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


PIECES = (
    "a", "b", "- ", ": ", ":", ",", "{", "}", "[", "]", "\n", "\n  ", "\n    ", "|", "|-", "|+\n",
    ">", '"', "'", "#", " # ", "? ", "x y", "1", "-", "\t", "'x'", '"y"', "k: ", "\nb: ", "---\n",
    "~", "!", "&", "*", "%", "@", "`", "...\n",
)  # fmt: skip
ONE_READER_ALONE = ("deficient indentation", "unknown document directive")
"""What js-yaml says of a tab after a value in brackets, which all others take."""


def odd_texts(seed: int) -> list[str]:
    """Short texts of odd pieces, and real files with a few changes: the same for one seed."""
    chance, files = random.Random(seed), [one for one in seeds() if len(one) < 1000 and utf8(one)]
    texts = [
        chance.choice(("a: ", "k:\n  ")) + "".join(chance.choices(PIECES, k=chance.randrange(12)))
        + chance.choice(("\n", "\n", ""))
        for _ in range(2500)
    ]  # fmt: skip
    return texts + [twisted(chance, files).decode() for _ in range(400)]


@requires_node
@nightly
@pytest.mark.parametrize("seed", range(40))
def test_a_formatter_and_two_readers_agree_on_odd_texts(seed: int) -> None:
    found = compare(odd_texts(seed))
    assert found.texts > 300
    assert found.otherwise == []
    assert found.rewritten == []
    assert [one for one in found.refused if not one[2].startswith(ONE_READER_ALONE)] == []


@pytest.mark.parametrize(
    "text",
    [
        "{a:, b: 1}\n", "a: {b:}\n", "a: [:]\n", "a: [b:]\n", "a: [b, http://c:]\n",
        "a: x\r  y\n", "# c\ra: 1\n", "a: 1\r\r\nb: 2\n",
        "a: {b: c:}\n", "a: {b::}\n", "a: {b:: 1}\n", "a: {b:: [c]}\n",
        "a: b\u2028\n", "a: 'b\x85 c'\n", "# a\u2029\nb: c\n",
        "a: [1,\n2]\n", "a: [\n  1\n]\n", "a:\n  b: [1,\n 2]\n", 'a: "b\nc"\n', "a: {b: 'c\nd'}\n",
        "a:\n- 'b\nc'\n", "a:\n  b:\n  |\n   c\n", "a: 'b'#c\n", "a: [b]#c\n", "a: [{b: c}#d\n ]\n",
        "a: |-1\n  b\n  \n", "? |\n b\n: c\n",
        'k:\n  ? "y"#\n', "? 'y'#a\n: b\n", "a: [-]\n", "a: [b: -]\n", "a: {b: -, c: d}\n",
        "a: 'b\n\t\n  c'\n", 'a:\n  b: "c\n \t\n    d"\n', "a: |+\n", "a:\n- >+\n- b\n",
        "a: |+\n\n", "a: >+\n\n\nb: 1\n", "a: |+\n  b\n\nc: 1\n", "a: |2+\n  b\n\n\n",
        "a: |2-\n\n   b\n", "a: |\n \n  b\n",
        "? a\n: b\n", "k:\n  ? a\n", "a: {? b : c}\n", "a: [? b : c]\n", "- ? a\n",
        "a: [#b\n  c]\n", "a: [b,#c\n  d]\n", "a: {#b\n  c: d}\n",
        "{#b\nc: d}\n", "{b: c,#d\ne: f}\n", "{b: [#c\nd]}\n", "a: [b # c\n  ,#d\n  e]\n",
        "a: |2\n  b\n", "a: >-1\n b\n",
        "a: >2\n   b\n",
        "a: [\n<<<<<<< HEAD\n b,\n=======\n c,\n>>>>>>> d\n ]\n",
    ],
)  # fmt: skip
def test_what_others_read_differently_or_refuse_is_refused(text: str) -> None:
    assert read(text) is None
    assert fast.read(text) is None


@pytest.mark.parametrize("text", ["{ #b\nc: d}\n", "a: [b # c,#d\n  ,e]\n", "a: b,#c\n"])
def test_a_comment_after_a_space_is_one_and_in_it_or_in_a_word_is_none(text: str) -> None:
    assert read(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n\n  b\n", "a: >\n\n\n  b\n", "a: >\n  b\n    c\n", "a: >-\n  b\n\n  \tc\n  d\n",
        "a: {b: }\n", "a: {b}\n", "a: {b: , c: d}\n", "a: [b: ]\n", 'a: {"b":\n }\n',
    ],
)  # fmt: skip
def test_what_only_a_formatter_changes_is_warned_of(text: str) -> None:
    """All readers take it for the same, and people write it: it is no error."""
    assert is_warned_of(text)
    assert read(text) is not None
    assert fast.read(text) is None


@pytest.mark.parametrize("header", ["|", ">", "|+", ">+"])
def test_a_text_that_an_editor_would_end_is_refused(header: str) -> None:
    """The kind: a file that a save without a change makes another request of."""
    text = f"a: 1\nb: {header}\n  c"
    found = parse(text.encode(), "a.yaml").diagnostics
    assert [one.rule for one in found] == ["yaml-last-line"]
    assert found[0].range.start.line == 2
    assert read(text + "\n") is not None
    for same in (f"a: {header}\n  c\nb: d", f"a: {header[0]}-\n  c", "a: b", "a: 'b'"):
        assert read(same) == read(same + "\n") is not None


@pytest.mark.parametrize("text", ["%FOO bar\n---\na: 1\n", "# c\n%YAML 1.2\n---\na: 1\n",
                                  "a: 1\n...\n%TAG ! x:\n---\nb: 1\n"])  # fmt: skip
def test_a_directive_of_any_name_is_refused_where_it_stands(text: str) -> None:
    found = parse(text.encode(), "a.yaml").diagnostics
    assert [one.rule for one in found] == ["yaml-directive"]
    assert text.split("\n")[found[0].range.start.line - 1].startswith("%")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("k: v\t# c\n", (1, 5), "Not every YAML reader takes this tab for a space."),
        ("k:\tv\n", (1, 3), "Not every YAML reader takes this tab for a space."),
        ("k:\n\tv\n", (2, 1), "A tab can't indent YAML."),
        ("a: 1\nfoo\nb: 2\n", (2, 1), "This line is no `key: value`."),
        ("a: 1\nfoo\n  b: 2\n", (2, 1), "This line is no `key: value`."),
        ("foo\n  b: 2\n", (1, 1), "This line is no `key: value`."),
        ("a:\n  foo\n  b: 2\n", (2, 3), "This line is no `key: value`."),
        ("a:\n  foo\n\n    b: 2\n", (2, 3), "This line is no `key: value`."),
        ("a:\n  - foo\n    b: 2\n", (2, 5), "This line is no `key: value`."),
        ("a:\n  foo\n  bar\n  b: 2\n", (2, 3), "This line is no `key: value`."),
        ("a: 1\n---\nfoo\n  b: 2\n", (3, 1), "This line is no `key: value`."),
        ("a: b: c\n", (1, 5), "A colon and a space aren't expected here."),
        ("a: foo\n  b: 2\n", (2, 4), "A colon and a space aren't expected here."),
        ("a: foo\n  bar\n  b: 2\n", (3, 4), "A colon and a space aren't expected here."),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n", (2, 1), "git left a conflict marker here."),
        ("a: 1\r\n>>>>>>> topic\r\n", (2, 1), "git left a conflict marker here."),
    ],
)
def test_what_is_wrong_is_said_in_its_place_and_by_its_name(
    text: str, place: tuple[int, int], words: str
) -> None:
    (found,) = parse(text.encode(), "a.yaml").diagnostics
    assert (tuple(found.range.start), found.message) == (place, words)


@pytest.mark.parametrize(
    "text",
    ["1_000", "0b11", "-0b1", "12:30", "1:30:00", "1_000.5", "0x_1", "-0x1F", "+0o17", "0_7",
     ".5_0", "190:20:30.15"],
)  # fmt: skip
def test_what_others_take_for_a_number_is_warned_of(text: str) -> None:
    """The kind: an unquoted text that is a string here and a number for YAML 1.1, or in Go."""
    for where in (f"a: {text}\n", f"a: [{text}]\n", f"a:\n- {text}\n"):
        assert fast.read(where) is None
        found = parse(where.encode(), "a.yaml").diagnostics
        assert [one.rule for one in found] == ["yaml-number"]


@pytest.mark.parametrize(
    "text",
    ["2020-01-01", "10:00-12:00", "1.2.3", "8080:80", "a_1", "2001:db8::1", "12:30:61", "12:60",
     "6cad21c8-4405-4517-beb9-7372feafb5b4", "'12:30'", "aws:1:2"],
)  # fmt: skip
def test_what_nobody_takes_for_a_number_is_not(text: str) -> None:
    assert parse(f"a: {text}\n".encode(), "a.yaml").diagnostics == ()


def test_what_yaml_1_1_reads_otherwise_is_warned_of_or_refused() -> None:
    """PyYAML reads 1.1: no number of its is a string here without a word, nor a boolean."""
    chance, seen = random.Random(7), 0
    for _ in range(6_000):
        word = "".join(chance.choices("0123456789_:.+-xbo", k=chance.randrange(1, 8)))
        try:
            theirs = yaml.safe_load(f"a: {word}\n")["a"]
        except (yaml.YAMLError, ValueError):
            continue
        found = parse(f"a: {word}\n".encode(), "a.yaml")
        if isinstance(theirs, int | float) and not found.diagnostics:
            seen += 1
            assert found.documents[0].data["a"] == theirs, word
    assert seen > 150


@pytest.mark.parametrize(
    "line",
    ["workflowId: *x", "workflowId:\n  workflowId: 1", "input: *x", "input:\n  input: {a: 1}"],
)
def test_one_cause_is_one_finding(line: str) -> None:
    """The kind: a value that YAML's own finding is about is not also said to be empty."""
    head = "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\nmetadata: {name: a}\nspec:\n"
    other = "" if "workflowId" in line else f"  workflowId: {ID}\n"
    text = f"{head}{other}  {line.replace('workflowId: 1', f'workflowId: {ID}')}\n"
    found = load.load({"a.yaml": text.encode()}, SETTINGS).diagnostics
    assert [one.rule for one in found] == ["yaml-alias" if "*" in line else "yaml-duplicate-key"]
