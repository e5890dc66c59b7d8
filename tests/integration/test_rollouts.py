"""Rollouts in real git, in both stores and from fresh clones: batches, failures, releases."""

import time

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec


@pytest.fixture(params=["project", "remote"])
def place(request: pytest.FixtureRequest, workspace: Workspace) -> Workspace:
    """A clone whose lockfile is in its work tree, or on a branch of its remote; no spec."""
    request.getfixturevalue(request.param)
    workspace.remove("runs/aws/buckets.yaml")
    settings = workspace.read("qflow.yaml")
    workspace.write("qflow.yaml", settings + "  statuses: {Failed: failed}\n")
    return workspace


def merge(place: Workspace) -> None:
    place.commit("step")
    if place.git("remote"):
        place.git("push", "--quiet", "origin", "main")


def batches(rollout: str, *names: str) -> str:
    lines = "".join(f"    - {{name: {each}, input: {{to: {each}}}}}\n" for each in names)
    return spec("one", "v", extra=f"  targets:\n{lines}  rollout: {rollout}\n")


def test_a_canary_fails_and_is_sent_again(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    place.write("runs/one.yaml", batches("{batches: [1, 50%]}", "a", "b", "c", "d"))
    merge(place)
    plan = cli.json("plan")
    assert (plan["counts"]["run"], plan["counts"]["wait"]) == (1, 3)
    assert [each.get("batch") for each in plan["changes"]] == [None, 2, 3, 3]
    sandbox.set_faults("outcome=Failed")
    assert cli("apply", "--yes", "--digest", plan["digest"]).code == 1
    assert len(sandbox.executions()) == 1
    sandbox.set_faults()
    assert cli("apply", "--yes").code == 5
    done = cli("apply", "--yes", "--retry", "one/a")
    assert done.code == 0, done.err
    assert len(sandbox.executions()) == 5
    assert cli("lock", "verify").code == 0


def test_a_release_is_recorded_where_any_clone_finds_it(
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:
    workspace.remove("runs/aws/buckets.yaml")
    settings = workspace.read("qflow.yaml")
    workspace.write("qflow.yaml", settings + "  statuses: {Failed: failed}\n")
    workspace.write("runs/one.yaml", batches("{batches: [1], pause: 3s}", *"abcd"))
    merge(workspace)
    sandbox.set_faults("outcome=Failed")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    reason = ("--reason", "known")
    done = cli("apply", "--yes", "--timeout", "1s", "--ack", "rollout=3", *reason)
    assert done.code == 0, done.err
    assert "3 of one wait from " in done.err
    assert len(sandbox.executions()) == 1
    fresh = Cli(remote.clone("fresh").path, capfd)
    assert fresh("lock", "verify").code == 0
    time.sleep(3)
    done = fresh("apply", "--yes")
    assert done.code == 0, done.err
    assert len(sandbox.executions()) == 4
    (change,) = [each for each in fresh.json("plan")["changes"] if each["action"] == "hold"]
    assert (change["name"], change["reason"]) == ("one/a", "failed")


def test_a_successor_is_told_in_its_turn(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    place.write("runs/b.yaml", spec("b", extra="  after: [{labels: {stage: first}}]\n"))
    place.write("runs/a.yaml", spec("a", metadata="  labels: {stage: first}\n"))
    merge(place)
    assert [each["action"] for each in cli.json("plan")["changes"]] == ["run", "wait"]
    done = cli("apply", "--yes")
    assert done.code == 0, done.err
    values = [each["body"]["input"]["value"] for each in sandbox.executions()]
    assert values == ["a", "b"]
    place.write("runs/a.yaml", spec("a"))
    merge(place)
    refused = cli("validate")
    assert refused.code == 3
    assert "after-unknown" in refused.out
    assert cli("plan").code == 3
