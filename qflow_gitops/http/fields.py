"""Fields of a JSON answer, each of the kind that the documentation says, or the answer is odd."""

from collections.abc import Callable, Sequence
from typing import Any


class Fields:
    """An object of an answer. A field that isn't there, or is null, is empty.

    Raises what `odd` makes for anything of another kind than is asked for.
    """

    def __init__(self, data: Any, odd: Callable[[], Exception]) -> None:
        """Take what should be an object."""
        if not isinstance(data, dict):
            raise odd()
        self._data = data
        self._odd = odd

    def has(self, name: str) -> bool:
        """Whether a field is there, and not null."""
        return self._data.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text."""
        found = self._data.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise self._odd()
        return found

    def flag(self, name: str) -> bool:
        """Return true or false."""
        found = self._data.get(name)
        if found is not None and not isinstance(found, bool):
            raise self._odd()
        return bool(found)

    def count(self, name: str) -> int:
        """Return a whole number that isn't negative."""
        found = self._data.get(name)
        if found is None:
            return 0
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise self._odd()
        return found

    def under(self, name: str) -> "Fields":
        """Return an object."""
        found = self._data.get(name)
        return Fields({} if found is None else found, self._odd)

    def items(self, name: str) -> Sequence["Fields"]:
        """Return the objects of a list."""
        return [Fields(item, self._odd) for item in self._list(name)]

    def texts(self, name: str) -> Sequence[str]:
        """Return the texts of a list."""
        found = self._list(name)
        if not all(isinstance(item, str) for item in found):
            raise self._odd()
        return found

    def _list(self, name: str) -> list[Any]:
        found = self._data.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self._odd()
        return found
