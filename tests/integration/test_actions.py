"""The workflows of `examples/github`, run as GitHub's runner would, against real git and the
sandbox."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.commands.workflow_files import REPOSITORY
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.logins import AUDIENCE, without_secrets
from tests.helpers.partners import nightly, rows
from tests.helpers.receivers import Answer, receiving
from tests.helpers.runner import HERE, ROOT, Job, Runner, Step, outputs, parsed, workflow
from tests.helpers.specs import spec

RUN = "encrypt-prod-buckets"
SECRETS = {"QFLOW_CLIENT_ID": "test-client", "QFLOW_CLIENT_SECRET": "test-canary-secret"}
OWN = {"repository": {"default_branch": "main"}}
HOURLY, NIGHTLY = (one["cron"] for one in workflow("qflow.yml")["on"]["schedule"])
COMMENTING = frozenset({"comment", "tell"})
"""The jobs that write comments: left out where a test is about others."""


@pytest.fixture
def runner(
    remote: Remote, sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """A runner without comments and approvals, of which a test of their own is below."""
    monkeypatch.setattr("tests.helpers.runner.WITHOUT_API", True)
    (tmp_path / "runner").mkdir()
    return Runner(
        remote, tmp_path / "runner", machine={"QFLOW_GATEWAY": sandbox.url}, secrets=SECRETS,
        without=COMMENTING,
    )  # fmt: skip


def pull_request(
    workspace: Workspace, remote: Remote, number: int = 7, *, fork: bool = False
) -> tuple[str, dict[str, Any]]:
    """Propose a second run on a branch; GitHub's merge of it, and the event."""
    workspace.git("switch", "--quiet", "-c", f"pull-{number}")
    workspace.write("runs/second.yaml", spec("second"))
    head = workspace.commit("a second run")
    workspace.git("switch", "--quiet", "--detach", "main")
    workspace.git("merge", "--quiet", "--no-ff", "-m", "merge", f"pull-{number}")
    workspace.git("push", "--quiet", "origin", f"HEAD:refs/pull/{number}/merge")
    workspace.git("switch", "--quiet", "main")
    owner = "stranger/runs" if fork else "team/runs"
    event = {
        "pull_request": {
            "number": number, "head": {"sha": head, "repo": {"full_name": owner}},
            "base": {"ref": "main"},
        },
        **OWN,
    }  # fmt: skip
    return f"refs/pull/{number}/merge", event


def results(jobs: dict[str, Job]) -> dict[str, str]:
    return {name: job.result for name, job in jobs.items()}


def pushed(runner: Runner) -> dict[str, Job]:
    return runner.run("qflow.yml", "push", "refs/heads/main", OWN)


def scheduled(runner: Runner, cron: str = HOURLY) -> dict[str, Job]:
    return runner.run("qflow.yml", "schedule", "refs/heads/main", {"schedule": cron, **OWN})


def by_merge(workspace: Workspace) -> None:
    workspace.git("merge", "--quiet", "--no-ff", "-m", "merge", "pull-7")


def by_squash(workspace: Workspace) -> None:
    workspace.git("merge", "--quiet", "--squash", "pull-7")
    workspace.commit("squashed")


def by_rebase(workspace: Workspace) -> None:
    workspace.write("README.md", "main went on")
    workspace.commit("main went on")
    workspace.git("cherry-pick", "pull-7")


MERGES = (by_merge, by_squash, by_rebase)


def test_an_apply_without_a_secret(
    workspace: Workspace, remote: Remote, sandbox: SandboxServer, runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What the workflow has as a comment: the job's ID token, which no other job may have."""

    def changed(name: str) -> Any:
        if name == "action.yml":
            return workflow(name)
        text = (ROOT / "examples/github" / name).read_text("utf-8").replace(REPOSITORY, HERE)
        return parsed(without_secrets(text), name)

    monkeypatch.setattr("tests.helpers.runner.workflow", changed)
    runner.secrets, runner.variables = {}, {"QFLOW_LOGIN_AUDIENCE": AUDIENCE}
    runner.identity = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{sandbox.url}/_sandbox/id-token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "test-canary-secret",
    }
    jobs = pushed(runner)
    assert jobs["apply"].result == "success", jobs["apply"].log
    assert remote.states() == {RUN: "succeeded"}
    assert sandbox.requests("POST", "/auth") == []
    having = {name for name, job in jobs.items() if job.identity}
    assert having == {"apply"}


