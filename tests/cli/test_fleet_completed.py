"""What a shell is offered of a fleet; `test_completion.py` asks the shells themselves."""

from typing import Any

import pytest
from click.shell_completion import BashComplete

from qflow_gitops.cli.main import program
from tests.helpers.git import Workspace

FLEET = """\
apiVersion: qflow-gitops/v1
kind: Fleet
spec:
  members:
    - {name: acme, repository: /srv/acme.git, labels: {name: no}}
    - name: globex
      repository: /srv/globex.git
  waves: [{percent: 50}, {}]
"""
RELEASES = ["wave=1", "wave=2", "credentials=", "moved=1", "rewritten=1", "unmerged=1"]


def offered(workspace: Workspace, *words: str, begun: str = "", folder: str = "") -> list[str]:
    shell = BashComplete(program, {}, "qflow-gitops", "_QFLOW_GITOPS_COMPLETE")
    where = ["-C", str(workspace.path / folder), *words]
    return [one.value for one in shell.get_completions(where, begun)]


@pytest.fixture
def fleet(workspace: Workspace) -> Workspace:
    workspace.write("fleet.yaml", FLEET)
    workspace.write("deep/er/README.md", "")
    workspace.commit("the fleet")
    return workspace


@pytest.mark.parametrize("folder", ["", "deep/er"])
def test_members_are_offered_by_their_names(fleet: Workspace, folder: str) -> None:
    assert offered(fleet, "fleet", "work", folder=folder) == ["acme", "globex"]
    assert offered(fleet, "fleet", "work", "acme", begun="g", folder=folder) == ["globex"]


@pytest.mark.parametrize("name", ["apply", "matrix"])
def test_what_can_be_released_is_offered(fleet: Workspace, name: str) -> None:
    assert offered(fleet, "fleet", name, "--ack") == RELEASES
    assert offered(fleet, "fleet", name, "--ack", begun="w") == ["wave=1", "wave=2"]


@pytest.mark.parametrize(
    "text", ["", "[", "spec: 1", "spec: {members: 1, waves: 1}", "spec: {members: [1, {name: 2}]}"]
)
def test_of_a_broken_file_nothing_is_offered_and_nothing_said(
    workspace: Workspace, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.write("fleet.yaml", text)
    assert offered(workspace, "fleet", "work") == []
    assert offered(workspace, "fleet", "apply", "--ack", begun="w") == []
    assert capfd.readouterr() == ("", "")


def test_without_a_fleet_nothing_is_offered(workspace: Workspace, tmp_path: Any) -> None:
    assert offered(workspace, "fleet", "work") == []
    outside = tmp_path / "outside"
    outside.mkdir()
    assert offered(workspace, "fleet", "work", folder=str(outside)) == []
