"""A watch: when its rounds begin, what is told of them, and what is kept."""

import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from qflow_gitops.apply import events
from qflow_gitops.commands.watch import Alarm, Event, Pace, _Once, watch
from qflow_gitops.errors import AuthError, ExitCode, QflowError, UnreachableError, UsageProblem
from qflow_gitops.ports.rounds import Round
from qflow_gitops.results.report import Report
from qflow_gitops.watch.health import Health
from tests.fakes.clock import FakeClock
from tests.fakes.watch import GOOD, FakePatience, FakeRounds

NOW = datetime(2026, 10, 6, 12, tzinfo=UTC)
HOUR, DAY = 3600.0, 86_400.0
STEADY = Pace(300.0, 0.0)


class Watched:
    """A watch that ran to its end."""

    def __init__(
        self, rounds: Iterable[Round | QflowError] = (), pace: Pace = STEADY,
        until: float = HOUR, took: float = 2.0, problems: Sequence[QflowError | None] = (),
    ) -> None:  # fmt: skip
        self.clock = FakeClock()
        self.rounds = FakeRounds(self.clock, rounds, took)
        self.stop = FakePatience(self.clock, until)
        self.health: list[Health] = []
        self.told: list[tuple[float, Event]] = []
        left = [*problems]

        def publish(health: Health) -> QflowError | None:
            self.health.append(health)
            return left.pop(0) if len(left) > 1 else left[0] if left else None

        work = watch(self.rounds, self.clock, self.stop, Random(7), pace, publish)
        self.report = self._end(work)

    def _end(self, work: object) -> Report:
        while True:
            try:
                event = next(work)  # type: ignore[call-overload]
            except StopIteration as end:
                report: Report = end.value
                return report
            self.told.append((self.clock.monotonic(), event))

    @property
    def alarms(self) -> list[tuple[float, str]]:
        """When what was told that a person has to see to."""
        return [(at, one.problem.message) for at, one in self.told if isinstance(one, Alarm)]

    @property
    def said(self) -> list[str]:
        return [one.text for _, one in self.told if isinstance(one, events.Said)]


def bad(problem: QflowError) -> Round:
    return Round(problem.exit_code, problem.reason, problem)


GONE = bad(UnreachableError("The remote is gone.", reason="remote_unreachable"))
HELD = Round(5, "window", QflowError("prod: 1 run held (window).", reason="window"), held=1)
OVERTAKEN = Round(7, "superseded", QflowError("Old.", reason="superseded"), passing=True)


def test_a_round_begins_at_once_and_then_each_interval() -> None:
    found = Watched(until=HOUR)
    assert found.rounds.begun == [number * 300.0 for number in range(12)]
    assert (found.report.exit_code, found.report.reason) == (0, "interrupted")


def test_a_round_that_takes_longer_than_the_interval_is_followed_by_the_next_one() -> None:
    found = Watched(took=400.0, until=1500.0)
    assert found.rounds.begun == [0.0, 401.0, 802.0, 1203.0]


def test_intervals_vary_by_their_jitter_and_no_more() -> None:
    found = Watched(pace=Pace(300.0, 0.2), until=DAY)
    between = [b - a for a, b in zip(found.rounds.begun, found.rounds.begun[1:], strict=False)]
    assert 240.0 <= min(between) < 250.0
    assert 350.0 < max(between) <= 360.0


def test_it_ends_after_so_many_rounds_with_the_code_of_the_last() -> None:
    found = Watched([GOOD, HELD], Pace(300.0, 0.0, rounds=2))
    assert (found.report.exit_code, found.report.reason) == (5, "window")
    assert len(found.rounds.begun) == 2
    assert len(found.stop.waited) == 1


def test_a_wait_ends_when_somebody_asks() -> None:
    found = Watched(until=123.0)
    assert found.clock.monotonic() == 123.0
    assert len(found.rounds.begun) == 1


CUT_SHORT = [Round(143, "interrupted", QflowError("Ended.")), GONE]


