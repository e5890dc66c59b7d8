"""The policy on real git: both ends of the range, releases in the lockfile, windows that close."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qflow_gitops.base import timezones
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, WORKFLOW, spec

RUN = "encrypt-prod-buckets"
WHY = ("--reason", "CHG0012345")
Later = Callable[[float], None]


def settings(workspace: Workspace, policy: str, more: str = "") -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {policy}\n" + more)


def runs(workspace: Workspace, count: int, value: int = 0) -> None:
    for number in range(count):
        workspace.write(f"runs/{number}.yaml", spec(f"r{number}", value + number))
    workspace.commit("specs")


def attempts(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    found = json.loads(workspace.read("qflow.lock"))["environments"]["prod"]["runs"]
    return {name: run["attempts"] for name, run in found.items()}


def held(data: Any) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in data["changes"] if one["action"] == "hold"}


def test_26_runs_need_a_release_that_the_record_keeps(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    runs(workspace, 26)
    stopped = cli("apply", "--yes")
    assert (stopped.code, sandbox.executions()) == (5, [])
    assert "--ack limit:runs=26 --reason TEXT" in stopped.out
    assert cli("apply", "--yes", "--ack", "limit:runs=26").code == 2
    assert cli("apply", "--yes", "--ack", "limit:runs=25", *WHY).code == 2
    assert cli("apply", "--yes", "--ack", "limit:run=26", *WHY).code == 2
    assert sandbox.executions() == []
    assert cli("apply", "--yes", "--ack", "limit:runs=26", *WHY).code == 0
    assert len(sandbox.executions()) == 26
    (attempt,) = attempts(workspace)["r7"]
    (released,) = attempt["evidence"]["released"]
    assert released == {
        "hold": "limit:runs", "count": 26, "by": "test@example.com", "reason": "CHG0012345",
    }  # fmt: skip


def test_a_change_cannot_loosen_its_own_rules(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    settings(workspace, "{limits: {runs: 2}}")
    runs(workspace, 2)
    assert cli("apply", "--yes").code == 0
    settings(workspace, "{limits: {runs: 100}}")
    runs(workspace, 3, 10)
    said = "qflow.yaml holds less than the policy up to now: limits.runs: 2 → 100."
    for command in (("plan",), ("plan", "--from", "HEAD~1"), ("plan", "--format", "markdown")):
        assert said in cli(*command).out.replace("`", ""), command  # in Markdown some is code
    assert any(said in one for one in cli.json("plan")["notes"])
    for words in (("plan",), ("apply", "--yes")):
        assert held(cli.json(*words)) == {"r0": "limit", "r1": "limit", "r2": "limit"}
    runs(workspace, 2)
    workspace.remove("runs/2.yaml")
    workspace.commit("only what changes the policy")
    assert cli("apply", "--yes").code == 0
    runs(workspace, 3, 10)  # now the looser policy is that of both ends
    assert said not in cli("plan").out
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 5


def test_a_second_apply_of_the_same_commit_is_no_way_around(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Nothing was applied through yet, so every version of the settings counts."""
    settings(workspace, "{limits: {runs: 1}}")
    runs(workspace, 1)
    sandbox.set_faults("outcome=Exploded")
    assert cli("apply", "--yes").code == 1
    settings(workspace, "{limits: {runs: 1}, workflows: {deny: [" + WORKFLOW + "]}}")
    runs(workspace, 2, 10)
    assert cli("apply", "--yes").code == 5
    settings(workspace, "{limits: {runs: 100}}")
    workspace.commit("looser")
    for _ in range(3):
        assert cli("apply", "--yes").code == 5
    assert len(sandbox.executions()) == 1


