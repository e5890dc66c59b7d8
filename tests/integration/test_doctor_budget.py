"""How many calls a doctor makes, and how long it takes, whatever Qualys answers."""

import time
import uuid
from typing import Any

import pytest

from qflow_gitops.sandbox.connectors import connector
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.hints import command, follow
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR, SANDBOX_PROJECT, WORKFLOW

LOOK = ("doctor", "qualys")


def many(project: Workspace, count: int, variables: str = "region: us-east-1") -> None:
    """Specs that each run a workflow of its own."""
    for number in range(count):
        workflow = uuid.uuid5(uuid.NAMESPACE_DNS, str(number))
        project.write(
            f"runs/many/{number}.yaml",
            "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
            f"metadata: {{name: run-{number}}}\nspec:\n  workflowId: {workflow}\n"
            f"  connectorType: aws\n  variables: {{{variables}}}\n",
        )


def found(cli: Cli, *words: str) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = cli.json(*LOOK, *words)["checks"]
    return checks


def lines(checks: list[dict[str, Any]], result: str) -> list[str]:
    return [each["about"] for each in checks if each["result"] == result]


def test_at_most_twenty_calls_are_made_and_the_rest_is_named(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    many(project, 40)
    checks = found(cli)
    assert len(sandbox.requests()) == 20
    asked = len(sandbox.requests("GET", "/workflows/")) - 1
    assert f"{41 - asked:,} workflows more" in lines(checks, "not_looked_at")
    assert any("--all" in each["hint"] for each in checks if each["result"] == "not_looked_at")
    checks = found(cli, "--all")
    assert "41 workflows of specs" in lines(checks, "ok")
    assert "QFlow's version" in lines(checks, "not_looked_at")
    assert not any("more" in each for each in lines(checks, "not_looked_at"))


def test_the_calls_are_spread_over_workflows_and_connectors(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    many(project, 40)
    items = [
        connector("aws", str(uuid.uuid5(uuid.NAMESPACE_DNS, str(number))), "x", "1" * 12)
        for number in range(2_000)
    ]
    sandbox.set_connectors("aws", items)
    checks = found(cli)
    pages, asked = (
        len(sandbox.requests("GET", each)) for each in ("/cloudview-api", "/qflowapi/v1/workflows/")
    )
    assert len(sandbox.requests()) == 20
    assert abs(pages - asked) <= 2
    assert "1 connector more" in lines(checks, "not_looked_at")
    assert "connector" not in lines(checks, "failed")
    checks = found(cli, "--all")
    assert any(CONNECTOR in each for each in lines(checks, "failed"))


@pytest.mark.parametrize(
    "faults",
    [
        ["500@any"],
        ["500@list", "500@workflow", "500@steps", "500@execution", "500@connectors"],
        ["429=3600@any"],
        ["429=3600@list"],
        ["401@list"],
        ["drop@workflow", "drop@list"],
        ["accept-then-cut@any"],
    ],
)
def test_no_answer_is_tried_again(
    project: Workspace, cli: Cli, sandbox: SandboxServer, faults: list[str]
) -> None:
    many(project, 40)
    sandbox.set_faults(*faults)
    begun = time.monotonic()
    done = cli(*LOOK)
    assert done.code in (0, 1)
    assert time.monotonic() - begun < 5
    assert len(sandbox.requests()) <= 20
    paths = [(each["method"], each["path"]) for each in sandbox.requests()]
    assert len(paths) == len(set(paths))


def test_a_refusal_by_a_rate_limit_ends_the_looking(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("429=77@workflow")
    checks = found(cli)
    assert sandbox.requests()[-1]["path"] == f"/qflowapi/v1/workflows/{WORKFLOW}"
    assert any("in 77 s" in each["hint"] for each in checks)


def test_a_gateway_that_takes_its_time_is_looked_at_in_ten_seconds(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    many(project, 40)
    sandbox.set_faults("latency=0.2")
    begun = time.monotonic()
    assert cli(*LOOK).code == 0
    assert time.monotonic() - begun < 10
    assert len(sandbox.requests()) == 20


def test_credentials_meet_no_other_platforms_gateway(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SANDBOX_PROJECT + "    dev: {platform: sandbox}\n"
    project.write("qflow.yaml", text)
    project.commit("two")
    (check,) = found(cli)
    assert (check["result"], sandbox.requests()) == ("unknown", [])
    with served() as other:
        monkeypatch.setenv("QFLOW_GATEWAY", other.url)
        checks = found(cli, "-e", "dev")
        assert (sandbox.requests(), bool(other.requests())) == ([], True)
    assert "environment prod" in lines(checks, "not_looked_at")


def test_nothing_is_asked_offline(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    assert lines(found(cli, "--offline"), "not_looked_at") != []
    assert sandbox.requests() == []


def test_the_commands_that_are_printed_are_typed(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    many(project, 30)
    shown = cli(*LOOK, "-e", "prod")
    assert command(shown, "--all").endswith("--all -e prod")
    assert "31 workflows of specs" in follow(cli, command(shown, "--all")).out
    project.write("qflow.yaml", SANDBOX_PROJECT + "    dev: {platform: sandbox}\n")
    project.commit("two")
    for name, other in (("prod", "dev"), ("dev", "prod")):
        shown = cli(*LOOK, "-e", name)
        assert follow(cli, command(shown, "-e", other)).code == 0
    assert sandbox.executions() == []


def test_a_connector_that_is_gone_is_marked_by_the_command_that_is_printed(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("connectors", "pull").code == 0
    sandbox.set_connectors("gcp", [])
    assert any("gcp-demo" in each for each in lines(found(cli), "warning"))
    assert follow(cli, command(cli(*LOOK), "connectors pull")).code == 0
    assert not any("gcp-demo" in each for each in lines(found(cli), "warning"))
