"""git as it is: every name, no hook, no redirect, nothing of the caller's GIT_ variables."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from qflow_gitops.errors import UsageProblem
from qflow_gitops.git.disk import MAX_CONTENT
from qflow_gitops.git.process import SET_VARIABLES
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.git import ChangeKind
from tests.helpers.git import Workspace

ODD = [
    b"runs/\xff.yaml",
    b"runs/:x.yaml",
    b"runs/a\nb.yaml",
    b"runs/tab\there.yaml",
    b'runs/"quoted".yaml',
    b"runs/-dash.yaml",
    b"runs/star*.yaml",
    "runs/e\u0301.yaml".encode(),
    b"runs/ space .yaml",
    b":root.yaml",
]


def write_raw(workspace: Workspace, path: bytes, content: bytes = b"a: 1\n") -> None:
    workspace.write(os.fsdecode(path), content)


def opened(workspace: Workspace) -> GitRepo:
    return GitRepo.open(workspace.path, os.environ)


def test_every_name_comes_through_as_it_is(workspace: Workspace) -> None:
    first = workspace.commit("empty")
    for path in ODD:
        write_raw(workspace, path)
    second = workspace.commit("odd names")
    repo = opened(workspace)
    assert set(repo.files(second, ["."])) == set(ODD)
    assert [one.path for one in repo.changes(first, second, ["."])] == sorted(ODD)
    assert set(repo.files(second, ["runs"])) == {path for path in ODD if path.startswith(b"runs/")}
    assert set(repo.worktree(["."]).files()) == set(ODD)
    assert set(repo.files(second, ["runs/star*.yaml"])) == {b"runs/star*.yaml"}


def test_what_changed(workspace: Workspace) -> None:
    for name in ("keep", "edit", "drop", "move"):
        workspace.write(f"runs/{name}.yaml", f"{name}\n" * 20)
    workspace.write("elsewhere.yaml", "x")
    base = workspace.commit("base")
    workspace.write("runs/edit.yaml", "edited\n")
    workspace.remove("runs/drop.yaml")
    workspace.move("runs/move.yaml", "runs/moved.yaml")
    workspace.write("elsewhere.yaml", "y")
    head = workspace.commit("head")
    found = {one.path: one.kind for one in opened(workspace).changes(base, head, ["runs"])}
    assert found == {
        b"runs/edit.yaml": ChangeKind.MODIFIED,
        b"runs/drop.yaml": ChangeKind.REMOVED,
        b"runs/move.yaml": ChangeKind.REMOVED,
        b"runs/moved.yaml": ChangeKind.ADDED,
    }


def test_blobs_are_what_was_committed_whatever_attributes_say(workspace: Workspace) -> None:
    workspace.write(".gitattributes", "*.yaml ident eol=crlf working-tree-encoding=UTF-16\n")
    workspace.git("config", "core.autocrlf", "true")
    write_raw(workspace, b"raw", b"a: $Id$\n")
    blob = workspace.git("hash-object", "-w", "--no-filters", "raw")
    workspace.git("update-index", "--add", "--cacheinfo", f"100644,{blob},runs/a.yaml")
    workspace.git("commit", "--quiet", "-m", "raw")
    repo = opened(workspace)
    entry = repo.files(repo.resolve("HEAD"), ["runs"])[b"runs/a.yaml"]
    assert repo.contents([entry]) == {blob: b"a: $Id$\n"}


def test_links_and_submodules_show_their_modes(workspace: Workspace) -> None:
    workspace.write("runs/a.yaml", "a: 1\n")
    (workspace.path / "runs/link.yaml").symlink_to("/etc/passwd")
    commit = workspace.commit("link")
    workspace.git("update-index", "--add", "--cacheinfo", f"160000,{commit},runs/sub")
    workspace.git("commit", "--quiet", "-m", "submodule")
    repo = opened(workspace)
    modes = {path: one.mode for path, one in repo.files(repo.resolve("HEAD"), ["runs"]).items()}
    assert modes == {b"runs/a.yaml": "100644", b"runs/link.yaml": "120000", b"runs/sub": "160000"}
    assert set(repo.worktree(["runs"]).files()) == {b"runs/a.yaml"}
    assert (b"runs/link.yaml", "120000") in repo.worktree(["runs"]).irregular_files()


def test_a_pipe_in_the_work_tree_is_not_waited_for(workspace: Workspace) -> None:
    workspace.write("runs/a.yaml", "a: 1\n")
    os.mkfifo(workspace.path / "runs/pipe.yaml")
    assert set(opened(workspace).worktree(["runs"]).files()) == {b"runs/a.yaml"}


def test_many_blobs_and_big_ones(workspace: Workspace) -> None:
    for number in range(300):
        workspace.write(f"runs/{number}.yaml", f"a: {number}\n" * 50)
    workspace.write("runs/big.yaml", b"x" * (MAX_CONTENT * 3))
    repo = opened(workspace)
    files = repo.files(workspace.commit("many"), ["runs"])
    blobs = repo.blobs_at_hand([*(one.blob for one in files.values()), "0" * 40])
    assert len(blobs) == 301
    assert len(blobs[files[b"runs/big.yaml"].blob]) == MAX_CONTENT + 1
    assert blobs[files[b"runs/7.yaml"].blob] == b"a: 7\n" * 50
    assert len(repo.worktree(["runs"]).files()[b"runs/big.yaml"]) == MAX_CONTENT + 1


def test_replaced_objects_do_not_count(workspace: Workspace) -> None:
    workspace.write("runs/a.yaml", "a: 1\n")
    honest = workspace.commit("honest")
    workspace.write("runs/a.yaml", "a: 2\n")
    evil = workspace.commit("evil")
    workspace.git("replace", honest, evil)
    repo = opened(workspace)
    entry = repo.files(honest, ["runs"])[b"runs/a.yaml"]
    assert repo.contents([entry])[entry.blob] == b"a: 1\n"


def test_nothing_of_a_repositorys_configuration_is_run(
    workspace: Workspace, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch {proof}\nexit 1\n")
    script.chmod(0o755)
    workspace.write("runs/a.yaml", "a: 1\n")
    base = workspace.commit("one")
    workspace.write("runs/a.yaml", "a: 2\n")
    head = workspace.commit("two")
    workspace.write(".gitattributes", "*.yaml diff=evil\n")
    for key in ("core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv",
                "core.pager", "pager.diff", "core.editor", "core.sshCommand"):  # fmt: skip
        workspace.git("config", key, str(script))
    hooks = workspace.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    shutil.copy(script, hooks / "post-index-change")
    proof.unlink(missing_ok=True)
    repo = opened(workspace)
    repo.changes(base, head, ["runs"])
    repo.uncommitted(["."])
    repo.worktree(["."]).files()
    repo.files(head, ["."])
    assert repo.user == "test@example.com"
    assert not proof.exists()


def test_a_bare_repository_in_a_subfolder_is_not_opened(
    workspace: Workspace, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    inner = workspace.path / "inner"
    subprocess.run(["git", "init", "--quiet", "--bare", str(inner)], check=True)
    with (inner / "config").open("a") as config:
        config.write(f'[core]\n\tworktree = "."\n\tfsmonitor = "touch {proof};"\n')
    workspace.commit("one")
    with contextlib.suppress(UsageProblem):
        GitRepo.open(inner, os.environ).uncommitted(["."])
    assert not proof.exists()


def test_the_callers_git_variables_lead_nowhere(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = workspace.commit("one")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    repo = opened(workspace)
    assert repo.root == workspace.path
    assert repo.resolve("HEAD") == head


def test_a_linked_work_tree_shares_the_git_directory(workspace: Workspace, tmp_path: Path) -> None:
    workspace.commit("one")
    linked = tmp_path / "linked"
    workspace.git("worktree", "add", "--quiet", str(linked), "-b", "other")
    repo = GitRepo.open(linked, os.environ)
    assert (repo.root, repo.common_dir) == (linked, workspace.path / ".git")


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_both_kinds_of_object_ids(form: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.git("init", "--quiet", f"--object-format={form}")
    workspace.write("runs/ä folder/a.yaml", "a: 1\n")
    head = workspace.commit("one")
    repo = opened(workspace)
    files = repo.files(repo.resolve("HEAD"), ["runs"])
    assert len(head) == {"sha1": 40, "sha256": 64}[form]
    assert list(repo.contents(files.values()).values()) == [b"a: 1\n"]
    assert repo.is_ancestor(head, head)


def test_a_shallow_clone_says_so(workspace: Workspace, tmp_path: Path) -> None:
    old = workspace.commit("one")
    new = workspace.commit("two")
    clone = tmp_path / "clone"
    command = ["git", "clone", "--quiet", "--depth=1", f"file://{workspace.path}", str(clone)]
    subprocess.run(command, check=True)
    repo = GitRepo.open(clone, os.environ)
    assert repo.is_shallow()
    assert (repo.has_commit(old), repo.has_commit(new)) == (False, True)
    assert not repo.is_ancestor(old, new)
    with pytest.raises(UsageProblem) as refused:
        repo.resolve("HEAD~1")
    assert "--unshallow" in refused.value.hint


def test_what_is_not_committed(workspace: Workspace) -> None:
    workspace.write(".gitignore", "ignored.yaml\n")
    workspace.write("runs/edit.yaml", "1")
    workspace.write("runs/drop.yaml", "1")
    workspace.commit("one")
    workspace.write("runs/edit.yaml", "2")
    workspace.write("runs/new.yaml", "2")
    workspace.write("runs/ignored.yaml", "2")
    workspace.write("elsewhere.yaml", "2")
    workspace.remove("runs/drop.yaml")
    repo = opened(workspace)
    assert repo.uncommitted(["runs"]) == ["runs/drop.yaml", "runs/edit.yaml", "runs/new.yaml"]
    assert set(repo.worktree(["runs"]).files()) == {b"runs/edit.yaml", b"runs/new.yaml"}


def test_from_a_subfolder_everything_is_named_from_the_root(workspace: Workspace) -> None:
    workspace.write("runs/a.yaml", "a: 1\n")
    workspace.commit("one")
    repo = GitRepo.open(workspace.path / "runs", os.environ)
    assert set(repo.worktree(["runs"]).files()) == {b"runs/a.yaml"}
    assert repo.uncommitted(["."]) == []


def test_a_repository_of_another_user_gets_the_command_that_trusts_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    workspace.commit("one")
    for path in [workspace.path, *workspace.path.rglob("*")]:
        os.chown(path, 12345, 12345)
    with pytest.raises(UsageProblem) as refused:
        opened(workspace)
    assert "git config --global --add safe.directory" in refused.value.hint


def test_git_missing(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as refused:
        GitRepo.open(workspace.path, {"PATH": str(tmp_path)})
    assert "installed" in refused.value.hint


# --- what a person's configuration bends, and what it doesn't -------------------------

SAFE = "[safe]\n\tdirectory = *\n"
WAYS = {
    "global file": ("GIT_CONFIG_GLOBAL", SAFE, {}),
    "system file": ("GIT_CONFIG_SYSTEM", SAFE, {}),
    "variables": (
        "",
        "",
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        },
    ),
    "a command line's": ("", "", {"GIT_CONFIG_PARAMETERS": "'safe.directory'='*'"}),
}


@pytest.mark.fault(21)
@pytest.mark.parametrize("way", WAYS)
def test_whom_git_trusts_is_said_in_each_way_that_git_knows(
    way: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another user, which git's own test variable pretends; git itself is asked beside it."""
    workspace.commit("one")
    name, content, environ = WAYS[way]
    if name:
        (tmp_path / "config").write_text(content)
        environ = {name: str(tmp_path / "config")}
    monkeypatch.setitem(SET_VARIABLES, "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UsageProblem, match="belongs to another user"):
        opened(workspace)
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    assert len(opened(workspace).resolve("HEAD")) == 40


def test_a_system_configuration_that_the_caller_switches_off_stays_off(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text('[remote "systems"]\n\turl = file:///nowhere\n')
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "config"))
    assert "systems" in opened(workspace).remotes()
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert "systems" not in opened(workspace).remotes()


