"""What looking costs at many specs: whole processes, in turn A B A B, medians and ratios."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

from tests.benchmarks import repository
from tests.benchmarks.processes import COMPILED, Used, measured
from tests.benchmarks.table import Table

CLICK = (sys.executable, "-c", "import click")
PROGRAM = str(Path(sys.executable).with_name("qflow-gitops"))


class Case(NamedTuple):
    """A command to time: beside which other, what it may take, and what is done before each run."""

    name: str
    command: Sequence[str]
    beside: str = ""
    target: str = ""
    before: Callable[[], object] = lambda: None


def _timed(cases: Sequence[Case], folder: Path, rounds: int) -> Table:
    found: dict[str, list[Used]] = {one.name: [] for one in cases}
    for _ in range(rounds):
        for one in cases:
            one.before()
            found[one.name].append(measured(one.command, folder))
    wall = {name: statistics.median(one.wall for one in some) for name, some in found.items()}
    rows: list[Mapping[str, str]] = []
    for one in cases:
        some = found[one.name]
        ratio = f"{wall[one.name] / wall[one.beside]:.2f} x {one.beside}" if one.beside else ""
        rows.append(
            {
                "what": one.name,
                "wall ms": f"{wall[one.name]:.0f}",
                "ratio": ratio,
                "target": one.target,
                "CPU ms": f"{statistics.median(each.cpu for each in some):.0f}",
                "peak MiB": f"{max(each.memory for each in some):.0f}",
            }
        )
    return Table(f"Medians of {rounds} rounds.", rows)


def measure(small: bool) -> Table:
    """Time start-up, `validate` and `plan` on 10,000 specs, all of them recorded, ten changed."""
    count, rounds = (100, 2) if small else (10_000, 11)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = repository.make(folder, count)
        repository.record(workspace)
        repository.change(workspace, 10, count)
        kept = folder / ".git/qflow-gitops/verdicts"
        one_file = repository.file_of(3)
        edits = iter(range(1, 1000))
        subprocess.run([PROGRAM, "plan"], cwd=folder, env=COMPILED, check=True, capture_output=True)
        cold = _timed(
            [Case("validate, cold", [PROGRAM, "validate"], before=lambda: rmtree(kept))],
            folder, 1 if small else 3,
        )  # fmt: skip
        subprocess.run([PROGRAM, "plan"], cwd=folder, check=True, capture_output=True)
        cases = [
            Case("import click", CLICK),
            Case("git status", ["git", "status", "--porcelain"]),
            Case("--version", [PROGRAM, "--version"], "import click", "1.3"),
            Case("--help", [PROGRAM, "--help"], "import click", "1.3"),
            Case("plan, 10 changed", [PROGRAM, "plan"], "import click", "3.5"),
            Case("plan --full", [PROGRAM, "plan", "--full"], "import click", "10"),
            Case("validate, nothing changed", [PROGRAM, "validate"], "git status", "6"),
            Case(
                "validate PATH, just changed", [PROGRAM, "validate", one_file], "import click", "3",
                lambda: workspace.write(one_file, f"{repository.spec(3)}# {next(edits)}\n"),
            ),
        ]  # fmt: skip
        # The last case changes a file; each round puts it back, and is told so once.
        cases[2] = cases[2]._replace(
            before=lambda: (
                workspace.write(one_file, repository.spec(3)),
                subprocess.run([PROGRAM, "validate"], cwd=folder, stdout=subprocess.DEVNULL),
            )
        )
        warm = _timed(cases, folder, rounds)
    return Table(
        f"{count:,} specs of some 35 lines, as many recorded runs. {warm.about}",
        [*cold.rows, *warm.rows],
    )
