"""By which step a run failed, from the sandbox over HTTP into real git, whatever happens there."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.apply import failures
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.disks import small_disk
from tests.helpers.git import Workspace
from tests.helpers.kills import PROGRAM

RUN = "encrypt-prod-buckets"
CREDENTIALS = ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET", "QFLOW_TOKEN")
NOTE = "By which steps runs failed isn't in the lockfile, so comments can't say it: "
KILLED = "import os\nfrom qflow_gitops.apply import failures\n"


def told(remote: Remote) -> list[dict[str, Any]]:
    """What the branch has of how the run failed."""
    run = remote.record()["environments"]["prod"]["runs"][RUN]
    return [event for event in run.get("events", []) if event["event"] == "failedAt"]


def once_looked(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Do something between the look at Qualys and the write."""
    looked_at = failures._looked_at

    def noted(*about: Any) -> Any:
        found = looked_at(*about)
        then()
        return found

    monkeypatch.setattr(failures, "_looked_at", noted)


def only_a_note(done: Done) -> None:
    """The apply ends as it does without that write, and says what isn't there."""
    assert done.code == 1, done.err
    assert done.err.count(NOTE) == 1, done.err
    assert "AccessDenied" in done.out
    assert "rescue" not in done.err


def test_a_fresh_clone_without_credentials_tells_it(
    remote: Remote, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_faults("fail=resource")
    done = cli("apply", "--yes")
    assert (done.code, NOTE in done.err) == (1, False)
    [event] = told(remote)
    [attempt] = remote.attempts(RUN)
    assert (event["attempt"], event["executionId"]) == (1, attempt["executionId"])
    assert "AccessDenied" in event["message"]
    assert remote.subjects()[-1] == f"prod: {RUN} failed at a step"
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    for words in (("status",), ("history", RUN), ("show", RUN)):
        assert "AccessDenied" in fresh(*words).out
    assert fresh("lock", "verify").code == 0


def test_a_file_tells_it_as_well(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.set_faults("fail=resource")
    assert cli("apply", "--yes").code == 1
    assert "AccessDenied" in cli("status").out
    project.commit("the lockfile")
    assert cli("lock", "verify").code == 0
    assert cli("plan").code == 0


def test_a_success_writes_what_it_did_before(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    """The intent with the rest of its wave, the answer, the end, and how far it came."""
    assert cli("apply", "--yes").code == 0
    writes = remote.record()["serial"]
    assert not any("failed at" in each for each in remote.subjects())
    sandbox.set_faults("fail=resource")
    workspace = Workspace(cli.folder)
    workspace.write(
        "runs/aws/buckets.yaml", workspace.read("runs/aws/buckets.yaml") + "  rerun: 1\n"
    )
    workspace.publish("again")
    assert cli("apply", "--yes").code == 1
    assert remote.record()["serial"] <= 2 * writes + 1


@pytest.mark.parametrize("where", ["_looked_at", "_keep"])
def test_a_kill_before_the_write_loses_nothing_and_sends_nothing(
    remote: Remote, cli: Cli, sandbox: SandboxServer, where: str
) -> None:
    sandbox.set_faults("fail=resource")
    program = f"{KILLED}failures.{where} = lambda *_: os._exit(9)\n{PROGRAM}"
    killed = subprocess.run([sys.executable, "-c", program, "apply", "--yes"], cwd=cli.folder)
    assert killed.returncode == 9
    assert (remote.states(), told(remote)) == ({RUN: "ended"}, [])
    again = cli("apply", "--yes")
    assert again.code == 0, again.err
    assert (len(sandbox.executions()), told(remote)) == (1, [])
    assert cli("lock", "verify").code == 0


def test_two_that_wait_for_one_execution_say_it_once(
    remote: Remote, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("fail=resource")
    assert cli("apply", "--yes", "--no-wait").code == 0
    folders = [cli.folder, remote.clone("other").path]
    command = [sys.executable, "-c", PROGRAM, "apply", "--yes"]
    both = [subprocess.Popen(command, cwd=each, stdout=-1, stderr=-1) for each in folders]
    outs = [each.communicate(timeout=120) for each in both]
    assert all(each.returncode in (0, 1) for each in both), outs
    assert (len(told(remote)), len(sandbox.executions())) == (1, 1)
    assert cli("lock", "verify").code == 0


def test_a_retry_has_its_own(remote: Remote, cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.set_faults("fail=resource")
    cli("apply", "--yes")
    sandbox.set_faults("fail=trigger")
    assert cli("apply", "--yes", "--retry", RUN).code == 1
    assert [event["attempt"] for event in told(remote)] == [1, 2]
    assert len({event["step"] for event in told(remote)}) == 2
    assert told(remote)[1]["step"] in cli("status").out
    assert told(remote)[0]["step"] not in cli("status").out
    assert cli("lock", "verify").code == 0


def test_a_remote_that_is_gone_by_then_is_a_note(
    remote: Remote, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_faults("fail=resource")
    away = remote.path.with_suffix(".away")
    once_looked(monkeypatch, lambda: remote.path.rename(away))
    done = cli("apply", "--yes")
    away.rename(remote.path)
    only_a_note(done)
    assert (remote.states(), told(remote)) == ({RUN: "ended"}, [])


def test_a_remote_that_refuses_it_is_a_note(
    remote: Remote, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_faults("fail=resource")
    once_looked(monkeypatch, lambda: remote.hook("pre-receive", "exit 1"))
    only_a_note(cli("apply", "--yes"))
    assert told(remote) == []


@pytest.mark.parametrize("store", ["project", "remote"])
def test_a_disk_that_is_full_by_then_is_a_note(
    request: pytest.FixtureRequest, cli: Cli, sandbox: SandboxServer, store: str
) -> None:
    request.getfixturevalue(store)
    sandbox.set_faults("fail=resource")
    with small_disk(cli.folder) as disk:
        with pytest.MonkeyPatch.context() as patch:
            once_looked(patch, disk.fill)
            only_a_note(cli("apply", "--yes"))
        disk.empty()
        [run] = cli.json("status")["runs"]
        assert run["attempt"]["state"] == "ended"
        assert cli("apply", "--yes").code == 0
        assert len(sandbox.executions()) == 1
