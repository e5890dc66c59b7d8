"""What the first command takes, cold: from `git clone` to the end of the demo, in turn.

Beside it the same with all that a developer needs, as the README had it once.
"""

import re
import shlex
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import in_turn
from tests.benchmarks.scale import Scale
from tests.benchmarks.setup import Machine
from tests.benchmarks.table import Table
from tests.helpers.runner import ROOT

ONCE = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/qflow-gitops demo"
)


def first_command() -> str:
    """Give the first command of the README."""
    found = re.search(r"(?m)^```sh\n(.+)\n```$", (ROOT / "README.md").read_text("utf-8"))
    assert found, "README.md has no command"
    return found[1]


def measure(scale: Scale) -> Table:
    """Time both in turn, each with an empty home and an empty cache."""
    rounds = min(scale.rounds, 3)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "machine")
        python = shlex.quote(str(Path(sys.executable).resolve().parent))
        begin = f"cd ~; PATH={python}:$PATH; git clone -q {shlex.quote(str(ROOT))} it; cd it\n"
        cases = [
            machine.case(name, begin + command, "")
            for name, command in (("all", ONCE), ("ours", first_command()))
        ]
        found = in_turn(cases, Path(folder), rounds)
    ours, once = found["ours"], found["all"]
    row = {
        "what": "`git clone` and the README's first command",
        "takes": f"{ours.wall / 1e3:.1f} s",
        "with all that developers need": f"{once.wall / 1e3:.1f} s",
        "ratio": f"{ours.wall / once.wall:.2f}",
        "target": "0.6",
        "ratio of CPU": f"{ours.cpu / once.cpu:.2f}",
    }
    return Table(f"Cold: no cache, nothing fetched. Medians of {rounds}, in turn.", [row])
