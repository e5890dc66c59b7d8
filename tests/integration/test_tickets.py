"""Tickets over HTTP, with the whole program: sent only where the change management says so."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT, spec
from tests.helpers.storm import PROGRAM
from tests.helpers.ticket_systems import PASSWORD, Asked, Fault, ServiceNow
from tests.integration.test_sandbox import Client
from tests.picture import ROOT

CHG, OTHER = "CHG0000024", "CHG0000025"
RULE = "{require: {ticket: {system: servicenow, pattern: 'CHG[0-9]{7}'}}}"
WHY = ("--reason", "incident 7")


@pytest.fixture
def servicenow(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceNow]:
    with ServiceNow() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def team(workspace: Workspace, sandbox: SandboxServer) -> Workspace:
    """A repository whose policy asks for tickets, with one run that has one."""
    workspace.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {RULE}\n")
    run(workspace, "a")
    workspace.commit("specs")
    return workspace


def run(workspace: Workspace, name: str, ticket: str = CHG, value: int = 1) -> None:
    metadata = f"  annotations: {{ticket: {ticket}}}\n"
    workspace.write(f"runs/{name}.yaml", spec(name, f"{name}{value}", metadata=metadata))


def held(data: Any) -> dict[str, str]:
    changes = [*data["changes"], *data.get("notStarted", ())]
    return {one["name"]: one["detail"] for one in changes if one["reason"] == "ticket"}


def evidence(workspace: Workspace, name: str) -> Any:
    runs = json.loads(workspace.read("qflow.lock"))["environments"]["prod"]["runs"]
    return runs[name]["attempts"][-1]["evidence"]


def test_a_run_with_a_ticket_that_is_ready_is_sent_and_the_evidence_says_what_was_seen(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    servicenow.put(CHG)
    assert cli("plan").code == 0
    assert servicenow.asked == []  # a plan asks nobody
    done = cli("apply", "--yes")
    assert done.code == 0, done.out
    assert len(sandbox.executions()) == 1
    seen = evidence(team, "a")["ticket"]
    assert (seen["id"], seen["system"], seen["state"]) == (CHG, "servicenow", "-2")
    assert len(seen["sha256"]) == 64
    assert PASSWORD not in done.out + done.err + team.read("qflow.lock")


def test_nothing_is_sent_where_the_ticket_says_no_or_nobody_says_anything(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    def said() -> str:
        data = cli.json("apply", "--yes")
        assert (data["exitCode"], data["reason"]) == (5, "ticket")
        return held(data)["a"]

    assert said() == f"ServiceNow knows no ticket {CHG}, or doesn't show it"
    servicenow.put(CHG, approval="requested")
    assert said() == f"ticket {CHG} isn't approved"
    servicenow.put(CHG, approval="approved", state="-3")
    assert said() == f"ticket {CHG} is in state -3, not in -2 or -1"
    servicenow.put(CHG, state="-1", start_date="2098-01-01 00:00:00")
    assert said().endswith("begins at 2098-01-01T00:00:00Z: it may be sent from then on")
    servicenow.put(CHG, start_date="2020-01-01 00:00:00", end_date="2020-01-02 00:00:00")
    assert said().endswith("ended at 2020-01-02T00:00:00Z")
    servicenow.put(CHG, end_date="2099-01-01 00:00:00")
    servicenow.faults.append(Fault("/", 503))
    assert said().endswith("can't be looked up: ServiceNow could not be asked: status 503")
    servicenow.faults.clear()
    assert sandbox.executions() == []
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_where_the_system_isnt_set_up_it_is_said_what_to_set(
    team: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    done = cli("apply", "--yes")
    assert done.code == 5
    assert "QFLOW_TICKET_URL isn't set" in done.out
    assert "apply --ack ticket=1 --reason TEXT" in done.out
    assert cli("apply", "--yes", "--ack", "ticket=1", *WHY).code == 0
    told = evidence(team, "a")
    assert told["released"] == [
        {"hold": "ticket", "count": 1, "by": "test@example.com", "reason": "incident 7"}
    ]
    assert len(sandbox.executions()) == 1


def test_a_ticket_that_moves_while_an_apply_waits_holds_its_run_alone(
    team: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    servicenow: ServiceNow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qflow_gitops.apply.tickets.FRESH", 0.0)  # each send is looked at anew
    servicenow.put(CHG)
    servicenow.put(OTHER)
    run(team, "b", OTHER)
    run(team, "c")
    team.commit("more")

    def moves(asked: Asked) -> None:
        if sandbox.executions():
            servicenow.changes[OTHER]["state"] = "4"  # canceled

    servicenow.before = moves
    data = cli.json("apply", "--yes", "--concurrency", "1")
    assert (data["exitCode"], data["reason"]) == (5, "ticket")
    assert held(data) == {"b": f"ticket {OTHER} is in state 4, not in -2 or -1"}
    assert len(sandbox.executions()) == 2
    assert "c" in json.loads(team.read("qflow.lock"))["environments"]["prod"]["runs"]


def test_a_change_cannot_do_without_the_ticket_that_the_policy_up_to_now_asks_for(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    servicenow.put(CHG)
    assert cli("apply", "--yes").code == 0
    team.write("qflow.yaml", SANDBOX_PROJECT)
    run(team, "a", "CHG0000099", value=2)
    team.commit("no ticket asked for any more")
    assert "require.ticket: no more" in cli("plan").out
    assert cli.json("apply", "--yes")["reason"] == "ticket"
    assert len(sandbox.executions()) == 1


# --- the note afterwards --------------------------------------------------------------------


def test_the_note_says_what_ran_and_is_written_once(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    servicenow.put(CHG)
    assert cli("apply", "--yes").code == 0
    (note,) = servicenow.texts(CHG)
    (execution,) = sandbox.executions()
    assert f"Execution: {execution['id']}" in note
    assert note.startswith("prod/a, attempt 1: succeeded")
    assert cli("apply", "--yes").code == 0
    assert len(servicenow.texts(CHG)) == 1
    assert "outbox" not in json.loads(team.read("qflow.lock"))


def test_a_note_whose_answer_was_lost_is_found_by_the_next_apply(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    servicenow.put(CHG)
    servicenow.cut = 1
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "What became of 1 run isn't noted on its ticket yet" in done.out + done.err
    assert len(json.loads(team.read("qflow.lock"))["outbox"]) == 1
    assert cli("apply", "--yes").code == 0
    assert len(servicenow.texts(CHG)) == 1
    assert "outbox" not in json.loads(team.read("qflow.lock"))


def test_an_apply_that_is_killed_between_note_and_record_notes_it_once(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    servicenow.put(CHG)
    with subprocess.Popen([*PROGRAM, "apply", "--yes"], cwd=team.path, stdout=-1, stderr=-1) as one:
        servicenow.after = lambda asked: one.kill() if asked.method == "PATCH" else None
        one.communicate(timeout=60)
    assert one.returncode == -signal.SIGKILL
    assert len(servicenow.texts(CHG)) == len(sandbox.executions()) == 1
    assert cli("apply", "--yes").code == 0
    assert len(servicenow.texts(CHG)) == len(sandbox.executions()) == 1
    assert "outbox" not in json.loads(team.read("qflow.lock"))


def test_notify_writes_what_an_apply_could_not(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    servicenow.put(CHG)
    servicenow.faults.append(Fault("sys_journal_field", 503))
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "To note it: `qflow-gitops notify`" in done.out + done.err
    left = cli("notify")
    assert left.code == 12
    assert "What became of 1 run isn't noted on its ticket yet" in left.out
    servicenow.faults.clear()
    told = cli.json("notify")
    assert (told["exitCode"], told["noted"], told["unnoted"]) == (0, 1, "")
    assert len(servicenow.texts(CHG)) == 1
    assert cli("notify").code == 0
    assert "outbox" not in json.loads(team.read("qflow.lock"))


def test_notify_never_gives_a_note_up(
    team: Workspace, cli: Cli, sandbox: SandboxServer, servicenow: ServiceNow
) -> None:
    """Its system may be another environment's."""
    assert cli("apply", "--yes", "--ack", "ticket=1", *WHY).code == 0
    assert cli("notify").code == 12
    assert len(json.loads(team.read("qflow.lock"))["outbox"]) == 1


