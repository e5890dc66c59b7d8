"""A project in a folder below the repository's root is the same project, wherever it is moved.

`.ci/run` makes all of it in the work tree and some on a branch, `.ci/nightly` the rest there.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.commands.workflow_files import REPOSITORY
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import BRANCH_PROJECT, Remote, record_of
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.partners import IN_BOTH_STORES, STORES, rows
from tests.helpers.runner import HERE, Runner, parsed, workflow
from tests.helpers.specs import CONNECTOR, SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.typed import commands, typed

LEGACY = f"  connectorType: aws\n  variables: {{credentials: {CONNECTOR}}}\n"


class Project:
    """A project in a folder of a repository, in one of the stores."""

    def __init__(
        self,
        store: str,
        workspace: Workspace,
        capfd: pytest.CaptureFixture[str],
        sandbox: SandboxServer,
    ) -> None:
        self.store, self.workspace, self.sandbox, self._capfd = store, workspace, sandbox, capfd
        self.folder = "team/infra"
        self.settings = BRANCH_PROJECT if store == "branch" else SANDBOX_PROJECT

    def __call__(self, *arguments: str, inside: str = "") -> Done:
        return Cli(self.workspace.path / self.folder / inside, self._capfd)(*arguments)

    def json(self, *arguments: str) -> Any:
        return self(*arguments, "--format", "json").data

    def write(self, name: str, text: str) -> None:
        self.workspace.write(self.path(name), text)

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def commit(self, message: str = "change") -> str:
        commit = self.workspace.commit(message)
        if self.store == "branch":
            self.workspace.git("push", "--quiet", "origin", "HEAD:main")
        return commit

    def move(self, folder: str) -> None:
        """Move everything of the project, as git moves it; the lockfile is a file like others."""
        git = self.workspace.git
        if self.store == "worktree":
            git("add", *(one for one in [self.path("qflow.lock")] if self.has(one)))
            git("commit", "--quiet", "--allow-empty", "-m", "the lockfile")
        (self.workspace.path / folder).mkdir(parents=True, exist_ok=True)
        for name in ("qflow.yaml", "runs", "workflows", "qflow.lock"):
            old = self.workspace.path / self.folder / name
            if old.exists():
                git("mv", str(old), str(self.workspace.path / folder / name))
        git("commit", "--quiet", "-m", "moved")
        if self.store == "branch":
            git("push", "--quiet", "origin", "HEAD:main")
        self.folder = folder

    def has(self, path: str) -> bool:
        return (self.workspace.path / path).exists()

    @property
    def posts(self) -> int:
        return len(self.sandbox.requests("POST", "/run"))

    def record(self) -> Any:
        if self.store == "worktree":
            return json.loads(self.workspace.read(self.path("qflow.lock")))
        self.workspace.git("fetch", "--quiet", "origin", "+qflow-lock:refs/seen")
        return record_of(self.workspace.path, "refs/seen")


@pytest.fixture(params=STORES)
def project(
    request: pytest.FixtureRequest,
    workspace: Workspace,
    capfd: pytest.CaptureFixture[str],
    sandbox: SandboxServer,
    tmp_path: Path,
) -> Project:
    made = Project(request.param, workspace, capfd, sandbox)
    workspace.write("README.md", "A repository of many things.\n")
    workspace.write("src/runs/none.yaml", "this: isn't ours\n")
    if made.store == "branch":
        remote = Remote(tmp_path / "remote.git")
        workspace.git("remote", "add", "origin", remote.path.as_uri())
    made.write("qflow.yaml", made.settings)
    made.write("runs/README.md", "Specs.\n")
    made.write("runs/aws/a.yaml", spec("a"))
    made.commit("a project in a folder")
    return made


@pytest.mark.parametrize("project", IN_BOTH_STORES, indirect=True)
def test_everything_is_found_and_shown_from_the_root(project: Project) -> None:
    """From the folder, from below it, and by -C: the same project, the same paths."""
    project.write("runs/bad.yaml", spec("B"))
    done = project("validate")
    assert (done.code, "team/infra/runs/bad.yaml:4:9: error" in done.out) == (3, True)
    project.write("runs/bad.yaml", spec("b"))
    project.commit()
    for inside in ("", "runs", "runs/aws"):
        assert project("validate", inside=inside).code == 0
        data = project("plan", "--format", "json", inside=inside).data
        files = {one["file"] for one in data["changes"]}
        assert files == {"team/infra/runs/aws/a.yaml", "team/infra/runs/bad.yaml"}
    assert project("apply", "--yes", inside="runs").code == 0
    assert project.posts == 2
    (attempt,) = project.record()["environments"]["prod"]["runs"]["a"]["attempts"]
    assert attempt["file"] == "team/infra/runs/aws/a.yaml"
    for command in (("apply", "--yes"), ("plan",), ("status",), ("history",), ("lock", "verify")):
        assert project(*command).code == 0, command
    assert project.posts == 2
    where = "team/infra/qflow.lock" if project.store == "worktree" else "qflow.lock on branch"
    assert where in project("status").out + project("plan").out
    assert not (project.workspace.path / "qflow.lock").exists()


@pytest.mark.parametrize("folder", ["-x", "a b", "[a]*", ":!x"])
def test_a_folder_may_be_called_anything(folder: str, project: Project) -> None:
    """As options or patterns of git are, too."""
    project.move(folder)
    data = project("plan", "--format", "json", inside="runs").data
    assert [one["file"] for one in data["changes"]] == [f"{folder}/runs/aws/a.yaml"]
    assert project("apply", "--yes").code == project("apply", "--yes").code == 0
    assert project.posts == 1


def test_a_changed_spec_is_planned_by_its_diff_alone(project: Project) -> None:
    assert project("apply", "--yes").code == 0
    project.write("runs/aws/a.yaml", spec("a", 2))
    project.commit()
    data = project.json("plan")
    assert [one["reason"] for one in data["changes"]] == ["modified"]
    assert data["full"] is False
    assert data["changes"] == project.json("plan", "--full")["changes"]


def test_what_writes_files_writes_them_there(project: Project, sandbox: SandboxServer) -> None:
    project.write("runs/aws/old.yaml", spec("old", extra=LEGACY))
    assert project("migrate").code == 0
    assert "connectorId" in project.workspace.read("team/infra/runs/aws/old.yaml")
    project.commit()
    done = project("rerun", "a", "--reason", "again")
    for line in done.out.split("Next:")[1].splitlines():
        typed(project.workspace.path / project.folder, line.strip() or "true")
    assert "rerun: 1" in project.workspace.read("team/infra/runs/aws/a.yaml")
    done = project("workflows", "pull")
    assert (done.code, f"team/infra/workflows/{WORKFLOW}.json" in done.out) == (0, True), done
    assert WORKFLOW in project("workflows", "list").out
    assert project("validate", "workflows", "qflow.yaml", "runs/aws").code == 0


def test_what_cannot_be_written_is_saved_and_brought_in_there(project: Project) -> None:
    if project.store == "branch":
        pytest.skip("tests of the branch's rescue are in test_branch_store")
    rescue = project.workspace.path / "team/infra/qflow.lock.rescue"
    rescue.write_text("{}")
    assert "team/infra/qflow.lock.rescue holds answers" in project("apply", "--yes").err
    assert project("lock", "push").code in (2, 11)  # and it is that file which is read
    assert "team/infra/qflow.lock.rescue" in project("lock", "push").err


def test_from_the_root_it_is_said_where_the_project_is(project: Project) -> None:
    project.folder, inside = "", project.folder
    for command in (("plan",), ("validate",)):
        done = project(*command)
        assert (done.code, f"`qflow-gitops -C {inside} plan`" in done.out) == (3, True), done
    looked = project("status")
    assert f"`qflow-gitops -C {inside} plan`" in looked.err, looked
    done = project("validate", f"{inside}/runs/aws/a.yaml")
    (named,) = commands(done.out)
    typed(project.workspace.path, named)


def test_baseline_writes_the_lineage_there(project: Project) -> None:
    assert project("baseline", "--yes", "--reason", "ran before").code == 0
    assert "lineage" in project.workspace.read("team/infra/qflow.yaml")
    project.commit()
    assert project("apply", "--yes").code == 0
    assert project.posts == 0


# --- moved ---------------------------------------------------------------------------

MOVES = [
    ("team/infra", "platform/qflow"),
    ("", "team"),
    ("team", ""),
    ("team", "team/below"),
    ("a", "équipe ü/it's b"),
]


@pytest.mark.parametrize(("old", "new"), rows(MOVES, lambda move: "" in move))
def test_a_moved_project_runs_nothing(old: str, new: str, project: Project) -> None:
    """In the work tree's store, what this clone remembers is moved by the command that it names."""
    if old != project.folder:
        project.move(old)
    assert project("apply", "--yes").code == 0
    project.move(new)
    if project.store == "worktree":
        for command in (("plan",), ("apply", "--yes"), ("status",)):
            done = project(*command)
            assert (done.code, "may have been moved here" in done.err) == (11, True), done
        (move,) = commands(project("plan").err)
        typed(project.workspace.path, move)
    for words in (("plan", "--exit-code"), ("plan", "--full", "--exit-code"), ("apply", "--yes")):
        assert project(*words).code == 0, words
    assert project.posts == 1
    project.write("runs/aws/a.yaml", spec("a", 2))
    project.commit()
    assert project("apply", "--yes").code == 0
    assert project.posts == 2
    assert project("lock", "verify").code == 0


