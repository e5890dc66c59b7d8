"""The text of a YAML file, and where in it something of a document stands or would go."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qflow_gitops.findings.finding import Position, Range
from qflow_gitops.yaml.document import LINE_BREAK, Document, Path
from qflow_gitops.yaml.parse import decode

_USUAL_BREAK = re.compile("\r\n|[\n\r]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COLON = re.compile(r"[ \t]*:")
_DEFAULT_STEP = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters of a text to replace: the offsets from `begin` to before `end`."""

    begin: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text without its byte order mark, and the offset at which each line begins.

    Lines are counted as the YAML reader counts them.
    """

    text: str
    starts: tuple[int, ...]
    mark: bytes = b""

    def offset(self, at: Position) -> int:
        """Return the offset of a position."""
        return self.starts[at.line - 1] + at.column - 1

    def slice(self, where: Range) -> str:
        """Return the characters of a range."""
        return self.text[self.offset(where.start) : self.offset(where.end)]

    def edit(self, where: Range, text: str) -> Edit:
        """Replace the characters of a range."""
        return Edit(self.offset(where.start), self.offset(where.end), text)

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the file's new bytes; the edits may not overlap."""
        text = self.text
        for edit in sorted(edits, key=lambda edit: edit.begin, reverse=True):
            text = text[: edit.begin] + edit.text + text[edit.end :]
        return self.mark + text.encode()

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its line break; "" beyond the last."""
        if number > len(self.starts):
            return ""
        return self.text[self.starts[number - 1] : self.line_end(number)]

    def line_end(self, number: int) -> int:
        """Return the offset at which a line's break begins, or the text's end."""
        found = LINE_BREAK.search(self.text, self.starts[number - 1])
        return found.start() if found else len(self.text)

    def newline(self, number: int) -> str:
        """Return the break that a line ends with, or the file's own where it has none."""
        found = _USUAL_BREAK.match(self.text, self.line_end(number))
        found = found or _USUAL_BREAK.search(self.text)
        return found.group() if found else "\n"


def source(content: bytes) -> Source | None:
    """Read a file's text; None where it isn't UTF-8 or too big."""
    text, _ = decode(content, "")
    if text is None:
        return None
    starts = (0, *(found.end() for found in LINE_BREAK.finditer(text)))
    return Source(text, starts, content[:3] if content.startswith(_BYTE_ORDER_MARK) else b"")


@dataclass(frozen=True, slots=True)
class Place:
    """One document and the text that it stands in."""

    document: Document
    source: Source

    def data(self, path: Path) -> Any:
        """Return the value at `path`."""
        at: Any = self.document.data
        for part in path:
            at = at[part]
        return at

    def text(self, path: Path) -> str:
        """Return its characters."""
        return self.source.slice(self.document.values[path])

    def is_flow(self, path: Path) -> bool:
        """Whether it is written in braces or brackets."""
        return self.text(path).startswith(("{", "["))

    def column(self, path: Path) -> int:
        """How far the mapping at `path` is indented."""
        return self.document.values[path].start.column - 1

    def after_key(self, path: Path) -> int:
        """The offset behind a key's colon: the reader places an empty value anywhere below."""
        end = self.source.offset(self.document.keys[path].end)
        colon = _COLON.match(self.source.text, end)
        return colon.end() if colon else end

    def end(self, path: Path) -> int:
        """The offset behind a value inside braces."""
        if self.text(path):
            return self.source.offset(self.document.values[path].end)
        return self.after_key(path)

    def step(self) -> int:
        """How much the document indents a mapping below its key."""
        for path, key in self.document.keys.items():
            value = self.data(path)
            if isinstance(value, dict) and value and not self.is_flow(path):
                return self.column(path) - (key.start.column - 1)
        return _DEFAULT_STEP

    def last_line(self, path: Path) -> int:
        """The last line that holds something of the value at `path`, outside braces."""
        value = self.data(path)
        while isinstance(value, (dict, list)) and value and not self.is_flow(path):
            last = next(reversed(value)) if isinstance(value, dict) else len(value) - 1
            path, value = (*path, last), value[last]
        end, text = self.document.values[path].end, self.text(path)
        is_block_text = isinstance(value, str) and text.startswith(("|", ">"))
        if text and not is_block_text:
            return end.line
        number = end.line
        if not self.source.line(number)[: end.column - 1].strip():
            number -= 1
        if is_block_text and "+" in text.split("#")[0].splitlines()[0]:
            return number  # the blank lines below belong to it
        while not holds_something(self.source.line(number), comments=is_block_text):
            number -= 1
        return number


def holds_something(line: str, *, comments: bool) -> bool:
    """Whether a line is more than spaces; a # begins text in a block of text, else a comment."""
    return bool(line.strip()) and (comments or not line.lstrip().startswith("#"))


def is_comment(line: str, column: int) -> bool:
    """Whether a line holds only a comment that is indented by at least so many spaces."""
    return line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) >= column
