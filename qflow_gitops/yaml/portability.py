"""What one YAML reader takes and another one refuses or reads differently, in a text's events.

Such a file passes here, and a formatter or an editor then changes what it says. Pure; marks are
those of a YAML library, with `line`, `column` and `index` from 0.
"""

import re
from typing import Any, NamedTuple

_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_BREAKS_OF_OLD = re.compile("[\x85\u2028\u2029]")  # YAML 1.1 took them for line breaks
_LONE_RETURN = re.compile(r"\r(?!\n)")  # YAML's line break, and npm's yaml takes it for a text's
_DIRECTIVE = re.compile(r"^%[^\r\n]*", re.MULTILINE)
_OWN_INDENTATION = re.compile(r"[|>][+-]?[0-9]")
_INDENTED = re.compile(r"(?:\A|\n)[ \t]")
_KEPT = re.compile(r"[|>][0-9]?\+")
_BREAK = r"(?:\r\n?|\n)"
_LINE = re.compile(_BREAK + r"( *+)(?=[ \t]*+\S)")
_LINE_BUT_COMMENTS = re.compile(_BREAK + r"( *+)(?=[ \t]*+[^\s#])")
_TAB = re.compile(_BREAK + r"( *+)\t")


class Trap(NamedTuple):
    """What is wrong, and what to do.

    `rewritten`: all readers take it for the same, and only a formatter changes it.
    """

    message: str
    hint: str
    rewritten: bool = False


COLON = Trap(
    "Not every YAML reader takes this colon for part of the text before it.",
    "Put the text in quotes if the colon is part of it; else put a space and a value behind it.",
)
SHALLOW = Trap(
    "Not every YAML reader takes a value that goes on so far to the left.",
    "Indent each of its lines further than the key, or the `-`, that it belongs to.",
)
COMMENT = Trap(
    "Not every YAML reader takes this for a comment.",
    "Put a space before the #.",
)
APART = Trap(
    "Not every YAML reader or formatter takes a key that a `?` sets apart for the same.",
    "Write it as `key: value`, in quotes where it has to be.",
)
OWN_INDENTATION = Trap(
    "Not every YAML reader or formatter keeps a text whose | or > says its indentation.",
    "Leave the number out, or write the text in double quotes.",
)
FIRST_LINES = Trap(
    "Not every YAML formatter keeps the empty lines that this text begins with.",
    "Remove them, or write the text in double quotes.",
    rewritten=True,
)
LAST_LINES = Trap(
    "Not every YAML reader, formatter or editor keeps the empty lines that this text ends with.",
    "Write `|` or `>` without the +, or write the text in double quotes.",
)
INDENTED = Trap(
    "A YAML formatter may add empty lines around the lines of this text that are indented further.",
    "Write `|` for a text that keeps its lines.",
    rewritten=True,
)
EMPTY = Trap(
    "Not every YAML formatter leaves an empty value in brackets empty.",
    "Write `null`, or '' for a text.",
    rewritten=True,
)
DASH = Trap(
    "Not every YAML reader takes a `-` alone in brackets for a text.",
    "Put it in quotes if it is one; else write one item a line, without the brackets.",
)
LINE_END = Trap(
    "Not every YAML reader takes this invisible character for the same: some end the line here.",
    "Remove it, or write its escape (`\\N`, `\\L` or `\\P`) in double quotes.",
)
LONE_RETURN = Trap(
    "Not every YAML reader takes a carriage return alone for the end of a line.",
    "End each line with a line feed (LF), or with both (CR LF).",
)
CONFLICT = Trap(
    "git left a conflict marker here.",
    "Keep one of the two sides, and remove the lines with <<<<<<<, ======= and >>>>>>>.",
)


def unreadable(text: str) -> tuple[Trap, int, int] | None:
    """Find what no place in a text makes good, and the offsets of the first."""
    if "<<<<<<<" in text or ">>>>>>>" in text:
        for found in _CONFLICT.finditer(text):
            return CONFLICT, *found.span()
    for found in _LONE_RETURN.finditer(text) if "\r" in text else ():
        return LONE_RETURN, *found.span()
    for found in _BREAKS_OF_OLD.finditer(text) if not text.isascii() else ():
        return LINE_END, *found.span()
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
    found = text.find("#", start, end)
    return found if found > 0 and text[found - 1] in ",[{" else None


def in_block(text: str, start: int, value: str) -> Trap | None:
    """Find what others make of the lines of a text that begins with `|` or `>`."""
    if _OWN_INDENTATION.match(text, start):
        return OWN_INDENTATION
    if _KEPT.match(text, start) and (value.endswith("\n\n") or not value.strip("\n")):
        return LAST_LINES
    if text.startswith(">", start) and _INDENTED.search(value):
        return INDENTED
    return FIRST_LINES if value.startswith("\n") else None


def in_brackets(text: str, end: int, value: str, key: str | None) -> Trap | None:
    """Find what others make of a scalar without quotes in brackets, which ends at an offset.

    `key` is the one that it is the value of, if it is one.
    """
    if value.endswith(":"):
        return COLON
    if value == "-" and not text.startswith(":", end):
        return DASH
    return EMPTY if key and not value and not key.endswith(":") else None


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
