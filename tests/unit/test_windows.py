"""When runs may be sent: cron, duration, time zone, both changes of the clocks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qflow_gitops.windows import Window, next_change, problem_of, why_closed

HOUR = 3600.0
WEEKEND = Window("deny", "0 0 * * SAT", 48 * HOUR, "Europe/Berlin")
OFFICE = Window("allow", "0 9 * * MON-FRI", 8 * HOUR, "America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(windows: Sequence[Window], moment: datetime, environment: str = "prod") -> bool:
    return not why_closed(windows, environment, moment)


@pytest.mark.parametrize(
    ("cron", "zone", "duration", "words"),
    [
        ("0 0 * * SAT", "Europe/Berlin", 1.0, ""),
        ("*/5 0-6,22 1 JAN *", "UTC", 366 * 24 * HOUR, ""),
        ("0 0 29 2 *", "UTC", HOUR, ""),
        ("0 0 * * FOO", "UTC", HOUR, "Bad day-of-week"),
        ("61 0 * * *", "UTC", HOUR, "Bad minute"),
        ("0 0 30 2 *", "UTC", HOUR, "Bad day-of-month"),
        ("@daily", "UTC", HOUR, "five fields"),
        ("0 0 * * * *", "UTC", HOUR, "five fields"),
        ("0  0 * * *", "UTC", HOUR, "five fields"),
        ("0 0 * * *", "Mars/Olympus", HOUR, "no time zone"),
        ("0 0 * * *", "../etc/passwd", HOUR, "no time zone"),
        ("0 0 * * *", "", HOUR, "no time zone"),
        ("0 0 * * *", "UTC", 0.0, "longer than 0"),
        ("0 0 * * *", "UTC", 367 * 24 * HOUR, "at most 366 days"),
    ],
)
def test_what_is_no_window_says_why(cron: str, zone: str, duration: float, words: str) -> None:
    said = problem_of(cron, zone, duration)
    assert words in said
    assert bool(said) is bool(words)


def test_a_window_begins_at_its_firing_and_ends_before_its_end() -> None:
    assert opens([WEEKEND], at("2026-11-27T22:59:59"))
    assert not opens([WEEKEND], at("2026-11-27T23:00:00"))
    assert not opens([WEEKEND], at("2026-11-29T22:59:59"))
    assert opens([WEEKEND], at("2026-11-29T23:00:00"))


def test_with_any_allow_one_has_to_be_open() -> None:
    assert not opens([OFFICE], at("2026-11-25T13:59:59"))
    assert opens([OFFICE], at("2026-11-25T14:00:00"))
    assert opens([OFFICE], at("2026-11-25T21:59:59"))
    assert not opens([OFFICE], at("2026-11-25T22:00:00"))
    assert not opens([OFFICE], at("2026-11-28T15:00:00"))


def test_deny_wins_and_environments_are_their_own() -> None:
    both = [Window("allow", "* * * * *", HOUR, "UTC"), WEEKEND]
    assert not opens(both, at("2026-11-28T12:00:00"))
    elsewhere = [Window("deny", "* * * * *", HOUR, "UTC", ("dev",))]
    assert opens(elsewhere, at("2026-11-28T12:00:00"), "prod")
    assert not opens(elsewhere, at("2026-11-28T12:00:00"), "dev")


def test_it_says_which_window_and_when_that_changes() -> None:
    noon = at("2026-11-28T12:00:00")
    assert '(deny: "0 0 * * SAT" for 48h, Europe/Berlin)' in why_closed([WEEKEND], "prod", noon)
    # Sunday midnight in Berlin is no office hour in New York: Monday at nine is the next one.
    assert next_change([WEEKEND, OFFICE], "prod", noon) == at("2026-11-30T14:00:00")
    said = why_closed([OFFICE], "prod", noon)
    assert 'allow: "0 9 * * MON-FRI" for 8h, America/New_York' in said
    assert next_change([], "prod", noon) is None
    assert next_change([Window("allow", "* * * * *", 60.0, "UTC")], "prod", noon) is None


@pytest.mark.parametrize(
    ("zone", "cron", "begins", "not_again"),
    [
        # Clocks go forward: what falls into the hour that isn't there begins right after it.
        ("Europe/Berlin", "30 2 29 3 *", "2026-03-29T01:00:00", "2026-03-29T02:30:00"),
        ("America/New_York", "30 2 8 3 *", "2026-03-08T07:00:00", "2026-03-08T08:30:00"),
        ("Australia/Lord_Howe", "15 2 4 10 *", "2026-10-03T15:30:00", "2026-10-03T16:30:00"),
        # Clocks go back: what falls into the hour that comes twice begins once.
        ("Europe/Berlin", "30 2 25 10 *", "2026-10-25T00:30:00", "2026-10-25T01:30:00"),
        ("America/New_York", "30 1 1 11 *", "2026-11-01T05:30:00", "2026-11-01T06:30:00"),
        ("Australia/Lord_Howe", "45 1 5 4 *", "2026-04-04T14:45:00", "2026-04-04T15:15:00"),
        # No clock changes here.
        ("Asia/Kolkata", "30 2 29 3 *", "2026-03-28T21:00:00", "2026-03-28T22:00:00"),
        ("UTC", "30 2 25 10 *", "2026-10-25T02:30:00", "2026-10-25T03:30:00"),
    ],
)
def test_changes_of_the_clocks(zone: str, cron: str, begins: str, not_again: str) -> None:
    deny = [Window("deny", cron, 1200.0, zone)]
    start = at(begins)
    assert opens(deny, start - timedelta(seconds=1))
    assert not opens(deny, start)
    assert not opens(deny, start + timedelta(seconds=1199))
    assert opens(deny, start + timedelta(seconds=1200))
    assert opens(deny, at(not_again))
    assert next_change(deny, "prod", start - timedelta(hours=5)) == start
    assert next_change(deny, "prod", start) == start + timedelta(seconds=1200)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_duration_is_elapsed_time_whatever_the_clocks_do(day: str) -> None:
    """48 hours from Saturday's midnight end at 01:00 in spring and at 23:00 in autumn."""
    saturday = (at(f"{day}T00:00:00") - timedelta(days=1)).date()
    offset = timedelta(hours=1 if day.startswith("2026-03") else 2)
    start = at(f"{saturday}T00:00:00") - offset
    assert not opens([WEEKEND], start + timedelta(hours=48) - timedelta(seconds=1))
    assert opens([WEEKEND], start + timedelta(hours=48))


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
crons = st.builds(
    "{} {} * * {}".format,
    st.integers(0, 59),
    st.sampled_from(("*", "0", "9", "23", "*/6")),
    st.sampled_from(("*", "SAT", "MON-FRI", "0")),
)
windows = st.builds(
    Window,
    st.sampled_from(("allow", "deny")),
    crons,
    st.sampled_from((60.0, 1800.0, HOUR, 9 * HOUR, 30 * HOUR, 200 * HOUR)),
    st.sampled_from(ZONES),
)
moments = st.integers(0, 2 * 366 * 24 * 60 * 60).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@settings(max_examples=40)
@given(st.lists(windows, max_size=4), moments)
def test_the_next_change_is_exact(some: list[Window], now: datetime) -> None:
    # Of hourly firings around a change by half an hour, cronsim says different things forwards
    # and backwards; what may be sent is asked backwards, only the announcement forwards.
    assume(all(one.timezone != ZONES[-1] or one.cron.split(" ")[1].isdecimal() for one in some))
    then = next_change(some, "prod", now)
    if then is None:
        return
    before = opens(some, now)
    assert then > now
    assert opens(some, then) is not before
    assert opens(some, then - timedelta(seconds=1)) is before
    assert opens(some, now + (then - now) / 2) is before


@given(st.lists(windows, max_size=3), windows, moments)
def test_one_more_window_does_what_its_kind_says(
    some: list[Window], more: Window, now: datetime
) -> None:
    before, after = opens(some, now), opens([*some, more], now)
    if more.kind == "deny" or not any(one.kind == "allow" for one in some):
        assert before or not after  # never opens anything
    else:
        assert after or not before  # one more time to send in never closes anything


@given(windows, moments)
def test_it_agrees_with_counting_minutes(one: Window, now: datetime) -> None:
    """In UTC, where every minute is as long as it looks."""
    one = Window("deny", one.cron, one.duration, "UTC")
    minute, hour, _, _, days = one.cron.split(" ")
    hours = set(range(24)) if hour == "*" else set(range(0, 24, 6)) if "/" in hour else {int(hour)}
    weekdays = {"*": set(range(7)), "SAT": {5}, "MON-FRI": set(range(5)), "0": {6}}[days]
    fires = False
    moment = now.replace(second=0, microsecond=0)
    while now - moment < timedelta(seconds=one.duration):
        if moment.minute == int(minute) and moment.hour in hours and moment.weekday() in weekdays:
            fires = True
            break
        moment -= timedelta(minutes=1)
    assert opens([one], now) is not fires
