"""What an apply tells of what is held: once, until that changes."""

from typing import Any

import pytest

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
