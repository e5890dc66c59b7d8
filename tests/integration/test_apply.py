"""What apply does when things go well, badly, or not at all."""

import json
import time
from collections.abc import Callable

import certifi
import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import one_each
from tests.helpers.sandboxes import served
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec

OTHER = "f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a"


def states(workspace: Workspace) -> dict[str, str]:
    record = json.loads(workspace.read("qflow.lock"))
    runs = record["environments"]["prod"]["runs"]
    return {name: run["attempts"][-1]["state"] for name, run in runs.items()}


@pytest.mark.parametrize(
    ("fault", "state", "code", "executions", "posts"),
    one_each(
        (
            ("accept-then-drop", "succeeded", 0, 1, 1),
            ("accept-then-cut", "succeeded", 0, 1, 1),
            ("accept-then-500", "succeeded", 0, 1, 1),
            ("drop", "in_doubt", 9, 0, 1),
            ("500", "in_doubt", 9, 0, 1),
            ("502", "in_doubt", 9, 0, 1),
            ("503", "in_doubt", 9, 0, 1),
            ("504", "in_doubt", 9, 0, 1),
            ("409", "in_doubt", 9, 0, 1),
            ("html", "in_doubt", 9, 0, 1),
            ("empty", "in_doubt", 9, 0, 1),
            ("bad-id", "succeeded", 0, 1, 1),
            ("400", "refused", 1, 0, 1),
            ("404", "refused", 1, 0, 1),
            ("403", "refused", 1, 0, 1),
            ("redirect", "refused", 1, 0, 1),
            ("429=0", "unsent", 12, 0, 3),
            ("429=0#2", "succeeded", 0, 1, 3),
            ("409-rate=0#1", "succeeded", 0, 1, 2),
            ("old-shape", "succeeded", 0, 1, 1),
            ("outcome=Failed", "ended", 1, 1, 1),
        ),
        lambda row: row[1:],
    ),
)
def test_what_each_answer_means(
    fault: str,
    state: str,
    code: int,
    executions: int,
    posts: int,
    project: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
) -> None:
    """Also: whatever came of it, the next apply sends only what was proven not sent."""
    sandbox.set_faults(fault)
    done = cli("apply", "--yes")
    assert (states(project)["encrypt-prod-buckets"], done.code) == (state, code), done.err
    assert len(sandbox.executions()) == executions
    assert len(sandbox.requests("POST", "/run")) == posts
    sandbox.set_faults()
    cli("apply", "--yes")
    again = 1 if state == "unsent" else 0
    assert len(sandbox.requests("POST", "/run")) == posts + again


