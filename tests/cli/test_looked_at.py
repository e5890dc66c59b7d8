"""Green means looked at: folders that aren't there and paths that are no spec end with exit 3."""

import json

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import STORES
from tests.helpers.specs import SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.typed import commands, typed

# --- paths that are given ------------------------------------------------------------


@pytest.fixture
def odd(project: Workspace) -> Workspace:
    """A project, and much that isn't one of its specs."""
    project.write("README.md", "words")
    project.write("docs/notes.yaml", "a: 1\n")
    project.write("runs/aws/notes.txt", "words")
    project.write(".gitignore", "ignored.yaml\n")
    project.write("runs/ignored.yaml", spec("ignored"))
    project.write("qflow.lock", "{}")
    project.write("runs/empty/.keep", "")
    project.write("team/qflow.yaml", SANDBOX_PROJECT)
    project.write("team/runs/x.yaml", spec("x"))
    return project


NO_SPECS = {
    "README.md": "specs lie in runs",
    "docs/notes.yaml": "specs lie in runs",
    "docs": "No spec of this project",
    "runs/aws/notes.txt": "Specs are .yaml and .yml files",
    "runs/README.md": "Specs are .yaml and .yml files",
    "runs/ignored.yaml": "git ignores this file",
    "runs/empty": "No spec of this project",
    "qflow.lock": "This is the lockfile",
    "team": "belongs to the project in `team`",
    "team/qflow.yaml": "belongs to the project in `team`",
    "team/runs/x.yaml": "belongs to the project in `team`",
}


@pytest.mark.parametrize("path", NO_SPECS)
def test_a_path_that_is_no_spec_is_not_green(path: str, odd: Workspace, cli: Cli) -> None:
    for _ in range(2):
        done = cli("validate", str(odd.path / path))
        assert done.code == 3, done
        assert f"{path}:1:1: error [path-no-spec]" in done.out
        assert NO_SPECS[path] in done.out
    done = cli("validate", "--hook", str(odd.path / path))
    assert done.code == 0, done  # a hook gives whatever is staged


@pytest.mark.parametrize("path", NO_SPECS)
def test_what_is_said_of_such_a_path_can_be_typed(
    path: str, odd: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for command in commands(cli("validate", str(odd.path / path)).out):
        typed(odd.path, command, code=11 if "lock verify" in command else 0)


@pytest.mark.parametrize("path", ["qflow.yaml", "workflows", ".", "runs", "runs/aws", "CATALOG"])
def test_what_a_project_is_made_of_is_looked_at(path: str, odd: Workspace, cli: Cli) -> None:
    file = f"workflows/{WORKFLOW}.json"
    known = {"apiVersion": "qflow-gitops/v1", "kind": "Workflow", "id": WORKFLOW}
    odd.write(file, json.dumps(known))
    done = cli("validate", str(odd.path / (file if path == "CATALOG" else path)))
    assert done.code == 0, done


def test_a_path_with_a_finding_was_looked_at(odd: Workspace, cli: Cli) -> None:
    odd.write("runs/bad.yaml", "a: [\n")
    (odd.path / "runs/link.yaml").symlink_to("bad.yaml")
    for path in ("runs/bad.yaml", "runs/link.yaml"):
        done = cli("validate", str(odd.path / path))
        assert done.code == 3
        assert "path-no-spec" not in done.out


def test_other_paths_are_still_reported(odd: Workspace, cli: Cli) -> None:
    odd.write("runs/bad.yaml", spec("B"))
    done = cli("validate", str(odd.path / "README.md"), str(odd.path / "runs/bad.yaml"))
    assert "README.md:1:1: error [path-no-spec]" in done.out
    assert "runs/bad.yaml:4:9: error" in done.out


def test_the_settings_report_all_that_they_break(project: Workspace, cli: Cli) -> None:
    """A finding stands where the spec is, and comes from the settings all the same."""
    project.write("runs/dev.yaml", spec("dev", metadata="  environment: dev\n"))
    done = cli("validate", str(project.path / "qflow.yaml"))
    assert (done.code, "runs/dev.yaml:5:16: error [environment-unknown]" in done.out) == (3, True)
    assert "runs/dev.yaml" not in cli("validate", str(project.path / "runs/aws")).out


def test_hook_needs_paths(project: Workspace, cli: Cli) -> None:
    assert cli("validate", "--hook").code == 2


# --- folders that aren't there -------------------------------------------------------


def test_a_fresh_project_is_green_and_says_that_it_holds_nothing(
    workspace: Workspace, cli: Cli
) -> None:
    assert cli("init", str(workspace.path), "--platform", "sandbox").code == 0
    for _ in range(2):
        done = cli("validate")
        assert (done.code, "0 valid runs" in done.out) == (0, True)
    workspace.git("add", ".")
    workspace.git("commit", "--quiet", "-m", "begun")
    assert (cli("validate").code, cli("plan").code) == (0, 0)
    assert "0 runs to start" in cli("plan").out


def test_a_repository_without_anything_to_look_at_is_not_green(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("README.md", "words")
    workspace.commit("no specs")
    for command in (("validate",), ("plan",), ("plan", "--worktree"), ("apply", "--yes"),
                    ("baseline", "--yes", "--reason", "x")):  # fmt: skip
        done = cli(*command)
        assert (done.code, "[runs-missing]" in done.out) == (3, True), (command, done)
    assert "init" in cli("validate").out
    keep = commands(cli("plan").out)[0]
    typed(workspace.path, keep)
    assert (cli("validate").code, cli("plan").code) == (0, 0)


@pytest.mark.parametrize("runs", ["[rusn]", "[rusn, ruin]", "[qflow.yaml]"])
def test_misspelled_folders_are_not_green(runs: str, project: Workspace, cli: Cli) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + f"  runs: {runs}\n")
    project.commit("misspelled")
    for command in (("validate",), ("plan",)):
        done = cli(*command)
        assert done.code == 3
        assert "qflow.yaml:6:10: error [runs-missing]" in done.out, done


def test_one_misspelled_folder_of_several_is_a_warning(project: Workspace, cli: Cli) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + "  runs: [runs, rusn]\n")
    project.commit("misspelled")
    for command in (("validate",), ("validate",), ("plan",), ("apply", "--yes", "--no-wait")):
        done = cli(*command)
        if command[0] != "apply":
            assert (done.code, "6:16: warning [runs-unused]" in done.out) == (0, True), done
    assert cli("validate", "--strict").code == 3