def test_a_fresh_clone_of_a_moved_project_runs_nothing(
    project: Project, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert project("apply", "--yes").code == 0
    project.move("elsewhere")
    if project.store == "branch":
        project.commit()
    url = project.workspace.path.as_uri()
    if project.store == "branch":
        url = project.workspace.git("remote", "get-url", "origin")
    Workspace(tmp_path).git("clone", "--quiet", url, "fresh")
    fresh = Cli(tmp_path / "fresh/elsewhere", capfd)
    assert fresh("apply", "--yes").code == 0
    assert project.posts == 1


def test_the_old_folder_says_where_it_went(project: Project) -> None:
    project.write("notes.txt", "stays")
    project.commit()
    assert project("apply", "--yes").code == 0
    old = project.folder
    project.move("elsewhere")
    project.folder = old
    for command in (("plan",), ("apply", "--yes"), ("validate",)):
        done = project(*command)
        assert done.code == 3
        assert "elsewhere plan`" in done.err, done
    assert project.posts == 1


def test_a_policy_is_not_left_behind_by_moving(project: Project) -> None:
    project.write("qflow.yaml", project.settings + "  policy: {limits: {runs: 1}}\n")
    project.commit()
    assert project("apply", "--yes").code == 0
    project.move("elsewhere")
    if project.store == "worktree":
        typed(project.workspace.path, commands(project("plan").err)[0])
    project.write("qflow.yaml", project.settings)
    project.write("runs/b.yaml", spec("b", 2))
    project.write("runs/c.yaml", spec("c", 3))
    project.commit("looser")
    done = project("apply", "--yes")
    assert done.code == 5
    assert project.posts == 1


def test_another_lockfile_is_not_taken_up_by_moving(project: Project) -> None:
    """A project that was moved and names another lockfile is no new project."""
    assert project("apply", "--yes").code == 0
    git, path = project.workspace.git, project.workspace.path
    (path / "elsewhere").mkdir()
    git("mv", f"{project.folder}/qflow.yaml", "elsewhere/qflow.yaml")
    git("mv", f"{project.folder}/runs", "elsewhere/runs")
    project.folder = "elsewhere"
    if project.store == "branch":
        other = "{store: branch, branch: other-lock}"
        project.write("qflow.yaml", project.settings.replace("{store: branch}", other))
    project.commit("moved, and another lockfile")
    for _ in range(2):
        assert project("apply", "--yes").code == 11
    assert project.posts == 1


def test_a_journal_is_not_left_behind_by_moving(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], sandbox: SandboxServer
) -> None:
    """A crash leaves what was sent in the git directory: it follows the project, or stops it."""
    project = Project("worktree", workspace, capfd, sandbox)
    project.write("qflow.yaml", project.settings)
    project.write("runs/a.yaml", spec("a"))
    project.write("runs/b.yaml", spec("b", 2))
    project.commit()
    memory = workspace.path / ".git/qflow-gitops/projects/team%2Finfra"
    lockfile = workspace.path / "team/infra/qflow.lock"
    from qflow_gitops.stores.worktree_session import WorktreeSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorktreeSession, "close", lambda session: session._log.close())
        project("apply", "--yes", "--no-wait")
    assert (memory / "journal").exists()
    assert not lockfile.exists()
    assert project.posts == 2
    workspace.git("mv", "team/infra", "elsewhere")
    workspace.git("commit", "--quiet", "-m", "moved")
    project.folder = "elsewhere"
    done = project("apply", "--yes", "--no-wait")
    assert done.code == 11, done
    typed(workspace.path, commands(done.err)[0])
    assert project("apply", "--yes", "--no-wait").code in (0, 9)
    assert project.posts == 2
    assert set(project.record()["environments"]["prod"]["runs"]) == {"a", "b"}


