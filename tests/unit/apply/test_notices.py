"""What an apply tells of what is held: once, until that changes."""

from typing import Any

import pytest

from qflow_gitops.errors import ExitCode, LockError
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.outbox import HELD
from tests.fakes.world import World, project_file

TICKETS = "policy: {require: {ticket: {system: servicenow, pattern: 'CHG[0-9]{7}'}}}"
CHG = "CHG0000001"


@pytest.mark.parametrize("narrowed", [{"runs": ("b",)}, {"labels": {"team": "b"}}])
def test_an_apply_of_other_runs_has_nothing_told_again(narrowed: dict[str, Any]) -> None:
    """It doesn't know what is held beside them, so it doesn't say that nothing is any more."""
    world = World(project_file("notify: {events: [held]}", TICKETS))
    world.tickets.put(CHG)
    world.specs("a")
    for number in range(4):
        about = f"  annotations: {{ticket: {CHG}}}\n  labels: {{team: b}}\n"
        world.spec("b", number, metadata=about)
        world.commit(f"b {number}")
        world.apply(**(narrowed if number % 2 else {}))
        assert len(world.sent()) == number + 1
    notices = world.store.lockfile.outbox.notices
    assert [each.detail for each in notices if each.kind == HELD] == ["a: ticket"]


@pytest.mark.parametrize("lost", [False, True])
def test_that_notices_can_not_be_recorded_is_no_failure_of_an_apply(lost: bool) -> None:
    """Nothing else was to be written: what it holds is how it ends, and the next one tells it."""
    world = World(project_file("notify: {events: [held]}", TICKETS))
    world.specs("a")
    world.commit("a")
    assert world.apply().report.exit_code == ExitCode.HELD
    forgotten = Checkpoint("prod", held="0" * 32)
    world.store.another_writes(lambda lockfile: lockfile.marked(forgotten))
    world.clock.sleep(60)
    if lost:
        world.store.meanwhile = [lambda lockfile: lockfile] * 50
    else:
        world.store.unwritable = LockError("The remote is gone.", reason="lock_push")
    done = world.apply()
    assert (done.report.exit_code, done.report.error) == (ExitCode.HELD, None)
    world.store.unwritable, world.store.meanwhile = None, []
    world.apply()
    notices = world.store.lockfile.outbox.notices
    assert [each.kind for each in notices] == [HELD, HELD]


def test_that_it_can_not_be_recorded_how_far_an_apply_came_is_one() -> None:
    world = World(project_file("notify: {events: [held]}", TICKETS))
    world.specs("a")
    world.commit("a")
    world.store.unwritable = LockError("The remote is gone.", reason="lock_push")
    assert world.apply().report.exit_code == ExitCode.LOCK
