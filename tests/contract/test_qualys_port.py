"""The client of the Qualys API, over HTTP to the sandbox, and the fake one tell the same."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from qflow_gitops.errors import AuthError, UnreachableError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.route import Route
from qflow_gitops.http.transport import Transport
from qflow_gitops.ports.qualys import (
    Answer,
    AnswerKind,
    ConnectorListing,
    ConnectorLists,
    Qualys,
    SeenConnector,
)
from qflow_gitops.qualys.api_server import ApiServer
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.qualys.client import QualysClient
from qflow_gitops.qualys.credentials import for_api_server
from qflow_gitops.sandbox.connectors import connector
from qflow_gitops.sandbox.connectors_v3 import connector as connector_v3
from qflow_gitops.sandbox.server import SandboxServer
from tests.fakes import qualys as fakes
from tests.fakes.clock import FakeClock
from tests.fakes.qualys import FakeQualys, Reply
from tests.helpers.logins import tokens_of
from tests.helpers.sandboxes import served

WORKFLOW = "6cad21c8-4405-4517-beb9-7372feafb5b4"
OTHER = "11111111-2222-4333-8444-555555555555"
BODY = {"input": {"bucket": "b-1", "count": 4}, "variables": {"region": "us-east-1"}}
MINUTE = timedelta(minutes=1)


class Host(Protocol):
    """What a test's story needs beside the port."""

    @property
    def qualys(self) -> Qualys: ...
    @property
    def listing(self) -> tuple[ConnectorLists, ...]: ...
    def now(self) -> datetime: ...
    def what_ran(self, workflow_id: str) -> list[Any]: ...
    def reply(self, name: str) -> None: ...
    def begin(self, workflow_id: str, body: dict[str, Any]) -> str: ...
    def end(self, execution_id: str) -> None: ...
    def forget(self, execution_id: str) -> None: ...
    def age(self, execution_id: str, days: float) -> None: ...
    def without(self, what: str, workflow_id: str) -> None: ...
    def set_ahead(self, seconds: float) -> None: ...
    def connect_to(self, cloud: str, *known: SeenConnector) -> None: ...


class Real:
    """The sandbox, and the client that talks to it."""

    def __init__(self, server: SandboxServer) -> None:
        redact = Redactor()
        transport = Transport(server.url, user_agent="tests", route=Route())
        tokens = tokens_of(transport, os.environ, redact)
        self.qualys: Qualys = QualysClient(
            Caller(transport, tokens, redact, sleep=lambda _seconds: None)
        )
        credentials = {"QFLOW_API_USERNAME": "ada", "QFLOW_API_PASSWORD": "test-canary-secret"}
        self.listing: tuple[ConnectorLists, ...] = (
            self.qualys,
            ApiServer(transport, for_api_server(credentials), redact),
        )
        self._server = server

    def now(self) -> datetime:
        return datetime.now(UTC)

    def what_ran(self, workflow_id: str) -> list[Any]:
        return [begun["body"] for begun in self._server.executions(workflow_id)]

    def reply(self, name: str) -> None:
        faults = {"lost": "accept-then-drop", "vanished": "drop", "busy": "429=0"}
        self._server.set_faults(faults.get(name, name))

    def begin(self, workflow_id: str, body: dict[str, Any]) -> str:
        return self._server.add_foreign(workflow_id, body)

    def end(self, execution_id: str) -> None:
        self._server.elapse(2_000)

    def forget(self, execution_id: str) -> None:
        self._server.forget(execution_id)

    def age(self, execution_id: str, days: float) -> None:
        self._server.age(execution_id, days * 86_400)

    def without(self, what: str, workflow_id: str) -> None:
        if what == "all of it":  # more than a page, and no second one
            for _ in range(101):
                self._server.add_foreign(workflow_id, {})
        faults = {
            "the workflow": f"unknown-workflow={workflow_id}", "its list": "404@list",
            "all of it": "list-stuck", "its echo": "no-echo", "a token": "401@token",
        }  # fmt: skip
        self._server.set_faults(faults[what])

    def set_ahead(self, seconds: float) -> None:
        self._server.set_faults(f"skew={seconds}")

    def connect_to(self, cloud: str, *known: SeenConnector) -> None:
        items = [
            connector(cloud, each.id, each.title, each.account, each.state)
            | {"isDisabled": each.disabled}
            for each in known
        ]
        self._server.set_connectors(cloud, items or None)
        numbered = [
            connector_v3(cloud, number, each.id, each.title, each.account, each.state)
            for number, each in enumerate(known, 1)
        ]
        self._server.set_connectors(cloud, numbered or None, v3=True)


