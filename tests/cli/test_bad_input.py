"""Bad input gets a clear sentence, the right exit code, the next command; nothing is sent."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qflow_gitops.cli.main import main
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.git import Workspace
from tests.helpers.partners import diagonal
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT
from tests.helpers.waits import at_once

BOTH = pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])


def kind(done: Done, code: int, *words: str) -> None:
    """The answer has the code, says the words, and holds no traceback."""
    assert done.code == code, (done.out, done.err)
    assert done.err.startswith("Error: ") or "\nError: " in done.err
    assert "→" in done.err
    for word in words:
        assert word in done.err
    assert "Traceback" not in done.out + done.err


@BOTH
def test_not_a_repository(
    command: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kind(Cli(tmp_path, capfd)(*command), 2, "git repository", "git init")


@BOTH
def test_a_folder_that_does_not_exist(
    command: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kind(Cli(tmp_path / "nowhere", capfd)(*command), 2, "-C DIR")


@pytest.mark.parametrize("words", [(), ("lock",), ("workflows",), ("schema",)])
def test_no_command_shows_the_help_as_a_person_reads_it(
    words: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    shown = capfd.readouterr().err
    assert ended.value.code == 2
    assert "\nCommands:\n" in shown
    assert "\\n" not in shown
    assert "Error:" not in shown


@pytest.mark.parametrize("command", ["sandbox", "demo", "demo --keep kept"])
def test_without_flask_the_sandbox_says_what_to_install(
    command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "qflow_gitops.sandbox.server", None)
    kind(cli(*command.split()), 2, "Flask", "`pip install 'Flask>=3.0'`")
    assert not (cli.folder / "kept").exists()


@BOTH
def test_no_commits(command: tuple[str, ...], cli: Cli) -> None:
    kind(cli(*command), 2, "no commits yet", "git commit")


@BOTH
@pytest.mark.parametrize(
    ("revision", "word"),
    [
        ("nowhere", "nowhere"),
        ("HEAD~99", "HEAD~99"),
        ("-dash", "revision"),
        ("--output=/tmp/x", "revision"),
        ("a\nb", "revision"),
        ("", "revision"),
        ("^HEAD", "revision"),  # what git takes for more or less than one commit is none
        ("HEAD^@", "HEAD^@"),
        ("HEAD^!", "HEAD^!"),
        ("HEAD^-", "HEAD^-"),
        ("HEAD..HEAD", "HEAD..HEAD"),
    ],
)
def test_a_revision_that_is_none(
    revision: str,
    word: str,
    command: tuple[str, ...],
    project: Workspace,
    cli: Cli,
) -> None:
    kind(cli(*command, f"--to={revision}"), 2, word)


@BOTH
def test_unknown_environment(command: tuple[str, ...], project: Workspace, cli: Cli) -> None:
    kind(cli(*command, "-e", "staging"), 2, "staging", "prod")


def test_several_environments_need_a_choice(workspace: Workspace, cli: Cli) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT + "    dev: {platform: sandbox}\n")
    workspace.commit()
    kind(cli("apply", "--yes"), 2, "dev, prod", "-e")


@BOTH
def test_unknown_platform_in_the_settings(
    command: tuple[str, ...], workspace: Workspace, cli: Cli
) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT.replace("sandbox", "US9"))
    workspace.commit()
    done = cli(*command)
    kind(done, 3)
    assert "qflow.yaml:5:" in done.out


def test_unknown_platform_in_the_environment(
    workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_PLATFORM", "EU9")
    monkeypatch.setenv("QFLOW_TOKEN", "a.b.c")
    workspace.write("runs/a.yaml", SAMPLE)
    workspace.commit()
    kind(cli("apply", "--yes"), 2, "EU9", "Did you mean EU")


def test_missing_credentials(
    project: Workspace, sandbox: SandboxServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QFLOW_CLIENT_ID")
    kind(cli("apply", "--yes"), 4, "QFLOW_CLIENT_ID", "QFLOW_PASSWORD", "QFLOW_TOKEN")
    monkeypatch.delenv("QFLOW_CLIENT_SECRET")
    kind(cli("apply", "--yes"), 4, "QFLOW_CLIENT_ID", "Nothing was sent")
    assert sandbox.requests() == []
    assert not (project.path / "qflow.lock").exists()


def test_two_sets_of_credentials(
    project: Workspace, sandbox: SandboxServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_TOKEN", "a.b.c")
    kind(cli("apply", "--yes"), 2, "QFLOW_TOKEN", "Unset one")


def test_refused_credentials_end_after_one_try(
    project: Workspace, sandbox: SandboxServer, cli: Cli
) -> None:
    sandbox.set_faults("401@token")
    kind(cli("apply", "--yes"), 4, "refused the credentials")
    assert len(sandbox.requests()) == 1


def test_api_access_is_off_for_the_role(
    project: Workspace, sandbox: SandboxServer, cli: Cli
) -> None:
    sandbox.set_faults("403@workflow")
    kind(cli("apply", "--yes"), 4, "Role Management", "Qualys API Access")
    assert sandbox.requests("POST", "/run") == []


def test_qualys_out_of_reach(project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFLOW_GATEWAY", "http://127.0.0.1:9")
    monkeypatch.setenv("QFLOW_TOKEN", "a.b.c")
    at_once(monkeypatch)
    kind(cli("apply", "--yes"), 12, "could not be asked")
    assert not (project.path / "qflow.lock").exists()


def test_nobody_to_confirm(project: Workspace, sandbox: SandboxServer, cli: Cli) -> None:
    kind(cli("apply"), 2, "--yes")
    assert sandbox.requests() == []


LOCKS = {
    "broken": ("{", "can't be read"),
    "a merge's leftovers": ("<<<<<<< HEAD\n{}\n", "can't be read"),
    "newer": ('{"lockfileVersion": 3}', "version 3"),
    "empty": ("", "can't be read"),
    "a list": ("[]", "can't be read"),
    "a lie": (
        json.dumps(
            {
                "lockfileVersion": 2,
                "lineage": "x",
                "serial": 1,
                "environments": {
                    "prod": {
                        "runs": {
                            "a": {
                                "attempts": [
                                    {
                                        "number": 1,
                                        "state": "succeeded",
                                        "digest": "v1:sha256:0",
                                        "events": [{"at": "x", "to": "intent"}],
                                    }
                                ]
                            }
                        }
                    }
                },
            }
        ),
        "its last event says intent",
    ),
}


@pytest.mark.parametrize(
    ("name", "command"),
    diagonal(LOCKS, (("plan",), ("apply", "--yes"), ("status",), ("history",))),
)
def test_a_lockfile_that_cannot_be_trusted(
    name: str,
    command: tuple[str, ...],
    project: Workspace,
    sandbox: SandboxServer,
    cli: Cli,
) -> None:
    content, words = LOCKS[name]
    project.write("qflow.lock", content)
    kind(cli(*command), 11, words)
    assert project.read("qflow.lock") == content
    assert sandbox.requests() == []


def test_a_lockfile_of_another_lineage(
    project: Workspace, sandbox: SandboxServer, cli: Cli
) -> None:
    assert cli("apply", "--yes").code == 0
    project.write("qflow.yaml", SANDBOX_PROJECT + "  lock: {lineage: 0123456789abcdef}\n")
    project.commit()
    kind(cli("apply", "--yes"), 11, "lineage")


def test_a_lineage_without_a_lockfile(project: Workspace, sandbox: SandboxServer, cli: Cli) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + "  lock: {lineage: 0123456789abcdef}\n")
    project.commit()
    kind(cli("apply", "--yes"), 11, "no lockfile", "git log --all")


def test_the_worktree_store_is_refused_in_a_ci(
    project: Workspace, sandbox: SandboxServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    done = cli("apply", "--yes")
    kind(done, 11, "a CI throws away", "qflow-gitops lock move --to branch")
    assert "ephemeral: allow" not in done.out + done.err
    monkeypatch.setenv("JENKINS_URL", "https://ci.example/")
    kind(cli("apply", "--yes"), 11, "lock move --to branch", "if this machine and its files stay")
    assert sandbox.requests("POST", "/run") == []


def test_a_shallow_clone_without_the_base_plans_everything(
    project: Workspace,
    sandbox: SandboxServer,
    cli: Cli,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli("apply", "--yes").code == 0
    project.write("runs/more.yaml", SAMPLE.replace("prod-buckets", "more").replace("maha2", "more"))
    project.commit("more")
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{project.path}", str(shallow)], check=True
    )
    shutil.copy(project.path / "qflow.lock", shallow / "qflow.lock")
    done = Cli(shallow, capfd)("plan", "--format", "json")
    assert done.code == 0
    assert done.data["full"] is True
    assert "--full" in done.data["notes"][0]
    # What the policy was up to now can't be read there, so it passes nothing.
    (held,) = [one for one in done.data["changes"] if one["action"] == "hold"]
    assert held["reason"] == "policy"
    assert "fetch-depth: 0" in held["hint"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_repository(project: Workspace, sandbox: SandboxServer, cli: Cli) -> None:
    git = project.path / ".git"
    git.chmod(0o555)
    try:
        kind(cli("apply", "--yes"), 11, "can't be written")
    finally:
        git.chmod(0o755)
    assert sandbox.requests("POST", "/run") == []


def test_a_full_disk_sends_nothing(
    project: Workspace, sandbox: SandboxServer, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    kind(cli("apply", "--yes"), 11, "No space left", "Make room")
    assert sandbox.requests("POST", "/run") == []


def test_unknown_commands_and_options(cli: Cli) -> None:
    done = cli("aply")
    assert (done.code, "Did you mean `qflow-gitops apply`?" in done.err) == (2, True)
    assert cli("plan", "--nope").code == 2


def test_errors_come_in_the_same_envelope_as_results(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = Cli(tmp_path, capfd)("plan", "--format", "json")
    assert (done.data["exitCode"], done.data["reason"]) == (2, "no_repository")
    assert done.data["error"]["hint"]
    assert done.data["changes"] == []


def test_a_bug_is_no_traceback(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError("secret-canary")

    monkeypatch.setattr("qflow_gitops.commands.plan.make_plan", bug)
    done = cli("plan")
    assert done.code == 70
    assert "Please report it" in done.err
    assert "Traceback" not in done.err
    assert "canary" not in done.err
