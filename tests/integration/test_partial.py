"""Partial clones: what `--filter` left out is fetched or said, never taken for absent."""

import pytest

from qflow_gitops.sandbox import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec
from tests.helpers.typed import commands, typed

COMMANDS = (
    ("plan",), ("plan", "--full"), ("plan", "--from", "HEAD~1"), ("plan", "--worktree"),
    ("validate",), ("status",), ("history",), ("lock", "verify"), ("reconcile",),
    ("apply", "--yes"),
)  # fmt: skip


@pytest.mark.fault(19)
@pytest.mark.parametrize("checkout", ["", "--no-checkout"])
@pytest.mark.parametrize("left_out", ["blob:none", "tree:0"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_right_result_or_a_way_to_it(
    command: tuple[str, ...],
    left_out: str,
    checkout: str,
    remote: Remote,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Of each command: as in a whole clone, or held, 3 or 11, and a command that makes it so."""
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        remote.git("config", setting, "true")
    assert cli("apply", "--yes").code == 0
    workspace.write("runs/b.yaml", spec("b"))
    workspace.publish()
    if command[0] != "apply":
        workspace.write("runs/b.yaml", spec("b", "changed"))
        workspace.publish()
    whole = Cli(remote.clone("whole").path, capfd)
    options = [f"--filter={left_out}", *([checkout] if checkout else [])]
    partial = Cli(remote.clone("partial", *options).path, capfd)
    if checkout and "--worktree" in command + ("--worktree",) * (command[0] == "validate"):
        pytest.skip("there is no work tree to look at")
    sent = len(sandbox.executions())
    done = partial(*command)
    ways = [one for one in commands(done.out + done.err) if one.startswith("git fetch")]
    assert ways or done.code not in (3, 5, 11)
    if ways:
        assert len(sandbox.executions()) == sent
        typed(partial.folder, ways[0])
        done = partial(*command)
    if command[0] != "apply":
        expected = whole(*command)
        assert (done.code, done.out) == (expected.code, expected.out), done.err
    else:
        assert done.code == 0, done
        assert len(sandbox.executions()) == 2
        assert whole(*command).code == 0
        assert len(sandbox.executions()) == 2
