"""The shipped file for GitLab, run by `gitlab-ci-local` against real git and the sandbox.

The kind: a file for another program's eyes, which only our own ever read. That program checks it
against GitLab's schema, follows `rules`, `needs`, `include` and artifacts, and starts the scripts
in clones as GitLab's runner makes them. What it leaves out is said in tests/helpers/gitlab.py.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from junitparser import JUnitXml

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.githttp import TOKEN, serve_http
from tests.helpers.gitlab import ROOT, SHIPPED, WORKFLOW, GitLab
from tests.helpers.logins import AUDIENCE, id_token, without_secrets
from tests.helpers.node import requires_node
from tests.helpers.partners import nightly, requires, rows
from tests.helpers.specs import spec

pytestmark = [requires_node, requires("rsync")]
RUN = "encrypt-prod-buckets"


@pytest.fixture
def gitlab(
    remote: Remote, workspace: Workspace, sandbox: SandboxServer, tmp_path: Path
) -> Iterator[GitLab]:
    """The sample and the shipped file, behind an address that takes a job's token."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert "your-group/your-project # " in text
    workspace.write(".gitlab-ci.yml", text.replace("your-group/your-project # ", "team/runs # "))
    workspace.publish("the shipped file")
    (tmp_path / "served/team").mkdir(parents=True)
    (tmp_path / "served/team/runs.git").symlink_to(remote.path)
    with serve_http(tmp_path / "served") as server:
        address = server.url.replace("//", f"//x-access-token:{TOKEN}@")
        yield GitLab(f"{address}/team/runs.git", tmp_path / "gitlab")


@pytest.mark.parametrize(
    ("source", "operation", "wanted"),
    rows(
        (
            ("merge_request_event", "", "check"),
            ("push", "", "plan gate! apply"),
            ("schedule", "", "plan gate? apply settle verify"),
            ("web", "freeze", "freeze"),
            ("web", "reconcile", "operate!"),
            ("api", "", ""),
        ),
        lambda row: row[0] == "schedule",
    ),
)
def test_which_jobs_a_pipeline_has(
    source: str, operation: str, wanted: str, gitlab: GitLab, workspace: Workspace
) -> None:
    """`!`: waits for a person, and what needs it with it; `?`: waits, and holds up nothing else.

    On another branch than the default one there is none but a merge request's, neither by the
    rules of the jobs nor by those of `workflow:`.
    """
    marks = {("manual", False): "!", ("manual", True): "?"}
    found = gitlab.jobs(source, OPERATION=operation)
    assert bool(found.pop(WORKFLOW, None)) is bool(wanted)
    assert wanted.split() == [
        name + marks.get((one["when"], one["allow_failure"]), "") for name, one in found.items()
    ]
    for name, one in found.items():
        needs = {each["job"] for each in one.get("needs", [])}
        assert needs == {"gate": {"plan"}, "apply": {"plan", "gate"}}.get(name, set())
    workspace.git("push", "--quiet", "origin", "HEAD:topic")
    elsewhere = {"check", WORKFLOW} if source == "merge_request_event" else set()
    assert set(gitlab.jobs(source, "topic", OPERATION=operation)) == elsewhere


@pytest.mark.parametrize(
    ("source", "operation", "wanted"),
    rows(
        (
            ("merge_request_event", "", {"check"}),
            ("push", "", {"elsewhere"}),
            ("schedule", "", {"elsewhere", "verify"}),
            ("web", "freeze", {"elsewhere"}),
        ),
        lambda row: row[0] == "push",
    ),
)
def test_in_another_project_nothing_is_applied_and_it_is_said(
    source: str, operation: str, wanted: set[str], gitlab: GitLab, sandbox: SandboxServer
) -> None:
    """A renamed group, a mirror, a fork."""
    here = "renamed/runs"
    jobs = gitlab.jobs(source, OPERATION=operation, CI_PROJECT_PATH=here)
    assert set(jobs) - {WORKFLOW} == wanted
    if source != "merge_request_event":
        done = gitlab.run(source, "main", "elsewhere", CI_PROJECT_PATH=here)
        assert (done.code, done.results) == (1, {"elsewhere": "failed"})
        assert "made for team/runs, and this is renamed/runs." in done.out
    assert not sandbox.requests()


