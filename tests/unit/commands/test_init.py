"""`init`: a repository is made ready to use, and no file of anybody's is written over."""

import json
from pathlib import Path

import pytest

from qflow_gitops.base.paths import ROOT, ProjectFolder
from qflow_gitops.commands.beginning import (
    Beginning,
    Target,
    Wanted,
    check_name,
    check_place,
    free_branch,
    lock_settings,
    on_a_branch,
)
from qflow_gitops.commands.init import Asked, export_schemas, init
from qflow_gitops.commands.workflow_files import PLACEHOLDER, REPOSITORY, Workflows
from qflow_gitops.errors import InvalidInput, LockError, UsageProblem
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import MOVED, PENDING, LedgerEvent
from qflow_gitops.lockfile.places import Site
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.files import Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import LockSettings
from tests.fakes.lock_store import FakeLockStore, LockPlace
from tests.fakes.world import World, project_file, raised

AT, DIGEST = "2026-11-24T00:00:00Z", "v1:sha256:" + "0" * 64
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
    *,
    branch: str = "qflow-lock",
    named: bool = False,
) -> Report:
    """Begin a project, its lockfile in a store of a branch, or in a file."""
    lock = LockSettings("branch", branch) if store else LockSettings()
    asked = Asked("EU1", None if action is None else Workflows(action), begun=Beginning(named))
    opened = None if store is None else lambda: store
    return init(Target(folder, folder), asked, lock._replace(lineage=LINEAGE), opened)


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


@pytest.mark.parametrize(
    "wanted",
    [Wanted("branch"), Wanted(branch="x"), Wanted(ci=True), Wanted("branch", "x", ci=True)],
)
def test_a_lockfile_in_the_work_tree_is_not_left_for_a_branch(
    wanted: Wanted, tmp_path: Path
) -> None:
    """The way on is to take it as it is, and to move it."""
    (tmp_path / "qflow.lock").write_bytes(to_bytes(Lockfile("other", 3)))
    target = Target(tmp_path, tmp_path, init="INIT", program="PROGRAM")
    problem = raised(InvalidInput, lambda: lock_settings(target, wanted, World().git, ("origin",)))
    assert problem.reason == "lock_there"
    assert "`INIT --store worktree`" in problem.hint
    assert "`PROGRAM lock move --to branch`" in problem.hint
    assert lock_settings(target, Wanted(), None, ("origin",)).store == "worktree"
    assert lock_settings(target, Wanted("worktree"), None, ("origin",)).store == "worktree"


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
    assert any(f"replace `{REPOSITORY}`" in step for step in steps(report))
    assert any("qflow-gitops@0" in step for step in steps(report)) is not bool(action)


def test_who_owns_what_decides_about_accounts_is_there_to_fill_in(tmp_path: Path) -> None:
    report = begin(tmp_path, action="")
    assert changes(report)[".github/CODEOWNERS"] == "written"
    lines = (tmp_path / ".github/CODEOWNERS").read_text().splitlines()
    assert all(line.startswith("# ") for line in lines)
    assert [line.split()[1] for line in lines if "/  @" in line or "yaml  @" in line] == [
        "/.github/",
        "/qflow.yaml",
        "/connectors/",
    ]


@pytest.mark.parametrize(
    ("owned", "lacks"), [("* @octo/all\n", "it has no `/connectors/`"), ("/connectors/ @o/a\n", "")]
)
def test_owners_that_are_there_stay(tmp_path: Path, owned: str, lacks: str) -> None:
    (tmp_path / "CODEOWNERS").write_text(owned)
    report = begin(tmp_path, action="")
    assert isinstance(report.body, Files)
    (found,) = [each for each in report.body.changes if "CODEOWNERS" in each.file]
    assert (found.file, found.what, found.detail) == ("CODEOWNERS", "kept", lacks)
    assert (tmp_path / "CODEOWNERS").read_text() == owned


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
    report = init(target, Asked("EU1"), LockSettings(lineage=LINEAGE), None)
    assert changes(report)["teams/x/qflow.yaml"] == "written"
    assert steps(report)[0] == "cd teams/x"
    assert "git init" not in steps(report)
    assert any("git add -A" in step for step in steps(report))
    settings = json.loads((tmp_path / ".vscode/settings.json").read_text())
    assert ["teams/x/qflow.yaml"] in settings["yaml.schemas"].values()


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
        InvalidInput, lambda: check_place(world.git, ProjectFolder("runs/x"), LockSettings(), "x")
    )
    assert problem.reason == "project_nested"
    assert problem.not_done == "Nothing was written."