@pytest.mark.parametrize("last", CUT_SHORT, ids=["apply", "fetch"])
def test_a_round_that_was_ended_with_the_watch_is_no_failure(last: Round) -> None:
    """What it sent is recorded; nobody is told of a failure that was none."""
    clock = FakeClock()
    rounds = FakeRounds(clock, [last])
    stop = FakePatience(clock)
    rounds.meanwhile = stop.ask
    shown: list[Health] = []
    publish: Callable[[Health], None] = shown.append
    told = list(watch(rounds, clock, stop, Random(7), STEADY, publish))
    assert [type(one) for one in told] == [events.Said]
    assert shown == []


def test_what_goes_wrong_is_told_once_and_that_it_is_over() -> None:
    found = Watched([GOOD, GONE, GONE, GONE, GOOD], until=2000.0)
    assert found.alarms == [(302.0, "The remote is gone.")]
    assert found.said[0] == "Round 5 got through; nothing is the matter now."


def test_it_is_told_again_when_it_changes_and_after_a_day() -> None:
    found = Watched([GONE, GONE, HELD], until=2 * DAY + 700)
    assert found.alarms == [
        (2.0, "The remote is gone."),
        (602.0, "prod: 1 run held (window)."),
        (DAY + 602.0, "prod: 1 run held (window)."),
        (2 * DAY + 602.0, "prod: 1 run held (window)."),
    ]


def test_a_race_that_was_lost_is_quiet_unless_it_goes_on() -> None:
    """Where history was rewritten, it does."""
    found = Watched([OVERTAKEN, OVERTAKEN, OVERTAKEN, GOOD, OVERTAKEN, GOOD])
    assert found.alarms == []
    assert all(one.is_good(one.at) for one in found.health)
    lasting = Watched([GOOD, OVERTAKEN], until=2000.0)
    assert lasting.alarms == [(1202.0, "Old.")]


def test_each_run_is_told_of_when_it_stands_otherwise() -> None:
    going = GOOD._replace(runs={"prod/a #1": "accepted, E1"}, exit_code=8)
    done = GOOD._replace(runs={"prod/a #1": "succeeded, E1"})
    found = Watched([going, going, GONE, going, done, GOOD], until=2000.0)
    assert [one for one in found.said if one.startswith("prod")] == [
        "prod/a #1: accepted, E1",
        "prod/a #1: succeeded, E1",
    ]


def test_a_run_of_a_round_that_failed_is_told_of_once_as_well() -> None:
    lost = Round(11, "lock_push", QflowError("Not recorded."), runs={"prod/a #1": "accepted, E1"})
    found = Watched([GOOD, lost, lost, lost], until=2000.0)
    assert [one for one in found.said if one.startswith("prod")] == ["prod/a #1: accepted, E1"]


def test_refused_credentials_are_tried_less_and_less_often() -> None:
    """An account may lock; once they are right, the interval is what it was."""
    refused = bad(AuthError("Refused."))
    found = Watched([refused] * 7 + [GOOD], until=6 * HOUR)
    between = [b - a for a, b in zip(found.rounds.begun, found.rounds.begun[1:], strict=False)]
    assert between[:8] == [600.0, 1200.0, 2400.0, 3600.0, 3600.0, 3600.0, 3600.0, 300.0]
    slow = Watched([refused], Pace(7200.0, 0.0), until=DAY)
    assert slow.rounds.begun[:3] == [0.0, 7200.0, 14_400.0], "never more often than asked for"


def test_what_no_round_can_mend_ends_it() -> None:
    with pytest.raises(UsageProblem, match="a file in the work tree"):
        Watched([UsageProblem("The lockfile is a file in the work tree.")])


def test_a_round_that_got_through_counts_for_three_intervals() -> None:
    found = Watched([GOOD, GONE], until=HOUR)
    first = found.health[0]
    assert first.is_good(first.at + timedelta(seconds=900))
    assert not first.is_good(first.at + timedelta(seconds=901))
    assert [one.is_good(one.at) for one in found.health[:6]] == [True] * 4 + [False] * 2
    never = Watched([GONE], until=HOUR)
    assert not any(one.is_good(one.at) for one in never.health)