@nightly
@pytest.mark.parametrize("merge", MERGES)
def test_a_pull_request_is_checked_and_its_merge_writes_the_record(
    workspace: Workspace,
    remote: Remote,
    sandbox: SandboxServer,
    runner: Runner,
    merge: Callable[[Workspace], None],
) -> None:
    first = pushed(runner)
    assert results(first) == {
        "check": "success", "comment": "skipped",
        "elsewhere": "skipped", "gate": "success", "apply": "success",
        "verify": "skipped", "tell": "skipped",
    }  # fmt: skip
    assert remote.states() == {RUN: "succeeded"}

    ref, event = pull_request(workspace, remote)
    before = remote.tip()
    jobs = runner.run("qflow.yml", "pull_request", ref, event)
    assert results(jobs) | {"comment": "-"} == {
        "check": "success", "comment": "-",
        "elsewhere": "skipped", "gate": "skipped", "apply": "skipped",
        "verify": "skipped", "tell": "skipped",
    }  # fmt: skip
    check = jobs["check"]
    assert check.outputs["run"] == "1"
    assert "prod/second" in check.summary
    assert RUN not in check.summary
    assert remote.tip() == before

    merge(workspace)
    workspace.git("push", "--quiet", "origin", "main")
    jobs = pushed(runner)
    assert (jobs["gate"].result, jobs["apply"].result) == ("success", "success")
    assert jobs["gate"].outputs == {}
    assert check.outputs["plan-digest"] in jobs["gate"].summary
    assert "Recorded in" in jobs["apply"].summary
    assert remote.states() == {RUN: "succeeded", "second": "succeeded"}
    (attempt,) = remote.attempts("second")
    assert attempt["events"][0]["by"]["actor"] == "ada"
    assert attempt["events"][0]["by"]["run"] == "https://github.com/team/runs/actions/runs/3"
    assert len(sandbox.executions()) == 2


