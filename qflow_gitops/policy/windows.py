"""Decide whether runs may start at a moment, why, and when that changes.

The library reads a cron expression and steps through its wall-clock times, without a zone.
What a wall-clock time means where a clock is changed is said here, in Debian cron's words:
a job with fixed minutes and hours that a change skips is made up for right after it, and runs
once where an hour comes twice; a job with `*` in either follows the clock as it is. The
library's own rules are the same, but err where a clock moves by half an hour, and forget
which of two equal hours they start in. Pure, but for the zone data that `zones` looks up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base import timezones

if TYPE_CHECKING:  # start-up: most settings have no window
    from zoneinfo import ZoneInfo

LONGEST = timedelta(days=366)
"""The longest duration of a window, and how far ahead a change is looked for."""

_MOST_LOOKS = 4000  # a few of them a day for a year; about half a second
_MINUTE = timedelta(minutes=1)
_FORM = "minute, hour, day of month, month and day of week, such as `0 22 * * 5`"
_OF_THE_MACHINE = ("localtime", "posixrules", "posix/", "right/")  # not IANA names


class Window(NamedTuple):
    """A stretch of time after each firing of a cron expression: `kind` is allow or deny.

    `duration` is in seconds, `timezone` an IANA name; `environments` are those it is
    about, () for all. `problem_of` says whether the three in the middle can be used.
    """

    kind: str
    cron: str
    duration: float
    timezone: str
    environments: tuple[str, ...] = ()

    @property
    def length(self) -> timedelta:
        """The duration, which is time that passes, whatever clocks show."""
        return timedelta(seconds=self.duration)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that the cron expression is read in."""
        return timezones.zone(self.timezone)

    def __str__(self) -> str:
        cron = " ".join(self.cron.split())
        return f"{self.kind} window `{cron}` ({_spelled(self.length)}, {self.timezone})"


class Verdict(NamedTuple):
    """Whether runs may start, in one sentence why, and the moment (UTC) at which `open` flips.

    `changes_at` is None where that isn't within `LONGEST`, or where windows that open and
    close all the time without any effect keep it from being found in reasonable time.
    """

    open: bool
    why: str
    changes_at: datetime | None


def problem_of(cron: str, timezone: str, duration: float) -> str:
    """Say in a sentence what makes these unusable as a window, "" for nothing."""
    return _problem_of_cron(cron) or _problem_of_zone(timezone) or _problem_of_duration(duration)


def fires_on_either(cron: str) -> bool:
    """Whether a day has to fit its day of month or its weekday only: both are restricted.

    As cron has it (crontab(5)): a field that begins with `*` isn't.
    """
    _, _, day, _, weekday = cron.split()
    return not (day.startswith("*") or weekday.startswith("*"))


def closed_by(windows: Sequence[Window], environment: str, now: datetime) -> str:
    """Say which windows keep runs from starting, "" where none do; for asking often."""
    is_open, why = _state(*_concerned(windows, environment), environment, now.astimezone(UTC))
    return "" if is_open else why


def verdict(windows: Sequence[Window], environment: str, now: datetime) -> Verdict:
    """Judge a moment (with a time zone) by the usable windows that are about an environment.

    A window is open from each firing, inclusive, for its duration, exclusive. One open deny
    window closes; where there are allow windows, one of them has to be open.
    """
    start = now.astimezone(UTC)
    allows, denies = _concerned(windows, environment)
    is_open, why = _state(allows, denies, environment, start)
    return Verdict(is_open, why, _flip(allows, denies, start))


def interval(cron: str, now: datetime) -> timedelta | None:
    """Return the time between its last two firings (UTC), None for what can't be read."""
    if problem_of(cron, "UTC", 60.0):
        return None
    window = Window("allow", cron, 60.0, "UTC")
    last = _firing_by(window, now)
    before = _firing_by(window, last - _MINUTE) if last else None
    return last - before if last and before else None


