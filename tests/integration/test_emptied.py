"""All specs of an environment are gone: asked about once, in words that say where they went."""

import json
import re
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.hints import command, follow
from tests.helpers.specs import SANDBOX_PROJECT, spec

TWO = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  defaultEnvironment: prod
  environments:
    prod: {platform: sandbox}
    dev: {platform: sandbox}
"""


def record(workspace: Workspace, environment: str = "prod") -> Any:
    return json.loads(workspace.read("qflow.lock"))["environments"][environment]


def holds(data: Any) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in data["changes"] if one["action"] == "hold"}


@pytest.fixture
def two(workspace: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """Two runs of one environment, applied. Their folder stays when they go."""
    workspace.write("runs/README.md", "words")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for name in ("a", "b"):
        workspace.write(f"runs/{name}.yaml", spec(name, name))
    workspace.commit("two")
    assert cli("apply", "--yes").code == 0
    return workspace


def test_all_gone_is_held_once_and_quiet_after_a_person_said_so(
    two: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    before = record(two)
    two.remove("runs/a.yaml")
    two.commit("one")
    assert cli("apply", "--yes").code == 0  # one of two: nobody's business
    two.remove("runs/b.yaml")
    head = two.commit("none")
    for _ in range(2):
        done = cli.json("apply", "--yes")
        assert (done["exitCode"], done["reason"]) == (5, "empty")
        assert holds(done) == {"*": "empty"}
    assert record(two)["appliedThrough"] != head
    text = cli("apply", "--yes")
    assert "! prod/*  empty: all specs that prod had at commit" in text.out
    assert follow(cli, command(text, "--ack empty=1"), "decommissioned").code == 0
    (event,) = record(two)["events"]
    assert (event["event"], event["hold"], event["commit"]) == ("released", "empty", head)
    assert (event["reason"], event["by"]["actor"]) == ("decommissioned", "test@example.com")
    after = two.read("qflow.lock")
    assert cli("apply", "--yes").code == 0
    assert holds(cli.json("plan")) == {}
    assert two.read("qflow.lock") == after
    assert cli("lock", "verify").code == 0
    assert record(two)["runs"].keys() == before["runs"].keys()
    assert len(sandbox.executions()) == 2


def test_a_release_of_nothing_is_refused(two: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    assert cli("apply", "--yes", "--ack", "empty=1", "--reason", "x").code == 2
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    two.commit("none")
    wrong = cli("apply", "--yes", "--ack", "empty=2", "--reason", "x")
    assert wrong.code == 2
    assert follow(cli, command(wrong, "--ack empty=1")).code == 0


def test_specs_that_come_back_need_no_release(
    two: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    two.commit("none")
    assert cli("apply", "--yes").code == 5
    two.git("revert", "--no-edit", "HEAD")
    assert cli("apply", "--yes").code == 0
    assert "events" not in record(two)
    assert len(sandbox.executions()) == 2


def test_an_environment_that_never_had_any_is_nobodys_business(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    workspace.write("qflow.yaml", TWO)
    workspace.write("runs/a.yaml", spec("a"))
    workspace.commit("only prod")
    for name in ("prod", "dev"):
        for _ in range(2):
            assert cli("apply", "--yes", "-e", name).code == 0
    assert holds(cli.json("plan", "--full")) == {}


def test_where_the_earlier_commit_cannot_be_read_the_record_tells(
    two: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Nothing was ever applied through, or its commit was purged."""
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    two.commit("none")
    data = json.loads(two.read("qflow.lock"))
    data["environments"]["prod"]["appliedThrough"] = "1" * 40
    for change in (lambda: None, lambda: data["environments"]["prod"].pop("appliedThrough")):
        change()
        two.write("qflow.lock", json.dumps(data, indent=2) + "\n")
        forget_copy(two)
        done = cli("apply", "--yes")
        assert done.code == 5
        assert "the lockfile has runs of prod" in done.out


def forget_copy(workspace: Workspace) -> None:
    """Forget the copy of the newest lockfile, so that another one is taken as it is."""
    folder = workspace.path / ".git/qflow-gitops"
    for file in folder.glob("*"):
        if file.is_file():
            file.unlink()