def test_a_status_word_from_the_settings_is_understood(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("qflow.yaml", SANDBOX_PROJECT + "  statuses: {Aborted: cancelled}\n")
    project.commit("statuses")
    sandbox.set_faults("outcome=aborted")
    assert cli("apply", "--yes").code == 1
    assert states(project) == {"encrypt-prod-buckets": "cancelled"}


def test_a_failure_stops_further_waves_and_says_what_was_not_started(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for name in ("b", "c", "z"):
        project.write(f"runs/{name}.yaml", spec(name))
    project.commit("more")
    sandbox.set_faults(f"outcome={WORKFLOW}:Failed")
    done = cli.json("apply", "--yes", "--concurrency", "1")
    assert done["exitCode"] == 1
    assert states(project) == {"b": "ended"}
    assert [one["name"] for one in done["notStarted"]] == ["c", "encrypt-prod-buckets", "z"]
    assert {one["reason"] for one in done["notStarted"]} == {"stopped"}
    sandbox.set_faults()
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 4


def test_a_failed_run_is_held_until_it_is_retried_by_name(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("outcome=Failed#1")
    assert cli("apply", "--yes").code == 1
    sandbox.set_faults()
    assert cli("apply", "--yes").code == 0
    assert cli("status", "--exit-code").code == 1
    assert len(sandbox.executions()) == 1
    assert cli("apply", "--yes", "--retry", "nobody").code == 2
    assert cli("apply", "--yes", "--retry", "encrypt-prod-buckets").code == 0
    assert len(sandbox.executions()) == 2
    assert cli("apply", "--yes", "--retry", "prod/encrypt-prod-buckets").code == 2
    assert len(sandbox.executions()) == 2


def test_no_wait_records_and_a_later_apply_waits(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes", "--no-wait").code == 0
    assert states(project) == {"encrypt-prod-buckets": "accepted"}
    assert cli("status", "--exit-code").code == 8
    assert cli("apply", "--yes").code == 0
    assert states(project) == {"encrypt-prod-buckets": "succeeded"}
    assert len(sandbox.executions()) == 1


def test_the_end_of_the_wait_loses_nothing(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(duration=30) as slow:
        monkeypatch.setenv("QFLOW_GATEWAY", slow.url)
        monkeypatch.setenv("QFLOW_TOKEN", "")
        monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
        monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
        begun = time.monotonic()
        assert cli("apply", "--yes", "--timeout", "1s").code == 8
        assert time.monotonic() - begun < 5
        assert len(slow.executions()) == 1
    assert states(project)["encrypt-prod-buckets"] in ("accepted", "running")


def test_no_time_at_all_is_not_success(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    done = cli.json("apply", "--yes", "--timeout", "0s")
    assert (done["exitCode"], done["reason"]) == (8, "not_started")
    assert sandbox.executions() == []


def test_the_first_apply_says_that_it_makes_the_record(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert "no lockfile yet" in cli("apply", "--yes").err
    project.write("runs/b.yaml", spec("b"))
    project.commit("b")
    assert "no lockfile yet" not in cli("apply", "--yes").err


def test_a_freeze_holds_everything(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_FREEZE", "incident 42")
    done = cli("apply", "--yes")
    assert done.code == 5
    assert "incident 42" in done.out
    assert sandbox.requests() == []


def test_only_the_approved_plan_is_sent(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    digest = cli.json("plan")["digest"]
    project.write("runs/sneaked-in.yaml", spec("sneaked-in"))
    project.commit("after the approval")
    refused = cli("apply", "--yes", "--digest", digest)
    assert refused.code == 7
    assert "sneaked-in" in refused.err
    assert sandbox.requests() == []
    assert cli("apply", "--yes", "--digest", cli.json("plan")["digest"]).code == 0
    assert len(sandbox.executions()) == 2


@pytest.mark.fault(17)
def test_what_is_left_of_an_approved_plan_is_still_that_plan(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A job that is started again after a part of it was sent; anything beside it is another."""
    for name in ("b", "c"):
        project.write(f"runs/{name}.yaml", spec(name, name))
    project.commit("three")
    digest = cli.json("plan")["digest"]
    assert cli("apply", "--yes", "--digest", digest, "-l", "none=such").code == 7
    sandbox.set_faults("drop@run#2")
    first = cli("apply", "--yes", "--digest", digest)
    assert first.code == 9
    sandbox.set_faults()
    sent = len(sandbox.executions())
    again = cli("apply", "--yes", "--digest", digest)
    assert again.code == 9, again.err  # the doubt is a person's
    project.write("runs/d.yaml", spec("d", "nobody approved it"))
    project.commit("a fourth")
    refused = cli("apply", "--yes", "--digest", digest)
    assert (refused.code, "prod/d" in refused.err) == (7, True)
    assert len(sandbox.executions()) == sent


def test_one_broken_spec_among_good_ones(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Nothing is sent; with --keep-going the good ones run and the exit code still says 3."""
    project.write("runs/broken.yaml", SAMPLE.replace("us-east-1", "nowhere"))
    project.commit("broken")
    refused = cli("apply", "--yes")
    assert refused.code == 3
    assert "runs/broken.yaml:10:13: error" in refused.out
    assert sandbox.requests() == []
    project.write(
        "runs/broken.yaml",
        SAMPLE.replace("us-east-1", "nowhere").replace("encrypt-prod-buckets", "broken"),
    )
    project.commit("broken under its own name")
    assert cli("apply", "--yes", "--keep-going").code == 3
    assert len(sandbox.executions()) == 1


def test_only_commits_count(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    project.write("runs/draft.yaml", spec("draft"))
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "runs/draft.yaml" in done.err
    assert len(sandbox.executions()) == 1


def test_labels_choose_and_nothing_else_is_forgotten(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("runs/b.yaml", spec("b", metadata="  labels: {team: b}\n"))
    project.commit("b")
    assert cli("apply", "--yes", "-l", "team=b").code == 0
    assert states(project) == {"b": "succeeded"}
    assert cli.json("plan")["counts"]["run"] == 1
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_an_unknown_workflow_is_held_before_anything_is_recorded(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults(f"unknown-workflow={OTHER}")
    project.write("runs/b.yaml", spec("b").replace(WORKFLOW, OTHER))
    project.commit("b")
    done = cli.json("apply", "--yes")
    assert done["exitCode"] == 5
    assert [(one["name"], one["reason"]) for one in done["notStarted"]] == [("b", "workflow")]
    assert states(project) == {"encrypt-prod-buckets": "succeeded"}


def test_doubt_is_settled_by_a_person(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    """Where Qualys doesn't list the execution, however often it is asked."""
    sandbox.set_faults("accept-then-drop#1", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    assert cli("apply", "--yes").code == 9
    (lost,) = sandbox.executions()
    why = ("--reason", "seen in Qualys")
    assert cli("resolve", "encrypt-prod-buckets", "--adopt", WORKFLOW, *why).code == 2
    assert cli("resolve", "encrypt-prod-buckets", "--adopt", lost["id"], *why).code == 0
    assert cli("resolve", "encrypt-prod-buckets", "--absent", *why).code == 2
    assert cli("apply", "--yes").code == 0
    assert states(project) == {"encrypt-prod-buckets": "succeeded"}
    assert len(sandbox.executions()) == 1


def test_a_run_that_was_absent_is_due_again(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    """Said too early, it is refused: the request may still be under way."""
    sandbox.set_faults("drop#1")
    assert cli("apply", "--yes").code == 9
    early = cli("resolve", "encrypt-prod-buckets", "--absent", "--reason", "not there")
    assert early.code == 6
    assert "may still be under way until" in early.err
    later(400)
    assert cli("resolve", "encrypt-prod-buckets", "--absent", "--reason", "not there").code == 0
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_absence_is_judged_by_qualys_clock_too(
    project: Workspace, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    """A machine whose clock is ahead doesn't declare absent what may still be under way."""
    why = ("encrypt-prod-buckets", "--absent", "--reason", "not there")
    sandbox.set_faults("drop#1")
    assert cli("apply", "--yes").code == 9
    later(400)
    sandbox.set_faults("skew=-200")  # what Qualys says the time is: 600 s behind this machine
    early = cli("resolve", *why)
    assert early.code == 6
    assert "by the clock of the machine that sent it" in early.err
    sandbox.set_faults("skew=400")
    assert cli("resolve", *why).code == 0


def test_three_doubts_in_a_row_stop_the_launching(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for name in "abcdef":
        project.write(f"runs/{name}.yaml", spec(name))
    project.commit("seven")
    sandbox.set_faults("500")
    assert cli("apply", "--yes", "--concurrency", "1").code == 9
    assert len(sandbox.requests("POST", "/run")) == 3


def test_the_secret_is_nowhere(project: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    for fault in ("403", "500", "accept-then-drop", ""):
        sandbox.set_faults(*([fault] if fault else []))
        for form in ("text", "json", "markdown"):
            done = cli("-v", "apply", "--yes", "--format", form)
            assert "canary" not in done.out + done.err
    assert "canary" not in project.read("qflow.lock")


@pytest.mark.fault(29)
def test_a_proxy_and_an_authority_are_said_once(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks into TLS sees the token: that stands in the log of each command that sends."""
    bundle = str(certifi.where())
    monkeypatch.setenv("QFLOW_CA_FILE", bundle)
    monkeypatch.setenv("QFLOW_PROXY", "http://127.0.0.1:9")
    done = cli("apply", "--yes")
    assert done.code == 0, done.err  # a sandbox on this machine is reached as it is
    said = (
        "Connecting through the proxy http://127.0.0.1:9 (QFLOW_PROXY), trusting the certificates"
    )
    assert done.err.count(said) == 1
    assert bundle in done.err
    assert "QFLOW_PROXY" in cli("apply", "--help").out
