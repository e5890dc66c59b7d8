"""Trees measured in turn, and rows that hold what each took side by side."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.processes import Used, medians
from tests.benchmarks.recorded import Origin
from tests.benchmarks.scale import Scale
from tests.benchmarks.trees import Tree, here, tree

Row = Mapping[str, str]


class Bench:
    """The trees, this one last; the repositories, each made once; and how rows are made."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        """Look at the trees."""
        self._folder = folder
        self._origins: dict[tuple[int, int], Origin] = {}
        others = [tree(scale.against)] if scale.against else []
        self.trees = (*others, here())
        self.rounds = min(scale.rounds, 3)
        self.long = scale.largest
        self.longest = 5 * scale.largest

    @property
    def mine(self) -> Tree:
        return self.trees[-1]

    def origin(self, count: int, due: int = 10) -> Origin:
        """Return the repository with so many specs, of which so many were changed."""
        if (count, due) not in self._origins:
            made = Origin(self._folder / f"specs-{count}-{due}", count, due)
            self._origins[count, due] = made
        return self._origins[count, due]

    def in_turn(self, measure: Callable[[Tree], Mapping[str, Used]]) -> dict[str, dict[str, Used]]:
        """Measure cases of all trees, A B, B A, …; give each case's medians by tree."""
        found: dict[tuple[str, str], list[Used]] = {}
        for number in range(self.rounds):
            for one in self.trees[:: -1 if number % 2 else 1]:
                for case, used in measure(one).items():
                    found.setdefault((case, one.name), []).append(used)
                    say(f"{one.name}: {case} {used.wall / 1e3:.2f} s")
        by_case: dict[str, dict[str, Used]] = {}
        for (case, name), some in found.items():
            by_case.setdefault(case, {})[name] = medians(some)
        return by_case

    def timed(self, what: str, count: int, used: Mapping[str, Used], target: str = "") -> Row:
        """Make a row of what processes took."""
        seconds = {name: one.wall / 1e3 for name, one in used.items()}
        peaks = {name: _peak(one) for name, one in used.items()}
        both = [used[one.name].own for one in self.trees if one.name in used]
        memory = f"{both[1] / both[0]:.2f}" if len(both) > 1 else ""
        return self.row(what, count, seconds, "s", target, peaks=peaks, memory=memory)

    def row(
        self,
        what: str,
        count: int,
        numbers: Mapping[str, float],
        unit: str,
        target: str = "",
        *,
        beside: str = "",
        peaks: Row | None = None,
        memory: str = "",
    ) -> Row:
        """Make a row; every row of the table has the same columns."""
        both = [numbers[one.name] for one in self.trees if one.name in numbers]
        ratio = {"ratio": f"{both[1] / both[0]:.2f}" if len(both) > 1 else ""}
        cells = {
            one.name: f"{numbers[one.name]:.2f} {unit}" if one.name in numbers else ""
            for one in self.trees
        }
        at_most = {f"peak MiB, {one.name}": (peaks or {}).get(one.name, "") for one in self.trees}
        compared = len(self.trees) > 1
        return {
            "what": what,
            "recorded": f"{count:,}",
            **cells,
            **(ratio if compared else {}),
            "beside": beside,
            "target": target,
            **at_most,
            **({"ratio of peaks": memory} if compared else {}),
        }


def say(text: str) -> None:
    """Tell whoever waits what was measured just now."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _peak(used: Used) -> str:
    own = f"{used.own:.0f}"
    return own if used.memory < used.own * 1.02 else f"{own} ({used.memory:.0f})"
