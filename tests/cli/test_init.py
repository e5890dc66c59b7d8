"""`init` at the command line: which lockfile a project begins with, and what to type then."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from qflow_gitops.cli.console import Console
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.helpers.typed import typed

BEGIN = ("init", "--platform", "sandbox")


def steps(done: Done) -> list[str]:
    """What is said to come next."""
    assert done.code == 0, done
    return [line.strip() for line in done.out.partition("Next:")[2].splitlines() if line.strip()]


def lock_of(folder: Path) -> str:
    return (folder / "qflow.yaml").read_text(encoding="utf-8").partition("  lock:\n")[2]


@pytest.mark.parametrize("known", [True, False])
def test_for_github_without_a_remote_each_step_works_when_typed(
    known: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str], sandbox: SandboxServer
) -> None:
    """In a repository, and where there is none yet; the first apply makes the lockfile."""
    folder, remote = tmp_path / "begun", Remote(tmp_path / "remote.git")
    folder.mkdir()
    if known:
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    cli = Cli(folder, capfd)
    told = steps(cli(*BEGIN, "--github"))
    assert lock_of(folder) == "    store: branch\n    branch: qflow-lock\n"
    assert not (folder / "qflow.lock").exists()
    assert ("git init" in told) is not known
    for step in told:
        if step.startswith(("git ", "qflow-gitops ")):
            typed(folder, step.replace("ADDRESS", remote.path.as_uri()))
        if step.startswith("qflow-gitops new "):  # which a person fills in
            Workspace(folder).write(step.partition(">")[2].split()[0], spec("a"))
    Workspace(folder).publish("a run")
    assert cli("apply", "--yes").code == 0
    assert remote.states() == {"a": "succeeded"}


def test_for_github_a_file_of_the_work_tree_is_refused(workspace: Workspace, cli: Cli) -> None:
    done = cli(*BEGIN, "--github", "--store", "worktree")
    assert (done.code, "throws its work tree away" in done.err) == (2, True), done
    done = cli(*BEGIN, "--branch", "x", "--store", "worktree")
    assert (done.code, "--branch is for" in done.err) == (2, True), done
    done = cli(*BEGIN, "--branch", "a..b")
    assert (done.code, "letters, digits" in done.err) == (2, True), done
    assert workspace.git("status", "--porcelain") == ""


@pytest.fixture
def begun(
    workspace: Workspace, tmp_path: Path, sandbox: SandboxServer, cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> Workspace:  # fmt: skip
    """A project without settings, with a run, its lockfile in the work tree, and a remote."""
    monkeypatch.setenv("QFLOW_PLATFORM", "sandbox")
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("a run")
    assert cli("apply", "--yes").code == 0
    workspace.git("remote", "add", "origin", Remote(tmp_path / "remote.git").path.as_uri())
    return workspace


def test_beside_a_lockfile_it_is_taken_as_it_is(
    begun: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for more in (["--github"], ["--store", "branch"], ["--branch", "x"]):
        done = cli(*BEGIN, *more)
        assert done.code == 3
        assert "init --platform sandbox --store worktree`, commit, then" in done.err
        assert " lock move --to branch`" in done.err
        assert not (begun.path / "qflow.yaml").exists()
    assert cli(*BEGIN).code == 0
    assert "store: worktree" in lock_of(begun.path)
    begun.commit("settings")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.requests("POST", "/run")) == 1


def test_the_lockfile_on_the_remote_goes_on(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Settings that were lost, or a clone from before they were committed."""
    assert cli("apply", "--yes").code == 0
    workspace.remove("qflow.yaml")
    done = cli(*BEGIN)
    assert (done.code, "kept" in done.out) == (0, True), done
    assert f'lineage: "{remote.record()["lineage"]}"' in lock_of(workspace.path)
    workspace.publish("settings anew")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.requests("POST", "/run")) == 1


def test_a_branch_by_its_name(remote: Remote, workspace: Workspace, cli: Cli) -> None:
    workspace.remove("qflow.yaml")
    assert cli(*BEGIN, "--branch", "locks/runs").code == 0
    assert "    branch: locks/runs\n" in lock_of(workspace.path)
    assert "locks/runs" in remote.git("branch", "--list")


