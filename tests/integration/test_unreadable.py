"""What is there and can't be read is never taken for absent: settings, specs, catalog, lockfile."""

import json
import os
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.damage import DAMAGE, cut_pack, loose
from tests.helpers.git import Workspace
from tests.helpers.partners import diagonal
from tests.helpers.specs import SAMPLE, SANDBOX_PROJECT, WORKFLOW, spec
from tests.helpers.typed import commands, typed

CATALOG = f"workflows/{WORKFLOW}.json"
KNOWN = json.dumps({"apiVersion": "qflow-gitops/v1", "kind": "Workflow", "id": WORKFLOW})
READING = [
    ("plan",),
    ("plan", "--full", "--format", "json"),
    ("apply", "--yes"),
    ("apply", "--yes", "--keep-going"),
    ("baseline", "--yes", "--reason", "test"),
]
OBJECTS = ["qflow.yaml", "runs/aws/buckets.yaml", CATALOG, "runs", "workflows", ""]
"""What a commit holds; "" for the tree itself."""


def posts(sandbox: SandboxServer) -> int:
    return len(sandbox.requests("POST", "/run"))


@pytest.mark.parametrize(("how", "name"), diagonal(DAMAGE, OBJECTS))
def test_an_object_that_git_cannot_give_stops_every_command(
    how: str, name: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    project.write(CATALOG, KNOWN)
    project.commit("catalog")
    DAMAGE[how](loose(project, f"HEAD:{name}"))
    for command in READING:
        done = cli(*command)
        assert done.code == 3, (command, done)
        assert "→" in done.err or '"hint": "' in done.out, done
        assert "Traceback" not in done.err
    assert sandbox.requests() == []
    assert not (project.path / "qflow.lock").exists()


@pytest.mark.parametrize("how", [*DAMAGE, "branch"])
def test_a_newest_commit_that_git_cannot_give_is_not_none(
    how: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """As a power cut leaves it: then the work tree's settings would count, or none at all."""
    if how == "branch":
        (project.path / ".git/refs/heads/main").write_bytes(b"")
    else:
        DAMAGE[how](loose(project, "HEAD"))
    project.remove("qflow.yaml")
    for command in (*READING, ("validate",), ("status",), ("plan", "--worktree")):
        done = cli(*command)
        assert (done.code, "can't be read from this clone" in done.out + done.err) == (3, True), (
            done
        )
    assert sandbox.requests() == []


@pytest.mark.parametrize("command", READING)
def test_a_pack_that_is_cut_short_stops_every_command(
    command: tuple[str, ...], project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    for number in range(50):
        project.write(f"runs/{number}.yaml", spec(f"r{number}", os.urandom(200).hex()))
    project.commit("many")
    cut_pack(project)
    done = cli(*command)
    assert done.code == 3, done
    assert sandbox.requests() == []


def test_the_hint_brings_back_what_is_missing(
    remote: Remote, workspace: Workspace, cli: Cli
) -> None:
    workspace.git("fetch", "--quiet", "origin")
    loose(workspace, "HEAD:qflow.yaml").unlink()
    done = cli("plan")
    assert done.code == 3
    assert "qflow.yaml" in done.err
    fetch = next(one for one in commands(done.err) if one.startswith("git fetch"))
    typed(workspace.path, fetch)
    assert cli("plan").code == 0


def test_the_hint_gives_a_clone_that_is_whole(
    remote: Remote, workspace: Workspace, cli: Cli, capfd: pytest.CaptureFixture[str]
) -> None:
    DAMAGE["garbage"](loose(workspace, "HEAD:qflow.yaml"))
    clone = next(one for one in commands(cli("plan").err) if one.startswith("git clone"))
    typed(workspace.path, clone)
    assert Cli(workspace.path.parent / "fresh-clone", capfd)("plan").code == 0


KINDS = {"link": "120000", "submodule": "160000"}


@pytest.mark.parametrize(
    ("kind", "name"), diagonal((*KINDS, "folder"), ("qflow.yaml", CATALOG, "workflows"))
)
def test_what_is_no_plain_file_is_never_no_file(
    kind: str, name: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A commit that holds something else under the name of the settings or the catalog."""
    if (kind, name) == ("folder", "workflows"):
        pytest.skip("that is what it has to be")
    if name == CATALOG:
        project.write("workflows/other.txt", "x")
    if kind == "folder":
        project.remove(name) if (project.path / name).exists() else None
        project.write(f"{name}/inside", "x")
    else:
        blob = project.git("rev-parse", "HEAD" if kind == "submodule" else "HEAD:runs/README.md")
        (project.path / name).unlink(missing_ok=True)
        project.git("update-index", "--add", "--cacheinfo", f"{KINDS[kind]},{blob},{name}")
    if kind == "folder":
        project.git("add", ".")
    project.git("commit", "--quiet", "-m", "odd")
    if (kind, name) == ("folder", CATALOG):
        assert "catalog-name" not in cli("plan").out  # a folder of the catalog's, with no JSON
        return
    for command in READING[:3]:
        done = cli(*command)
        assert done.code == 3, (command, done)
        assert "file-kind" in done.out + done.err, done
    assert sandbox.requests() == []


@pytest.mark.parametrize("command", ["validate", "plan --worktree", "migrate", "workflows list"])
@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_the_work_trees_settings_are_a_plain_file(
    kind: str, command: str, project: Workspace, cli: Cli
) -> None:
    path = project.path / "qflow.yaml"
    path.unlink()
    if kind == "folder":
        project.write("qflow.yaml/inside", "x")
    elif kind == "link":
        path.symlink_to("runs/README.md")
    else:
        os.mkfifo(path)
    done = cli(*command.split())
    assert (done.code, "[file-kind]" in done.out) == (3, True), done


def test_settings_that_may_not_be_read_are_no_absent_ones(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so it is acted here."""
    real = os.open

    def refuse(path: object, *more: object, **options: object) -> int:
        if os.fsencode(path).endswith(b"/qflow.yaml"):  # type: ignore[arg-type]
            raise PermissionError(13, "Permission denied")
        return real(path, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    done = cli("validate")
    assert (done.code, "[file-unreadable]" in done.out) == (3, True), done


def test_a_catalog_that_is_a_link_is_a_finding(project: Workspace, cli: Cli) -> None:
    project.write(f"elsewhere/{WORKFLOW}.json", KNOWN)
    (project.path / "workflows").symlink_to("elsewhere")
    assert "workflows:1:1: error [file-kind]" in cli("validate").out
    (project.path / "workflows").unlink()
    (project.path / "workflows").mkdir()
    (project.path / CATALOG).symlink_to(f"../elsewhere/{WORKFLOW}.json")
    assert f"{CATALOG}:1:1: error [file-kind]" in cli("validate").out


# --- what is only explained by old objects -------------------------------------------


@pytest.mark.parametrize("how", DAMAGE)
def test_what_an_old_attempt_sent_may_be_missing(
    how: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """A difference is then not shown; what is due stays due, and what ran stays done."""
    assert cli("apply", "--yes").code == 0
    old = loose(project, "HEAD:runs/aws/buckets.yaml")
    project.write("runs/aws/buckets.yaml", SAMPLE.replace("maha2", "maha3"))
    project.commit("another value")
    DAMAGE[how](old)
    (change,) = cli.json("plan", "--full")["changes"]
    assert change["reason"] == "modified"
    assert cli("apply", "--yes").code == 0
    assert posts(sandbox) == 2


def test_a_policy_that_cannot_be_read_holds(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The settings at the commit up to which all was applied are needed to judge by."""
    project.write("qflow.yaml", SANDBOX_PROJECT + "  policy: {limits: {runs: 1}}\n")
    project.commit("a limit")
    assert cli("apply", "--yes").code == 0
    old = loose(project, "HEAD:qflow.yaml")
    project.write("qflow.yaml", SANDBOX_PROJECT)
    project.write("runs/more.yaml", spec("more"))
    project.commit("no limit")
    old.unlink()
    done = cli.json("apply", "--yes")
    assert done["exitCode"] == 5
    assert {one["reason"] for one in done["changes"]} == {"policy"}
    assert posts(sandbox) == 1


# --- the lockfile --------------------------------------------------------------------


@pytest.mark.parametrize(("how", "what"), diagonal(DAMAGE, ("qflow.lock", "")))
def test_a_lockfile_on_the_branch_that_git_cannot_give_is_11(
    how: str, what: str, remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    assert cli("apply", "--yes").code == 0
    workspace.write("runs/more.yaml", spec("more"))
    workspace.commit("more")
    DAMAGE[how](loose(workspace, f"refs/qflow-gitops/origin/{BRANCH}:{what}"))
    for command in (("plan",), ("apply", "--yes"), ("status",), ("lock", "verify")):
        done = cli(*command)
        assert done.code == 11, (command, done)
        assert "another branch" not in done.err.lower()
    assert posts(sandbox) == 1


def test_a_memory_of_the_branch_that_is_broken_is_11(
    remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """As a power cut leaves it: then a branch that was put back wouldn't be noticed."""
    assert cli("apply", "--yes").code == 0
    (workspace.path / ".git/refs/qflow-gitops/origin" / BRANCH).write_bytes(b"")
    done = cli("plan")
    assert (done.code, "remembers" in done.err) == (11, True), done


def test_a_lockfile_that_is_a_link_is_11(
    project: Workspace, cli: Cli, sandbox: SandboxServer, tmp_path: Path
) -> None:
    (project.path / "qflow.lock").symlink_to(tmp_path / "nowhere")
    for command in (("plan",), ("apply", "--yes"), ("status",)):
        assert cli(*command).code == 11
    assert posts(sandbox) == 0


# --- partial clones ------------------------------------------------------------------


@pytest.fixture
def partial(remote: Remote, workspace: Workspace, cli: Cli, sandbox: SandboxServer) -> Remote:
    """A remote that leaves out what a clone doesn't ask for, with a run that was sent."""
    remote.git("config", "uploadpack.allowFilter", "true")
    assert cli("apply", "--yes").code == 0
    workspace.write("runs/aws/buckets.yaml", SAMPLE.replace("maha2", "maha3"))
    workspace.commit("another value")
    workspace.git("push", "--quiet", "origin", "main")
    return remote


@pytest.mark.parametrize("lacking", ["blob:none", "tree:0"])
def test_a_partial_clone_says_how_it_becomes_whole(
    lacking: str, partial: Remote, capfd: pytest.CaptureFixture[str]
) -> None:
    clone = partial.clone("partial", f"--filter={lacking}", "--no-checkout")
    cli = Cli(clone.path, capfd)
    for command in (("status",), ("lock", "verify"), ("validate",), ("plan",), ("apply", "--yes")):
        done = cli(*command)
        assert done.code == 3, (command, done)
    fetch = next(one for one in commands(done.err) if one.startswith("git fetch"))
    typed(clone.path, fetch)
    assert cli("plan").code == 0


def test_a_partial_clone_with_a_work_tree_plans(
    partial: Remote, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was checked out is there; what an old attempt sent isn't, and isn't shown."""
    clone = partial.clone("partial", "--filter=blob:none")
    (change,) = Cli(clone.path, capfd).json("plan")["changes"]
    assert change["reason"] == "modified"


SPARSE = (("validate",), ("validate", "runs/here"), ("plan", "--worktree"), ("migrate", "--check"))


@pytest.mark.fault(20)
@pytest.mark.parametrize("looked_at_before", [False, True])
@pytest.mark.parametrize("index", ["plain", "sparse"])
def test_what_a_sparse_checkout_leaves_out_is_not_gone(
    index: str, looked_at_before: bool, project: Workspace, cli: Cli
) -> None:
    """The kind: a file that git knows and that isn't there for another reason than removal.

    A name that stands twice would stay unseen, and what is left out would be called removed.
    """
    project.write("runs/here/a.yaml", spec("a"))
    project.write("runs/there/b.yaml", spec("b"))
    project.write("docs/c.txt", "no part of the project\n")
    project.commit("two folders")
    if looked_at_before:
        assert [cli(*one).code for one in SPARSE] == [0, 0, 0, 0]
    more = ["--sparse-index"] if index == "sparse" else []
    project.git("sparse-checkout", "set", *more, "runs/here", "runs/aws", "workflows")
    project.write("runs/here/twice.yaml", spec("b"))
    for command in SPARSE:
        done = cli(*command)
        assert (done.code, "work tree is sparse" in done.out + done.err) == (3, True), (
            command,
            done,
        )
        assert "runs/there/b.yaml" in done.out + done.err
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "twice")
    assert "runs/there/b.yaml" in cli("plan").out + cli("plan").err  # a commit is whole
    typed(project.path, next(one for one in commands(cli("validate").err) if "sparse" in one))
    done = cli("validate")
    assert (done.code, "[duplicate-name]" in done.out) == (3, True)


def test_a_sparse_checkout_that_holds_the_whole_project_is_as_good_as_any(
    project: Workspace, cli: Cli
) -> None:
    project.write("docs/c.txt", "no part of the project\n")
    project.commit("docs")
    project.git("sparse-checkout", "set", "runs")
    assert not (project.path / "docs").exists()
    for command in (("validate",), ("plan", "--worktree"), ("validate",)):
        assert cli(*command).code == 0