def test_a_renamed_environment_keeps_the_rules_it_had(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    settings(workspace, f"{{workflows: {{deny: [{WORKFLOW}]}}}}")
    workspace.write("runs/README.md", "Specs.\n")
    workspace.commit("settings")
    assert cli("apply", "--yes").code == 0
    renamed = SANDBOX_PROJECT.replace("prod:", "prod2:")
    workspace.write("qflow.yaml", renamed)
    runs(workspace, 1)
    data = cli.json("apply", "--yes")
    assert held(data) == {"r0": "workflow"}
    assert sandbox.executions() == []


def test_a_record_that_moves_is_not_a_new_beginning(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """What ran would all be due again."""
    assert cli("apply", "--yes").code == 0
    text = workspace.read("qflow.yaml")
    workspace.write("qflow.yaml", text.replace("store: branch", "store: branch, branch: other"))
    workspace.publish("elsewhere")
    refused = cli("apply", "--yes")
    assert refused.code == 11
    assert "named another place or lineage" in refused.err
    assert cli("apply", "--yes", "--ack", "new-record=1").code == 2
    assert len(sandbox.executions()) == 1
    assert cli("apply", "--yes", "--ack", "new-record=1", *WHY).code == 0
    (attempt,) = remote.record("other")["environments"]["prod"]["runs"][RUN]["attempts"]
    assert attempt["evidence"]["released"][0]["hold"] == "new-record"
    assert cli("apply", "--yes", "--ack", "new-record=1", *WHY).code == 2


def test_init_of_another_branch_is_no_record_either(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """`init` pushes an empty one; a shallow clone fetches what it lacks to see that."""
    assert cli("apply", "--yes").code == 0
    text = workspace.read("qflow.yaml")
    workspace.write("qflow.yaml", text.replace("store: branch", "store: branch, branch: other"))
    workspace.commit("elsewhere")
    workspace.git("push", "--quiet", "origin", "main")
    empty = {
        "lockfileVersion": 2,
        "lineage": "0" * 32,
        "serial": 1,
        "environments": {"prod": {}},
    }
    other = Workspace(remote.path.parent / "other")
    other.path.mkdir()
    other.git("init", "--quiet", "--initial-branch=other")
    other.write("qflow.lock", json.dumps(empty, indent=2) + "\n")
    other.git("add", "qflow.lock")
    other.git("commit", "--quiet", "-m", "as init makes it")
    other.git("push", "--quiet", remote.path.as_uri(), "other")
    shallow = Cli(remote.clone("shallow", "--depth=1").path, cli._capfd)
    for one in (cli, shallow):
        refused = one("apply", "--yes")
        assert refused.code == 11
        assert "named another place or lineage" in refused.err
    assert len(sandbox.executions()) == 1


def test_a_stricter_rule_holds_at_once(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    runs(workspace, 1)
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    workspace.commit("settings")
    assert cli("apply", "--yes").code == 0
    settings(workspace, f"{{workflows: {{deny: [{WORKFLOW}]}}}}")
    runs(workspace, 1, 5)
    data = cli.json("apply", "--yes")
    assert (data["exitCode"], held(data)) == (5, {"r0": "workflow"})


def test_a_pull_requests_own_end_is_its_merge_base(
    workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(workspace, "{require: {annotations: {ticket: 'CHG[0-9]+'}}}")
    workspace.commit("settings")
    workspace.git("update-ref", "refs/remotes/origin/main", "HEAD")
    workspace.git("checkout", "--quiet", "-b", "change")
    settings(workspace, "{}")
    runs(workspace, 1)
    for name, value in {
        "GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main", "CI": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings_of = cli.json("plan")
    assert held(settings_of) == {"r0": "policy"}


def test_settings_of_the_base_that_are_broken_pass_nothing(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    runs(workspace, 1)
    assert cli("apply", "--yes").code == 0
    workspace.write("qflow.yaml", "apiVersion: qflow-gitops/v1\nkind: [\n")
    workspace.commit("broken")
    broken = workspace.git("rev-parse", "HEAD")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    runs(workspace, 1, 5)
    data = cli.json("plan", "--from", broken)
    assert held(data) == {"r0": "policy"}
    assert "The repository's files have errors" in data["changes"][0]["detail"]


def test_what_needs_approval_is_not_sent_without_asking(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    settings(workspace, "{approvals: [{count: 2}]}")
    runs(workspace, 1)
    (planned,) = cli.json("plan")["changes"]
    assert (planned["action"], planned["approvalsNeeded"]) == ("run", 2)
    data = cli.json("apply", "--yes")
    assert (data["exitCode"], held(data)) == (5, {"r0": "approval"})
    assert cli("apply", "--yes", "--ack", "approval=1", *WHY).code == 2
    assert sandbox.executions() == []


def test_approved_without_a_host_says_what_is_missing(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    runs(workspace, 1)
    nowhere = cli("apply", "--yes", "--approved")
    assert nowhere.code == 2
    assert "GITHUB_REPOSITORY" in nowhere.err
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/runs")
    no_token = cli("apply", "--yes", "--approved")
    assert no_token.code == 4
    assert "GITHUB_TOKEN" in no_token.err
    assert sandbox.executions() == []


def closing(seconds: float, monkeypatch: pytest.MonkeyPatch) -> str:
    """A window that allows everything until so many seconds from now, by this process' clock."""
    now = datetime.now(UTC)
    whole = now.replace(second=0, microsecond=0)
    shift = whole + timedelta(seconds=60 - seconds) - now
    monkeypatch.setattr(SystemClock, "now", lambda _clock: datetime.now(UTC) + shift)
    cron = f"{whole.minute} {whole.hour} * * *"
    return f"{{windows: [{{allow: '{cron}', duration: 1m, timezone: UTC}}]}}"


def test_a_closed_window_says_when_it_opens_and_can_be_released(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    hour = (datetime.now(UTC) + timedelta(hours=3)).hour
    settings(workspace, f"{{windows: [{{allow: '0 {hour} * * *', duration: 1h, timezone: UTC}}]}}")
    runs(workspace, 2)
    closed = cli("apply", "--yes")
    assert closed.code == 5
    assert re.search(rf"runs may be sent from \d{{4}}-\d\d-\d\dT{hour:02}:00:00Z on", closed.out)
    assert sandbox.executions() == []
    assert cli("apply", "--yes", "--ack", "window=2", *WHY).code == 0
    assert len(sandbox.executions()) == 2


def test_a_window_that_closes_stops_the_launching(
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is under way goes on; what was not sent yet is due again when it opens."""
    settings(workspace, closing(3.0, monkeypatch), "  apply: {concurrency: 1}\n")
    runs(workspace, 8)
    sandbox.set_faults("latency=0.6@run")
    data = cli.json("apply", "--yes", "--no-wait")
    assert data["exitCode"] == 5
    sent = [one["name"] for one in data["outcomes"] if one["attempt"]["state"] == "accepted"]
    assert 1 <= len(sent) == len(sandbox.executions()) < 8
    assert {one["reason"] for one in data["notStarted"]} == {"window"}
    states = {run[-1]["state"] for run in attempts(workspace).values()}
    assert states <= {"accepted", "unsent"}


def test_a_request_that_waits_is_not_sent_once_the_window_is_closed(
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Qualys asks to wait longer than the window stays open: nothing runs after it."""
    settings(workspace, closing(2.0, monkeypatch))
    runs(workspace, 1)
    sandbox.set_faults("429=4#1")
    assert cli("apply", "--yes").code != 0
    assert sandbox.executions() == []
    assert attempts(workspace)["r0"][-1]["state"] == "unsent"


def test_the_record_says_which_time_zones_a_window_was_held_against(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    settings(workspace, "{windows: [{allow: '* * * * *', duration: 1h, timezone: Europe/Berlin}]}")
    runs(workspace, 1)
    assert cli("apply", "--yes").code == 0
    (attempt,) = attempts(workspace)["r0"]
    assert attempt["evidence"]["timeZones"] == timezones.version()
