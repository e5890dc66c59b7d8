"""`new`: a spec to fill in, which says itself what is missing."""

import re

import pytest

from qflow_gitops.specs.connectors.registry import CONNECTORS
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.specs import CONNECTOR, WORKFLOW, with_targets

VALUES = {
    "workflowId": WORKFLOW, "connectorId": CONNECTOR, "region": "eu-central-1",
    "resourceGroup": "machines", "project": "gcp-qualys-demo", "oci_region": "eu-frankfurt-1",
    "compartment": "ocid1.compartment.oc1..aaaaaaaadrzbutdzkqdhjyyf7cf2ywlzv5pdqgakqwbtmszmzhw5",
}  # fmt: skip


def filled(text: str) -> str:
    """Write a value after each key that has none."""
    return re.sub(
        r"^( +)(\w+):   #", lambda found: f"{found[1]}{found[2]}: {VALUES[found[2]]}   #", text,
        flags=re.MULTILINE,
    )  # fmt: skip


@pytest.mark.parametrize("cloud", CONNECTORS)
def test_filled_in_it_is_valid(cloud: str, project: Workspace, cli: Cli) -> None:
    done = cli("new", cloud, "machines")
    assert done.code == 0
    project.write("runs/machines.yaml", done.out)
    raw = cli.json("validate", "runs/machines.yaml")
    empty = re.findall(r"^ +(\w+):   #", done.out, re.MULTILINE)
    lines = {finding["range"]["start"]["line"] for finding in raw["diagnostics"]}
    assert raw["exitCode"] == 3
    assert len(lines) >= len(empty)  # each value that is missing is said
    project.write("runs/machines.yaml", filled(done.out))
    sound = cli.json("validate", "--strict", "runs/machines.yaml")
    assert (sound["exitCode"], sound["diagnostics"]) == (0, [])
    project.commit()
    assert {change["name"] for change in cli.json("plan")["changes"]} >= {"machines"}
    project.write("runs/machines.yaml", with_targets(filled(done.out)))
    sound = cli.json("validate", "--strict", "runs/machines.yaml")
    assert (sound["exitCode"], sound["diagnostics"], sound["runs"]) == (0, [], 2)


def test_a_name_has_a_form(cli: Cli) -> None:
    for name in ("My run", "x" * 64, "a/b", ""):
        done = cli("new", "aws", name)
        assert (done.code, "is no name of a run" in done.err) == (2, True), name
    assert "name: my-run " in cli("new", "aws").out


def test_the_first_page_has_a_run_to_copy(workspace: Workspace, cli: Cli) -> None:
    """With its ids put in, and for several places with the comment made a part of it."""
    assert cli("init", "--platform", "sandbox").code == 0
    (copied,) = re.findall(r"```yaml\n(.*?)```", workspace.read("runs/README.md"), re.DOTALL)
    for name in ("workflowId", "connectorId"):
        copied = re.sub(rf"({name}: )\S+", rf"\g<1>{VALUES[name]}", copied)
    for text, runs in ((copied, 1), (with_targets(copied), 2)):
        workspace.write("runs/my-first-run.yaml", text)
        sound = cli.json("validate", "--strict")
        assert (sound["exitCode"], sound["diagnostics"], sound["runs"]) == (0, [], runs)
