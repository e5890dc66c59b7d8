"""Which commit may follow the one that was applied last, and from which branch it is applied."""

from typing import Any

import pytest

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode, LockError, QflowError, StaleError, UsageProblem
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.results.plans import Planned
from tests.fakes.git import FakeGit
from tests.fakes.world import World, project_file, raised

ONLY_MAIN = project_file(prod="{platform: sandbox, branches: [main]}")


def with_remote(world: World) -> World:
    """Give the team a remote that everybody pushes to, and push."""
    world.git.add_remote()
    world.git.upstream["main"] = ("origin", "main")
    return pushed(world)


def pushed(world: World) -> World:
    world.git.push()
    world.git.fetch()
    return world


def applied(world: World, *names: str) -> str:
    commit = world.specs(*names)
    if world.git.remotes:
        pushed(world)
    assert world.apply().report.exit_code is ExitCode.OK
    return commit


def refused(world: World, **request: Any) -> QflowError:
    """Refuse an apply; nothing is sent and nothing written."""
    before, sent = list(world.store.place.versions), len(world.qualys.sent)
    problem = raised(QflowError, lambda: world.apply(**request))
    assert (world.store.place.versions, len(world.qualys.sent)) == (before, sent)
    return problem


def first_words(world: World, **request: Any) -> list[str]:
    """What a plan says an apply would refuse, or ask."""
    body = world.plan(branches=True, **request).body
    assert isinstance(body, Planned)
    return [f"{each.message} {each.hint}" for each in body.first]


# --- the order of commits ------------------------------------------------------------


def test_an_older_commit_is_refused() -> None:
    world = World()
    first = applied(world, "a")
    applied(world, "b")
    problem = refused(world, head=first, to="old-tag")
    assert (problem.reason, problem.exit_code) == ("superseded", ExitCode.STALE)
    assert "older than that one" in problem.hint
    assert "would refuse this" in first_words(world, head=first)[0]


@pytest.mark.parametrize(("to", "way"), [("", "git merge"), ("other", "--contains")])
def test_a_commit_beside_is_merged_first(to: str, way: str) -> None:
    world = World()
    first = applied(world, "a")
    applied(world, "b")
    world.git.switch("other", first)
    aside = world.specs("c")
    problem = refused(world, head=aside, to=to)
    assert problem.reason == "superseded"
    assert way in problem.hint


def test_a_history_that_was_rewritten_is_let_go_of_by_a_person() -> None:
    world = World()
    base = world.commit()
    applied(world, "a")
    world.git.reset(base)
    rewritten = world.specs("a", "b")
    problem = refused(world)
    assert "No branch here holds" in problem.hint
    assert "--ack rewritten=1" in first_words(world)[0]
    done = world.apply(acks={"rewritten": 1}, reason="squashed")
    assert done.report.exit_code is ExitCode.OK
    record = world.store.lockfile.environment("prod")
    assert record.latest == rewritten
    assert [note.text("reason") for note in record.notes] == ["squashed"]
    assert world.sent() == ["a", "b"]


def test_what_follows_needs_no_release() -> None:
    world = World()
    applied(world, "a")
    world.specs("b")
    problem = refused(world, acks={"rewritten": 1}, reason="squashed")
    assert problem.reason == "ack_differs"


def test_a_branch_of_the_remote_still_holds_it() -> None:
    world = World()
    base = world.commit()
    with_remote(world)
    applied(world, "a")
    world.git.reset(base)
    world.specs("b")
    assert "git merge" in refused(world).hint
    assert "git merge" in first_words(world)[0]


def test_a_remote_that_is_silent_tells_nothing() -> None:
    world = World()
    base = world.commit()
    with_remote(world)
    applied(world, "a")
    world.git.reset(base)
    world.specs("b")
    world.git.remotes["origin"].answers = False
    assert "can't be told, because origin" in refused(world).hint


