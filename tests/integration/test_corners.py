"""Corners in which a promise once broke: each was found by attack, and stays mended."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.http.transport import NoAnswerError, Transport
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import WORKFLOW, spec

RUN = "encrypt-prod-buckets"
OTHER = "7cad21c8-4405-4517-beb9-7372feafb5b4"


def only(workspace: Workspace, *texts: str) -> None:
    """Let these be the specs."""
    workspace.remove("runs/aws/buckets.yaml")
    for number, text in enumerate(texts):
        workspace.write(f"runs/{number}.yaml", text)
    (workspace.publish if workspace.git("remote") else workspace.commit)("specs")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    with served(duration=4) as server:
        monkeypatch.setenv("QFLOW_GATEWAY", server.url)
        monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
        monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
        yield server


def test_no_request_begins_once_its_time_is_over(sandbox: SandboxServer) -> None:
    """Asked right before the first byte: a token or a connection may have taken long."""
    asked = []

    def may_send() -> bool:
        asked.append(sandbox.requests())
        return False

    with pytest.raises(NoAnswerError) as refused:
        Transport(sandbox.url).send(
            "POST", "/auth", headers={}, body=b"", fresh=True, may_send=may_send
        )
    assert not refused.value.sent
    assert asked == [[]]
    assert sandbox.requests() == []


@pytest.mark.parametrize("slow_one", ["latency=1.2@token", "401@run#1"])
def test_a_token_that_comes_late_sends_nothing(
    slow_one: str,
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time runs out between the intent and the first byte: `unsent`, and due again."""
    monkeypatch.setattr("qflow_gitops.apply.brakes.SEND_WITHIN", 0.4)
    real = Transport.send

    def send(self: Transport, method: str, path: str, **options: Any) -> Any:
        if path.endswith("/run") and "401" not in slow_one:
            time.sleep(0.6)
        answer = real(self, method, path, **options)
        if path.endswith("/run") and answer.status == 401:
            time.sleep(0.6)
        return answer

    monkeypatch.setattr(Transport, "send", send)
    sandbox.set_faults(*(["401@run#1"] if "401" in slow_one else []))
    done = cli("apply", "--yes")
    assert done.code in (1, 12)  # 1: refused by a 401, and not tried again
    assert sandbox.executions() == []
    monkeypatch.undo()


def test_a_status_word_never_comes_before_its_answer(
    remote: Remote, workspace: Workspace, cli: Cli, slow: SandboxServer
) -> None:
    """One answer waits for the other of its wave, and its execution is looked at meanwhile."""
    only(workspace, spec("a", 1), spec("b", 2), spec("c", 3))
    slow.set_faults("latency=1.6@run#1")
    done = cli("apply", "--yes", "--concurrency", "2")
    assert done.code == 0, done.err
    assert remote.states() == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}
    assert not (workspace.path / "qflow.lock.rescue").exists()


