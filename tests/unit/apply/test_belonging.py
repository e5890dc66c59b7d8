"""An apply where the lockfile isn't known, or is closed."""

from typing import Any

import pytest

from qflow_gitops.errors import BusyError, ExitCode, LockError, UsageProblem
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.places import hashed
from qflow_gitops.results.plans import Planned
from tests.fakes.lock_store import FakeLockStore
from tests.fakes.world import World, raised

AT = "2026-10-06T12:00:00Z"
ACK: dict[str, Any] = {"acks": {"place": 1}, "reason": "the organization was renamed"}


@pytest.fixture
def world() -> World:
    """One run was sent from the first place."""
    world = World()
    world.specs("a")
    assert world.apply().report.exit_code is ExitCode.OK
    return world


def addresses(world: World) -> list[str]:
    return [event.text("address") for event in world.store.lockfile.places]


def planned(world: World) -> Planned:
    body = world.plan(branches=True).body
    assert isinstance(body, Planned)
    return body


def moved_elsewhere(world: World) -> None:
    """The same lockfile in a clone of another remote."""
    world.store.address = "other.example/runs"


def test_the_first_apply_names_the_place(world: World) -> None:
    lineage = world.store.lockfile.lineage
    assert addresses(world) == [hashed(lineage, "host.example/runs")]
    world.specs("a", "b")
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(addresses(world)) == 1


def test_without_a_remote_nothing_is_named_before_there_is_one() -> None:
    world = World()
    world.store.address = ""
    world.specs("a")
    assert world.apply().report.exit_code is ExitCode.OK
    assert addresses(world) == []
    world.store.address = "host.example/runs"
    world.specs("a", "b")
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(addresses(world)) == 1
    world.store.address = ""
    assert raised(LockError, world.apply).message.startswith(
        "This lockfile isn't known in a clone without"
    )


def test_elsewhere_it_is_refused_and_nothing_is_written(world: World) -> None:
    moved_elsewhere(world)
    world.specs("a", "b")
    before, asked = list(world.store.place.versions), len(world.qualys.sent)
    problem = raised(LockError, world.apply)
    assert (problem.reason, problem.exit_code) == ("place", ExitCode.LOCK)
    assert "This lockfile isn't known at other.example/runs: " in problem.message
    assert world.store.place.versions == before
    assert len(world.qualys.sent) == asked


def test_a_person_adds_it_for_good(world: World) -> None:
    moved_elsewhere(world)
    world.specs("a", "b")
    assert world.apply(**ACK).report.exit_code is ExitCode.OK
    event = world.store.lockfile.places[-1]
    assert event.text("reason") == ACK["reason"]
    world.specs("a", "b", "c")
    assert world.apply().report.exit_code is ExitCode.OK
    released = world.store.lockfile.attempts("prod", "b")[0].evidence["released"]
    assert [each["hold"] for each in released] == ["place"]


def test_it_is_added_although_nothing_is_due_and_it_says_so(world: World) -> None:
    moved_elsewhere(world)
    done = world.apply(**ACK)
    assert done.report.exit_code is ExitCode.OK
    assert "From now on this lockfile is known at other.example/runs." in done.sentences
    assert len(addresses(world)) == 2


@pytest.mark.parametrize(
    ("count", "reason", "hint"),
    [(1, " ", "`<the command as it was typed> --reason TEXT`"), (2, "why", "`--ack place=1`")],
)
def test_what_releases_nothing(world: World, count: int, reason: str, hint: str) -> None:
    moved_elsewhere(world)
    said = raised(UsageProblem, lambda: world.apply(acks={"place": count}, reason=reason))
    assert hint in said.hint
    assert len(addresses(world)) == 1


def test_a_release_where_it_is_known(world: World) -> None:
    assert "is known here" in raised(UsageProblem, lambda: world.apply(**ACK)).message


def test_others_write_while_it_is_added(world: World) -> None:
    moved_elsewhere(world)
    note = Note("", "", LedgerEvent(AT, "frozen", {"nonce": "1"}))
    world.store.meanwhile = [lambda lockfile: lockfile.marked(Checkpoint(notes=(note,)))]
    assert world.apply(**ACK).report.exit_code is ExitCode.OK
    assert len(addresses(world)) == 2


def test_others_write_all_the_time(world: World) -> None:
    moved_elsewhere(world)
    world.specs("a", "b")

    def another(lockfile: Lockfile) -> Lockfile:
        note = Note("", "", LedgerEvent(AT, "frozen", {"nonce": str(lockfile.serial)}))
        return lockfile.marked(Checkpoint(notes=(note,)))

    world.store.meanwhile = [another] * 100
    asked = len(world.qualys.sent)
    assert raised(BusyError, lambda: world.apply(**ACK)).exit_code is ExitCode.BUSY
    assert len(world.qualys.sent) == asked


