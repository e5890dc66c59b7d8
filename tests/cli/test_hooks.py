"""The pre-commit hooks, called as pre-commit calls them: the entry, then the staged files.

Tried with pre-commit itself: `pre-commit try-repo PATH-OF-THIS-REPOSITORY --all-files`.
"""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, spec

FILE = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
HOOKS: dict[str, Any] = {one["id"]: one for one in YAML(typ="safe", pure=True).load(FILE)}
LEGACY = f"  connectorType: aws\n  variables: {{credentials: {CONNECTOR}}}\n"


def entry(name: str) -> list[str]:
    program, *words = HOOKS[name]["entry"].split()
    assert program == "qflow-gitops"
    return words


def test_both_hooks_are_there_and_run_in_one_process() -> None:
    assert set(HOOKS) == {"qflow-gitops-validate", "qflow-gitops-migrate"}
    for one in HOOKS.values():
        assert (one["language"], one["require_serial"]) == ("python", True)


def test_validate_reports_on_the_given_files_and_still_finds_names_that_stand_twice(
    project: Workspace, cli: Cli
) -> None:
    project.write("runs/a.yaml", spec("a"))
    project.write("runs/same.yaml", spec("a"))
    project.write("runs/broken.yaml", spec("B"))
    project.write(".github/workflows/ci.yaml", "on: push\n")
    done = cli(*entry("qflow-gitops-validate"), "runs/a.yaml", ".github/workflows/ci.yaml")
    assert done.code == 3
    assert "runs/a.yaml:4:9: error [duplicate-name]" in done.out
    assert "runs/broken.yaml" not in done.out
    assert cli(*entry("qflow-gitops-validate"), "runs/aws/buckets.yaml").code == 0


@pytest.mark.parametrize("given", ["runs/a.yaml", "qflow.yaml"])
def test_migrate_rewrites_only_the_given_files(project: Workspace, cli: Cli, given: str) -> None:
    for name in ("a", "b"):
        project.write(f"runs/{name}.yaml", spec(name, extra=LEGACY))
    assert cli(*entry("qflow-gitops-migrate"), given).code == 0
    assert ("connectorId" in project.read("runs/a.yaml")) is (given == "runs/a.yaml")
    assert "connectorId" not in project.read("runs/b.yaml")
