"""The words that several formats share, and the making safe of what files and servers say."""

import unicodedata
from html import escape

from qflow_gitops.base.printable import shown
from qflow_gitops.findings.finding import Excerpt

_WINDOW = 68  # characters of a line that are shown around what is underlined


def clean(text: str) -> str:
    r"""Make a text safe to print on one line, wherever it came from.

    Control, invisible and direction characters become `\x..` or `\u....`; `::` and `##[`,
    which a CI runner may take for commands, are broken with a zero-width space.
    """
    return _no_command(shown(text))


def in_html(text: str) -> str:
    """Make a text safe in HTML, as an element's text or within an attribute's quotes."""
    return escape(shown(text))


def _no_command(text: str) -> str:
    return text.replace("::", ":\u200b:").replace("##[", "##\u200b[")


def underlined(excerpt: Excerpt) -> tuple[str, str]:
    """Return a line and, below it, marks under what a finding is about, cell by cell."""
    text, start, end = excerpt.text, excerpt.start, max(excerpt.end, excerpt.start + 1)
    begin = 0 if len(text) <= _WINDOW else max(0, min(start - 20, len(text) - _WINDOW))
    stop = min(len(text), begin + _WINDOW)
    pieces = [clean(char) for char in text[begin:stop]]
    before, after = "…" if begin else "", "…" if stop < len(text) else ""
    lead = len(before) + sum(map(cells, pieces[: start - begin]))
    width = sum(map(cells, pieces[start - begin : end - begin])) or 1
    line = _no_command("".join(pieces))
    return before + line + after, " " * lead + "^" * width


def cells(text: str) -> int:
    """Count the columns of a terminal that a text takes."""
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(char) else wide.get(unicodedata.east_asian_width(char), 1)
        for char in text
    )


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 run`, `2 runs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
