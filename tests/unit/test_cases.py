"""The case corpus: a folder a case, with the findings that a person gets to see.

`spec.yaml` is a run spec, `qflow.yaml` the project's settings (on its own, or those that the
spec is read with), `fleet.yaml` a fleet, `workflows/` a catalog, `expected.json` the findings. To
write the latter anew, and then read every changed message: `python -m tests.cases.regenerate`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.settings.project import Environment, Project
from qflow_gitops.specs import fleet_file, load, project_file

CASES = Path(__file__).parents[1] / "cases"
VALID = sorted(path for path in (CASES / "valid").iterdir() if path.is_dir())
INVALID = sorted(path for path in (CASES / "invalid").iterdir() if path.is_dir())
SETTINGS = Project(
    runs=("runs",),
    default_environment="default",
    environments={name: Environment(name, "sandbox") for name in ("default", "dev", "prod")},
)


def findings(case: Path) -> list[dict[str, Any]]:
    """Give what the tool says about a case, as it stands in `expected.json`."""
    found: list[Diagnostic] = []
    settings: Project | None = SETTINGS
    if (case / "qflow.yaml").exists():
        settings, problems = project_file.load_project((case / "qflow.yaml").read_bytes(), "EU2")
        found += problems
    if (case / "fleet.yaml").exists():
        found += fleet_file.load_fleet((case / "fleet.yaml").read_bytes(), "fleet.yaml")[1]
    if (case / "spec.yaml").exists() and settings:
        specs = {"spec.yaml": (case / "spec.yaml").read_bytes()}
        catalog = {
            one.relative_to(case).as_posix(): one.read_bytes()
            for one in (*case.glob("workflows/*"), *case.glob("connectors/*/*"))
        }
        found += load.load(specs, settings, catalog).diagnostics
    return [
        {
            "rule": one.rule,
            "severity": one.severity.value,
            "line": one.range.start.line,
            "column": one.range.start.column,
            "endLine": one.range.end.line,
            "endColumn": one.range.end.column,
            "message": one.message,
            "hint": one.hint,
        }
        for one in found
    ]


def expected(case: Path) -> list[dict[str, Any]]:
    file = case / "expected.json"
    return json.loads(file.read_text()) if file.exists() else []


@pytest.mark.parametrize("case", [*VALID, *INVALID], ids=lambda path: path.name)
def test_a_case_gives_exactly_its_findings(case: Path) -> None:
    assert findings(case) == expected(case)


@pytest.mark.parametrize("case", VALID, ids=lambda path: path.name)
def test_a_valid_case_has_no_error(case: Path) -> None:
    assert "error" not in {one["severity"] for one in expected(case)}


@pytest.mark.parametrize("case", INVALID, ids=lambda path: path.name)
def test_an_invalid_case_says_where_and_how_to_mend_it(case: Path) -> None:
    errors = [one for one in expected(case) if one["severity"] == "error"]
    assert errors
    for one in errors:
        assert one["message"].endswith(".")
        assert (one["line"], one["column"]) <= (one["endLine"], one["endColumn"])
        assert one["hint"].endswith((".", "?", "`")) or ": qflow-gitops " in one["hint"]


def test_case_numbers_are_unique() -> None:
    for cases in (VALID, INVALID):
        numbers = [path.name.split("-")[0] for path in cases]
        assert sorted(set(numbers)) == numbers
