"""`doctor qualys` against the sandbox: each thing broken on purpose is the one red line."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from qflow_gitops.sandbox.connectors import connector
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.hints import command, follow
from tests.helpers.specs import CONNECTOR, WORKFLOW, spec

LOOK = ("doctor", "qualys")
OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def tenant(
    project: Workspace, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> SandboxServer:
    """A sandbox with two executions, and an API server."""
    monkeypatch.setenv("QFLOW_API_SERVER", sandbox.url)
    monkeypatch.setenv("QFLOW_API_USERNAME", "ada")
    monkeypatch.setenv("QFLOW_API_PASSWORD", "test-canary-secret")
    for region in ("eu-west-1", "us-east-1"):
        sandbox.add_foreign(WORKFLOW, {"input": {}, "variables": {"region": region}})
    return sandbox


def looked(cli: Cli, *words: str) -> dict[str, set[str]]:
    """Look, and give the names of checks by their result."""
    done = cli.json(*LOOK, *words)
    found: dict[str, set[str]] = {result: set() for result in done["counts"]}
    for each in done["checks"]:
        found[each["result"]].add(each["name"])
    assert done["exitCode"] == (1 if found["failed"] else 0)
    return found


def hint(cli: Cli, name: str) -> str:
    """The hint of the first check of a name that isn't in order."""
    checks = cli.json(*LOOK)["checks"]
    return next(
        str(each["hint"]) for each in checks if each["name"] == name and each["result"] != "ok"
    )


def test_where_all_is_well_nothing_is_red(cli: Cli, tenant: SandboxServer) -> None:
    found = looked(cli)
    assert (found["failed"], found["warning"]) == (set(), set())
    assert found["unknown"] == {"run", "rate_limit"}
    assert found["ok"] >= {
        "gateway", "clock-of-qualys", "credentials", "token", "identity", "list_workflows",
        "read_workflow", "list_executions", "read_execution", "read_steps", "qflow_version",
        "workflow", "connector",
    }  # fmt: skip
    assert len(tenant.requests()) <= 20
    assert [each["path"] for each in tenant.requests() if each["method"] != "GET"] == ["/auth/oidc"]


class Broken(NamedTuple):
    """A fault, and the check that tells of it, by its result."""

    fault: str
    name: str
    result: str = "failed"


FAULTS = (
    Broken("401@token", "credentials"),
    Broken("403@token", "credentials"),
    Broken("503@token", "credentials"),
    Broken("html@token", "credentials"),
    Broken("401@workflow", "token"),
    Broken("rights=none", "api-access"),
    Broken("rights=list", "read_workflow"),
    Broken("rights=read", "read_execution"),
    Broken("403@steps", "read_steps"),
    Broken("500@workflow", "read_workflow"),
    Broken("html@workflow", "read_workflow"),
    Broken("500@execution", "read_execution"),
    Broken("drop@steps", "read_steps"),
    Broken("redirect@workflow", "read_workflow", "unknown"),
    Broken("empty@steps", "read_steps", "unknown"),
    Broken("503@any", "gateway"),
    Broken("html@any", "gateway"),
    Broken("redirect@any", "gateway"),
    Broken("skew=400", "clock-of-qualys", "warning"),
    Broken("skew=-100000", "clock-of-qualys"),
    Broken("skew=90", "clock-of-qualys", "warning"),
    Broken(f"unknown-workflow={WORKFLOW}", "workflow"),
    Broken("version=1.18.4", "qflow_version"),
    Broken("version=soon", "qflow_version", "unknown"),
    Broken("401@version", "qflow_version"),
    Broken("rate-headers=300/299/3600", "rate_limit", "warning"),
    Broken("404@connectors", "connector", "unknown"),
    Broken("403@connectors", "connector"),
)


@pytest.mark.parametrize("broken", FAULTS, ids=lambda each: each.fault.partition("=6cad")[0])
def test_what_is_broken_is_the_one_line(cli: Cli, tenant: SandboxServer, broken: Broken) -> None:
    tenant.set_faults(broken.fault)
    found = looked(cli)
    assert broken.name in found[broken.result]
    others = {result: found[result] - {broken.name} for result in ("failed", "warning")}
    assert others == {"failed": set(), "warning": set()}
    tenant.set_faults()
    assert looked(cli)["failed"] == set()