def test_a_remote_without_a_branch_tells_nothing() -> None:
    world = World()
    base = world.commit()
    with_remote(world)
    applied(world, "a")
    world.git.reset(base)
    world.specs("b")
    world.git.remotes["origin"].refs.clear()
    assert "has no branch that could hold it" in refused(world).hint


def shallow(world: World) -> World:
    """Another machine, with one commit of the history and the same lockfile."""
    other = World(project="")
    other.git = FakeGit.clone(world.git.remotes["origin"], depth=1)
    other.branches = type(world.branches)(other.git)
    other.store = world.store
    other.qualys = world.qualys
    return other


def test_a_shallow_clone_fetches_what_tells() -> None:
    world = with_remote(committed(World()))
    applied(world, "a")
    for name in ("b", "c"):
        world.specs(name)
    pushed(world)
    runner = shallow(world)
    assert runner.git.is_shallow()
    assert runner.apply().report.exit_code is ExitCode.OK
    assert not runner.git.is_shallow()
    assert world.sent() == ["a", "b", "c"]


def committed(world: World) -> World:
    world.commit()
    return world


def test_a_shallow_clone_that_can_fetch_nothing_is_refused() -> None:
    world = with_remote(committed(World()))
    applied(world, "a")
    world.specs("b")
    world.specs("c")
    pushed(world)
    runner = shallow(world)
    runner.git.remotes["origin"].answers = False
    problem = refused(runner)
    assert "shallow" in problem.hint + problem.message
    assert first_words(runner) == []


def test_what_is_nowhere_any_more_was_as_if_never_applied() -> None:
    """The commit was purged from the remote; a new clone can't have it."""
    world = with_remote(committed(World()))
    base = world.git.resolve("HEAD")
    applied(world, "a")
    world.git.reset(base)
    world.specs("a", "b")
    world.git.remotes["origin"].refs.clear()
    pushed(world)
    runner = World(project="")
    runner.git = FakeGit.clone(world.git.remotes["origin"])
    runner.branches = type(world.branches)(runner.git)
    runner.store, runner.qualys = world.store, world.qualys
    assert "isn't in this clone" in first_words(runner)[0]
    assert runner.apply(acks={"rewritten": 1}, reason="purged").report.exit_code is ExitCode.OK
    assert world.sent() == ["a", "b"]


def test_an_environment_by_another_name_goes_on_where_it_was() -> None:
    world = World(project_file(prod="{platform: sandbox}"))
    old = applied(world, "a")
    world.git.write(
        "qflow.yaml",
        project_file(prod="{platform: sandbox}")
        .replace("    prod:", "    live:")
        .replace("defaultEnvironment: prod", "defaultEnvironment: live")
        .replace("sandbox}", "sandbox, previousNames: [prod]}"),
    )
    world.spec("b")
    renamed = world.commit()
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.sent() == ["a", "b"]
    assert world.store.lockfile.environment("live").latest == renamed
    problem = refused(world, head=old)
    assert problem.reason == "superseded"
    assert "-e live" in problem.hint


# --- branches ------------------------------------------------------------------------


def on_a_feature(world: World) -> str:
    with_remote(committed(world))
    world.git.switch("feature")
    return world.specs("a")


def test_a_commit_that_no_branch_has_is_held() -> None:
    world = World(ONLY_MAIN)
    on_a_feature(world)
    assert "`apply` would ask first" in first_words(world)[0]
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "unmerged")
    assert world.qualys.sent == []
    assert world.store.lockfile.environment("prod").latest == ""


def test_who_is_asked_and_says_yes_releases_it() -> None:
    world = World(ONLY_MAIN)
    on_a_feature(world)
    world.answers = True
    assert world.apply().report.exit_code is ExitCode.OK
    assert "Apply it to prod all the same?" in world.questions[0]
    assert world.sent() == ["a"]
    released = world.attempts("a")[0].evidence["released"]
    assert released[0]["reason"] == "confirmed at the terminal"
    assert world.store.lockfile.environment("prod").latest == ""


