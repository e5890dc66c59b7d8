"""When runs may start: windows open and close to the microsecond, also where clocks change."""

import time
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qflow_gitops.policy.windows import (
    LONGEST,
    Verdict,
    Window,
    fires_on_either,
    problem_of,
    verdict,
)
from tests.helpers.values import replace

HOUR = 3600.0
DAY = 24 * HOUR
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(text: str, *windows: Window, environment: str = "prod") -> bool:
    return verdict(windows, environment, utc(text)).open


def openings(window: Window, start: str, end: str) -> list[str]:
    """When an allow window opens and closes, found by following `changes_at`."""
    at: datetime | None = utc(start)
    found = []
    while at and (at := verdict([window], "prod", at).changes_at) and at <= utc(end):
        found.append(at.strftime("%dT%H:%M"))
    return found


# What can be used.


@pytest.mark.parametrize(
    "cron",
    [
        *("0 22 * * 5", "*/5 * * * *", "0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * mon#1"),
        *("0 0 29 2 *", "1,2-5/2 0 1 JAN *", "  0  0\t* * 7 ", "0 0 * 2 MON#5"),
    ],
)
def test_usable_crons(cron: str) -> None:
    assert problem_of(cron, "UTC", HOUR) == ""


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        *((cron, "five fields") for cron in ("", "* * * *", "0 0 0 * * *", "@daily", "@reboot")),
        *((cron, "can't be read") for cron in ("60 * * * *", "x * * * *", "*/0 * * * *")),
        *((cron, "can't be read") for cron in ("0 0 * * FRI-MON", "0 0 0 * *", "0 0 31 4 *")),
        ("9" * 5000 + " * * * *", "far too long"),
        ("0 0 * * fr\u0131", "plain text"),
        ("0 0 * * 5\x1b", "plain text"),
        ("0 0 */30 * MON#2", "never fires"),
    ],
)
def test_refused_crons(cron: str, said: str) -> None:
    assert said in problem_of(cron, "UTC", HOUR)


@pytest.mark.parametrize(
    "zone",
    [
        *("", "Berlin", "Europe", "Mars/Olympus", "../UTC", "/etc/localtime", "a\0", "\ud800"),
        *("localtime", "posixrules", "right/UTC", "posix/UTC", "x" * 5000, "tzdata.zi", "zones"),
    ],
)
def test_refused_zones(zone: str) -> None:
    assert "Europe/Berlin" in problem_of("0 0 * * *", zone, HOUR)


@pytest.mark.parametrize(
    "duration", [0, -1, 366 * DAY + 1, float("nan"), float("inf"), -float("inf"), 1e-9]
)
def test_refused_durations(duration: float) -> None:
    assert "duration" in problem_of("0 0 * * *", "UTC", duration)


def test_the_longest_and_shortest_durations() -> None:
    assert "" == problem_of("0 0 * * *", "UTC", 366 * DAY) == problem_of("0 0 * * *", "UTC", 1e-6)


@settings(max_examples=50)
@given(st.text(), st.text(), st.floats())
def test_it_never_raises(cron: str, zone: str, duration: float) -> None:
    assert isinstance(problem_of(cron, zone, duration), str)


@given(
    st.lists(st.text("0123456789*/-,#LWMONFEB", max_size=8), min_size=5, max_size=5).map(" ".join)
)
def test_what_is_usable_can_be_judged(cron: str) -> None:
    if problem_of(cron, BERLIN, HOUR) == "":
        assert isinstance(
            verdict([Window("deny", cron, HOUR, BERLIN)], "a", utc("2026-01-01")), Verdict
        )


# What is allowed.

NIGHT = Window("allow", "0 22 * * *", 2 * HOUR, "UTC")
FREEZE = Window("deny", "0 23 * * 5", 60 * HOUR, "UTC")
ELSEWHERE = Window("deny", "* * * * *", HOUR, "UTC", ("test", "dev"))


def test_without_windows_all_is_allowed() -> None:
    answer = Verdict(True, "No window is about `prod`.", None)
    assert answer == verdict([], "prod", utc("2026-03-04"))
    assert answer == verdict([ELSEWHERE], "prod", utc("2026-03-04"))


def test_start_inclusive_end_exclusive() -> None:
    assert not is_open("2026-03-04T21:59:59.999999", NIGHT)
    assert is_open("2026-03-04T22:00", NIGHT)
    assert is_open("2026-03-04T23:59:59.999999", NIGHT)
    assert not is_open("2026-03-05T00:00", NIGHT)