def given(cloud: str, state: str = "SUCCESS", **more: object) -> dict[str, Any]:
    return connector(cloud, CONNECTOR, "AWS Payments", "123456789012", state) | more


@pytest.mark.parametrize(
    ("items", "result"),
    [
        ([given("aws", "ERROR")], "failed"),
        ([given("aws", isDisabled=True)], "failed"),
        ([given("aws", "PENDING")], "warning"),
        ([], "failed"),
        ([{"connectorId": 7}, None, given("aws")], "ok"),
        ([given("aws", "Ærror\x1b[31m" * 50)], "warning"),
    ],
)
def test_a_connector_of_a_spec_is_judged_by_its_state(
    cli: Cli, tenant: SandboxServer, items: list[Any], result: str
) -> None:
    tenant.set_connectors("aws", items)
    found = looked(cli)
    assert "connector" in found[result]
    assert found["failed"] | found["warning"] == ({"connector"} if result != "ok" else set())


Break = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize(
    ("change", "name", "result"),
    [
        (lambda at: at.delenv("QFLOW_CLIENT_SECRET"), "credentials", "failed"),
        (lambda at: at.setenv("QFLOW_CLIENT_SECRET", "wrong"), "credentials", "failed"),
        (lambda at: at.setenv("QFLOW_TOKEN", "a.b.c"), "credentials", "failed"),
        (lambda at: at.setenv("QFLOW_GATEWAY", "http://127.0.0.1:9"), "gateway", "failed"),
        (lambda at: at.setenv("QFLOW_GATEWAY", "https://example.com"), "gateway", "failed"),
        (lambda at: at.delenv("QFLOW_GATEWAY"), "gateway", "failed"),
        (lambda at: at.setenv("QFLOW_API_PASSWORD", "no"), "qflow_version", "failed"),
        (lambda at: at.delenv("QFLOW_API_PASSWORD"), "qflow_version", "failed"),
        (lambda at: at.delenv("QFLOW_API_SERVER"), "qflow_version", "failed"),
    ],
)
def test_what_the_environment_lacks_is_the_one_line(
    cli: Cli, tenant: SandboxServer, monkeypatch: pytest.MonkeyPatch, change: Break, name: str,
    result: str,
) -> None:  # fmt: skip
    with monkeypatch.context() as at:
        change(at)
        found = looked(cli)
        assert found["failed"] == {name}
        assert found["warning"] == set()
    assert looked(cli)["failed"] == set()


