"""No command starts a git for each run: what is read of the lockfile's branch is read in one go.

Each kind of change leads to other reading; `.ci/nightly` makes all of them, `.ci/run` two.
"""

from collections.abc import Callable

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH_PROJECT, Remote
from tests.helpers.git import Workspace
from tests.helpers.gits import Gits
from tests.helpers.partners import rows
from tests.helpers.specs import spec

LIMITS = "  policy: {limits: {runs: 100}}\n"
FEW, MORE = 3, 15
COMMANDS = (("plan",), ("plan", "--full"), ("status",), ("apply", "--yes"), ("lock", "verify"),
            ("reconcile",))  # fmt: skip


def changed(workspace: Workspace, count: int) -> None:
    for one in range(count):
        workspace.write(f"runs/{one}.yaml", spec(f"r-{one}", f"changed {one}"))


def renamed(workspace: Workspace, count: int) -> None:
    for one in range(count):
        previous = f"  previousName: r-{one}\n"
        workspace.write(f"runs/{one}.yaml", spec(f"n-{one}", f"r-{one}", metadata=previous))


def called_otherwise(workspace: Workspace, count: int) -> None:
    """Without a word of what they were: each asks for what was sent under another name."""
    for one in range(count):
        workspace.write(f"runs/{one}.yaml", spec(f"n-{one}", f"r-{one}"))


def gone(workspace: Workspace, count: int) -> None:
    for one in range(count):
        workspace.remove(f"runs/{one}.yaml")


def elsewhere(workspace: Workspace, count: int) -> None:
    """The environment has another name."""
    del count
    renamed_one = "{platform: sandbox, previousNames: [prod]}"
    text = BRANCH_PROJECT.replace("prod: {platform: sandbox}", f"production: {renamed_one}")
    workspace.write("qflow.yaml", text + LIMITS)


@pytest.mark.parametrize(
    "change",
    rows(
        (changed, renamed, called_otherwise, gone, elsewhere),
        lambda change: change in (changed, called_otherwise),
    ),
)
def test_as_many_gits_for_few_runs_as_for_more(
    change: Callable[[Workspace, int], None], remote: Remote, workspace: Workspace, cli: Cli,
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    workspace.remove("runs/aws/buckets.yaml")
    workspace.write("qflow.yaml", BRANCH_PROJECT + LIMITS)
    counted = {}
    gits = Gits()
    for count in (FEW, MORE):
        remote.git("update-ref", "-d", "refs/heads/qflow-lock")
        for one in range(count):
            workspace.write(f"runs/{one}.yaml", spec(f"r-{one}"))
        workspace.write("qflow.yaml", BRANCH_PROJECT + LIMITS)
        workspace.publish("as it was")
        begun = Cli(remote.clone(f"begun-{count}").path, cli._capfd)
        assert begun("apply", "--yes", "--concurrency", "20").code == 0
        change(workspace, count)
        workspace.publish("changed")
        fresh = Cli(remote.clone(f"fresh-{count}").path, cli._capfd)
        gits.count()
        found = {}
        for command in COMMANDS:
            more = ("--concurrency", "20") if command[0] == "apply" else ()
            assert fresh(*command, *more).code in (0, 5)
            found[command] = gits.count()["cat-file"]
        counted[count] = found
    assert counted[MORE] == counted[FEW]
