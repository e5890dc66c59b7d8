"""What batches cost an apply, beside the same runs without a rollout, in turn."""

import tempfile
from pathlib import Path

from tests.benchmarks import repository
from tests.benchmarks.processes import COMPILED, Used, measured, medians
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.sandboxes import served
from tests.helpers.specs import SANDBOX_PROJECT, spec
from tests.helpers.storm import PROGRAM

BATCHES = "  rollout: {batches: [1, 10%, 100%]}\n"


def _applied(count: int, rollout: str) -> Used:
    """Apply one spec with so many targets, to the end of all executions."""
    lines = "".join(
        f"    - {{name: a{number}, input: {{n: {number}}}}}\n" for number in range(count)
    )
    with tempfile.TemporaryDirectory() as folder, served(duration=0.02) as server:
        workspace = repository.begun(Path(folder))
        limits = f"  policy: {{limits: {{runs: {count}}}}}\n"
        workspace.write("qflow.yaml", SANDBOX_PROJECT + limits)
        workspace.write("runs/all.yaml", spec("all", extra=f"  targets:\n{lines}{rollout}"))
        workspace.commit("runs")
        environ = {
            **COMPILED,
            "HOME": folder,
            "QFLOW_GATEWAY": server.url,
            "QFLOW_CLIENT_ID": "sandbox",
            "QFLOW_CLIENT_SECRET": "sandbox",
        }
        command = [*PROGRAM, "-q", "apply", "--yes", "--concurrency=8"]
        used = measured(command, Path(folder), environ)
        assert len(server.executions()) == count
    return used


def measure(scale: Scale) -> Table:
    """Time an apply of one spec with many targets, in three batches and all at once."""
    count, rounds = min(scale.largest, 1000), min(scale.rounds, 5)
    found: dict[str, list[Used]] = {BATCHES: [], "": []}
    for _ in range(rounds):
        for rollout, some in found.items():
            some.append(_applied(count, rollout))
    batched, bare = medians(found[BATCHES]), medians(found[""])
    row = {
        "targets": f"{count:,}",
        "three batches, s": f"{batched.wall / 1e3:.2f}",
        "all at once, s": f"{bare.wall / 1e3:.2f}",
        "ratio": f"{batched.wall / bare.wall:.3f}",
        "target": "1.05",
        "ratio of CPU": f"{batched.cpu / bare.cpu:.3f}",
        "peak MiB": f"{batched.memory:.0f} ({bare.memory:.0f})",
    }
    return Table(
        f"A whole `apply` against the sandbox, eight at a time, each execution waited for; batches "
        f"of 1, 10 % and all, without a pause. Medians of {rounds}, in turn.",
        [row],
    )
