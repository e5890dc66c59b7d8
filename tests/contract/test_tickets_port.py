"""Each system of tickets does what the port says, over HTTP or as a process of its own."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.errors import AuthError, QflowError, UnreachableError, UsageProblem
from qflow_gitops.policy.tickets import COMMAND, JIRA, SERVICENOW, SYSTEMS, TicketRule
from qflow_gitops.ports.tickets import Tickets
from qflow_gitops.settings.ticketing import from_data
from qflow_gitops.tickets import command
from qflow_gitops.tickets.connect import connect
from tests.fakes.clock import FakeClock
from tests.fakes.tickets import FakeTickets
from tests.helpers.ticket_program import TicketProgram
from tests.helpers.ticket_systems import TOKEN, Fault, Jira, ServiceNow, TicketServer

ID, UNKNOWN = "CHG0000024", "CHG9999999"
RULES: Mapping[str, Mapping[str, Any]] = {
    SERVICENOW: {},
    JIRA: {
        "states": ["Approved"],
        "window": {"start": "customfield_10047", "end": "customfield_10048"},
        "approved": {"field": "customfield_10050", "values": ["Yes"]},
    },
    COMMAND: {},
}


def rule(system: str, **more: Any) -> TicketRule:
    made = from_data({"system": system, "pattern": ".*", **RULES[system], **more})
    assert made is not None
    return made


@dataclass
class System:
    """A system with a ticket that is ready: what reads it, and which notes it has."""

    tickets: Tickets
    texts: Callable[[], list[str]]


def connected(system: str, environ: Mapping[str, str], **more: Any) -> Tickets:
    return connect(rule(system, **more), environ, lambda _: False, lambda: 60.0)


@pytest.fixture
def servicenow() -> Iterator[ServiceNow]:
    with ServiceNow() as server:
        server.put(ID)
        yield server


@pytest.fixture
def jira() -> Iterator[Jira]:
    with Jira() as server:
        window = {"customfield_10047": "2020-01-01T02:00:00.000+0200"}
        end = {"customfield_10048": "2099-01-01T00:00:00.000+0000"}
        server.put(ID, **window, **end, customfield_10050={"id": "10020", "value": "Yes"})
        yield server


@pytest.fixture
def program(tmp_path: Path) -> TicketProgram:
    made = TicketProgram(tmp_path / "tools")
    made.put(ID, start="2020-01-01T02:00:00+02:00", end="2099-01-01T00:00:00Z")
    return made


@pytest.fixture(params=[*SYSTEMS, "fake"])
def system(
    request: pytest.FixtureRequest,
    servicenow: ServiceNow,
    jira: Jira,
    program: TicketProgram,
) -> System:
    fake = FakeTickets(FakeClock())
    fake.put(ID, starts="2020-01-01T00:00:00Z", ends="2099-01-01T00:00:00Z")
    systems: dict[str, Callable[[], System]] = {
        SERVICENOW: lambda: System(
            connected(SERVICENOW, servicenow.environment), lambda: servicenow.texts(ID)
        ),
        JIRA: lambda: System(connected(JIRA, jira.environment), lambda: jira.texts(ID)),
        COMMAND: lambda: System(
            connected(COMMAND, {**os.environ, **program.environment}),
            lambda: program.known["notes"].get(ID, []),
        ),
        "fake": lambda: System(fake, lambda: fake.notes.get(ID, [])),
    }
    return systems[request.param]()


def test_a_ticket_is_read_with_its_times_in_utc(system: System) -> None:
    found = system.tickets.read(ID)
    assert found is not None
    assert (found.id, found.approved) == (ID, True)
    assert (found.starts, found.ends) == ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    assert len(found.sha256) == 64
    assert found.read_at.endswith("Z")


def test_one_that_isnt_there_is_none(system: System) -> None:
    assert system.tickets.read(UNKNOWN) is None
    assert system.tickets.noted(UNKNOWN, ["x"]) is None
    assert system.tickets.note(UNKNOWN, "x") is False


def test_a_note_is_found_by_what_it_holds(system: System) -> None:
    assert system.tickets.noted(ID, ["execution 497d0fe7"]) == frozenset()
    assert system.tickets.note(ID, "It ran.\nexecution 497d0fe7 ended")
    assert system.texts() == ["It ran.\nexecution 497d0fe7 ended"]
    wanted = ["execution 497d0fe7", "execution 497d0fe8"]
    assert system.tickets.noted(ID, wanted) == frozenset(["execution 497d0fe7"])
    system.tickets.close()


# --- the two that are reached over HTTP ---------------------------------------------------


@pytest.fixture(params=[SERVICENOW, JIRA])
def server(
    request: pytest.FixtureRequest, servicenow: ServiceNow, jira: Jira
) -> tuple[str, TicketServer]:
    return request.param, servicenow if request.param == SERVICENOW else jira


def problem(work: Callable[[], object]) -> QflowError:
    with pytest.raises(QflowError) as raised:
        work()
    return raised.value


def test_a_token_alone_will_do(server: tuple[str, TicketServer]) -> None:
    name, there = server
    environ = {"QFLOW_TICKET_URL": there.url, "QFLOW_TICKET_TOKEN": TOKEN}
    assert connected(name, environ).read(ID) is not None


def test_a_refused_account_is_said_without_it(server: tuple[str, TicketServer]) -> None:
    name, there = server
    environ = {**there.environment, "QFLOW_TICKET_PASSWORD": "canary-wrong"}
    one = problem(lambda: connected(name, environ).read(ID))
    assert isinstance(one, AuthError)
    assert "401, " in one.message
    assert "canary" not in f"{one.message}{one.hint}{one.where}"
    assert len(there.asked) == 1
    there.faults.append(Fault("/", 403, b'{"error": {"message": "canary-wrong"}}'))
    one = problem(lambda: connected(name, environ).read(ID))
    assert (one.reason, "canary" in one.message) == ("ticket_permission", False)


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'"x"', b"[]", b"{}", b'{"result": 1}'])
def test_another_answer_than_is_documented_is_none(
    server: tuple[str, TicketServer], body: bytes
) -> None:
    name, there = server
    there.faults.append(Fault("/", 200, body))
    one = problem(lambda: connected(name, there.environment).read(ID))
    assert isinstance(one, UnreachableError)
    assert "isn't what its documentation says" in one.message


def test_a_server_that_is_busy_or_broken_is_asked_twice(server: tuple[str, TicketServer]) -> None:
    name, there = server
    for status, headers in ((503, {}), (429, {"Retry-After": "0"})):
        there.faults.append(Fault("/", status, b"", dict(headers), times=1))
        assert connected(name, there.environment).read(ID) is not None
    there.asked.clear()
    there.faults.append(Fault("/", 429, b"", {"Retry-After": "3600"}))
    one = problem(lambda: connected(name, there.environment).read(ID))
    assert isinstance(one, UnreachableError)
    assert "could not be asked: status 429" in one.message
    assert len(there.asked) == 1  # nobody waits for an hour


def test_a_redirect_leads_nowhere(server: tuple[str, TicketServer]) -> None:
    name, there = server
    there.faults.append(Fault("/", 302, b"", {"Location": f"{there.url}/elsewhere"}))
    one = problem(lambda: connected(name, there.environment).read(ID))
    assert "refused this: status 302" in one.message
    assert len(there.asked) == 1


def test_a_note_whose_answer_is_lost_isnt_written_twice(server: tuple[str, TicketServer]) -> None:
    name, there = server
    there.cut = 1
    tickets = connected(name, there.environment)
    assert isinstance(problem(lambda: tickets.note(ID, "once")), UnreachableError)
    assert [one.method for one in there.asked if one.method != "GET"] in (["PATCH"], ["POST"])
    assert tickets.noted(ID, ["once"]) == frozenset(["once"])


def test_an_address_below_a_path_is_taken(jira: Jira) -> None:
    """So it is with a token of limited scope: https://api.atlassian.com/ex/jira/<cloudId>."""
    environ = {**jira.environment, "QFLOW_TICKET_URL": f"{jira.url}/ex/jira/35273b54/"}
    assert connected(JIRA, environ).read(ID) is None
    assert jira.asked[-1].path == f"/ex/jira/35273b54/rest/api/3/issue/{ID}"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "QFLOW_TICKET_URL isn't set"),
        ({"QFLOW_TICKET_URL": "http://example.service-now.com"}, "is no https address"),
        ({"QFLOW_TICKET_URL": "https://a:b@example.service-now.com"}, "is no https address"),
        ({"QFLOW_TICKET_URL": "https://example.service-now.com?x=1"}, "is no https address"),
        ({"QFLOW_TICKET_URL": "https://[::1"}, "is no https address"),
        ({"QFLOW_TICKET_URL": "https://x"}, "there has to be QFLOW_TICKET_USERNAME"),
        (
            {"QFLOW_TICKET_URL": "https://x", "QFLOW_TICKET_USERNAME": "a",
             "QFLOW_TICKET_PASSWORD": "b", "QFLOW_TICKET_TOKEN": "c"},
            "or QFLOW_TICKET_TOKEN alone",
        ),
        ({"QFLOW_TICKET_URL": "https://x", "QFLOW_TICKET_TOKEN": "a\nb"}, "can't be in a header"),
        ({"QFLOW_TICKET_COMMAND": "/bin/true"}, "asks for tickets of ServiceNow"),
    ],
)  # fmt: skip
def test_what_cant_be_used_is_said_before_anything_is_sent(
    environ: dict[str, str], said: str
) -> None:
    one = problem(lambda: connected(SERVICENOW, environ))
    assert isinstance(one, UsageProblem)
    assert said in one.message
    assert one.hint


