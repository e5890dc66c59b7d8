"""The catalog of workflows: pulled once, then it checks specs offline and at launch."""

import json

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec, with_targets

FILE = f"workflows/{WORKFLOW}.json"
OTHER = "f516bcf4-f6fb-46ac-a54f-ddbcf2a2d24a"


@pytest.fixture
def pulled(project: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """The sample's repository with its workflow in the catalog."""
    assert cli("workflows", "pull").code == 0
    project.commit("catalog")
    return project


def drifted(project: Workspace) -> None:
    """Commit a catalog that was pulled before the workflow was changed."""
    data = json.loads(project.read(FILE))
    project.write(FILE, json.dumps(data | {"revision": "0" * 64}, indent=2))
    project.commit("an older catalog")


def test_pull_writes_what_specs_use_without_values_or_credentials(pulled: Workspace) -> None:
    data = json.loads(pulled.read(FILE))
    assert data["id"] == WORKFLOW
    assert data["name"] == "Sandbox workflow 6cad21c8"
    assert len(data["revision"]) == 64
    assert data["variables"] == {
        "dryRun": "boolean",
        "name": "list of string",
        "project": "list",
        "region": "list of string",
        "resourceGroup": "list",
    }
    assert "credentials" not in pulled.read(FILE)
    assert "maha2" not in pulled.read(FILE)


def test_pulling_again_changes_nothing_and_starts_nothing(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    before = pulled.read(FILE)
    done = cli("workflows", "pull")
    assert (done.code, "kept" in done.out) == (0, True)
    assert pulled.read(FILE) == before
    assert sandbox.requests("POST", "/run") == []
    assert sandbox.executions() == []


def test_a_new_spec_is_refused_until_its_workflow_is_pulled(pulled: Workspace, cli: Cli) -> None:
    pulled.write("runs/new.yaml", spec("new").replace(WORKFLOW, OTHER))
    done = cli("validate")
    assert (done.code, "[workflow-unknown]" in done.out) == (3, True)
    assert f"qflow-gitops workflows pull {OTHER}" in done.out
    assert cli("workflows", "pull").code == 0
    assert cli("validate").code == 0


def test_a_misspelt_variable_is_named_offline(
    pulled: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QFLOW_GATEWAY", "QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    pulled.write("runs/aws/buckets.yaml", SAMPLE.replace("    name: maha2", "    dryrun: 'yes'"))
    done = cli("validate", "--strict")
    assert (done.code, "[workflow-variable-unknown]" in done.out) == (3, True)
    assert "Did you mean `dryRun`?" in done.out
    pulled.write("runs/aws/buckets.yaml", SAMPLE.replace("    name: maha2", "    dryRun: 'yes'"))
    assert "[workflow-variable-kind]" in cli("validate").out


def test_a_catalog_that_forgets_a_workflow_holds_its_runs(pulled: Workspace, cli: Cli) -> None:
    """The catalog decides validity, so a plan from a diff looks at every spec when it changes."""
    assert cli("apply", "--yes").code == 0
    pulled.write("runs/new.yaml", spec("new"))
    pulled.commit()
    assert cli("plan").code == 0
    pulled.move(FILE, f"workflows/{OTHER}.json")
    pulled.write(f"workflows/{OTHER}.json", pulled.read(f"workflows/{OTHER}.json").replace(
        WORKFLOW, OTHER))  # fmt: skip
    pulled.commit()
    for extra in ((), ("--full",)):
        data = cli.json("plan", *extra)
        assert data["exitCode"] == 3
        assert {one["reason"] for one in data["changes"]} == {"invalid"}
    assert cli("apply", "--yes").code == 3


def test_plans_show_names(pulled: Workspace, cli: Cli) -> None:
    assert f"workflow Sandbox workflow 6cad21c8 ({WORKFLOW})" in cli("plan").out
    assert "`Sandbox workflow 6cad21c8, 6cad21c8`" in cli("plan", "--format", "markdown").out
    (change,) = cli.json("plan")["changes"]
    assert change["workflowName"] == "Sandbox workflow 6cad21c8"


def test_another_revision_at_launch_is_noted(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    drifted(pulled)
    done = cli("apply", "--yes")
    assert done.code == 0
    assert "was changed since the catalog was pulled" in done.err
    record = json.loads(pulled.read("qflow.lock"))["environments"]["prod"]["runs"]
    (attempt,) = record["encrypt-prod-buckets"]["attempts"]
    assert attempt["evidence"]["catalogRevision"] == "0" * 64
    assert attempt["revision"] != "0" * 64


def test_another_revision_at_launch_is_held_where_the_policy_asks_for_it(
    pulled: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    drifted(pulled)
    policy = SANDBOX_PROJECT + "  policy: {require: {workflowRevision: true}}\n"
    pulled.write("qflow.yaml", policy)
    pulled.commit()
    done = cli("apply", "--yes")
    assert done.code == 5
    assert f"qflow-gitops workflows pull -e prod {WORKFLOW}" in done.out
    assert sandbox.requests("POST", "/run") == []
    assert cli("workflows", "pull").code == 0
    pulled.commit()
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.requests("POST", "/run")) == 1


def test_the_policy_holds_runs_that_the_catalog_says_nothing_of(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    policy = SANDBOX_PROJECT + "  policy: {require: {workflowRevision: true}}\n"
    project.write("qflow.yaml", policy)
    project.commit()
    assert cli("apply", "--yes").code == 5
    assert sandbox.requests("POST", "/run") == []


def test_a_workflow_that_qualys_does_not_know(cli: Cli, pulled: Workspace) -> None:
    with served(faults=[f"unknown-workflow={OTHER}"]) as other, pytest.MonkeyPatch.context() as env:
        env.setenv("QFLOW_GATEWAY", other.url)
        done = cli("workflows", "pull", OTHER, WORKFLOW)
    assert (done.code, "unknown" in done.out, FILE in done.out) == (3, True, True)
    assert not (pulled.path / f"workflows/{OTHER}.json").exists()


def test_all_that_the_user_may_see(pulled: Workspace, cli: Cli, sandbox: SandboxServer) -> None:
    pulled.write("runs/new.yaml", spec("new").replace(WORKFLOW, OTHER))
    assert cli("workflows", "pull", "--all").code == 0  # the sandbox lists what was executed
    assert not (pulled.path / f"workflows/{OTHER}.json").exists()
    assert cli("workflows", "pull", OTHER).code == 0
    pulled.commit()
    assert cli("apply", "--yes").code == 0
    pulled.remove(f"workflows/{OTHER}.json")
    assert cli("workflows", "pull", "--all").code == 0
    assert (pulled.path / f"workflows/{OTHER}.json").exists()


def test_list_show_and_new(pulled: Workspace, cli: Cli) -> None:
    assert WORKFLOW in cli("workflows", "list").out
    assert "dryRun" in cli("workflows", "show", WORKFLOW.upper()).out
    assert cli.json("workflows", "show", WORKFLOW)["workflows"][0]["variables"]["dryRun"] == (
        "boolean"
    )
    draft = cli("workflows", "new", WORKFLOW).out
    assert "# dryRun:   # boolean" in draft
    pulled.write("runs/draft.yaml", draft)
    done = cli("validate")
    assert done.code == 3  # it has to be filled in
    assert {line.split(":")[0] for line in done.out.splitlines() if ": error" in line} == {
        "runs/draft.yaml"
    }
    filled = draft.replace("connectorType:", "connectorType: aws").replace(
        "connectorId:", "connectorId: aa70acae-6ea8-3acf-b504-f327855b316a"
    )
    pulled.write("runs/draft.yaml", filled)
    assert cli("validate").code == 0
    pulled.write("runs/draft.yaml", with_targets(filled))
    assert cli.json("validate", "runs/draft.yaml")["runs"] == 2


@pytest.mark.parametrize("action", ["show", "new"])
def test_what_is_not_in_the_catalog(project: Workspace, cli: Cli, action: str) -> None:
    done = cli("workflows", action, OTHER)
    assert (done.code, f"workflows pull {OTHER}" in done.err) == (2, True)
    assert cli("workflows", "list").out.startswith("The catalog is empty.")


@pytest.mark.parametrize("wrong", ["../../etc/passwd", "name", "--upload", ""])
def test_only_uuids_become_files(project: Workspace, cli: Cli, wrong: str) -> None:
    done = cli("workflows", "pull", "--", wrong)
    assert done.code == 2
    assert not (project.path / "workflows").exists()


def test_a_folder_that_cannot_be_written(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write("workflows", "a file")
    done = cli("workflows", "pull")
    assert (done.code, "can't be written" in done.err) == (3, True)


def test_hostile_words_of_the_server_stay_words(
    pulled: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.loads(pulled.read(FILE))
    name = "x\n::error::y\x1b[2J|`@team` \u202e"
    pulled.write(FILE, json.dumps(data | {"name": name, "variables": {name: "string"}}))
    pulled.commit()
    for arguments in (
        ("workflows", "list"), ("workflows", "show", WORKFLOW), ("workflows", "new", WORKFLOW),
        ("plan",), ("plan", "--format", "markdown"), ("validate", "--strict"),
    ):  # fmt: skip
        out = cli(*arguments).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(line.lstrip().startswith("::") for line in out.splitlines())