def test_who_says_no_sends_nothing() -> None:
    world = World(ONLY_MAIN)
    on_a_feature(world)
    world.answers = False
    problem = raised(UsageProblem, world.apply)
    assert problem.reason == "not_confirmed"
    assert world.qualys.sent == []


def test_nobody_is_asked_about_what_was_released_already() -> None:
    world = World(ONLY_MAIN)
    on_a_feature(world)
    world.answers = False
    world.apply(acks={"unmerged": 1}, reason="hotfix")
    assert world.questions == []
    assert world.sent() == ["a"]


def test_of_a_commit_without_anything_due_it_is_only_said() -> None:
    world = World(ONLY_MAIN)
    world.commit()
    with_remote(world)
    applied(world, "a")
    world.git.switch("feature")
    world.git.write("runs/notes.md", "words\n")
    world.commit()
    done = world.apply()
    assert done.report.exit_code is ExitCode.OK
    assert any("nothing of it is due" in note for note in done.report.notes)


def test_settings_that_let_a_branch_in_need_a_release_once() -> None:
    world = World(ONLY_MAIN)
    world.commit()
    with_remote(world)
    applied(world, "a")
    world.git.switch("feature")
    world.git.write("qflow.yaml", project_file(prod="{platform: sandbox, branches: [feature]}"))
    commit = world.specs("b")
    world.git.push()
    world.git.fetch()
    assert world.apply().report.reason == "unmerged"
    assert world.apply(acks={"unmerged": 1}, reason="moved").report.exit_code is ExitCode.OK
    assert world.store.lockfile.environment("prod").latest == commit


# --- specs that are all gone ---------------------------------------------------------


def test_a_commit_that_takes_all_specs_away_is_held() -> None:
    world = World()
    applied(world, "a", "b")
    world.git.remove("runs/a.yaml")
    world.git.remove("runs/b.yaml")
    world.commit()
    done = world.apply()
    assert (done.report.exit_code, done.report.reason) == (ExitCode.HELD, "empty")
    done = world.apply(acks={"empty": 1}, reason="moved to another repository")
    assert done.report.exit_code is ExitCode.OK
    assert [note.text("hold") for note in world.store.lockfile.environment("prod").notes] == [
        "empty"
    ]


# --- another lockfile ----------------------------------------------------------------


def test_a_lockfile_elsewhere_is_not_begun_anew() -> None:
    world = World()
    applied(world, "a")
    world.git.write("qflow.yaml", project_file("lock: {store: branch}"))
    world.commit()
    world.store = type(world.store)()
    problem = refused(world)
    assert isinstance(problem, LockError)
    assert problem.reason == "lock_moved"
    assert "would refuse this: there is no lockfile yet" in first_words(world)[0]
    world.git.add_remote()
    pushed(world)
    done = world.apply(acks={"new-record": 1}, reason="nothing ran")
    assert done.report.exit_code is ExitCode.OK
    assert world.attempts("a")[0].evidence["released"][0]["hold"] == "new-record"


def test_an_earlier_policy_holds_beside_the_new_one() -> None:
    world = World(project_file("policy: {limits: {runs: 1}}"))
    applied(world, "a")
    world.git.write("qflow.yaml", project_file())
    world.specs("b", "c")
    assert world.apply().report.reason == "limit"
    assert "holds less than the policy up to now" in first_words(world)[0]


def test_a_mark_by_others_before_the_session_is_looked_at_again() -> None:
    world = World()
    first = world.specs("a")
    world.spec("b")
    later = world.commit()

    def gone_on(lockfile: Lockfile) -> Lockfile:
        return lockfile.marked(Checkpoint("prod", later))

    def on(event: events.Event) -> None:
        if isinstance(event, events.Ready):
            world.store.another_writes(gone_on)

    problem = raised(StaleError, lambda: world.apply(on, head=first))
    assert problem.reason == "superseded"
    assert world.states() == {}