def _concerned(windows: Sequence[Window], environment: str) -> tuple[list[Window], list[Window]]:
    """The windows about an environment: those that allow, and those that deny."""
    concerned = [
        window for window in windows if environment in (window.environments or (environment,))
    ]
    allows = [window for window in concerned if window.kind == "allow"]
    return allows, [window for window in concerned if window.kind == "deny"]


def _hits(cron: str, wall: datetime, *, reverse: bool = False) -> Iterator[datetime]:
    """The wall-clock times of a cron expression after (or before) one of them."""
    from cronsim import CronSim

    return CronSim(cron, wall, reverse)


def _problem_of_cron(cron: str) -> str:
    if len(cron.split()) != 5:
        return f"A cron expression has five fields: {_FORM}."
    if not (cron.isascii() and all(part.isprintable() for part in cron.split())):
        return f"A cron expression is plain text: {_FORM}."
    from cronsim import CronSimError

    try:
        # Without a zone, and through all combinations of dates and days of the week.
        fires = next(_hits(cron, datetime(2000, 1, 1)), None)  # noqa: DTZ001
    except CronSimError as error:
        return f"The cron expression can't be read ({error}); its fields are {_FORM}."
    except ValueError:
        return f"The cron expression has a number that is far too long; its fields are {_FORM}."
    return "" if fires else "The cron expression never fires: no date fits all of its fields."


def _problem_of_zone(timezone: str) -> str:
    wanted = "write an IANA name, such as `Europe/Berlin` or `UTC`."
    if timezone.startswith(_OF_THE_MACHINE):
        return f"This time zone depends on the machine; {wanted}"
    try:
        timezones.zone(timezone)
    except (LookupError, ValueError, OSError):  # each is raised for some unknown names
        return f"There is no such time zone; {wanted}"
    return ""


def _problem_of_duration(duration: float) -> str:
    if not 0 < duration <= LONGEST.total_seconds():  # so written, it refuses nan as well
        return f"The duration of a window is more than 0 and at most {LONGEST.days} days."
    if not timedelta(seconds=duration):
        return "The duration of a window is at least a microsecond."
    return ""


