"""A repository on disk, read by plumbing or by GitPython, and the fake one answer alike."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from qflow_gitops.base.times import moment
from qflow_gitops.errors import Unreadable, UsageProblem
from qflow_gitops.git.history import HistoryRepo
from qflow_gitops.ports.git import ChangeKind, RemoteBranches
from tests.fakes.git import FakeGit
from tests.fakes.history import blob_id
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.git_story import FakeStory, RealStory, Story


@pytest.fixture(params=["git", "gitpython", "fake"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Story:
    """An empty repository with an empty remote."""
    if request.param == "fake":
        fake = FakeGit()
        fake.add_remote()
        return FakeStory(fake)
    template: Path = request.getfixturevalue("template")
    folder = tmp_path / "repository"
    shutil.copytree(template, folder)
    remote = Remote(tmp_path / "remote.git")
    Workspace(folder).git("remote", "add", "origin", remote.path.as_uri())
    if request.param == "gitpython":
        return RealStory(Workspace(folder), remote.path, HistoryRepo.of)
    return RealStory(Workspace(folder), remote.path)


@pytest.fixture
def three(story: Story) -> tuple[str, str, str]:
    """Three commits on main, of which the last two change `runs`."""
    story.write("README.md", "words\n")
    first = story.commit()
    story.write("runs/a.yaml", "a: 1\n")
    story.write("runs/deep/b.yaml", "b: 1\n")
    second = story.commit()
    story.write("runs/a.yaml", "a: 2\n")
    story.remove("runs/deep/b.yaml")
    story.write("runs/c.yaml", "b: 1\n")
    return first, second, story.commit()


def refusal(work: Callable[[], object]) -> str:
    """The word for machines of a refusal."""
    with pytest.raises(UsageProblem) as refused:
        work()
    return refused.value.reason


# --- names of commits ----------------------------------------------------------------


def test_before_the_first_commit_there_is_none(story: Story) -> None:
    assert refusal(lambda: story.git.resolve("HEAD")) == "no_commits"
    assert story.branches.current() == "main"
    assert not story.git.is_shallow()


def test_a_commit_has_many_names(story: Story, three: tuple[str, str, str]) -> None:
    _, second, third = three
    story.push()
    for name in (
        "HEAD",
        "main",
        third,
        "refs/heads/main",
        "origin/main",
        "refs/remotes/origin/main",
    ):
        assert story.git.resolve(name) == third
    assert story.git.resolve("HEAD^1") == second
    assert story.git.resolve(f"{third}^1") == second
    for name in ("elsewhere", "0" * 40, f"{three[0]}^1"):
        assert refusal(partial(story.git.resolve, name)) == "revision_unknown"
    assert story.git.has_commit(second)
    assert not story.git.has_commit("0" * 40)
    assert not story.git.has_commit("main")


def test_a_commit_is_known_by_who_wrote_it_and_its_first_line(
    story: Story, three: tuple[str, str, str]
) -> None:
    found = story.git.seen(three[1])
    assert found is not None
    assert found.author == "Test"
    assert found.at.endswith("Z")
    assert found.subject == found.message == "change"
    assert story.git.all_seen([three[1], "0" * 40, "main", three[1]]) == {three[1]: found}
    assert story.git.all_seen([]) == {}
    for nothing in ("0" * 40, "main", "", "-x"):
        assert story.git.seen(nothing) is None
    story.push()
    shallow = story.clone(depth=1)
    assert shallow.git.seen(three[1]) is None
    assert shallow.git.seen(three[2]) is not None


# --- what commits hold ---------------------------------------------------------------


def test_files_of_a_commit_come_with_their_blobs(story: Story, three: tuple[str, str, str]) -> None:
    files = story.git.files(three[1], ["runs"])
    assert list(files) == [b"runs/a.yaml", b"runs/deep/b.yaml"]
    assert files[b"runs/a.yaml"] == (b"runs/a.yaml", "100644", blob_id(b"a: 1\n"))
    assert set(story.git.files(three[1], ["runs/deep", "README.md"])) == {
        b"README.md", b"runs/deep/b.yaml",
    }  # fmt: skip
    assert set(story.git.files(three[1], ["."])) == {b"README.md", *files}
    assert story.git.files(three[1], ["run", "runs/a"]) == {}


def test_a_folder_lists_what_it_holds_itself(story: Story, three: tuple[str, str, str]) -> None:
    modes = {path: entry.mode for path, entry in story.git.listing(three[1], "").items()}
    assert modes == {b"README.md": "100644", b"runs": "040000"}
    assert set(story.git.listing(three[1], "runs")) == {b"runs/a.yaml", b"runs/deep"}
    entry = story.git.listing(three[2], "runs")[b"runs/a.yaml"]
    assert entry.blob == blob_id(b"a: 2\n")
    assert story.git.listing(three[0], "runs") == {}


def test_the_work_tree_lists_what_is_there_now(story: Story, three: tuple[str, str, str]) -> None:
    story.write("runs/new.yaml", "new\n")
    story.link("runs/link.yaml", "a.yaml")
    listed = story.git.listing("", "runs")
    assert {path: entry.mode for path, entry in listed.items()} == {
        b"runs/a.yaml": "100644", b"runs/c.yaml": "100644",
        b"runs/new.yaml": "100644", b"runs/link.yaml": "120000",
    }  # fmt: skip
    assert {entry.blob for entry in listed.values()} == {""}
    assert story.git.listing("", "nowhere") == {}


def test_files_of_a_name_are_found_in_any_folder(story: Story) -> None:
    for name in ("qflow.yaml", "teams/a/qflow.yaml", "teams/b/my-qflow.yaml"):
        story.write(name, name)
    known = ["qflow.yaml", "teams/a/qflow.yaml"]
    assert story.git.named("", "qflow.yaml") == []
    assert sorted(story.git.named(story.commit(), "qflow.yaml")) == known
    story.write("teams/c/qflow.yaml", "new")
    inside, before = story.git.at("teams/a"), story.git.index_identity
    assert sorted(inside.named("", "qflow.yaml")) == known
    assert sorted(inside.named("", "qflow.yaml", untracked=True)) == [*known, "teams/c/qflow.yaml"]
    assert story.git.index_identity == before != ""
    story.commit()
    assert story.git.index_identity not in ("", before)
    assert sorted(inside.named("", "qflow.yaml")) == [*known, "teams/c/qflow.yaml"]


def test_contents_are_read_by_blob(story: Story, three: tuple[str, str, str]) -> None:
    entries = story.git.files(three[2], ["runs"]).values()
    read = story.git.contents(entries)
    assert sorted(read.values()) == [b"a: 2\n", b"b: 1\n"]
    assert read[blob_id(b"b: 1\n")] == b"b: 1\n"
    assert story.git.blobs_at_hand([*read, "0" * 40]) == read


def test_what_a_commit_holds_and_the_clone_lost_is_never_absent(
    story: Story, three: tuple[str, str, str]
) -> None:
    lost = blob_id(b"a: 2\n")
    story.lose(lost)
    with pytest.raises(Unreadable):
        story.git.contents(story.git.files(three[2], ["runs"]).values())
    assert story.git.blobs_at_hand([lost, blob_id(b"b: 1\n")]) == {blob_id(b"b: 1\n"): b"b: 1\n"}


def test_changes_are_told_by_path_and_never_as_a_rename(
    story: Story, three: tuple[str, str, str]
) -> None:
    assert story.git.changes(three[1], three[2], ["runs"]) == [
        (b"runs/a.yaml", ChangeKind.MODIFIED),
        (b"runs/c.yaml", ChangeKind.ADDED),
        (b"runs/deep/b.yaml", ChangeKind.REMOVED),
    ]
    assert story.git.changes(three[0], three[2], ["README.md"]) == []


def test_what_is_not_committed_is_named(story: Story, three: tuple[str, str, str]) -> None:
    assert story.git.uncommitted(["."]) == []
    story.write("runs/a.yaml", "a: 3\n")
    story.write("runs/new/d.yaml", "d: 1\n")
    story.remove("runs/c.yaml")
    story.write("README.md", "other words\n")
    found = ["runs/a.yaml", "runs/c.yaml", "runs/new/d.yaml"]
    assert story.git.uncommitted(["runs"]) == found


def test_another_folder_may_be_at_hand(story: Story, three: tuple[str, str, str]) -> None:
    there = story.git.at("runs/deep")
    assert (there.prefix, story.git.prefix) == ("runs/deep", "")
    assert there.root == story.git.root
    assert there.common_dir == story.git.common_dir
    assert there.resolve("HEAD") == three[2]
    assert set(there.listing(three[1], "runs/deep")) == {b"runs/deep/b.yaml"}


# --- how commits stand to one another ------------------------------------------------


def test_the_line_of_first_parents(story: Story, three: tuple[str, str, str]) -> None:
    first, second, third = three
    story.switch("other", first)
    story.write("runs/other.yaml", "o: 1\n")
    other = story.commit()
    story.switch("main")
    merge = story.merge(other)
    git = story.git
    assert list(git.first_parents("", merge, 99)) == [merge, third, second, first]
    assert list(git.first_parents("", merge, 2)) == [merge, third]
    assert list(git.first_parents(second, merge, 99)) == [merge, third]
    assert list(git.first_parents(merge, merge, 99)) == []
    assert list(git.first_parents("", merge, 99, ["runs"])) == [merge, third, second]
    assert list(git.first_parents("", merge, 99, ["README.md"])) == [first]
    assert list(git.first_parents("", merge, 1, ["runs/a.yaml"])) == [third]
    assert list(git.first_parents(first, merge, 99, ["runs/other.yaml"])) == [merge]


def test_ancestors_and_where_two_lines_part(story: Story, three: tuple[str, str, str]) -> None:
    first, second, third = three
    story.switch("other", second)
    story.write("x", "x")
    other = story.commit()
    git = story.git
    assert git.is_ancestor(first, other)
    assert git.is_ancestor(other, other)
    assert not git.is_ancestor(other, first)
    assert not git.is_ancestor(third, other)
    assert not git.is_ancestor("0" * 40, other)
    assert git.merge_base(third, other) == git.merge_base(other, third) == second
    assert git.merge_base(first, other) == first


def test_when_a_commit_was_made(story: Story, three: tuple[str, str, str]) -> None:
    times = [moment(story.git.committed_at(commit)) for commit in three]
    assert times == sorted(times)
    assert story.git.committed_at("0" * 40) == ""


def test_a_merge_is_clean_where_it_holds_nothing_of_its_own(
    story: Story, three: tuple[str, str, str]
) -> None:
    story.switch("clean", three[1])
    story.write("runs/mine.yaml", "m: 1\n")
    mine = story.commit()
    clean = story.merge("main")
    assert story.git.clean_merge(clean) == (mine, three[2])
    story.switch("evil", mine)
    assert story.git.clean_merge(story.merge("main", but="runs/hidden.yaml")) is None
    assert story.git.clean_merge(mine) is None
    assert story.git.clean_merge(three[0]) is None


def test_a_merge_of_two_changes_of_one_file_is_not_clean(
    story: Story, three: tuple[str, str, str]
) -> None:
    """However it was settled."""
    story.switch("theirs", three[1])
    story.write("runs/a.yaml", "a: 3\n")
    story.commit()
    assert story.git.clean_merge(story.merge("main", but="runs/a.yaml")) is None
    story.switch("alike", three[1])
    story.write("runs/a.yaml", "a: 2\n")
    alike = story.commit()
    assert story.git.clean_merge(story.merge("main")) == (alike, three[2])


# --- clones and remotes --------------------------------------------------------------


def test_a_shallow_clone_knows_what_it_lacks_and_can_fetch_it(
    story: Story, three: tuple[str, str, str]
) -> None:
    first, second, third = three
    story.push()
    clone = story.clone(depth=1)
    git = clone.git
    assert git.is_shallow()
    assert git.resolve("HEAD") == third
    assert not git.has_commit(second)
    assert refusal(lambda: git.resolve("HEAD^1")) == "revision_unknown"
    assert list(git.first_parents("", third, 99, ["README.md"])) == [third]
    assert git.merge_base(third, third) == third
    assert not git.is_ancestor(first, third)
    git.unshallow("nowhere")
    assert git.is_shallow()
    git.unshallow("origin")
    assert not git.is_shallow()
    assert list(clone.git.first_parents("", third, 99)) == [third, second, first]


def test_a_shallow_clone_stays_so_where_the_remote_is_silent(
    story: Story, three: tuple[str, str, str]
) -> None:
    story.push()
    clone = story.clone(depth=1)
    story.silence()
    clone.git.unshallow("origin")
    assert clone.git.is_shallow()
    assert not clone.git.has_commit(three[1])


def test_a_commit_is_fetched_by_the_ref_that_has_it(
    story: Story, three: tuple[str, str, str]
) -> None:
    story.push()
    clone = story.clone()
    story.switch("feature")
    story.write("runs/a.yaml", "a: 9\n")
    proposed = story.commit()
    story.push("refs/pull/7/head")
    assert clone.git.ensure_commit(three[2], "origin", "refs/heads/main")
    assert not clone.git.ensure_commit(proposed, "nowhere", "refs/pull/7/head")
    assert not clone.git.ensure_commit(proposed, "origin", "refs/pull/8/head")
    assert clone.git.ensure_commit(proposed, "origin", "refs/pull/7/head")
    assert clone.git.merge_base(proposed, three[2]) == three[2]
    assert refusal(lambda: clone.git.resolve("origin/feature")) == "revision_unknown"
    story.silence()
    assert clone.git.ensure_commit(proposed, "origin", "refs/pull/7/head")
    assert not clone.git.ensure_commit("1" * 40, "origin", "refs/heads/main")


def test_the_remote_to_ask(story: Story, three: tuple[str, str, str]) -> None:
    assert story.branches.remote("origin") == "origin"
    assert story.branches.remote("elsewhere") == "origin"
    story.push()
    clone = story.clone()
    assert clone.branches.tracked() == ("origin", "main")
    assert clone.branches.head_of("origin") == "main"
    assert clone.branches.head_of("elsewhere") == ""
    clone.switch("own")
    assert clone.branches.current() == "own"
    assert clone.branches.tracked() == ("", "")
    clone.add_remote("another")
    assert clone.branches.remote("another") == "another"
    assert clone.branches.remote("elsewhere") == ""
    clone.switch("main")
    assert clone.branches.remote("elsewhere") == "origin"


def test_the_branches_that_hold_a_commit(story: Story, three: tuple[str, str, str]) -> None:
    first, _, third = three
    story.push()
    story.switch("feature")
    story.write("x", "x")
    proposed = story.commit()
    story.push()
    clone = story.clone()
    for holds in (story.branches, clone.branches):
        assert sorted(holds.holding(first, "origin")) == ["feature", "main"]
        assert list(holds.holding(proposed, "origin")) == ["feature"]
        assert list(holds.holding("0" * 40, "origin")) == []
    assert sorted(story.branches.holding(third, "")) == ["feature", "main"]
    assert list(clone.branches.holding(third, "")) == ["main"]
    assert list(clone.branches.holding(third, "elsewhere")) == []


def test_a_remote_says_what_it_has_now(story: Story, three: tuple[str, str, str]) -> None:
    story.push()
    clone = story.clone()
    story.switch("feature")
    story.write("x", "x")
    proposed = story.commit()
    story.push()
    now = clone.branches.ask("origin")
    assert now == RemoteBranches(True, "main", {"main": three[2], "feature": proposed})
    assert not clone.git.has_commit(proposed)
    assert clone.branches.reached(three[0], {"main": three[2]}, "origin") is True
    assert clone.branches.reached(proposed, {"main": three[2]}, "origin") is False
    assert clone.branches.reached(proposed, now.tips, "origin") is True
    assert clone.git.has_commit(proposed)
    assert list(clone.branches.holding(proposed, "origin")) == []
    assert not clone.branches.ask("elsewhere").answered


def test_nothing_is_concluded_from_a_remote_that_is_silent(
    story: Story, three: tuple[str, str, str]
) -> None:
    story.push()
    clone = story.clone()
    story.silence()
    assert clone.branches.ask("origin") == (False, "", {})
    assert clone.branches.reached(three[1], {"main": three[2]}, "origin") is True
    assert clone.branches.reached("1" * 40, {"main": three[2]}, "origin") is False
    assert clone.branches.reached("1" * 40, {"main": "2" * 40}, "origin") is None


# --- the work tree -------------------------------------------------------------------


def test_the_work_tree_shows_what_is_on_disk(story: Story, three: tuple[str, str, str]) -> None:
    story.write("runs/a.yaml", "changed\n")
    story.write("runs/new.yaml", "new\n")
    story.link("runs/link.yaml", "a.yaml")
    story.remove("runs/c.yaml")
    tree = story.git.worktree(["runs"])
    assert list(tree.listed) == [
        b"runs/a.yaml", b"runs/c.yaml", b"runs/link.yaml", b"runs/new.yaml",
    ]  # fmt: skip
    assert tree.files() == {b"runs/a.yaml": b"changed\n", b"runs/new.yaml": b"new\n"}
    assert list(tree.irregular_files()) == [(b"runs/link.yaml", "120000")]
    assert tree.read(b"runs/a.yaml") == b"changed\n"
    assert tree.read(b"runs/c.yaml") is None
    with pytest.raises(Unreadable) as refused:
        tree.read(b"runs/link.yaml")
    assert refused.value.mode == "120000"
    assert (tree.size(b"runs/new.yaml"), tree.size(b"runs/link.yaml")) == (4, -1)
    assert tree.size(b"runs/c.yaml") == -1
    assert tree.identify(b"new\n") == blob_id(b"new\n")


def test_a_file_has_its_blob_as_long_as_it_is_what_git_saw(
    story: Story, three: tuple[str, str, str]
) -> None:
    tree = story.git.worktree(["."])
    assert tree.blob(b"runs/a.yaml") == blob_id(b"a: 2\n")
    story.write("runs/a.yaml", "something longer\n")
    story.write("runs/new.yaml", "new\n")
    tree = story.git.worktree(["."])
    assert tree.blob(b"runs/a.yaml") == tree.blob(b"runs/new.yaml") == ""
    assert tree.blob(b"runs/c.yaml") == blob_id(b"b: 1\n")


def test_what_changed_since_a_look_is_named(story: Story, three: tuple[str, str, str]) -> None:
    before = story.git.worktree(["runs"])
    state, identity = before.state, before.identity
    assert story.git.worktree(["runs"]).changed_since(state) == frozenset()
    assert story.git.worktree(["runs"]).identity == identity
    story.write("runs/a.yaml", "something longer\n")
    story.write("runs/new.yaml", "new\n")
    story.remove("runs/c.yaml")
    now = story.git.worktree(["runs"])
    changed = {b"runs/a.yaml", b"runs/c.yaml", b"runs/new.yaml"}
    assert now.changed_since(state) == changed
    assert now.identity != identity
    story.commit()
    assert story.git.worktree(["runs"]).changed_since(state) == changed


def test_less_of_the_work_tree_can_be_looked_at(story: Story, three: tuple[str, str, str]) -> None:
    story.write("runs/new.yaml", "new\n")
    story.write("runs/newer.yaml", "newer\n")
    tree = story.git.worktree(["runs"])
    known = tree.tracked(["runs/newer.yaml"])
    assert list(known.listed) == [b"runs/a.yaml", b"runs/c.yaml", b"runs/newer.yaml"]
    some = story.git.worktree(["runs"]).restricted_to([b"runs/a.yaml", b"runs/gone.yaml"])
    assert list(some.listed) == [b"runs/a.yaml"]
    assert some.files() == {b"runs/a.yaml": b"a: 2\n"}
    assert some.blob(b"runs/a.yaml") == ""


def test_a_line_of_commits_is_read_at_once(story: Story) -> None:
    """What each has otherwise than the one before it, whatever lies between them in history."""
    story.write("runs/a.yaml", "one")
    story.write("elsewhere.txt", "one")
    first = story.commit()
    story.write("elsewhere.txt", "two")
    second = story.commit()
    story.write("runs/a.yaml", "two")
    story.write("runs/b c.yaml", "b")
    third = story.commit()
    story.remove("runs/a.yaml")
    fourth = story.commit()
    line = [first, second, third, fourth, first]
    found = [
        (commit, {path.decode(): bool(entry) for path, entry in changed.items()})
        for commit, changed in story.git.succession(line, ["runs"])
    ]
    assert found == [
        (first, {"runs/a.yaml": True}),
        (second, {}),
        (third, {"runs/a.yaml": True, "runs/b c.yaml": True}),
        (fourth, {"runs/a.yaml": False}),
        (first, {"runs/a.yaml": True, "runs/b c.yaml": False}),
    ]
    assert list(story.git.succession([], ["runs"])) == []


def test_what_stood_at_many_places_is_told_at_once(story: Story) -> None:
    story.write("runs/b c.yaml", "one")
    first = story.commit()
    story.write("runs/b c.yaml", "two")
    second = story.commit()
    places = [
        (first, "runs/b c.yaml"), (second, "runs/b c.yaml"), (second, "runs/none.yaml"),
        (first, "../b c.yaml"), ("0" * 40, "runs/b c.yaml"), (first, ""),
    ]  # fmt: skip
    assert story.git.blobs_of(places) == {
        places[0]: blob_id(b"one"), places[1]: blob_id(b"two"), places[2]: "", places[3]: "",
    }  # fmt: skip
    assert story.git.blobs_of([]) == {}


def test_what_stood_at_many_places_of_one_commit_is_told_as_well(story: Story) -> None:
    names = [f"deep/{folder}/{number}.yaml" for folder in ("a", "b c") for number in range(300)]
    for name in names:
        story.write(name, name)
    first = story.commit()
    odd = ["../a.yaml", "/etc/passwd", "deep/a/none.yaml", "deep/a", "deep//a/0.yaml"]
    places = [(first, name) for name in (*names, *odd)]
    assert story.git.blobs_of([*places, ("0" * 40, names[0])]) == {
        **{(first, name): blob_id(name.encode()) for name in names},
        **{(first, name): "" for name in odd},
    }
    assert story.git.blobs_of([(first, "../a.yaml"), *[("0" * 40, name) for name in names]]) == {
        (first, "../a.yaml"): ""
    }
