"""Partial clones: what `--filter` left out is fetched or said, never taken for absent.

Without a checkout, where blobs of the newest commit are missing, too, and with options; the plain
commands in a clone with one are rows of tests/integration/test_environments.py.

`.ci/run` leaves trees out for one command and blobs for the next, `.ci/nightly` each for each.
"""

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import diagonal
from tests.helpers.specs import spec
from tests.helpers.typed import commands, typed

COMMANDS = (
    ("plan",), ("plan", "--full"), ("plan", "--from", "HEAD~1"), ("plan", "--worktree"),
    ("validate",), ("status",), ("history",), ("lock", "verify"), ("reconcile",),
    ("apply", "--yes"),
)  # fmt: skip
LOOK_AT_FILES = (("plan", "--worktree"), ("validate",))


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("command", "left_out", "checkout"),
    [
        *diagonal(
            [command for command in COMMANDS if command not in LOOK_AT_FILES],
            ("tree:0", "blob:none"),
            ("--no-checkout",),
        ),
        *diagonal(
            [command for command in COMMANDS if len(command) > 1 and command[0] == "plan"],
            ("tree:0", "blob:none"),
            ("",),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
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
