"""What looking costs where specs have targets, in turn with as many runs written out as files."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from qflow_gitops.yaml.parse import parse
from tests.benchmarks import repository
from tests.benchmarks.processes import PROGRAM, Case, Used, in_turn
from tests.benchmarks.scale import Scale
from tests.benchmarks.table import Table
from tests.helpers.git import Workspace

EACH = 100
"""So many targets has a spec."""
OWN = {"variables": ("connectorId", "region", "resourceGroup", "project", "oci_region",
                     "compartment"), "input": ("bucket",)}  # fmt: skip
"""What accounts don't share."""


def with_targets(texts: Mapping[int, str]) -> str:
    """Give specs that are the same but for what is an account's own as one with targets."""
    first, *_ = texts.values()
    names = [f"    {name}: " for some in OWN.values() for name in some]
    lines = first.splitlines(keepends=True)
    found = [line for line in lines if not line.startswith(tuple(names))]
    found.append("  targets:\n")
    for number, text in texts.items():
        (one,) = parse(text.encode(), "").documents
        given = one.data["spec"]
        own = {
            part: {name: given[part][name] for name in some if name in given[part]}
            for part, some in OWN.items()
        }
        target = json.dumps({"name": f"account-{number:05}", **own}).replace('"', "")
        found.append(f"    - {target}\n")
    return "".join(found)


def _files(count: int) -> Iterator[tuple[str, str, str]]:
    """Give the same runs twice: a form, a file's name and its text."""
    for first in range(0, count, EACH):
        texts = {
            number: repository.spec(number, like=first) for number in range(first, first + EACH)
        }
        yield "targets", repository.file_of(first), with_targets(texts)
        yield from (("files", repository.file_of(one), text) for one, text in texts.items())


def _measured(made: Mapping[str, Workspace], command: str, rounds: int) -> dict[str, Used]:
    cases = [
        Case(
            form,
            [PROGRAM, "-C", str(one.path), *command.split()],
            before=lambda one=one: repository.forget(one),  # type: ignore[misc]
        )
        for form, one in made.items()
    ]
    return in_turn(cases, next(iter(made.values())).path, rounds)


def _row(what: str, used: Mapping[str, Used]) -> dict[str, str]:
    targets, files = used["targets"], used["files"]
    return {
        "what": what,
        "targets, ms": f"{targets.wall:,.0f}",
        "files, ms": f"{files.wall:,.0f}",
        "ratio": f"{targets.wall / files.wall:.2f}",
        "target": "0.35",
        "ratio of CPU": f"{targets.cpu / files.cpu:.2f}",
        "peak MiB": f"{targets.own:.0f} ({targets.memory:.0f})",
        "at most": "100",
        "peak MiB, files": f"{files.own:.0f} ({files.memory:.0f})",
    }


def measure(scale: Scale) -> Table:
    """Time `validate` and `plan` that know nothing yet, before anything ran and after all did."""
    count, rounds = scale.largest, scale.rounds_at(scale.largest)
    with tempfile.TemporaryDirectory() as name:
        made = {form: repository.begun(Path(name) / form) for form in ("targets", "files")}
        for form, file, text in _files(count):
            made[form].write(file, text)
        for one in made.values():
            one.commit("runs")
        rows = [
            _row(f"{command}, nothing known", _measured(made, command, rounds))
            for command in ("validate", "plan", "plan --format json")
        ]
        for one in made.values():
            repository.record(one)
        rows.append(
            _row("plan --full, all recorded", _measured(made, "plan --full", rounds)),
        )
    return Table(
        f"{count:,} runs as {count // EACH} specs of {EACH} targets, beside the same in as many "
        f"files. Medians of {rounds}. Peaks: the process (any that it started).",
        rows,
    )
