"""What looking costs at many specs: whole processes, in turn A B A B, medians and ratios."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks import repository
from tests.benchmarks.processes import COMPILED, PROGRAM, Case, Used, in_turn
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table

_DOCTOR = ("doctor", "machine", "repository", "--offline")
CLICK = (sys.executable, "-c", "import click")


def _completed(words: str) -> list[str]:
    """Give what a shell calls when a key is pressed behind a command and another word."""
    asked = (f"COMP_WORDS=qflow-gitops {words}", "COMP_CWORD=2")
    return ["env", "_QFLOW_GITOPS_COMPLETE=bash_complete", *asked, PROGRAM]


def _rows(cases: Sequence[Case], used: Mapping[str, Used]) -> list[Mapping[str, str]]:
    rows: list[Mapping[str, str]] = []
    for one in cases:
        mine = used[one.name]
        ratio = f"{mine.wall / used[one.beside].wall:.2f} x {one.beside}" if one.beside else ""
        rows.append(
            {
                "what": one.name,
                "wall ms": f"{mine.wall:.0f}",
                "ratio": ratio,
                "target": one.target,
                "CPU ms": f"{mine.cpu:.0f}",
                "ratio of CPU": f"{mine.cpu / used[one.beside].cpu:.2f}" if one.beside else "",
                "peak MiB": f"{mine.memory:.0f}",
            }
        )
    return rows


def measure(scale: Scale) -> Table:
    """Time start-up, `validate` and `plan` on many specs, all of them recorded, ten changed."""
    count = scale.largest
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = repository.prepared(folder, count)
        one_file = repository.file_of(3)
        edits = iter(range(1, 1000))
        subprocess.run([PROGRAM, "plan"], cwd=folder, env=COMPILED, check=True, capture_output=True)
        forget = lambda: repository.forget(workspace)  # noqa: E731
        cold = [Case("validate, cold", [PROGRAM, "validate"], before=forget)]
        rows = _rows(cold, in_turn(cold, folder, scale.rounds_at(count)))
        subprocess.run([PROGRAM, "plan"], cwd=folder, check=True, capture_output=True)
        cases = [
            Case("import click", CLICK),
            Case("git status", ["git", "status", "--porcelain"]),
            Case("--version", [PROGRAM, "--version"], "import click", "1.2"),
            Case("--help", [PROGRAM, "--help"], "import click", "1.2"),
            Case("version", [PROGRAM, "version"], "import click", "1.2"),
            Case("a shell completes an option", _completed("plan --fu"), "import click", "1.2"),
            Case("a shell completes a run", _completed("plan block-public-0000"), "import click"),
            Case("plan, 10 changed", [PROGRAM, "plan"], "import click", "2.8"),
            Case("plan --full", [PROGRAM, "plan", "--full"], "import click", "10"),
            Case("doctor, offline", [PROGRAM, *_DOCTOR], "import click"),
            Case("validate, nothing changed", [PROGRAM, "validate"], "git status", "6"),
            Case(
                "validate PATH, just changed", [PROGRAM, "validate", one_file],
                "import click", "2.5",
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
        rows += _rows(cases, in_turn(cases, folder, scale.rounds))
    return Table(
        f"{count:,} specs of some 35 lines, as many recorded runs. Medians "
        f"(rounds: {scale.rounds}; cold: {scale.rounds_at(count)}).",
        rows,
    )
