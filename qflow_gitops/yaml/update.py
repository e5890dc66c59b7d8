"""Bring a YAML file of mappings to other data, touching the text of what differs alone.

Comments stay: one beside a key that is removed is left on a line of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.yaml.document import Path
from qflow_gitops.yaml.edit import Refused, checked, replaced, written
from qflow_gitops.yaml.layout import Edit, Place, is_comment, source
from qflow_gitops.yaml.parse import parse

Data = Mapping[str, Any]
"""Mappings of mappings and of scalars."""


def update(content: bytes, wanted: Data) -> bytes | Refused:
    """Return the file with this data, which has the keys that stay in the order of the file.

    Refused are a file with YAML errors or several documents, a mapping in braces that has a
    comment in it and other keys than it is to have, a text that can't be written (see
    `edit.written`), and whatever would change more than was meant.
    """
    text, parsed = source(content), parse(content, "")
    if text is None or has_errors(parsed.diagnostics) or len(parsed.documents) != 1:
        return Refused("it isn't one YAML document without errors")
    place = Place(parsed.documents[0], text)
    try:
        new = text.edited(_edits(place, (), place.document.data, wanted))
    except _CommentInBraces as problem:
        return Refused(f"`{problem}` is written in braces, with a comment in them")
    except ValueError:
        return Refused("the text holds control characters or line breaks")
    return checked(new, [dict(wanted)])


def lines(data: Data, column: int = 0, step: int = 2) -> Iterator[str]:
    """Return the lines of a mapping that is indented by `column`. Raises ValueError, as above."""
    for key, value in data.items():
        head = f"{' ' * column}{written(key)}:"
        if isinstance(value, Mapping) and value:
            yield head
            yield from lines(value, column + step, step)
        else:
            yield f"{head} {'{}' if isinstance(value, Mapping) else written(value)}"


class _CommentInBraces(Exception):
    """Somewhere a comment would be lost."""


def _edits(place: Place, path: Path, old: Data, new: Data) -> Iterator[Edit]:
    if old.keys() != new.keys():
        if path and place.is_flow(path):
            yield _without_braces(place, path, new)
            return
        yield from _removed(place, path, old, new)
        yield from _added(place, path, old, new)
    for key in old:
        inner = (*path, key)
        if key not in new or old[key] == new[key]:
            continue
        if isinstance(old[key], Mapping) and isinstance(new[key], Mapping):
            yield from _edits(place, inner, old[key], new[key])
        else:
            yield replaced(place, inner, written(new[key]))


def _without_braces(place: Place, path: Path, new: Data) -> Edit:
    """Write a mapping in braces anew, below its key where that isn't in braces itself."""
    if "#" in place.text(path):
        raise _CommentInBraces(".".join(map(str, path)))
    if len(path) > 1 and place.is_flow(path[:-1]):
        return place.source.edit(place.document.values[path], _braces(new))
    key = place.document.keys[path]
    newline = place.source.newline(key.start.line)
    column = key.start.column - 1 + place.step()
    text = "".join(newline + line for line in lines(new, column, place.step()))
    return Edit(place.after_key(path), place.end(path), text)


def _braces(data: Data) -> str:
    inner = (
        f"{written(key)}: {_braces(value) if isinstance(value, Mapping) else written(value)}"
        for key, value in data.items()
    )
    return f"{{{', '.join(inner)}}}"


def _removed(place: Place, path: Path, old: Data, new: Data) -> Iterator[Edit]:
    for key in old.keys() - new.keys():
        where, last = place.document.keys[*path, key], place.last_line((*path, key))
        begin, end = place.source.starts[where.start.line - 1], place.source.line_end(last)
        value_end = place.source.offset(place.document.values[*path, key].end)
        comment = place.source.text[value_end:end].strip() if value_end < end else ""
        if comment:
            yield Edit(place.source.offset(where.start), end, comment)
        else:
            yield Edit(begin, end + len(place.source.newline(last)), "")


def _added(place: Place, path: Path, old: Data, new: Data) -> Iterator[Edit]:
    """Insert new keys, together with their neighbours, behind the one that stays before them."""
    before: str | None = None
    group: dict[str, Any] = {}
    for key, value in (*new.items(), (None, None)):
        if key is not None and key not in old:
            group[key] = value
            continue
        if group:
            yield _inserted(place, path, before, group)
            group = {}
        before = key


def _inserted(place: Place, path: Path, before: str | None, group: Data) -> Edit:
    column, step = place.column(path), place.step()
    if before is None:  # the first: right below the key of the mapping
        line = place.document.keys[path].start.line
    else:
        line = place.last_line((*path, before))
        while is_comment(place.source.line(line + 1), column + 1):
            line += 1
    newline = place.source.newline(line)
    at = place.source.line_end(line)
    return Edit(at, at, "".join(newline + text for text in lines(group, column, step)))
