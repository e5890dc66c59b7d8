"""Apply a project again and again: the pull mode, where no CI does it by a schedule.

Nothing of a round is kept but how it ended. What was told is told again when it changes, or a day
later, so that a log shows what is the matter, and not how often.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode, QflowError
from qflow_gitops.results.report import Report
from qflow_gitops.watch.answers import GOT_THROUGH
from qflow_gitops.watch.health import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from datetime import datetime
    from random import Random

    from qflow_gitops.ports.clock import Clock
    from qflow_gitops.ports.rounds import Patience, Round, Rounds

INTERVALS = 3
"""A round that got through counts for so many intervals."""
SHORTEST = 60.0
"""An interval counts as no shorter than what an apply may wait for executions."""
_LEAST = 1.0
"""Seconds between two rounds, however long the first one took."""
_LONGEST = 3600.0
"""Seconds between two tries with credentials that were refused: some accounts lock."""
_PASSES = 3
"""So many rounds in a row may be lost to another apply before that is the matter."""
_DAY = timedelta(days=1)


class Alarm(NamedTuple):
    """Something that a person has to see to, or has to know of."""

    problem: QflowError


Event = events.Said | Alarm


class Pace(NamedTuple):
    """How often: the seconds between two beginnings, and by which share of them that varies.

    After `rounds` it ends; 0 for never.
    """

    every: float = 300.0
    jitter: float = 0.2
    rounds: int = 0

    def between(self, random: Random, refused: int) -> float:
        """Return the seconds between two beginnings, after so many refusals in a row."""
        every = self.every * (1 + self.jitter * random.uniform(-1, 1))
        if not refused:
            return every
        return max(every, min(self.every * 2.0 ** min(refused, 20), _LONGEST))

    @property
    def lasts(self) -> timedelta:
        """How long a round that got through counts."""
        return timedelta(seconds=INTERVALS * max(self.every, SHORTEST))


def watch(
    rounds: Rounds,
    clock: Clock,
    stop: Patience,
    random: Random,
    pace: Pace,
    publish: Callable[[Health], QflowError | None],
) -> Generator[Event, None, Report]:
    """Do rounds until somebody asks to stop, or `pace` ends it.

    `publish` shows how the watch stands after each, and says why it couldn't. The exit code is 0;
    where a number of rounds was asked for, that of the last one. Raises QflowError for what no
    later round can mend, before anything was sent.
    """
    watching = _Watching(pace, random)
    while not stop():
        begun = clock.monotonic()
        last = rounds.work()
        if stop() and last.exit_code not in GOT_THROUGH:
            break  # it was cut short by the same signal: what it sent is recorded
        now = clock.now()
        health = watching.ended(last, now, clock.monotonic() - begun)
        yield from watching.told(last, now)
        yield from watching.unpublished(publish(health), now)
        if health.number == pace.rounds:
            return Report("watch", _code(last), last.reason)
        stop.wait((health.next - now).total_seconds())
    yield events.Said("Asked to end: no further round is begun.")
    return Report("watch", ExitCode.OK, "interrupted")


@dataclass(slots=True)
class _Once:
    """What was told of something last, and when."""

    what: object = None
    at: datetime | None = None

    def is_news(self, what: object, now: datetime) -> bool:
        """Whether this is to be told: it is another thing than before, or a day has gone by."""
        if what == self.what and self.at is not None and abs(now - self.at) < _DAY:
            return False
        self.what, self.at = what, now
        return True


@dataclass(slots=True)
class _Watching:
    """What is kept from one round to the next."""

    pace: Pace
    random: Random
    number: int = 0
    last_good: datetime | None = None
    refused: int = 0
    passed: int = 0
    rounds: Counter[int] = field(default_factory=Counter)
    runs: Mapping[str, str] = field(default_factory=dict)
    problem: _Once = field(default_factory=_Once)
    file: _Once = field(default_factory=_Once)

    def ended(self, last: Round, now: datetime, seconds: float) -> Health:
        """Count a round, and say how the watch stands."""
        self.number += 1
        self.rounds[last.exit_code] += 1
        self.refused = self.refused + 1 if last.exit_code == ExitCode.AUTH else 0
        self.passed = self.passed + 1 if last.passing else 0
        if last.exit_code in GOT_THROUGH or 0 < self.passed <= _PASSES:
            self.last_good = now
        pause = max(_LEAST, self.pace.between(self.random, self.refused) - seconds)
        return Health(
            at=now,
            number=self.number,
            last=last,
            next=now + timedelta(seconds=pause),
            last_good=self.last_good,
            good_until=self.last_good + self.pace.lasts if self.last_good else None,
            seconds=seconds,
            rounds=dict(self.rounds),
        )

    def told(self, last: Round, now: datetime) -> Iterator[Event]:
        """Tell what is new of a round: of its runs, and of what is the matter."""
        for name, stands in last.runs.items():
            if self.runs.get(name) != stands:
                yield events.Said(f"{name}: {stands}")
        # Of a round that didn't get through nobody knows what it left out.
        whole = last.exit_code in GOT_THROUGH
        self.runs = last.runs if whole else {**self.runs, **last.runs}
        if 0 < self.passed <= _PASSES:
            return
        before = self.problem.what
        if self.problem.is_news(_key(last.problem), now):
            if last.problem:
                yield Alarm(last.problem)
            elif before:
                yield events.Said(f"Round {self.number} got through; nothing is the matter now.")

    def unpublished(self, problem: QflowError | None, now: datetime) -> Iterator[Event]:
        """Tell that nobody is shown how the watch stands."""
        if self.file.is_news(_key(problem), now) and problem:
            yield Alarm(problem)


def _key(problem: QflowError | None) -> tuple[str, ...]:
    return (problem.reason, problem.message, problem.where) if problem else ()


def _code(last: Round) -> ExitCode:
    return ExitCode(last.exit_code) if last.exit_code in {*ExitCode} else ExitCode.BUG