def test_deny_wins_and_is_named() -> None:
    answer = verdict([NIGHT, FREEZE], "prod", utc("2026-03-06T23:30"))
    assert answer.why == "The deny window `0 23 * * 5` (2d 12h, UTC) is open."
    assert (False, utc("2026-03-09T22:00")) == (answer.open, answer.changes_at)


def test_the_sentences() -> None:
    late = replace(NIGHT, cron="30 23 * * *", duration=90.5)
    noon, night = utc("2026-03-04T12:00"), utc("2026-03-04T23:30")
    one = "The allow window `0 22 * * *` (2h, UTC) is "
    assert f"{one}not open." == verdict([NIGHT], "prod", noon).why
    assert f"{one}open." == verdict([NIGHT, late], "prod", night).why
    assert verdict([NIGHT, late], "prod", noon).why == "None of the 2 allow windows is open."
    assert verdict([FREEZE], "prod", noon).why == "No deny window about `prod` is open."
    assert "(1m 30.5s, UTC)" in verdict([late], "prod", noon).why


def test_windows_of_other_environments_say_nothing() -> None:
    assert is_open("2026-03-04T12:00", ELSEWHERE)
    assert not is_open("2026-03-04T12:00", ELSEWHERE, environment="dev")
    assert not is_open("2026-03-04T12:00", NIGHT, environment="dev")
    assert is_open("2026-03-04T12:00", replace(NIGHT, environments=("dev",)))


def test_a_window_may_overlap_itself() -> None:
    window = Window("deny", "0 0 * * 1,3", 3 * DAY, "UTC")
    assert not is_open("2026-03-05T23:59:59", window)
    assert openings(window, "2026-03-02T00:00", "2026-03-09T00:00") == ["07T00:00", "09T00:00"]


def test_windows_that_touch_are_one() -> None:
    more = Window("allow", "0 0 * * *", HOUR, "UTC")
    assert (
        utc("2026-03-05T01:00")
        == verdict([NIGHT, more], "prod", utc("2026-03-04T23:00")).changes_at
    )


def test_a_moment_may_come_in_any_zone() -> None:
    there = utc("2026-03-04T22:00").astimezone(ZoneInfo("Asia/Kolkata"))
    answer = verdict([NIGHT], "prod", there)
    assert (True, utc("2026-03-05T00:00")) == (answer.open, answer.changes_at)
    assert answer.changes_at is not None
    assert answer.changes_at.tzinfo is UTC


# Clocks that change: the cron, its zone, and between which moments (UTC) it opens and closes.


@pytest.mark.parametrize(
    ("cron", "zone", "start", "expected"),
    [
        # Fixed: before, on and after the skipped hour; made up for right after it.
        ("30 1 * * *", BERLIN, "2026-03-29", "00:30 00:40"),
        ("30 2 * * *", BERLIN, "2026-03-29", "01:00 01:10"),
        ("5,55 2 * * *", BERLIN, "2026-03-29", "01:00 01:10"),
        ("0 3 * * *", BERLIN, "2026-03-29", "01:00 01:10"),
        ("30 2,3 * * *", BERLIN, "2026-03-29", "01:00 01:10 01:30 01:40"),
        ("30 2 * * *", NEW_YORK, "2026-03-08", "07:00 07:10"),
        ("10 2 * * *", LORD_HOWE, "2026-10-03T12:00", "15:30 15:40"),
        ("45 2 * * *", LORD_HOWE, "2026-10-03T12:00", "15:45 15:55"),
        # Fixed, in an hour that comes twice: once, the first time.
        ("30 2 * * *", BERLIN, "2026-10-25", "00:30 00:40"),
        ("0 2 * * *", BERLIN, "2026-10-24T20:00", "00:00 00:10"),
        ("0 3 * * *", BERLIN, "2026-10-25", "02:00 02:10"),
        ("55 1,2 * * *", BERLIN, "2026-10-24T23:00", "23:55 00:05 00:55 01:05"),
        ("30 1 * * *", NEW_YORK, "2026-11-01", "05:30 05:40"),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00", "14:45 14:55"),
        ("15 2 * * *", LORD_HOWE, "2026-04-04T12:00", "15:45 15:55"),
        # With a star: as the clock shows it.
        ("*/30 2 * * *", BERLIN, "2026-03-29", ""),
        (
            "*/30 2 * * *",
            BERLIN,
            "2026-10-24T20:00",
            "00:00 00:10 00:30 00:40 01:00 01:10 01:30 01:40",
        ),
        ("30 */2 * * *", BERLIN, "2026-03-28T23:00", "23:30 23:40 02:30 02:40 04:30 04:40"),
        ("30 */2 * * *", NEW_YORK, "2026-03-08T05:00", "05:30 05:40 08:30 08:40 10:30 10:40"),
        ("15 * * * *", LORD_HOWE, "2026-10-03T14:00", "14:45 14:55 16:15 16:25 17:15 17:25"),
        ("45 * * * *", LORD_HOWE, "2026-04-04T14:00", "14:45 14:55 15:15 15:25 16:15 16:25"),
        ("*/45 2 * * *", LORD_HOWE, "2026-04-04T12:00", "15:30 15:40 16:15 16:25"),
        # No change at all.
        ("30 2 * * *", "Asia/Kolkata", "2026-03-28T20:00", "21:00 21:10"),
        ("30 2 * * *", "UTC", "2026-03-29", "02:30 02:40"),
        ("*/30 2 * * *", "UTC", "2026-10-25", "02:00 02:10 02:30 02:40"),
    ],
)
def test_where_clocks_change(cron: str, zone: str, start: str, expected: str) -> None:
    """Each of ten minutes, in the eight hours after the start."""
    window = Window("allow", cron, 600, zone)
    until = (utc(start) + timedelta(hours=8)).isoformat()[:19]
    found = openings(window, start, until)
    wanted = expected.split()
    assert wanted == [one[3:] for one in found][: len(wanted)]
    if not cron.split()[1].startswith("*"):
        assert len(wanted) == len(found)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-10-24T23:59:59.999999", False),
        ("2026-10-25T00:00", True),
        ("2026-10-25T00:59:59.999999", True),
        ("2026-10-25T01:00", True),
        ("2026-10-25T01:29:59.999999", True),
        ("2026-10-25T01:30", False),
        ("2026-10-25T02:30", False),
    ],
)
def test_a_duration_is_time_that_passes(moment: str, expected: bool) -> None:
    """From 02:00 on the night with an hour more: 90 minutes, into the second 02:30."""
    assert expected == is_open(moment, Window("allow", "0 2 * * *", 1.5 * HOUR, BERLIN))