@pytest.mark.parametrize("text", ["name: a\n", "a: [\n"])
def test_specs_with_errors_are_still_specs(
    text: str, two: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Also a file in which nobody can see whose it is."""
    two.remove("runs/b.yaml")
    two.write("runs/a.yaml", text)
    two.commit("broken")
    for more in ((), ("--keep-going",)):
        done = cli("apply", "--yes", *more)
        assert done.code == 3
        assert "empty" not in done.out


# --- what it looks like --------------------------------------------------------------


def test_a_renamed_folder_is_called_one(two: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    (two.path / "jobs").mkdir()
    two.git("mv", "runs/a.yaml", "runs/b.yaml", "jobs/")
    two.commit("moved")
    for said in (cli("apply", "--yes"), cli("plan")):
        assert "outside of `runs:`, like jobs/a.yaml" in said.out
        assert "name it under `runs:` in qflow.yaml" in said.out
    two.write("qflow.yaml", SANDBOX_PROJECT + "  runs: [jobs]\n")
    two.commit("and said so")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2


def test_another_folder_in_the_settings_is_called_that(
    two: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    two.write("qflow.yaml", SANDBOX_PROJECT + "  runs: [jobs]\n")
    two.write("jobs/README.md", "words")
    two.git("rm", "--quiet", "-r", "runs")
    two.commit("elsewhere")
    done = cli("apply", "--yes")
    assert done.code == 5
    assert "named runs then, and names jobs now" in done.out


def test_a_renamed_environment_is_called_one(
    workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Its runs stand under another name now."""
    workspace.write("qflow.yaml", TWO)
    for name in ("a", "b"):
        workspace.write(f"runs/{name}.yaml", spec(name, name))
    workspace.commit("two of prod")
    assert cli("apply", "--yes", "-e", "prod").code == 0
    workspace.write(
        "qflow.yaml", TWO.replace("defaultEnvironment: prod", "defaultEnvironment: dev")
    )
    workspace.commit("another default")
    for said in (cli("apply", "--yes", "-e", "prod"), cli("plan", "-e", "prod")):
        assert "`dev` has 2 of the same names now" in said.out
        assert "`previousNames: [prod]` under `dev`" in said.out
    assert holds(cli.json("plan")).get("*") == "empty"


def test_every_form_shows_it_well(two: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    two.commit("none")
    (held,) = [one for one in cli.json("plan")["changes"] if one["action"] == "hold"]
    assert (held["name"], held["reason"], held["release"]) == ("*", "empty", "empty")
    markdown = cli("plan", "--format", "markdown").out
    assert "**`empty`**, all runs\n" in markdown
    assert "`prod/*`" in markdown
    assert "held=1" in cli("-q", "plan", "--report", "outputs=-").out
    released = cli.json("apply", "--yes", "--ack", "empty=1", "--reason", "x")
    assert released["exitCode"] == 0
    assert ("*", "removed") in [(one["name"], one["reason"]) for one in released["changes"]]


def test_a_pull_request_that_removes_the_last_specs_shows_it(
    two: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only that one: the next pull request, which touches other things, doesn't."""
    two.git("update-ref", "refs/remotes/origin/main", "HEAD")
    two.git("switch", "--quiet", "--create", "remove")
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    two.commit("none")
    for name, value in {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}.items():
        monkeypatch.setenv(name, value)
    assert holds(cli.json("plan")) == {"*": "empty"}
    two.git("update-ref", "refs/remotes/origin/main", "HEAD")
    two.git("switch", "--quiet", "--create", "words")
    two.write("README.md", "words")
    two.commit("words")
    assert holds(cli.json("plan")) == {}


def test_the_work_tree_is_looked_at_likewise(
    two: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    assert holds(cli.json("plan", "--worktree")) == {"*": "empty"}
    assert holds(cli.json("plan")) == {}


def test_at_a_commit_that_no_branch_has_nothing_is_recorded_and_nothing_asked(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    workspace.git("switch", "--quiet", "--create", "side")
    workspace.write("runs/README.md", "words")
    workspace.remove("runs/aws/buckets.yaml")
    workspace.commit("none")
    before = remote.tip()
    assert cli("apply", "--yes").code == 0
    assert remote.tip() == before
    workspace.git("push", "--quiet", "origin", "HEAD:main")
    held = cli("apply", "--yes")
    assert held.code == 5
    assert follow(cli, command(held, "--ack empty=1")).code == 0
    assert remote.record()["environments"]["prod"]["events"][0]["hold"] == "empty"
    assert re.search("empty|released", "\n".join(remote.subjects()))


def test_diffs_and_full_looks_agree(two: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    for name in ("a", "b"):
        two.remove(f"runs/{name}.yaml")
    two.commit("none")
    assert holds(cli.json("plan")) == holds(cli.json("plan", "--full")) == {"*": "empty"}
