"""Doubt is settled by looking, and only where nothing else can be meant."""

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.qualys import executions
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import rows
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.waits import at_once

RUN = "encrypt-prod-buckets"
VARIABLES = {
    "connectorId": "aa70acae-6ea8-3acf-b504-f327855b316a",
    "region": "us-east-1",
    "name": "maha2",
}
BODY = {
    "input": {"bucketName": "test-bucket-1", "totalBucketCount": 4},
    "variables": VARIABLES,
}
Later = Callable[[float], None]


def attempts(workspace: Workspace, run: str = RUN) -> list[dict[str, Any]]:
    record = json.loads(workspace.read("qflow.lock"))
    found: list[dict[str, Any]] = record["environments"]["prod"]["runs"][run]["attempts"]
    return found


def state(workspace: Workspace, run: str = RUN) -> str:
    return str(attempts(workspace, run)[-1]["state"])


def lost(cli: Cli, sandbox: SandboxServer, *faults: str) -> None:
    """Apply, so that every run is in doubt: executed, and nowhere to be seen at once."""
    sandbox.set_faults("accept-then-drop", "list-lag=3600", *faults)
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()


def test_the_next_apply_adopts_it_and_waits(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    lost(cli, sandbox)
    done = cli("apply", "--yes")
    assert done.code == 0, done.err
    assert state(project) == "succeeded"
    assert attempts(project)[0]["executionId"] == sandbox.executions()[0]["id"]
    assert len(sandbox.requests("POST", "/run")) == 1


def test_an_execution_that_was_there_before_is_never_adopted(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The same request by somebody else, a minute earlier; ours never arrived."""
    sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API")
    sandbox.set_faults("drop")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    assert cli("reconcile").code == 9
    assert state(project) == "in_doubt"


def test_two_that_could_be_it_are_left_to_a_person(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    lost(cli, sandbox)
    other = sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API")
    (ours,) = sandbox.executions()
    looked = cli("reconcile")
    assert looked.code == 9
    assert ours["id"] in looked.err
    assert other in looked.err
    assert "a person has to decide" in looked.err
    later(400)
    why = ("--reason", "looked in Qualys")
    wrong = cli("resolve", RUN, "--absent", *why)
    assert wrong.code == 2
    assert "--not" in wrong.err
    assert cli("resolve", RUN, "--absent", "--not", other, *why).code == 2
    assert cli("resolve", RUN, "--adopt", ours["id"], *why).code == 0
    assert state(project) == "adopted"


def test_what_a_person_rules_out_is_recorded(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    sandbox.set_faults("drop")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults("no-echo")
    other = sandbox.add_foreign(WORKFLOW, {"input": {"x": 1}}, source="PUBLIC_API")
    later(400)
    why = ("--reason", "it is Mara's")
    assert cli("resolve", RUN, "--absent", *why).code == 2
    assert cli("resolve", RUN, "--absent", "--not", other, *why).code == 0
    last = attempts(project)[0]["events"][-1]
    assert last["to"] == "absent"
    assert (last["detail"], last["notThese"]) == ("it is Mara's", [other])
    assert last["by"]["actor"] == "test@example.com"
    sandbox.set_faults()
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("WORKFLOW_TRIGGER", BODY),
        ("PUBLIC_API", {"input": {"bucketName": "another"}}),
        ("PUBLIC_API", {**BODY, "variables": {**VARIABLES, "name": "maha3"}}),
    ],
)
def test_others_executions_don_t_disturb(
    source: str, body: dict[str, Any], project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    lost(cli, sandbox)
    sandbox.add_foreign(WORKFLOW, body, source=source)
    assert cli("reconcile").code == 0
    assert attempts(project)[0]["executionId"] == sandbox.executions()[0]["id"]


def test_values_that_qualys_wraps_are_recognised(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    lost(cli, sandbox)
    sandbox.set_faults("wrapped-variables")
    assert cli("reconcile").code == 0


def test_several_doubts_each_find_their_own(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for name in ("a", "b", "c"):
        project.write(f"runs/{name}.yaml", spec(name, name))
    project.commit("three more")
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    for _ in range(3):  # three doubts in a row end an apply
        cli("apply", "--yes", "--concurrency", "4")
    sandbox.set_faults()
    assert cli("reconcile").code == 0
    by_value = {one["body"]["input"].get("value", RUN): one["id"] for one in sandbox.executions()}
    for run in ("a", "b", "c", RUN):
        assert attempts(project, run)[0]["executionId"] == by_value[run]


def test_the_same_request_in_doubt_twice_is_left_to_a_person(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Two runs, one request, one execution in sight: nobody can say whose it is."""
    project.remove("runs/aws/buckets.yaml")
    project.write("runs/a.yaml", spec("a", "same"))
    project.write("runs/b.yaml", spec("b", "same", extra="  rerun: 1\n"))
    project.commit("two of one")
    sandbox.set_faults("accept-then-drop#1", "drop", "list-lag=3600")
    assert cli("apply", "--yes", "--concurrency", "1").code == 9
    sandbox.set_faults()
    assert cli("reconcile").code == 9
    assert {state(project, one) for one in ("a", "b")} == {"in_doubt"}


def test_a_correlation_key_tells_even_those_apart(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also: another client's identical execution, which ours can't be taken for."""
    project.write("qflow.yaml", SANDBOX_PROJECT + "  apply: {correlationKey: qflowAttempt}\n")
    project.remove("runs/aws/buckets.yaml")
    project.write("runs/a.yaml", spec("a", "same"))
    project.write("runs/b.yaml", spec("b", "same", extra="  rerun: 1\n"))
    project.commit("two of one")
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    sandbox.add_foreign(WORKFLOW, {"input": {"value": "same"}}, source="PUBLIC_API")
    sandbox.set_faults()
    assert cli("reconcile").code == 0
    sent = {one["id"]: one["body"]["input"]["qflowAttempt"] for one in sandbox.executions()}
    for run in ("a", "b"):
        (attempt,) = attempts(project, run)
        assert sent[attempt["executionId"]] == attempt["nonce"]
        assert attempt["correlationKey"] == "qflowAttempt"


def test_a_correlation_key_changes_no_digest(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    project.write("qflow.yaml", SANDBOX_PROJECT + "  apply: {correlationKey: qflowAttempt}\n")
    project.commit("with a key")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_an_input_that_has_the_key_is_refused_before_anything_is_sent(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + "  apply: {correlationKey: bucketName}\n")
    project.commit("a key that is taken")
    refused = cli("apply", "--yes")
    assert refused.code == 3
    assert "/input/bucketName" in refused.err
    assert sandbox.requests("POST", "/run") == []


@pytest.mark.parametrize("fault", ["list-shift", "list-stuck", "403@list", "500@list", "no-echo"])
def test_what_can_t_be_seen_whole_proves_nothing(
    fault: str,
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qflow_gitops.qualys.executions.PAGE", 1)
    at_once(monkeypatch)
    lost(cli, sandbox)
    sandbox.add_foreign(WORKFLOW, {"input": {"x": 1}})
    sandbox.set_faults(fault)
    looked = cli("reconcile")
    assert looked.code == 9
    assert "Traceback" not in looked.err
    assert state(project) == "in_doubt"
    sandbox.set_faults()
    assert cli("reconcile").code == 0


def test_a_list_that_shifts_once_is_read_again(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qflow_gitops.qualys.executions.PAGE", 1)
    lost(cli, sandbox)
    sandbox.add_foreign(WORKFLOW, {"input": {"x": 1}})
    sandbox.set_faults("list-shift#1")
    assert cli("reconcile").code == 0


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_another_clock_is_reckoned_with(
    skew: int, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    lost(cli, sandbox, f"skew={skew}")
    sandbox.set_faults(f"skew={skew}")
    assert cli("reconcile").code == 0
    intent = attempts(project)[0]["events"][0]
    assert abs(intent["clockSkew"] - skew) <= 2


def test_doubt_older_than_qualys_shows_expires(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    lost(cli, sandbox)
    later(30 * 86400)
    assert cli("reconcile").code == 0
    assert state(project) == "expired"
    held = cli.json("apply", "--yes")
    assert [one["reason"] for one in held["changes"]] == ["expired"]
    assert len(sandbox.requests("POST", "/run")) == 1
    assert cli("resolve", RUN, "--assume-ran", "--reason", "the buckets are encrypted").code == 0
    assert state(project) == "assumed"


def test_an_execution_that_qualys_no_longer_shows_has_ended(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    """Not at once: a new one may only be late in showing."""
    assert cli("apply", "--yes", "--no-wait").code == 0
    sandbox.forget(sandbox.executions()[0]["id"])
    assert cli("status", "--refresh", "--exit-code").code == 8
    assert state(project) == "accepted"
    later(3700)
    assert cli("status", "--refresh", "--exit-code").code == 1
    assert state(project) == "ended"
    assert "doesn't show" in attempts(project)[0]["events"][-1]["detail"]
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    assert cli("apply", "--yes", "--retry", RUN).code == 0
    assert len(sandbox.executions()) == 2


def test_an_apply_that_waits_notices_it_too(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    sandbox.forget(sandbox.executions()[0]["id"])
    later(3700)
    assert cli("apply", "--yes").code == 1
    assert state(project) == "ended"


def test_a_late_execution_is_found_when_it_shows(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The request was buffered somewhere; it stays in doubt until then, and is never sent again."""
    import time

    sandbox.set_faults("late=1.5")
    assert cli("apply", "--yes").code == 9
    time.sleep(1.7)
    assert cli("apply", "--yes").code == 0
    assert state(project) == "succeeded"
    assert len(sandbox.requests("POST", "/run")) == 1


def test_doubt_in_one_run_does_not_stop_the_others(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("drop#1")
    assert cli("apply", "--yes").code == 9
    project.write("runs/b.yaml", spec("b"))
    project.commit("b")
    assert cli("apply", "--yes").code == 9
    assert state(project, "b") == "succeeded"


def test_a_clone_without_the_file_compares_the_bytes(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    lost(cli, sandbox)
    project.write("runs/aws/buckets.yaml", SAMPLE.replace("maha2", "maha9"))
    project.commit("changed since")
    record = json.loads(project.read("qflow.lock"))
    blob = record["environments"]["prod"]["runs"][RUN]["attempts"][0]["blob"]
    (project.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert cli("reconcile").code == 0
    assert attempts(project)[0]["executionId"] == sandbox.executions()[0]["id"]


def test_nothing_in_doubt_asks_nobody(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    assert cli("reconcile").code == 0
    assert sandbox.requests() == []


def elsewhere(project: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is on another platform now; no gateway there may meet these credentials."""
    project.write("qflow.yaml", SANDBOX_PROJECT.replace("sandbox", "US1"))
    project.commit("another platform")
    monkeypatch.delenv("QFLOW_GATEWAY")


def test_doubt_on_another_platform_asks_nobody(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(cli, sandbox)
    elsewhere(project, monkeypatch)
    seen = len(sandbox.requests())
    looked = cli("reconcile")
    assert looked.code == 9
    assert "Set `platform:` of prod in qflow.yaml back to sandbox" in looked.err
    why = ("--reason", "x")
    (lost_one,) = sandbox.executions()
    assert cli("resolve", RUN, "--adopt", lost_one["id"], *why).code == 2
    assert state(project) == "in_doubt"
    assert len(sandbox.requests()) == seen


def test_a_run_under_way_on_another_platform_is_not_called_ended(
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    later: Later,
) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    elsewhere(project, monkeypatch)
    later(3700)
    assert cli("status", "--refresh").code == 0
    assert cli("apply", "--yes").code == 5
    assert state(project) == "accepted"


@pytest.mark.fault(34)
@pytest.mark.parametrize("skew", [-30 * 86400, -2 * 86400, 2 * 86400])
def test_a_clock_that_is_far_off_is_not_believed(
    skew: int, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A fresh doubt doesn't expire by it, nor does an empty list prove anything then."""
    lost(cli, sandbox, f"skew={skew}")
    intent = attempts(project)[0]["events"][0]
    assert intent["clockUnknown"] is True
    assert "clockSkew" not in intent
    for _ in range(2):
        assert cli("apply", "--yes").code == 9
    assert state(project) == "in_doubt"
    early = cli("resolve", RUN, "--absent", "--reason", "x")
    assert early.code != 0
    assert state(project) == "in_doubt"
    assert len(sandbox.requests("POST", "/run")) == 1


@pytest.mark.fault(34)
@pytest.mark.parametrize("skew", [-30 * 86400, 10**18, -(10**18), True])
def test_an_old_lockfile_with_a_clock_that_is_far_off_is_read(
    skew: int, project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    """What was believed once isn't now: no command ends as a bug, and nothing is expired by it."""
    lost(cli, sandbox)
    record = json.loads(project.read("qflow.lock"))
    found = record["environments"]["prod"]["runs"][RUN]["attempts"][0]
    found["events"][0]["clockSkew"] = skew
    shutil.rmtree(project.path / ".git/qflow-gitops")  # which remembers what it wrote
    project.write("qflow.lock", json.dumps(record, indent=2) + "\n")
    later(400)
    for command in (("status",), ("plan",), ("reconcile",), ("lock", "verify")):
        assert cli(*command).code != 70, command
    assert state(project) == "in_doubt" or skew is True
    assert cli("resolve", RUN, "--absent", "--reason", "x").code != 0


def test_an_execution_in_another_spelling_is_no_other(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that was there before, nor another run's, nor one that a person ruled out."""
    sandbox.add_foreign(WORKFLOW, BODY, source="PUBLIC_API")
    sandbox.set_faults("drop")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    shown = executions._execution
    monkeypatch.setattr(
        executions, "_execution", lambda data: (one := shown(data))._replace(id=one.id.upper())
    )
    assert cli("reconcile").code == 9
    assert state(project) == "in_doubt"


@pytest.mark.fault(31)
def test_a_doubt_of_a_renamed_run_is_settled_as_the_hold_says(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Later
) -> None:
    """By its present name, which is the one that the hold's own command has."""
    lost(cli, sandbox)
    text = SAMPLE.replace(f"  name: {RUN}\n", f"  name: renamed\n  previousName: {RUN}\n")
    project.write("runs/aws/buckets.yaml", text)
    project.commit("another name")
    (held,) = cli.json("plan")["changes"]
    name = re.findall(r"qflow-gitops resolve (\S+)", held["hint"])[0]
    done = cli("resolve", name, "--assume-ran", "--reason", "x")
    assert done.code == 0, done
    assert state(project) == "assumed"


@pytest.mark.fault(32)
def test_a_history_is_that_of_the_environment_asked_for(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    dev = SANDBOX_PROJECT.replace("prod:", "dev: {platform: sandbox}\n    prod:")
    project.write("qflow.yaml", dev.replace("spec:\n", "spec:\n  defaultEnvironment: dev\n"))
    project.write(
        "runs/aws/buckets.yaml", SAMPLE.replace("spec:\n", "  environment: prod\nspec:\n")
    )
    project.commit("two environments")
    assert cli("apply", "--yes", "-e", "prod").code == 0
    assert f"prod/{RUN} #1" in cli("history", RUN, "-e", "prod").out
    missing = cli("history", RUN)
    assert missing.code == 2
    assert f"dev/{RUN}" in missing.err


@pytest.mark.fault(35)
@pytest.mark.parametrize("fault", rows(("401", "403", "500", "html"), lambda fault: fault == "401"))
def test_why_a_doubt_could_not_be_looked_up_is_told_beside_it(
    fault: str, project: Workspace, cli: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """9 wins, and the reason that it is 9 isn't swallowed with the code that lost."""
    at_once(monkeypatch)
    lost(cli, sandbox)
    project.remove("runs/aws/buckets.yaml")
    project.write("runs/more.yaml", spec("more"))
    project.commit("gone, and another one")
    sandbox.set_faults(f"{fault}@list", "list-lag=0")
    done = cli("apply", "--yes")
    assert (done.code, RUN in done.out) == (9, True), done
    assert done.err.count("Error: ") == len(set(re.findall("Error: .*", done.err))) >= 1, done
