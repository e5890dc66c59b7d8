"""Time and signals of the machine go by the same rules as those of the tests."""

import math
import os
import signal
from collections.abc import Callable
from datetime import UTC, timedelta

import pytest

from qflow_gitops.cli.clock import Stopper, SystemClock
from qflow_gitops.ports.clock import Clock, StopSignal
from tests.fakes.clock import FakeClock, FakeStop


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()], ids=["system", "fake"])
def test_time_goes_by_on_both_clocks_and_never_back(clock: Clock) -> None:
    at, seconds = clock.now(), clock.monotonic()
    clock.sleep(0.02)
    assert clock.now() - at >= timedelta(seconds=0.01)
    assert clock.monotonic() - seconds >= 0.01
    assert clock.now().tzinfo is UTC


def asked_by_a_signal(monkeypatch: pytest.MonkeyPatch) -> tuple[StopSignal, Callable[[], None]]:
    """A real one; nobody ends this process for good."""
    monkeypatch.setattr("qflow_gitops.cli.clock._give_up", lambda _number: None)
    return Stopper(), lambda: os.kill(os.getpid(), signal.SIGTERM)


def asked_by_a_test(_: pytest.MonkeyPatch) -> tuple[StopSignal, Callable[[], None]]:
    stop = FakeStop(FakeClock())
    return stop, stop.ask


@pytest.mark.parametrize("made", [asked_by_a_signal, asked_by_a_test], ids=["signal", "fake"])
def test_who_asks_to_stop_leaves_some_seconds(
    made: Callable[[pytest.MonkeyPatch], tuple[StopSignal, Callable[[], None]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, ask = made(monkeypatch)
    assert (stop(), stop.left()) == (False, math.inf)
    ask()
    assert stop()
    assert 5.0 < stop.left() <= 6.0


def test_a_fakes_time_to_stop_runs_out_with_its_clock() -> None:
    clock = FakeClock()
    stop = FakeStop(clock)
    stop.ask()
    clock.sleep(4.0)
    stop.ask()
    assert stop.left() == 2.0
    clock.sleep(4.0)
    assert stop.left() == 0.0


def test_what_can_wait_is_given_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qflow_gitops.cli.clock._give_up", lambda _number: None)
    stop = Stopper()
    assert stop.time_left() == 60.0
    stop.hurry(20.0)
    assert 19.0 < stop.time_left() <= 20.0
    os.kill(os.getpid(), signal.SIGTERM)
    assert 5.0 < stop.time_left() <= 6.0
    stop.hurry(0.0)
    assert stop.time_left() == 0.0