# --- ServiceNow alone ---------------------------------------------------------------------


def test_servicenow_is_asked_for_values_and_not_for_what_people_see(
    servicenow: ServiceNow,
) -> None:
    assert connected(SERVICENOW, servicenow.environment).read(ID) is not None
    (asked,) = servicenow.asked
    assert asked.query == {
        "sysparm_query": f"number={ID}",
        "sysparm_fields": "sys_id,number,state,approval,start_date,end_date",
        "sysparm_display_value": "false",
        "sysparm_exclude_reference_link": "true",
        "sysparm_limit": "2",
    }


@pytest.mark.parametrize("field", ["state", "approval", "start_date"])
def test_a_field_that_servicenow_leaves_out_is_no_empty_one(
    servicenow: ServiceNow, field: str
) -> None:
    servicenow.hidden.add(field)
    one = problem(lambda: connected(SERVICENOW, servicenow.environment).read(ID))
    assert f"has no text in the field {field}" in one.message
    more: dict[str, Any] = {"window": {}, "approved": {}}
    if field != "state":
        assert connected(SERVICENOW, servicenow.environment, **more).read(ID) is not None


def test_a_state_that_is_written_as_a_number_is_that_number() -> None:
    assert rule(JIRA, states=[-2, 5.0, 1234567]).states == ("-2", "5", "1234567")


