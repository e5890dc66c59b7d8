"""What means the same is sent once: ids in capitals, numbers, legacy variables; and once more.

`.ci/run` makes all of it in the work tree, `.ci/nightly` on a branch as well.
"""

import json
from typing import Any

import pytest

from qflow_gitops.sandbox import shapes
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Shared, Workspace
from tests.helpers.partners import STORES
from tests.helpers.specs import CONNECTOR, SAMPLE, SANDBOX_PROJECT, WORKFLOW

FILE, RUN = "runs/aws/buckets.yaml", "encrypt-prod-buckets"
LOUD_ID = CONNECTOR.upper()
LOUD = SAMPLE.replace(WORKFLOW, WORKFLOW.upper()).replace(CONNECTOR, LOUD_ID)


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, workspace: Workspace) -> Workspace:
    """The sample in a repository, once for each lock store."""
    if request.param == "worktree":
        request.getfixturevalue("project")
        return workspace
    request.getfixturevalue("remote")
    return Shared(workspace.path)


def reasons(cli: Cli, *options: str) -> dict[str, str]:
    data = cli.json("plan", *options)
    return {one["name"]: f"{one['action']} {one['reason']}" for one in data["changes"]}


def nothing_to_do(cli: Cli) -> bool:
    """Whether every way to plan says so, knowing everything from before or nothing."""
    ways = [(), ("--full",), ("--worktree",), ("--from", "HEAD~1"), (), ("--full",)]
    return all(reasons(cli, *way) == {RUN: "skip already_ran"} for way in ways)


