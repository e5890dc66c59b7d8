"""How much a benchmark measures."""

from pathlib import Path
from typing import NamedTuple


class Scale(NamedTuple):
    """Sizes of repositories in files, smallest first, and how often each command is timed.

    Of a benchmark that can compare source trees, `against` is the other one; `only` names the
    parts that are wanted of one that has parts, none for all.
    """

    sizes: tuple[int, ...]
    rounds: int
    against: Path | None = None
    only: tuple[str, ...] = ()

    @property
    def largest(self) -> int:
        return self.sizes[-1]

    def rounds_at(self, size: int) -> int:
        """Fewer for what takes long, down to three."""
        return min(self.rounds, max(3, 5_000 // size))


FULL = Scale((100, 1_000, 10_000), 11)
SMALL = Scale((100,), 1)
"""To see that it works."""
