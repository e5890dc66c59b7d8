"""Rounds of a watch that come to what they are told to, and somebody to wait with."""

from collections.abc import Callable, Iterable
from itertools import chain, repeat

from qflow_gitops.errors import QflowError
from qflow_gitops.ports.rounds import Round
from tests.fakes.clock import FakeClock, FakeStop

GOOD = Round(0, "ok", commit="c" * 40)


class FakeRounds:
    """Implements `ports.rounds.Rounds`: what was given in its order, then the last for ever.

    Each takes so many `seconds`; `begun` has the times at which they began.
    """

    def __init__(
        self, clock: FakeClock, rounds: Iterable[Round | QflowError] = (), seconds: float = 2.0
    ) -> None:
        self._clock, self._seconds = clock, seconds
        given = list(rounds) or [GOOD]
        self._rounds = chain(given, repeat(given[-1]))
        self.begun: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def work(self) -> Round:
        self.begun.append(self._clock.monotonic())
        self._clock.sleep(self._seconds)
        self.meanwhile()
        found = next(self._rounds)
        if isinstance(found, QflowError):
            raise found
        return found


class FakePatience(FakeStop):
    """Implements `ports.rounds.Patience`: waiting lets time go by, and ends when it is asked to.

    `at` is when somebody asks, in the clock's seconds.
    """

    def __init__(self, clock: FakeClock, at: float = float("inf")) -> None:
        super().__init__(clock)
        self._at, self._time = at, clock
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        left = max(0.0, self._at - self._time.monotonic())
        self._time.sleep(min(seconds, left))
        if left <= seconds:
            self.ask()
