"""Waiting for executions: everybody has a turn, and who has ended is not looked at again."""

from collections import Counter
from typing import Any, cast

import pytest

from qflow_gitops.apply.polling import Watch, Watching
from qflow_gitops.errors import AuthError
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.qualys import Execution, Qualys
from tests.helpers.clock import StillClock


def shown(status: str) -> Execution:
    return Execution("e", "w", status, ended=False, created_at=0, start_date=0, end_date=None)


def watching(many: int, *, new: bool = False) -> tuple[Watching, StillClock]:
    time = StillClock()
    found = Watching(cast(Qualys, None), {"success": State.SUCCEEDED}, cast(Clock, time))
    for number in range(many):
        at = "2026-01-01T00:00:00Z"
        found.add(Watch("prod", f"r{number}", 1, f"e-{number}", at, "w"), new=new)
    return found, time


def test_nobody_is_looked_at_twice_before_everybody_was_once() -> None:
    """However many there are: a round takes longer than the wait until the next look."""
    all_of_them, time = watching(504)
    looks: Counter[str] = Counter()
    while len(looks) < 504:
        time.seconds += 0.1
        polls = all_of_them.take_due(8)
        looks.update(one.watch.name for one in polls)
        for one in polls:
            all_of_them.took(one, shown("Running"))
        assert sum(looks.values()) <= 504, "some were looked at again, others not yet"


def test_only_so_many_looks_are_on_their_way() -> None:
    all_of_them, _ = watching(10)
    polls = all_of_them.take_due(4)
    assert len(polls) == 4
    assert all_of_them.take_due(4) == []
    all_of_them.took(polls[0], shown("Running"))
    assert len(all_of_them.take_due(4)) == 1


def test_what_has_ended_gives_its_place_back_and_is_not_looked_at_again() -> None:
    both, time = watching(2, new=True)
    time.seconds = 1.0
    first, second = both.take_due(8)
    assert both.places == 2
    ended = both.took(first, shown("Success"))
    assert ended is not None
    assert ended.event.to is State.SUCCEEDED
    both.took(second, shown("Running"))
    assert (len(both), both.places) == (1, 1)
    time.seconds = 100.0
    assert both.take_due(8) == [second]
    assert both.next_due(0.25) == 0.25


def test_the_next_look_is_known() -> None:
    one, time = watching(1, new=True)
    assert one.take_due(8) == []
    assert one.next_due(9.0) == pytest.approx(0.5)
    time.seconds = 0.5
    (poll,) = one.take_due(8)
    one.took(poll, OSError("not reachable now"))
    assert one.next_due(9.0) == pytest.approx(0.75)


def test_who_may_not_look_waits_for_nothing() -> None:
    both, time = watching(2, new=True)
    time.seconds = 1.0
    first, second = both.take_due(8)
    refused: Any = AuthError("no", not_done="")
    with pytest.raises(AuthError):
        both.took(first, refused)
    assert both.took(second, refused) is None
    assert (len(both), both.places, both.next_due(9.0)) == (0, 0, 9.0)