class Fake:
    """The fake one."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.qualys = FakeQualys(self.clock, ends="")
        self.listing: tuple[ConnectorLists, ...] = (self.qualys,)

    def now(self) -> datetime:
        return self.clock.now()

    def what_ran(self, workflow_id: str) -> list[Any]:
        begun = self.qualys.executions_of(workflow_id)
        return [each.body for each in begun if each.source == "PUBLIC_API"]

    def reply(self, name: str) -> None:
        replies = {"lost": fakes.LOST, "vanished": fakes.VANISHED, "busy": fakes.UNSENT}
        status = int(name) if name.isdecimal() else None
        unclear = Reply(AnswerKind.UNCLEAR, executes=False, status=status, detail="Unclear.")
        refused = fakes.refused(status) if status and status < 500 else unclear
        self.qualys.replies.append(replies.get(name, refused))

    def begin(self, workflow_id: str, body: dict[str, Any]) -> str:
        return self.qualys.begin(workflow_id, body, source="WORKFLOW_TRIGGER").id

    def _begun(self, execution_id: str) -> fakes.Begun:
        return next(begun for begun in self.qualys.begun if begun.id == execution_id)

    def end(self, execution_id: str) -> None:
        self._begun(execution_id).end("Success", self.clock.now())

    def forget(self, execution_id: str) -> None:
        self._begun(execution_id).shown = False

    def age(self, execution_id: str, days: float) -> None:
        self._begun(execution_id).created -= timedelta(days=days)

    def without(self, what: str, workflow_id: str) -> None:
        match what:
            case "the workflow":
                self.qualys.unknown.add(workflow_id)
            case "its list":
                self.qualys.hidden.add(workflow_id)
            case "all of it":
                self.qualys.partial.add(workflow_id)
            case "its echo":
                for begun in self.qualys.begun:
                    begun.echoed = False
            case "a token":
                self.qualys.problem = fakes.token_refused()

    def set_ahead(self, seconds: float) -> None:
        self.qualys.ahead = seconds

    def connect_to(self, cloud: str, *known: SeenConnector) -> None:
        self.qualys.listed.pop(cloud, None)
        if known:
            self.qualys.listed[cloud] = ConnectorListing(known)


@pytest.fixture(params=["client", "fake"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """One Qualys, real or fake; its executions don't end by themselves."""
    if request.param == "fake":
        yield Fake()
        return
    monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
    with served(duration=1_000) as server:
        yield Real(server)


def run(
    host: Host, workflow_id: str = WORKFLOW, may_send: Callable[[], bool] = lambda: True
) -> Answer:
    return host.qualys.run(workflow_id, json.dumps(BODY).encode(), may_send)


# --- starting a run ------------------------------------------------------------------


def test_a_run_is_executed_once_and_answered_with_its_execution(host: Host) -> None:
    answer = run(host)
    assert (answer.kind, answer.http_status) == (AnswerKind.ACCEPTED, 200)
    assert host.what_ran(WORKFLOW) == [BODY]
    found = host.qualys.execution(answer.execution_id)
    assert found is not None
    assert (found.id, found.workflow_id) == (answer.execution_id, WORKFLOW)
    assert found.created_at is not None
    assert run(host).execution_id != answer.execution_id


def test_nothing_is_sent_once_it_may_not_be(host: Host) -> None:
    assert run(host, may_send=lambda: False).kind is AnswerKind.UNSENT
    assert host.what_ran(WORKFLOW) == []


