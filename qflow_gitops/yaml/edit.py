"""Change YAML text where it stands, so that comments, quotes, order and line ends survive.

Nothing is ever dumped: new characters take the place of exactly those concerned. What comes
out is read again, and refused unless the one thing meant has changed and nothing else.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qflow_gitops.findings.finding import Position, Range, has_errors
from qflow_gitops.yaml.document import LINE_BREAK, Document, Path
from qflow_gitops.yaml.parse import decode, parse

Scalar = str | int
"""What `put` can write; a bool is an int."""

LOCK = ("spec", "lock")

_USUAL_BREAK = re.compile("\r\n|[\n\r]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_COLON = re.compile(r"[ \t]*:")
_DEFAULT_STEP = 2


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a text was not changed: the end of a sentence, without its full stop."""

    why: str


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


def written(value: Scalar, *, plain: bool = True) -> str:
    """Return a value as YAML that is read back as exactly the same, also by YAML 1.1 readers.

    Strings other than harmless words are put in double quotes; invisible characters are
    escaped, so that a reviewer sees them. `plain` allows a word to stay without quotes.
    Raises ValueError for control characters, line breaks and halves of surrogate pairs.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _UNWRITABLE.search(value):
        raise ValueError("control characters and line breaks can't be written")
    if plain and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(
        character if character.isprintable() else _escape(character) for character in quoted
    )


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def put(content: bytes, index: int, path: Path, value: Scalar) -> bytes | Refused:
    """Set the scalar at `path` in the document with this index (from 0) of a YAML file.

    A missing key is added after its siblings, with their indentation or inside their
    braces; missing and empty mappings on the way to it are made. What `put` would write
    already is left as it is. Refused are a file with YAML errors, a path that leads
    through anything but mappings and entries of lists, or to a mapping or list, a text
    that can't be written (see `written`), and whatever would change more than was meant.
    """
    text = source(content)
    parsed = parse(content, "")
    before = {document.index: document for document in parsed.documents}
    if text is None or has_errors(parsed.diagnostics):
        return Refused("it has YAML errors")
    if index not in before:
        return Refused(f"it has no document number {index + 1}")
    wanted = {number: copy.deepcopy(document.data) for number, document in before.items()}
    problem = _set(wanted[index], path, value)
    if problem:
        return problem
    if _same(wanted.values(), parsed.documents):
        return content
    try:
        new = text.edited([_edit(_Place(before[index], text), path, value)])
    except ValueError:
        return Refused("the text holds control characters or line breaks")
    return _checked(new, wanted.values())


def with_lock(content: bytes, values: Mapping[str, Scalar]) -> bytes | Refused:
    """Return the text of a `qflow.yaml` with keys of `spec.lock` set, and nothing else changed."""
    if len(parse(content, "").documents) > 1:
        return Refused("it holds several YAML documents")
    for key, value in values.items():
        made = put(content, 0, (*LOCK, key), value)
        if isinstance(made, Refused):
            return made
        content = made
    return content


def _checked(new: bytes, wanted: Iterable[dict[str, Any]]) -> bytes | Refused:
    """Read the result again: the net under every edit."""
    after = parse(new, "")
    if has_errors(after.diagnostics):
        return Refused("the result could not be read as YAML any more")
    if not _same(wanted, after.documents):
        return Refused("more than this would change")
    return new


def _same(wanted: Iterable[dict[str, Any]], documents: Iterable[Document]) -> bool:
    """Whether documents hold this data: as JSON, which tells 1 from 1.0 and true, and order."""
    return json.dumps(list(wanted)) == json.dumps([document.data for document in documents])


def _set(data: dict[str, Any], path: Path, value: Scalar) -> Refused | None:
    """Do to the data what is to be done to the text."""
    at: Any = data
    for depth, key in enumerate(path[:-1]):
        inside = list if isinstance(path[depth + 1], int) else dict
        if inside is dict and isinstance(at, dict) and at.get(key) is None:
            at[key] = {}
        there = key in at if isinstance(at, dict) else int(key) < len(at)
        if not there or not isinstance(at[key], inside):
            what = "mapping" if inside is dict else "list"
            return Refused(f"`{'.'.join(map(str, path[: depth + 1]))}` is no {what}")
        at = at[key]
    if isinstance(at.get(path[-1]), (dict, list)):
        return Refused(f"`{'.'.join(map(str, path))}` is no single value")
    at[path[-1]] = value
    return None


# --- where the new characters go -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """One document and the text that it stands in."""

    document: Document
    source: Source

    def data(self, path: Path) -> Any:
        at: Any = self.document.data
        for part in path:
            at = at[part]
        return at

    def text(self, path: Path) -> str:
        return self.source.slice(self.document.values[path])

    def is_flow(self, path: Path) -> bool:
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
        while not _holds_something(self.source.line(number), comments=is_block_text):
            number -= 1
        return number


def _holds_something(line: str, *, comments: bool) -> bool:
    """Whether a line is more than spaces; a # begins text in a block of text, else a comment."""
    return bool(line.strip()) and (comments or not line.lstrip().startswith("#"))


