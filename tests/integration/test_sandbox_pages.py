"""The pages of the sandbox: what they show, who may look and set faults, and how they read."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from qflow_gitops.sandbox.faults import FAULTS
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.sandbox.store import Begun, Store
from tests.helpers import browser
from tests.helpers.node import requires_node
from tests.helpers.partners import rows
from tests.helpers.sandboxes import older_data, served
from tests.helpers.specs import CONNECTOR, WORKFLOW
from tests.integration.test_sandbox import API, BODY, Client

RUN = f"{API}/workflows/{WORKFLOW}/run"
PATHS = ("/", "/workflows", "/connectors", "/faults", "/requests")
HOSTILE = "</pre></code><script>alert(1)</script><img src=x onerror=alert(1)>\"'\u202e{{7*7}}"


def get(sandbox: SandboxServer, path: str, **headers: str) -> requests.Response:
    return requests.get(sandbox.url + path, headers=headers, timeout=10)


def token(sandbox: SandboxServer) -> str:
    found = re.search(r'name="token" value="([^"]+)"', get(sandbox, "/faults").text)
    assert found
    return found[1]


def post(sandbox: SandboxServer, headers: Any = None, **fields: str) -> requests.Response:
    """Send a form of the page, as a browser does."""
    fields = {"token": token(sandbox), **fields}
    return requests.post(
        f"{sandbox.url}/faults", data=fields, timeout=10, allow_redirects=False,
        headers=headers or {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip


def on(sandbox: SandboxServer) -> list[str]:
    return re.findall(r'name="fault" value="([^"]+)"', get(sandbox, "/faults").text)


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.found}


# --- what they show --------------------------------------------------------------------


def test_an_execution_is_shown_with_request_source_status_and_steps(sandbox: Any) -> None:
    sandbox.set_faults("fail=filter#1")
    client = Client(sandbox.url)
    one = client("POST", RUN, BODY)["executionId"]
    time.sleep(0.1)
    listed = get(sandbox, "/").text
    assert all(word in listed for word in (one, "Failed", "PUBLIC_API", WORKFLOW, "us-east-1"))
    page = Elements(get(sandbox, f"/executions/{one}").text)
    for word in ("Failed", "node-", "-filter", "AccessDenied", "depthCount", "us-east-1"):
        assert word in page.text, word
    sandbox.forget(one)
    assert "shows it no more" in get(sandbox, f"/executions/{one}").text
    assert get(sandbox, f"/executions/{CONNECTOR}").status_code == 404
    assert WORKFLOW in get(sandbox, "/workflows").text
    connectors = get(sandbox, "/connectors").text
    assert all(
        word in connectors for word in ("AWS Payments (prod)", "OCI Demo", "FINISHED_ERRORS")
    )


def test_requests_are_shown_without_secrets(sandbox: SandboxServer) -> None:
    Client(sandbox.url)("POST", RUN, BODY)
    requests.post(
        sandbox.url + "/auth", data={"username": "ada", "password": "canary-secret"}, timeout=5
    )
    requests.post(
        sandbox.url + "/auth/oidc", headers={"clientId": "x", "clientSecret": "canary-secret"},
        timeout=5,
    )  # fmt: skip
    shown = get(sandbox, "/requests").text
    assert "/auth/oidc" in shown
    assert "depthCount" in shown
    assert "canary-secret" not in shown
    assert "Bearer ***" in shown


@pytest.mark.parametrize("path", PATHS)
def test_each_page_is_whole_and_has_no_script(path: str, sandbox: SandboxServer) -> None:
    answer = get(sandbox, path)
    page = Elements(answer.text)
    assert not page.tags() & {"script", "iframe", "object", "embed", "style"}
    assert [tag for tag, _ in page.found].count("h1") == 1
    assert page.found[0] == ("html", {"lang": "en"}) or page.found[1][1].get("lang") == "en"
    assert {"main", "nav", "title"} <= page.tags()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not [one for _, attributes in page.found for one in attributes if one[:2] == "on"]
    head = requests.head(sandbox.url + path, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    for _, attributes in page.found:
        link = attributes.get("href") or attributes.get("action")
        if link and link.startswith("/"):
            assert get(sandbox, link).status_code == 200, link


def test_what_a_request_holds_never_becomes_a_part_of_a_page(sandbox: Any) -> None:
    client = Client(sandbox.url)
    body = {"input": {HOSTILE: HOSTILE, "lone": "\ud800"}, "variables": {"name": HOSTILE}}
    one = client("POST", RUN, body)["executionId"]
    foreign = sandbox.add_foreign(HOSTILE, {"input": HOSTILE}, source=HOSTILE)
    sandbox.set_faults(f"outcome={HOSTILE[:-8]}")
    failing = client("POST", RUN, BODY)["executionId"]
    sandbox.set_connectors("aws", [{"name": HOSTILE}, [HOSTILE], 7, None, {"a": {"name": HOSTILE}}])
    sandbox.set_connectors("oci", [{HOSTILE: {"id": HOSTILE, "name": "\ud800"}}], v3=True)
    get(sandbox, f"{API}/workflows/{HOSTILE}?{HOSTILE}", Odd=unquote("%3Cscript%3E"))
    time.sleep(0.1)
    executions = tuple(f"/executions/{each}" for each in (one, foreign, failing))
    for path in (*PATHS, *executions):
        answer = get(sandbox, path)
        assert answer.status_code == 200, path
        page = Elements(answer.text)
        assert not page.tags() & {"script", "img"}, path
        assert "\u202e" not in answer.text, path
        assert "49" not in re.findall(r"'(\d+)", page.text), path
    assert "<script>alert(1)" in Elements(get(sandbox, executions[0]).text).text


@pytest.mark.parametrize("depth", [200, 400, 900, 5000])
def test_a_deep_request_breaks_no_page(depth: int, sandbox: SandboxServer) -> None:
    client = Client(sandbox.url)
    deep = '{"input": {"a": ' + "[" * depth + "]" * depth + "}}"
    headers = {**client.headers, "Content-Type": "application/json"}
    requests.post(sandbox.url + RUN, data=deep, headers=headers, timeout=5)
    found = [f"/executions/{one['id']}" for one in sandbox.executions()]
    for path in (*PATHS, *found):
        assert get(sandbox, path).status_code == 200, path


def test_an_odd_page_number_is_the_nearest(sandbox: SandboxServer) -> None:
    Client(sandbox.url)("POST", RUN, BODY)
    for number in ("0", "-1", "99999999999999999999", "x", "1e9", ""):
        assert "1 in all" in get(sandbox, f"/?page={number}").text


def test_refreshing_is_asked_for_by_a_link(sandbox: SandboxServer) -> None:
    assert "http-equiv" not in get(sandbox, "/").text
    assert 'http-equiv="refresh" content="5"' in get(sandbox, "/?refresh").text


def test_ten_thousand_executions_stay_light(tmp_path: Path) -> None:
    """A page stays under 1 MB and 1 s, however much was executed and however long it is."""
    data = tmp_path / "data"
    store = Store(data)
    for number in range(10_000):
        begun = Begun(WORKFLOW, {"input": {"n": number, "x": "y" * 3000}}, 1.0)
        store.add_execution(begun)
        store.add_request("POST", RUN, {"Odd": "z" * 3000}, "b" * 3000)
    store.close()
    with served(data=data) as server:
        for path in (*PATHS, "/?page=200", "/requests?page=200"):
            before = time.monotonic()
            answer = get(server, path)
            assert answer.status_code == 200
            assert time.monotonic() - before < 1, path
            assert len(answer.content) < 1_000_000, path
        assert "Page 200 of 200" in get(server, "/?page=200").text
        assert get(server, "/").text.count("<tr") == 51


def test_a_data_file_of_an_earlier_release_is_shown(tmp_path: Path) -> None:
    data = tmp_path / "data"
    older_data(data, CONNECTOR, WORKFLOW, 1.0, 0.1, "Failed", '[1, "<b>"]')
    with served(data=data) as server:
        assert CONNECTOR in get(server, "/").text
        assert "AccessDenied" in get(server, f"/executions/{CONNECTOR}").text


# --- faults ------------------------------------------------------------------------------


def test_faults_are_set_and_cleared_by_buttons(sandbox: SandboxServer) -> None:
    assert all(f'id="name-{name}"' in get(sandbox, "/faults").text for name in FAULTS)
    done = post(sandbox, do="set", name="429", value="3", target="list", count="2")
    assert (done.status_code, done.headers["Location"]) == (303, "/faults")
    post(sandbox, do="set", name="fail", value="", target="run", count="")
    assert on(sandbox) == ["429=3@list#2", "fail"]
    Client(sandbox.url)("POST", RUN, BODY)
    assert get(sandbox, f"{API}/workflows?pageSize=1&pageNumber=1").status_code == 429
    assert on(sandbox) == ["429=3@list#1", "fail"]
    post(sandbox, do="clear", fault="429=3@list#2")  # of a tab that was opened before
    assert on(sandbox) == ["fail"]
    post(sandbox, do="clear all")
    assert on(sandbox) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "nothing"}, "There is no fault"),
        ({"name": "latency", "value": "soon"}, "number of seconds"),
        ({"name": "latency", "target": "<b>"}, "targets are"),
        ({"name": "latency", "count": "many"}, "targets are"),
        ({"name": HOSTILE}, "There is no fault"),
        ({}, "There is no fault"),
    ],
)
def test_what_is_no_fault_is_said(fields: Any, said: str, sandbox: SandboxServer) -> None:
    answer = post(sandbox, do="set", **fields)
    assert answer.status_code == 400
    page = Elements(answer.text)
    assert said in page.text
    assert "Nothing was changed." in page.text
    assert not page.tags() & {"script", "img"}
    assert on(sandbox) == []


def test_a_form_of_an_earlier_start_changes_nothing(sandbox: SandboxServer) -> None:
    for odd in ("", "x", "é"):
        answer = post(sandbox, do="set", name="400", token=odd)
        assert (answer.status_code, "earlier start" in answer.text) == (403, True)
    assert on(sandbox) == []


# --- who may -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_changes_nothing(headers: dict[str, str], sandbox: SandboxServer) -> None:
    sandbox.set_faults("skew=1")
    client = Client(sandbox.url)
    answer = post(sandbox, headers, do="clear all")
    assert (answer.status_code, "Nothing was changed" in answer.text) == (403, True)
    for method, path in (
        ("POST", "/_sandbox/faults"), ("DELETE", "/_sandbox/faults"), ("POST", RUN),
        ("PUT", "/_sandbox/tickets/CHG1"),
    ):  # fmt: skip
        done = requests.request(
            method, sandbox.url + path, headers={**client.headers, **headers}, json={}, timeout=5
        )
        assert done.status_code == 403, path
    assert (on(sandbox), sandbox.executions()) == (["skew=1"], [])


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "127.0.0.1@evil", "[::2]"]
)
@pytest.mark.parametrize("path", ["/", "/_sandbox/executions", "/_sandbox/requests", "/style.css"])
def test_another_name_that_leads_here_sees_nothing(
    host: str, path: str, sandbox: SandboxServer
) -> None:
    answer = get(sandbox, path, Host=host)
    assert (answer.status_code, "127.0.0.1 and localhost alone" in answer.text) == (421, True)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "[::1]:80", "127.0.0.1"])
def test_each_name_of_this_machine_is_taken(host: str, sandbox: SandboxServer) -> None:
    assert get(sandbox, "/", Host=host).status_code == 200


# --- how they read -----------------------------------------------------------------------


@requires_node
def test_what_reads_badly_is_found() -> None:
    """The judge sees: a field without a label, and what is wider than the window."""
    browser.needed()
    page = (
        '<html lang="en"><title>x</title><main><h1>x</h1><input><pre>' + "x" * 999 + "</pre></main>"
    )
    violations, (wide, seen) = browser.judged(page, "", width=1280, dark=False)
    assert "label" in [rule for rule, _ in violations]
    assert wide > seen


@requires_node
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (500, True)])
@pytest.mark.parametrize(
    "path", rows((*PATHS, "/executions/one"), lambda path: path in ("/faults", "/executions/one"))
)
def test_people_with_any_eyes_and_hands_can_read_it(
    path: str, width: int, dark: bool, sandbox: Any
) -> None:
    """What axe-core finds is nothing, and nothing is wider than the window."""
    browser.needed()
    sandbox.set_faults("fail#1", "latency=0@token#2")
    one = Client(sandbox.url)("POST", RUN, BODY)["executionId"]
    time.sleep(0.1)
    page = get(sandbox, path.replace("/one", f"/{one}")).text
    style = get(sandbox, "/style.css").text
    violations, (wide, seen) = browser.judged(page, style, width=width, dark=dark)
    assert violations == []
    assert wide <= seen