@nightly
def test_a_merge_request_is_checked_offline(
    gitlab: GitLab, workspace: Workspace, sandbox: SandboxServer, remote: Remote
) -> None:
    workspace.git("switch", "--quiet", "-c", "topic")
    workspace.write("runs/second.yaml", spec("second"))
    workspace.publish("a second run")
    done = gitlab.run("merge_request_event", "topic")
    assert (done.code, done.results) == (0, {"check": "passed"})
    plan = done.artifact("check", "qflow-plan.md").read_text()
    assert "prod/second" in plan
    assert RUN not in plan.split("nothing to do")[0]
    workspace.write("runs/second.yaml", spec("B"))
    workspace.publish("an impossible name")
    done = gitlab.run("merge_request_event", "topic")
    assert (done.code, done.results) == (1, {"check": "failed"})
    assert "runs/second.yaml:4:9: error [schema-value]" in done.out
    assert JUnitXml.fromfile(str(done.kept("check", "qflow-junit.xml"))).failures == 1
    assert not sandbox.executions()
    assert "qflow-lock" not in remote.git("branch", "--list")


def test_a_push_waits_for_a_person_and_then_runs_what_was_shown_once(
    gitlab: GitLab, workspace: Workspace, sandbox: SandboxServer, remote: Remote
) -> None:
    assert gitlab.run("push").results == {}
    assert not sandbox.executions()
    done = gitlab.run("push", press="gate")
    assert done.results == dict.fromkeys(("plan", "gate", "apply"), "passed"), done.out
    assert RUN in done.artifact("apply", "qflow-apply.md").read_text()
    assert gitlab.run("push", press="gate").results == done.results
    assert len(sandbox.executions()) == 1
    (attempt,) = remote.attempts(RUN)
    assert attempt["state"] == "succeeded"
    by = attempt["events"][0]["by"]
    assert by["actor"] == "ada"
    assert "/team/runs/-/jobs/" in by["run"]
    assert TOKEN not in done.out + remote.git("log", "-p", "qflow-lock")


@nightly
def test_an_apply_without_a_secret(
    gitlab: GitLab, workspace: Workspace, sandbox: SandboxServer, remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What the file has as a comment, once the audience is filled in."""
    text = without_secrets(workspace.read(".gitlab-ci.yml"))
    told = "the audience that Qualys Support was told of"
    assert told in text
    workspace.write(".gitlab-ci.yml", text.replace(told, AUDIENCE))
    workspace.publish("no secret")
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    held = gitlab.run("push", press="gate")
    assert held.results["apply"] == "failed"
    assert "QFLOW_ID_TOKEN isn't set" in held.out
    token = id_token(time.time() + 3600)
    done = gitlab.run("push", press="gate", QFLOW_ID_TOKEN=token)
    assert done.results["apply"] == "passed", done.out
    assert len(sandbox.executions()) == 1
    assert token.split(".")[1] not in done.out


@nightly
def test_operations_reach_the_record_and_hold_what_comes(
    gitlab: GitLab, remote: Remote, sandbox: SandboxServer
) -> None:
    reason = 'incident 42: it\'s "odd"; `id` $$(id)'
    done = gitlab.run("web", OPERATION="freeze", REASON=reason)
    assert done.results["freeze"] == "passed", done.out
    assert remote.record()["freeze"][0]["reason"] == reason.replace("$$", "$")
    held = gitlab.run("push", press="gate")
    assert (held.code, held.results["apply"]) == (1, "failed")
    done = gitlab.run("web", press="operate", OPERATION="unfreeze", REASON="over")
    assert done.results["operate"] == "passed", done.out
    assert gitlab.run("schedule", "main", "settle").results == {"settle": "passed"}
    assert not sandbox.executions()


@nightly
def test_a_schedule_verifies_the_lockfile_and_settles_doubts_whatever_that_finds(
    gitlab: GitLab, remote: Remote, sandbox: SandboxServer
) -> None:
    assert gitlab.run("push", press="gate").results["apply"] == "passed"
    jobs = ("settle", "verify")
    done = gitlab.run("schedule", "main", *jobs)
    assert done.results == dict.fromkeys(jobs, "passed"), done.out
    assert "weren't taken again" in done.out
    assert "1 digest taken again" in gitlab.run("schedule", "main", *jobs, VERIFY="full").out
    hand = remote.clone("by-hand", f"--branch={BRANCH}")
    hand.write("notes.txt", "to do")
    hand.publish("by hand")
    hand.remove("notes.txt")
    hand.publish("what no look at the newest commits shows")
    done = gitlab.run("schedule", "main", *jobs)
    assert (done.code, done.results) == (1, {"settle": "passed", "verify": "failed"})
    assert "notes.txt doesn't belong on the lockfile's branch." in done.out


@nightly
def test_its_jobs_install_the_program(gitlab: GitLab, workspace: Workspace) -> None:
    """As the file has it: from a repository and its commit, pinned, before the script."""
    commit = Workspace(ROOT).git("rev-parse", "HEAD")
    done = gitlab.run(
        "merge_request_event", "main", installs=True,
        QFLOW_GITOPS_REPOSITORY=ROOT.as_uri(), QFLOW_GITOPS_COMMIT=commit,
    )  # fmt: skip
    assert done.results == {"check": "passed"}, done.out
