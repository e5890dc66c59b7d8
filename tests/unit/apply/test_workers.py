"""Threads for the network: as many as are needed, kept, and nothing that they raise is lost."""

import threading
import time
from typing import Any

from qflow_gitops.apply.workers import Background


def collected(background: Background[str], wanted: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    end = time.monotonic() + 10
    while len(found) < wanted and time.monotonic() < end:
        found |= dict(background.done(0.1))
    return found


def test_one_after_another_needs_one_thread() -> None:
    background: Background[str] = Background()
    threads = set()
    for number in range(20):
        background.do(f"{number}", threading.get_ident)
        threads |= set(collected(background, 1).values())
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    background.close()


def test_what_is_at_once_is_at_once() -> None:
    background: Background[str] = Background()
    together = threading.Barrier(4, timeout=10)
    for _ in range(2):
        for name in "abcd":
            background.do(name, together.wait)
        assert sorted(collected(background, 4)) == list("abcd")
    background.close()


def test_what_is_raised_is_given() -> None:
    background: Background[str] = Background()
    background.do("bad", lambda: dict[str, str]()["missing"])
    background.do("good", lambda: 1)
    found = collected(background, 2)
    assert isinstance(found["bad"], KeyError)
    assert found["good"] == 1
    background.close()


def test_who_does_not_wait_is_not_kept_waiting() -> None:
    background: Background[str] = Background()
    gate = threading.Event()
    background.do("slow", lambda: gate.wait(10))
    begun = time.monotonic()
    assert list(background.done(0.0)) == []
    assert list(background.done(0.05)) == []
    assert time.monotonic() - begun < 5
    gate.set()
    assert collected(background, 1) == {"slow": True}
    background.close()


def test_the_threads_end_with_it() -> None:
    before = threading.active_count()
    background: Background[str] = Background()
    for name in "abc":
        background.do(name, lambda: time.sleep(0.05))
    collected(background, 3)
    background.close()
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= before