def test_a_day_of_25_hours_leaves_an_hour_between_daily_windows() -> None:
    daily = Window("deny", "0 0 * * *", 24 * HOUR, BERLIN)
    assert openings(daily, "2026-03-30T12:00", "2027-01-01") == ["25T22:00", "25T23:00"]


def test_in_the_second_of_two_equal_hours_the_first_one_is_remembered() -> None:
    window = Window("allow", "30 2 * * *", HOUR, BERLIN)
    answer = verdict([window], "prod", utc("2026-10-25T01:15"))
    assert (True, utc("2026-10-25T01:30")) == (answer.open, answer.changes_at)
    later = verdict([window], "prod", utc("2026-10-25T01:30"))
    assert (False, utc("2026-10-26T01:30")) == (later.open, later.changes_at)


def test_a_whole_day_may_be_skipped() -> None:
    """Samoa had no 30 December 2011."""
    window = Window("allow", "0 12 30 * *", HOUR, "Pacific/Apia")
    assert openings(window, "2011-12-29T00:00", "2012-01-02T00:00") == ["30T10:00", "30T11:00"]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "0,30 1-3 * * *", "*/20 * * * *", "15 */3 * * 0"])
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31"])
def test_where_clocks_move_by_an_hour_the_library_says_the_same(
    cron: str, zone: str, day: str
) -> None:
    end = utc(day) + timedelta(days=2)
    firings = CronSim(cron, utc(day).astimezone(ZoneInfo(zone)))
    wanted = {one.astimezone(UTC).strftime("%dT%H:%M") for one in takewhile(end.__ge__, firings)}
    found = openings(Window("allow", cron, 60, zone), day, end.isoformat()[:19])
    assert wanted == set(found[is_open(day, Window("allow", cron, 60, zone)) :: 2])


