"""What the sandbox remembers: ours and others', what it hides, and many requests at once."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.sandbox.store import Begun, Store
from tests.helpers.sandboxes import older_data, served
from tests.helpers.specs import CONNECTOR, WORKFLOW
from tests.integration.test_sandbox import API, BODY, PAGE, Client

LIST = f"{API}/workflows/{WORKFLOW}/executions"
RUN = f"{API}/workflows/{WORKFLOW}/run"


@pytest.fixture
def client(sandbox: SandboxServer) -> Client:
    return Client(sandbox.url)


def test_what_others_began(sandbox: SandboxServer, client: Client) -> None:
    ours = client("POST", RUN, BODY)["executionId"]
    early = time.time() - 100
    theirs = sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API", created=early)
    workflows = sandbox.add_foreign(WORKFLOW, {})
    assert [one["id"] for one in sandbox.executions()] == [ours]
    everything = [theirs, ours, workflows]
    assert [one["id"] for one in sandbox.executions(WORKFLOW, foreign=True)] == everything
    assert sandbox.executions(CONNECTOR, foreign=True) == []
    assert [one["id"] for one in client("GET", f"{LIST}?{PAGE}")["items"]] == everything
    outputs = [
        client("GET", f"{API}/executions/{one}/steps/trigger/output")[0] for one in everything
    ]
    sources = [output["source"] for output in outputs]
    assert sources == ["PUBLIC_API", "PUBLIC_API", "WORKFLOW_TRIGGER"]
    for query, ids in (("", [ours]), ("?foreign=true", everything)):
        shown = requests.get(f"{sandbox.url}/_sandbox/executions{query}", timeout=5).json()
        assert [one["id"] for one in shown] == ids


@pytest.mark.parametrize("hide", ["forget", "age"])
def test_what_the_api_no_longer_shows(hide: str, sandbox: SandboxServer, client: Client) -> None:
    one = client("POST", RUN, BODY)["executionId"]
    if hide == "forget":
        sandbox.forget(one)
    else:
        sandbox.age(one, 31 * 86400)
    for path in ("", "/steps", "/steps/trigger", "/steps/trigger/output"):
        url = f"{sandbox.url}{API}/executions/{one}{path}"
        assert requests.get(url, headers=client.headers, timeout=5).status_code == 404
    assert client("GET", f"{LIST}?{PAGE}") == {"total": 0, "items": []}
    assert [done["id"] for done in sandbox.executions()] == [one]


def test_an_execution_of_an_hour_ago(sandbox: SandboxServer, client: Client) -> None:
    one = client("POST", RUN, BODY)["executionId"]
    sandbox.age(one, 3600)
    seen = client("GET", f"{API}/executions/{one}")["data"]
    assert abs(seen["createdAt"] / 1000 + 3600 - time.time()) < 5
    assert seen["status"] == "Success"


def test_only_what_was_begun_can_be_hidden(sandbox: SandboxServer) -> None:
    with pytest.raises(KeyError):
        sandbox.forget(WORKFLOW)
    with pytest.raises(KeyError):
        sandbox.age(WORKFLOW, 1)


@pytest.mark.parametrize("body", [[], {"input": 1}, {"variables": []}])
def test_a_request_that_is_none(body: Any, sandbox: SandboxServer, client: Client) -> None:
    client("POST", RUN, body)
    assert sandbox.executions() == []


def test_a_data_file_of_an_earlier_release(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.sqlite"
    older_data(data, CONNECTOR, WORKFLOW, time.time() - 1, 0.1, "Success", json.dumps(BODY))
    with served(data=data) as server:
        client = Client(server.url)
        (output,) = client("GET", f"{API}/executions/{CONNECTOR}/steps/trigger/output")
        assert output["source"] == "PUBLIC_API"
        assert [one["id"] for one in server.executions()] == [CONNECTOR]


def test_many_at_once(sandbox: SandboxServer, client: Client) -> None:
    """16 senders of 20 requests each: every one is executed once, under its own id."""
    ready = threading.Barrier(16)

    def send(sender: int) -> list[str]:
        ready.wait()
        return [
            client("POST", RUN, {"input": {"sender": sender, "n": n}})["executionId"]
            for n in range(20)
        ]

    with ThreadPoolExecutor(16) as pool:
        ids = [one for sent in pool.map(send, range(16)) for one in sent]
    rows = sandbox.executions()
    assert len(set(ids)) == 320
    assert {row["id"] for row in rows} == set(ids)
    bodies = {(row["body"]["input"]["sender"], row["body"]["input"]["n"]) for row in rows}
    assert len(bodies) == 320
    assert len(sandbox.requests("POST", "/run")) == 320


def test_a_full_sandbox_reads_only_what_it_shows(tmp_path: Path) -> None:
    """The database uses an index for a workflow's page, its details and its executions."""
    store = Store(tmp_path / "sandbox.sqlite")
    for n in range(20):
        store.add_execution(Begun(WORKFLOW if n % 2 else CONNECTOR, {}, 1.0))
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    store.page(WORKFLOW, 0.0, time.time(), newest_first=False, size=10, number=1)
    store.page(WORKFLOW, 0.0, time.time(), newest_first=True, size=10, number=1)
    store.execution(WORKFLOW)
    store.executions(WORKFLOW)
    store._db.set_trace_callback(None)
    assert len(asked) == 6
    for query in asked:
        plan = [row["detail"] for row in store._db.execute(f"EXPLAIN QUERY PLAN {query}")]
        assert plan == [one for one in plan if one.startswith("SEARCH")], (query, plan)
    store.close()