def test_a_copied_project_is_refused(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], sandbox: SandboxServer
) -> None:
    """Its lockfile is a copy as well: each would send what the other sends later."""
    project = Project("worktree", workspace, capfd, sandbox)
    project.folder = "one"
    assert project("init", "--platform", "sandbox", inside="..").code == 0  # of another folder
    workspace.git("clean", "-fdq")
    (workspace.path / "one").mkdir()
    assert project("init", "--platform", "sandbox").code == 0
    project.write("runs/a.yaml", spec("a"))
    project.commit()
    assert project("apply", "--yes").code == 0
    from shutil import copytree

    copytree(workspace.path / "one", workspace.path / "two")
    project.commit("a copy")
    project.folder = "two"
    for command in (("plan",), ("apply", "--yes")):
        done = project(*command)
        assert (done.code, "one is a copy of the other" in done.err) == (11, True), done
    project.folder = "one"
    assert project("apply", "--yes").code == 0
    assert project.posts == 1


# --- several -------------------------------------------------------------------------


@pytest.fixture
def two(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], sandbox: SandboxServer
) -> Callable[[str], Project]:
    """Two projects with files as lockfiles, with the same words in their settings and specs."""

    def at(folder: str) -> Project:
        made = Project("worktree", workspace, capfd, sandbox)
        made.folder = folder
        return made

    for folder in ("one", "two"):
        (workspace.path / folder).mkdir()
        project = at(folder)
        project.write("qflow.yaml", SANDBOX_PROJECT)
        project.write("runs/a.yaml", spec("a"))
    workspace.commit("two projects")
    return at