def test_an_id_in_capitals_is_the_same_id(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Pasted from elsewhere, moved to another file, put back: nothing is sent, and no way asks."""
    assert cli("apply", "--yes").code == 0
    place.write(FILE, LOUD)
    place.commit("ids in capitals")
    assert nothing_to_do(cli)
    assert cli("apply", "--yes").code == 0
    place.move(FILE, "runs/moved.yaml")
    place.commit("moved")
    assert nothing_to_do(cli)
    place.write("runs/moved.yaml", SAMPLE)
    place.commit("moved and put back")
    assert nothing_to_do(cli)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    assert cli("lock", "verify").code == 0


def test_an_id_is_sent_as_written_and_never_called_changed(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    place.write(FILE, LOUD.replace("maha2", "maha3"))
    place.commit("ids in capitals, and a value")
    (change,) = cli.json("plan")["changes"]
    assert change["reason"] == "modified"
    assert [one["path"] for one in change["requestDiff"]] == ["/variables/name"]
    assert "connectorId" not in cli("plan", "--format", "markdown").out
    assert cli("apply", "--yes").code == 0
    (posted,) = [one for one in sandbox.requests() if WORKFLOW.upper() in one["path"]
                 and one["method"] == "POST"]  # fmt: skip
    assert json.loads(posted["body"])["variables"]["connectorId"] == LOUD_ID
    place.write(FILE, SAMPLE.replace("maha2", "maha3") + "  rerun: 1\n")
    place.commit("once more, in lower case")
    (change,) = cli.json("plan")["changes"]
    assert (change["reason"], [one["path"] for one in change["requestDiff"]]) == (
        "rerun",
        ["/rerun"],
    )
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3
    assert cli("lock", "verify").code == 0


def test_settings_and_catalog_take_an_id_in_any_case(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Connectors that may be used, workflows that may run, how many of them at once."""
    listed = f"    prod: {{platform: sandbox, connectors: {{{CONNECTOR}: payments}}}}\n"
    limits = f"limits: {{workflows: {{{WORKFLOW.upper()}: 1, {WORKFLOW}: 0x5}}}}"
    policy = f"  policy: {{{limits}, workflows: {{allow: [{WORKFLOW}]}}}}\n"
    project.write("qflow.yaml", SANDBOX_PROJECT.rpartition("    prod")[0] + listed + policy)
    assert cli("workflows", "pull", WORKFLOW.upper()).code == 0
    project.write(FILE, LOUD)
    project.write("runs/b.yaml", LOUD.replace(RUN, "b").replace("maha2", "maha3"))
    project.commit("ids in capitals")
    assert cli("validate").code == 0
    assert set(reasons(cli).values()) == {"hold limit"}  # the stricter of the two
    project.remove("runs/b.yaml")
    project.commit("one of them")
    done = cli("plan")
    assert f"connector payments, {LOUD_ID}" in done.out
    assert cli("apply", "--yes").code == 0


def test_a_lost_answer_is_found_whatever_case_it_is_shown_in(
    place: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = shapes.trigger_output

    def in_lower_case(row: dict[str, Any], *, wrapped: bool) -> Any:
        return json.loads(json.dumps(echo(row, wrapped=wrapped)).replace(LOUD_ID, CONNECTOR))

    monkeypatch.setattr(shapes, "trigger_output", in_lower_case)
    place.write(FILE, LOUD)
    place.commit("ids in capitals")
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    assert cli("apply", "--yes").code == 9
    sandbox.set_faults()
    assert cli("reconcile").code == 0
    assert cli("apply", "--yes").code == 0
    counts = cli.json("plan", "--full")["counts"]
    assert (counts["run"], counts["hold"]) == (0, 0)
    assert len(sandbox.executions()) == 1


def test_migrating_an_id_in_capitals_leaves_it_as_it_is(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    legacy = LOUD.replace("connectorId:", "credentials:")
    place.write(FILE, legacy)
    place.commit("as in 1.18")
    assert cli("apply", "--yes").code == 0
    assert cli("migrate").code == 0
    assert place.read(FILE) == LOUD
    place.commit("migrated")
    assert nothing_to_do(cli)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


def test_a_number_is_sent_in_one_form_and_once(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    place.write(FILE, SAMPLE.replace("Count: 4", "Count: 4.0"))
    place.commit("4.0")
    assert cli("apply", "--yes").code == 0
    (posted,) = [one for one in sandbox.requests() if one["path"].endswith("/run")]
    assert '"totalBucketCount":4}' in posted["body"]
    for written in ("4", "0x4", "40e-1"):
        place.write(FILE, SAMPLE.replace("Count: 4", f"Count: {written}"))
        place.commit(written)
        assert nothing_to_do(cli)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    assert cli("lock", "verify").code == 0


# --- once more -----------------------------------------------------------------------


def test_once_more_takes_a_number_that_nobody_has_used(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A copy was sent as number 3 and taken away again; what is raised next is number 4."""
    assert cli("apply", "--yes").code == 0
    place.write("runs/copy.yaml", SAMPLE.replace(RUN, "copy") + "  rerun: 3\n")
    place.commit("a copy, once more")
    assert cli("apply", "--yes").code == 0
    place.remove("runs/copy.yaml")
    place.commit("without it")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2
    done = cli("rerun", RUN, "--reason", "again")
    assert f"rerun of prod/{RUN}: absent → 4" in done.out
    assert "is spent on platform sandbox: prod/copy, attempt 1." in done.out + done.err
    place.commit("once more")
    assert reasons(cli) == {RUN: "run rerun"}
    assert cli("apply", "--yes").code == 0
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3
    assert cli("lock", "verify").code == 0


def test_a_copy_that_is_held_and_meant_again_gets_a_number_of_its_own(
    place: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    place.write("runs/copy.yaml", LOUD.replace(RUN, "copy"))
    place.commit("a copy, with ids in capitals")
    assert reasons(cli) == {"copy": "hold same_request"}
    assert "absent → 1" in cli("rerun", "copy", "--reason", "for another reason").out
    assert "absent → 2" in cli("rerun", RUN, "--reason", "and once more").out
    place.commit("both once more")
    assert reasons(cli) == {"copy": "run added", RUN: "run rerun"}
    assert cli("apply", "--yes").code == 0
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_a_number_that_another_clone_used_is_seen(
    remote: Remote, cli: Cli, workspace: Workspace, sandbox: SandboxServer
) -> None:
    """Without the remote this clone's copy is looked at, and it says how old that is."""
    there = Shared(remote.clone("there").path)
    elsewhere = Cli(there.path, cli._capfd)
    assert cli("rerun", RUN, "--reason", "nothing is recorded yet").code == 0
    workspace.write(FILE, SAMPLE)
    there.write(FILE, SAMPLE + "  rerun: 2\n")
    there.commit("third time")
    assert elsewhere("apply", "--yes").code == 0
    assert "absent → 3" in cli("rerun", RUN, "--reason", "again").out
    remote.path.rename(remote.path.with_name("away.git"))
    workspace.write(FILE, SAMPLE)
    done = cli("rerun", RUN, "--reason", "again")
    assert "absent → 3" in done.out
    assert "can't be asked now. Its copy of 20" in done.out + done.err


def test_without_the_remote_and_a_copy_no_number_is_guessed(
    remote: Remote, cli: Cli, workspace: Workspace
) -> None:
    remote.path.rename(remote.path.with_name("away.git"))
    done = cli("rerun", RUN, "--reason", "again")
    assert done.code == 11
    assert "No file was changed." in done.err
    assert workspace.read(FILE) == SAMPLE
