"""Threads of one process write fleet.lock together: fewer pushes, and each gets its own answer."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from qflow_gitops.errors import LockError
from qflow_gitops.stores.together import Decide, Together


class Numbers:
    """A record that is a tuple of numbers; a write waits until the gate is open."""

    def __init__(self) -> None:
        self.record: tuple[int, ...] = ()
        self.reads = self.writes = 0
        self.gate, self.inside = threading.Event(), threading.Event()
        self.problem: BaseException | None = None
        self.faster: list[int] = []  # what another process writes first

    def read(self) -> tuple[int, ...]:
        self.reads += 1
        return self.record

    def change(self, decide: Decide[tuple[int, ...]]) -> tuple[int, ...] | None:
        self.inside.set()
        assert self.gate.wait(10)
        if self.problem:
            raise self.problem
        new = decide(self.record)
        while self.faster:
            self.record = (*self.record, self.faster.pop())
            new = decide(self.record)
        if new is None or new == self.record:
            return None
        self.writes += 1
        self.record = new
        return new


def adding(number: int) -> Decide[tuple[int, ...]]:
    return lambda record: (*record, number)


def all_at_once(
    numbers: Numbers, together: Together[tuple[int, ...]], work: list[Callable[[], object]]
) -> list[object]:
    """Let one thread write, and do the rest while it does."""
    with ThreadPoolExecutor(len(work) + 1) as pool:
        first = pool.submit(together.change, adding(0))
        assert numbers.inside.wait(10)
        asked = [pool.submit(each) for each in work]
        while len(together._waiting) < len(work):
            threading.Event().wait(0.001)
        numbers.gate.set()
        assert first.result(10) == (0,)
        return [each.exception(10) or each.result(10) for each in asked]


def test_what_comes_while_another_writes_is_one_write() -> None:
    numbers = Numbers()
    together = Together(numbers.read, numbers.change)
    work: list[Callable[[], object]] = [
        partial(together.change, adding(number)) for number in range(1, 6)
    ]
    results = all_at_once(numbers, together, [*work, together.read])
    assert sorted(numbers.record) == [0, 1, 2, 3, 4, 5]
    assert results == [numbers.record] * 6
    assert (numbers.writes, numbers.reads) == (2, 0)


def test_each_gets_what_came_of_its_own() -> None:
    numbers = Numbers()
    together = Together(numbers.read, numbers.change)

    def refused(_: tuple[int, ...]) -> None:
        raise LockError("It is refused.", reason="fleet_broken")

    results = all_at_once(
        numbers, together,
        [
            lambda: together.change(adding(1)),
            lambda: together.change(lambda _: None),
            lambda: together.change(lambda record: record),
            lambda: together.change(refused),
        ],
    )  # fmt: skip
    assert results[:3] == [(0, 1), None, None]
    assert isinstance(results[3], LockError)
    assert numbers.record == (0, 1)


def test_where_another_process_is_faster_all_decide_anew() -> None:
    numbers = Numbers()
    numbers.gate.set()
    together = Together(numbers.read, numbers.change)
    numbers.faster = [7]
    assert together.change(lambda record: (*record, len(record))) == (7, 1)


def test_all_hear_of_a_store_that_can_not_be_written() -> None:
    numbers = Numbers()
    together = Together(numbers.read, numbers.change)
    numbers.gate.set()
    numbers.problem = LockError("The disk is full.", reason="fleet_unwritable")
    for number in (1, 2):
        with pytest.raises(LockError, match="full"):
            together.change(adding(number))
    numbers.problem = None
    assert together.change(adding(3)) == (3,)
    assert together.read() == (3,)


def test_what_a_thread_that_was_ended_did_not_write_is_written_for_nobody() -> None:
    """Somebody else's claim, decided on the same thread, would be taken for one."""
    numbers = Numbers()
    numbers.problem = SystemExit(1)
    together = Together(numbers.read, numbers.change)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(together.change, adding(0))
        assert numbers.inside.wait(10)
        second = pool.submit(together.change, adding(1))
        third = pool.submit(together.change, adding(2))
        while len(together._waiting) < 2:
            threading.Event().wait(0.001)
        numbers.gate.set()
        assert isinstance(first.exception(10), SystemExit)
        assert isinstance(second.exception(10), SystemExit)
        assert isinstance(third.exception(10), SystemExit)
    assert numbers.record == ()
