"""How lines fit a terminal: wrapped between words, and tables that are too wide told in two lines.

Where nobody watches (a file, a pipe, a CI's log) every line stays whole.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qflow_gitops.render.escape import cells, clean
from qflow_gitops.render.marks import Mark, Marked, joined, part, shortened, spans_of

_WORD = re.compile(r" *(?:`[^`]*`\S*|[^\s`]+(?:`[^`]*`\S*)?|`\S*)")
"""A word with the spaces before it; a command in backticks is one, to be copied whole."""
_SIGN = re.compile(r" *(?:[^\w\s`] )?")
_LONGEST = 24
"""Characters of a cell in the middle of a table that is too wide."""


NARROW = 120
"""Columns below which a screen shows the first block of an id."""


class Fixed(Marked):
    """A line with a layout of its own: it is never wrapped."""

    __slots__ = ()


class Table(NamedTuple):
    """Rows in columns; one that is empty is left out."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


Line = str | Table


def laid_out(line: Line, width: int) -> Iterator[str]:
    """Give the lines of a screen for one line; as it is where `width` is 0."""
    if isinstance(line, Table):
        yield from _in_columns(line, width)
        return
    fixed = isinstance(line, Fixed)
    line = shortened(line) if 0 < width < NARROW else line
    if width and not fixed and cells(line) > width:
        yield from _wrapped(line, width)
    else:
        yield line


def _wrapped(line: str, width: int) -> Iterator[str]:
    sign = _SIGN.match(line)
    begin = sign[0] if sign else ""
    hanging = " " * min(len(begin) + (0 if begin.strip() else 2), width // 3)
    lead, start, end = "", 0, 0
    for word in _WORD.finditer(line):
        row = lead + line[start:end]
        if row.strip() and cells(row) + cells(word[0]) > width:
            yield Marked(lead, part(line, start, end))
            lead, start = hanging, word.end() - len(word[0].lstrip())
        end = word.end()
    yield Marked(lead, part(line, start, end))


def _in_columns(table: Table, width: int) -> Iterator[str]:
    if not table.rows:
        return
    rows = [table.titles, *(tuple(_cell(cell, width) for cell in row) for row in table.rows)]
    used = [number for number in range(len(table.titles)) if any(row[number] for row in rows[1:])]
    rows = [tuple(row[number] for number in used) for row in rows]
    if width and _wide(rows) > width:
        rows = [(row[0], *map(_short, row[1:-1]), *row[1:][-1:]) for row in rows]
    below = 0
    while (
        width and below < len(used) - 1 and _wide([row[: len(row) - below] for row in rows]) > width
    ):
        below += 1
    widths = [max(cells(row[number]) for row in rows) for number in range(len(used) - below)]
    for place, row in enumerate(rows):
        yield _row(row if place else tuple(Mark.TITLE(title) for title in row), widths)
        left = zip(rows[0][len(widths) :], row[len(widths) :], strict=True)
        told = [Marked(f"{title.lower()} ", cell) for title, cell in left if cell and place]
        together = joined(told)
        for each in told if cells(together) + 4 > width else [together]:
            if each:
                yield from _wrapped(Marked("    ", each), width)


def _row(row: Sequence[str], widths: Sequence[int]) -> Marked:
    shown = [*zip(row, widths, strict=False)]
    while shown and not shown[-1][0]:
        shown.pop()
    padded = [Marked(cell, " " * (wide - cells(cell))) for cell, wide in shown[:-1]]
    return joined([*padded, *(cell for cell, _ in shown[-1:])])


def _cell(cell: str, width: int) -> str:
    """Make a cell safe to print; it means one thing, or nothing."""
    text = clean(cell)
    shown = spans_of(cell)[0].mark(text) if spans_of(cell) else text
    return shortened(shown) if 0 < width < NARROW else shown


def _wide(rows: Sequence[tuple[str, ...]]) -> int:
    columns = len(rows[0])
    return sum(max(cells(row[n]) for row in rows) for n in range(columns)) + 2 * (columns - 1)


def _short(cell: str) -> str:
    """Cut a long cell in its middle: of an OCID both ends tell something."""
    half = _LONGEST // 2
    return cell if len(cell) <= _LONGEST else f"{cell[: half - 1]}…{cell[-half:]}"
