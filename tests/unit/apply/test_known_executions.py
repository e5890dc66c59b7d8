"""What is asked of each workflow before its runs are sent: several at a time, none twice."""

import threading
from datetime import datetime
from typing import Any

import pytest

from qflow_gitops.apply.known_executions import KnownExecutions, at_once
from qflow_gitops.errors import AuthError, QflowError, UnreachableError
from tests.helpers.clock import StillClock


class Lists:
    """Answers what a workflow's list is told to; a barrier opens only for several at once."""

    def __init__(self, at_a_time: int = 1, **answers: Any) -> None:
        self.skew = None
        self.asked: list[str] = []
        self._answers = answers
        self._barrier = threading.Barrier(at_a_time, timeout=10)

    def newest(self, workflow_id: str, _start: datetime) -> Any:
        self.asked.append(workflow_id)
        self._barrier.wait()
        answer = self._answers.get(workflow_id, (f"before-{workflow_id}",))
        if isinstance(answer, QflowError):
            raise answer
        return answer


def before(lists: Lists, upcoming: str, at_a_time: int) -> tuple[KnownExecutions, StillClock]:
    clock = StillClock()
    return KnownExecutions(lists, clock, tuple(upcoming), at_a_time), clock  # type: ignore[arg-type]


def test_the_lists_of_the_next_workflows_are_asked_for_at_the_same_time() -> None:
    lists = Lists(3)
    look, _ = before(lists, "abcdef", 3)
    assert [look(one) for one in "abcdef"] == [(f"before-{one}",) for one in "abcdef"]
    assert sorted(lists.asked) == list("abcdef")
    assert set(lists.asked[:3]) == set("abc")


def test_what_is_a_minute_old_is_asked_for_again() -> None:
    lists = Lists()
    look, clock = before(lists, "a", 1)
    look("a")
    clock.seconds = 59.0
    look("a")
    assert lists.asked == ["a"]
    clock.seconds = 61.0
    look("a")
    assert lists.asked == ["a", "a"]


def test_only_its_own_failure_stops_a_run() -> None:
    """Another's list, asked for ahead of its turn, may well be there by then."""
    lists = Lists(2, b=UnreachableError("503"))
    look, _ = before(lists, "ab", 2)
    assert look("a") == ("before-a",)
    lists._barrier = threading.Barrier(1)
    with pytest.raises(UnreachableError):
        look("b")


def test_a_list_that_may_not_be_seen_is_none() -> None:
    look, _ = before(Lists(2, a=AuthError("403")), "ab", 2)
    assert look("a") is None
    assert look("b") == ("before-b",)


def test_what_is_found_comes_in_order_and_what_fails_is_in_its_place() -> None:
    gate = threading.Event()

    def look(one: str) -> str:
        if one == "slow":
            assert gate.wait(10)
        if one == "bad":
            raise UnreachableError("503")
        gate.set()
        return one

    found = list(at_once(look, ["slow", "bad", "good"], 3))
    assert [getattr(one, "message", one) for one in found] == ["slow", "503", "good"]
    assert list(at_once(look, ["a"], 1)) == ["a"]
    assert list(at_once(look, [], 4)) == []


def test_a_bug_is_no_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        list(at_once(lambda one: 1 // len(one), ["", "a"], 2))
