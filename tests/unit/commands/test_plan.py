"""`plan`: what would run and why, compared with what, and what an apply would say first."""

import pytest

from qflow_gitops.errors import ExitCode, LockError, UsageProblem
from qflow_gitops.lockfile import freezes
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from tests.fakes import qualys as fakes
from tests.fakes.git import FakeGit
from tests.fakes.world import World, project_file, raised


def body(report: Report) -> Planned:
    assert isinstance(report.body, Planned)
    return report.body


def reasons(report: Report) -> dict[str, Reason]:
    return {change.name: change.reason for change in body(report).plan.changes}


def test_what_is_due_is_shown_with_its_reason() -> None:
    world = World()
    world.specs("a", "b")
    world.apply()
    world.spec("a", "changed")
    world.spec("c")
    commit = world.commit()
    report = world.plan()
    assert reasons(report) == {"a": Reason.MODIFIED, "c": Reason.ADDED}
    assert body(report).commit == commit
    assert not body(report).full
    assert world.plan(exit_code=True).exit_code is ExitCode.PENDING
    assert report.exit_code is ExitCode.OK


def test_with_a_cache_it_is_the_same_plan() -> None:
    world = World()
    world.specs("a", "b")
    world.apply()
    world.specs("c")
    expected = world.plan()
    for _ in range(2):
        assert world.plan(cached=True) == expected
    assert world.plan(full=True, cached=True).body != expected.body
    assert reasons(world.plan(full=True, cached=True)) == reasons(world.plan(full=True))


def test_the_work_tree_can_be_planned_before_it_is_committed() -> None:
    world = World()
    world.specs("a")
    world.spec("b")
    report = world.plan(worktree=True)
    assert reasons(report) == {"a": Reason.ADDED, "b": Reason.ADDED}
    assert body(report).commit == ""


def test_all_specs_are_looked_at_where_a_share_is_asked_of_them() -> None:
    world = World(project_file("policy: {limits: {share: {percent: 50}}}"))
    world.specs("a", "b")
    world.apply()
    assert body(world.plan()).full


def test_compared_with_a_commit_only_what_differs_is_shown() -> None:
    world = World()
    base = world.specs("a")
    world.specs("b")
    assert reasons(world.plan(base=base)) == {"b": Reason.ADDED}
    assert body(world.plan(base=base)).base == base


def test_compared_with_another_line_their_common_commit_counts() -> None:
    world = World()
    base = world.specs("a")
    world.git.switch("other")
    world.specs("o")
    world.git.switch("main")
    world.specs("b")
    report = world.plan(base="other")
    assert body(report).base == base
    assert reasons(report) == {"b": Reason.ADDED}


def test_a_pull_request_is_compared_with_its_target() -> None:
    world = World()
    base = world.specs("a")
    world.git.add_remote()
    world.git.push()
    world.git.switch("feature")
    world.specs("b")
    report = world.plan(target="main")
    assert (body(report).base, reasons(report)) == (base, {"b": Reason.ADDED})
    report = world.plan(target="release")
    assert "origin/release isn't in this clone" in report.notes[0]
    assert set(reasons(report)) == {"a", "b"}


def test_environments_of_different_commits_are_looked_at_whole() -> None:
    world = World(project_file("  dev: {platform: sandbox}"))
    world.specs("a")
    world.spec("d", metadata="  environment: dev\n")
    world.commit()
    world.apply(environment="prod")
    report = world.plan()
    assert any("different commits" in note for note in report.notes)
    assert reasons(report)["d"] is Reason.ADDED


def test_what_was_applied_last_may_be_missing_here() -> None:
    world = World()
    world.git.add_remote()
    world.specs("a")
    world.apply()
    world.specs("b")
    world.specs("c")
    world.git.push()
    world.git.fetch()
    world.git = FakeGit.clone(world.git.remotes["origin"], depth=1)
    report = world.plan()
    assert "(it is shallow" in report.notes[0]
    assert body(report).full


def test_what_is_held_says_why() -> None:
    world = World()
    world.specs("a")
    world.qualys.replies.append(fakes.refused())
    world.apply()
    world.freezes = freezes.by_variable("incident")
    world.specs("b")
    report = world.plan(freezes=world.freezes)
    assert reasons(report)["b"] is Reason.FROZEN
    assert body(report).freezes == world.freezes


def test_a_spec_with_errors_is_held_and_the_code_says_so() -> None:
    world = World()
    world.git.write("runs/bad.yaml", "kind: [\n")
    world.commit()
    assert world.plan().exit_code is ExitCode.INVALID


def test_the_chosen_environment_has_to_exist() -> None:
    world = World()
    world.commit()
    assert raised(UsageProblem, lambda: world.plan(environment="x")).reason == "environment_unknown"


def test_a_lockfile_that_can_not_be_read_ends_it() -> None:
    world = World()
    world.commit()
    world.store.unreadable = LockError("It is broken.", reason="lock_broken")
    assert raised(LockError, world.plan) is world.store.unreadable


def test_specs_that_are_all_gone_are_held_and_asked_about() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.git.remove("runs/a.yaml")
    base = world.commit()
    changes = body(world.plan()).plan.of(Action.HOLD)
    assert [change.reason for change in changes] == [Reason.EMPTY]
    world.git.write("README.md", "words\n")
    world.commit()
    assert body(world.plan(base=base)).plan.changes == ()


def test_a_shallow_clone_is_told_nothing_that_it_can_not_know() -> None:
    world = World()
    world.git.add_remote()
    world.specs("a")
    world.specs("b")
    world.git.push()
    world.git = FakeGit.clone(world.git.remotes["origin"], depth=1)
    world.branches = type(world.branches)(world.git)
    assert body(world.plan(branches=True)).first == ()


@pytest.mark.parametrize("branches", [True, False])
def test_of_another_environment_nothing_is_said(branches: bool) -> None:
    world = World(project_file("  dev: {platform: sandbox, branches: [develop]}"))
    world.specs("a")
    said = body(world.plan(branches=branches, environment="prod")).first
    assert said == ()