def test_two_projects_keep_apart(two: Callable[[str], Project], workspace: Workspace) -> None:
    """Lockfile, journal, lock, and what is known of files: each has its own."""
    one, other = two("one"), two("two")
    for _ in range(2):
        for project in (one, other):
            assert project("validate").code == 0
            (change,) = project.json("plan")["changes"]
            assert change["file"] == f"{project.folder}/runs/a.yaml"
    assert one("apply", "--yes").code == 0
    assert one.posts == 1
    assert other("apply", "--yes").code == 0
    assert one.posts == 2
    for project in (one, other):
        assert project("apply", "--yes").code == 0
        assert project.json("plan", "--full")["counts"]["unchanged"] == 1
    assert one.posts == 2
    assert one.record()["lineage"] != other.record()["lineage"]
    memories = workspace.path / ".git/qflow-gitops/projects"
    assert {path.name for path in memories.iterdir()} == {"one", "two"}


def test_one_branch_for_two_projects_is_refused_before_it_is_committed(
    remote: Remote, workspace: Workspace, cli: Cli, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the work tree as in a commit, by what looks at it, whatever was looked at before."""
    looks = (("validate",), ("plan", "--worktree"), ("validate", "--hook", "team/qflow.yaml"))
    for before in looks[:2] * 2:
        assert cli(*before).code == 0
    workspace.write("team/qflow.yaml", BRANCH_PROJECT)
    workspace.write("team/runs/b.yaml", spec("b"))
    begin = ("init", "--platform", "sandbox", "third", "--branch")
    team = Cli(workspace.path / "team", capfd)
    assert team("validate").code == 3  # the other one is known to git
    for _ in range(2):
        workspace.git("add", "--all")
        for command in looks:
            done = cli(*command)
            said = "In this work tree several projects keep" in done.err
            assert (done.code, said) == (3, True), done
        assert team("plan", "--worktree").code == 3
        other = BRANCH_PROJECT.replace("{store: branch}", "{store: branch, branch: theirs}")
        workspace.write("team/qflow.yaml", other)
        for command in looks:
            assert cli(*command).code == 0
        assert team("validate").code == 0
        done = cli(*begin, "theirs")
        assert (done.code, "In this repository several projects" in done.err) == (3, True), done
        workspace.write("team/qflow.yaml", BRANCH_PROJECT)
    workspace.write("team/qflow.yaml", "[")
    assert cli("validate").code == 0  # that one can't send anything
    workspace.remove("team/qflow.yaml")
    assert cli("validate").code == 0


def test_findings_are_those_of_the_project_at_hand(two: Callable[[str], Project]) -> None:
    one, other = two("one"), two("two")
    text = spec("a", metadata="  environment: nowhere\n")
    for project in (one, other):
        project.write("runs/a.yaml", text)
    for _ in range(2):
        for project in (one, other):
            done = project("validate")
            assert f"{project.folder}/runs/a.yaml" in done.out
            assert f"add it to {project.folder}/qflow.yaml" in done.out
    other.write("runs/a.yaml", spec("a"))
    assert (one("validate").code, other("validate").code) == (3, 0)


def test_one_project_applies_while_another_does(
    two: Callable[[str], Project], workspace: Workspace
) -> None:
    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.stores.memories import memory
    from qflow_gitops.stores.worktree import WorktreeStore

    private = memory(workspace.path / ".git/qflow-gitops", ProjectFolder("one")).path
    store = WorktreeStore(workspace.path / "one/qflow.lock", private, lineage="")
    with store.session():
        assert two("one")("apply", "--yes").code == 6
        assert two("two")("apply", "--yes").code == 0


# --- init ----------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
def test_init_begins_a_project_in_a_folder(
    named: bool, workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    workspace.write("README.md", "x")
    workspace.commit("a repository")
    folder = workspace.path / "team infra"
    arguments = ["init", "--platform", "sandbox", "--github"]
    if named:
        done = Cli(workspace.path, capfd)(*arguments, "team infra")
        assert "cd 'team infra'" in done.out
    else:
        folder.mkdir()
        done = Cli(folder, capfd)(*arguments)
    assert done.code == 0, done
    assert "team infra/qflow.yaml" in done.out
    assert "git init" not in done.out
    here = Cli(folder, capfd)
    assert here("validate").code == 0
    workspace.commit("begun")
    workspace.git("remote", "add", "origin", Remote(tmp_path / "remote.git").path.as_uri())
    assert "0 runs to start" in here("plan").out
    known = json.loads(workspace.read(".vscode/settings.json"))["yaml.schemas"]
    assert known["./team infra/.qflow/schemas/project.schema.json"] == ["team infra/qflow.yaml"]
    text = workspace.read(".github/workflows/qflow-team-infra.yml")
    assert text.count('working-directory: "team infra"') == text.count("          command: ") == 6
    assert not (folder / ".github").exists()


def test_init_refuses_a_place_that_is_another_projects(
    remote: Remote, workspace: Workspace, cli: Cli
) -> None:
    begin = ("init", "--platform", "sandbox", str(workspace.path / "team"))
    done = cli(*begin, "--branch", "qflow-lock")
    assert (done.code, "several projects" in done.err) == (3, True), done
    (command,) = commands(done.err)
    done = cli("init", str(workspace.path / "runs/team"), "--store", "worktree")
    assert (done.code, "`runs:` of qflow.yaml" in done.err) == (3, True), done
    assert workspace.git("status", "--porcelain") == ""
    typed(workspace.path, command)
    assert "branch: qflow-lock-team\n" in workspace.read("team/qflow.yaml")


# --- in CI ---------------------------------------------------------------------------


def test_the_actions_working_directory_finds_the_project(
    workspace: Workspace, tmp_path: Path, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The workflows that `init DIR --github` writes, run as GitHub's runner would."""
    remote = Remote(tmp_path / "remote.git")
    workspace.git("remote", "add", "origin", remote.path.as_uri())
    workspace.write("README.md", "x")
    workspace.commit("a repository")
    here = Cli(workspace.path, capfd)
    assert here("init", "team", "--platform", "sandbox", "--github").code == 0
    workspace.write("team/runs/a.yaml", spec("a"))
    workspace.commit("begun")
    workspace.git("push", "--quiet", "origin", "main")
    monkeypatch.setattr("tests.helpers.runner.WITHOUT_API", True)
    text = workspace.path / ".github/workflows/qflow-team.yml"
    monkeypatch.setattr(
        "tests.helpers.runner.workflow",
        lambda name: workflow(name) if name == "action.yml" else parsed(_here(text), name),
    )
    (tmp_path / "runner").mkdir()
    runner = Runner(
        remote, tmp_path / "runner", machine={"QFLOW_GATEWAY": sandbox.url},
        secrets={"QFLOW_CLIENT_ID": "test-client", "QFLOW_CLIENT_SECRET": "test-canary-secret"},
        without=frozenset({"comment", "tell"}),
    )  # fmt: skip
    jobs = runner.run(
        "qflow.yml", "push", "refs/heads/main", {"repository": {"default_branch": "main"}}
    )
    assert {name: job.result for name, job in jobs.items()}["apply"] == "success", jobs["apply"].log
    assert "team/runs/a.yaml" in jobs["check"].log
    runs = remote.record("qflow-lock-team")["environments"]["prod"]["runs"]
    assert runs["a"]["attempts"][-1]["state"] == "succeeded"


def _here(path: Path) -> str:
    """A workflow's text for the runner's repository: the remote has no address on a server."""
    return path.read_text("utf-8").replace(REPOSITORY, HERE)


def test_each_project_has_its_comment_on_a_pull_request(
    remote: Remote,
    workspace: Workspace,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the order they are written in; of a project that moves away nothing is promised."""
    team = BRANCH_PROJECT.replace("{store: branch}", "{store: branch, branch: qflow-lock-team}")
    workspace.write("team/qflow.yaml", team)
    workspace.write("team/runs/README.md", "Specs.\n")
    workspace.publish("two projects")
    base = workspace.git("rev-parse", "HEAD")
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("team/runs/new.yaml", spec("new", 2))
    workspace.write("runs/other.yaml", spec("other", 3))
    head = workspace.commit("new runs")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    with GitHubApi() as api:
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GITHUB_REF", "refs/pull/1/merge")
        api.open(1, head, base)
        for folder in ("team", ".", "team", "."):
            done = Cli(workspace.path / folder, capfd)("comment")
            assert done.code == 0, done
        ours, theirs = api.bodies(1)
        assert "`prod` on `sandbox` of `team`: planned" in ours
        assert ("team/runs/new.yaml" in ours, "runs/other.yaml" in ours) == (True, False)
        assert "### Qualys Flow, `prod` on `sandbox`: planned" in theirs
        assert ("team/runs/new.yaml" in theirs, "runs/other.yaml" in theirs) == (False, True)

        workspace.git("mv", "team", "infra")
        head = workspace.commit("moved")
        workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
        api.open(1, head, base)
        assert Cli(workspace.path / "infra", capfd)("comment").code == 0
        old, stays, new = api.bodies(1)
        assert "`prod` of `team`: no environment any more" in old
        assert stays == theirs
        assert "`prod` on `sandbox` of `infra`: planned" in new


def test_a_pull_request_on_a_project_in_a_folder_is_commented(
    remote: Remote,
    workspace: Workspace,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (workspace.path / "team").mkdir()
    for name in ("qflow.yaml", "runs"):
        workspace.git("mv", name, f"team/{name}")
    workspace.commit("in a folder")
    workspace.git("push", "--quiet", "origin", "main")
    base = workspace.git("rev-parse", "HEAD")
    workspace.git("switch", "--quiet", "-c", "feature")
    workspace.write("team/runs/new.yaml", spec("new", 2))
    head = workspace.commit("a new run")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/1/head")
    with GitHubApi() as api:
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GITHUB_REF", "refs/pull/1/merge")
        api.open(1, head, base)
        done = Cli(workspace.path / "team", capfd)("comment")
        assert done.code == 0, done
        (body,) = api.bodies(1)
    assert "team/runs/new.yaml" in body
    assert "**Merging starts 1 run in" in body
