"""What isn't over in an environment that the settings have no more is answered for by all others.

The kind: something open that no command comes upon any more, and so a green that nobody looked
at. Its siblings are a doubt, one that has expired, an execution under way, and a doubt that was
carried over to a run whose `previousNames` were taken out again.
"""

import json
from collections.abc import Callable

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec

OTHER = SANDBOX_PROJECT.replace("prod:", "dev:")
"""The settings without `prod`, whose run is then nobody's."""
LOOKED = ("plan", "apply", "status", "reconcile")


def forgotten(project: Workspace, cli: Cli, sandbox: SandboxServer, *faults: str) -> None:
    """Send a run of `prod`, and take `prod` out of the settings."""
    sandbox.set_faults(*faults)
    cli("apply", "--yes", "--no-wait")
    sandbox.set_faults()
    project.write("qflow.yaml", OTHER)
    project.write("runs/aws/buckets.yaml", spec("other"))
    project.commit("dev, and no prod")


def state(project: Workspace) -> str:
    record = json.loads(project.read("qflow.lock"))["environments"]["prod"]["runs"]
    return str(record["encrypt-prod-buckets"]["attempts"][0]["state"])


@pytest.mark.fault(33)
def test_a_doubt_is_said_by_each_command(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    forgotten(project, cli, sandbox, "drop")
    wanted = {"plan": 0, "apply": 9, "status": 9, "reconcile": 9}
    more = {"apply": ("--yes",), "status": ("--exit-code",)}
    for command, code in wanted.items():
        done = cli(command, *more.get(command, ()))
        assert done.code == code, (command, done)
        assert "prod/encrypt-prod-buckets" in done.out + done.err, command
    assert "qflow.yaml has no prod any more" in cli("plan").err
    assert "`qflow-gitops reconcile -e dev` looks it up" in cli("apply", "--yes").err
    assert len(sandbox.requests("POST", "/run")) == 2  # its own, and dev's


@pytest.mark.fault(33)
def test_a_doubt_is_looked_up_where_it_was_sent(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    forgotten(project, cli, sandbox, "accept-then-drop", "list-lag=3600")
    assert cli("reconcile", "-e", "dev").code == 0
    assert state(project) == "adopted"
    assert cli("status", "--exit-code").code == 8  # nobody looks how it ends
    assert "To see it, put prod back" in cli("plan").err


@pytest.mark.parametrize("several", [False, True])
def test_no_other_platforms_credentials_are_used_for_it(
    several: bool, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Those at hand belong to the platform of the environment that is worked on."""
    forgotten(project, cli, sandbox, "drop")
    text = OTHER.replace("platform: sandbox", "platform: US1")
    project.write("qflow.yaml", text + ("    test: {platform: sandbox}\n" if several else ""))
    project.commit("another platform")
    before = len(sandbox.requests())
    done = cli("reconcile", "-e", "dev")
    assert done.code == 9
    assert "Put prod back under `environments:`" in done.err
    assert len(sandbox.requests()) == before


@pytest.mark.fault(33)
def test_a_doubt_that_has_expired_is_red(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    forgotten(project, cli, sandbox, "drop")
    later(30 * 86400)
    cli("reconcile")
    assert state(project) == "expired"
    assert cli("status", "--exit-code").code == 9


@pytest.mark.fault(33)
def test_what_was_carried_over_is_still_looked_up(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Once that is recorded, `previousNames` may go; the doubt is looked for all the same."""
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    cli("apply", "--yes", "--no-wait")
    renamed = OTHER.replace("{platform: sandbox}", "{platform: sandbox, previousNames: [prod]}")
    project.write("qflow.yaml", renamed)
    project.commit("prod is called dev")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    project.write("qflow.yaml", OTHER)
    project.commit("which is known by now")
    assert cli("reconcile").code == 0
    assert state(project) == "adopted"


def test_what_is_over_is_not_told(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    cli("apply", "--yes")
    assert state(project) == "succeeded"
    project.write("qflow.yaml", OTHER)
    project.write("runs/aws/buckets.yaml", spec("other"))
    project.commit("dev, and no prod")
    assert "prod" not in cli("plan").err
    assert cli("status", "--exit-code").code == 0
    assert cli("apply", "--yes").code == 0
