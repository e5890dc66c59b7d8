"""Time and signals of the machine go by the same rules as those of the tests."""

import math
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta

import pytest

from qflow_gitops.cli.clock import Stopper, SystemClock
from qflow_gitops.cli.watch_wiring import Waiter
from qflow_gitops.ports.clock import Clock, StopSignal
from qflow_gitops.ports.rounds import Patience
from tests.fakes.clock import FakeClock, FakeStop
from tests.fakes.watch import FakePatience


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


def waiting_for_a_signal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Patience, Clock]]:
    """A real one, to whom a signal comes after a tenth of a second."""
    monkeypatch.setattr("qflow_gitops.cli.clock._give_up", lambda _number: None)
    with Waiter() as stop:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        yield stop, SystemClock()


def waiting_for_a_test(_: pytest.MonkeyPatch) -> Iterator[tuple[Patience, Clock]]:
    clock = FakeClock()
    yield FakePatience(clock, at=0.1), clock


@pytest.mark.parametrize("made", [waiting_for_a_signal, waiting_for_a_test], ids=["signal", "fake"])
def test_a_wait_takes_its_time_and_ends_at_once_when_somebody_asks(
    made: Callable[[pytest.MonkeyPatch], Iterator[tuple[Patience, Clock]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for stop, clock in made(monkeypatch):
        begun = clock.monotonic()
        stop.wait(0.05)
        assert not stop()
        assert 0.04 < clock.monotonic() - begun < 0.1
        stop.wait(60.0)
        assert stop()
        assert 0.09 < clock.monotonic() - begun < 5.0
        ended = clock.monotonic()
        stop.wait(60.0)
        assert clock.monotonic() - ended < 5.0


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