def _spelled(length: timedelta) -> str:
    """Write a duration as people do: `2d 12h`."""
    minutes, seconds = divmod(length.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return " ".join(f"{number:.6g}{unit}" for number, unit in parts if number)


# What holds at a moment, and when that is to be looked at again.


def _state(
    allows: list[Window], denies: list[Window], environment: str, at: datetime
) -> tuple[bool, str]:
    """Whether it is open, and the sentence for it."""
    if closing := [window for window in denies if _is_open(window, at)]:
        return False, f"The {closing[0]} is open."
    if opening := [window for window in allows if _is_open(window, at)]:
        return True, f"The {opening[0]} is open."
    if allows:
        many = f"none of the {len(allows)} allow windows" if allows[1:] else f"the {allows[0]}"
        return False, f"{many[0].upper()}{many[1:]} is {'' if allows[1:] else 'not '}open."
    if denies:
        return True, f"No deny window about `{environment}` is open."
    return True, f"No window is about `{environment}`."


def _flip(allows: list[Window], denies: list[Window], start: datetime) -> datetime | None:
    """The first moment at which the answer is another than at the start."""
    limit = start + LONGEST
    was, at = _look(allows, denies, start, limit)
    for _ in range(_MOST_LOOKS):
        if at is None or at > limit:
            return None
        is_open, later = _look(allows, denies, at, limit)
        if is_open != was:
            return at
        at = later
    return None


def _look(
    allows: list[Window], denies: list[Window], at: datetime, limit: datetime
) -> tuple[bool, datetime | None]:
    """Whether it is open, and a later moment before which that certainly stays so."""
    if closed := _ends(denies, at, limit):
        return False, max(closed)
    if not allows:
        return True, _first(denies, at)
    if not (opened := _ends(allows, at, limit)):
        return False, _first(allows, at)
    closes = _first(denies, at)
    return True, min(max(opened), closes) if closes else max(opened)


def _first(windows: list[Window], at: datetime) -> datetime | None:
    """The first firing of any after a moment."""
    return min((found for window in windows if (found := _firing_after(window, at))), default=None)


def _ends(windows: list[Window], at: datetime, limit: datetime) -> list[datetime]:
    """When those that are open at a moment will close."""
    opened = ((window, _firing_by(window, at)) for window in windows)
    return [
        _end(window, firing, limit)
        for window, firing in opened
        if firing and firing + window.length > at
    ]


def _is_open(window: Window, at: datetime) -> bool:
    """Whether the last firing is recent enough; the earlier ones end before it does."""
    firing = _firing_by(window, at)
    return firing is not None and firing + window.length > at


def _end(window: Window, firing: datetime, limit: datetime) -> datetime:
    """When the window closes for which all firings since this one have kept it open.

    Past the limit, any moment before which it certainly stays open.
    """
    dense = window.length >= _widest_gap(window.cron)
    while (end := firing + window.length) <= limit:
        last = _last_of_day(window, firing) if dense else firing
        if last <= firing:
            last = _firing_by(window, end) or firing
        if last <= firing:
            break
        firing = last
    return end


def _last_of_day(window: Window, firing: datetime) -> datetime:
    """The last firing on the day of this one; this one where the clock is changed between."""
    local = firing.astimezone(window.zone)
    midnight = local.replace(hour=23, minute=59, second=0, microsecond=0)
    if midnight.utcoffset() != local.utcoffset():
        return firing
    return _firing_by(window, midnight.astimezone(UTC)) or firing


@lru_cache(maxsize=256)
def _widest_gap(cron: str) -> timedelta:
    """The longest time between firings if every day were one of the days it fires on."""
    minute, hour = cron.split()[:2]
    midnight = datetime(2000, 1, 1)  # noqa: DTZ001 (a day that no zone changes)
    times = []
    for hit in _hits(f"{minute} {hour} * * *", midnight - _MINUTE):
        times.append(hit)
        if hit >= times[0] + timedelta(days=1):
            break
    return max(later - before for before, later in pairwise(times))


# Firings: wall-clock times from the library, and the moments that they are.


def _firing_after(window: Window, at: datetime) -> datetime | None:
    """The first firing after a moment."""
    zone = window.zone
    wall, repeated = _wall(at, zone)
    found: datetime | None = None
    for hit in _hits(window.cron, wall - repeated):
        moments = [moment for moment in _moments(hit, window.cron, zone) if moment > at]
        found = min([*moments, found] if found else moments, default=None)
        if found and hit >= wall + repeated:  # no later hit is an earlier moment
            break
    return found


def _firing_by(window: Window, at: datetime) -> datetime | None:
    """The last firing at or before a moment."""
    zone = window.zone
    wall, repeated = _wall(at, zone)
    found: datetime | None = None
    for hit in _hits(window.cron, wall + repeated + _MINUTE, reverse=True):
        moments = [moment for moment in _moments(hit, window.cron, zone) if moment <= at]
        found = max([*moments, found] if found else moments, default=None)
        if found and hit <= wall - repeated:  # no earlier hit is a later moment
            break
    return found


def _wall(at: datetime, zone: ZoneInfo) -> tuple[datetime, timedelta]:
    """The minute that a clock shows, and how much of it comes twice around that moment."""
    local = at.astimezone(zone)
    first, second = _both(local.replace(tzinfo=None), zone)
    return local.replace(tzinfo=None, second=0, microsecond=0, fold=0), second - first


def _both(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments by the offsets before and after a change; in reverse where it is skipped."""
    local = wall.replace(tzinfo=zone)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _moments(wall: datetime, cron: str, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The moments at which a clock shows this and the cron expression fires."""
    first, second = _both(wall, zone)
    if first == second:
        return (first,)
    follows_clock = any(part.startswith("*") for part in cron.split()[:2])
    if first < second:
        return (first, second) if follows_clock else (first,)
    return () if follows_clock else (_after_skipped(wall, zone),)


def _after_skipped(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment right after the change that skips this wall-clock time."""
    first, second = _both(wall, zone)
    while first > second:
        wall += _MINUTE
        first, second = _both(wall, zone)
    return first
