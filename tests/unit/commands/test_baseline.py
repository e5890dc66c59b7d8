"""`baseline`: what ran before is declared as done, and never sent."""

import pytest

from qflow_gitops.errors import BusyError, ExitCode, QflowError, UsageProblem
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan import decide
from qflow_gitops.plan.change import Change, Plan
from qflow_gitops.plan.context import Context
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.records import RunHistory
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.specs.load import SpecSet
from tests.fakes import qualys as fakes
from tests.fakes.lock_store import FakeLockSession
from tests.fakes.world import WORKFLOW, World, project_file, raised

MARK = Checkpoint("test", "1" * 40)


def refused(world: World, *runs: str, reason: str = "ran before") -> QflowError:
    before = list(world.store.place.versions)
    problem = raised(QflowError, lambda: world.baseline(*runs, reason=reason))
    assert world.store.place.versions == before
    return problem


def test_all_that_is_due_is_declared_and_nothing_sent() -> None:
    world = World()
    commit = world.specs("a", "b")
    report = world.baseline()
    assert isinstance(report.body, RunHistory)
    assert [name for _, name, _ in report.body.attempts] == ["a", "b"]
    assert world.states() == {"a": State.BASELINED, "b": State.BASELINED}
    (attempt,) = world.attempts("a")
    assert attempt.fact("workflowId") == WORKFLOW
    assert (attempt.fact("platform"), attempt.fact("commit")) == ("sandbox", commit)
    assert attempt.events[0].extra == {"by": {"actor": "ada"}, "detail": "ran before"}
    assert world.apply().report.exit_code is ExitCode.OK
    assert world.connected == []


