"""`rerun`: the same request once more, by a number that nobody has used, and why."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from qflow_gitops.commands import edit_files
from qflow_gitops.errors import InvalidInput, LockError, QflowError, UsageProblem
from qflow_gitops.results.files import Files
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.specs import schemas
from tests.fakes.worktree import FakeWorkTree
from tests.fakes.world import World, raised


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A run that succeeded, in a folder of its own."""
    made = World(root=tmp_path)
    made.specs("a")
    made.apply()
    made.on_disk()
    return made


def refused(world: World, run: str = "a", reason: str = "once more") -> QflowError:
    before = (world.git.root / "runs/a.yaml").read_bytes()
    problem = raised(QflowError, lambda: world.rerun(run, reason))
    assert (world.git.root / "runs/a.yaml").read_bytes() == before
    return problem


def test_the_number_is_raised_and_the_reason_stands_beside_it(world: World) -> None:
    report = world.rerun("prod/a", " the bucket was made anew ")
    text = world.from_disk("runs/a.yaml")
    assert "rerun: 1" in text
    assert 'rerunReason: "the bucket was made anew"' in text
    assert isinstance(report.body, Files)
    assert "absent → 1" in report.body.changes[0].detail
    assert "+  rerun: 1" in report.body.changes[1].diff
    assert report.notes == ()
    world.commit()
    world.apply()
    assert world.sent() == ["a", "a"]
    world.rerun("a")
    assert "rerun: 2" in world.from_disk("runs/a.yaml")


def test_a_number_that_was_spent_under_another_name_is_passed_over(world: World) -> None:
    world.spec("b", "a", extra="  rerun: 3\n")
    world.commit()
    world.apply()
    world.on_disk()
    report = world.rerun("a")
    assert "rerun: 4" in world.from_disk("runs/a.yaml")
    assert "prod/b, attempt 1" in report.notes[0]


def test_numbers_that_others_ask_for_are_passed_over(world: World) -> None:
    world.spec("b", "a", extra="  rerun: 1\n")
    world.spec("c", "a", extra="  rerun: 2\n")
    world.on_disk()
    report = world.rerun("a")
    assert "rerun: 3" in world.from_disk("runs/a.yaml")
    assert "asked for by prod/b, and 1 after it by others" in report.notes[0]


def test_where_no_number_is_left_it_is_said(world: World) -> None:
    world.spec("a", extra=f"  rerun: {maximum()}\n")
    world.on_disk()
    problem = refused(world)
    assert problem.reason == "rerun_maximum"
    assert f"it is {maximum()}" in problem.message


def maximum() -> int:
    return int(schemas.load("workflow-run")["$defs"]["rerun"]["maximum"])


def test_the_highest_number_may_have_been_another_runs(world: World) -> None:
    world.spec("b", "a", extra=f"  rerun: {maximum()}\n")
    world.commit()
    world.apply()
    world.on_disk()
    problem = refused(world)
    assert problem.reason == "rerun_maximum"
    assert "prod/b, attempt 1, had" in problem.message


def test_a_copy_of_the_lockfile_is_told_to_be_one(world: World) -> None:
    world.store.copied_at = "2026-10-05T00:00:00Z"
    assert "can't be asked now" in world.rerun("a").notes[-1]


def test_a_lockfile_that_can_not_be_read_is_not_guessed(world: World) -> None:
    world.store.unreadable = LockError("It is broken.", reason="lock_broken")
    assert refused(world).not_done == "No file was changed."


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("  ", "reason_empty"),
        ("two\nlines", "reason_lines"),
        ("hid\u200bden", "reason_control"),
        ("x" * 501, "reason_long"),
        ("ghp_" + "a1B2" * 9, ""),
    ],
)
def test_a_reason_that_can_not_be_kept_is_refused(world: World, reason: str, word: str) -> None:
    problem = refused(world, reason=reason)
    assert isinstance(problem, UsageProblem)
    assert word in ("", problem.reason)


@pytest.mark.parametrize(
    ("run", "hint"), [("dev/a", "prod/a"), ("prod/aa", "prod/a"), ("nothing-like-it", "status")]
)
def test_a_run_that_is_not_there_may_be_another_one(world: World, run: str, hint: str) -> None:
    problem = refused(world, run)
    assert problem.reason == "run_unknown"
    assert hint in problem.hint


def test_files_with_errors_may_hold_a_run_that_is_not_found(world: World) -> None:
    world.git.write("runs/bad.yaml", "kind: [\n")
    assert "files with errors may hold it" in refused(world, "other").message


def test_without_a_default_environment_the_run_names_one(tmp_path: Path) -> None:
    world = World(root=tmp_path)
    settings = world.git.files_on_disk[b"qflow.yaml"].content.decode()
    settings = settings.replace("  defaultEnvironment: prod\n", "")
    world.git.write("qflow.yaml", settings + "    dev: {platform: sandbox}\n")
    world.spec("a", metadata="  environment: dev\n")
    world.commit()
    world.on_disk()
    assert "names no environment" in refused(world, "a").message


def test_a_spec_with_errors_is_fixed_first(world: World) -> None:
    world.spec("a", extra="  unknown: 1\n")
    world.on_disk()
    assert isinstance(refused(world), InvalidFiles)


def meanwhile(world: World, text: str) -> None:
    """Somebody else writes the file between a first and a second look."""
    look = world.git.worktree

    def changing(folders: Sequence[str]) -> FakeWorkTree:
        tree = look(folders)
        world.git.write("runs/a.yaml", text)
        return tree

    world.git.worktree = changing  # type: ignore[method-assign]  # two hands at one file


def test_a_file_that_somebody_changes_at_the_same_time_stays(world: World) -> None:
    text = world.git.files_on_disk[b"runs/a.yaml"].content.decode()
    meanwhile(world, text.replace('value: "a"', 'value: "other"'))
    assert refused(world).reason == "file_changed"


def test_a_file_that_can_not_be_edited_is_left_to_a_person(world: World) -> None:
    text = world.git.files_on_disk[b"runs/a.yaml"].content.decode()
    meanwhile(world, text + "  rerun: [1]\n")
    problem = refused(world)
    assert problem.reason == "file_uneditable"
    assert "by hand" in problem.hint
    assert problem.where == "runs/a.yaml:4"


def test_a_file_that_can_not_be_written_stays(world: World) -> None:
    (world.git.root / "runs/a.yaml").unlink()
    problem = raised(InvalidInput, lambda: world.rerun("a"))
    assert problem.reason == "file_unwritable"


def test_a_difference_masks_what_looks_like_a_secret() -> None:
    token = "ghp_" + "a1B2" * 9
    shown = edit_files.difference("a.yaml", b"a: 1\n", f"a: {token}\n".encode())
    assert "@@ -1 +1 @@" in shown
    assert "-a: 1" in shown
    assert token not in shown


@pytest.mark.parametrize("text", ["kind: [\n", "", "a: 1\n"])
def test_a_file_that_somebody_broke_at_the_same_time_is_left_to_a_person(
    world: World, text: str
) -> None:
    meanwhile(world, text)
    assert refused(world).reason in ("file_uneditable", "invalid")