@pytest.fixture(params=STORES)
def sent(
    request: pytest.FixtureRequest, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> Workspace:
    """Two folders of specs, from each of which a run was sent."""
    settings = SANDBOX_PROJECT
    if request.param == "branch":
        request.getfixturevalue("remote")
        settings += "  lock: {store: branch}\n"
        workspace.git("rm", "-rq", "runs")
    workspace.write("qflow.yaml", settings + "  runs: [runs/aws, runs/azure]\n")
    workspace.write("runs/aws/a.yaml", spec("a"))
    workspace.write("runs/azure/b.yaml", spec("b", 2))
    workspace.commit("two folders")
    if request.param == "branch":
        workspace.git("push", "--quiet", "origin", "main")
    assert cli("apply", "--yes").code == 0
    return workspace


def test_a_folder_from_which_runs_were_sent_is_missed(
    sent: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sent.git("rm", "-rq", "runs/azure")
    for command in (("validate",), ("plan", "--worktree")):
        done = cli(*command)
        assert (done.code, "from which runs were sent" in done.out) == (3, True), (command, done)
    sent.commit("gone")
    for command in (("validate",), ("plan",), ("plan", "--full"), ("apply", "--yes")):
        done = cli(*command)
        assert (done.code, "from which runs were sent" in done.out) == (3, True), (command, done)
    _, keep = commands(cli("plan").out)
    typed(sent.path, keep)
    assert (cli("validate").code, cli("plan").code) == (0, 0)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_such_a_folder_is_put_back_by_the_command_that_is_named(
    sent: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sent.git("rm", "-rq", "runs/azure")
    sent.commit("gone")
    back, _ = commands(cli("plan").out)
    typed(sent.path, back)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_a_folder_that_is_taken_out_of_the_settings_is_missed_no_more(
    sent: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sent.git("rm", "-rq", "runs/azure")
    sent.write("qflow.yaml", sent.read("qflow.yaml").replace(", runs/azure", ""))
    sent.commit("meant so")
    assert (cli("validate").code, cli("plan").code) == (0, 0)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_validate_asks_no_remote(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What this clone knows of the lockfile tells whether something was sent from a folder."""
    workspace.write("qflow.yaml", workspace.read("qflow.yaml") + "  runs: [runs/aws, runs/azure]\n")
    workspace.write("runs/azure/b.yaml", spec("b", 2))
    workspace.commit("two folders")
    workspace.git("push", "--quiet", "origin", "main")
    assert cli("apply", "--yes").code == 0
    workspace.git("rm", "-rq", "runs/azure")
    remote.path.rename(remote.path.with_name("away"))
    done = cli("validate")
    assert (done.code, "from which runs were sent" in done.out) == (3, True), done