# --- a program of one's own -----------------------------------------------------------------


def test_the_example_asks_the_sandbox(
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = shutil.copy(ROOT / "examples/tickets/tickets.py", tmp_path / "tickets")
    monkeypatch.setenv("QFLOW_TICKET_COMMAND", str(program))
    monkeypatch.setenv("QFLOW_TICKET_URL", sandbox.url)
    rule = RULE.replace("servicenow", "command")
    workspace.write("qflow.yaml", SANDBOX_PROJECT + f"  policy: {rule}\n")
    run(workspace, "a")
    workspace.commit("specs")
    client = Client(sandbox.url)
    client("PUT", f"/_sandbox/tickets/{CHG}", {"approval": "requested"})
    assert held(cli.json("apply", "--yes")) == {"a": f"ticket {CHG} isn't approved"}
    sandbox.set_faults("404@tickets")
    unknown = f"The program of QFLOW_TICKET_COMMAND knows no ticket {CHG}, or doesn't show it"
    assert held(cli.json("apply", "--yes")) == {"a": unknown}
    sandbox.set_faults()
    client("PUT", f"/_sandbox/tickets/{CHG}", {"approval": "approved"})
    done = cli("apply", "--yes")
    assert done.code == 0, done.out
    (note,) = client("GET", f"/_sandbox/tickets/{CHG}")["notes"]
    assert note.startswith("prod/a, attempt 1: succeeded")
    assert cli("apply", "--yes").code == 0
    assert len(client("GET", f"/_sandbox/tickets/{CHG}")["notes"]) == 1
