"""Sixteen runners apply one commit with fifty due runs: each run once, and how long it takes."""

import tempfile
from collections import Counter
from pathlib import Path

from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.storm import Storm, sandbox_process

LIMIT = 300.0  # seconds


def measure(scale: Scale) -> Table:
    """Storm one bare repository; fails where a run is sent twice or not at all."""
    processes, runs = (4, 12) if scale.largest < 1000 else (16, 50)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storm = Storm(folder, clones=processes, runs=runs)
        with sandbox_process(folder, "--fault", "latency=0.05") as sandbox:
            ended, seconds = storm.apply(sandbox.url, limit=LIMIT)
            executed = Counter(one["body"]["input"]["value"] for one in sandbox.executions())
        races = storm.races()
    codes = Counter(one.code for one in ended)
    assert executed == Counter(range(runs)), executed
    assert set(codes) <= {0, 6}, [(one.code, one.err) for one in ended]
    lost = sum(one.lost for one in races)
    row = {
        "processes": f"{processes}",
        "runs": f"{runs}",
        "executed twice": f"{sum(count > 1 for count in executed.values())}",
        "exit 0 / 6": f"{codes[0]} / {codes[6]}",
        "wall s": f"{seconds:.1f}",
        "CPU s": f"{sum(one.cpu for one in ended):.1f}",
        "pushes won / lost": f"{sum(one.won.count(True) for one in races)} / {lost}",
        "processes that won one": f"{sum(any(one.won) for one in races)}",
        "most lost in a row": f"{max(one.lost_in_a_row for one in races)}",
    }
    return Table(
        "As many processes at once as said, each with its own clone, against one bare repository "
        "and a sandbox whose answers take 50 ms; default concurrency, `--no-wait`.",
        [row],
    )
