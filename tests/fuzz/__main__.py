"""Run the fuzzer; exit 1 where something was found."""

import argparse
import sys
import traceback

from tests.fuzz import run

parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
parser.add_argument("--seconds", type=float, default=120)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
bad = 0
for count, content, problem in run(options.seconds, options.seed):
    if not content and problem is None:
        print(f"{count:,} inputs in {options.seconds:.0f} s (seed {options.seed}), {bad} found")
        break
    bad += 1
    print(f"input {count}: {content!r}")
    if problem is None:
        print("  took too long")
    else:
        traceback.print_exception(problem)
sys.exit(1 if bad else 0)
