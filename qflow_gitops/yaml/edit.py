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

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.yaml.document import Document, Path
from qflow_gitops.yaml.layout import Edit, Place, is_comment, source
from qflow_gitops.yaml.parse import parse

Scalar = str | int
"""What `put` can write; a bool is an int."""

LOCK = ("spec", "lock")

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a text was not changed: the end of a sentence, without its full stop."""

    why: str


def written(value: Scalar, *, plain: bool = True) -> str:
    """Return a value as YAML that is read back as exactly the same, also by YAML 1.1 readers.

    Strings other than harmless words and UUIDs are put in double quotes; invisible characters are
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
        new = text.edited([_edit(Place(before[index], text), path, value)])
    except ValueError:
        return Refused("the text holds control characters or line breaks")
    return checked(new, wanted.values())


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


def checked(new: bytes, wanted: Iterable[dict[str, Any]]) -> bytes | Refused:
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


def _edit(place: Place, path: Path, value: Scalar) -> Edit:
    """Return the one edit that sets the value; what stands in its way was refused before."""
    data: Any = place.document.data
    for depth, key in enumerate(path):
        if isinstance(data, dict) and key not in data:
            return _added(place, path[:depth], path[depth:], value)
        data = data[key]
        if data is None and depth < len(path) - 1:
            return _filled(place, path[: depth + 1], path[depth + 1 :], value)
    return replaced(place, path, written(value))


def replaced(place: Place, path: Path, text: str) -> Edit:
    """Put a scalar in place of another."""
    old = place.text(path)
    if not old:
        at = place.after_key(path)
        return Edit(at, at, f" {text}")
    begin = place.source.offset(place.document.values[path].start)
    if old.startswith(("|", ">")):
        return Edit(begin, place.source.line_end(place.last_line(path)), text)
    return place.source.edit(place.document.values[path], text)


def _added(place: Place, path: Path, keys: Path, value: Scalar) -> Edit:
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


def _filled(place: Place, path: Path, keys: Path, value: Scalar) -> Edit:
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


def _on_a_new_line(place: Place, line: int, column: int, keys: Path, value: Scalar) -> Edit:
    """Write keys below a line, and below the comments there that have their indentation."""
    text, step = place.source, place.step()
    while is_comment(text.line(line + 1), max(column, 1)):
        line += 1
    newline = text.newline(line)
    lines = [
        " " * (column + depth * step) + written(str(key)) + ":" for depth, key in enumerate(keys)
    ]
    at = text.line_end(line)
    return Edit(at, at, newline + newline.join(lines) + f" {written(value)}")
