"""What an editor shows: the real yaml-language-server on what `init` and `examples/` hold."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.lsp import Editor, editor
from tests.helpers.node import requires_node
from tests.helpers.partners import rows
from tests.helpers.specs import SAMPLE

EXAMPLES = Path(__file__).parents[2] / "examples"
DEEP = "runs/a/b/c.yaml"
pytestmark = requires_node


@pytest.fixture
def opened(workspace: Workspace, cli: Cli) -> Iterator[tuple[Editor, Workspace]]:
    """A repository made by `init`, in an editor."""
    assert cli("init", "--platform", "EU2").code == 0
    workspace.write(DEEP, SAMPLE)
    with editor(workspace.path) as one:
        yield one, workspace


def labels(one: Editor, line: int, character: int) -> set[str]:
    found = one.at("textDocument/completion", DEEP, line, character)
    items = found["items"] if isinstance(found, dict) else found
    return {item["label"] for item in items}


def test_keys_and_values_are_completed_in_every_subfolder(opened: tuple[Editor, Workspace]) -> None:
    one, workspace = opened
    workspace.write(DEEP, SAMPLE + "  \n")
    assert one.open(DEEP) == []
    assert {"rerun", "sensitive", "notSecret"} <= labels(one, len(SAMPLE.splitlines()), 2)
    at = SAMPLE.splitlines().index("  connectorType: aws")
    assert {"azure", "gcp", "oci"} <= labels(one, at, len("  connectorType: "))


TARGETS = """\
  targets:
    - name: us
      variables:
        region: us-east-1
"""


def test_inside_of_targets_it_is_completed_too(opened: tuple[Editor, Workspace]) -> None:
    """A target's own keys, the system variables in it, and all keys of a new one."""
    one, workspace = opened
    text = f"{SAMPLE}{TARGETS}        \n      \n    - \n"
    workspace.write(DEEP, text)
    one.open(DEEP)
    at = len(text.splitlines())
    keys = {"connectorType", "input", "rerun", "labels", "annotations", "sensitive", "previousName"}
    system = {"connectorId", "resourceGroup", "project", "oci_region", "compartment"}
    assert labels(one, at - 3, 8) >= system
    assert not labels(one, at - 3, 8) & {"region", "input", "targets"}
    assert labels(one, at - 2, 6) >= keys
    assert not labels(one, at - 2, 6) & {"name", "variables", "workflowId", "targets"}
    assert labels(one, at - 1, 6) >= {"name", "variables", *keys}


def test_a_selection_is_completed_too(opened: tuple[Editor, Workspace]) -> None:
    one, workspace = opened
    text = f"{SAMPLE}  targets:\n    connectors:\n      cloud: aws\n      \n    "
    workspace.write(DEEP, f"{text}\n")
    one.open(DEEP)
    at = len(text.splitlines())
    assert labels(one, at - 2, 6) >= {"labels", "exclude"}
    assert labels(one, at - 1, 4) >= {"regions", "overrides"}
    assert labels(one, at - 3, 13) >= {"aws", "azure", "gcp", "oci"}


def test_a_target_explains_itself(opened: tuple[Editor, Workspace]) -> None:
    one, workspace = opened
    workspace.write(DEEP, SAMPLE + TARGETS)
    one.open(DEEP)
    at = len((SAMPLE + TARGETS).splitlines())
    shown = {
        row: str(one.at("textDocument/hover", DEEP, at - row, 9)["contents"]) for row in (1, 3)
    }
    assert "The target's own, in place of the spec's" in shown[1]
    assert "identity" in shown[3]


def test_a_key_explains_itself(opened: tuple[Editor, Workspace]) -> None:
    one, _ = opened
    one.open(DEEP)
    at = SAMPLE.splitlines().index("    region: us-east-1")
    shown = one.at("textDocument/hover", DEEP, at, 6)
    assert "The AWS region to work in" in str(shown["contents"])


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    rows(
        (
            ("    region: us-east-1", "    region: US-EAST-1", 9, "written like us-east-1"),
            ("  connectorType: aws", "  connectorType: azure", 9, "belongs to connectorType aws"),
            ("  input:", "  inputs:", 11, "`input`"),
            ("  workflowId:", "  workflow:", 4, "workflowId"),
            ("  input:", "  targets: [{name: A}]\n  input:", 11, "A target's name"),
            ("  input:", "  targets: [{name: a, connector: 1}]\n  input:", 11, "connector"),
        ),
        lambda row: row[2] == 11,
    ),
)
def test_a_slip_is_underlined(
    opened: tuple[Editor, Workspace], old: str, new: str, line: int, words: str
) -> None:
    one, workspace = opened
    workspace.write(DEEP, SAMPLE.replace(old, new))
    found = one.open(DEEP)
    assert found
    assert line in {each["range"]["start"]["line"] for each in found}
    assert any(words in each["message"] for each in found), found


def test_the_settings_are_checked_too(opened: tuple[Editor, Workspace]) -> None:
    one, workspace = opened
    workspace.write("qflow.yaml", workspace.read("qflow.yaml").replace("EU2", "eu2"))
    assert one.open("qflow.yaml") != []


def test_a_fleet_is_checked_too(opened: tuple[Editor, Workspace]) -> None:
    one, workspace = opened
    fleet = (EXAMPLES / "fleet/fleet.yaml").read_text("utf-8")
    workspace.write("fleet.yaml", fleet.replace("percent: 25", "percent: 25%"))
    (found,) = one.open("fleet.yaml")
    assert found["message"] == "Write a whole number from 1 to 100, without %."


def test_the_examples_have_nothing_underlined(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    assert cli("init", str(folder)).code == 0
    files = sorted(folder.rglob("*.yaml"))
    assert len(files) >= 8
    with editor(folder) as one:
        for path in files:
            found = one.open(str(path.relative_to(folder)))
            assert [each for each in found if "eprecated" not in each["message"]] == [], path