def test_what_servicenow_gives_of_other_changes_is_no_answer(servicenow: ServiceNow) -> None:
    """A condition that it doesn't understand is left out, and all rows come."""
    row = servicenow.changes[ID]
    many = [row | {"number": UNKNOWN}, row]
    servicenow.faults.append(Fault("change_request", 200, json.dumps({"result": many}).encode()))
    tickets = connected(SERVICENOW, servicenow.environment)
    assert "isn't what its documentation says" in problem(lambda: tickets.read(ID)).message
    assert tickets.read("CHG0000025") is None


@pytest.mark.parametrize("time", ["2026-11-29", "29.11.2026 12:00:00", "2026-13-29 12:00:00"])
def test_a_time_of_servicenow_in_another_form_is_none(servicenow: ServiceNow, time: str) -> None:
    servicenow.put(ID, end_date=time)
    one = problem(lambda: connected(SERVICENOW, servicenow.environment).read(ID))
    assert "has no time in the field end_date" in one.message


def test_a_work_note_of_another_change_isnt_found_and_one_far_back_is(
    servicenow: ServiceNow,
) -> None:
    tickets = connected(SERVICENOW, servicenow.environment)
    servicenow.put("CHG0000025")
    tickets.note("CHG0000025", "execution 1")
    assert tickets.noted(ID, ["execution 1"]) == frozenset()
    tickets.note(ID, "execution 2")
    for number in range(450):
        servicenow.note(ID, f"chatter {number}")
    assert tickets.noted(ID, ["execution 2"]) == frozenset(["execution 2"])


def test_a_work_note_makes_no_html(servicenow: ServiceNow) -> None:
    connected(SERVICENOW, servicenow.environment).note(ID, "[code]<b>x</b>[/CODE]")
    assert servicenow.texts(ID) == ["(code)<b>x</b>(/CODE)"]


# --- Jira alone ---------------------------------------------------------------------------


def test_jira_is_asked_for_the_fields_of_the_rule(jira: Jira) -> None:
    found = connected(JIRA, jira.environment).read(ID)
    assert found is not None
    assert (found.state, found.code) == ("Approved", "10010")
    assert jira.asked[0].query == {
        "fields": "status,customfield_10050,customfield_10047,customfield_10048"
    }


def test_an_issue_that_jira_finds_under_another_key_is_no_answer(jira: Jira) -> None:
    jira.moved["OPS-1"] = ID
    one = problem(lambda: connected(JIRA, jira.environment).read("OPS-1"))
    assert f"under another key now, {ID}" in one.message


@pytest.mark.parametrize(
    ("value", "approved"),
    [
        ("Yes", True), ({"name": "Yes"}, True), ([{"value": "Yes"}, "Yes"], True),
        (None, False), ([], False), ([{"value": "Yes"}, {"value": "No"}], False), (1, False),
    ],
)  # fmt: skip
def test_all_that_the_approval_of_jira_holds_has_to_mean_yes(
    jira: Jira, value: Any, approved: bool
) -> None:
    jira.issues[ID]["customfield_10050"] = value
    found = connected(JIRA, jira.environment).read(ID)
    assert found is not None
    assert found.approved is approved


