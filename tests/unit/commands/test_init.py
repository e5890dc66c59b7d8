"""`init`: a repository is made ready to use, and no file of anybody's is written over."""

import json
from pathlib import Path

import pytest

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.commands.init import (
    PLACEHOLDER,
    Target,
    check_place,
    export_schemas,
    init,
    workflow,
)
from qflow_gitops.errors import InvalidInput, LockError
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import Checkpoint
from qflow_gitops.results.files import Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import LockSettings
from tests.fakes.lock_store import FakeLockStore, LockPlace
from tests.fakes.world import World, project_file, raised

LINEAGE = "0123456789abcdef"


def changes(report: Report) -> dict[str, str]:
    assert isinstance(report.body, Files)
    return {change.file: change.what for change in report.body.changes}


def steps(report: Report) -> tuple[str, ...]:
    assert isinstance(report.body, Files)
    return report.body.next


def begin(
    folder: Path,
    store: FakeLockStore | None = None,
    action: str | None = None,
    lineage: str = LINEAGE,
) -> Report:
    branch = None if store is None else lambda: store
    return init(Target(folder, folder), "EU1", lineage, branch, action)


def test_everything_is_written_once(tmp_path: Path) -> None:
    report = begin(tmp_path)
    assert set(changes(report).values()) == {"written"}
    assert "git init" in steps(report)
    settings = (tmp_path / "qflow.yaml").read_text()
    assert "platform: EU1" in settings
    assert f'lineage: "{LINEAGE}"' in settings
    lockfile = from_bytes((tmp_path / "qflow.lock").read_bytes(), "x")
    assert (lockfile.lineage, lockfile.serial) == (LINEAGE, 1)
    assert set(changes(begin(tmp_path)).values()) == {"kept"}


def test_a_lockfile_that_is_there_goes_on(tmp_path: Path) -> None:
    record = EnvironmentRecord(latest="1" * 40)
    (tmp_path / "qflow.lock").write_bytes(to_bytes(Lockfile("other", 3, {"default": record})))
    report = begin(tmp_path)
    assert "qflow.lock" not in changes(report)
    assert 'lineage: "other"' in (tmp_path / "qflow.yaml").read_text()


def test_a_lockfile_in_the_work_tree_is_not_left_for_a_branch(tmp_path: Path) -> None:
    (tmp_path / "qflow.lock").write_bytes(to_bytes(Lockfile("other", 3)))
    assert raised(InvalidInput, lambda: begin(tmp_path, FakeLockStore())).reason == "lock_there"
    assert not (tmp_path / "qflow.yaml").exists()


def test_a_lockfile_that_can_not_be_read_ends_it(tmp_path: Path) -> None:
    (tmp_path / "qflow.lock").mkdir()
    raised(InvalidInput, lambda: begin(tmp_path))
    assert not (tmp_path / "qflow.yaml").exists()


# --- on a branch ---------------------------------------------------------------------


def test_the_branch_is_begun_and_its_lineage_pinned(tmp_path: Path) -> None:
    store = FakeLockStore()
    report = begin(tmp_path, store)
    assert changes(report)[store.where] == "written"
    assert store.lockfile.lineage in (tmp_path / "qflow.yaml").read_text()
    assert not (tmp_path / "qflow.lock").exists()


def test_a_branch_that_is_there_is_kept(tmp_path: Path) -> None:
    store = FakeLockStore(lockfile=Lockfile("other"))
    assert changes(begin(tmp_path, store))[store.where] == "kept"
    assert len(store.place.versions) == 1


@pytest.mark.parametrize("how", ["unreachable", "lost race"])
def test_a_branch_that_can_not_be_begun_is_left_to_the_first_apply(
    tmp_path: Path, how: str
) -> None:
    store = FakeLockStore(LockPlace())
    if how == "unreachable":
        store.unreadable = LockError("The remote is silent.", reason="lock_unreachable")
    else:
        mark = Checkpoint("prod", "1" * 40)
        store.meanwhile.append(lambda lockfile: lockfile.marked(mark))
    report = begin(tmp_path, store)
    assert changes(report)["the lockfile's branch"] == "left"
    assert "lineage" not in (tmp_path / "qflow.yaml").read_text()


