"""Making a record, declaring what ran before, checking signatures, bringing lost answers in."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, spec

RUN = "encrypt-prod-buckets"


@pytest.fixture
def empty(workspace: Workspace, tmp_path: Path) -> Remote:
    """A repository with a bare remote and nothing in it yet."""
    made = Remote(tmp_path / "remote.git")
    workspace.git("remote", "add", "origin", made.path.as_uri())
    return made


def test_init_makes_the_record_on_the_remote_and_pins_it(
    empty: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("init", str(workspace.path), "--platform", "sandbox").code == 0
    lineage = empty.record()["lineage"]
    assert f'lineage: "{lineage}"' in workspace.read("qflow.yaml")
    assert "store: branch" in workspace.read("qflow.yaml")
    assert not (workspace.path / "qflow.lock").exists()
    workspace.write("runs/aws/buckets.yaml", SAMPLE)
    workspace.commit("begin")
    assert cli("apply", "--yes").code == 0
    assert empty.states() == {RUN: "succeeded"}
    assert cli("lock", "verify").code == 0
    before = empty.tip()
    assert cli("init", str(workspace.path), "--platform", "sandbox").code == 0
    assert empty.tip() == before


def test_init_takes_the_record_that_is_there(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    workspace.remove("qflow.yaml")
    assert cli("init", str(workspace.path), "--platform", "sandbox").code == 0
    assert f'lineage: "{remote.record()["lineage"]}"' in workspace.read("qflow.yaml")


def test_init_without_its_remote_leaves_the_record_to_the_first_apply(
    empty: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    empty.path.rename(empty.path.with_name("away.git"))
    done = cli("init", str(workspace.path), "--platform", "sandbox")
    assert done.code == 0
    assert "by the first apply" in done.out
    assert "lineage" not in workspace.read("qflow.yaml")
    empty.path.with_name("away.git").rename(empty.path)
    workspace.write("runs/aws/buckets.yaml", SAMPLE)
    workspace.commit("begin")
    assert cli("apply", "--yes").code == 0


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--store", "branch"), 2)])
def test_init_without_a_remote(
    arguments: tuple[str, ...], code: int, workspace: Workspace, cli: Cli
) -> None:
    assert cli("init", str(workspace.path), *arguments).code == code
    assert (workspace.path / "qflow.lock").exists() == (code == 0)


def test_init_can_be_told_to_keep_a_file(empty: Remote, workspace: Workspace, cli: Cli) -> None:
    assert cli("init", str(workspace.path), "--store", "worktree").code == 0
    assert (workspace.path / "qflow.lock").exists()
    assert "store: worktree" in workspace.read("qflow.yaml")


def test_a_baseline_sends_nothing_ever(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("runs/b.yaml", spec("b", metadata="  labels: {new: yes-it-is}\n"))
    workspace.publish("b")
    assert cli("baseline", "--reason", "by hand, in spring").code == 2
    assert cli("baseline", "--yes", "--reason", " ").code == 2
    with pytest.raises(subprocess.CalledProcessError):
        remote.tip()
    done = cli("baseline", "--yes", "--reason", "by hand, in spring", "-l", "new=yes-it-is")
    assert done.code == 0, done.err
    assert remote.states() == {"b": "baselined"}
    (attempt,) = remote.attempts("b")
    assert attempt["events"][0]["detail"] == "by hand, in spring"
    assert attempt["events"][0]["by"]["actor"] == "test@example.com"
    assert remote.record()["lineage"] in workspace.read("qflow.yaml")
    assert cli("baseline", "--yes", "--reason", "all").code == 0
    assert set(remote.states()) == {"b", RUN}
    plan = cli.json("plan", "--full")
    assert {one["reason"] for one in plan["changes"]} == {"baselined"}
    assert cli("apply", "--yes").code == 0
    assert sandbox.requests() == []
    workspace.write("runs/b.yaml", spec("b", 2))
    workspace.publish("b changes")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_a_baseline_of_invalid_specs_is_refused(project: Workspace, cli: Cli) -> None:
    project.write("runs/broken.yaml", SAMPLE.replace("us-east-1", "nowhere"))
    project.commit("broken")
    assert cli("baseline", "--yes", "--reason", "x").code == 3
    assert not (project.path / "qflow.lock").exists()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_signatures_are_made_and_asked_for(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path
) -> None:
    """Only an SSH signature of the signers' file counts; one unsigned commit is a problem."""
    for name in ("ada", "eve"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    signers = tmp_path / "signers"
    signers.write_text(f"ada@example.com {(tmp_path / 'ada.pub').read_text()}")
    workspace.git("config", "gpg.format", "ssh")
    workspace.git("config", "commit.gpgsign", "true")
    workspace.git("config", "user.signingkey", str(tmp_path / "ada"))
    assert cli("apply", "--yes").code == 0
    good = cli.json("lock", "verify", "--signers", str(signers))
    assert (good["exitCode"], good["problems"]) == (0, [])
    assert good["signed"] == good["versions"] == len(remote.subjects())
    workspace.git("config", "user.signingkey", str(tmp_path / "eve"))
    workspace.write("runs/b.yaml", spec("b"))
    workspace.publish("b")
    assert cli("apply", "--yes", "--no-wait").code == 0
    bad = cli.json("lock", "verify", "--signers", str(signers))
    assert bad["exitCode"] == 11
    assert all("no signature of an allowed signer" in one for one in bad["problems"])
    assert bad["signed"] == good["signed"]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_a_key_that_can_t_sign_sends_nothing(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.git("config", "gpg.format", "ssh")
    workspace.git("config", "commit.gpgsign", "true")
    workspace.git("config", "user.signingkey", "/nowhere")
    (workspace.path / "x").write_text("")
    done = cli("apply", "--yes")
    assert done.code == 11
    assert "commit-tree failed" in done.err
    assert sandbox.requests("POST", "/run") == []


def test_signatures_of_a_file_are_no_question(project: Workspace, cli: Cli, tmp_path: Path) -> None:
    assert cli("baseline", "--yes", "--reason", "x").code == 0
    (tmp_path / "signers").write_text("")
    assert cli("lock", "verify", "--signers", str(tmp_path / "signers")).code == 2


def test_verify_before_the_first_apply_says_so(project: Workspace, cli: Cli) -> None:
    done = cli("lock", "verify")
    assert done.code == 11
    assert "The first apply makes it" in done.err


def test_verify_finds_a_request_that_its_file_never_held(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A digest that was written by hand belongs to no file."""
    assert cli("apply", "--yes").code == 0
    text = project.read("qflow.lock")
    digest = json.loads(text)["environments"]["prod"]["runs"][RUN]["attempts"][0]["digest"]
    shutil.rmtree(project.path / ".git/qflow-gitops")
    project.write("qflow.lock", text.replace(digest, "v1:sha256:" + "0" * 64))
    done = cli.json("lock", "verify")
    assert done["exitCode"] == 11
    assert any("holds no such request" in one for one in done["problems"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '{"rescueVersion": 2, "transition": {"a": 1}}',
        '{"rescueVersion": 1, "transition": {"a": 1}, "lineage": "x"}',
        '{"rescueVersion": 1, "transition": "x", "lineage": "x"}',
        "\x00\xff",
    ],
)
def test_what_is_no_rescue_file_is_refused_kindly(
    content: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    before = project.read("qflow.lock")
    lineage = json.loads(before)["lineage"]
    project.write("lines", content.replace('"lineage": "x"', f'"lineage": "{lineage}"'))
    done = cli("lock", "push", str(project.path / "lines"))
    assert done.code in (2, 11)
    assert "Traceback" not in done.err
    assert project.read("qflow.lock") == before
    assert (project.path / "lines").exists()


def test_two_environments_have_to_be_named(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write(
        "qflow.yaml", BRANCH_PROJECT.replace("branch", "worktree") + "  defaultEnvironment: prod\n"
    )
    text = workspace.read("qflow.yaml").replace(
        "    prod: {platform: sandbox}\n",
        "    prod: {platform: sandbox}\n    dev: {platform: sandbox}\n",
    )
    workspace.write("qflow.yaml", text)
    workspace.write("runs/aws/buckets.yaml", SAMPLE)
    workspace.commit("two environments")
    for command in (["apply", "--yes"], ["reconcile"], ["status", "--refresh"]):
        done = cli(*command)
        assert done.code == 2, done
        assert "-e dev`" in done.err
    assert sandbox.requests() == []


@pytest.mark.fault(41)
def test_init_goes_on_with_a_lockfile_that_was_begun_without_settings(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another lineage would end every plan; a new lockfile would make all of it due again."""
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit()
    monkeypatch.setenv("QFLOW_PLATFORM", "sandbox")
    assert cli("apply", "--yes").code == 0
    monkeypatch.delenv("QFLOW_PLATFORM")
    lineage = json.loads(workspace.read("qflow.lock"))["lineage"]
    there = str(workspace.path)
    workspace.git("remote", "add", "origin", "https://git.example/x")
    refused = cli("init", there, "--platform", "sandbox", "--store", "branch")
    assert (refused.code, (workspace.path / "qflow.yaml").exists()) == (3, False)
    assert "--store worktree" in refused.err
    assert cli("init", there, "--platform", "sandbox").code == 0
    assert lineage in workspace.read("qflow.yaml")
    workspace.commit()
    assert cli.json("plan", "--full")["counts"]["run"] == 0
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


@pytest.mark.fault(41)
def test_init_beside_a_broken_lockfile_writes_nothing(workspace: Workspace, cli: Cli) -> None:
    workspace.write("qflow.lock", "{")
    refused = cli("init", str(workspace.path), "--platform", "sandbox")
    assert refused.code == 11
    assert not (workspace.path / "qflow.yaml").exists()
