"""The sandbox answers in the documented shapes, goes wrong as told, and says what it is."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from jsonschema import Draft202012Validator
from referencing import Registry

from qflow_gitops.errors import UsageProblem
from qflow_gitops.sandbox.faults import FAULTS, parse
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.sandbox.steps import KINDS
from tests.helpers.cli import Cli
from tests.helpers.sandboxes import served
from tests.helpers.specs import WORKFLOW

ROOT = Path(__file__).parents[2]
OPENAPI = json.loads((ROOT / "schemas/sandbox.openapi.json").read_text(encoding="utf-8"))
API = "/qflowapi/v1"
PAGE = "pageSize=10&pageNumber=1"
BODY = {"input": {"a": 1}, "variables": {"region": "us-east-1", "depthCount": 2}}


def schema_of(path: str, method: str, status: int) -> dict[str, Any]:
    """Find the schema that the OpenAPI document promises for an answer."""
    parts = urlsplit(path).path.split("/")
    for template, operations in OPENAPI["paths"].items():
        names = template.split("/")
        fits = len(names) == len(parts) and all(
            name == part or name.startswith("{") for name, part in zip(names, parts, strict=True)
        )
        if fits:
            answer = operations[method.lower()]["responses"][str(status)]
            (content,) = answer["content"].values()
            schema: dict[str, Any] = content["schema"]
            return schema
    raise AssertionError(f"{method} {path} isn't in the OpenAPI document")


class Client:
    """Calls the sandbox, and holds each answer against the OpenAPI document."""

    def __init__(self, url: str) -> None:
        self.url = url
        credentials = {"clientId": "sandbox", "clientSecret": "sandbox"}
        answer = requests.post(url + "/auth/oidc", headers=credentials, timeout=5)
        self.headers = {"Authorization": f"Bearer {answer.text}"}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = requests.request(
            method, self.url + path, json=body, headers=headers or self.headers, timeout=5
        )
        data = answer.json()
        promised = schema_of(path, method, answer.status_code)
        validator = Draft202012Validator(
            {**promised, "components": OPENAPI["components"]}, registry=Registry()
        )
        validator.validate(data)
        assert answer.headers["Date"]
        return data


def test_every_documented_endpoint_has_the_documented_shape(sandbox: SandboxServer) -> None:
    client = Client(sandbox.url)
    assert json.loads(client("GET", f"{API}/workflows/{WORKFLOW}")["data"]["definition"])
    started = client("POST", f"{API}/workflows/{WORKFLOW}/run", BODY)
    assert started["message"] == "Workflow execution started"
    one = started["executionId"]
    assert client("GET", f"{API}/executions/{one}")["data"]["status"] in ("Queued", "Running")
    time.sleep(0.1)
    done = client("GET", f"{API}/executions/{one}")["data"]
    assert (done["status"], done["endDate"]) == ("Success", done["details"]["executionEndDate"])
    assert client("GET", f"{API}/workflows?{PAGE}")["total"] == 1
    listed = client("GET", f"{API}/workflows/{WORKFLOW}/executions?{PAGE}")
    assert listed["items"] == [done]
    steps = client("GET", f"{API}/executions/{one}/steps")
    assert [step["nodeType"] for step in steps["items"]] == [*KINDS]
    assert client("GET", f"{API}/executions/{one}/steps/trigger")["execution"] == one
    (output,) = client("GET", f"{API}/executions/{one}/steps/trigger/output")
    assert output["input"] == BODY["input"]
    assert output["overrideVariables"] == [
        {"key": "region", "value": "us-east-1", "type": "system"},
        {"key": "depthCount", "value": 2, "type": "user-defined"},
    ]


def test_connector_v3_has_the_shape_that_is_known_and_takes_a_password(
    sandbox: SandboxServer,
) -> None:
    client = Client(sandbox.url)
    search, basic = "/qps/rest/3.0/search/am", {"Authorization": "Basic c2FuZGJveDpzYW5kYm94"}
    body: dict[str, Any] = {"ServiceRequest": {"preferences": {"limitResults": 1}}}
    path = f"{search}/awsassetdataconnector"
    first = client("POST", path, body, **basic)["ServiceResponse"]
    assert (first["count"], first["hasMoreRecords"]) == (1, "true")
    criteria = {"field": "id", "operator": "GREATER", "value": str(first["lastId"])}
    body["ServiceRequest"]["filters"] = {"Criteria": [criteria]}
    rest = client("POST", path, body, **basic)["ServiceResponse"]
    assert (rest["count"], rest["hasMoreRecords"], "lastId" in rest) == (1, "false", False)
    assert rest["data"] != first["data"]
    for refused, asked, sent, headers in (
        ("INVALID_REQUEST", path, {"ServiceRequest": {}}, basic),
        ("INVALID_REQUEST", path, None, basic),
        ("OBJECT_NOT_FOUND", f"{search}/awsauthrecord", body, basic),
        ("OBJECT_NOT_FOUND", f"{search}/ibmassetdataconnector", body, basic),
        ("UNAUTHORIZED", path, body, client.headers),
    ):
        answer = client("POST", asked, sent, **headers)
        assert answer["ServiceResponse"]["responseCode"] == refused
    seen = {each["headers"].get("Authorization") for each in sandbox.requests(containing="/qps/")}
    assert seen == {"Basic ***", "Bearer ***"}


def test_what_is_refused(sandbox: SandboxServer) -> None:
    client = Client(sandbox.url)
    client("GET", f"{API}/workflows/{WORKFLOW}", Authorization="Bearer a.b.c")
    client("GET", f"{API}/workflows/not-a-uuid")
    client("GET", f"{API}/executions/{WORKFLOW}")
    for path in ("/auth", "/auth/oidc"):
        assert requests.post(sandbox.url + path, timeout=5).status_code == 401
    url = f"{sandbox.url}{API}/workflows/{WORKFLOW}/executions"
    for query in ("", "pageSize=1", f"{PAGE}&startAt=2020-01-01T00:00:00Z"):
        assert requests.get(f"{url}?{query}", headers=client.headers, timeout=5).status_code == 400


def test_pages_and_order(sandbox: SandboxServer) -> None:
    client = Client(sandbox.url)
    path = f"{API}/workflows/{WORKFLOW}"
    ids = [client("POST", f"{path}/run", {"input": {"n": n}})["executionId"] for n in range(5)]
    pages = [
        client("GET", f"{path}/executions?pageSize=2&pageNumber={n}")["items"] for n in (1, 2, 3, 4)
    ]
    assert [one["id"] for page in pages for one in page] == ids
    last = client("GET", f"{path}/executions?pageSize=1&pageNumber=1&order=-createdAt")
    assert last["items"][0]["id"] == ids[-1]


def test_a_list_that_lags(sandbox: SandboxServer) -> None:
    sandbox.set_faults("list-lag=30")
    client = Client(sandbox.url)
    client("POST", f"{API}/workflows/{WORKFLOW}/run", BODY)
    assert client("GET", f"{API}/workflows/{WORKFLOW}/executions?{PAGE}")["items"] == []
    assert len(sandbox.executions()) == 1


def test_the_data_file_outlives_the_server_and_holds_no_secret(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.sqlite"
    with served(data=data) as first:
        Client(first.url)("POST", f"{API}/workflows/{WORKFLOW}/run", BODY)
        requests.post(
            first.url + "/auth", data={"username": "ada", "password": "canary"}, timeout=5
        )
    with served(data=data) as second:
        assert [one["body"] for one in second.executions()] == [BODY]
        assert "canary" not in json.dumps(second.requests())


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_asked_for(name: str) -> None:
    value = {"fail": "filter", "rights": "read", "rate-headers": "9/8/7"}.get(name, "1")
    fault = parse(f"{name}={value}@any#2")
    assert (fault.name, fault.value, fault.target, fault.left) == (name, value, "any", 2)
    assert FAULTS[name].endswith(")")
    assert parse(name).target in FAULTS[name]


@pytest.mark.parametrize("text", ["drp", "drop@nowhere", "drop#x", ""])
def test_a_fault_that_is_none(text: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        parse(text)
    assert refused.value.hint


def test_from_the_command_line(tmp_path: Path, sandbox: SandboxServer) -> None:
    code = "from qflow_gitops.cli.main import main; main()"
    command = [sys.executable, "-c", code, "sandbox", "--port", "0", "--fault", "401@token"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("listening on http://127.0.0.1:")
    url = first.split()[-1]
    assert requests.post(url + "/auth/oidc", timeout=5).status_code == 401
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "not Qualys" in err
    assert f"export QFLOW_GATEWAY={url}" in err


def test_a_sandbox_that_cannot_start_leaves_nothing(
    sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    taken = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(UsageProblem) as raised:
        served(port=taken)
    assert (raised.value.reason, list(tmp_path.iterdir())) == ("port_taken", [])


def test_a_port_that_is_taken(cli: Cli, sandbox: SandboxServer) -> None:
    done = cli("sandbox", "--port", sandbox.url.rsplit(":", 1)[1])
    assert (done.code, "--port 0" in done.err) == (2, True)


def test_the_list_of_faults(cli: Cli) -> None:
    done = cli("sandbox", "--fault", "list")
    assert done.code == 0
    assert all(name in done.out for name in FAULTS)
