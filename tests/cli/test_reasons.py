"""No reason that goes into git holds a secret, whichever command it is given to."""

from random import Random

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.tokens import SAMPLES

RUN = "encrypt-prod-buckets"
TOKEN = SAMPLES["a GitHub token"][7](Random(1))
"""As GitHub makes them since 2026, of some 500 characters."""
COMMANDS = {
    "rerun": ("rerun", RUN),
    "baseline": ("baseline", "--yes"),
    "freeze": ("freeze",),
    "unfreeze": ("unfreeze",),
    "resolve": ("resolve", RUN, "--assume-ran"),
    "apply": ("apply", "--yes", "--ack", "limit=1"),
    "apply without a release": ("apply", "--yes"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reason_with_a_secret_is_refused(
    command: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """It isn't recorded, and nothing is done; nor is it shown."""
    done = cli(*COMMANDS[command], "--reason", f"as agreed, {TOKEN}")
    assert done.code == 2
    assert "The reason holds what looks like a GitHub token." in done.err
    assert TOKEN[20:40] not in done.out + done.err
    assert cli.json(*COMMANDS[command], "--reason", TOKEN)["reason"] == "reason_secret"
    assert not (project.path / "qflow.lock").exists()
    assert project.git("status", "--porcelain") == ""
    assert sandbox.requests("POST", "/run") == []
