"""Reading history by GitPython: where it may, it does; everywhere the answers are plumbing's."""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qflow_gitops.errors import InvalidInput
from qflow_gitops.git.history import HistoryRepo, is_readable
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.process import GitProcess
from qflow_gitops.git.repository import GitRepo
from tests.helpers.clones import BRANCH
from tests.helpers.dags import Made, ancestors, build, first_line
from tests.helpers.git import Workspace

MISSING = "1" * 40


def commit(*parents: int, path: str = "runs/a.yaml") -> Made:
    return Made(parents, "Ada", "Ada", f"from {parents}", path)


MADE = (
    commit(),
    commit(0),
    commit(0, path="docs/b.md"),
    commit(1, 2, path="docs/c.md"),
    commit(path="other"),
    commit(3, 4, 2, path="runs/d.yaml"),
    commit(5, path="docs/e.md"),
)
TIP = len(MADE) - 1

Kind = Callable[[Path], tuple[Path, list[str]]]


def plain(folder: Path) -> tuple[Path, list[str]]:
    return folder, build(folder, MADE)


def linked(folder: Path) -> tuple[Path, list[str]]:
    """A further work tree of a repository."""
    ids = build(folder / "main", MADE)
    Workspace(folder / "main").git("worktree", "add", "--quiet", "--detach", "../linked", ids[TIP])
    return folder / "linked", ids


def apart(folder: Path) -> tuple[Path, list[str]]:
    """The git directory lies elsewhere."""
    ids = build(folder, MADE)
    Workspace(folder).git("init", "--quiet", f"--separate-git-dir={folder}.git")
    return folder, ids


def packed(folder: Path) -> tuple[Path, list[str]]:
    ids = build(folder, MADE)
    Workspace(folder).git("gc", "--quiet")
    Workspace(folder).git("update-index", "--index-version=4")
    return folder, ids


def sha256(folder: Path) -> tuple[Path, list[str]]:
    return folder, build(folder, MADE, sha256=True)


def dollar(folder: Path) -> tuple[Path, list[str]]:
    """A name that GitPython takes for another folder's, in which there is a repository, too."""
    build(folder / "else", [commit()])
    return folder / "$NAME", build(folder / "$NAME", MADE)


def reftable(folder: Path) -> tuple[Path, list[str]]:
    ids = build(folder, MADE)
    done = subprocess.run(
        ["git", "-C", str(folder), "refs", "migrate", "--ref-format=reftable"], capture_output=True
    )
    if done.returncode:
        pytest.skip("this git knows no reftable")
    return folder, ids


READ = {kind.__name__: kind for kind in (plain, linked, apart, packed)}
NOT_READ = {kind.__name__: kind for kind in (sha256, dollar, reftable)}


def opened(folder: Path) -> GitRepo:
    return GitRepo.open(folder, os.environ)


@pytest.fixture(params=[GitRepo, HistoryRepo.of])
def read(request: pytest.FixtureRequest) -> Callable[[GitRepo], GitRepo]:
    """Read by plumbing, or by GitPython where it can."""
    if request.param is GitRepo:
        return lambda repo: repo
    made: Callable[[GitRepo], GitRepo] = request.param
    return made