def _edit(place: _Place, path: Path, value: Scalar) -> Edit:
    """Return the one edit that sets the value; what stands in its way was refused before."""
    data: Any = place.document.data
    for depth, key in enumerate(path):
        if isinstance(data, dict) and key not in data:
            return _added(place, path[:depth], path[depth:], value)
        data = data[key]
        if data is None and depth < len(path) - 1:
            return _filled(place, path[: depth + 1], path[depth + 1 :], value)
    return _replaced(place, path, written(value))


def _replaced(place: _Place, path: Path, text: str) -> Edit:
    """Put a scalar in place of another."""
    old = place.text(path)
    if not old:
        at = place.after_key(path)
        return Edit(at, at, f" {text}")
    begin = place.source.offset(place.document.values[path].start)
    if old.startswith(("|", ">")):
        return Edit(begin, place.source.line_end(place.last_line(path)), text)
    return place.source.edit(place.document.values[path], text)


def _added(place: _Place, path: Path, keys: Path, value: Scalar) -> Edit:
    """Add keys, each but the last with a mapping, to the mapping at `path`."""
    if not place.is_flow(path):
        return _on_a_new_line(place, place.last_line(path), place.column(path), keys, value)
    data = place.data(path)
    if not data:
        at = place.source.offset(place.document.values[path].start) + 1
        return Edit(at, at, _in_braces(keys, value))
    last = (*path, next(reversed(data)))
    like_json = place.source.slice(place.document.keys[last]).startswith('"')
    comma = ", " if place.text(last) else " , "  # `{a:, b: 1}` has a key `a:`
    at = place.end(last)
    return Edit(at, at, comma + _in_braces(keys, value, plain=not like_json))


def _filled(place: _Place, path: Path, keys: Path, value: Scalar) -> Edit:
    """Put a mapping in place of the null at `path`."""
    if place.text(path):
        return place.source.edit(place.document.values[path], f"{{{_in_braces(keys, value)}}}")
    if place.is_flow(path[:-1]):
        at = place.after_key(path)
        return Edit(at, at, f" {{{_in_braces(keys, value)}}}")
    key = place.document.keys[path]
    column = key.start.column - 1 + place.step()
    return _on_a_new_line(place, key.end.line, column, keys, value)


def _in_braces(keys: Path, value: Scalar, *, plain: bool = True) -> str:
    names = [written(str(key), plain=plain) for key in keys]
    opened = ": {".join(names)
    return f"{opened}: {written(value, plain=plain)}{'}' * (len(names) - 1)}"


def _on_a_new_line(place: _Place, line: int, column: int, keys: Path, value: Scalar) -> Edit:
    """Write keys below a line, and below the comments there that have their indentation."""
    text, step = place.source, place.step()
    while _is_comment(text.line(line + 1), max(column, 1)):
        line += 1
    newline = text.newline(line)
    lines = [
        " " * (column + depth * step) + written(str(key)) + ":" for depth, key in enumerate(keys)
    ]
    at = text.line_end(line)
    return Edit(at, at, newline + newline.join(lines) + f" {written(value)}")


def _is_comment(line: str, column: int) -> bool:
    """Whether a line holds only a comment that is indented by at least so many spaces."""
    return line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) >= column
