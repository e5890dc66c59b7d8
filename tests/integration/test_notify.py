"""Others are told what an apply did: over HTTP, signed, at least once, and never in its way."""

import fcntl
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from standardwebhooks.webhooks import Webhook

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.gitdaemon import free_port, wait_for
from tests.helpers.receivers import KEY, Answer, Receiver, receiving
from tests.helpers.specs import SANDBOX_PROJECT, WORKFLOW, spec
from tests.picture import ROOT

GUIDE = ROOT / "docs/guides/notify.md"
NOTIFIED = SANDBOX_PROJECT + "  notify: {}\n"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver of events that the environment names."""
    with receiving() as found:
        monkeypatch.setenv("QFLOW_NOTIFY_URL", found.url)
        monkeypatch.setenv("QFLOW_NOTIFY_KEY", KEY)
        yield found


@pytest.fixture
def notified(project: Workspace) -> Workspace:
    """The sample, with settings that tell others everything."""
    project.write("qflow.yaml", NOTIFIED)
    project.commit("tell others")
    return project


def outbox(workspace: Workspace) -> list[dict[str, Any]]:
    """What the lockfile says is still to be told."""
    found: list[dict[str, Any]] = json.loads(workspace.read("qflow.lock")).get("outbox", [])
    return found


@contextmanager
def running(program: str, port: int) -> Iterator[Callable[[], list[str]]]:
    """Run a receiver; what is yielded ends it and gives the lines that it wrote."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"QFLOW_NOTIFY_KEY": KEY},
    )

    def lines() -> list[str]:
        process.terminate()
        return process.communicate()[0].decode().splitlines()

    try:
        wait_for(port, process)
        yield lines
    finally:
        process.kill()
        process.wait()


def events(receiver: Receiver) -> list[dict[str, Any]]:
    """What each event says, once: an answer that comes too late makes one come twice."""
    return list({got.data["id"]: got.data["data"] for got in receiver.got}.values())


def kinds(receiver: Receiver) -> list[str]:
    return [data["kind"] for data in events(receiver)]