@pytest.mark.fault(22)
@pytest.mark.parametrize("key", ["clean", "process"])
@pytest.mark.parametrize("name", ["lfs", "a=b.c d", "it's !"])
def test_no_filter_runs_however_the_work_tree_is_looked_at(
    key: str, name: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind: each command that git may compare contents for.

    What the caller's variables configure still counts.
    """
    workspace.write("runs/a.yaml", "a: 1\n")
    workspace.write(".gitattributes", "*.yaml filter=lfs\n")
    workspace.commit("one")
    told = tmp_path / "ran"
    workspace.git("config", f"filter.{name}.{key}", f"touch {told}; cat")
    workspace.git("config", f"filter.{name}.required", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Somebody")
    workspace.write("runs/a.yaml", "a: 2\n")
    repo = opened(workspace)
    assert repo.uncommitted(["runs"]) == ["runs/a.yaml"]
    assert repo.worktree(["runs"]).files() == {b"runs/a.yaml": b"a: 2\n"}
    assert repo.worktree(["runs"]).listed == [b"runs/a.yaml"]
    assert not told.exists()
    if name == "lfs" and key == "clean":  # else this shows nothing
        workspace.git("status")
        assert told.exists()


def test_no_filter_of_a_git_that_calls_us_runs(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git -c filter.lfs.clean=… qflow`, an alias: what a command line says counts last."""
    workspace.write("runs/a.yaml", "a: 1\n")
    workspace.write(".gitattributes", "*.yaml filter=lfs\n")
    workspace.commit("one")
    workspace.write("runs/a.yaml", "a: 2\n")
    told = tmp_path / "ran"
    given = f"'filter.lfs.clean'='touch {told}; cat' 'remote.systems.url'='file:///nowhere'"
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", given)
    repo = opened(workspace)
    assert repo.uncommitted(["runs"]) == ["runs/a.yaml"]
    assert repo.worktree(["runs"]).files() == {b"runs/a.yaml": b"a: 2\n"}
    assert repo.remotes() == ["systems"]
    assert not told.exists()
    workspace.git("status")  # else this shows nothing
    assert told.exists()


@pytest.mark.fault(23)
def test_a_tag_with_a_branchs_name_is_not_taken_for_it(workspace: Workspace) -> None:
    first = workspace.commit("one")
    workspace.git("tag", "main")
    second = workspace.commit("two")
    with pytest.raises(UsageProblem, match="more than one thing") as caught:
        opened(workspace).resolve("main")
    assert caught.value.hint.endswith("refs/heads/main")
    assert opened(workspace).resolve("refs/heads/main") == second
    assert opened(workspace).resolve("refs/tags/main") == first


def test_what_is_configured_last_counts(workspace: Workspace) -> None:
    workspace.git("config", "user.email", "")
    workspace.git("config", "--add", "User.Name", "One")
    workspace.git("config", "--add", "user.name", "Two\nlines")
    workspace.git("config", "some.Where-It Is.KEY", "a = b")
    with (workspace.path / ".git/config").open("a") as file:
        file.write("[alone]\n\tvalueless\n")
    repo = opened(workspace)
    assert repo.setting("user.name") == "Two\nlines"
    assert repo.setting("some.Where-It Is.key") == "a = b"
    assert (repo.setting("alone.valueless"), repo.setting("not.there")) == ("", "")
    assert repo.user == "Two\\nlines"


def test_what_is_known_is_not_asked_for_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write("qflow.yaml", "a: 1\n")
    first = workspace.commit("one")
    workspace.write("runs/a.yaml", "b: 1\n")
    second = workspace.commit("two")
    repo = opened(workspace)
    settings = [repo.listing(commit, "")[b"qflow.yaml"] for commit in (first, second)]
    read = [repo.contents([entry]) for entry in settings[:1]]
    ids = {entry.blob for entry in repo.files(second, ["."]).values()} | {"f" * 40}
    there = repo.blobs_at_hand(ids)
    assert repo.first_parents("", second, 9) == [second, first]
    with monkeypatch.context() as patched:
        patched.setattr(GitRepo, "started", None)
        assert repo.contents(settings[1:]) == read[0] == {settings[0].blob: b"a: 1\n"}
        assert repo.at("runs").contents(settings[1:]) == read[0]
        assert repo.blobs_at_hand(ids) == there
        assert set(there.values()) == {b"a: 1\n", b"b: 1\n"}
        assert repo.has_commit(first)
    assert repo.blobs_at_hand(ids - {settings[0].blob}).keys() == there.keys() - {settings[0].blob}
