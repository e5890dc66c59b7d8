"""The pre-commit hooks, called as pre-commit calls them, and by pre-commit and prek themselves.

The kind: two programs that call us for the same commit with other files, or in another state.

It also runs them from this repository: `pre-commit try-repo PATH-OF-THIS-REPOSITORY --all-files`;
that installs what is needed, so here they are local hooks with the same words. `.ci/run` starts
pre-commit alone, `.ci/nightly` both.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly, requires, rows
from tests.helpers.specs import CONNECTOR, spec

FILE = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
HOOKS: dict[str, Any] = {one["id"]: one for one in YAML(typ="safe", pure=True).load(FILE)}
LEGACY = f"  connectorType: aws\n  variables: {{credentials: {CONNECTOR}}}\n"


def entry(name: str) -> list[str]:
    words: list[str]
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
    project.git("add", "--all")
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


def test_migrate_rewrites_in_each_project_of_the_given_files(project: Workspace, cli: Cli) -> None:
    """The root may have lost its settings to a folder: what is in no project is passed over."""
    (project.path / "team").mkdir()
    for name in ("qflow.yaml", "runs"):
        project.git("mv", name, f"team/{name}")
    project.write("team/runs/a.yaml", spec("a", extra=LEGACY))
    project.write("other/runs/a.yaml", spec("a", extra=LEGACY))
    project.commit("moved")
    given = ("team/runs/a.yaml", "other/runs/a.yaml", "team/qflow.yaml")
    done = cli(*entry("qflow-gitops-migrate"), *given)
    assert done.code == 0, done
    assert "connectorId" in project.read("team/runs/a.yaml")
    assert "connectorId" not in project.read("other/runs/a.yaml")


# --- by pre-commit itself, and by prek, which says it is a drop-in for it ------------

Staged = Callable[..., tuple[bool, str]]


@pytest.fixture(params=["pre-commit", pytest.param("prek", marks=[requires("prek"), nightly])])
def staged(request: pytest.FixtureRequest, project: Workspace, tmp_path: Path) -> Staged:
    """Stage all changes (or these), and say whether the hook passes, and what it wrote."""
    hook = {**HOOKS["qflow-gitops-validate"], "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    project.write(".pre-commit-config.yaml", json.dumps(config))
    project.commit("a hook")
    program = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{program}:{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "PREK_HOME": str(tmp_path / "prek"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }

    def run(*paths: str) -> tuple[bool, str]:
        project.git("add", "--all", *(["--", *paths] if paths else []))
        done = subprocess.run(
            [program / request.param, "run", "--color=never", "--verbose"],
            cwd=project.path, env=environ, text=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        assert done.returncode in (0, 1), done
        return done.returncode == 0, done.stdout

    return run


def test_a_good_and_a_bad_spec(project: Workspace, staged: Staged) -> None:
    project.write("runs/a.yaml", spec("a"))
    assert staged()[0]
    project.write("runs/b.yaml", spec("B"))
    passed, said = staged()
    assert (passed, "runs/b.yaml:4:9: error" in said) == (False, True)


def test_what_is_in_no_project_is_passed_over(project: Workspace, staged: Staged) -> None:
    """Also beside a spec with an error that is older than the hook."""
    project.write("runs/broken.yaml", spec("B"))
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "-m", "broken")
    project.write(".github/workflows/ci.yaml", "on: push\n")
    project.write(".github/workflows/qflow.yml", "on: push\n")
    project.write("package.json", "{}\n")
    project.write("docs/runs/x.yaml", "x: 1\n")
    assert staged()[0]
    project.write("README.md", "no YAML at all")
    project.git("commit", "--quiet", "--no-verify", "-m", "others")
    passed, said = staged()
    assert (passed, "no files to check" in said) == (True, True)


def test_staged_settings_report_all_that_they_break(project: Workspace, staged: Staged) -> None:
    project.write("runs/dev.yaml", spec("dev", metadata="  environment: dev\n"))
    settings = project.read("qflow.yaml")
    project.write(
        "qflow.yaml", settings + "    dev: {platform: sandbox}\n  defaultEnvironment: prod\n"
    )
    assert staged()[0]
    project.git("commit", "--quiet", "--no-verify", "-m", "two environments")
    project.write("qflow.yaml", settings)
    passed, said = staged()
    assert not passed
    assert "runs/dev.yaml:5:16: error [environment-unknown]" in said


def test_a_staged_file_of_the_catalog_reports_all_that_it_breaks(
    project: Workspace, staged: Staged
) -> None:
    other = "7cad21c8-4405-4517-beb9-7372feafb5b4"
    known = {"apiVersion": "qflow-gitops/v1", "kind": "Workflow", "id": other}
    project.write(f"workflows/{other}.json", json.dumps(known))
    passed, said = staged()
    assert not passed
    assert "runs/aws/buckets.yaml:6:15: error [workflow-unknown]" in said


@pytest.mark.parametrize(
    "name", rows(("qflow.yml", ".qflow.yaml", "settings.yaml"), lambda name: name == "qflow.yml")
)
def test_settings_that_are_renamed(name: str, project: Workspace, staged: Staged) -> None:
    project.git("mv", "qflow.yaml", name)
    passed, said = staged()
    assert not passed
    assert "qflow.yaml" in said


def test_settings_that_are_removed_with_a_change_of_a_spec(
    project: Workspace, staged: Staged
) -> None:
    """A removed file alone is nothing that pre-commit calls a hook for; `plan` sees it."""
    project.git("rm", "--quiet", "qflow.yaml")
    assert "no files to check" in staged()[1]
    project.write("runs/a.yaml", spec("a"))
    passed, said = staged()
    assert (passed, "lost its settings" in said) == (False, True)


def test_projects_in_folders(project: Workspace, staged: Staged) -> None:
    """Each staged file is checked with the settings of its own project."""
    for folder in ("one", "two"):
        project.write(f"{folder}/qflow.yaml", project.read("qflow.yaml").replace("prod", folder))
        project.write(f"{folder}/runs/a.yaml", spec("a", metadata=f"  environment: {folder}\n"))
    project.write("runs/root.yaml", spec("root"))
    assert staged()[0]
    project.git("commit", "--quiet", "--no-verify", "-m", "three projects")
    project.write("one/runs/a.yaml", spec("a", metadata="  environment: two\n"))
    project.write("two/runs/b.yaml", spec("B"))
    passed, said = staged()
    assert not passed
    assert "one/runs/a.yaml:5:16: error [environment-unknown]" in said
    assert "two/runs/b.yaml:4:9: error" in said
    project.git("restore", "--staged", "two")
    assert "two/runs" not in staged("one")[1]


@nightly
def test_a_repository_whose_only_project_lies_in_a_folder(
    project: Workspace, staged: Staged
) -> None:
    (project.path / "team").mkdir()
    for name in ("qflow.yaml", "runs"):
        project.git("mv", name, f"team/{name}")
    assert staged()[0]
    project.git("commit", "--quiet", "--no-verify", "-m", "moved")
    project.write("compose.yaml", "services: {}\n")
    assert staged()[0]
    project.git("mv", "team/qflow.yaml", "team/qflow.yml")
    passed, said = staged()
    assert (passed, "team/qflow.yml:1:1: error [settings-name]" in said) == (False, True)


@pytest.mark.fault(30)
def test_a_staged_link_is_seen(project: Workspace, staged: Staged) -> None:
    """The kind: what pre-commit leaves out unless a hook asks for it."""
    (project.path / "runs" / "link.yaml").symlink_to("aws/buckets.yaml")
    (project.path / "elsewhere").symlink_to("/nowhere")
    passed, said = staged()
    assert (passed, "runs/link.yaml:1:1: error" in said, "elsewhere" in said) == (
        False,
        True,
        False,
    ), said


@pytest.mark.fault(30)
def test_an_untracked_draft_blocks_no_commit(project: Workspace, staged: Staged, cli: Cli) -> None:
    """pre-commit puts unstaged changes away, but no file that git doesn't know."""
    project.write("runs/a.yaml", spec("a"))
    project.write("runs/draft.yaml", spec("a"))
    project.write("runs/nonsense.yaml", "x: [\n")
    for _ in range(2):
        assert staged("runs/a.yaml")[0]
        assert cli("validate").code == 3  # which is about the work tree
    passed, said = staged("runs/a.yaml", "runs/draft.yaml")
    assert (passed, "[duplicate-name]" in said) == (False, True)


@nightly
def test_three_hundred_specs_staged_in_part_deleted_and_renamed(
    project: Workspace, staged: Staged
) -> None:
    for number in range(300):
        project.write(f"runs/{number // 50}/r{number}.yaml", spec(f"r{number}"))
    assert staged()[0]
    project.git("commit", "--quiet", "--no-verify", "-m", "many")
    project.git("mv", "runs/0/r1.yaml", "runs/1/moved.yaml")
    project.git("rm", "--quiet", "runs/0/r2.yaml")
    project.write("runs/0/r3.yaml", spec("r2"))
    project.write("runs/0/r4.yaml", spec("B"))  # not staged: pre-commit puts it away
    project.write("runs/5/r299.yaml", spec("r299", "changed"))
    assert staged("runs/0/r3.yaml", "runs/5/r299.yaml")[0]
    assert "name: B" in project.read("runs/0/r4.yaml")
    project.write("runs/0/r3.yaml", spec("r5"))
    passed, said = staged("runs/0/r3.yaml")
    assert (passed, "[duplicate-name]" in said, "r4" in said) == (False, True, False)