def test_an_apply_tells_a_receiver_what_it_did(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    """Read and verified by the libraries of both specifications."""
    assert cli("apply", "--yes").code == 0
    if outbox(notified):
        assert cli("notify").code == 0
    assert kinds(receiver) == ["started", "finished"]
    assert outbox(notified) == []
    for got in receiver.got:
        Webhook(KEY).verify(got.body, got.headers)
        event = from_structured_event(HTTPMessage(got.headers, got.body))
        assert event.get_subject() == "prod/encrypt-prod-buckets #1"
        assert event.get_id() == got.headers["webhook-id"]
        data = event.get_data()
        assert isinstance(data, dict)
        assert data["executionId"] == sandbox.executions()[0]["id"]


def test_the_guides_receiver_takes_what_is_signed_and_nothing_else(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is run as it stands; an event that comes twice is told once."""
    (text,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    port = free_port()
    monkeypatch.setenv("QFLOW_NOTIFY_URL", f"http://127.0.0.1:{port}/")
    monkeypatch.setenv("QFLOW_NOTIFY_KEY", KEY)
    with running(text.replace("8090", str(port)), port) as lines:
        assert cli("notify", "--test").code == 0
        assert cli("apply", "--yes").code == 0
        assert cli("notify").code == 0
        monkeypatch.setenv("QFLOW_NOTIFY_KEY", f"whsec_{'A' * 44}")
        refused = cli("notify", "--test")
        told = lines()
    assert refused.code == 12
    assert "cloudevents: it answered 401" in refused.out
    assert told == [
        "A test: what qflow-gitops tells arrives here.",
        "prod/encrypt-prod-buckets #1 was started",
        "prod/encrypt-prod-buckets #1 has succeeded",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(503, headers={"Retry-After": "3600"}),
        Answer(302, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
        Answer(410),
        Answer(204, after=1.5),
    ],
    ids=["500", "busy", "redirect", "gone", "late"],
)
def test_a_bad_receiver_costs_an_apply_nothing_and_gets_all_of_it_later(
    answer: Answer, notified: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    """Each event comes under the same id, each time that it does."""
    receiver.rest = answer
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "2 notices are still to be told" in done.err + done.out
    waiting = [notice["id"] for notice in outbox(notified)]
    assert [got.path for got in receiver.got] == [receiver.got[0].path] * len(receiver.got)
    receiver.rest = Answer()
    assert cli("notify").code == 0
    assert outbox(notified) == []
    assert [*dict.fromkeys(receiver.ids)] == waiting


def test_a_receiver_that_is_down_costs_an_apply_nothing(
    notified: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = receiver.url
    monkeypatch.setenv("QFLOW_NOTIFY_URL", f"http://127.0.0.1:{free_port()}/")
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "cloudevents: the connection was refused" in done.err + done.out
    waiting = [notice["id"] for notice in outbox(notified)]
    monkeypatch.setenv("QFLOW_NOTIFY_URL", there)
    assert cli("notify").code == 0
    assert [*dict.fromkeys(receiver.ids)] == waiting


def test_what_nobody_takes_is_told_by_the_next_apply(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    receiver.rest = Answer(500)
    assert cli("apply", "--yes").code == 0
    left = [notice["id"] for notice in outbox(notified)]
    receiver.rest, receiver.got = Answer(), []
    notified.write("runs/b.yaml", spec("b"))
    notified.commit("another one")
    assert cli("apply", "--yes").code == 0
    assert [*dict.fromkeys(receiver.ids)][:2] == left
    assert {*left}.isdisjoint(notice["id"] for notice in outbox(notified))


def test_while_an_apply_has_the_lockfile_to_itself_nothing_is_told_beside_it(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    """Who has it couldn't be recorded: each command that somebody types would tell it again."""
    receiver.rest = Answer(500)
    assert cli("apply", "--yes").code == 0
    receiver.got, receiver.rest = [], Answer()
    with (notified.path / ".git/qflow-gitops/mutex").open("w") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        done = cli("notify")
    assert (done.code, receiver.got) == (6, [])
    assert "Another qflow-gitops is writing the lockfile" in done.err
    assert cli("notify").code == 0
    assert kinds(receiver) == ["started", "finished"]


def test_what_is_held_is_told_once_until_it_changes(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    sandbox.set_faults("outcome=Failed")
    assert cli("apply", "--yes").code == 1
    for _ in range(2):
        cli("apply", "--yes")
    assert cli("notify").code == 0
    assert kinds(receiver).count("held") == 1
    (held,) = (data for data in events(receiver) if data["kind"] == "held")
    assert held["title"] == "Runs are held in prod"
    assert held["detail"] == "encrypt-prod-buckets: failed"
    notified.write("qflow.yaml", f"{NOTIFIED}  policy: {{workflows: {{deny: [{WORKFLOW}]}}}}\n")
    notified.write("runs/b.yaml", spec("b"))
    notified.commit("one more that is held")
    cli("apply", "--yes")
    assert cli("notify").code == 0
    assert kinds(receiver).count("held") == 2


def test_a_freeze_is_told(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    assert cli("apply", "--yes").code == 0
    assert cli("notify").code == 0
    receiver.got = []
    assert cli("freeze", "--reason", "incident 42").code == 0
    assert cli("unfreeze", "--reason", "over").code == 0
    assert cli("notify").code == 0
    assert [(data["reason"], data["detail"]) for data in events(receiver)] == [
        ("frozen", "incident 42"),
        ("unfrozen", "over"),
    ]


def test_doctor_says_who_is_set_up_and_what_waits(
    notified: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def said() -> tuple[str, str]:
        checks = cli.json("doctor", "repository", "--offline")["checks"]
        (check,) = (one for one in checks if one["name"] == "notify")
        return check["found"], check["hint"]

    receiver.rest = Answer(500)
    assert cli("apply", "--yes").code == 0
    assert said() == ("cloudevents; 2 notices wait", "Tell them: `qflow-gitops notify`")
    receiver.rest = Answer()
    assert cli("notify").code == 0
    assert said() == ("cloudevents", "")
    monkeypatch.setenv("QFLOW_NOTIFY_KEY", "canary")
    assert said()[0] == "QFLOW_NOTIFY_KEY is no key to sign with: a key begins with `whsec_`."


def test_without_the_setting_nobody_is_told(
    project: Workspace, cli: Cli, sandbox: SandboxServer, receiver: Receiver
) -> None:
    assert cli("apply", "--yes").code == 0
    done = cli("notify")
    assert (done.code, receiver.got) == (0, [])
    assert "Nothing is to be told to cloudevents" in done.out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("QFLOW_NOTIFY_URL", "http://example.com/canary-hook"),
        ("QFLOW_NOTIFY_URL", "https://user:canary@example.com/"),
        ("QFLOW_NOTIFY_SLACK_URL", "https://hooks.slack.com/canary hook"),
        ("QFLOW_NOTIFY_TEAMS_URL", "https://[canary/"),
        ("QFLOW_NOTIFY_KEY", "whsec_canary"),
        ("QFLOW_NOTIFY_KEY", ""),
    ],
)
def test_a_bad_address_or_key_is_refused_without_a_word_of_it_and_an_apply_goes_on(
    variable: str,
    value: str,
    notified: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, value)
    refused, applied = cli("notify"), cli("apply", "--yes")
    assert (refused.code, applied.code, receiver.got) == (2, 0, [])
    assert "canary" not in (refused.err + applied.err + applied.out).replace("test-canary", "")
    assert "Nobody is told of this apply." in applied.err


def test_no_message_holds_an_address_or_a_key(
    notified: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver may say them back."""
    with receiving() as receiver:
        receiver.rest = Answer(400, f"no such {receiver.url} with {KEY}".encode())
        for name in ("QFLOW_NOTIFY_URL", "QFLOW_NOTIFY_SLACK_URL", "QFLOW_NOTIFY_TEAMS_URL"):
            monkeypatch.setenv(name, receiver.url)
        monkeypatch.setenv("QFLOW_NOTIFY_KEY", KEY)
        said = [cli(*words) for words in (("apply", "--yes"), ("notify",), ("notify", "--test"))]
    told = "".join(done.out + done.err for done in said) + notified.read("qflow.lock")
    assert "it answered 400" in told
    assert "canary-path" not in told
    assert "canary-sig" not in told
    assert KEY not in told