def test_two_projects_have_two_branches(
    remote: Remote, workspace: Workspace, cli: Cli, capfd: pytest.CaptureFixture[str],
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    assert cli(*BEGIN, "teams/pay").code == 0
    assert "    branch: qflow-lock-teams-pay\n" in lock_of(workspace.path / "teams/pay")
    assert cli(*BEGIN, "teams-pay").code == 0  # not even committed, the other one
    assert "    branch: qflow-lock-teams-pay-" in lock_of(workspace.path / "teams-pay")
    workspace.write("teams/pay/runs/b.yaml", spec("b"))
    workspace.publish("another project")
    for folder in (".", "teams/pay", "teams-pay"):
        assert Cli(workspace.path / folder, capfd)("apply", "--yes").code == 0
    assert len(sandbox.requests("POST", "/run")) == 2
    assert remote.record("qflow-lock-teams-pay")["environments"]["prod"]["runs"].keys() == {"b"}


# --- which platform -------------------------------------------------------------------------


def platform_of(folder: Path) -> str:
    return (folder / "qflow.yaml").read_text().partition("platform: ")[2].partition("\n")[0]


def ask(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let somebody sit there, who answers so."""
    at_process = Console.for_process.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Console,
        "for_process",
        classmethod(lambda cls, *given, **more: at_process(cls, *given, **more)._replace(
            interactive=True
        )),
    )  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))


def test_a_platform_that_nobody_named_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    guess = "edit qflow.yaml: its platform is US1 as --platform named none; it may not be yours"
    assert guess in steps(Cli(tmp_path, capfd)("init"))
    monkeypatch.setenv("QFLOW_PLATFORM", "EU2")
    told = steps(Cli(tmp_path, capfd)("init", "by-variable"))
    assert (platform_of(tmp_path / "by-variable"), guess in told) == ("EU2", False)


def test_at_a_terminal_it_is_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(monkeypatch, "eu9", "EU2")
    done = Cli(tmp_path, capfd)("init")
    assert (platform_of(tmp_path), done.err.count("Your Qualys platform (US1")) == ("EU2", 2)
    assert "`eu9` is none of them." in done.err
    assert not any("US1" in step for step in steps(done))
    ask(monkeypatch)
    assert Cli(tmp_path, capfd)("init", "elsewhere").code == 130  # nobody there after all
    assert not (tmp_path / "elsewhere/qflow.yaml").exists()


def test_settings_that_are_there_stay_and_it_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cli = Cli(tmp_path, capfd)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert cli("init", "--platform", "EU1").code == 0
    again = cli("init", "--platform", "EU2")
    kept = "    kept  qflow.yaml  it says `platform: EU1`, not EU2: change it there\n"
    assert (again.code, kept in again.out, platform_of(tmp_path)) == (0, True, "EU1")
    assert not any(step.startswith("git ") for step in steps(again))  # nothing to commit
    assert not any(" new " in step for step in steps(again))  # it isn't the beginning
    subprocess.run(["git", "remote", "add", "origin", "x"], cwd=tmp_path, check=True)
    moved = cli("init", "--branch", "locks")
    move = f"qflow-gitops -C {tmp_path} lock move --to branch --branch locks"
    assert f"its lockfile is a file: `{move}` changes that" in moved.out
    assert "  it says" not in cli("init", "--platform", "EU1").out
    assert "  it says" not in cli("init").out


def test_the_workflows_are_for_the_default_branch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where that is called `master`, known from the remote or as it is here."""
    for name in ("master", "main", "trunk"):
        folder = tmp_path / name
        subprocess.run(["git", "init", "--quiet", "-b", name, str(folder)], check=True)
        assert Cli(folder, capfd)(*BEGIN, "--github").code == 0
        assert f"    branches: [{name}]\n" in (folder / ".github/workflows/qflow.yml").read_text()
    clone = Workspace(tmp_path / "master")
    clone.git("update-ref", "refs/remotes/origin/1.x", clone.commit())
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/1.x")
    (clone.path / ".github/workflows/qflow.yml").unlink()
    assert Cli(clone.path, capfd)(*BEGIN, "--github").code == 0
    text = (clone.path / ".github/workflows/qflow.yml").read_text()
    assert '    branches: ["1.x"]\n' in text
