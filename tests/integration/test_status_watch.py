"""`status` and `history` with what is asked of them, as they are typed."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from click.shell_completion import ShellComplete

from qflow_gitops.cli.main import program
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import spec

RUN = "encrypt-prod-buckets"


def test_filters_and_times_are_read(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    project.write("runs/a.yaml", spec("a", metadata="  labels: {team: x}\n"))
    project.commit()
    assert cli("apply", "--yes").code == 0

    def names(*words: str) -> list[str]:
        return [run["name"] for run in cli.json("status", *words)["runs"]]

    assert names("-l", "team=x") == ["a"]
    assert names("--state", "failed", "--state", "in_doubt") == []
    assert names("--state", "succeeded", RUN) == [RUN]
    assert len(cli.json("history", "--since", "1h", "--limit", "1")["attempts"]) == 1
    assert cli.json("history", "--since", "2030-01-01")["attempts"] == []
    for wrong in (
        ("status", "--state", "nothing"), ("status", "--watch", "a"), ("status", "--watch", "0"),
        ("history", "--since", "soon"), ("history", "--limit", "0"), ("history", "-e", "nowhere"),
    ):  # fmt: skip
        assert cli(*wrong).code == 2, wrong


def test_a_watch_tells_what_changes_and_ends(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    done = cli("status", "--refresh", "--watch", "1")
    assert done.code == 0
    assert "succeeded" in done.out
    assert cli.json("status", "--watch")["runs"][0]["attempt"]["state"] == "succeeded"
    assert project


@pytest.fixture
def under_way(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The words of a watch that goes on for long."""
    with served(duration=600) as slow:
        monkeypatch.setenv("QFLOW_GATEWAY", slow.url)
        assert cli("apply", "--yes", "--no-wait").code == 0
    code = "from qflow_gitops.cli.main import main; main()"
    return [sys.executable, "-c", code, "-C", str(project.path), "status", "--watch", "1"]


def test_ctrl_c_ends_a_watch(under_way: list[str]) -> None:
    with subprocess.Popen(
        under_way, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "Interrupted" in err


def test_a_terminal_shows_the_newest_look(under_way: list[str]) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", COLUMNS="100", LINES="30")
        os.execv(under_way[0], under_way)
    seen, end = b"", time.monotonic() + 20
    while b"accepted" not in seen and time.monotonic() < end:
        seen += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    assert b"accepted" in seen
    assert os.waitstatus_to_exitcode(status) == 130


def test_options_are_completed(project: Workspace) -> None:
    complete = ShellComplete(program, {}, "qflow-gitops", "_QFLOW")
    line = ["-C", str(project.path)]

    def offered(*words: str, begun: str) -> set[str]:
        found = complete.get_completions([*line, *words], begun)
        return {str(item.value) for item in found}

    assert {"--state", "--watch", "--label"} <= offered("status", begun="--")
    assert "in_doubt" in offered("status", "--state", begun="in")
    assert {"--since", "--limit"} <= offered("history", begun="--")