def test_a_refused_look_ends_the_looking_and_nothing_else(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    only(workspace, *(spec(f"r{number}", number) for number in range(6)))
    sandbox.set_faults("403@execution#1")
    done = cli("apply", "--yes", "--concurrency", "6")
    assert done.code in (4, 8)
    assert "bug" not in done.err
    assert set(remote.states().values()) <= {"accepted", "running", "succeeded"}
    assert len(sandbox.executions()) == 6


def test_whatever_ends_a_launch_its_answers_are_rescued(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug in the middle: exit 70, and the answers that weren't recorded yet are in the file."""
    from qflow_gitops.apply.launch import Launch

    only(workspace, spec("a", 1), spec("b", 2))
    real = Launch._answered

    def answered(self: Launch, *arguments: Any) -> None:
        real(self, *arguments)
        raise RuntimeError("a bug")

    monkeypatch.setattr(Launch, "_answered", answered)
    assert cli("apply", "--yes", "--no-wait").code == 70
    saved = workspace.read("qflow.lock.rescue")
    assert any(one["id"] in saved for one in sandbox.executions())
    monkeypatch.undo()


def test_an_unwritable_record_is_tried_once_and_rescued_at_once(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight answers must not wait for eight more time-outs of a remote that hangs."""
    from qflow_gitops.errors import LockError

    only(workspace, *(spec(f"r{number}", number) for number in range(8)))
    real, pushes = GitBranch.push, []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        pushes.append(commit)
        if len(pushes) > 1:
            raise LockError("It hangs.", reason="lock_unreachable")
        return real(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    done = cli("apply", "--yes", "--concurrency", "8")
    assert done.code == 11
    assert len(pushes) <= 4
    saved = workspace.read("qflow.lock.rescue")
    assert all(one["id"] in saved for one in sandbox.executions())
    assert len(sandbox.executions()) == 8
    monkeypatch.undo()
    waits = "qflow.lock.rescue holds answers of an earlier apply that aren't in the lockfile yet"
    for look in ("plan", "status"):
        assert f"{waits}: `qflow-gitops lock push`" in cli(look).err
    pushed = cli("lock", "push")
    assert (pushed.code, pushed.out.startswith("8 attempts; ")) == (0, True), pushed
    assert waits not in cli("plan").err
    assert set(remote.states().values()) == {"accepted"}


def test_one_look_at_a_hidden_workflow_ends_nothing(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    """Credentials that may not see the workflow don't see its executions either."""
    assert cli("apply", "--yes", "--no-wait").code == 0
    sandbox.set_faults("hidden", f"unknown-workflow={WORKFLOW}")
    later(3700)
    assert cli("status", "--refresh", "--exit-code").code == 8
    record = json.loads(project.read("qflow.lock"))["environments"]["prod"]["runs"][RUN]
    assert record["attempts"][0]["state"] == "accepted"


def test_a_baseline_moves_no_commit(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """An old job stays superseded, whatever is declared at its commit."""
    workspace.write("runs/x.yaml", spec("x", 1))
    old = workspace.publish("x")
    workspace.write("runs/x.yaml", spec("x", 2))
    new = workspace.publish("newer")
    assert cli("apply", "--yes").code == 0
    workspace.git("checkout", "--quiet", "--detach", old)
    assert cli("apply", "--yes").code == 7
    assert cli("baseline", "--yes", "--reason", "by hand").code == 0
    assert remote.record()["environments"]["prod"]["latest"] == new
    assert cli("apply", "--yes").code == 7


def test_a_committed_rescue_file_is_nobodys_answer(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path
) -> None:
    """A pull request could make a run due again with it; so could a link, or another's nonce."""
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    (attempt,) = remote.attempts(RUN)
    event = {"at": "2026-01-01T00:00:00Z", "to": "refused", "httpStatus": 400}
    line = {
        "rescueVersion": 1,
        "lineage": remote.record()["lineage"],
        "transition": {
            "environment": "prod", "run": RUN, "number": 1, "event": event, "opens": None,
            "executionId": "", "status": "",
        },
        "attempt": attempt,
    }  # fmt: skip
    forged = workspace.write("qflow.lock.rescue", json.dumps(line) + "\n")
    workspace.git("add", "-f", "qflow.lock.rescue")
    refused = cli("lock", "push")
    assert refused.code == 2
    assert "came with a commit" in refused.err
    workspace.git("rm", "--quiet", "--cached", "qflow.lock.rescue")
    forged.rename(tmp_path / "elsewhere")
    forged.symlink_to(tmp_path / "elsewhere")
    assert cli("lock", "push").code == 2
    forged.unlink()
    for change in (
        {"attempt": {**attempt, "nonce": "0" * 32}},
        {"attempt": None},
        {"transition": {**line["transition"], "number": 9}},
        {"transition": {**line["transition"], "event": {**event, "to": "absent"}}},
        {"transition": {**line["transition"], "event": {**event, "to": "assumed"}}},
    ):
        workspace.write("lines", json.dumps({**line, **change}) + "\n")
        assert cli("lock", "push", str(workspace.path / "lines")).code == 11
    assert remote.states() == {RUN: "in_doubt"}


def test_what_is_left_out_after_a_lost_race_is_said(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process freezes what this one shows: it isn't sent, and isn't silent success."""
    from qflow_gitops.apply.replanning import Agreed

    only(workspace, spec("a", 1), spec("b", 2))
    other = Cli(remote.clone("other").path, cli._capfd)
    real = GitBranch.push
    raced: list[int] = []

    def push(self: GitBranch, commit: str, parent: str) -> bool:
        if not raced:
            raced.append(1)
            assert other("apply", "--yes", "-l", "no=such").code == 0
            assert other("baseline", "--yes", "--reason", "x", "-l", "no=such").code == 0
            pushed = Workspace(other.folder)
            pushed.write("runs/other.yaml", spec("other", 9))
            for name in ("runs/0.yaml", "runs/1.yaml"):
                pushed.remove(name)
            pushed.publish("other")
            assert other("apply", "--yes").code == 0
        return real(self, commit, parent)

    monkeypatch.setattr(GitBranch, "push", push)
    monkeypatch.setattr(Agreed, "still_due", lambda *_: frozenset({("prod", "a")}))
    done = cli.json("apply", "--yes")
    assert done["exitCode"] == 6
    assert done["reason"] == "elsewhere"
    assert [one["name"] for one in done["notStarted"]] == ["b"]
    assert "prod/b" in done["error"]["message"]


def test_an_adoption_holds_only_for_the_record_it_was_decided_on(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While `b`, in doubt, is looked up, another runner starts `a` with the same request."""
    only(workspace, spec("b", "same", extra="  rerun: 1\n"))
    workspace.git("push", "--quiet", "origin", "HEAD:main")
    sandbox.set_faults("drop")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    clone = remote.clone("other")
    clone.write("runs/a.yaml", spec("a", "same"))
    clone.publish("a")
    other = Cli(clone.path, cli._capfd)
    real = Reconciler.look
    raced: list[int] = []

    def settle_nothing(*_: Any) -> Generator[Any, None, list[Any]]:
        yield from ()
        return []

    def look(self: Reconciler, doubts: Any, lockfile: Any, problems: Any, *more: Any) -> Any:
        if not raced and doubts:
            raced.append(1)
            with monkeypatch.context() as quick:
                quick.setattr(Reconciler, "settle", settle_nothing)
                assert other("apply", "--yes", "--no-wait").code in (0, 9)
        return real(self, doubts, lockfile, problems, *more)

    monkeypatch.setattr(Reconciler, "look", look)
    assert cli("reconcile").code == 9
    assert raced
    states = remote.states()
    assert states["b"] == "in_doubt"
    (execution,) = sandbox.executions()
    assert remote.attempts("a")[0]["executionId"] == execution["id"]


def test_one_workflow_that_is_hidden_keeps_no_other_doubt_open(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    only(project, spec("a", 1).replace(WORKFLOW, OTHER), spec("b", 2))
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults("403@list#1")
    looked = cli("reconcile")
    assert looked.code == 9
    runs = json.loads(project.read("qflow.lock"))["environments"]["prod"]["runs"]
    assert sorted(run["attempts"][0]["state"] for run in runs.values()) == ["adopted", "in_doubt"]


def test_a_configured_signature_display_changes_nothing(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.git("config", "log.showSignature", "true")
    assert cli("apply", "--yes").code == 0
    assert cli("plan").code == 0
    assert cli("lock", "verify").code == 0


def test_nothing_is_sent_after_a_stop_even_from_a_wait(
    project: Workspace, sandbox: SandboxServer
) -> None:
    """A run that waits for a rate limit when a person stops is `unsent`."""
    sandbox.set_faults("429=1#1")
    program = "from qflow_gitops.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", program, "apply", "--yes"], cwd=project.path)
    while not sandbox.requests("POST", "/run"):
        time.sleep(0.01)
    process.terminate()
    assert process.wait(timeout=8) == 143
    time.sleep(1.5)
    assert sandbox.executions() == []
    runs = json.loads(project.read("qflow.lock"))["environments"]["prod"]["runs"]
    assert runs[RUN]["attempts"][0]["state"] == "unsent"
