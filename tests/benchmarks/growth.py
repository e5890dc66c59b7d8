"""How the time grows with the files looked at: an exponent of 1 is linear."""

import tempfile
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from statistics import linear_regression

from tests.benchmarks import repository
from tests.benchmarks.processes import PROGRAM, Case, in_turn
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table

LINEAR = ("validate, cold", "plan --full, cold")
"""These read every file."""


def _measured(size: int, rounds: int) -> dict[str, float]:
    """Give the milliseconds that each command takes."""
    with tempfile.TemporaryDirectory() as name:
        workspace = repository.prepared(Path(name), size)
        cold = lambda: repository.forget(workspace)  # noqa: E731
        cases = [
            Case("validate, cold", [PROGRAM, "validate"], before=cold),
            Case("validate, nothing changed", [PROGRAM, "validate"]),
            Case("plan --full, cold", [PROGRAM, "plan", "--full"], before=cold),
            Case("plan, 10 changed, cold", [PROGRAM, "plan"], before=cold),
            Case("plan, 10 changed", [PROGRAM, "plan"]),
        ]
        used = in_turn(cases, workspace.path, rounds)
    return {name: one.wall for name, one in used.items()}


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Give e of time = c x size^e, by least squares of the logarithms."""
    return linear_regression([log(size) for size in sizes], [log(one) for one in times]).slope


def measure(scale: Scale) -> Table:
    """Time commands on repositories of each size; one of a single file shows what is fixed."""
    fixed = _measured(1, scale.rounds)
    found = {size: _measured(size, scale.rounds_at(size)) for size in scale.sizes}
    rows: list[Mapping[str, str]] = []
    for name, base in fixed.items():
        times = [found[size][name] for size in scale.sizes]
        added = [max(time - base, 1.0) for time in times]  # below 1 ms is noise
        linear = name in LINEAR
        rows.append(
            {
                "what": name,
                "1 file, ms": f"{base:,.0f}",
                **{f"{size:,}": f"{found[size][name]:,.0f}" for size in scale.sizes},
                "exponent": _shown(scale.sizes, times),
                "of what more files add": _shown(scale.sizes, added) if linear else "",
                "target": "1" if linear else "",
            }
        )
    return Table("Least squares over the sizes, logarithms of medians of whole processes.", rows)


def _shown(sizes: Sequence[int], times: Sequence[float]) -> str:
    return f"{exponent(sizes, times):.2f}" if len(sizes) > 1 else ""