@pytest.mark.parametrize(
    ("reply", "kind", "status", "ran"),
    [
        ("400", AnswerKind.REFUSED, 400, 0),
        ("403", AnswerKind.REFUSED, 403, 0),
        ("404", AnswerKind.REFUSED, 404, 0),
        ("500", AnswerKind.UNCLEAR, 500, 0),
        ("lost", AnswerKind.UNCLEAR, None, 1),
        ("vanished", AnswerKind.UNCLEAR, None, 0),
    ],
)
def test_what_an_answer_proves(
    host: Host, reply: str, kind: AnswerKind, status: int | None, ran: int
) -> None:
    host.reply(reply)
    answer = run(host)
    assert (answer.kind, answer.execution_id, answer.http_status) == (kind, "", status)
    assert answer.detail
    assert len(host.what_ran(WORKFLOW)) == ran


def test_what_is_put_off_again_and_again_was_not_sent(host: Host) -> None:
    host.reply("busy")
    answer = run(host)
    assert answer.kind is AnswerKind.UNSENT
    assert answer.detail
    assert host.what_ran(WORKFLOW) == []


def test_an_unknown_workflow_is_refused_and_not_shown(host: Host) -> None:
    assert host.qualys.workflow(WORKFLOW) is not None
    host.without("the workflow", WORKFLOW)
    assert host.qualys.workflow(WORKFLOW) is None
    assert host.qualys.workflow(OTHER) is not None
    assert run(host).kind is AnswerKind.REFUSED


def test_without_a_token_nothing_begins(host: Host) -> None:
    host.without("a token", WORKFLOW)
    for call in (
        host.qualys.connect,
        lambda: host.qualys.workflow(WORKFLOW),
        lambda: host.qualys.execution(OTHER),
        lambda: host.qualys.steps(OTHER),
        lambda: host.qualys.step(OTHER, "trigger"),
        lambda: host.qualys.shown(OTHER),
        lambda: host.qualys.newest(WORKFLOW, host.now()),
        lambda: list(host.qualys.workflows()),
    ):
        with pytest.raises(AuthError):
            call()
    assert run(host).kind is AnswerKind.UNSENT


def test_who_is_not_there_is_unreachable_and_got_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
    with served() as server:
        gone: Host = Real(server)
        gone.qualys.connect()
    silent = Fake()
    silent.qualys.problem = fakes.out_of_reach()
    for host in (gone, silent):
        with pytest.raises(UnreachableError):
            host.qualys.execution(OTHER)
        assert run(host).kind is AnswerKind.UNSENT


# --- what is shown -------------------------------------------------------------------


def test_a_workflow_has_a_revision_and_an_id_in_small_letters(host: Host) -> None:
    found = host.qualys.workflow(WORKFLOW.upper())
    assert found is not None
    assert found.id == WORKFLOW
    assert found.revision
    assert found.name


def test_workflows_that_were_run_are_listed(host: Host) -> None:
    assert list(host.qualys.workflows()) == []
    run(host)
    run(host, OTHER)
    run(host)
    assert sorted(host.qualys.workflows()) == sorted([WORKFLOW, OTHER])


def test_an_execution_runs_until_it_has_ended(host: Host) -> None:
    execution_id = run(host).execution_id
    under_way = host.qualys.execution(execution_id)
    assert under_way is not None
    assert not under_way.ended
    assert under_way.status != "Success"
    host.end(execution_id)
    ended = host.qualys.execution(execution_id)
    assert ended is not None
    assert (ended.status, ended.ended) == ("Success", True)
    assert ended.end_date is not None


def test_what_is_not_there_any_more_is_not_shown(host: Host) -> None:
    assert host.qualys.execution(OTHER) is None
    assert host.qualys.echo(OTHER) is None
    forgotten, old = run(host).execution_id, run(host).execution_id
    host.forget(forgotten)
    host.age(old, 31)
    for execution_id in (forgotten, old):
        assert host.qualys.execution(execution_id) is None
        assert host.qualys.echo(execution_id) is None
    assert host.qualys.newest(WORKFLOW, host.now() - timedelta(days=29)) == ()
    assert len(host.what_ran(WORKFLOW)) == 2


def test_an_execution_echoes_what_it_was_started_with(host: Host) -> None:
    mine, theirs = run(host).execution_id, host.begin(WORKFLOW, {"input": {"x": 1}})
    assert host.qualys.echo(mine) == ("PUBLIC_API", BODY["input"], BODY["variables"])
    echo = host.qualys.echo(theirs)
    assert echo is not None
    assert echo.source == "WORKFLOW_TRIGGER"
    assert (echo.input, echo.variables) == ({"x": 1}, {})
    host.without("its echo", WORKFLOW)
    assert host.qualys.echo(mine) is None


