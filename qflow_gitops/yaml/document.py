"""YAML as plain JSON data, and the range of every key and value in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qflow_gitops.findings.finding import Diagnostic, Position, Range

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line by YAML 1.1, by which ruamel.yaml counts lines."""
Path = tuple[str | int, ...]
"""Keys and indexes from the document's root: `("spec", "variables", "region")`."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document as JSON data.

    `keys` and `values` give the range of each key and each value by its path; the root's
    value has the path `()`. `index` counts the documents of a file from 0.
    """

    file: str
    index: int
    data: dict[str, Any]
    keys: Mapping[Path, Range]
    values: Mapping[Path, Range]

    def key_range(self, path: Path) -> Range:
        """The range of the key at `path`, of the nearest one above where it has none."""
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path) or self.values[()]

    def value_range(self, path: Path) -> Range:
        """The range of the value at `path`, of the nearest one above where it is missing."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values[path]


class Parsed(NamedTuple):
    """What a file holds: its documents, as far as they could be read, and the findings."""

    documents: tuple[Document, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def range_of(start: Any, end: Any) -> Range:
    """Return the stretch between two marks of a YAML library, whose lines begin at 0."""
    return Range(Position(start.line + 1, start.column + 1), Position(end.line + 1, end.column + 1))


def stretch_of(text: str, start: int, end: int) -> Range:
    """Return a stretch of one line of a text by its offsets."""
    breaks = list(LINE_BREAK.finditer(text, 0, start))
    line = len(breaks) + 1
    column = start - (breaks[-1].end() if breaks else 0) + 1
    return Range(Position(line, column), Position(line, column + end - start))