# When it changes.


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([Window("deny", "* * * * *", 60, BERLIN)], None),
        ([Window("allow", "* * * * *", 366 * DAY, BERLIN)], None),
        ([Window("allow", "0 0 29 2 *", DAY, "UTC")], None),
        ([Window("allow", "7,22,37,52 * * * *", 900, BERLIN)], None),
        (
            [
                Window("allow", "* * * * *", 60, BERLIN),
                Window("deny", "0 0 24 12 *", 9 * DAY, BERLIN),
            ],
            utc("2026-12-23T23:00"),
        ),
        ([Window("allow", "0 * * * *", 0.5 * HOUR, "UTC")], utc("2026-03-20T10:30")),
        ([Window("allow", "10 * * * *", HOUR, LORD_HOWE)], utc("2026-04-04T15:10")),
        ([Window("deny", "* * * * 1-5", 60, "UTC")], utc("2026-03-21")),
        ([Window("deny", "0 0 20 3 *", 366 * DAY, "UTC")], utc("2028-03-20")),
        ([Window(kind, "*/2 * * * *", 60, "UTC") for kind in ("allow", "deny")], None),
    ],
)
def test_it_is_found_far_ahead_and_soon(windows: list[Window], expected: datetime | None) -> None:
    now = utc("2026-03-20T10:00:30")
    began = time.process_time()
    answer = verdict(windows, "prod", now)
    assert time.process_time() - began < 5  # a tenth of it is usual
    assert (expected if expected and expected <= now + LONGEST else None) == answer.changes_at


# Against an oracle that looks at each minute.

_FIELDS = (
    st.sampled_from(["*", "*/7", "0", "30", "0,30", "15-45/10", "59", "5,55"]),
    st.sampled_from(["*", "*/2", "2", "1-3", "0", "22", "1,2", "23"]),
    st.sampled_from(["*", "*", "25-31", "1-8", "*/2"]),
    st.sampled_from(["*", "*", "3,10", "4-11"]),
    st.sampled_from(["*", "*", "0", "1-5", "6,7"]),
)
_FIRST = (0, 0, 1, 1, 0)
_LAST = (59, 23, 31, 12, 7)
_ZONES = st.sampled_from(["UTC", "Asia/Kolkata", BERLIN, NEW_YORK, LORD_HOWE])
_DURATIONS = st.sampled_from([1.0, 59.0, 60.0, 420.5, 1800.0, HOUR, 5400.0, 8 * HOUR, 25 * HOUR])
_WINDOWS = st.builds(
    Window,
    st.sampled_from(["allow", "deny"]),
    st.tuples(*_FIELDS).map(" ".join),
    _DURATIONS,
    _ZONES,
    st.sampled_from([(), (), ("prod",), ("dev",)]),
)
_NEAR_CHANGES = [
    utc(text)
    for text in (
        *("2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00"),
        *("2026-04-04T15:00", "2026-10-03T15:30"),
    )
]
_MOMENTS = st.builds(
    lambda base, seconds, micro: base + timedelta(seconds=seconds, microseconds=micro),
    st.sampled_from([*_NEAR_CHANGES, utc("2026-01-31T22:00"), utc("2026-07-15T12:00")]),
    st.one_of(st.integers(-7200, 7200), st.integers(-180, 180).map(lambda x: x * 60)),
    st.sampled_from([0, 0, -1, 1, 500_000]),
)


