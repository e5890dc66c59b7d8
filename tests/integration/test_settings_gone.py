"""Settings that were there and are gone, are called otherwise or can't be told of hold everything.

Without them another lockfile, other environments and no policy would count, and all would be due
again. Each refusal names a command that, typed to the letter, puts them back.

`.ci/run` makes all of it in the work tree, `.ci/nightly` on a branch as well.
"""

from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import STORES, rows
from tests.helpers.specs import SANDBOX_PROJECT, spec
from tests.helpers.typed import commands, typed

COMMITTED = [
    ("plan",),
    ("plan", "--full"),
    ("apply", "--yes"),
    ("apply", "--yes", "--keep-going"),
    ("baseline", "--yes", "--reason", "test"),
    ("status",),
    ("history",),
    ("reconcile",),
    ("lock", "verify"),
]
WORKTREE = [("validate",), ("plan", "--worktree"), ("migrate",), ("rerun", "a", "--reason", "x")]
EVERY = COMMITTED + WORKTREE


@pytest.fixture(params=STORES)
def applied(
    request: pytest.FixtureRequest, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> Workspace:
    """A repository, in either store, all of whose runs were sent once."""
    if request.param == "branch":
        request.getfixturevalue("remote")
    workspace.write("qflow.yaml", BRANCH_PROJECT if request.param == "branch" else SANDBOX_PROJECT)
    workspace.write("runs/README.md", "Specs.\n")
    workspace.write("runs/a.yaml", spec("a"))
    workspace.write("runs/b.yaml", spec("b", 2))
    for name in (workspace.path / "runs/aws").glob("*"):
        name.unlink()
    workspace.commit("two runs")
    if request.param == "branch":
        workspace.git("push", "--quiet", "origin", "main")
    assert cli("apply", "--yes").code == 0
    assert posts(sandbox) == 2
    return workspace


def posts(sandbox: SandboxServer) -> int:
    return len(sandbox.requests("POST", "/run"))


def told(done: Done) -> str:
    return done.out + done.err


def test_settings_that_a_commit_removed_hold_everything(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    applied.git("rm", "--quiet", "qflow.yaml")
    applied.commit("no settings")
    applied.write("README.md", "later")
    applied.commit("later")
    for command in EVERY:
        done = cli(*command)
        assert done.code == 3, (command, done)
        assert "qflow.yaml" in done.err, (command, done)
    assert posts(sandbox) == 2
    back = commands(cli("plan").err)[0]
    assert back.startswith("git checkout ")
    typed(applied.path, back)
    assert cli("plan").code == 0
    assert cli("apply", "--yes").code == 0
    assert cli("validate").code == 0
    assert posts(sandbox) == 2


def test_settings_that_only_the_work_tree_lost(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What a commit holds is planned all the same; what the work tree says isn't."""
    applied.remove("qflow.yaml")
    for command in WORKTREE:
        done = cli(*command)
        assert (done.code, "lost its settings" in done.err) == (3, True), (command, done)
    assert cli("plan").code == 0
    assert cli("apply", "--yes").code == 0
    assert posts(sandbox) == 2
    (back,) = commands(cli("validate").err)
    typed(applied.path, back)
    assert cli("validate").code == 0


OTHER_NAMES = ["qflow.yml", "Qflow.yaml", ".qflow.yaml", "qflow.YAML", "QFLOW.yaml", "qflow.json"]


@pytest.mark.parametrize(
    "name", rows(OTHER_NAMES, lambda name: name in ("qflow.yml", "QFLOW.yaml"))
)
def test_settings_under_another_name_hold_everything(
    name: str, applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    applied.git("mv", "qflow.yaml", name)
    applied.commit("another name")
    for command in EVERY:
        done = cli(*command)
        assert done.code == 3, (command, done)
        assert f"{name}:1:1: error [settings-name]" in told(done), (command, done)
    assert posts(sandbox) == 2
    (move,) = commands(cli("plan").out)
    typed(applied.path, move)
    assert cli("apply", "--yes").code == 0
    assert cli("validate").code == 0
    assert posts(sandbox) == 2


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_new_project_with_misnamed_settings_is_not_one_without(
    name: str, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write(name, SANDBOX_PROJECT)
    workspace.write("runs/a.yaml", spec("a"))
    done = cli("validate")
    assert (done.code, f"{name}:1:1: error [settings-name]" in done.out) == (3, True)
    (move,) = commands(done.out)
    workspace.commit("first")
    assert cli("plan").code == 3
    assert cli("apply", "--yes").code == 3
    assert sandbox.requests() == []
    typed(workspace.path, move)
    assert cli("validate").code == 0


def test_another_file_beside_the_settings_is_a_warning(project: Workspace, cli: Cli) -> None:
    """Only `qflow.yaml` counts, and whoever edits the other one is told."""
    project.write("qflow.yml", "kind: nonsense\n")
    for _ in range(2):  # the second answer comes from what is kept
        done = cli("validate")
        assert (done.code, "qflow.yml:1:1: warning [settings-twice]" in done.out) == (0, True)
    assert cli("validate", "--strict").code == 3
    project.commit("two")
    done = cli("plan")
    assert (done.code, "warning [settings-twice]" in done.out) == (0, True)
    project.remove("qflow.yml")
    assert "settings-twice" not in cli("validate").out


def test_settings_that_other_machines_take_for_the_same_file(project: Workspace, cli: Cli) -> None:
    project.write("Qflow.yaml", SANDBOX_PROJECT)
    project.commit("two cases")
    for command in (("validate",), ("plan",), ("apply", "--yes")):
        done = cli(*command)
        assert (done.code, "Qflow.yaml:1:1: error [file-collision]" in done.out) == (3, True)


def test_githubs_own_workflow_is_no_misnamed_project(workspace: Workspace, cli: Cli) -> None:
    workspace.write(".github/workflows/qflow.yml", "on: push\n")
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("no settings, on purpose")
    folder = workspace.path / ".github/workflows"
    assert cli("-C", str(folder), "validate").code == 0
    assert cli("-C", str(folder), "plan").code == 0


def test_settings_that_are_not_committed_yet(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("first")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for command in (("plan",), ("apply", "--yes"), ("baseline", "--yes", "--reason", "x")):
        done = cli(*command)
        assert (done.code, "settings_uncommitted" in cli(*command, "--format", "json").out) == (
            3,
            True,
        ), done
    assert cli("plan", "--worktree").code == 0
    assert sandbox.requests() == []
    (add,) = commands(cli("plan").err)
    typed(workspace.path, add)
    assert cli("plan").code == 0


def test_first_settings_do_not_leave_the_lockfile_behind(
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without settings the lockfile was a file; the branch that they name is empty."""
    monkeypatch.setenv("QFLOW_PLATFORM", "sandbox")
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("no settings")
    assert cli("apply", "--yes").code == 0
    remote = Remote(tmp_path / "remote.git")
    workspace.git("remote", "add", "origin", remote.path.as_uri())
    workspace.write("qflow.yaml", BRANCH_PROJECT)
    workspace.commit("settings")
    workspace.git("push", "--quiet", "origin", "main")
    done = cli("apply", "--yes")
    assert (done.code, "its lockfile was qflow.lock before" in done.err) == (11, True), done
    assert posts(sandbox) == 1


def test_a_project_that_never_had_settings_goes_on_without(workspace: Workspace, cli: Cli) -> None:
    workspace.write("runs/a.yaml", spec("a"))
    for command in (("validate",), ("plan", "--worktree"), ("status",)):
        if command[0] != "plan":
            assert cli(*command).code == 0  # there is no commit yet
    workspace.commit("first")
    for command in (("validate",), ("plan",), ("status",)):
        assert cli(*command).code == 0


# --- where this clone can't tell -----------------------------------------------------


def without_settings(workspace: Workspace, *, removed: bool) -> None:
    """A history whose newest commit has no settings."""
    if removed:
        workspace.git("rm", "--quiet", "qflow.yaml")
    workspace.write("runs/later.yaml", spec("later"))
    workspace.commit("later")
    workspace.write("README.md", "more")
    workspace.commit("more")


def test_a_shallow_clone_cannot_tell_and_says_so(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """An apply gets the history that tells; whoever only looks names the command."""
    assert cli("apply", "--yes").code == 0
    without_settings(workspace, removed=True)
    workspace.git("push", "--quiet", "origin", "main")
    clone = remote.clone("shallow", "--depth=1")
    here = Cli(clone.path, capfd)
    for command in (("plan",), ("validate",), ("status",)):
        done = here(*command)
        assert (done.code, "can't be told" in done.err) == (3, True), (command, done)
    done = here("apply", "--yes")
    assert (done.code, "took the settings away" in done.err) == (3, True), done
    assert posts(sandbox) == 1

    clone = remote.clone("again", "--depth=1")
    here = Cli(clone.path, capfd)
    (fetch,) = commands(here("plan").err)
    typed(clone.path, fetch)
    assert "took the settings away" in here("plan").err


def test_a_shallow_clone_of_a_project_without_settings_goes_on_once_it_is_whole(
    workspace: Workspace, cli: Cli, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    remote = Remote(tmp_path / "remote.git")
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("first")
    without_settings(workspace, removed=False)
    workspace.git("push", "--quiet", remote.path.as_uri(), "main")
    clone = remote.clone("shallow", "--depth=1")
    here = Cli(clone.path, capfd)
    assert here("plan").code == 3
    typed(clone.path, commands(here("plan").err)[0])
    assert here("plan").code == 0


def test_settings_that_only_an_applied_side_branch_had(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The first-parent line never had any: the lockfile in the work tree knows better."""
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("first")
    workspace.git("switch", "--quiet", "-c", "side")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.commit("settings")
    assert cli("apply", "--yes").code == 0
    workspace.git("switch", "--quiet", "main")
    for command in (("plan",), ("apply", "--yes"), ("baseline", "--yes", "--reason", "x")):
        done = cli(*command)
        assert (done.code, "are gone" in done.err) == (3, True), (command, done)
    assert posts(sandbox) == 1
    typed(workspace.path, commands(cli("plan").err)[0])
    assert cli("plan").code == 0


# --- one project, one lockfile -------------------------------------------------------


def second(workspace: Workspace, settings: str, folder: str = "team") -> None:
    workspace.write(f"{folder}/qflow.yaml", settings)
    workspace.write(f"{folder}/runs/x.yaml", spec("x", 7))
    workspace.commit("a second project")


def test_two_projects_on_one_lock_branch_are_refused(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    second(workspace, BRANCH_PROJECT)
    for folder in ("", "team"):
        at = ("-C", str(workspace.path / folder))
        for command in (("plan",), ("apply", "--yes"), ("baseline", "--yes", "--reason", "x")):
            done = cli(*at, *command)
            assert (done.code, "qflow.yaml, team/qflow.yaml" in done.err) == (3, True), done
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    "settings",
    [
        SANDBOX_PROJECT,
        BRANCH_PROJECT.replace("{store: branch}", "{store: branch, branch: team-lock}"),
        "kind: nonsense\n",
    ],
    ids=["a file", "another branch", "invalid"],
)
def test_a_project_with_another_lockfile_is_no_trouble(
    settings: str, remote: Remote, workspace: Workspace, cli: Cli
) -> None:
    second(workspace, settings)
    for _ in range(2):  # the second time it is known which there are
        assert cli("plan").code == 0


@pytest.mark.parametrize("outer", ["runs: [runs]", "runs: [.]", "runs: [runs/team]"])
def test_a_project_in_another_ones_folder_of_specs_is_refused_by_both(
    outer: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + f"  {outer}\n")
    project.write("runs/team/qflow.yaml", SANDBOX_PROJECT)
    project.write("runs/team/runs/x.yaml", spec("x"))
    project.commit("nested")
    inner = str(project.path / "runs/team")
    for command in (("validate",), ("plan",), ("apply", "--yes")):
        done = cli(*command)
        assert done.code == 3
        assert "runs/team/qflow.yaml:1:1: error [project-nested]" in done.out, (command, done)
        done = cli("-C", inner, *command)
        assert (done.code, "would send its specs" in done.err) == (3, True), (command, done)
    cli("apply", "--yes", "--keep-going")
    assert posts(sandbox) == (0 if outer == "runs: [runs/team]" else 1)  # its own, and not x


def test_a_nested_project_that_is_gone_from_the_work_tree_is_none(
    project: Workspace, cli: Cli
) -> None:
    project.write("runs/team/qflow.yaml", SANDBOX_PROJECT)
    project.commit("nested")
    project.remove("runs/team/qflow.yaml")
    assert cli("validate").code == 0