@pytest.mark.parametrize("value", ["2026-11-29", "soon", 5])
def test_a_date_alone_is_no_time_of_jira(jira: Jira, value: Any) -> None:
    jira.issues[ID]["customfield_10047"] = value
    one = problem(lambda: connected(JIRA, jira.environment).read(ID))
    assert "no time with a time zone in the field customfield_10047" in one.message
    del jira.issues[ID]["customfield_10047"]
    one = problem(lambda: connected(JIRA, jira.environment).read(ID))
    assert "has no field customfield_10047" in one.message


def test_a_comment_is_looked_for_to_the_last_page(jira: Jira) -> None:
    jira.page = 3
    tickets = connected(JIRA, jira.environment)
    for text in ("execution 1", *(f"chatter {number}" for number in range(8))):
        tickets.note(ID, text)
    assert tickets.noted(ID, ["execution 1"]) == frozenset(["execution 1"])


def test_a_comment_is_nothing_but_text(jira: Jira) -> None:
    hostile = "[~accountid:5b10] {color:red}x{color} https://evil.example @all"
    connected(JIRA, jira.environment).note(ID, f"{hostile}\n\nb")
    ((comment,),) = (jira.comments[ID],)
    assert comment["body"] == {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": text}]}
            for text in (hostile, "b")
        ],
    }


# --- a program alone ----------------------------------------------------------------------


def test_a_program_gets_none_of_the_credentials_of_qualys(program: TicketProgram) -> None:
    environ = {
        **os.environ, **program.environment, "QFLOW_TOKEN": "canary", "ACME_QFLOW_TOKEN": "canary",
        "QFLOW_TICKET_TOKEN": "t",
        "QFLOW_TICKET_URL": "https://tickets.example",
    }  # fmt: skip
    connected(COMMAND, environ).read(ID)
    ((asked, variables),) = program.known["asked"]
    assert asked == {"version": 1, "do": "read", "id": ID}
    assert variables == ["QFLOW_TICKET_TOKEN", "QFLOW_TICKET_URL"]


def test_a_program_is_asked_for_any_number_of_notes(program: TicketProgram) -> None:
    """A whole rollout may have one ticket; a question that is cut is none."""
    tickets = connected(COMMAND, {**os.environ, **program.environment})
    names = [f"{number:032x}" for number in range(1_000)]
    tickets.note(ID, "\n".join(names[:: len(names) - 1]))
    assert tickets.noted(ID, names) == frozenset({names[0], names[-1]})
    assert tickets.noted(UNKNOWN, names) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("print('no')", "it printed no JSON object"),
        ("print('{}')", "it printed no JSON object with a `version`"),
        ("print('{\"version\": 2}')", "its `version` isn't 1"),
        ('print(\'{"version": 1, "id": "X"}\')', "its `id` isn't that of the ticket"),
        (f'print(\'{{"version": 1, "id": "{ID}", "approved": 1}}\')', "neither true nor"),
        (f'print(\'{{"version": 1, "id": "{ID}", "end": "soon"}}\')', "`end` is no time"),
        ("print('x' * 70_000)", "printed more than 64 KiB"),
        ("import sys; sys.exit('no such\\nserver')", "ended with 1: no such server"),
        ("{}['QFLOW_X']", "ended with 1: KeyError: 'QFLOW_X'"),  # a traceback's last line
    ],
)
def test_a_program_that_answers_badly_is_said(
    program: TicketProgram, source: str, said: str
) -> None:
    program.says(source)
    tickets = connected(COMMAND, {**os.environ, **program.environment})
    assert said in problem(lambda: tickets.read(ID)).message


def test_a_program_that_takes_too_long_is_ended(
    program: TicketProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SECONDS", 0.3)
    program.says("import time; time.sleep(60)")
    tickets = connected(COMMAND, {**os.environ, **program.environment})
    assert "took too long" in problem(lambda: tickets.read(ID)).message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("'", "a quote in QFLOW_TICKET_COMMAND isn't closed"),
        ("", "QFLOW_TICKET_COMMAND isn't set"),
        ("tools/tickets", "is named by a relative path, which a repository could fill"),
        ("no-such-program-of-tickets", "is in no folder of the PATH"),
    ],
)
def test_a_program_that_a_repository_could_choose_isnt_run(line: str, said: str) -> None:
    environ = {**os.environ, "QFLOW_TICKET_COMMAND": line}
    assert said in problem(lambda: connected(COMMAND, environ)).message


def test_a_program_that_git_keeps_isnt_run(program: TicketProgram) -> None:
    environ = {**os.environ, **program.environment}
    one = problem(lambda: connect(rule(COMMAND), environ, lambda _: True, lambda: 60.0))
    assert "git keeps the program" in one.message
    assert one.hint.startswith("Put a copy where no repository keeps it")
