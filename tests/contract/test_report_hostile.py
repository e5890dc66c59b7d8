"""Hostile names and values in each format of the report for an audit: they stay words.

Over the formats that the command takes. Every text of the evidence is hostile, also what the
program writes itself, ids and times: as if the lockfile had been written by hand.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum
from types import MappingProxyType
from typing import Any

import click
import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from selectolax.lexbor import LexborHTMLParser, LexborNode

from qflow_gitops.cli.report import command
from qflow_gitops.render import html
from qflow_gitops.render.formats import FORMATS
from qflow_gitops.results.evidence import Evidence
from qflow_gitops.results.report import Report
from tests.helpers.evidence import Maker
from tests.helpers.ocsf import faults

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b31m\x08\x00\r"
BIDI = "\u202e\u2066\u200f\u061c"
RUNNER = "\n::error file=a::x\n::add-mask::y\n##[group]z\n::stop-commands::t\n"
MARKUP = (
    "</td></tr></table></script></style></title><script>alert(1)</script><img src=x "
    "onerror=alert(1)><svg/onload=alert(1)><!-- --> --!> ]]> &lt; &#x3c; \"'`{{7*7}}{% raw %}"
    "<a href=javascript:alert(1)>x</a>"
)
MARKDOWN = (
    "\n```\n~~~\n``````````\n| a | b |\n|---|---|\n# head\n[x](javascript:alert(1))"
    "![i](https://evil.example/i)"
    " @octocat #1 https://evil.example <https://evil.example>\n</details>\n"
)
FORMULA = "=cmd|' /C calc'!A0,\"\n\";\t@SUM(1+1)*cmd\u2028"
LINE_ENDS = "\u2028\u2029\x85\x0b\x0c"
HOSTILES = {
    "escapes": ESCAPES, "bidi": BIDI, "runner": RUNNER, "markup": MARKUP, "markdown": MARKDOWN,
    "formula": FORMULA, "line ends": LINE_ENDS, "lone surrogate": "\ud800", "long": "W" * 3_000,
    "all": FORMULA + ESCAPES + BIDI + RUNNER + MARKUP + MARKDOWN + LINE_ENDS,
}  # fmt: skip
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves a cursor, turns a line or ends one unseen; tabs and newlines apart."""
COMMAND = re.compile(r"^\s*::[a-z-]+[ :]|##\[", re.MULTILINE)