# --- beside it -----------------------------------------------------------------------


@pytest.mark.parametrize("action", ["", "octo/qflow-gitops@" + "1" * 40])
def test_the_workflows_of_github_are_written_if_asked_for(tmp_path: Path, action: str) -> None:
    report = begin(tmp_path, action=action)
    text = (tmp_path / ".github/workflows/qflow.yml").read_text()
    assert (action or PLACEHOLDER) in text
    assert any("set up environments" in step for step in steps(report))
    assert any("replace `" in step for step in steps(report)) is not bool(action)


def test_without_them_nothing_of_github_is_written(tmp_path: Path) -> None:
    begin(tmp_path)
    assert not (tmp_path / ".github").exists()


def test_a_project_in_a_folder_has_its_files_there_and_its_editor_above(tmp_path: Path) -> None:
    target = Target(
        tmp_path / "teams/x",
        tmp_path,
        ProjectFolder("teams/x"),
        in_repository=True,
        typed="teams/x",
    )
    target.folder.mkdir(parents=True)
    report = init(target, "EU1", LINEAGE, None)
    assert changes(report)["teams/x/qflow.yaml"] == "written"
    assert steps(report)[0] == "cd teams/x"
    assert "git init" not in steps(report)
    assert any("git add -A" in step for step in steps(report))
    settings = json.loads((tmp_path / ".vscode/settings.json").read_text())
    assert "teams/x/qflow.yaml" in next(reversed(settings["yaml.schemas"].values()))
    assert 'working-directory: "teams/x"' in workflow("qflow.yml", "", ProjectFolder("teams/x"))


def test_an_editors_settings_are_added_to(tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    file = tmp_path / ".vscode/settings.json"
    file.write_text('{"editor.tabSize": 3}')
    assert changes(begin(tmp_path))[".vscode/settings.json"] == "merged"
    assert json.loads(file.read_text())["editor.tabSize"] == 3
    assert changes(begin(tmp_path))[".vscode/settings.json"] == "kept"


@pytest.mark.parametrize("text", ["// words\n{}", "[]", '{"yaml.schemas": 1}'])
def test_an_editors_settings_that_are_no_plain_json_are_left(tmp_path: Path, text: str) -> None:
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/settings.json").write_text(text)
    assert changes(begin(tmp_path))[".vscode/settings.json"] == "left"
    assert (tmp_path / ".vscode/settings.json").read_text() == text


def test_lines_are_added_to_files_of_git(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc")
    assert changes(begin(tmp_path))[".gitignore"] == "merged"
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\nqflow.lock.rescue\n"


def test_a_file_that_can_not_be_written_ends_it(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    assert raised(InvalidInput, lambda: begin(tmp_path)).reason == "file_unwritable"


@pytest.mark.parametrize("editor", [True, False])
def test_schemas_are_written_over_older_ones(tmp_path: Path, editor: bool) -> None:
    first = changes(export_schemas(tmp_path, editor=editor))
    assert set(first.values()) == {"written"}
    (tmp_path / "plan.schema.json").write_text("{}")
    again = changes(export_schemas(tmp_path, editor=editor))
    assert [name for name, what in again.items() if what == "written"] == ["plan.schema.json"]


# --- where it may begin --------------------------------------------------------------


def test_a_project_does_not_begin_in_anothers_folder_of_specs() -> None:
    world = World()
    world.commit()
    problem = raised(
        InvalidInput, lambda: check_place(world.git, ProjectFolder("runs/x"), LockSettings())
    )
    assert problem.reason == "project_nested"
    assert problem.not_done == "Nothing was written."


def test_a_project_does_not_begin_on_anothers_branch() -> None:
    world = World(project_file("lock: {store: branch}"))
    world.commit()
    lock = LockSettings(store="branch")
    at = ProjectFolder("teams/x")
    problem = raised(InvalidInput, lambda: check_place(world.git, at, lock))
    assert "--store worktree" in problem.hint
    check_place(world.git, at, lock._replace(branch="another"))