def test_somebody_else_adds_it_meanwhile(world: World) -> None:
    moved_elsewhere(world)
    lineage = world.store.lockfile.lineage
    known = LedgerEvent(AT, "known", {"address": hashed(lineage, "other.example/runs")})
    world.store.meanwhile = [
        lambda lockfile: lockfile.marked(Checkpoint(notes=(Note("", "", known),)))
    ]
    assert world.apply(**ACK).report.exit_code is ExitCode.OK
    assert len(addresses(world)) == 2


def mark(world: World, event: str, **extra: object) -> None:
    """Let somebody else write an event of the lockfile's place."""
    note = Note("", "", LedgerEvent(AT, event, {"nonce": "1", "by": {"actor": "bo"}, **extra}))
    world.store.another_writes(lambda lockfile: lockfile.marked(Checkpoint(notes=(note,))))


ENDS = {
    "from": {"store": "worktree", "folder": "teams/payments"},
    "to": {"store": "branch", "branch": "qflow-lock", "remote": "origin"},
}


@pytest.mark.parametrize(
    ("event", "extra", "reason", "said"),
    [
        ("movedTo", ENDS, "lock_closed", f"to branch qflow-lock of origin, at {AT} by bo"),
        ("movedTo", {}, "lock_closed", "to another place"),
        ("pending", ENDS, "lock_pending", "here from teams/payments/qflow.lock, since"),
        ("pending", {"by": "bo"}, "lock_pending", f"is being moved here, since {AT}, and"),
    ],
)
def test_where_it_is_closed_nothing_is_written(
    world: World, event: str, extra: dict[str, object], reason: str, said: str
) -> None:
    mark(world, event, **extra)
    world.specs("a", "b")
    problem = raised(LockError, world.apply)
    assert problem.reason == reason
    assert said in problem.message
    for command in (world.freeze, world.baseline):
        assert raised(LockError, command).reason == reason
    first = planned(world).first[0]
    assert said in first.message
    assert first.message.startswith("`apply` would refuse this: the lockfile")
    for report in (world.status(), world.history()):
        assert said in report.notes[0]
    mark(world, "opened")
    assert world.status().notes == world.history().notes == ()
    assert world.apply().report.exit_code is ExitCode.OK


def test_a_plan_says_it_first_and_shows_the_decisions_as_usual(world: World) -> None:
    moved_elsewhere(world)
    world.specs("a", "b")
    body = planned(world)
    assert "isn't known at other.example/runs" in body.first[0].message
    assert "--ack place=1 --reason TEXT" in body.first[0].hint
    assert [change.name for change in body.plan.changes if change.action == "run"] == ["b"]


def test_it_is_closed_while_an_apply_is_at_work(world: World) -> None:
    """Nobody moves it while an answer may be on its way; if it happens, nothing more is sent."""
    world.specs(*"abcdef")
    store: FakeLockStore = world.store
    note = Note("", "", LedgerEvent(AT, "movedTo", {"nonce": "1", **ENDS}))
    store.meanwhile = [
        lambda lockfile: lockfile,
        lambda lockfile: lockfile.marked(Checkpoint(notes=(note,))),
    ]
    report = world.apply(concurrency=2).report
    assert report.exit_code is ExitCode.LOCK
    assert len(world.qualys.sent) <= 3


def test_what_this_clone_sent_with_a_lockfile_of_its_own(world: World) -> None:
    """Each clone had one, and another's was moved to a branch."""
    before = world.store.lockfile
    world.specs("a", "b")
    world.apply()
    world.remembered = world.store.lockfile
    world.store.place.versions[:] = world.store.place.versions[: before.serial]
    world.specs("a", "b", "c")
    asked = len(world.qualys.sent)
    problem = raised(LockError, world.apply)
    assert (problem.reason, len(world.qualys.sent)) == ("lock_behind", asked)
    assert "`qflow-gitops baseline prod/b --reason TEXT`" in problem.hint
    world.baseline("b")
    assert world.apply().report.exit_code is ExitCode.OK
    assert len(world.qualys.sent) == asked + 1


def test_what_it_sent_and_the_lockfile_knows_holds_nothing(world: World) -> None:
    world.remembered = world.store.lockfile
    world.specs("a", "b")
    assert world.apply().report.exit_code is ExitCode.OK
    world.remembered = Lockfile("another", 9, world.store.lockfile.environments)
    world.specs("a", "b", "c")
    assert world.apply().report.exit_code is ExitCode.OK
