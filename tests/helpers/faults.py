"""Faults of the field: what was tried on the program once and fell short, each as its kind.

A test that would have found one is marked `@pytest.mark.fault(NUMBER)`: `pytest --fault 14` runs
those of one, `pytest -m fault` all. That they do find it is shown with an earlier commit's program
under today's tests, which go through the command line or what that program has too:

    python -m tests.helpers.faults 5923b47

prints what each test says there. A test that only misses a module or a function proves nothing.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]
FAULTS = {
    1: "a plain key that keeps the colon before , ] or }",
    2: "a text at the file's end whose value an editor's line break changes",
    3: "numbers of which digits are lost",
    4: "strings that other YAML readers take for numbers",
    5: "valid YAML that is refused, and finds that stand on a wrong line or have a wrong name",
    6: "indentation that other readers refuse",
    7: "JSON that is read as YAML",
    8: "regions that the cloud's own list has",
    9: "schemas that other validators don't load as they come",
    10: "time zones that are installed twice, and found where they are older",
    11: "a schedule that is wider than its author thinks",
    12: "a time that another clock wrote, and that is waited for",
    13: "text from a pull request that drives unbounded work",
    14: "text that leaves its code span or fence in a comment",
    15: "output beyond what its reader takes",
    16: "what is reviewed and what is applied are told apart",
    17: "a job that is started again after a part of it was done",
    18: "a report that can't be written, found out after everything was sent",
    19: "clones that hold only some objects",
    20: "work trees that hold only some files",
    21: "git's configuration in each place where git takes it from",
    22: "programs that a repository's configuration has git run",
    23: "a person's configuration that reaches a machine's push; a name that two refs have",
    24: "a merge of the target after an approval",
    25: "answers of GitHub that are taken for others",
    26: "standard streams that are closed or full",
    27: "variables that say something by their value",
    28: "informational answers",
    29: "a proxy and an authority of one's own",
    30: "what a hook's runner leaves out, or leaves lying about",
    31: "a hint after a renaming",
    32: "an option that is taken and not obeyed",
    33: "a doubt that no command comes upon any more",
    34: "what a remote clock is believed",
    35: "a reason that another exit code swallows",
    36: "lists that end early, and one id in two spellings",
    37: "odd JSON in answers and lockfiles",
    38: "answers that are compressed unasked",
    39: "output in another encoding than UTF-8",
    40: "findings that cost as much as the rest of the file, each",
    41: "a second beginning beside the first",
    42: "a runner's commands in the middle of a line",
    43: "a change that loosens its own policy",
    44: "what is taken for something else instead of being refused",
}  # fmt: skip
NO_PROOF = (
    "ImportError",
    "ModuleNotFoundError",
    "AttributeError",
    "TypeError",
    "failed on setup",
)
"""How the message of a failure begins that is about the test, not about the fault."""


def marked() -> dict[int, list[str]]:
    """Number -> the functions that are marked with it, as `file:line`. Read, not run."""
    found = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for one in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.fault":
                for number in one.args:
                    place = f"{file.relative_to(ROOT)}:{one.lineno}"
                    found[ast.literal_eval(number)].append(place)
    return dict(found)


@dataclass(frozen=True)
class Ran:
    """What a marked test said of another program than today's."""

    number: int
    test: str
    failure: str
    """How its message begins; empty where it passed."""

    @property
    def proves(self) -> bool:
        return bool(self.failure) and not self.failure.startswith(NO_PROOF)


def hold(commit: str, numbers: list[str]) -> list[Ran]:
    """Run today's marked tests with the program of a commit, in a folder of their own."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        packed = subprocess.run(
            ["git", "archive", commit], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
        shutil.rmtree(folder / "tests")
        shutil.copytree(
            ROOT / "tests",
            folder / "tests",
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", "node_modules"),
        )
        shutil.copy(ROOT / "pyproject.toml", folder)
        modules = ROOT / "tests/node/node_modules"
        if modules.exists():
            (folder / "tests/node/node_modules").symlink_to(modules.resolve())
        report = folder / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "fault", f"--junitxml={report}", "-n", "auto",
             "--continue-on-collection-errors", "-p", "no:cacheprovider", "--tb=line",
             *(f"--fault={one}" for one in numbers)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdout=sys.stderr,
        )  # fmt: skip
        return list(_read(report))


def _read(report: Path) -> Iterator[Ran]:
    for case in ET.parse(report).iter("testcase"):
        found = case.find("failure")
        found = case.find("error") if found is None else found
        if case.find("skipped") is not None:
            continue
        said = "" if found is None else found.get("message", "failed").partition("\n")[0]
        name = f"{case.get('classname')}::{case.get('name')}"
        for one in case.iter("property"):
            if one.get("name") == "fault":
                yield Ran(int(one.get("value", "")), name, said)


def main(commit: str, *numbers: str) -> int:
    """Print what proves each fault; 1 where a fault is left without a proof."""
    ran, left = hold(commit, [*numbers]), 0
    for number in [int(one) for one in numbers] or [*FAULTS]:
        of_it = [one for one in ran if one.number == number]
        left += not any(one.proves for one in of_it)
        print(f"{number:2}  {FAULTS[number]}")  # noqa: T201  a program that a person runs
        tests = defaultdict(list)
        for one in of_it:
            tests[one.test.partition("[")[0]].append(one)
        for name, cases in tests.items():
            reasons = {one.failure for one in cases if one.failure}
            count = f"{sum(one.proves for one in cases)}/{len(cases)} fail"
            print(f"      {count}  {name}", *sorted(reasons)[:2], sep="\n          ")  # noqa: T201
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
