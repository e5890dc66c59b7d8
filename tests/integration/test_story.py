"""Nothing is sent twice, whatever is done to the files; one change is sent once."""

import json
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, SAMPLE, WORKFLOW, spec
from tests.helpers.typed import commands, typed

FILE = "runs/aws/buckets.yaml"
RUN = "prod/encrypt-prod-buckets"


@pytest.fixture
def applied(project: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """The sample, sent once."""
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 1
    return project


def posts(sandbox: SandboxServer) -> list[dict[str, Any]]:
    return sandbox.requests("POST", "/run")


def lock(workspace: Workspace) -> Any:
    return json.loads(workspace.read("qflow.lock"))


def only(plan: Any) -> Any:
    (change,) = plan["changes"]
    return change


def test_the_release_notes_sample_is_sent_exactly(
    applied: Workspace, sandbox: SandboxServer
) -> None:
    """Body, path and bearer token are those of the documentation, the id is recorded."""
    (request,) = posts(sandbox)
    assert request["path"] == f"/qflowapi/v1/workflows/{WORKFLOW}/run"
    assert request["headers"]["Authorization"] == "Bearer ***"
    assert json.loads(request["body"]) == {
        "input": {"bucketName": "test-bucket-1", "totalBucketCount": 4},
        "variables": {"connectorId": CONNECTOR, "region": "us-east-1", "name": "maha2"},
    }
    (attempt,) = lock(applied)["environments"]["prod"]["runs"]["encrypt-prod-buckets"]["attempts"]
    (execution,) = sandbox.executions()
    assert attempt["executionId"] == execution["id"]
    assert attempt["state"] == "succeeded"
    assert attempt["status"] == "Success"


def test_a_second_apply_sends_and_writes_nothing(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    before = (applied.read("qflow.lock"), len(sandbox.requests()))
    assert cli("apply", "--yes").code == 0
    assert (applied.read("qflow.lock"), len(sandbox.requests())) == before


MIGRATED = SAMPLE.replace("    connectorId:", "    credentials:")
EDITS: dict[str, dict[str, str | None]] = {
    "a comment": {FILE: "# why\n" + SAMPLE.replace("maha2", "maha2  # who")},
    "quoting": {FILE: SAMPLE.replace("us-east-1", '"us-east-1"')},
    "key order": {
        FILE: SAMPLE.replace("    name: maha2\n", "").replace(
            "    region:", "    name: maha2\n    region:"
        )
    },
    "labels": {FILE: SAMPLE.replace("buckets\n", "buckets\n  labels: {team: cloudsec}\n", 1)},
    "the file's name": {FILE: None, "runs/other.yml": SAMPLE},
    "the file's folder": {FILE: None, "runs/a/b/c/buckets.yaml": SAMPLE},
    "the legacy variable": {FILE: MIGRATED},
    "two documents": {FILE: SAMPLE + "---\n" + spec("more-buckets")},
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_what_does_not_change_the_request_sends_nothing(
    edit: str, applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for name, text in EDITS[edit].items():
        applied.remove(name) if text is None else applied.write(name, text)
    applied.commit(edit)
    full = cli.json("plan", "--full")
    again = cli("apply", "--yes")
    same = [one for one in full["changes"] if one["name"] == "encrypt-prod-buckets"]
    assert [(one["action"], one["reason"]) for one in same] == [("skip", "already_ran")]
    assert again.code == 0
    assert len(posts(sandbox)) == (2 if edit == "two documents" else 1)


def test_splitting_a_file_in_two_sends_nothing(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write(FILE, SAMPLE + "---\n" + spec("second"))
    project.commit("two in one")
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 2
    project.write(FILE, SAMPLE)
    project.write("runs/second.yaml", spec("second"))
    project.commit("one each")
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 2


def test_migrating_a_legacy_spec_sends_nothing(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write(FILE, MIGRATED)
    project.commit("legacy")
    assert cli("apply", "--yes").code == 0
    assert json.loads(posts(sandbox)[0]["body"])["variables"]["credentials"] == CONNECTOR
    assert cli("migrate", "--check").code == 10
    assert project.read(FILE) == MIGRATED
    assert cli("migrate").code == 0
    assert project.read(FILE) == SAMPLE
    assert cli("migrate", "--check").code == 0
    project.commit("migrated")
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 1


def test_one_change_is_sent_once_and_its_revert_is_not(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also: the plan shows the difference, names the attempt of a revert, `rerun` repeats it."""
    applied.write(FILE, SAMPLE.replace("totalBucketCount: 4", "totalBucketCount: 5"))
    applied.commit("five")
    change = only(cli.json("plan"))
    assert (change["action"], change["reason"]) == ("run", "modified")
    assert change["requestDiff"] == [{"path": "/input/totalBucketCount", "old": 4, "new": 5}]
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 2

    applied.write(FILE, SAMPLE)
    applied.commit("four again")
    change = only(cli.json("plan"))
    assert (change["action"], change["reason"]) == ("skip", "already_ran")
    assert change["attempt"]["number"] == 1
    assert "rerun" in change["hint"]
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 2

    applied.write(FILE, SAMPLE + "  rerun: 1\n")
    applied.commit("once more")
    assert only(cli.json("plan"))["action"] == "run"
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 3
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 3


def test_the_same_request_once_more_is_called_rerun(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    applied.write(FILE, SAMPLE + "  rerun: 1\n")
    applied.commit("once more")
    assert only(cli.json("plan"))["reason"] == "rerun"


def test_removing_a_spec_sends_nothing_and_keeps_the_record(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    applied.write("runs/b.yaml", spec("b"))
    applied.commit("another")
    assert cli("apply", "--yes").code == 0
    applied.remove(FILE)
    applied.commit("gone")
    assert (only(cli.json("plan"))["action"], only(cli.json("plan"))["reason"]) == (
        "skip",
        "removed",
    )
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 2
    assert "encrypt-prod-buckets" in lock(applied)["environments"]["prod"]["runs"]


def test_a_renamed_run_is_held_until_its_record_is_carried_over(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    renamed = SAMPLE.replace("encrypt-prod-buckets", "encrypt-all-buckets")
    applied.write(FILE, renamed)
    applied.commit("renamed")
    held = cli.json("apply", "--yes")
    assert held["exitCode"] == 5
    assert {one["reason"] for one in held["changes"] if one["action"] == "hold"} == {"renamed"}
    applied.write(
        FILE, renamed.replace("buckets\n", "buckets\n  previousName: encrypt-prod-buckets\n", 1)
    )
    applied.commit("with its record")
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 1


def test_a_run_of_its_own_record_needs_no_previous_name(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The old name comes back with another request: `plan` and `plan --full` agree."""
    carried = SAMPLE.replace("prod-buckets\n", "all\n  previousName: encrypt-prod-buckets\n", 1)
    applied.write(FILE, carried.replace("maha2", "maha3"))
    applied.commit("renamed and changed")
    assert cli("apply", "--yes").code == 0
    applied.write("runs/aws/again.yaml", SAMPLE.replace("maha2", "maha4"))
    applied.commit("the old name again")
    for more in ((), ("--full",)):
        data = cli.json("plan", *more)
        told = {(one["action"], one["name"]) for one in data["changes"] if one["action"] != "skip"}
        assert told == {("run", "encrypt-prod-buckets")}, more
    assert len(posts(sandbox)) == 2


def test_a_rename_can_be_released_by_name_and_count(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    applied.write(FILE, SAMPLE.replace("encrypt-prod-buckets", "encrypt-all-buckets"))
    applied.commit("renamed")
    assert cli("apply", "--yes", "--ack", "same_request=2", "--reason", "on purpose").code == 2
    assert len(posts(sandbox)) == 1
    assert cli("apply", "--yes", "--ack", "same_request=1", "--reason", "on purpose").code == 0
    assert len(posts(sandbox)) == 2


def test_an_older_commit_is_refused(applied: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    old = applied.git("rev-parse", "HEAD")
    applied.write(FILE, SAMPLE.replace("maha2", "maha3"))
    applied.commit("newer")
    assert cli("apply", "--yes").code == 0
    applied.git("checkout", "--quiet", old)
    refused = cli("apply", "--yes")
    assert refused.code == 7
    assert "doesn't descend" in refused.err
    assert len(posts(sandbox)) == 2


def test_an_older_lockfile_is_refused_with_the_command_that_restores_it(
    applied: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A checkout brought an older record back: the runs after it would be due again."""
    applied.git("add", "qflow.lock")
    applied.git("commit", "--quiet", "-m", "the lockfile")
    applied.write(FILE, SAMPLE.replace("maha2", "maha3"))
    applied.commit("newer")
    assert cli("apply", "--yes").code == 0
    newest = applied.read("qflow.lock")
    applied.git("checkout", "--quiet", "--", "qflow.lock")
    for command in (["apply", "--yes"], ["plan"], ["status"]):
        refused = cli(*command)
        assert refused.code == 11
    (restore,) = commands(refused.err)
    typed(applied.path, restore)
    assert applied.read("qflow.lock") == newest
    assert cli("apply", "--yes").code == 0
    assert len(posts(sandbox)) == 2


def test_a_lost_lockfile_is_refused(applied: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    applied.remove("qflow.lock")
    assert cli("apply", "--yes").code == 11
    assert len(posts(sandbox)) == 1


def test_a_changed_platform_holds_the_environments_runs(
    applied: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied.write("qflow.yaml", applied.read("qflow.yaml").replace("sandbox", "US1"))
    applied.write("runs/new.yaml", spec("new"))
    applied.commit("another platform")
    reasons = {one["name"]: one["reason"] for one in cli.json("plan")["changes"]}
    assert reasons == {"encrypt-prod-buckets": "platform", "new": "platform"}