def test_a_clock_that_was_set_back_makes_nothing_good_for_longer() -> None:
    (one,) = Watched([GOOD], until=10.0).health
    assert one.is_good(one.at - timedelta(seconds=900)), "it may have been set right by a little"
    assert not one.is_good(one.at - timedelta(days=365))


def test_what_is_the_matter_is_told_again_though_the_clock_was_set_back() -> None:
    found = _Once()
    assert found.is_news("gone", NOW)
    assert not found.is_news("gone", NOW - timedelta(hours=1))
    assert found.is_news("gone", NOW - timedelta(days=365))


@pytest.mark.parametrize("code", [0, 1, 5, 8, 9])
def test_an_apply_that_did_its_work_got_through_whatever_its_runs_came_to(code: int) -> None:
    found = Watched([GOOD._replace(exit_code=code)], until=10.0)
    assert found.health[0].last_good == found.health[0].at


@pytest.mark.parametrize("code", [2, 3, 4, 11, 12, 70, 137])
def test_an_apply_that_was_kept_from_its_work_did_not(code: int) -> None:
    found = Watched([GOOD._replace(exit_code=code)], until=10.0)
    assert found.health[0].last_good is None


def test_a_short_interval_counts_as_no_shorter_than_what_an_apply_waits() -> None:
    found = Watched(pace=Pace(10.0, 0.0), took=50.0, until=300.0)
    assert all(one.is_good(one.at + timedelta(seconds=60)) for one in found.health)


def test_a_file_that_can_not_be_written_is_told_once_and_survived() -> None:
    full = UsageProblem("No space left.", where="/health.json")
    found = Watched(problems=[None, full, full, None, full], until=2000.0)
    assert found.alarms == [(302.0, "No space left."), (1202.0, "No space left.")]
    assert len(found.rounds.begun) == 7


def test_its_health_as_json() -> None:
    """The form that `docs/guides/watch.md` describes."""
    found = Watched([HELD._replace(doubts=2, commit="a" * 40)], until=10.0)
    assert json.loads(found.health[0].as_json()) == {
        "formatVersion": 1,
        "at": "2026-10-06T12:00:02Z",
        "round": 1,
        "exitCode": 5,
        "reason": "window",
        "commit": "a" * 40,
        "doubts": 2,
        "held": 1,
        "lastGood": "2026-10-06T12:00:02Z",
        "goodUntil": "2026-10-06T12:15:02Z",
        "next": "2026-10-06T12:05:00Z",
    }


def test_ten_thousand_rounds_leave_nothing_behind() -> None:
    """Five weeks: whatever they come to, what is kept is of the last one."""
    kinds = [GOOD, HELD, GONE, OVERTAKEN, bad(AuthError("Refused.")), Round(137, "no_report")]
    random, clock = Random(1), FakeClock()
    stop, kept = FakePatience(clock), []

    def rounds() -> Iterator[Round]:
        for number in range(10_000):
            if number in (2_000, 9_999):
                kept.append(tracemalloc.get_traced_memory()[0])
            yield random.choice(kinds)._replace(runs={f"prod/r{number} #1": "succeeded"})

    pace = Pace(300.0, 0.2, rounds=10_000)
    tracemalloc.start()
    try:
        for _ in watch(_Endless(clock, rounds()), clock, stop, Random(2), pace, lambda _: None):
            stop.waited.clear()
    finally:
        tracemalloc.stop()
    early, late = kept
    assert late - early < 4096


class _Endless:
    """Rounds that aren't kept."""

    def __init__(self, clock: FakeClock, rounds: Iterator[Round]) -> None:
        self._clock, self._rounds = clock, rounds

    def work(self) -> Round:
        self._clock.sleep(2.0)
        return next(self._rounds)


def test_the_codes_of_its_rounds_are_counted() -> None:
    found = Watched([GOOD, HELD, GOOD, Round(137, "no_report")], until=1500.0)
    assert found.health[-1].rounds == {0: 2, 5: 1, 137: 2}
    assert ExitCode(found.report.exit_code) is ExitCode.OK
