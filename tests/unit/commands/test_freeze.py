"""`freeze` and `unfreeze`: everything is held from now on, or no longer, and why is recorded."""

from collections.abc import Callable

import pytest

from qflow_gitops.errors import LockError, QflowError, StaleError, UsageProblem
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.results.records import Standstill
from qflow_gitops.results.report import Report
from tests.fakes.world import World, project_file, raised


def body(report: Report) -> Standstill:
    assert isinstance(report.body, Standstill)
    return report.body


def reasons(world: World) -> list[str]:
    return [event.text("reason") for event in world.store.lockfile.freezes]


def test_a_freeze_holds_and_says_why_and_by_whom() -> None:
    world = World()
    world.commit()
    report = world.freeze("incident 7")
    assert reasons(world) == ["incident 7"]
    (freeze,) = body(report).freezes
    assert (freeze.reason, freeze.by, body(report).written) == ("incident 7", "ada", True)
    assert world.store.lockfile.freezes[0].text("nonce")


def test_the_first_write_makes_the_lockfile_and_says_so() -> None:
    world = World()
    world.commit()
    assert "no lockfile yet" in world.freeze().notes[0]
    assert world.freeze("another").notes == ()


def test_in_a_fork_it_says_that_the_original_goes_on() -> None:
    world = World()
    world.specs("a")
    world.apply()
    world.store.address = "other.example/runs"
    said = "This lockfile isn't known at other.example/runs: no apply in the original is stopped."
    assert world.freeze().notes == (said,)
    assert world.unfreeze().notes == ()


def test_a_reason_that_holds_already_is_not_written_again() -> None:
    world = World()
    world.commit()
    world.freeze("incident 7")
    report = world.freeze(" incident 7\n")
    assert not body(report).written
    world.freeze("incident 8")
    assert reasons(world) == ["incident 7", "incident 8"]


def test_freezes_from_elsewhere_are_shown_too() -> None:
    world = World()
    world.commit()
    world.freezes = freezes.by_variable("maintenance")
    assert [freeze.reason for freeze in body(world.freeze()).freezes] == ["incident", "maintenance"]
    assert [freeze.reason for freeze in body(world.unfreeze()).freezes] == ["maintenance"]


def test_all_freezes_are_lifted_at_once() -> None:
    world = World()
    world.commit()
    world.freeze("1")
    world.freeze("2")
    report = world.unfreeze("over")
    assert reasons(world) == []
    assert [freeze.reason for freeze in body(report).lifted] == ["1", "2"]
    assert not body(world.unfreeze("over")).written


def test_who_froze_meanwhile_is_not_lifted_by_what_was_said_before() -> None:
    world = World()
    world.commit()
    world.freeze("1")
    announce = world.store.announce

    def twice(decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Another one is faster, so that it is decided again."""
        decide(world.store.lockfile)
        event = LedgerEvent(world.now, "frozen", {"reason": "2", "nonce": "2"})
        mark = Checkpoint(notes=(Note("", "", event),))
        world.store.another_writes(lambda lockfile: lockfile.marked(mark))
        announce(decide)

    world.store.announce = twice  # type: ignore[method-assign]  # a race that was lost
    problem = raised(StaleError, world.unfreeze)
    assert problem.reason == "frozen_again"
    assert "2" in problem.message
    assert reasons(world) == ["1", "2"]


@pytest.mark.parametrize("command", ["freeze", "unfreeze"])
def test_it_is_said_why(command: str) -> None:
    world = World()
    world.commit()
    work = {"freeze": world.freeze, "unfreeze": world.unfreeze}[command]
    assert raised(UsageProblem, lambda: work(" ")).reason == "reason_missing"
    raised(UsageProblem, lambda: work("ghp_" + "a1B2" * 9))
    assert world.store.place.versions == []


def test_a_reason_of_any_bytes_is_kept_as_text() -> None:
    world = World()
    world.commit()
    world.freeze("inc\udcffident")
    assert reasons(world) == ["inc?ident"]


@pytest.mark.parametrize(
    ("command", "said"), [("freeze", "not frozen by this"), ("unfreeze", "as frozen as it was")]
)
def test_where_it_can_not_be_written_what_holds_is_said(command: str, said: str) -> None:
    world = World()
    world.commit()
    world.freeze()
    world.store.unwritable = LockError("It can't be written.", reason="lock_unwritable")
    work: Callable[[str], Report] = getattr(world, command)
    problem = raised(LockError, lambda: work("another"))
    assert said in problem.not_done


def test_before_the_first_commit_it_can_be_frozen_too() -> None:
    world = World()
    assert body(world.freeze()).written


def test_an_empty_lockfile_is_not_frozen_where_another_one_was_used() -> None:
    world = World()
    world.commit()
    world.git.write("qflow.yaml", project_file("lock: {store: branch}"))
    world.commit()
    problem: QflowError = raised(LockError, world.freeze)
    assert problem.reason == "lock_moved"
    assert "QFLOW_FREEZE" in problem.hint
    assert world.store.place.versions == []
