"""Read from plain YAML what `strict` reads from it, quickly; None for any other text.

The one place that knows PyYAML, of which only libyaml's events are used: its loaders read
YAML 1.1 and take a key that stands twice. A text is plain if nothing in it is refused,
warned of, or read differently by anybody: whatever might be is left to `strict`, which
also says what is wrong and where. So this is only ever a faster way to the same result.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from yaml import YAMLError
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

_Parser: Callable[[str], Any] | None
try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml
    _Parser = None

Path = tuple[str | int, ...]


Document = TypeVar("Document")


class Marks(NamedTuple):
    """libyaml's marks (start, end) of the keys and the values of one document, by path."""

    keys: dict[Path, tuple[Any, Any]]
    values: dict[Path, tuple[Any, Any]]


MAX_DEPTH = 48
"""Deeper texts aren't plain; it is less than what `strict` allows."""

_NULL = frozenset(("~", "null", "Null", "NULL"))
_BOOLEANS = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_WORDS = re.compile(r"yes|no|on|off", re.IGNORECASE)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_KEPT = 16
"""So long is a fraction of which a JSON number certainly keeps each digit: 15, and the point."""
_WORD = re.compile(r"[+.-]*[A-Za-z][^\n]*")
_NO_NUMBER = re.compile(
    r".*[^0-9a-fA-FxoinINF.+-].*"  # a character that no number has
    r"|[0-9]+-.*|[0-9]+\.[0-9]+\..*"  # a date, a version
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",  # an id
    re.DOTALL,
)
_NUMBER_ELSEWHERE = re.compile(r"[0-9a-fA-FxXo_:.+-]*[_:][0-9a-fA-FxXo_:.+-]*")
"""Whatever might be warned of; a text with another character is no number for anybody."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_BLOCK = r"{sign}(?:\+|-?(?:[0-9#]|[^\S\n]*(?:#[^\n]*)?\n *\n))"
"""A block scalar that keeps its last lines, has its own indentation, a comment stuck to it, or an
empty line first."""
_INDENTED = re.compile(r"(?:\A|\n)[ \t]")
_ODD: Mapping[str, re.Pattern[str]] = {
    "...": re.compile(r"^\.\.\.", re.MULTILINE),  # a document's end, which may come twice
    "%": re.compile(r"^%", re.MULTILINE),  # a directive
    "?": re.compile(r"(?:^|[\s,\[{(:-])\?", re.MULTILINE),  # a key set apart
    "\\": re.compile(r"\\(?![\\\"nrt])"),  # an escape that is rare
    '"': re.compile(r"\":\S"),  # a value right after a quoted key, here and in the next
    "'": re.compile(r"':\S"),
    ">": re.compile(_BLOCK.format(sign=">") + r"|^ *>", re.MULTILINE),  # on a line of its own
    "|": re.compile(_BLOCK.format(sign=r"\|") + r"|^ *\|", re.MULTILINE),
    "#": re.compile(r"[\"'\]},\[{]#"),  # a comment that is stuck to a value, bracket or comma
    "<<<<<<<": re.compile("^<<<<<<<", re.MULTILINE),  # a conflict
}
"""What libyaml and others read differently, or what needs a closer look, by a character in it."""


@cache
def _foreign() -> re.Pattern[str]:
    """Beyond ASCII: controls, line breaks, byte order marks, halves of surrogate pairs."""
    return re.compile("[\x80-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class _NotPlain(Exception):
    """The text is for `strict`."""


def read(text: str) -> list[dict[str, Any]] | None:
    """Read the data of a text's documents, at least one; None where the text isn't plain."""
    if _Parser is None or _looks_odd(text):
        return None
    try:
        return _documents(_Parser(text).get_event, _data) or None
    except (_NotPlain, YAMLError, ValueError, RecursionError):
        return None


def marks(text: str) -> list[Marks]:
    """Find where everything stands in the documents of a text that `read` can read."""
    return _documents(_Parser(text).get_event, _marks) if _Parser else []


def _looks_odd(text: str) -> bool:
    if not text.endswith("\n"):  # libyaml ends the last collections elsewhere then
        return True
    if _CONTROL.search(text) or (not text.isascii() and _foreign().search(text)):
        return True
    return any(mark in text and odd.search(text) for mark, odd in _ODD.items())


def _documents(
    following: Callable[[], Any], document: Callable[[Callable[[], Any]], Document]
) -> list[Document]:
    found = []
    while True:
        event = following()
        if type(event) is DocumentStartEvent:
            if event.version or event.tags:
                raise _NotPlain
            found.append(document(following))
        elif type(event) is StreamEndEvent:
            return found


def _data(following: Callable[[], Any]) -> dict[str, Any]:  # noqa: C901  one loop, the hot one
    """Build the data of one document, without recursion."""
    above: list[Any] = []
    container: Any = []  # what is being filled; at first, what will hold the root
    key: str | None = None  # the key whose value comes next, in a mapping
    flow, line = -1, -1  # how deep the outermost brackets are, and their line
    while True:
        event = following()
        kind = type(event)
        if kind is ScalarEvent:
            if event.anchor is not None or event.tag is not None:
                raise _NotPlain
            if key is not None:
                value = _styled(event) if event.style else _resolved(event.value)
                container[key], key = value, None
            elif type(container) is dict:
                key = event.value if event.style else _key(event.value)
                if key in container:
                    raise _NotPlain
            else:
                container.append(_styled(event) if event.style else _resolved(event.value))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.anchor is not None or event.tag is not None or len(above) > MAX_DEPTH:
                raise _NotPlain
            made: Any = {} if kind is MappingStartEvent else []
            if key is not None:
                container[key], key = made, None
            elif type(container) is list:
                container.append(made)
            else:
                raise _NotPlain
            if flow < 0 and event.flow_style:
                flow, line = len(above), event.start_mark.line
            above.append(container)
            container = made
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            container = above.pop()
            if len(above) == flow:
                if flow and event.end_mark.line != line:  # its lines may be too far to the left
                    raise _NotPlain
                flow = -1
        elif kind is DocumentEndEvent and type(container[0]) is dict:
            return container[0]
        else:  # an alias, or a root that is no mapping
            raise _NotPlain


def _marks(following: Callable[[], Any]) -> Marks:
    """Find where everything in one document stands."""
    found = Marks({}, {})
    above: list[tuple[Path, int, Any]] = []
    at: Path = ()  # the collection that this is in, its next index (-1 for a mapping), its start
    index, start = -1, None
    key: str | None = None
    while True:
        event = following()
        kind = type(event)
        if kind is ScalarEvent and key is None and index < 0:
            key = event.value
            found.keys[(*at, key)] = (event.start_mark, event.end_mark)
            continue
        if kind is MappingEndEvent or kind is SequenceEndEvent:
            found.values[at] = (start, event.end_mark)
            at, index, start = above.pop()
            continue
        if kind is DocumentEndEvent:
            return found
        here: Path = ()
        if key is not None:
            here, key = (*at, key), None
        elif index >= 0:
            here, index = (*at, index), index + 1
        if kind is ScalarEvent:
            found.values[here] = (event.start_mark, event.end_mark)
        else:
            above.append((at, index, start))
            at, start = here, event.start_mark
            index = 0 if kind is SequenceStartEvent else -1


def _styled(event: Any) -> str:
    """Take a quoted or a block scalar; the further lines of a quoted one need a closer look."""
    if event.start_mark.line != event.end_mark.line and event.style in "\"'":
        raise _NotPlain
    value: str = event.value
    if event.style == ">" and _INDENTED.search(value):
        raise _NotPlain
    return value


@lru_cache(maxsize=4096)  # keys come again and again
def _key(text: str) -> str:
    """Take an unquoted key, if nobody takes it for anything but a string."""
    if text in _NULL or text in _BOOLEANS or not _WORD.fullmatch(text) or text.endswith(":"):
        raise _NotPlain
    return text


@lru_cache(maxsize=4096)  # regions, names of steps and small numbers, too
def _resolved(text: str) -> Any:
    """Resolve an unquoted scalar as YAML 1.2's core schema does, where there is no doubt."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if not text:  # nothing at all: where it stands is not said alike
        raise _NotPlain
    if not (text[0].isdigit() or text[0] in "+-."):
        if len(text) < 4 and _WORDS.fullmatch(text):
            raise _NotPlain
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if len(text) <= _KEPT and _FLOAT.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number
    if _NO_NUMBER.fullmatch(text) and not _NUMBER_ELSEWHERE.fullmatch(text):
        return text
    raise _NotPlain
