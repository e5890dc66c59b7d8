"""The workflows of several projects keep apart, and each is for one repository."""

import re
from pathlib import Path

import pytest

from qflow_gitops.base.addresses import same_form
from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.commands.workflow_files import (
    REPOSITORY,
    WORKFLOWS,
    Workflows,
    repository_of,
    to_settle,
    workflow,
    workflow_files,
)

TOLD = Workflows("octo/qflow-gitops@" + "1" * 40, "team/runs")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://git.invalid/team/runs", "team/runs"),
        ("https://user:word@git.invalid:8443/team/runs.git/", "team/runs"),
        ("ssh://git@git.invalid:22/Team/my.runs.git", "Team/my.runs"),
        ("git@git.invalid:team/runs.git", "team/runs"),
        ("git.invalid:/team/runs", "team/runs"),
        ("https://git.invalid/group/team/runs", ""),
        ("https://git.invalid/runs", ""),
        ("https://git.invalid", ""),
        ("file:///srv/git/runs.git", ""),
        ("file://srv/git/runs.git", ""),
        ("/srv/runs.git", ""),
        ("../a:b/c", ""),
        ("team/runs", ""),
        ("ext::sh -c x/y", ""),
        ("git@git.invalid:team/it's.git", ""),
        ("", ""),
    ],
)
def test_owner_and_name_are_those_of_an_address(address: str, name: str) -> None:
    assert repository_of(same_form(address, "/nowhere")) == name


def put(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return [Path(name).name for name in files]


def begun(root: Path, folder: str) -> list[str]:
    """Write a project's workflows; their names."""
    return put(root, workflow_files(root, ProjectFolder(folder), TOLD))


def test_each_project_has_files_of_its_own(tmp_path: Path) -> None:
    """Whatever the folders are called, and also when asked again."""
    folders = ["", "teams/pay", "teams-pay", "operations", "pay/operations", "pay", "ü", "Ü"]
    names = {folder: begun(tmp_path, folder) for folder in folders}
    assert names[""] == [*WORKFLOWS]
    assert names["teams/pay"] == ["qflow-teams-pay.yml", "qflow-teams-pay.operations.yml"]
    assert len({name for some in names.values() for name in some}) == 2 * len(folders)
    assert {folder: begun(tmp_path, folder) for folder in folders} == names


def test_a_file_that_can_not_be_read_is_another_projects(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows/qflow-a.operations.yml").mkdir(parents=True)
    assert re.fullmatch(r"qflow-a-[0-9a-f]{7}\.yml", begun(tmp_path, "a")[0])


def test_no_two_projects_share_a_name_or_a_group(tmp_path: Path) -> None:
    """By a job's name a check is required, and a group is the whole repository's."""
    shared = re.compile(r"^ *(?:name|group): (qflow.*)$", re.MULTILINE)
    seen: list[str] = []
    for folder in ("", "teams/pay", "teams-pay", "it's"):
        text = "".join(workflow_files(tmp_path, ProjectFolder(folder), TOLD).values())
        put(tmp_path, workflow_files(tmp_path, ProjectFolder(folder), TOLD))
        own = set(shared.findall(text))
        assert len(own) > 12
        assert not own & {*seen}
        seen += own
    assert "qflow check teams/pay" in seen
    assert "qflow check it-s" in seen
    assert "qflow-teams-pay-apply-production" in seen


def test_a_workflow_is_for_one_repository() -> None:
    for name in WORKFLOWS:
        assert workflow(name, TOLD).count("team/runs") == workflow(name).count(REPOSITORY) > 3
        assert REPOSITORY not in workflow(name, TOLD)


def test_what_is_left_to_a_person_is_what_the_files_say(tmp_path: Path) -> None:
    files, told = workflow_files(tmp_path, ROOT, Workflows()), workflow_files(tmp_path, ROOT, TOLD)
    action, place, settings = to_settle(tmp_path, files)
    assert ("@0000…" in action, REPOSITORY in place, "secrets" in settings) == (True,) * 3
    assert to_settle(tmp_path, told) == (settings,)
    half = workflow_files(tmp_path, ROOT, Workflows(TOLD.action))
    assert to_settle(tmp_path, half) == (place, settings)
    put(tmp_path, files)
    assert to_settle(tmp_path, told) == (action, place, settings)  # what is there is kept
    assert to_settle(tmp_path, {}) == ()


def test_a_project_of_the_root_is_the_shipped_file() -> None:
    assert "working-directory" not in workflow("qflow.yml", TOLD, ROOT).partition("permissions:")[2]