def planted(value: Any, words: str) -> Any:
    """The same with words before each text in it, keys too, and each kind of thing as it was."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return words + value
    if isinstance(value, dict | MappingProxyType):
        return {planted(name, words): planted(each, words) for name, each in value.items()}
    if isinstance(value, list):
        return [planted(each, words) for each in value]
    if isinstance(value, tuple):
        inner = [planted(each, words) for each in value]
        return value._make(inner) if hasattr(value, "_make") else tuple(inner)
    return value


def made(words: str) -> Report:
    evidence = Maker().evidence(24, targets=4)._replace(since="", until="")
    said = planted(evidence, words)
    return Report("report", body=said._replace(since="", until=""), notes=(words,))


@pytest.fixture(scope="module", params=HOSTILES)
def words(request: pytest.FixtureRequest) -> str:
    return HOSTILES[request.param]


# --- what each format is held against ---------------------------------------------------


def text(rendered: str, _: str) -> None:
    assert not HIDDEN.search(rendered.replace("\n", ""))
    assert "\t" not in rendered
    assert COMMAND.search(rendered) is None


def json_(rendered: str, _: str) -> None:
    assert rendered.isascii()
    assert COMMAND.search(rendered) is None
    assert not HIDDEN.search(rendered)
    json.loads(rendered)


def ocsf(rendered: str, _: str) -> None:
    assert not HIDDEN.search(rendered)
    lines = rendered.split("\n")
    assert lines.pop() == ""
    assert len(lines) > 24
    for line in lines:
        json_(line, "")
        assert faults(json.loads(line)) == []


def markdown(rendered: str, plain: str) -> None:
    text(rendered, plain)
    page = cmarkgfm.github_flavored_markdown_to_html(rendered, Options.CMARK_OPT_UNSAFE)
    before = cmarkgfm.github_flavored_markdown_to_html(plain, Options.CMARK_OPT_UNSAFE)
    assert shape(page) == shape(before)
    assert tags(page) == tags(before)


def csv_(rendered: str, plain: str) -> None:
    assert not HIDDEN.search(rendered.replace("\r\n", "\n"))
    rows = list(csv.reader(io.StringIO(rendered.removeprefix("\ufeff"), newline=""), strict=True))
    assert len(rows) == len(plain.splitlines())
    assert {len(row) for row in rows} == {len(rows[0])}
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "|", "%", "\uff1d")), cell
        assert len(cell) <= 32_767
    for piece in re.split(r"[;\t]", rendered):  # as where lists aren't separated by commas
        assert not piece.lstrip(' "').startswith(("=", "+", "-", "@", "|", "%", "\uff1d")), piece


def html_(rendered: str, plain: str) -> None:
    assert not HIDDEN.search(rendered)
    assert shape(rendered) == shape(plain)


CHECKS: dict[str, Callable[[str, str], None]] = {
    "text": text, "json": json_, "markdown": markdown, "csv": csv_, "html": html_, "ocsf": ocsf,
}  # fmt: skip


def shape(page: str) -> Counter[tuple[str, ...]]:
    """Which elements there are with which attributes, and where what can run leads."""
    tree = LexborHTMLParser(page)
    return Counter(kind for node in _nodes(tree) for kind in _kinds(node))


def tags(page: str) -> Counter[str | None]:
    """How many elements of each kind there are: of words none is made."""
    return Counter(node.tag for node in _nodes(LexborHTMLParser(page)))


def _nodes(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    assert tree.root is not None
    yield from tree.root.traverse(include_text=False)


def _kinds(node: LexborNode) -> Iterator[tuple[str, ...]]:
    attributes = node.attributes
    for name, value in attributes.items():
        assert not name.startswith("on")
        if name in ("href", "src", "action", "formaction", "srcset"):
            assert not re.match(r"\s*(javascript|vbscript|data:text)", value or "", re.IGNORECASE)
    if node.tag in ("script", "iframe", "object", "embed", "form", "img", "style", "link", "base"):
        yield (node.tag, *sorted(attributes))


# --- the tests --------------------------------------------------------------------------


def test_each_format_of_the_command_is_held_against_something() -> None:
    (option,) = (one for one in command.params if one.name == "format_name")
    assert isinstance(option.type, click.Choice)
    assert set(CHECKS) == set(option.type.choices)


@pytest.mark.parametrize("name", CHECKS)
def test_hostile_words_stay_words(name: str, words: str) -> None:
    CHECKS[name](FORMATS[name](made(words)), FORMATS[name](made("")))


def test_hostile_words_stay_words_in_outputs(words: str) -> None:
    """The lines that a step of a CI reads back as its own."""
    rendered = FORMATS["outputs"](made(words))
    assert not HIDDEN.search(rendered.replace("\n", ""))
    assert [line.partition("=")[0] for line in rendered.splitlines()] == [
        line.partition("=")[0] for line in FORMATS["outputs"](made("")).splitlines()
    ]


def test_hostile_words_stay_words_on_each_page(words: str) -> None:
    body, plain = made(words).body, made("").body
    assert isinstance(body, Evidence)
    assert isinstance(plain, Evidence)
    found, before = (list(html.pages(Report("report", body=one))) for one in (body, plain))
    assert len(found) == len(before)
    for path, content in found:
        assert re.fullmatch(r"[A-Za-z0-9._/-]+", path), path
        assert ".." not in path
        html_(content.decode(), content.decode())
    for (_, content), (_, unharmed) in zip(found[:1], before[:1], strict=True):
        assert shape(content.decode()) == shape(unharmed.decode())
