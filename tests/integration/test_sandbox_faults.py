"""Every fault of the sandbox does what its name says, to the requests that it is asked for."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from qflow_gitops.errors import UsageProblem
from qflow_gitops.sandbox.faults import FAULTS, TARGETS, parse
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR, WORKFLOW
from tests.integration.test_sandbox import API, BODY, OPENAPI, PAGE, Client

LIST = f"{API}/workflows/{WORKFLOW}/executions"
RUN = f"{API}/workflows/{WORKFLOW}/run"
V3 = "/qps/rest/3.0/search/am"
SEARCH = {"ServiceRequest": {"preferences": {"limitResults": 100}}}
STATUS = {
    **{str(status): status for status in (400, 401, 403, 404, 409, 429, 500, 502, 503, 504)},
    "409-rate": 409,
    "redirect": 307,
    "accept-then-500": 500,
}
LOST = ("drop", "accept-then-drop", "accept-then-cut", "hang")
EXECUTES = ("accept-then-drop", "accept-then-cut", "accept-then-500", "drip", "latency")
WIRE = (*STATUS, *LOST, "html", "empty", "drip", "latency")
KINDS = tuple(one for one in TARGETS if one != "any")
SLOW = 0.05  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """One sandbox for the whole matrix."""
    with served(duration=0.05) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Client:
    return Client(sandbox.url)


def ask(client: Client, target: str, execution: str) -> requests.Response:
    """Send a request of this kind, as it ought to be."""
    paths = {
        "token": ("POST", "/auth/oidc"),
        "workflow": ("GET", f"{API}/workflows/{WORKFLOW}"),
        "list": ("GET", f"{LIST}?{PAGE}"),
        "execution": ("GET", f"{API}/executions/{execution}"),
        "connectors": ("GET", "/cloudview-api/rest/v1/aws/connectors?pageNo=0&pageSize=2"),
        "connectors-v3": ("POST", f"{V3}/awsassetdataconnector"),
        "steps": ("GET", f"{API}/executions/{execution}/steps/trigger/output"),
        "run": ("POST", RUN),
        "list-workflows": ("GET", f"{API}/workflows?{PAGE}"),
        "list-executions": ("GET", f"{LIST}?{PAGE}"),
        "version": ("GET", "/qps/rest/portal/version"),
        "id-token": ("GET", "/_sandbox/id-token?audience=qualys"),
        "tickets": ("GET", "/_sandbox/tickets/CHG0012345"),
    }
    method, path = paths[target]
    headers = {**client.headers, "clientId": "sandbox", "clientSecret": "sandbox"}
    if target == "id-token":
        headers["Authorization"] = "Bearer sandbox"
    body = {"run": BODY, "connectors-v3": SEARCH}.get(target)
    return requests.request(
        method, client.url + path, json=body, headers=headers, timeout=5, allow_redirects=False,
        auth=("sandbox", "sandbox") if target in ("connectors-v3", "version") else None,
    )  # fmt: skip


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("fault", WIRE)
def test_every_fault_of_the_wire_strikes_every_kind_of_request(
    fault: str, target: str, server: SandboxServer
) -> None:
    server.set_faults()
    client = Client(server.url)
    execution = client("POST", RUN, BODY)["executionId"]
    before = len(server.executions())
    server.set_faults(f"{fault}={SLOW}@{target}#1")
    begun = time.monotonic()
    if fault in LOST:
        with pytest.raises(
            (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
        ):
            ask(client, target, execution)
    else:
        answer = ask(client, target, execution)
        assert answer.status_code == STATUS.get(fault, 200)
        assert len(answer.raw.headers.getlist("Date")) == 1
        assert ("X-RateLimit-ToWait-Sec" in answer.headers) == (fault in ("429", "409-rate"))
        if answer.status_code == 409:
            assert ("1965" in answer.text) == (fault == "409-rate")
        assert ("<html>" in answer.text) == (fault == "html")
        assert (answer.text.strip() == "{}") == (fault == "empty")
    if fault in ("drip", "latency", "hang"):
        assert time.monotonic() - begun >= SLOW
    executed = target == "run" and fault in EXECUTES
    assert len(server.executions()) - before == executed
    assert ask(client, target, execution).status_code == 200


def test_the_openapi_document_says_which_target_a_request_is(server: SandboxServer) -> None:
    server.set_faults()
    client = Client(server.url)
    execution = client("POST", RUN, BODY)["executionId"]
    values = {
        "cloud": "aws",
        "workflowId": WORKFLOW,
        "executionId": execution,
        "nodeId": "trigger",
        "kind": "awsassetdataconnector",
        "ticketId": "CHG0012345",
    }
    for template, operations in OPENAPI["paths"].items():
        method, operation = next(iter(operations.items()))
        wider = [one for one in ("list",) if operation["x-fault-target"].startswith(f"{one}-")]
        struck = []
        for target in KINDS:
            server.set_faults(f"503@{target}")
            url = f"{server.url}{template.format(**values)}?{PAGE}"
            answer = requests.request(method, url, headers=client.headers, timeout=5)
            struck += [target] if answer.status_code == 503 else []
        assert struck == [*wider, operation["x-fault-target"]], template


@pytest.mark.parametrize("skew", [-600, 0, 3600])
def test_a_clock_that_differs(skew: int, sandbox: SandboxServer, client: Client) -> None:
    sandbox.set_faults(f"skew={skew}")
    one = client("POST", RUN, BODY)["executionId"]
    time.sleep(0.1)
    now = time.time() + skew
    for answer in (
        requests.get(f"{sandbox.url}{API}/executions/{one}", headers=client.headers, timeout=5),
        requests.get(f"{sandbox.url}/nowhere", timeout=5),
    ):
        dated = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert abs(dated - now) < 5
    seen = client("GET", f"{API}/executions/{one}")["data"]
    step = client("GET", f"{API}/executions/{one}/steps/trigger")
    assert (seen["status"], step["createdAt"]) == ("Success", seen["createdAt"])
    for name in ("createdAt", "updatedAt", "startDate", "endDate"):
        assert abs(seen[name] / 1000 - now) < 5, name
    created = datetime.fromtimestamp(seen["createdAt"] / 1000, UTC)
    exact = created.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert client("GET", f"{LIST}?{PAGE}&startAt={exact}&endAt={exact}")["total"] == 1
    if skew:
        real = datetime.fromtimestamp(sandbox.executions()[0]["created"], UTC)
        window = f"{real:%Y-%m-%dT%H:%M:%SZ}"
        side = "endAt" if skew > 0 else "startAt"
        assert client("GET", f"{LIST}?{PAGE}&{side}={window}")["total"] == 0


def test_a_request_that_is_carried_out_late(sandbox: SandboxServer, client: Client) -> None:
    sandbox.set_faults("late=0.6#1")
    sent = time.time()
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(client, "run", "")
    assert sandbox.executions() == []
    assert client("GET", f"{LIST}?{PAGE}")["total"] == 0
    assert client("GET", f"{API}/workflows?{PAGE}")["total"] == 0
    assert time.time() - sent < 0.6
    while not sandbox.executions() and time.time() < sent + 10:
        time.sleep(0.02)
    (late,) = sandbox.executions()
    assert 0.599 <= late["created"] - sent <= time.time() - sent
    (item,) = client("GET", f"{LIST}?{PAGE}")["items"]
    assert (item["id"], late["body"]) == (late["id"], BODY)


def test_a_list_that_shifts(sandbox: SandboxServer, client: Client) -> None:
    ours = client("POST", RUN, BODY)["executionId"]
    end = datetime.fromtimestamp(time.time() + 0.001, UTC).isoformat(timespec="milliseconds")
    end = end.replace("+00:00", "Z")
    time.sleep(0.01)
    sandbox.set_faults("list-shift#2")
    answers = [client("GET", f"{LIST}?{PAGE}&order=createdAt&endAt={end}") for _ in range(3)]
    assert [one["total"] for one in answers] == [2, 3, 3]
    assert [one["id"] for one in sandbox.executions()] == [ours]
    (foreign, _) = [one for one in sandbox.executions(foreign=True) if not one["ours"]]
    (output,) = client("GET", f"{API}/executions/{foreign['id']}/steps/trigger/output")
    assert (output["source"], output["forceRun"]) == ("WORKFLOW_TRIGGER", False)
    assert output["input"] != BODY["input"]


def test_a_list_whose_pages_shift(sandbox: SandboxServer, client: Client) -> None:
    """What appears late but began early moves what was on page 1 to page 2."""
    ours = [client("POST", RUN, {"input": {"n": n}})["executionId"] for n in range(2)]
    path = f"{LIST}?pageSize=1&order=createdAt&pageNumber"
    (first,) = client("GET", f"{path}=1")["items"]
    sandbox.set_faults("list-shift=60#1")
    (second,) = client("GET", f"{path}=2")["items"]
    assert (first["id"], second["id"]) == (ours[0], ours[0])


def test_a_list_that_knows_no_page_but_the_first(sandbox: SandboxServer, client: Client) -> None:
    for n in range(3):
        client("POST", RUN, {"input": {"n": n}})
    sandbox.set_faults("list-stuck")
    pages = [client("GET", f"{LIST}?pageSize=2&pageNumber={n}") for n in (1, 2, 3)]
    ids = [[one["id"] for one in page["items"]] for page in pages]
    assert ids[0] == ids[1] == ids[2]
    assert (pages[0]["total"], len(ids[0])) == (3, 2)


def test_an_output_that_is_not_shown(sandbox: SandboxServer, client: Client) -> None:
    one = client("POST", RUN, BODY)["executionId"]
    sandbox.set_faults("no-echo")
    assert ask(client, "steps", one).status_code == 404
    assert client("GET", f"{API}/executions/{one}/steps")["items"][0]["nodeId"] == "trigger"
    assert client("GET", f"{API}/executions/{one}")["data"]["id"] == one


def test_variables_as_the_editor_shows_them(sandbox: SandboxServer, client: Client) -> None:
    variables = {
        "connectorId": CONNECTOR, "credentials": CONNECTOR, "region": "us-east-1", "depth": 2,
        "dryRun": False, "names": ["a"], "extra": {"b": 1},
    }  # fmt: skip
    one = client("POST", RUN, {"variables": variables})["executionId"]
    sandbox.set_faults("wrapped-variables")
    (output,) = client("GET", f"{API}/executions/{one}/steps/trigger/output")
    assert {item["key"]: item["value"] for item in output["overrideVariables"]} == {
        "connectorId": [f"@{CONNECTOR}"], "credentials": [f"@{CONNECTOR}"],
        "region": ["us-east-1"], "depth": [2], "dryRun": [False], "names": ["a"],
        "extra": {"b": 1},
    }  # fmt: skip


@pytest.mark.parametrize("text", ["late=soon", "latency=-1", "skew=nan", "list-shift=x"])
def test_seconds_that_are_none(text: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        parse(text)
    assert refused.value.reason == "fault_form"


def test_a_fault_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(UsageProblem) as problem:
        parse("hagn=5@run")
    assert problem.value.message == "There is no fault `hagn`."
    assert problem.value.hint.startswith("Did you mean hang? Valid faults: ")
    assert problem.value.hint.endswith(f"{list(FAULTS)[-1]}.")


@pytest.mark.parametrize("body", ['["nonsense"]', '["latency=x"]', "{}", "no JSON", "1"])
def test_what_is_no_fault_is_refused_and_changes_none(server: SandboxServer, body: str) -> None:
    token = Client(server.url)
    server.set_faults("503@list")
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{server.url}/_sandbox/faults", body, headers=headers, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["message"]
    listed = requests.get(f"{server.url}{LIST}?{PAGE}", headers=token.headers, timeout=5)
    assert listed.status_code == 503
    server.set_faults()
