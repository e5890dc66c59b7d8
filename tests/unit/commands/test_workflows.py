"""`workflows`: what Qualys says of workflows becomes a catalog of files."""

from pathlib import Path

import pytest

from qflow_gitops.base.paths import ROOT
from qflow_gitops.commands import workflows
from qflow_gitops.errors import AuthError, ExitCode, InvalidInput, UsageProblem
from qflow_gitops.results.files import Draft, Files, Known
from qflow_gitops.results.report import Report
from qflow_gitops.specs.catalogs import Workflow
from tests.fakes import qualys as fakes
from tests.fakes.world import WORKFLOW, World, project_file, raised

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(root=tmp_path)
    made.specs("a")
    made.on_disk()
    return made


def changes(report: Report) -> dict[str, str]:
    assert isinstance(report.body, Files)
    return {change.file.rpartition("/")[2]: change.what for change in report.body.changes}


def test_the_workflows_of_the_specs_are_written(world: World) -> None:
    report = world.pull_workflows()
    assert changes(report) == {f"{WORKFLOW}.json": "written"}
    assert isinstance(report.body, Files)
    assert report.body.next[-1] == "git add workflows && git commit"
    world.from_disk(f"workflows/{WORKFLOW}.json")
    assert workflows.read(world.git, ROOT)[WORKFLOW].revision == f"revision of {WORKFLOW}"
    report = world.pull_workflows()
    assert changes(report) == {f"{WORKFLOW}.json": "kept"}
    assert isinstance(report.body, Files)
    assert report.body.next == ()
    world.qualys.revisions[WORKFLOW] = "a newer one"
    assert changes(world.pull_workflows()) == {f"{WORKFLOW}.json": "changed"}


def test_those_that_are_named_or_all_there_are(world: World) -> None:
    assert changes(world.pull_workflows(OTHER.upper())) == {f"{OTHER}.json": "written"}
    world.qualys.begin(OTHER, {})
    world.qualys.begin(WORKFLOW, {})
    assert set(changes(world.pull_workflows(everything=True))) == {
        f"{OTHER}.json", f"{WORKFLOW}.json",
    }  # fmt: skip


def test_a_workflow_that_is_not_known_is_told(world: World) -> None:
    world.pull_workflows()
    world.qualys.unknown |= {WORKFLOW, OTHER}
    report = world.pull_workflows(WORKFLOW, OTHER)
    assert (report.exit_code, report.reason) == (ExitCode.INVALID, "workflow_unknown")
    assert isinstance(report.body, Files)
    assert ["its file stays" in change.detail for change in report.body.changes] == [True, False]


def test_an_id_is_a_uuid(world: World) -> None:
    assert raised(UsageProblem, lambda: world.pull_workflows("../x")).reason == "workflow_id"
    assert world.connected == []


def test_credentials_that_are_refused_end_it(world: World) -> None:
    world.qualys.problem = fakes.token_refused()
    raised(AuthError, world.pull_workflows)


def test_a_file_that_can_not_be_written_ends_it(world: World) -> None:
    (world.git.root / "workflows").write_text("no folder")
    assert raised(InvalidInput, world.pull_workflows).reason == "file_unwritable"


def test_of_several_environments_the_default_one_is_meant(tmp_path: Path) -> None:
    world = World(project_file("  dev: {platform: EU1}"), root=tmp_path)
    world.specs("a")
    world.pull_workflows()
    world.pull_workflows(environment="dev")
    assert world.connected == ["sandbox", "EU1"]
    settings = project_file("  dev: {platform: EU1}").replace("  defaultEnvironment: prod\n", "")
    world.git.write("qflow.yaml", settings)
    world.git.remove("runs/a.yaml")
    world.commit()
    assert raised(UsageProblem, world.pull_workflows).reason == "environment_needed"


# --- the catalog ---------------------------------------------------------------------

KNOWN = {
    OTHER: Workflow(OTHER, "zebra", "r", {"own": "string", "odd\nname": "list", "region": "list"}),
    WORKFLOW: Workflow(WORKFLOW, "", "r", None),
}


def test_workflows_are_listed_by_name() -> None:
    body = workflows.listed(KNOWN).body
    assert isinstance(body, Known)
    assert {workflow.id for workflow in body.workflows} == {OTHER, WORKFLOW}


def test_one_workflow_is_shown_in_detail() -> None:
    body = workflows.shown(KNOWN, OTHER.upper()).body
    assert isinstance(body, Known)
    assert body.detailed
    for unknown in ("x", "22222222-2222-4333-8444-555555555555"):
        problem = raised(UsageProblem, lambda unknown=unknown: workflows.shown(KNOWN, unknown))  # type: ignore[misc]  # mypy infers no lambda's default
        assert problem.reason == "workflow_unknown"


def test_a_draft_is_a_spec_to_fill_in() -> None:
    body = workflows.draft(KNOWN, OTHER).body
    assert isinstance(body, Draft)
    assert "  name: zebra " in body.content
    assert "    # own:   # string" in body.content
    assert "odd\nname" not in body.content
    assert "some with unusual names" in body.content
    body = workflows.draft(KNOWN, WORKFLOW).body
    assert isinstance(body, Draft)
    assert "  name: my-run " in body.content
    assert f"workflowId: {WORKFLOW}\n" in body.content


def test_a_file_with_errors_is_none_of_the_catalog() -> None:
    world = World()
    world.git.write("workflows/README.md", "words\n")
    world.git.write("workflows/odd.json", "{")
    world.commit()
    assert workflows.read(world.git, ROOT) == {}
