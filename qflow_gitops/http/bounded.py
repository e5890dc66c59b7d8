"""A JSON value as it may be shown: without secrets, and no more of it than a person reads."""

import math
from collections.abc import Callable
from typing import Any

CHARACTERS = 60_000
"""So many of the texts and names of one value are kept, and so many values in it."""
_VALUES = 10_000
_DEEPEST = 40


def bounded(value: Any, redact: Callable[[str], str]) -> Any:
    """Copy a JSON value; what is left out of it, by its size or depth, is said in its place."""
    return _Bounded(redact).of(value, 0)


class _Bounded:
    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._characters = CHARACTERS
        self._values = _VALUES

    def of(self, value: Any, depth: int) -> Any:
        self._values -= 1
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # no number of JSON's
        if not isinstance(value, dict | list):
            return value
        if depth >= _DEEPEST:
            return "… (nested deeper than is shown)"
        return self._object(value, depth) if isinstance(value, dict) else self._array(value, depth)

    def _text(self, text: str) -> str:
        room = max(0, self._characters)
        self._characters -= len(text)
        shown = self._redact(text)
        left = len(text) - room
        return f"{shown[:room]}… ({left:,} more characters)" if left > 0 else shown

    @property
    def _full(self) -> bool:
        return self._characters <= 0 or self._values <= 0

    def _array(self, items: list[Any], depth: int) -> list[Any]:
        found: list[Any] = []
        for number, item in enumerate(items):
            if self._full:
                return [*found, f"… ({len(items) - number:,} more)"]
            found.append(self.of(item, depth + 1))
        return found

    def _object(self, items: dict[str, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, (name, item) in enumerate(items.items()):
            if self._full:
                return found | {"…": f"{len(items) - number:,} more"}
            found[self._text(name)] = self.of(item, depth + 1)
        return found