def test_a_project_does_not_begin_on_anothers_branch() -> None:
    world = World(project_file("lock: {store: branch}"))
    world.commit()
    lock = LockSettings(store="branch")
    at = ProjectFolder("teams/x")
    problem = raised(InvalidInput, lambda: check_place(world.git, at, lock, "INIT"))
    assert "`INIT --branch qflow-lock-teams-x`" in problem.hint
    check_place(world.git, at, lock._replace(branch="another"), "INIT")


# --- where its lockfile is to live -----------------------------------------------------


NEW = Target(Path("/nowhere"), Path("/nowhere"))


@pytest.mark.parametrize(
    ("wanted", "remotes", "lock"),
    [
        (Wanted(), (), LockSettings()),
        (Wanted(), ("origin",), LockSettings("branch")),
        (Wanted(), ("up", "origin"), LockSettings("branch")),
        (Wanted(), ("up", "down"), LockSettings("branch", remote="up")),
        (Wanted("worktree"), ("origin",), LockSettings()),
        (Wanted(branch="x"), ("origin",), LockSettings("branch", "x")),
        (Wanted(ci=True), ("origin",), LockSettings("branch")),
        (Wanted(ci=True), (), LockSettings("branch")),
        (Wanted("branch", ci=True), (), LockSettings("branch")),
        (Wanted(branch="x", ci=True), (), LockSettings("branch", "x")),
    ],
)
def test_where_a_lockfile_goes(
    wanted: Wanted, remotes: tuple[str, ...], lock: LockSettings
) -> None:
    assert lock_settings(NEW, wanted, None, remotes) == lock


@pytest.mark.parametrize("wanted", [Wanted("branch"), Wanted(branch="x")])
def test_a_branch_needs_a_remote(wanted: Wanted) -> None:
    problem = raised(UsageProblem, lambda: lock_settings(NEW, wanted, None, ()))
    assert problem.reason == "lock_remote"


@pytest.mark.parametrize(
    ("folder", "branch"),
    [
        ("", "qflow-lock"),
        ("teams/pay", "qflow-lock-teams-pay"),
        ("Team A_b", "qflow-lock-team-a-b"),
        ("équipe", "qflow-lock-quipe"),
        ("été/x.lock", "qflow-lock-t-x-lock"),
    ],
)
def test_a_branch_is_named_after_the_folder(folder: str, branch: str) -> None:
    at = ProjectFolder(folder)
    assert free_branch(at, None) == branch
    assert check_name("branch", branch) == ""


@pytest.mark.parametrize("folder", ["ü", "x" * 300, "-"])
def test_a_branch_of_a_folder_without_letters_or_with_many(folder: str) -> None:
    name = free_branch(ProjectFolder(folder), None)
    assert check_name("branch", name) == ""
    assert name.startswith("qflow-lock-")
    assert len(name) < 80


def test_a_branch_of_another_project_is_not_taken() -> None:
    """Neither of a commit nor of the work tree, be it added or not."""
    lock = "lock: {store: branch, branch: qflow-lock-a-b}"
    world = World(project_file("lock: {store: branch}"))
    world.git.write("a-b/qflow.yaml", project_file(lock))
    world.commit()
    at = ProjectFolder("a/b")
    assert free_branch(at, world.git).startswith("qflow-lock-a-b-")
    assert free_branch(ProjectFolder("a-b"), world.git) == "qflow-lock-a-b"
    assert free_branch(ProjectFolder("c"), world.git) == "qflow-lock-c"


def test_a_lockfile_that_is_a_file_moves_to_where_init_would_begin_it() -> None:
    world, pay = World(), ProjectFolder("teams/pay")
    found = on_a_branch(LockSettings(), pay, world.git, ("company", "other"))
    assert found == LockSettings("branch", "qflow-lock-teams-pay", "company")
    assert on_a_branch(LockSettings(), ROOT, world.git, ("a", "origin")) == LockSettings("branch")
    named = LockSettings("worktree", "mine", "upstream")
    assert on_a_branch(named, pay, world.git, ("a",)) == named._replace(store="branch")
    there = LockSettings("branch")
    assert on_a_branch(there, pay, world.git, ("a",)) is there


@pytest.mark.parametrize("name", ["a b", "a..b", "/a", "a.lock", "HEAD", "refs/heads/a", "a" * 201])
def test_what_is_no_name_of_a_branch_is_said(name: str) -> None:
    assert "letters, digits" in check_name("branch", name)