def test_without_credentials_nobody_knows_and_nothing_is_red(
    cli: Cli, tenant: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    found = looked(cli)
    assert (found["failed"], found["unknown"]) == (set(), {"credentials"})
    assert "QFLOW_CLIENT_ID" in hint(cli, "credentials")
    assert found["not_looked_at"] >= {"token", "read_workflow", "workflow", "connector"}


def given_token(lasts: float, **claims: object) -> str:
    payload = json.dumps({"exp": int(time.time() + lasts), **claims}).encode()
    return f"x.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.y"


@pytest.mark.parametrize(
    ("lasts", "claims", "name", "result"),
    [
        (-3600, {"sub": "ada"}, "token", "failed"),
        (120, {"sub": "ada"}, "token", "warning"),
        (9000, {"customerId": "c-1"}, "identity", "warning"),
        (9000, {"role": "x"}, "identity", "unknown"),
    ],
)
def test_a_token_that_was_given_says_what_it_says(
    cli: Cli, tenant: SandboxServer, monkeypatch: pytest.MonkeyPatch, lasts: float,
    claims: dict[str, str], name: str, result: str,
) -> None:  # fmt: skip
    token = given_token(lasts, **claims)
    for variable in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("QFLOW_TOKEN", token)
    assert name in looked(cli)[result]
    assert token not in cli(*LOOK).out


# --- what the repository has ---------------------------------------------------------


def test_a_changed_workflow_is_pulled_by_the_command_that_is_printed(
    project: Workspace, cli: Cli, tenant: SandboxServer
) -> None:
    assert cli("workflows", "pull").code == 0
    file = f"workflows/{WORKFLOW}.json"
    data = json.loads(project.read(file))
    project.write(file, json.dumps(data | {"revision": "0" * 64}))
    assert looked(cli)["warning"] == {"workflow"}
    assert follow(cli, command(cli(*LOOK), "workflows pull")).code == 0
    assert looked(cli)["warning"] == set()


def test_a_variable_that_the_workflow_lacks_is_warned_of(
    project: Workspace, cli: Cli, tenant: SandboxServer
) -> None:
    project.write("runs/b.yaml", spec("b", extra="  variables: {nmae: x}\n"))
    assert looked(cli)["warning"] == {"workflow"}
    assert "nmae" in cli(*LOOK).out


def test_legacy_variables_on_a_new_platform_lead_to_migrate(
    project: Workspace, cli: Cli, tenant: SandboxServer
) -> None:
    text = project.read("runs/aws/buckets.yaml").replace("connectorId:", "credentials:")
    project.write("runs/aws/buckets.yaml", text)
    assert looked(cli)["warning"] == {"qflow_version"}
    assert follow(cli, command(cli(*LOOK), "migrate")).code == 0
    assert looked(cli)["warning"] == set()


def test_a_platform_before_variables_is_red_where_specs_set_some(
    cli: Cli, tenant: SandboxServer
) -> None:
    tenant.set_faults("version=1.16.0")
    assert looked(cli)["failed"] == {"qflow_version"}
    assert "pass over" in hint(cli, "qflow_version")


def test_a_workflow_that_is_gone_is_named_with_the_file(cli: Cli, tenant: SandboxServer) -> None:
    tenant.set_faults(f"unknown-workflow={WORKFLOW}")
    assert "runs/aws/buckets.yaml runs it" in cli(*LOOK).out


def test_the_lockfile_says_when_a_run_was_last_taken_or_refused(
    project: Workspace, cli: Cli, tenant: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    found = cli(*LOOK).out
    assert "Qualys took encrypt-prod-buckets of 20" in found
    execution = tenant.executions()[0]["id"]
    assert any(f"/executions/{execution}" in each["path"] for each in tenant.requests("GET"))
    project.write("runs/b.yaml", spec("b"))
    project.commit("b")
    tenant.set_faults("403@run")
    assert cli("apply", "--yes").code == 1
    assert "Qualys refused b of 20" in cli(*LOOK).out
    tenant.set_faults("hidden@execution")
    assert looked(cli)["warning"] == {"read_execution"}
    assert "→ A sandbox forgets when it stops: `qflow-gitops sandbox --data FILE`" in cli(*LOOK).out


# --- facts where little can be seen --------------------------------------------------


def test_facts_say_that_there_are_no_credentials(
    cli: Cli, tenant: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    done = cli.json("doctor", "--facts")
    (check,) = done["checks"]
    assert (done["exitCode"], check["result"]) == (0, "unknown")
    assert "QFLOW_CLIENT_ID" in check["hint"]
    seen = {each["about"] for each in done["facts"] if each["seen"]}
    assert seen == {"refusal without a token", "headers of limits"}


def test_facts_of_a_role_without_access_are_those_of_its_refusals(
    cli: Cli, tenant: SandboxServer
) -> None:
    tenant.set_faults("rights=none")
    done = cli.json("doctor", "--facts")
    (check,) = done["checks"]
    assert (done["exitCode"], check["found"]) == (1, "12 calls; failed: api-access")
    told = {each["about"]: each["seen"] for each in done["facts"]}
    assert told["refusal of what the role doesn't permit"].startswith("403, an object: errorCode")
    assert follow(cli, command(cli("doctor", "--facts"), "qualys")).code == 1


@pytest.mark.parametrize("words", [("--offline",), ("machine",)])
def test_facts_go_with_nothing_else(cli: Cli, tenant: SandboxServer, words: tuple[str]) -> None:
    assert cli("doctor", "--facts", *words).code == 2
    assert tenant.requests() == []
