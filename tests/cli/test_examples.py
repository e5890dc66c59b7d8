"""Every file in `examples/` is validated and planned."""

import re
import shutil
from pathlib import Path

import pytest

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def examples(workspace: Workspace) -> Workspace:
    shutil.copytree(EXAMPLES, workspace.path, dirs_exist_ok=True)
    workspace.commit("the examples")
    return workspace


def test_the_examples_are_valid(examples: Workspace, cli: Cli) -> None:
    """Beside the warning that the legacy spec is there to show, only their ids are none to keep."""
    done = cli.json("validate")
    assert (done["exitCode"], done["runs"]) == (0, 15)
    found = [(one["rule"], one["file"]) for one in done["diagnostics"]]
    assert [one for one in found if one[0] != "id-of-an-example"] == [
        ("legacy-variable", "runs/legacy/snapshots.yaml")
    ]


def test_whoever_keeps_an_examples_id_is_warned(examples: Workspace, cli: Cli) -> None:
    """Each id that they hold, so that none of them is ever sent unseen."""
    found = {
        (one["file"], one["range"]["start"]["line"])
        for one in cli.json("validate")["diagnostics"]
        if one["rule"] == "id-of-an-example"
    }
    held = {
        (path.relative_to(examples.path).as_posix(), number)
        for path in (examples.path / "runs").rglob("*.yaml")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search("[0-9a-f]{8}-|ocid1|project:|connectors?: ", line)
    }
    assert found == held


def test_every_example_is_planned(examples: Workspace, cli: Cli) -> None:
    done = cli.json("plan")
    specs = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("runs/**/*.yaml")}
    assert {one["file"] for one in done["changes"]} == specs
    assert {one["action"] for one in done["changes"]} == {"run", "wait"}
    assert {kind for one in done["changes"] for kind in one["connectorTypes"]} == {
        "aws", "azure", "gcp", "oci",
    }  # fmt: skip


def test_a_sensitive_value_is_shown_nowhere(examples: Workspace, cli: Cli) -> None:
    for form in ("text", "json", "markdown"):
        assert "payroll" not in cli("plan", "--format", form).out


@pytest.mark.parametrize(
    "pointers", ["/variables", "/variables/region, /variables/connectorId"], ids=["all", "each"]
)
def test_a_sensitive_place_and_connector_are_shown_nowhere(
    examples: Workspace, cli: Cli, pointers: str
) -> None:
    """Nor what the catalog or the settings call that connector."""
    lines = f"  input: {{reason: audit}}\n  sensitive: [{pointers}]\n"
    file = "runs/targets/selected.yaml"
    text = examples.read(file).replace("connector: aws-shop\n  variables: {region: us-east-1}",
        "connector: aws-shop\n  variables: {region: sa-east-1}")  # fmt: skip
    examples.write(file, text.replace("  input: {reason: audit}\n", lines))
    examples.commit("sensitive")
    run = "report-buckets-of-the-shop"
    said = [cli("plan", run, "--format", form).out for form in ("text", "json", "markdown")]
    said += [cli("status", run).out, cli("status", run, "--format", "json").out]
    for one in said:
        assert run in one
        assert not {"sa-east-1", "b4d9e1c7", "210987654321"} & {*re.findall(r"[\w-]+", one)}
        assert "b4d9e1c7" not in one


def test_migrating_the_examples_leaves_the_plan_as_it_is(examples: Workspace, cli: Cli) -> None:
    before = cli.json("plan")["digest"]
    done = cli("migrate")
    assert (done.code, "credentials → connectorId" in done.out) == (0, True)
    examples.commit("migrated")
    assert cli.json("plan")["digest"] == before
    assert examples.git("diff", "--stat", "HEAD~1").endswith("1 insertion(+), 1 deletion(-)")
