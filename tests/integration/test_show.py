"""`show` as a person types it: over real git, and the sandbox over HTTP."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from qflow_gitops.cli.main import program
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import SANDBOX_PROJECT, spec
from tests.helpers.typed import commands

RUN = "encrypt-prod-buckets"
CREDENTIALS = ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET")
TARGETS = "  targets: [{name: us, input: {to: us}}, {name: eu, input: {to: eu}}]\n"
EXPLAINED = SANDBOX_PROJECT + "  statuses: {Failed: failed}\n"


@pytest.fixture
def broken(project: Workspace, cli: Cli, sandbox: SandboxServer) -> str:
    """The id of an execution that failed in its second step."""
    project.write("qflow.yaml", EXPLAINED)
    project.commit()
    sandbox.set_faults("fail=resource")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    found: str = sandbox.executions()[0]["id"]
    return found


def test_a_failed_run_names_its_step_and_what_that_says(broken: str, cli: Cli) -> None:
    for what in (RUN, f"prod/{RUN}", broken, broken[:8].upper()):
        done = cli("show", what)
        assert done.code == 0
        first, _, blame, said, field, hint = done.out.splitlines()[:6]
        assert first == f"prod/{RUN}  failed"
        assert f"apply -e prod --retry prod/{RUN}" in hint
        assert "✗ step 2 (node-" in blame
        assert "AccessDenied" in said
        assert "/errorMessage, which isn't documented" in field
    data = cli.json("show", broken)
    assert data["execution"]["failedAt"]["certain"] is True
    assert [step["status"] for step in data["execution"]["steps"]] == ["Success", "Failed"]


@pytest.mark.parametrize("field", ["details.cause", "error", "x.y.z"])
def test_a_message_is_found_wherever_it_stands(
    field: str, broken: str, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults(f"error-field={field}")
    steps = cli.json("show", broken, "--steps")["execution"]["steps"]
    said = steps[1]["undocumented"][0]
    assert said["field"] == "/" + field.replace(".", "/")
    assert "AccessDenied" in said["text"]


def test_the_json_comes_as_it_came_and_without_a_token(broken: str, cli: Cli) -> None:
    raw = cli.json("show", broken, "--raw")["raw"]
    base = f"/qflowapi/v1/executions/{broken}"
    assert list(raw)[:2] == [base, f"{base}/steps"]
    assert raw[base]["data"]["execution"] == broken
    assert raw[f"{base}/steps/trigger/output"][0]["input"]["bucketName"] == "test-bucket-1"
    shown = cli("show", broken, "--raw", "--format", "markdown")
    assert "confidential" in shown.out
    assert "canary" not in shown.out


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401@steps", "refused the token"), ("403@execution", "API Access"),
        ("404@steps", "doesn't show its steps (404)"), ("hidden", "doesn't show this execution"),
        ("html@steps", "documentation says"), ("empty@steps", "documentation says"),
        ("drop@steps", "could not be asked"), ("429=0@steps", "429"),
    ],
)  # fmt: skip
def test_what_qualys_does_not_show_is_a_line_beside_all_else(
    fault: str, words: str, broken: str, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("qflow_gitops.qualys.caller.time.sleep", lambda _seconds: None)
    sandbox.set_faults(fault)
    done = cli("show", RUN)
    assert done.code in (0, 4, 12), done
    assert words in done.out + done.err
    assert "Attempts (1)" in done.out


def test_without_credentials_all_but_the_steps_is_told(
    broken: str, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(sandbox.requests())
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    done = cli("show", RUN)
    assert done.code == 0
    assert "? There are no credentials for Qualys. Set QFLOW_CLIENT_ID" in done.out
    assert cli("show", RUN, "--steps").code == 4
    assert cli("show", broken.replace(broken[0], "f" if broken[0] != "f" else "e")).code == 4
    assert len(sandbox.requests()) == asked


def test_nothing_but_gets_is_sent_and_nothing_is_written(
    broken: str, cli: Cli, project: Workspace, sandbox: SandboxServer
) -> None:
    before, asked = project.read("qflow.lock"), len(sandbox.requests())
    for words in ((), ("--steps",), ("--raw",), ("--watch",)):
        assert cli("show", RUN, *words).code == 0
    told = {(each["method"], each["path"].split("/")[1]) for each in sandbox.requests()[asked:]}
    assert told <= {("GET", "qflowapi"), ("POST", "auth")}
    assert project.read("qflow.lock") == before
    assert len(sandbox.executions()) == 1
    assert broken


def test_a_shallow_clone_without_the_commit_still_tells_the_story(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    workspace.write("runs/a.yaml", spec("a", "private", extra="  sensitive: [/input/value]\n"))
    workspace.publish("one")
    sandbox.set_faults("fail=resource")
    cli("apply", "--yes")
    workspace.write("runs/a.yaml", spec("a", "other", extra="  sensitive: [/input/value]\n"))
    workspace.publish("two")
    folder = tmp_path / "shallow"
    workspace.git("clone", "-q", "--depth=1", remote.path.as_uri(), str(folder))
    done = Cli(folder, capfd)("show", "a")
    assert done.code == 0
    assert "git fetch --unshallow" in done.out
    assert "which isn't in this clone" in done.out
    assert "private" not in done.out
    assert "recorded by an apply, which asked Qualys then" in done.out
    remote.path.rename(remote.path.with_suffix(".away"))
    again = Cli(folder, capfd)("show", "a")
    assert again.code in (0, 11, 12), again
    assert "Traceback" not in again.err


def test_watching_ends_with_the_execution_and_leaves_half(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qflow_gitops.commands.show_watch.FIRST_LOOK", 0.05)
    assert cli("apply", "--yes", "--no-wait").code == 0
    assert cli("show", RUN, "--watch").code == 0
    running = cli.json("show", RUN, "--watch")
    assert running["execution"]["ended"] is True
    assert "status --refresh" in running["next"][0]
    assert project


def test_ctrl_c_leaves_a_watch_cleanly(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(duration=600) as slow:
        monkeypatch.setenv("QFLOW_GATEWAY", slow.url)
        assert cli("apply", "--yes", "--no-wait").code == 0
        _interrupted(project)


def _interrupted(project: Workspace) -> None:
    code = "from qflow_gitops.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "-C", str(project.path), "show", RUN, "--watch"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        first = process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert first.startswith(("Queued", "Running"))
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "Interrupted" in err


def test_runs_and_executions_are_completed(broken: str, project: Workspace) -> None:
    complete = ShellComplete(program, {}, "qflow-gitops", "_QFLOW")
    line = ["-C", str(project.path), "show"]
    assert RUN in {item.value for item in complete.get_completions(line, "enc")}
    assert broken in {item.value for item in complete.get_completions(line, broken[:2])}
    assert broken not in {item.value for item in complete.get_completions(line, "")}
    options = {item.value for item in complete.get_completions(line, "--")}
    assert {"--steps", "--raw", "--watch", "--timeout"} <= options


def typed(cli: Cli, *words: str) -> list[str]:
    """Show something, and type each command of ours that the screen names; give them."""
    shown = cli("show", *words)
    assert shown.code == 0, shown
    found = [one for one in commands(shown.out) if one.startswith("qflow-gitops ")]
    for one in found:
        if "TEXT" not in one and "--retry" not in one:
            done = cli(*shlex.split(one)[1:])
            assert done.code == 0, (one, done)
    return found


def test_every_command_on_the_screen_works(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("runs/a.yaml", spec("a"))
    project.write("runs/many.yaml", spec("many", extra=TARGETS))
    project.commit()
    assert typed(cli, "a") == ["qflow-gitops plan prod/a"]
    assert "qflow-gitops show prod/many/eu" in typed(cli, "many")
    assert cli("apply", "--yes", "--no-wait").code == 0
    time.sleep(0.2)  # the execution has ended, and nobody has recorded that
    assert typed(cli, "a") == ["qflow-gitops status --refresh -e prod"]
    project.write("runs/a.yaml", spec("a", "other"))
    project.commit()
    assert set(typed(cli, "a")) == {"qflow-gitops plan prod/a", "qflow-gitops plan"}
    first = cli.json("show", "a")["executionId"]
    assert cli("apply", "--yes").code == 0
    assert typed(cli, first)[0] == "qflow-gitops show prod/a"
    project.remove("runs/a.yaml")
    project.write("runs/b.yaml", spec("b", "other", metadata="  previousName: a\n"))
    project.commit()
    assert cli("apply", "--yes").code == 0
    assert typed(cli, "a") == ["qflow-gitops show prod/b"]
