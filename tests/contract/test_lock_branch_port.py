"""The lockfile's branch, of a remote on disk by git or in memory: a push is a compare-and-swap."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qflow_gitops.errors import LockError
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.lock_branch import LockBranch
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace

Clone = Callable[[str], LockBranch]
"""One clone's end of the branch; the same name is the same clone, opened anew."""


class Ends:
    """Clones of one remote, and what becomes of that."""

    def __init__(self, clone: Clone, silence: Callable[[], None]) -> None:
        self.clone = clone
        self.silence = silence


@pytest.fixture(params=["git", "fake"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Ends:
    if request.param == "fake":
        there, seen = FakeLockRemote(), dict[str, FakeLockBranch]()

        def opened(name: str) -> LockBranch:
            return seen.setdefault(name, FakeLockBranch(there))

        return Ends(opened, lambda: setattr(there, "answers", False))
    remote = Remote(tmp_path / "remote.git")
    begun = remote.clone("begun")
    begun.git("commit", "--quiet", "--allow-empty", "-m", "the beginning")
    begun.git("push", "--quiet", "origin", "HEAD:main")

    def cloned(name: str) -> LockBranch:
        folder = tmp_path / name
        clone = Workspace(folder) if folder.exists() else remote.clone(name)
        repo = GitRepo.open(clone.path, os.environ)
        return GitBranch(repo, "origin", "qflow-lock", lambda: 30.0)

    return Ends(cloned, lambda: setattr(remote, "path", remote.path.rename(tmp_path / "away")))


HEAD = "qflow.lock"


def pushed(branch: LockBranch, *contents: bytes, parent: str = "") -> list[str]:
    """Push one commit after another."""
    commits = []
    for content in contents:
        parent_of_it, parent = parent, branch.commit(parent, {HEAD: content}, "words")
        assert branch.push(parent, parent_of_it)
        commits.append(parent)
    return commits


def test_before_the_first_push_there_is_nothing(ends: Ends) -> None:
    branch = ends.clone("a")
    assert branch.fetch() == ""
    assert branch.known().commit == ""
    assert "qflow-lock" in branch.where
    assert "1" * 40 in branch.push_command("1" * 40)
    assert "--force" in branch.push_command("1" * 40, force=True)


def test_what_is_pushed_is_what_others_fetch(ends: Ends) -> None:
    first, second = pushed(ends.clone("a"), b"one", b"two")
    other = ends.clone("b")
    assert other.fetch() == second
    assert [head_of(other, commit) for commit in (first, second)] == [b"one", b"two"]
    assert (list(other.parents(second)), list(other.parents(first))) == ([first], [])
    assert not other.complete(second)


def head_of(branch: LockBranch, commit: str) -> bytes:
    (blob,) = (entry.blob for entry in branch.entries(commit) if entry.path == HEAD)
    (content,) = branch.blobs([blob])
    return content


def test_a_commit_adds_files_to_what_is_there(ends: Ends) -> None:
    branch = ends.clone("a")
    (first,) = pushed(branch, b"one")
    files = {HEAD: b"two", "runs/prod/aa/x.json": b"{}", "runs/prod/bb/y.json": b"\0\n"}
    second = branch.commit(first, files, "words")
    entries = {entry.path: entry for entry in branch.entries(second)}
    assert list(entries) == sorted(["README.md", *files])
    assert {entry.mode for entry in entries.values()} == {"100644"}
    wanted = [entries[path].blob for path in (*files, HEAD)]
    assert list(branch.blobs(wanted)) == [*files.values(), b"two"]
    assert list(branch.blobs([])) == []


def test_steps_say_what_each_commit_changed(ends: Ends) -> None:
    branch = ends.clone("a")
    (first,) = pushed(branch, b"one")
    second = branch.commit(first, {HEAD: b"two", "runs/prod/aa/x.json": b"{}"}, "words")
    third = branch.commit(second, {HEAD: b"two"}, "nothing is another one")
    blobs = {entry.path: entry.blob for entry in branch.entries(second)}
    before = {entry.path: entry.blob for entry in branch.entries(first)}
    begun, *others = branch.steps("", third)
    assert (begun.commit, begun.parents) == (first, ())
    assert {change.path: change[1:] for change in begun.changes} == {
        path: ("100644", "", blob) for path, blob in before.items()
    }
    assert [(step.commit, step.parents) for step in others] == [
        (second, (first,)), (third, (second,)),
    ]  # fmt: skip
    assert [[(each.path, each.old, each.new) for each in step.changes] for step in others] == [
        [(HEAD, before[HEAD], blobs[HEAD]),
         ("runs/prod/aa/x.json", "", blobs["runs/prod/aa/x.json"])],
        [],
    ]  # fmt: skip
    assert branch.steps(first, third) == others
    assert list(branch.steps(third, third)) == []


def test_who_pushes_on_top_of_an_older_commit_pushes_nothing(ends: Ends) -> None:
    (first,) = pushed(ends.clone("a"), b"one")
    faster, slower = ends.clone("a"), ends.clone("b")
    assert slower.fetch() == first
    late = slower.commit(first, {HEAD: b"late"}, "words")
    (second,) = pushed(faster, b"two", parent=first)
    assert not slower.push(late, first)
    assert slower.fetch() == second
    again = slower.commit(second, {HEAD: b"again"}, "words")
    assert slower.push(again, second)
    assert ends.clone("a").fetch() == again


def test_a_push_is_tried_without_one(ends: Ends) -> None:
    branch = ends.clone("a")
    (first,) = pushed(branch, b"one")
    later = branch.commit(first, {HEAD: b"two"}, "words")
    for commit in (first, later):
        branch.try_push(commit)
        assert branch.fetch() == branch.known().commit == first
    other = ends.clone("b")
    assert other.fetch() == first
    pushed(branch, b"three", parent=first)
    other.try_push(first)  # which is behind by now, and that refuses nothing
    ends.silence()
    with pytest.raises(LockError) as refused:
        branch.try_push(first)
    assert refused.value.hint or refused.value.reason == "lock_unreachable"


def test_only_one_can_begin(ends: Ends) -> None:
    one, other = ends.clone("a"), ends.clone("b")
    mine, theirs = (
        one.commit("", {HEAD: b"one"}, "words 1"), other.commit("", {HEAD: b"other"}, "words 2"),
    )  # fmt: skip
    assert one.push(mine, "")
    assert not other.push(theirs, "")
    assert other.fetch() == mine


def test_how_commits_stand_to_one_another(ends: Ends) -> None:
    branch = ends.clone("a")
    first, second = pushed(branch, b"one", b"two")
    assert branch.descends(second, first)
    assert branch.descends(first, first)
    assert not branch.descends(first, second)


def test_a_clone_remembers_the_newest_commit_that_it_saw(ends: Ends) -> None:
    (first,) = pushed(ends.clone("a"), b"one")
    other = ends.clone("b")
    other.fetch()
    other.remember(first)
    (second,) = pushed(ends.clone("a"), b"two", parent=first)
    known = ends.clone("b").known()
    assert (known.commit, known.checked) == (first, first)
    assert known.at
    assert ends.clone("a").known().commit == second


def test_the_same_content_is_another_commit_by_its_words(ends: Ends) -> None:
    branch = ends.clone("a")
    assert branch.commit("", {HEAD: b"one"}, "1") != branch.commit("", {HEAD: b"one"}, "2")


def test_a_remote_that_is_silent_is_an_error_never_an_empty_branch(ends: Ends) -> None:
    branch = ends.clone("a")
    (first,) = pushed(branch, b"one")
    ends.silence()
    with pytest.raises(LockError) as refused:
        branch.fetch()
    assert refused.value.reason == "lock_unreachable"
    late = branch.commit(first, {HEAD: b"two"}, "words")
    with pytest.raises(LockError):
        branch.push(late, first)
    assert branch.known().commit == first
    assert head_of(branch, first) == b"one"
