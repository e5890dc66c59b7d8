"""`python -m tests.benchmarks [NAME…]`: what the promises cost, measured here and now.

Prints Markdown. Machines are noisy: read ratios, and run twice what you want to rely on. With
`--save` it is also kept in `docs/performance.json`, of which the documentation's page is made then,
as by the NAME `page`.
"""

import argparse
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import (
    apply,
    demo,
    fleet,
    growth,
    killed,
    lockfile,
    notify,
    page,
    peers,
    report,
    rollouts,
    setup,
    speed,
    storm,
    targets,
)
from tests.benchmarks.scale import FULL, SMALL, Scale
from tests.benchmarks.table import Table

BENCHMARKS: dict[str, Callable[[Scale], Table]] = {
    "speed": speed.measure,
    "apply": apply.measure,
    "storm": storm.measure,
    "lockfile": lockfile.measure,
    "peers": peers.measure,
    "growth": growth.measure,
    "targets": targets.measure,
    "rollouts": rollouts.measure,
    "setup": setup.measure,
    "report": report.measure,
    "fleet": fleet.measure,
    "killed": killed.measure,
    "notify": notify.measure,
    "install": demo.measure,
}
"""Name -> benchmark; it is given how much to measure. A new one is a file and a line here."""


def sizes(text: str) -> tuple[int, ...]:
    found = tuple(sorted({int(one) for one in text.split(",")}))
    if found[0] < 100:
        raise argparse.ArgumentTypeError("a size is at least 100")
    return found


def parts(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if unknown := set(found) - set(lockfile.PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(unknown)}")
    return found


def stopped(number: int, _: object) -> None:
    """End, and tidy up first: being told twice doesn't leave folders and processes behind."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*BENCHMARKS, "page")))
    parser.add_argument("--sizes", type=sizes, metavar="N,N…", help="of repositories, in files")
    parser.add_argument(
        "--against", type=Path, metavar="TREE", help="lockfile: a checkout to compare with, in turn"
    )
    parser.add_argument(
        "--only", type=parts, default=(), metavar="PART,PART…", help=", ".join(lockfile.PARTS)
    )
    parser.add_argument("--small", action="store_true", help="100 files, once: does it work?")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often a command is timed")
    parser.add_argument("--save", action="store_true", help="keep it for the documentation")
    chosen = parser.parse_args()
    if chosen.names == ["page"]:
        page.make()
        return
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}")
    scale = SMALL if chosen.small else FULL
    if chosen.sizes:
        scale = scale._replace(sizes=chosen.sizes)
    if chosen.rounds:
        scale = scale._replace(rounds=chosen.rounds)
    scale = scale._replace(against=chosen.against and chosen.against.resolve(), only=chosen.only)
    signal.signal(signal.SIGTERM, stopped)
    words = [word for word in sys.argv[1:] if word not in chosen.names]
    print(page.today())  # noqa: T201
    for name in chosen.names or BENCHMARKS:
        where = page.machine()
        found = BENCHMARKS[name](scale)
        print(f"\n## {name}\n\n{page.described(where)}\n\n{found.markdown()}", flush=True)  # noqa: T201
        if chosen.save:
            command = shlex.join([".venv/bin/python", "-m", "tests.benchmarks", name, *words])
            page.keep(name, command, where, found)
    if chosen.save:
        try:
            page.make()
        except LookupError as missing:
            print(f"\nThe page also needs {missing}.")  # noqa: T201


if __name__ == "__main__":
    main()
