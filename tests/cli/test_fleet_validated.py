"""A fleet's file in `validate`: in each format, by the hook, and by the action."""

import json

import pytest

from tests.cli.test_hooks import entry
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace

FLEET = """\
apiVersion: qflow-gitops/v1
kind: Fleet
spec:
  members:
    - {name: acme, repository: "https://git.example.com/acme.git"}
    - {name: globex, repository: "https://git.example.com/globex.git"}
"""
TWICE = FLEET.replace("globex,", "acme,")
PLACE = {
    "text": "fleet.yaml:6:14: error [fleet-member-twice]",
    "json": '"file": "fleet.yaml", "range": { "start": { "line": 6, "column": 14 }',
    "markdown": "fleet.yaml:6:14",
    "sarif": '"uri": "fleet.yaml"',
    "junit": 'name="fleet.yaml:6:14 fleet-member-twice"',
    "github": "::error file=fleet.yaml,line=6,",
}


@pytest.fixture
def fleet(workspace: Workspace) -> Workspace:
    """The repository of a fleet, in which there is nothing else."""
    workspace.write(
        "fleet.yaml",
        FLEET.replace(
            'acme, repository: "https://git.example.com/b',
            'b, repository: "https://git.example.com/b',
        ),
    )
    workspace.commit("the fleet")
    return workspace


@pytest.mark.parametrize("form", PLACE)
def test_each_format_has_the_place_of_what_is_wrong(fleet: Workspace, cli: Cli, form: str) -> None:
    fleet.write("fleet.yaml", TWICE)
    done = cli("validate", "--format", form)
    assert done.code == 3, done
    assert PLACE[form] in " ".join(done.out.split())


def test_a_sound_one_is_counted(fleet: Workspace, cli: Cli) -> None:
    done = cli("validate")
    assert (done.code, done.out) == (0, "No problem found: a fleet of 2 valid members\n")
    told = cli.json("validate", "--strict")
    assert (told["files"], told["runs"], told["members"]) == (0, 0, 2)
    assert (
        'name="0 files, 0 runs, 2 members of a fleet"' in cli("validate", "--format", "junit").out
    )
    assert cli("-C", str(fleet.path), "validate", "fleet.yaml").code == 0


def test_beside_specs_both_are_counted(project: Workspace, cli: Cli) -> None:
    before = cli.json("validate")
    assert "members" not in before
    project.write("fleet.yaml", FLEET)
    assert cli("validate").out == (
        f"No problem found: a fleet of 2 valid members, {before['runs']} valid run in "
        f"{before['files']} file\n"
    )


def test_a_staged_one_is_looked_at_by_the_hook(fleet: Workspace, cli: Cli) -> None:
    assert cli(*entry("qflow-gitops-validate"), "fleet.yaml").code == 0
    fleet.write("fleet.yaml", TWICE)
    fleet.write("docs/other.yaml", "a: 1\n")
    done = cli(*entry("qflow-gitops-validate"), "docs/other.yaml", "fleet.yaml")
    assert done.code == 3
    assert PLACE["text"] in done.out


def test_the_action_annotates_it(
    fleet: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.write("fleet.yaml", TWICE)
    monkeypatch.setenv("INPUT_COMMAND", "validate")
    monkeypatch.setenv("INPUT_FORMAT", "github")
    monkeypatch.setenv("INPUT_WORKING-DIRECTORY", str(fleet.path))
    done = cli("action")
    assert done.code == 3
    assert PLACE["github"] in done.out


def test_what_is_another_programs_is_passed_over(project: Workspace, cli: Cli) -> None:
    before = cli("validate")
    project.write("fleet.yaml", "defaultNamespace: shop\nhelm: {chart: ./chart}\n")
    assert cli("validate") == before


def test_a_second_one_is_told_before_it_is_merged(fleet: Workspace, cli: Cli) -> None:
    fleet.write("eu/fleet.yaml", FLEET)
    fleet.git("add", "--all")
    done = cli("validate", "--format", "json")
    assert (done.code, json.loads(done.out)["reason"]) == (3, "fleet_shared")
