"""What the sandbox serves so that access, rights and failures can be rehearsed."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from qflow_gitops.errors import UsageProblem
from qflow_gitops.sandbox import identities
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.sandbox.steps import KINDS
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import WORKFLOW
from tests.integration.test_sandbox import API, BODY, PAGE, Client

RUN = f"{API}/workflows/{WORKFLOW}/run"
BASIC = {"Authorization": "Basic c2FuZGJveDpzYW5kYm94"}
VERSION = "/qps/rest/portal/version"
TICKET = "/_sandbox/tickets/CHG0012345"


@pytest.fixture
def client(sandbox: SandboxServer) -> Client:
    return Client(sandbox.url)


@pytest.fixture
def at_once() -> Iterator[SandboxServer]:
    with served(duration=0) as server:
        yield server


# --- failures ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_execution_that_fails_in_a_step(kind: str, at_once: SandboxServer) -> None:
    client = Client(at_once.url)
    at_once.set_faults(f"fail={kind}#1")
    failed, good = (client("POST", RUN, BODY)["executionId"] for _ in range(2))
    path = f"{API}/executions/{failed}/steps"
    steps = client("GET", path)["items"]
    assert [step["nodeType"] for step in steps] == [*KINDS[: KINDS.index(kind) + 1]]
    assert [step["eventOrder"] for step in steps] == [*range(1, len(steps) + 1)]
    assert [step["status"] for step in steps] == ["Success"] * (len(steps) - 1) + ["Failed"]
    assert client("GET", f"{API}/executions/{failed}")["data"]["status"] == "Failed"
    details = [client("GET", f"{path}/{step['nodeId']}") for step in steps]
    assert ["errorMessage" in one for one in details] == [False] * (len(steps) - 1) + [True]
    if kind != "trigger":
        (shown,) = client("GET", f"{path}/{steps[-1]['nodeId']}/output")
        assert shown["message"] == details[-1]["errorMessage"]
    last = client("GET", f"{API}/executions/{good}/steps")["items"][-1]
    assert (last["nodeType"], last["status"]) == (KINDS[-1], "Success")


def test_where_a_failed_step_tells_why_is_not_documented(at_once: SandboxServer) -> None:
    client = Client(at_once.url)
    at_once.set_faults("fail", "error-field=error.message")
    path = f"{API}/executions/{client('POST', RUN, BODY)['executionId']}/steps"
    last = client("GET", f"{path}?includeData=true")["items"][-1]
    assert "AccessDenied" in last["output"][0]["message"]
    details = client("GET", f"{path}/{last['nodeId']}")
    assert "AccessDenied" in details["error"]["message"]
    assert "errorMessage" not in details


def test_nodes_are_those_of_the_definition(client: Client) -> None:
    definition = json.loads(client("GET", f"{API}/workflows/{WORKFLOW}")["data"]["definition"])
    assert [node["type"] for node in definition["components"]] == [*KINDS]
    first, second = definition["components"][:2]
    assert (first["next"], second["previous"]) == (second["id"], first["id"])


def test_steps_come_one_after_the_other() -> None:
    with served(duration=2) as server:
        client = Client(server.url)
        path = f"{API}/executions/{client('POST', RUN, BODY)['executionId']}/steps"
        (trigger,) = client("GET", path)["items"]
        assert (trigger["status"], trigger["nodeId"]) == ("Queued", "trigger")
        server.elapse(1.2)
        assert [one["status"] for one in client("GET", path)["items"]] == [
            "Success", "Success", "Running",
        ]  # fmt: skip


# --- rights --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        ("none", ""),
        ("list", "workflows executions execution steps step output"),
        ("read", "workflows workflow executions steps"),
        ("execute", "run"),
        ("read,list", "workflows workflow executions execution steps step output"),
    ],
)
def test_a_role_may_do_what_its_rights_say(rights: str, allowed: str, sandbox: Any) -> None:
    """The table of docs/api.md 1.1; an answer of 403 otherwise."""
    client = Client(sandbox.url)
    one = f"{API}/executions/{client('POST', RUN, BODY)['executionId']}"
    sandbox.set_faults(f"rights={rights}")
    calls = {
        "workflows": f"{API}/workflows?{PAGE}",
        "workflow": f"{API}/workflows/{WORKFLOW}",
        "run": RUN,
        "executions": f"{API}/workflows/{WORKFLOW}/executions?{PAGE}",
        "execution": one,
        "steps": f"{one}/steps",
        "step": f"{one}/steps/trigger",
        "output": f"{one}/steps/trigger/output",
    }
    seen = {
        name: requests.request(
            "POST" if name == "run" else "GET",
            sandbox.url + path,
            headers=client.headers,
            timeout=5,
        ).status_code
        for name, path in calls.items()
    }
    assert seen == {name: 200 if name in allowed.split() else 403 for name in calls}


@pytest.mark.parametrize("refused", ["workflows", "executions"])
def test_one_of_the_two_lists_can_be_refused(refused: str, sandbox: Any, client: Client) -> None:
    sandbox.set_faults(f"403@list-{refused}")
    calls = {"workflows": "/workflows", "executions": f"/workflows/{WORKFLOW}/executions"}
    seen = {
        name: requests.get(
            f"{sandbox.url}{API}{path}?{PAGE}", headers=client.headers, timeout=5
        ).status_code
        for name, path in calls.items()
    }
    assert seen == {name: 403 if name == refused else 200 for name in calls}


# --- credentials ---------------------------------------------------------------------


def test_a_wrong_secret_is_refused_as_qualys_does(sandbox: SandboxServer) -> None:
    for path, more in (
        ("/auth/oidc", {"headers": {"clientId": "sandbox", "clientSecret": "wrong"}}),
        ("/auth/oidc", {"headers": {"clientId": "another", "clientSecret": "sandbox"}}),
        ("/auth", {"data": {"username": "sandbox", "password": "wrong", "token": "true"}}),
    ):
        answer = requests.post(sandbox.url + path, timeout=5, **more)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert list(answer.json()) == ["authentication_exceptions"]
    answer = requests.get(sandbox.url + VERSION, auth=("sandbox", "wrong"), timeout=5)
    assert answer.json()["ServiceResponse"]["responseCode"] == "UNAUTHORIZED"


def test_unless_told_it_takes_what_it_prints_and_nothing_else() -> None:
    for credentials, status in ((("sandbox", "sandbox"), 200), (("a", "b"), 401)):
        with SandboxServer() as server:
            answer = requests.get(server.url + VERSION, auth=credentials, timeout=5)
            assert answer.status_code == status


def test_a_wrong_password_ends_an_apply_before_anything_is_sent(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "another-canary-secret")
    done = cli("apply", "--yes")
    assert (done.code, sandbox.executions()) == (4, [])
    assert "Check QFLOW_CLIENT_ID and QFLOW_CLIENT_SECRET" in done.err


@pytest.mark.parametrize("text", ["", "ada", "ada:", ":secret"])
def test_credentials_that_are_none(text: str, cli: Cli) -> None:
    with pytest.raises(UsageProblem):
        SandboxServer(credentials=[text])
    done = cli("sandbox", "--credentials", text)
    assert (done.code, "--credentials" in done.err) == (2, True)


# --- what a CI has -------------------------------------------------------------------


@pytest.mark.parametrize(("audience", "status"), [("qualys", 200), ("somebody", 401)])
def test_an_id_token_is_taken_where_its_audience_is_onboarded(audience: str, status: int) -> None:
    with served(onboarded=["qualys"]) as server:
        url = f"{server.url}/_sandbox/id-token?api-version=2.0&audience={audience}"
        assert requests.get(url, timeout=5).status_code == 401
        ours = Client(server.url)
        path = url.removeprefix(server.url)
        token = ours("GET", path, Authorization="Bearer sandbox")["value"]
        said = identities.claims(token)
        assert (said["aud"], said["exp"] - said["iat"]) == (audience, 300)
        answer = requests.get(
            f"{server.url}{API}/workflows/{WORKFLOW}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=5,
        )
        assert answer.status_code == status


def test_an_id_token_ends() -> None:
    with served(onboarded=["qualys"], faults=["expire-tokens=0"]) as server:
        client = Client(server.url)
        path = "/_sandbox/id-token?audience=qualys"
        token = client("GET", path, Authorization="Bearer sandbox")["value"]
        assert identities.claims(token)["exp"] <= time.time()
        client("GET", f"{API}/executions/{WORKFLOW}", Authorization=f"Bearer {token}")


# --- versions, rate headers, tickets -----------------------------------------------------


def test_the_platform_tells_its_versions(sandbox: SandboxServer, client: Client) -> None:
    def told() -> Any:
        answer = client("GET", VERSION, **BASIC)
        return answer["ServiceResponse"]["data"]["Portal-Version"].get("QFLOW-VERSION")

    assert told() == "1.24.0"
    sandbox.set_faults("version=1.18.0")
    assert told() == "1.18.0"
    sandbox.set_faults("version")
    assert told() is None
    client("GET", VERSION)
    with served(version="1.19.2") as other:
        answer = Client(other.url)("GET", VERSION, **BASIC)
        assert answer["ServiceResponse"]["data"]["Portal-Version"]["QFLOW-VERSION"] == "1.19.2"


def test_rate_headers_count_down_and_refuse_nothing(sandbox: Any, client: Client) -> None:
    sandbox.set_faults("rate-headers=300/2/3600")
    answers = [
        requests.get(f"{sandbox.url}{API}/workflows?{PAGE}", headers=client.headers, timeout=5)
        for _ in range(4)
    ]
    assert [one.headers["X-RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert {one.headers["X-RateLimit-Limit"] for one in answers} == {"300"}
    assert {one.headers["X-RateLimit-Window-Sec"] for one in answers} == {"3600"}
    assert {one.status_code for one in answers} == {200}
    refused = requests.get(f"{sandbox.url}{API}/workflows?{PAGE}", timeout=5)
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (401, "0")


def test_a_ticket_is_approved_until_somebody_says_otherwise(client: Client) -> None:
    ticket = client("GET", TICKET)
    assert (ticket["id"], ticket["approval"]) == ("CHG0012345", "approved")
    assert ticket["plannedStart"] < ticket["plannedEnd"]
    changed = client("PUT", TICKET, {"approval": "requested", "state": "new"})
    assert client("GET", TICKET) == changed
    assert (changed["approval"], changed["state"]) == ("requested", "new")
    assert client("GET", "/_sandbox/tickets/CHG0012346")["approval"] == "approved"
    for odd in ("[]", {"id": "x"}, {"state": 1}, None):
        client("PUT", TICKET, odd)
    assert client("GET", TICKET) == changed
    client("GET", "/_sandbox/tickets/nothing")


def test_notes_on_a_ticket_stay_in_their_order(client: Client) -> None:
    assert client("GET", TICKET)["notes"] == []
    client("POST", f"{TICKET}/notes", {"text": "a"})
    for odd in ("[]", {"text": 1}, {}, None, {"text": "a", "more": "b"}):
        client("POST", f"{TICKET}/notes", odd)
    assert client("POST", f"{TICKET}/notes", {"text": "b"})["notes"] == ["a", "b"]


@pytest.mark.parametrize("text", ["fail=later", "rights=admin", "rate-headers=1/2", "version=<b>"])
def test_values_that_a_fault_cannot_have(text: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        served(faults=[text])
    assert "For instance" in refused.value.hint