def numbers(field: str, first: int, last: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = (f"{first}-{last}" if span == "*" else span).partition("-")
        found.update(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


class Oracle:
    """Whether a window is open, by looking at each minute that passed."""

    def __init__(self, window: Window) -> None:
        fields = window.cron.split()
        self.sets = [numbers(*one) for one in zip(fields, _FIRST, _LAST, strict=True)]
        self.starred = fields[0][0] == "*" or fields[1][0] == "*"
        self.both_days = fields[2][0] == "*" or fields[4][0] == "*"
        self.zone = ZoneInfo(window.timezone)
        self.length = timedelta(seconds=window.duration)
        self.known: dict[datetime, bool] = {}

    def matches(self, wall: datetime) -> bool:
        minutes, hours, days, months, weekdays = self.sets
        day, weekday = wall.day in days, bool({wall.isoweekday(), wall.isoweekday() % 7} & weekdays)
        fits = (day and weekday) if self.both_days else (day or weekday)
        return fits and wall.minute in minutes and wall.hour in hours and wall.month in months

    def fires(self, minute: datetime) -> bool:
        if minute not in self.known:
            self.known[minute] = self._fires(minute)
        return self.known[minute]

    def _fires(self, minute: datetime) -> bool:
        wall = minute.astimezone(self.zone)
        if self.starred:
            return self.matches(wall)
        before = (minute - MINUTE).astimezone(self.zone).replace(tzinfo=None) + MINUTE
        skipped = (wall.replace(tzinfo=None) - before) // MINUTE
        missed = any(self.matches(before + number * MINUTE) for number in range(skipped))
        return missed or (not wall.fold and self.matches(wall))

    def is_open(self, at: datetime) -> bool:
        minute = at.replace(second=0, microsecond=0)
        while minute + self.length > at:
            if self.fires(minute):
                return True
            minute -= MINUTE
        return False


class Judge:
    """The verdict, of oracles."""

    def __init__(self, windows: list[Window]) -> None:
        windows = [one for one in windows if one.environments in ((), ("prod",))]
        self.allows = [Oracle(one) for one in windows if one.kind == "allow"]
        self.denies = [Oracle(one) for one in windows if one.kind == "deny"]

    def is_open(self, at: datetime) -> bool:
        allowed = not self.allows or any(one.is_open(at) for one in self.allows)
        return allowed and not any(one.is_open(at) for one in self.denies)

    def services(self, start: datetime, end: datetime) -> list[datetime]:
        """All moments between two at which any window may start or end."""
        found = set()
        for one in (*self.allows, *self.denies):
            minute = (start - one.length).replace(second=0, microsecond=0)
            while minute <= end:
                if one.fires(minute):
                    found.update({minute, minute + one.length})
                minute += MINUTE
        return sorted(one for one in found if start < one <= end)


@settings(max_examples=100, deadline=None)
@given(st.lists(_WINDOWS, min_size=1, max_size=3), _MOMENTS)
@example([Window("deny", "5,55 2 * * *", 1, BERLIN)], utc("2026-10-25T01:30"))
def test_it_agrees_with_looking_at_each_minute(windows: list[Window], now: datetime) -> None:
    judge = Judge(windows)
    answer = verdict(windows, "prod", now)
    assert judge.is_open(now) == answer.open
    end = min(now + timedelta(hours=6), answer.changes_at or now + LONGEST)
    flips = [at for at in judge.services(now, end) if judge.is_open(at) != answer.open]
    assert flips == ([answer.changes_at] if answer.changes_at and answer.changes_at <= end else [])


@settings(max_examples=50, deadline=None)
@given(st.lists(_WINDOWS, min_size=1, max_size=4), _MOMENTS)
def test_it_changes_then_and_not_before(windows: list[Window], now: datetime) -> None:
    answer = verdict(windows, "prod", now)
    if answer.changes_at is None:
        return
    assert now < answer.changes_at <= now + LONGEST
    before = verdict(windows, "prod", answer.changes_at - TICK)
    assert (answer.open, answer.changes_at) == (before.open, before.changes_at)
    assert verdict(windows, "prod", answer.changes_at).open != answer.open


@settings(max_examples=40, deadline=None)
@given(st.lists(_WINDOWS, max_size=3), _WINDOWS, _MOMENTS)
def test_what_one_more_window_does(windows: list[Window], more: Window, now: datetime) -> None:
    """One more deny never opens, and closes if it's open; one more of some allows never closes."""
    more = replace(more, environments=())
    before, after = (verdict(x, "prod", now).open for x in (windows, [*windows, more]))
    only = verdict([more], "prod", now).open
    if more.kind == "deny":
        assert after == (before and only)
    elif any(one.kind == "allow" and "dev" not in one.environments for one in windows):
        assert after >= before
    else:
        assert after == (before and only)


@settings(max_examples=30, deadline=None)
@given(st.permutations([NIGHT, FREEZE, ELSEWHERE]), _MOMENTS)
def test_their_order_changes_nothing(windows: list[Window], now: datetime) -> None:
    known = verdict([NIGHT, FREEZE, ELSEWHERE], "prod", now)
    answer = verdict(windows, "prod", now)
    assert (known.open, known.changes_at) == (answer.open, answer.changes_at)


@pytest.mark.parametrize(
    ("cron", "either"),
    [
        ("0 2 1-7 * SUN", True), ("0 2 L * FRI", True), ("0 2 * * SUN#1", False),
        ("0 2 */2 * SUN", False), ("0 2 1-7 * *", False), ("0 2 1 * */2", False),
    ],
)  # fmt: skip
def test_where_either_day_will_do_it_does(cron: str, either: bool) -> None:
    """What is warned of is what happens: a weekday outside the days of the month is open."""
    assert fires_on_either(cron) is either
    if either:
        days = [datetime(2026, 6, one, 2, tzinfo=UTC) for one in range(1, 31)]
        one = Window("allow", cron, HOUR, "UTC")
        opened = sum(verdict([one], "prod", at).open for at in days)
        assert opened in (10, 5)  # 7 days and 3 more Sundays; the last day and 4 Fridays


def test_the_first_sunday_can_be_said() -> None:
    one = Window("allow", "0 2 * * SUN#1", HOUR, "UTC")
    days = [datetime(2026, 6, day, 2, tzinfo=UTC) for day in range(1, 31)]
    assert [at.day for at in days if verdict([one], "prod", at).open] == [7]
    assert problem_of("0 2 * * 7L", "UTC", HOUR) == ""
