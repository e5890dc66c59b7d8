"""A mapping that grows by values: a bigger one costs what is added, not what was there."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Growing(Mapping[K, V]):
    """Immutable; shares what was there with the one that it grew from.

    A small dict lies on top of a big one. It is copied to grow, and so may have as many
    entries as the root of the big one's number; then both become one.
    """

    __slots__ = ("_parts",)

    def __init__(self, below: Mapping[K, V], above: Mapping[K, V]) -> None:
        """Take two mappings that nobody changes any more; what is `above` counts."""
        self._parts = (below, above)

    def plus(self, more: Mapping[K, V]) -> "Growing[K, V]":
        """Return one with these as well, which replace what they name."""
        below, above = self._parts
        above = {**above, **more}
        if len(above) ** 2 > len(below):
            return Growing({**below, **above}, {})
        return Growing(below, above)

    def _whole(self) -> Mapping[K, V]:
        """Whoever looks at everything pays for everything, once."""
        below, above = self._parts
        if above:
            below = {**below, **above}
            self._parts = (below, {})
        return below

    def __getitem__(self, key: K) -> V:
        """Return a value; KeyError where there is none."""
        below, above = self._parts
        return above[key] if key in above else below[key]

    def __iter__(self) -> Iterator[K]:
        """Return the keys in the order in which they came."""
        return iter(self._whole())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._whole())


def grown(mapping: Mapping[K, V], more: Mapping[K, V]) -> Mapping[K, V]:
    """Return a mapping with more entries; the first one is not to be changed any more."""
    if not more:
        return mapping
    known = mapping if isinstance(mapping, Growing) else Growing(mapping, {})
    return known.plus(more)
