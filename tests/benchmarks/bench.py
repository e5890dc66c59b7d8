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
        row = self.row(what, count, _walls(used), "s", target, cpu=_cpus(used))
        peaks = {f"peak MiB, {name}": _peak(one) for name, one in used.items()}
        ratio = {"ratio of peaks": self._ratio({name: one.own for name, one in used.items()})}
        return {**row, **peaks, **(ratio if len(self.trees) > 1 else {})}

    def added(
        self, what: str, count: int, more: Mapping[str, Used], less: Mapping[str, Used], target: str
    ) -> Row:
        """Make a row of what the same command took more in one case than in another."""
        walls, cpus = (
            {name: one - without[name] for name, one in some.items()}
            for some, without in ((_walls(more), _walls(less)), (_cpus(more), _cpus(less)))
        )
        return self.row(what, count, walls, "s", target, cpu=cpus)

    def row(
        self,
        what: str,
        count: int,
        numbers: Mapping[str, float],
        unit: str,
        target: str = "",
        *,
        beside: str = "",
        cpu: Mapping[str, float] | None = None,
    ) -> Row:
        """Make a row; every row of the table has the same columns."""
        names, compared = [one.name for one in self.trees], len(self.trees) > 1
        cells = {name: f"{numbers[name]:.2f} {unit}" if name in numbers else "" for name in names}
        ratios = {"ratio": self._ratio(numbers), "ratio of CPU": self._ratio(cpu or {})}
        return {
            "what": what,
            "recorded": f"{count:,}",
            **cells,
            **(ratios if compared else {}),
            "beside": beside,
            "target": target,
            **{f"peak MiB, {name}": "" for name in names},
            **({"ratio of peaks": ""} if compared else {}),
        }

    def _ratio(self, numbers: Mapping[str, float]) -> str:
        both = [numbers[one.name] for one in self.trees if one.name in numbers]
        return f"{both[1] / both[0]:.2f}" if len(both) > 1 else ""


def say(text: str) -> None:
    """Tell whoever waits what was measured just now."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _peak(used: Used) -> str:
    own = f"{used.own:.0f}"
    return own if used.memory < used.own * 1.02 else f"{own} ({used.memory:.0f})"


def _walls(used: Mapping[str, Used]) -> dict[str, float]:
    return {name: one.wall / 1e3 for name, one in used.items()}


def _cpus(used: Mapping[str, Used]) -> dict[str, float]:
    return {name: one.cpu / 1e3 for name, one in used.items()}
