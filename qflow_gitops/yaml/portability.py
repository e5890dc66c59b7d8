"""What one YAML reader takes and another one refuses or reads differently, in a text's events.

Such a file passes here, and a formatter or an editor then changes what it says. Pure; marks are
those of a YAML library, with `line`, `column` and `index` from 0.
"""

import re
from typing import Any

from qflow_gitops.yaml import messages
from qflow_gitops.yaml.messages import Message

_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_BREAKS_OF_OLD = re.compile("[\x85\u2028\u2029]")  # YAML 1.1 took them for line breaks
_LONE_RETURN = re.compile(r"\r(?!\n)")  # YAML's line break, and npm's yaml takes it for a text's
_DIRECTIVE = re.compile(r"^%[^\r\n]*", re.MULTILINE)
_OWN_INDENTATION = re.compile(r"[|>][+-]?[0-9]")
_INDENTED = re.compile(r"(?:\A|\n)[ \t]")
_KEPT = re.compile(r"[|>][0-9]?\+")
_COMMENT = re.compile(r"#[^\r\n]*")
_BREAK = r"(?:\r\n?|\n)"
_LINE = re.compile(_BREAK + r"( *+)(?=[ \t]*+\S)")
_LINE_BUT_COMMENTS = re.compile(_BREAK + r"( *+)(?=[ \t]*+[^\s#])")
_TAB = re.compile(_BREAK + r"( *+)\t")


def unreadable(text: str) -> tuple[Message, int, int] | None:
    """Find what no place in a text makes good, and the offsets of the first."""
    if "<<<<<<<" in text or ">>>>>>>" in text:
        for found in _CONFLICT.finditer(text):
            return messages.CONFLICT, *found.span()
    for found in _LONE_RETURN.finditer(text) if "\r" in text else ():
        return messages.LONE_RETURN, *found.span()
    for found in _BREAKS_OF_OLD.finditer(text) if not text.isascii() else ():
        return messages.LINE_END, *found.span()
    return None


def directive(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Find the first directive of any name in what stands before a document: its offsets."""
    found = _DIRECTIVE.search(text, start, end)
    return found.span() if found else None


def is_apart(text: str, start: int) -> bool:
    """Whether a key, which begins at an offset, is set apart by a `?` and spaces on its line."""
    at = start
    while text[at - 1 : at] in (" ", "\t"):
        at -= 1
    return at < start and text[at - 1 : at] == "?" and text[at - 2 : at - 1] in ("", *" \t\r\n,[{")


def glued_comment(text: str, start: int, end: int) -> int | None:
    """Find a comment that sticks to a bracket or comma, in what stands between two tokens."""
    for found in _COMMENT.finditer(text, start, end):
        if text[found.start() - 1] in ",[{":
            return found.start()
    return None


def in_block(text: str, start: int, value: str) -> Message | None:
    """Find what others make of the lines of a text that begins with `|` or `>`."""
    if _OWN_INDENTATION.match(text, start):
        return messages.OWN_INDENTATION
    if _KEPT.match(text, start) and (value.endswith("\n\n") or not value.strip("\n")):
        return messages.LAST_LINES
    if text.startswith(">", start) and _INDENTED.search(value):
        return messages.INDENTED
    return messages.FIRST_LINES if value.startswith("\n") else None


def in_brackets(text: str, end: int, value: str, key: str | None) -> Message | None:
    """Find what others make of a scalar without quotes in brackets, which ends at an offset.

    `key` is the one that it is the value of, if it is one.
    """
    if value.endswith(":"):
        return messages.COLON
    if value == "-" and not text.startswith(":", end):
        return messages.DASH
    return messages.EMPTY if key and not value and not key.endswith(":") else None


def is_shallow(text: str, start: Any, end: Any, indent: int, *, quoted: bool) -> bool:
    """Whether a value begins, or a line of it, no further right than what it belongs to.

    `indent` is the column of that key or dash, -1 at a document's root.
    """
    if start.column <= indent:
        return True
    lines = _LINE if quoted else _LINE_BUT_COMMENTS
    found = [lines, _TAB] if quoted else [lines]
    return any(
        len(match[1]) <= indent
        for each in found
        for match in each.finditer(text, start.index, end.index)
    )
