"""What a line means, word by word: for a screen to colour, and to shorten ids on.

To files, pipes, Markdown and JSON it is a text like any other.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Self

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOCK = 8


class Mark(StrEnum):
    """What some words of a line mean; called with words it gives them so marked."""

    TITLE = "title"
    ADDED = "added"
    MODIFIED = "modified"
    AGAIN = "again"
    REMOVED = "removed"
    HELD = "held"
    WARNING = "warning"
    DONE = "done"
    FAILED = "failed"
    DOUBT = "doubt"
    UNDER_WAY = "under way"
    QUIET = "quiet"
    HINT = "hint"
    PLACE = "place"
    ID = "id"

    def __call__(self, text: str) -> "Marked":
        """Mark words."""
        made = str.__new__(Marked, text)
        made.spans = (Span(0, len(text), self),)
        return made


class Span(NamedTuple):
    """What the characters from `start` up to `end` mean."""

    start: int
    end: int
    mark: Mark


class Marked(str):
    """A line whose words may mean something; equal to the text that it is."""

    __slots__ = ("spans",)
    spans: tuple[Span, ...]

    def __new__(cls, *parts: str) -> Self:
        """Put parts together; each keeps its marks."""
        made = super().__new__(cls, "".join(parts))
        found, at = [], 0
        for part in parts:
            found += [Span(at + s, at + e, mark) for s, e, mark in spans_of(part)]
            at += len(part)
        made.spans = tuple(found)
        return made


def spans_of(text: str) -> tuple[Span, ...]:
    """Return what the words of a line mean, () for a text like any other."""
    return text.spans if isinstance(text, Marked) else ()


def pieces(text: str) -> Iterator[tuple[str, Mark | None]]:
    """Cut a line where its meaning changes."""
    at = 0
    for start, end, mark in spans_of(text):
        if start > at:
            yield text[at:start], None
        yield text[start:end], mark
        at = end
    if at < len(text):
        yield text[at:], None


def part(text: str, start: int, end: int) -> str:
    """Cut a part out of a line, with its marks."""
    cut = str.__getitem__(text, slice(start, end))
    found = [
        Span(max(s, start) - start, min(e, end) - start, mark)
        for s, e, mark in spans_of(text)
        if s < end and e > start
    ]
    if not found:
        return cut
    made = str.__new__(Marked, cut)
    made.spans = tuple(found)
    return made


def joined(parts: Sequence[str]) -> Marked:
    """Put parts side by side, with room between them."""
    return Marked(*[each for one in parts for each in (one, "  ")][:-1])


def shortened(text: str) -> str:
    """Leave of each id in a line its first block, as `show` takes it."""
    if not any(mark is Mark.ID for _, _, mark in spans_of(text)):
        return text
    some = ((words, mark) for words, mark in pieces(text))
    return Marked(*(mark(_short(w) if mark is Mark.ID else w) if mark else w for w, mark in some))


def _short(found: str) -> str:
    head, colon, last = found.rpartition(":")
    is_known = _UUID.fullmatch(last) or (colon and _DIGEST.fullmatch(last))
    return f"{head}{colon}{last[:_BLOCK]}" if is_known else found


def first_blocks(words: str) -> str:
    """Leave of each id in words that aren't marked its first block."""
    return _UUID.sub(lambda found: found[0][:_BLOCK], words)


def with_ids(text: str, *ids: str) -> Marked:
    """Mark ids that a sentence is known to hold, but not in a command, which is to be copied."""
    wanted = sorted(filter(None, {*ids}), key=len, reverse=True)
    if not wanted:
        return Marked(text)
    found = re.compile("(" + "|".join(map(re.escape, wanted)) + ")")
    parts: list[str] = []
    for number, some in enumerate(re.split("(`[^`]*`)", text)):
        cut = [some] if number % 2 else found.split(some)
        parts += [Mark.ID(one) if place % 2 else one for place, one in enumerate(cut)]
    return Marked(*parts)


def hint(text: str, indent: int = 2) -> Marked:
    """Return the line that tells the way on."""
    return Marked(" " * indent, Mark.HINT("→"), f" {text}")