@pytest.mark.parametrize("merge", rows(MERGES, lambda merge: merge is by_squash))
def test_a_pull_requests_whole_way(
    workspace: Workspace,
    remote: Remote,
    sandbox: SandboxServer,
    runner: Runner,
    merge: Callable[[Workspace], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pull request, comment, merge, apply of what was approved, the lockfile, the comment again."""
    pushed(runner)
    monkeypatch.setattr("tests.helpers.runner.WITHOUT_API", False)
    with GitHubApi() as api:
        runner.without = frozenset()
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY")
        runner.machine = {**runner.machine, **{name: api.environ[name] for name in names}}
        base = workspace.git("rev-parse", "main")
        ref, event = pull_request(workspace, remote)
        head = event["pull_request"]["head"]["sha"]
        workspace.git("push", "--quiet", "origin", f"{head}:refs/pull/7/head")
        api.open(7, head, base)
        jobs = runner.run("qflow.yml", "pull_request", ref, event)
        assert jobs["comment"].result == "success", jobs["comment"].log
        (planned,) = api.bodies(7)
        assert "### Qualys Flow, `prod` on `sandbox`: planned" in planned
        assert "`prod/second`" in planned

        merge(workspace)
        workspace.git("push", "--quiet", "origin", "main")
        api.merge(7, workspace.git("rev-parse", "main"))
        jobs = pushed(runner)
        assert jobs["apply"].steps[0].outputs["reason"] == "approval", jobs["apply"].log
        assert len(sandbox.executions()) == 1

        api.approve(7, "mara")
        jobs = scheduled(runner)
        assert results(jobs) == {
            "check": "success", "comment": "skipped",
            "elsewhere": "skipped", "gate": "success", "apply": "success",
            "verify": "success", "tell": "success",
        }, jobs["apply"].log + jobs["tell"].log  # fmt: skip
        (attempt,) = remote.attempts("second")
        assert (attempt["state"], len(sandbox.executions())) == ("succeeded", 2)
        assert attempt["evidence"]["pullRequest"] == 7
        assert attempt["evidence"]["approvers"] == ["mara"]
        (done,) = api.bodies(7)
        assert "### Qualys Flow, `prod` on `sandbox`: done" in done
        assert attempt["executionId"] in done
        assert f"[CI run]({attempt['events'][0]['by']['run']})" in done
        assert {one.token for one in api.asked} == {"ghs_the-jobs-token"}


def test_a_pull_request_of_a_fork_is_planned_without_any_token(
    workspace: Workspace, remote: Remote, sandbox: SandboxServer, runner: Runner
) -> None:
    """Not even the remote can be asked: the lockfile is what the checkout brought along."""
    pushed(runner)
    asked = len(sandbox.requests())
    runner.secrets, runner.machine, runner.offline = {}, {}, True
    ref, event = pull_request(workspace, remote, fork=True)
    jobs = runner.run("qflow.yml", "pull_request", ref, event)
    assert (jobs["check"].result, jobs["comment"].result) == ("success", "skipped")
    assert "prod/second" in jobs["check"].log
    assert "prod/second" in jobs["check"].summary
    for step in jobs["check"].steps:
        told = " ".join(f"{name}={value}" for name, value in step.environ.items()).lower()
        assert not [one for one in ("token", "secret", "qflow_client", "ghs_") if one in told]
    queue = {"merge_group": {"base_ref": "refs/heads/main"}, **OWN}
    queued = runner.run("qflow.yml", "merge_group", ref, queue)
    assert results(queued) == dict.fromkeys(queued, "skipped") | {"check": "success"}
    assert queued["check"].outputs == jobs["check"].outputs
    config = (jobs["check"].folder / "work/.git/config").read_text()
    assert "extraheader" not in config
    assert len(sandbox.requests()) == asked


def test_a_bad_spec_fails_the_check_with_annotations(
    workspace: Workspace, remote: Remote, runner: Runner
) -> None:
    workspace.write("runs/second.yaml", spec("second").replace("workflowId", "workflowID"))
    workspace.commit()
    workspace.git("push", "--quiet", "origin", "main")
    jobs = pushed(runner)
    assert results(jobs) == {
        "check": "failure", "comment": "skipped",
        "elsewhere": "skipped", "gate": "skipped", "apply": "skipped",
        "verify": "skipped", "tell": "skipped",
    }  # fmt: skip
    (step,) = jobs["check"].steps
    assert "\n::error file=runs/second.yaml,line=6" in step.out
    assert (step.code, step.outputs["exit-code"], step.outputs["reason"]) == (3, "3", "invalid")


@nightly
def test_a_schedule_passes_the_gate_or_sends_nothing(
    workspace: Workspace, remote: Remote, sandbox: SandboxServer, runner: Runner
) -> None:
    pushed(runner)
    jobs = scheduled(runner)
    assert (jobs["gate"].result, jobs["apply"].result) == ("skipped", "success")
    frozen = jobs["apply"].steps[0].environ["QFLOW_FREEZE"]
    assert frozen == "nothing was due when this began"
    assert len(sandbox.executions()) == 1
    pull_request(workspace, remote)
    by_squash(workspace)
    workspace.git("push", "--quiet", "origin", "main")
    jobs = scheduled(runner)
    assert (jobs["gate"].result, jobs["apply"].result) == ("success", "success")
    assert jobs["apply"].steps[0].environ["QFLOW_FREEZE"] == ""
    assert len(sandbox.executions()) == 2


@pytest.mark.parametrize(
    ("cron", "said"),
    rows(
        ((HOURLY, "weren't taken again"), (NIGHTLY, "1 digest taken")), lambda row: row[0] == HOURLY
    ),
)
def test_a_schedule_verifies_the_lockfile_and_settles_doubts_whatever_that_finds(
    cron: str, said: str, workspace: Workspace, remote: Remote, sandbox: SandboxServer,
    runner: Runner,
) -> None:  # fmt: skip
    """With no secret; by the hour it fetches the lockfile's branch alone, by night all history."""
    workspace.publish("one commit before the newest")
    sandbox.set_faults("accept-then-drop", "list-lag=600")
    assert pushed(runner)["apply"].steps[0].outputs["exit-code"] == "9"
    sandbox.set_faults()
    hand = remote.clone("by-hand", f"--branch={BRANCH}")
    hand.write("notes.txt", "to do")
    added = hand.publish("by hand")
    hand.remove("notes.txt")
    hand.publish("what no look at the newest commits shows")
    jobs = scheduled(runner, cron)
    assert (jobs["verify"].result, jobs["apply"].result) == ("failure", "success")
    assert remote.states()[RUN] in ("adopted", "succeeded", "running")
    (step,) = jobs["verify"].steps
    assert (step.outputs["exit-code"], step.outputs["reason"]) == ("11", "lock_unsound")
    assert f"✗ {added[:10]}: notes.txt doesn't belong on the lockfile's branch." in step.summary
    assert said in step.out
    assert not [name for name in step.environ if name.startswith("QFLOW_CLIENT")]
    assert (jobs["verify"].folder / "work/.git/shallow").exists() is (cron == HOURLY)


@pytest.mark.parametrize("event", rows(("push", "schedule"), lambda event: event == "push"))
def test_in_another_repository_nothing_is_applied_and_it_is_said(
    event: str, sandbox: SandboxServer, runner: Runner, remote: Remote
) -> None:
    """A renamed organization, or a mirror; but not a fork, which isn't meant to apply."""
    runner.here = "renamed/runs"
    ref, about = "refs/heads/main", {"schedule": HOURLY} if event == "schedule" else {}
    jobs = runner.run("qflow.yml", event, ref, {**about, **OWN})
    ended = results(jobs)
    assert (ended["check"], ended["elsewhere"]) == ("success", "failure")
    assert (ended["gate"], ended["apply"], ended["tell"]) == ("skipped", "skipped", "skipped")
    said = jobs["elsewhere"].log
    assert said.startswith("::error::Nothing is applied: this workflow was made for team/runs, and")
    assert "write renamed/runs instead of team/runs" in said
    assert sandbox.requests() == []
    assert "qflow-lock" not in remote.git("branch", "--list")
    fork = {"repository": {"default_branch": "main", "fork": True}}
    ended = results(runner.run("qflow.yml", event, ref, {**about, **fork}))
    assert (ended["check"], ended["elsewhere"], ended["apply"]) == ("success", "skipped", "skipped")


def test_capitals_in_a_repositorys_name_make_no_other_one(
    sandbox: SandboxServer, runner: Runner
) -> None:
    runner.here = "Team/Runs"
    ended = results(pushed(runner))
    assert (ended["elsewhere"], ended["apply"]) == ("skipped", "success")
    assert len(sandbox.executions()) == 1


def test_in_another_repository_no_operation_is_done_and_it_is_said(
    sandbox: SandboxServer, runner: Runner, remote: Remote
) -> None:
    runner.here = "renamed/runs"
    for operation in ("freeze", "retry"):
        job = operated(runner, operation=operation, run=RUN, reason="x")
        assert (job.result, job.steps[0].name) == ("failure", "Say that nothing is done")
        assert "made for team/runs, and this is renamed/runs" in job.log
    assert sandbox.requests() == []
    assert "qflow-lock" not in remote.git("branch", "--list")


def test_a_closed_gate_keeps_everything_out(
    sandbox: SandboxServer, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who says no is a job that failed."""
    real = runner._bash

    def refused(step: Any, context: dict[str, Any], job: Job, env: Mapping[str, str]) -> Step:
        if step.get("name") == "Say what was let through":
            step = {**step, "run": "exit 1"}
        return real(step, context, job, env)

    monkeypatch.setattr(runner, "_bash", refused)
    jobs = pushed(runner)
    assert (jobs["gate"].result, jobs["apply"].result) == ("failure", "skipped")
    assert sandbox.executions() == []


def test_a_freeze_of_the_repository_holds_everything(
    sandbox: SandboxServer, runner: Runner
) -> None:
    runner.variables = {"QFLOW_FREEZE": "incident 4711"}
    jobs = pushed(runner)
    assert jobs["apply"].result == "failure"
    assert jobs["apply"].steps[0].outputs["reason"] == "frozen"
    assert sandbox.executions() == []


def operated(runner: Runner, **inputs: str) -> Job:
    jobs = runner.run("qflow-operations.yml", "workflow_dispatch", "refs/heads/main", OWN, **inputs)
    ran = [job for job in jobs.values() if job.result != "skipped"]
    assert len(ran) == 1, jobs
    return ran[0]


@nightly
def test_doubts_are_settled_from_the_browser(
    remote: Remote, sandbox: SandboxServer, runner: Runner
) -> None:
    sandbox.set_faults("accept-then-drop", "list-lag=600")
    jobs = pushed(runner)
    assert jobs["apply"].steps[0].outputs["exit-code"] == "9"
    assert remote.states() == {RUN: "in_doubt"}
    sandbox.set_faults()
    settled = operated(runner, operation="reconcile", reason="the network broke")
    assert settled.result == "success", settled.log
    assert remote.states()[RUN] in ("adopted", "succeeded", "running")
    assert len(sandbox.executions()) == 1


@nightly
def test_everything_is_frozen_from_the_browser_and_thawed(
    remote: Remote, sandbox: SandboxServer, runner: Runner
) -> None:
    """A freeze has no credentials, asks for no approval and stands behind no apply."""
    for reason in ("incident 42", "$(touch pwned)'; touch pwned #", "--help"):
        job = operated(runner, operation="freeze", environment="prod", reason=reason)
        assert job.result == "success", job.log
        assert not [name for name in job.steps[0].environ if name.startswith("QFLOW_CLIENT")]
        assert not list(job.folder.rglob("pwned"))
        assert remote.record()["freeze"][-1]["reason"] == reason
        assert remote.record()["freeze"][-1]["by"]["actor"] == "ada"
    jobs = pushed(runner)
    assert jobs["check"].outputs["run"] == "0"
    assert "**Frozen**" in jobs["check"].summary
    assert operated(runner, operation="unfreeze", reason="over").result == "success"
    assert remote.record()["freeze"][-1]["event"] == "unfrozen"
    assert sandbox.requests() == []
    assert pushed(runner)["apply"].result == "success"
    assert len(sandbox.executions()) == 1


def test_a_freeze_stands_in_no_queue() -> None:
    jobs = workflow("qflow-operations.yml")["jobs"]
    assert not {"concurrency", "environment", "needs"} & set(jobs["freeze"])
    assert "concurrency" not in workflow("qflow-operations.yml")
    assert jobs["operate"]["environment"] == "production"


HOSTILE = (
    {"run": "--absent"},
    {"run": f"{RUN}\n--absent"},
    {"run": RUN, "decision": "absent --yes"},
    {"run": RUN, "decision": "adopt", "execution": "--absent"},
    {"run": "$(touch pwned)", "reason": "`touch pwned`"},
    {"run": "'; touch pwned #", "reason": '"; touch pwned #'},
)


def test_no_input_becomes_an_option_or_a_command(remote: Remote, runner: Runner) -> None:
    pushed(runner)
    tip = remote.tip()
    for inputs in HOSTILE:
        asked = {"decision": "absent", "reason": "because"} | inputs
        job = operated(runner, operation="resolve", **asked)
        assert job.result == "failure"
        assert job.steps[0].outputs["exit-code"] not in ("0", "70")
        assert remote.tip() == tip
        assert not list(job.folder.rglob("pwned"))


def test_the_runners_files_are_added_to(tmp_path: Path, runner: Runner) -> None:
    """And everything that a step says of itself can be read back."""
    jobs = pushed(runner)
    (_, plan) = jobs["check"].steps
    assert set(plan.outputs) == {
        "exit-code", "reason", "run", "waiting", "goes-on", "held", "skipped", "plan-digest",
        "reports",
    }  # fmt: skip
    of_a_fleet = {"members", "matrices"}  # test_fleet_workflows.py
    assert set(workflow("action.yml")["outputs"]) - of_a_fleet == set(plan.outputs)
    assert plan.summary.startswith("### Plan")
    assert outputs("a=b\nc<<X\n1\n2=3\nX\n") == {"a": "b", "c": "1\n2=3"}


def test_the_record_is_pushed_by_the_only_job_that_can(runner: Runner) -> None:
    for name in ("qflow.yml", "qflow-operations.yml"):
        data = workflow(name)
        assert data["permissions"] == {}
        for job in data["jobs"].values():
            writes = [one for one, what in job["permissions"].items() if what == "write"]
            assert len(writes) <= 1
            assert 0 < job["timeout-minutes"] <= 90
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/checkout@"):
                    only_reads = job["name"] in ("qflow tell", "qflow verify")
                    keeps = "contents" in writes or only_reads
                    assert step["with"]["persist-credentials"] is keeps
                assert ("secrets." in str(step)) is (
                    job.get("environment") == "production" and "command" in str(step)
                )
    assert BRANCH == "qflow-lock"


@nightly
@pytest.mark.skipif(
    os.environ.get("QFLOW_TESTS_INSTALL") != "required", reason="fetches packages; CI does it"
)
def test_the_action_installs_itself_with_pinned_requirements(tmp_path: Path) -> None:
    """Once for all steps, in a folder whose files would be read, were it not for -I and so on."""
    (step,) = [
        one for one in workflow("action.yml")["runs"]["steps"] if "Install" in one.get("name", "")
    ]
    for name in ("pip", "venv", "zipfile", "runpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the folder')")
    (tmp_path / "uv.toml").write_text('[[index]]\nurl = "https://index.invalid"\ndefault = true\n')
    environ = {**os.environ, "RUNNER_TEMP": str(tmp_path / "t"), "GITHUB_ACTION_PATH": str(ROOT)}
    stamps = []
    for _ in range(2):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=tmp_path, env=environ, check=True, timeout=100, capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout + done.stderr == ""  # uv did it: of pip it would be said
        stamps.append((tmp_path / "t/qflow-gitops/installed").stat().st_mtime_ns)
    assert stamps[0] == stamps[1]
    assert [one.name for one in (tmp_path / "t").iterdir()] == ["qflow-gitops"]
    program = tmp_path / "t/qflow-gitops/bin/qflow-gitops"
    made = tmp_path / "made"
    subprocess.run([program, "init", "--github", made], check=True, capture_output=True)
    for name in ("qflow.yml", "qflow-operations.yml"):
        written = (made / ".github/workflows" / name).read_bytes()
        assert written == (ROOT / "examples/github" / name).read_bytes()


@pytest.mark.parametrize("count", rows([12, 120], lambda count: count == 12))
def test_a_rollout_is_let_through_once(
    count: int, workspace: Workspace, remote: Remote, sandbox: SandboxServer, runner: Runner
) -> None:
    """Batch by batch in a job each, as a pause is longer than a job: the gate is asked once."""
    workspace.write(
        "qflow.yaml",
        workspace.read("qflow.yaml")
        + "  policy: {limits: {runs: 500}}\n  apply: {concurrency: 40, timeout: 3s}\n",
    )
    workspace.commit("settings")
    workspace.git("push", "--quiet", "origin", "main")
    assert pushed(runner)["apply"].result == "success"  # from here on these settings count alone
    lines = "".join(
        f"    - {{name: a{number}, input: {{n: {number}}}}}\n" for number in range(count)
    )
    rollout = "  rollout: {batches: [1, 10%, 100%], pause: 4s}\n"
    workspace.write("runs/all.yaml", spec("all", extra=f"  targets:\n{lines}{rollout}"))
    workspace.commit("one spec, many accounts")
    workspace.git("push", "--quiet", "origin", "main")
    jobs = pushed(runner)
    assert (jobs["gate"].result, jobs["apply"].result) == ("success", "success")
    assert len(sandbox.executions()) == 2
    for _ in range(12):
        time.sleep(4)
        jobs = scheduled(runner)
        if jobs["check"].outputs["goes-on"] != "true":
            break
        assert jobs["gate"].result == "skipped"
    assert jobs["check"].outputs["waiting"] == "0"
    assert len(sandbox.executions()) == count + 1
    assert set(remote.states().values()) == {"succeeded"}


def test_what_changes_in_a_pause_is_asked_about_at_once(
    workspace: Workspace, sandbox: SandboxServer, runner: Runner
) -> None:
    """Nothing would start right now: it is let through all the same, and not held as not due."""
    for value in (1, 2):
        lines = "".join(f"    - {{name: {x}, input: {{n: {x}{value}}}}}\n" for x in "bc")
        targets = f"  targets:\n    - {{name: a, input: {{n: a}}}}\n{lines}"
        rollout = "  rollout: {batches: [1], pause: 2h}\n"
        workspace.write("runs/aws/buckets.yaml", spec("all", extra=targets + rollout))
        workspace.commit("one spec, many accounts")
        workspace.git("push", "--quiet", "origin", "main")
        jobs = pushed(runner)
        assert (jobs["gate"].result, jobs["apply"].result) == ("success", "success")
    found = jobs["check"].outputs
    assert (found["run"], found["waiting"], found["goes-on"]) == ("0", "2", "false")
    assert len(sandbox.executions()) == 1


def test_what_an_apply_left_to_be_told_is_told_after_it_and_is_no_failure_of_it(
    workspace: Workspace, runner: Runner, remote: Remote
) -> None:
    """A receiver that takes nothing makes a warning, and is told after the next one."""
    workspace.write("qflow.yaml", workspace.read("qflow.yaml") + "  notify: {}\n")
    workspace.publish("tell others")
    with receiving(rest=Answer(410)) as slack:
        runner.machine = {**runner.machine, "QFLOW_NOTIFY_SLACK_URL": slack.url}
        jobs = pushed(runner)
        assert jobs["apply"].result == "success"
        assert "::warning::Not everybody was told (exit 12)" in jobs["apply"].steps[-1].out
        slack.rest = Answer(200, b"ok")
        slack.got.clear()
        pushed(runner)
    assert "was started" in str([got.data["text"] for got in slack.got])