@pytest.mark.parametrize("known", [False, True])
def test_what_nobody_changed_meanwhile_is_decided_once(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    world.specs("a")
    if known:
        world.baseline()
    world.specs("b")
    decisions = []
    compute = decide.compute

    def counted(specs: SpecSet, context: Context) -> Plan:
        decisions.append(made := compute(specs, context))
        return made

    monkeypatch.setattr(decide, "compute", counted)
    report = world.baseline()
    assert len(decisions) == 1
    assert isinstance(report.body, RunHistory)
    assert [name for _, name, _ in report.body.attempts] == [*([] if known else ["a"]), "b"]
    lockfile = world.store.lockfile
    assert report.body.lock == LockSeen(world.store.where, True, lockfile.lineage, lockfile.serial)


def test_more_files_than_fit_a_command_line_are_all_found() -> None:
    world = World()
    world.specs(*(f"run-{number}" for number in range(600)))
    world.baseline()
    states = world.states()
    assert len(states) == 600
    blobs = {world.attempts(name)[0].fact("blob") for name in states}
    assert len(world.git.blobs_at_hand(blobs)) == 600


def test_only_those_that_are_named_are_declared() -> None:
    world = World()
    world.specs("a", "b", "ab")
    world.baseline("prod/a")
    assert list(world.states()) == ["a"]
    world.baseline("prod/*")
    assert sorted(world.states()) == ["a", "ab", "b"]


def test_labels_choose_runs() -> None:
    world = World()
    world.spec("a", metadata="  labels: {team: x}\n")
    world.specs("b")
    world.baseline(labels={"team": "x"})
    assert list(world.states()) == ["a"]


def test_a_person_sees_them_first() -> None:
    world = World()
    world.specs("a")
    world.confirms = False
    assert refused(world).reason == "not_confirmed"
    (shown,) = world.shown[0]
    assert isinstance(shown, Change)
    assert shown.name == "a"


def test_where_nothing_is_due_nobody_is_asked() -> None:
    world = World()
    world.commit()
    world.confirms = False
    report = world.baseline()
    assert report.exit_code is ExitCode.OK
    assert isinstance(report.body, RunHistory)
    assert not report.body.lock.exists
    assert world.shown == []


def test_it_is_said_why() -> None:
    world = World()
    world.specs("a")
    assert refused(world, reason=" ").reason == "reason_missing"
    assert isinstance(refused(world, reason="ghp_" + "a1B2" * 9), UsageProblem)


def test_specs_with_errors_are_fixed_first() -> None:
    world = World()
    world.git.write("runs/bad.yaml", "kind: [\n")
    world.commit()
    assert isinstance(refused(world), InvalidFiles)


def test_what_is_held_for_an_earlier_request_points_at_it() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.spec("b", "a")
    world.commit()
    world.baseline("b")
    assert world.attempts("b")[0].fact("sameAs") == "prod/a #1"


def test_what_failed_is_declared_as_done() -> None:
    world = World(project_file("statuses: {Broken: failed}"))
    world.specs("a")
    world.qualys.ends = "Broken"
    world.apply()
    world.baseline("prod/a")
    assert world.states() == {"a": State.BASELINED}
    assert world.attempts("a")[1].fact("sameAs") == "prod/a #1"


def test_what_failed_with_another_request_is_no_witness() -> None:
    world = World(project_file("statuses: {Broken: failed}"))
    world.specs("a")
    world.qualys.ends = "Broken"
    world.apply()
    world.spec("a", "changed")
    world.commit()
    world.baseline("prod/a")
    assert world.attempts("a")[1].fact("sameAs") == ""


def test_of_two_with_one_request_both_are_meant() -> None:
    world = World()
    world.specs("a")
    world.spec("b", "a")
    world.commit()
    assert world.baseline().exit_code is ExitCode.OK
    assert set(world.states().values()) == {State.BASELINED}
    assert set(world.states()) == {"a", "b"}


def test_the_second_of_two_waits_for_the_first() -> None:
    world = World()
    world.specs("a")
    world.spec("b", "a")
    world.commit()
    problem = refused(world, "prod/b")
    assert problem.reason == "baseline_not_held"
    assert "Declare both" in problem.hint
    world.baseline("prod/a", "prod/b")
    assert set(world.states()) == {"a", "b"}


@pytest.mark.parametrize("how", ["done", "in doubt"])
def test_what_is_done_or_in_doubt_is_not_declared(how: str) -> None:
    world = World()
    world.specs("a")
    if how == "in doubt":
        world.qualys.replies.append(fakes.VANISHED)
    world.apply()
    assert refused(world, "prod/a").reason == "baseline_not_held"


def test_a_run_that_is_not_there_is_named() -> None:
    world = World()
    world.specs("a")
    problem = refused(world, "dev/a")
    assert problem.reason == "run_unknown"
    assert "prod/a" in problem.hint


def test_a_race_is_decided_again_on_what_others_wrote() -> None:
    world = World()
    world.specs("a")
    world.store.meanwhile += [lambda lockfile: lockfile.marked(MARK)] * 3
    world.baseline()
    assert world.states() == {"a": State.BASELINED}


def test_a_race_that_is_lost_again_and_again_is_given_up() -> None:
    world = World()
    world.specs("a")
    world.store.meanwhile += [lambda lockfile: lockfile.marked(MARK)] * 30
    raised(BusyError, world.baseline)
    assert world.states() == {}


def test_the_record_is_asked_for_as_often_whatever_is_declared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A session may make it anew each time: asked for each run, the time grew by the square."""
    asked: list[FakeLockSession] = []

    def get(session: FakeLockSession) -> Lockfile:
        asked.append(session)
        return kept[id(session)]

    def put(session: FakeLockSession, lockfile: Lockfile) -> None:
        kept[id(session)] = lockfile

    kept: dict[int, Lockfile] = {}
    monkeypatch.setattr(FakeLockSession, "lockfile", property(get, put), raising=False)
    counts = []
    for size in (2, 40):
        world = World()
        world.specs(*(f"run-{number}" for number in range(size)))
        asked.clear()
        world.baseline()
        assert len(world.states()) == size
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0
