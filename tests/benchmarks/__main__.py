"""`python -m tests.benchmarks [NAME…] [--small]`: what the promises cost, measured here and now.

Prints Markdown. Machines are noisy: read ratios, and run twice what you want to rely on.
"""

import argparse
import os
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

from tests.benchmarks import apply, history, speed, storm
from tests.benchmarks.table import Table

BENCHMARKS: dict[str, Callable[[bool], Table]] = {
    "speed": speed.measure,
    "apply": apply.measure,
    "storm": storm.measure,
    "history": history.measure,
}
"""Name -> benchmark; it is given whether to be small. A new one is a file and a line here."""


def machine() -> str:
    """Say where and when this was measured."""
    git = subprocess.run(["git", "version"], capture_output=True, text=True).stdout.split()[2]
    cores = len(os.sched_getaffinity(0))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {cores} cores, "
        f"Python {platform.python_version()}, git {git}, load {os.getloadavg()[0]:.1f} at the start"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--small", action="store_true", help="a tenth, to see that it works")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}")
    print(machine())  # noqa: T201
    for name in chosen.names or BENCHMARKS:
        print(f"\n## {name}\n\n{BENCHMARKS[name](chosen.small).markdown()}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