def test_the_steps_of_an_execution_are_shown_and_begin_with_its_trigger(host: Host) -> None:
    execution_id = run(host).execution_id
    host.end(execution_id)
    found = host.qualys.steps(execution_id)
    assert found is not None
    assert found.missing == 0
    first = found.steps[0]
    assert (first.node_id, first.node_type, first.order) == ("trigger", "trigger", 1)
    assert first.status
    assert first.created_at is not None
    assert host.qualys.step(execution_id, "trigger") == first
    assert host.qualys.step(execution_id, "node-00000000-nothing") is None


def test_the_json_of_an_execution_is_shown_as_it_comes(host: Host) -> None:
    execution_id = run(host).execution_id
    assert host.qualys.shown(execution_id)["data"]["execution"] == execution_id
    steps = host.qualys.shown(execution_id, "steps")
    assert steps["total"] == len(steps["items"])
    assert steps["items"][0]["nodeId"] == "trigger"
    (echo,) = host.qualys.shown(execution_id, "steps", "trigger", "output")
    assert echo["input"] == BODY["input"]
    assert host.qualys.shown(execution_id, "steps", "node-00000000-nothing", "output") is None


def test_nothing_is_shown_of_what_is_not_there(host: Host) -> None:
    assert host.qualys.steps(OTHER) is None
    assert host.qualys.step(OTHER, "trigger") is None
    assert host.qualys.shown(OTHER) is None
    assert host.qualys.shown(OTHER, "steps") is None


# --- lists ---------------------------------------------------------------------------


def test_a_workflows_executions_are_listed_by_time(host: Host) -> None:
    begun = [run(host).execution_id for _ in range(3)]
    run(host, OTHER)
    host.age(begun[2], 1)
    now = host.now()
    listing = host.qualys.executions(WORKFLOW, now - timedelta(days=2), now + MINUTE)
    assert listing.complete
    assert [each.id for each in listing.executions] == [begun[2], begun[0], begun[1]]
    recent = host.qualys.executions(WORKFLOW, now - MINUTE, now + MINUTE)
    assert {each.id for each in recent.executions} == set(begun[:2])
    earlier = host.qualys.executions(WORKFLOW, now - timedelta(days=2), now - timedelta(hours=1))
    assert [each.id for each in earlier.executions] == begun[2:]
    newest = host.qualys.newest(WORKFLOW, now - timedelta(days=2))
    assert newest == (begun[1], begun[0], begun[2])
    assert host.qualys.newest(WORKFLOW, now + MINUTE) == ()


def test_an_empty_list_is_a_whole_one(host: Host) -> None:
    now = host.now()
    assert host.qualys.executions(WORKFLOW, now - MINUTE, now) == ((), True)
    assert host.qualys.newest(WORKFLOW, now - MINUTE) == ()


@pytest.mark.parametrize("what", ["its list", "all of it"])
def test_nothing_is_concluded_from_a_list_that_is_not_whole(host: Host, what: str) -> None:
    run(host)
    host.without(what, WORKFLOW)
    now = host.now()
    assert not host.qualys.executions(WORKFLOW, now - MINUTE, now + MINUTE).complete
    assert host.qualys.newest(WORKFLOW, now - MINUTE) is None


def test_the_clocks_are_compared_once_it_answered(host: Host) -> None:
    assert host.qualys.skew is None
    host.set_ahead(90.0)
    run(host)
    assert host.qualys.skew == pytest.approx(90, abs=2)
    start = host.now() + timedelta(seconds=60)
    assert len(host.qualys.newest(WORKFLOW, start) or ()) == 1


def test_the_connectors_of_a_cloud_are_listed_page_by_page(host: Host) -> None:
    many = [
        SeenConnector(
            f"{n:08x}-7fb9-4bd0-8615-0438966c427b", f"AWS {n}", f"{n:012}", "SUCCESS", False
        )
        for n in range(1, 120)
    ]
    host.connect_to("aws", *many)
    host.connect_to("gcp")
    for lists in host.listing:
        assert lists.connectors("aws") == ConnectorListing(tuple(many))
        assert lists.connectors("gcp") is None
        lists.close()