def test_settings_name_branch_and_remote(tmp_path: Path) -> None:
    target = Target(tmp_path, tmp_path)
    lock = LockSettings("branch", "mine", "upstream", LINEAGE)
    report = init(target, Asked("EU1", Workflows(), remote=False), lock, None)
    settings = (tmp_path / "qflow.yaml").read_text()
    assert "store: branch\n    branch: mine\n    remote: upstream\n" in settings
    assert "lineage" not in settings
    assert not (tmp_path / "qflow.lock").exists()
    told = steps(report)
    assert told[:2] == ("git init", "git remote add upstream ADDRESS")
    assert told.index("git push --set-upstream upstream HEAD") > 3


def test_a_lockfile_that_is_a_file_is_moved_for_a_ci(tmp_path: Path) -> None:
    begin(tmp_path)
    target = Target(tmp_path, tmp_path, in_repository=True)
    lock = lock_settings(target, Wanted(ci=True), None, ())
    assert lock.store == "worktree"
    told = steps(init(target, Asked("EU1", Workflows(), remote=False), lock, None))
    assert told[:2] == ("git remote add origin ADDRESS", "qflow-gitops lock move --to branch")
    assert "worktree" in (tmp_path / "qflow.yaml").read_text()


def of_folder(folder: str, *, said: bool) -> FakeLockStore:
    """A lockfile of a project in a folder: it says so, or has a run of it."""
    if said:
        record = EnvironmentRecord(folder=folder or ".")
        return FakeLockStore(lockfile=Lockfile("other", 1, {"prod": record}))
    facts = {"file": ProjectFolder(folder).path("runs/a.yaml")}
    attempt = Attempt(1, State.INTENT, DIGEST, (Event(AT, State.INTENT),), facts=facts)
    record = EnvironmentRecord(runs={"a": (attempt,)})
    return FakeLockStore(lockfile=Lockfile("other", 1, {"prod": record}))


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_the_lockfile_of_another_folder_is_taken_only_by_its_branchs_name(
    named: bool, said: bool, tmp_path: Path
) -> None:
    target = Target(tmp_path, tmp_path, ProjectFolder("teams/x"), in_repository=True, init="INIT")
    lock, store = LockSettings("branch", "qflow-lock-teams-x"), of_folder("teams/old", said=said)

    def begins() -> Report:
        return init(target, Asked("EU1", begun=Beginning(named)), lock, lambda: store)

    if named:
        assert changes(begins())[store.where] == "kept"
        return
    problem = raised(InvalidInput, begins)
    assert problem.reason == "lock_taken"
    assert "`INIT --branch qflow-lock-teams-x`" in problem.hint
    assert not (tmp_path / "qflow.yaml").exists()
    store = of_folder("teams/x", said=said)
    assert changes(begins())[store.where] == "kept"


def test_the_lockfile_of_the_root_is_not_that_of_a_folder(tmp_path: Path) -> None:
    target = Target(tmp_path, tmp_path, ProjectFolder("x"), in_repository=True)
    lock, store = LockSettings("branch", "qflow-lock-x"), of_folder("", said=True)
    problem = raised(InvalidInput, lambda: init(target, Asked("EU1"), lock, lambda: store))
    assert "but of the root." in problem.message
    root = Target(tmp_path, tmp_path, in_repository=True)
    assert changes(init(root, Asked("EU1"), lock, lambda: store))[store.where] == "kept"


@pytest.mark.parametrize("event", [PENDING, MOVED])
@pytest.mark.parametrize("on_branch", [True, False])
def test_a_lockfile_that_is_elsewhere_is_not_gone_on_with(
    event: str, on_branch: bool, tmp_path: Path
) -> None:
    """Settings that name it would lead nowhere; what it says does."""
    to = Site("branch", "qflow-lock", "origin").to_json()
    moved = LedgerEvent(AT, event, {"to": to, "from": to, "nonce": "1"})
    lockfile = Lockfile("other", 1, places=(moved,))
    if not on_branch:
        (tmp_path / "qflow.lock").write_bytes(to_bytes(lockfile))
    store = FakeLockStore(lockfile=lockfile) if on_branch else None
    problem = raised(LockError, lambda: begin(tmp_path, store, named=True))
    assert problem.reason == {PENDING: "lock_pending", MOVED: "lock_closed"}[event]
    assert not (tmp_path / "qflow.yaml").exists()


def test_settings_that_can_not_be_read_are_left(tmp_path: Path) -> None:
    (tmp_path / "qflow.yaml").write_text("[")
    assert lock_settings(Target(tmp_path, tmp_path), Wanted(ci=True), None, ()).store == "branch"