@pytest.mark.parametrize("kind", [*READ, *NOT_READ])
def test_any_repository_tells_its_history(
    kind: str, read: Callable[[GitRepo], GitRepo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAME", "else")
    folder, ids = {**READ, **NOT_READ}[kind](tmp_path / "made")
    repo = read(opened(folder))
    assert is_readable(repo) is (kind in READ)
    for new, above in ancestors(MADE).items():
        for old in range(len(MADE)):
            assert repo.is_ancestor(ids[old], ids[new]) is (old in above)
    line = [ids[number] for number in first_line(MADE, TIP)]
    assert repo.first_parents("", ids[TIP], 99) == line
    assert repo.first_parents("", ids[TIP], 2) == line[:2]
    assert repo.first_parents(ids[3], ids[TIP], 99) == line[:2]
    assert repo.first_parents("", ids[TIP], 99, ["runs"]) == [ids[5], ids[1], ids[0]]
    assert repo.first_parents("", ids[TIP], 99, ["."]) == line
    assert repo.first_parents(ids[TIP], ids[TIP], 99) == []
    assert repo.merge_base(ids[1], ids[2]) == ids[0]
    assert repo.merge_base(ids[3], ids[TIP]) == ids[3]
    assert repo.merge_base(ids[1], ids[4]) is None
    assert repo.at("runs").first_parents("", ids[TIP], 99) == line


@pytest.mark.parametrize("kind", READ)
def test_what_gitpython_reads_it_reads_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ids = READ[kind](tmp_path / "made")
    repo = HistoryRepo.of(opened(folder))
    asked: list[str] = []
    monkeypatch.setattr(GitProcess, "run", lambda *_, **__: asked.append("plumbing"))
    assert repo.is_ancestor(ids[0], ids[TIP])
    assert not repo.is_ancestor(ids[TIP], ids[0])
    assert len(repo.first_parents("", ids[TIP], 99)) == len(first_line(MADE, TIP))
    assert repo.merge_base(ids[1], ids[2]) == ids[0]
    assert repo.merge_base(ids[1], ids[4]) is None
    assert asked == []


def test_grafts_are_git_s_own_business(tmp_path: Path) -> None:
    """Of parents that git was told otherwise, the commits themselves know nothing."""
    folder, ids = plain(tmp_path / "made")
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/grafts").write_text(f"{ids[6]} {ids[3]}\n")
    repo = opened(folder)
    assert HistoryRepo.of(repo).first_parents("", ids[6], 2) == [ids[6], ids[3]]


def test_a_commit_that_is_not_there_is_an_error_as_before(
    read: Callable[[GitRepo], GitRepo], tmp_path: Path
) -> None:
    folder, ids = plain(tmp_path / "made")
    repo = read(opened(folder))
    assert not repo.is_ancestor(MISSING, ids[0])
    assert not repo.is_ancestor("main", ids[0])
    assert repo.merge_base(MISSING, ids[0]) is None
    with pytest.raises(InvalidInput, match="git rev-list failed"):
        repo.first_parents("", MISSING, 9)
    with pytest.raises(InvalidInput, match="git rev-list failed"):
        repo.first_parents("--output=made", ids[0], 9)


@pytest.mark.parametrize(
    ("name", "value"),
    [("GIT_DIR", "{other}/.git"), ("GIT_COMMON_DIR", "{other}/.git"),
     ("GIT_WORK_TREE", "{other}"), ("GIT_OBJECT_DIRECTORY", "{other}/.git/objects"),
     ("GIT_PYTHON_GIT_EXECUTABLE", "/nowhere/git"), ("GIT_PYTHON_TRACE", "full")],
)  # fmt: skip
def test_no_variable_leads_it_to_another_repository(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ids = plain(tmp_path / "made")
    build(tmp_path / "other", [commit(path="else")])
    monkeypatch.setenv(name, value.format(other=tmp_path / "other"))
    repo = opened(folder)
    assert len(HistoryRepo.of(repo).first_parents("", ids[TIP], 99)) == len(first_line(MADE, TIP))
    assert HistoryRepo.of(repo).merge_base(ids[1], ids[2]) == ids[0]


ODD = {
    "not in its encoding": b"author \xff\x1b[31m <a> 1 +0000\ncommitter A <a> 1 +0000\n"
    b"encoding utf-8\n\n\xff\x1b]0;x\x07\n",
    "an encoding that nobody knows": b"author \xff <a> 1 +0000\ncommitter A <a> 1 +0000\n"
    b"encoding nonsense\n\n\xff\n",
    "no date": b"author A\ncommitter A\n\nx\n",
    "a date of no calendar": b"author A <a> -99999999999 +9999\n"
    b"committer A <a> 99999999999999999999 +0000\n\nx\n",
    "a signature without an end": b"author A <a> 1 +0000\ncommitter A <a> 1 +0000\n"
    b"gpgsig -----BEGIN\n",
    "words like a parent": b"author A <a> 1 +0000\ncommitter A <a> 1 +0000\n\n"
    b"parent 1111111111111111111111111111111111111111\n",
}


@pytest.mark.parametrize("rest", ODD.values(), ids=ODD)
def test_whatever_a_commit_looks_like_its_parents_are_told(
    rest: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, ids = plain(tmp_path / "made")
    tree = Workspace(folder).git("rev-parse", f"{ids[TIP]}^{{tree}}")
    content = f"tree {tree}\nparent {ids[3]}\nparent {ids[4]}\n".encode() + rest
    command = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    made = subprocess.run(
        ["git", "-C", str(folder), *command], input=content, capture_output=True, check=True
    )
    tip = made.stdout.decode().strip()
    repo = opened(folder)
    assert list(GitBranch(repo, "origin", BRANCH, lambda: 30.0).parents(tip)) == [ids[3], ids[4]]
    assert HistoryRepo.of(repo).first_parents("", tip, 2) == [tip, ids[3]]
    assert capfd.readouterr() == ("", "")


def test_nothing_that_gitpython_logs_is_written(tmp_path: Path) -> None:
    folder, ids = plain(tmp_path / "made")
    assert HistoryRepo.of(opened(folder)).is_ancestor(ids[0], ids[TIP])
    handlers = logging.getLogger("git").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


def test_without_gitpython_plumbing_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ids = plain(tmp_path / "made")
    monkeypatch.setitem(sys.modules, "qflow_gitops.git.gitpython", None)
    repo = opened(folder)
    assert HistoryRepo.of(repo).is_ancestor(ids[0], ids[TIP])


# --- threads and forks -------------------------------------------------------------------

LINE = tuple(commit(number - 1) if number else commit() for number in range(120))


def test_threads_and_forks_read_the_same(tmp_path: Path) -> None:
    """A repository that is shared gives wrong contents without an error: none is."""
    ids = build(tmp_path / "made", LINE)
    repo = HistoryRepo.of(opened(tmp_path / "made"))

    def looks(seed: int) -> list[bool]:
        tip = 119 - seed % 20
        return [
            repo.first_parents(ids[seed], ids[tip], 999) == ids[tip:seed:-1],
            repo.merge_base(ids[seed], ids[tip]) == ids[seed],
            repo.is_ancestor(ids[seed], ids[tip]) is True,
        ]

    children = []
    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(looks, seed) for seed in range(24)]
        for seed in range(3):  # while the threads are at it
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that threads are here
                child = os.fork()
            if not child:
                os._exit(0 if all(all(looks(seed + more)) for more in range(3)) else 1)
            children.append(child)
    assert all(all(one.result()) for one in found)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 3
