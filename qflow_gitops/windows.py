"""Windows of time in which runs may or may not be sent: cron, duration, time zone.

Pure. A window is open from each firing of its cron expression, in its own time zone, for its
duration in elapsed time. What a firing is around a change of the clocks is cronsim's to say: as
Debian's cron, it neither leaves a job out nor runs it twice.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

AHEAD = timedelta(days=366)
"""So far is looked for the next change."""
FIRINGS = 5000  # of one window, that are looked at on the way there
_MINUTE = timedelta(minutes=1)
_FIELDS = 5
_CLOCKS = timedelta(hours=3)  # clocks are changed by less


@dataclass(frozen=True, slots=True)
class Window:
    """`kind` is allow or deny, `duration` in seconds, `timezone` an IANA name.

    `environments` are those that it is about, () for all. Use only what `problem_of` finds
    nothing wrong with.
    """

    kind: str
    cron: str
    duration: float
    timezone: str
    environments: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say which one it is."""
        hours, minutes = divmod(round(self.duration / 60), 60)
        lasts = f"{hours}h" + (f"{minutes}m" if minutes else "") if hours else f"{minutes}m"
        return f'{self.kind}: "{self.cron}" for {lasts}, {self.timezone}'


def problem_of(cron: str, timezone: str, duration: float) -> str:
    """Say in a sentence what is wrong with a window, "" for nothing."""
    try:
        zone = ZoneInfo(timezone)
    except (OSError, ValueError, KeyError):  # of no such zone, of a folder, of a path
        return f"There is no time zone `{timezone}`."
    if not 0 < duration <= AHEAD.total_seconds():
        return "A window lasts longer than 0, and at most 366 days."
    if len(cron.split(" ")) != _FIELDS:
        return f"`{cron}` is no cron expression of five fields."
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=zone)))
    except CronSimError as problem:
        return f"`{cron}` is no cron expression: {problem}."
    except StopIteration:
        return f"`{cron}` never comes."
    return ""


def why_closed(windows: Sequence[Window], environment: str, now: datetime) -> str:
    """Say why an environment's runs may not be sent now, "" where they may; deny wins."""
    concerned = _concerned(windows, environment)
    for one in concerned:
        if one.kind == "deny" and _end(one, now) is not None:
            return f"the policy denies it now ({one})"
    allowing = [one for one in concerned if one.kind == "allow"]
    if allowing and all(_end(one, now) is None for one in allowing):
        listed = "; ".join(map(str, allowing[:3])) + ("; …" if len(allowing) > 3 else "")
        return f"the policy allows it at other times only ({listed})"
    return ""


def next_change(windows: Sequence[Window], environment: str, now: datetime) -> datetime | None:
    """Give when that changes next (UTC), None where no change is in sight."""
    concerned = _concerned(windows, environment)
    states = [_end(one, now) is not None for one in concerned]
    before = _may(concerned, states)
    boundaries = heapq.merge(*(_boundaries(one, place, now) for place, one in enumerate(concerned)))
    at: datetime
    for at, flips in groupby(boundaries, key=lambda one: one[0]):
        if at - now > AHEAD:
            return None
        for _, place, state in flips:
            states[place] = state
        if _may(concerned, states) is not before:
            return at
    return None


def _concerned(windows: Sequence[Window], environment: str) -> list[Window]:
    return [one for one in windows if not one.environments or environment in one.environments]


def _may(windows: Sequence[Window], states: Sequence[bool]) -> bool:
    both = list(zip(windows, states, strict=True))
    allowing = [state for one, state in both if one.kind == "allow"]
    denied = any(state for one, state in both if one.kind == "deny")
    return not denied and (not allowing or any(allowing))


def _boundaries(window: Window, place: int, now: datetime) -> Iterator[tuple[datetime, int, bool]]:
    """Give when a window opens (True) and closes (False) after now, in turn."""
    lasts, end = timedelta(seconds=window.duration), _end(window, now)
    zone = ZoneInfo(window.timezone)
    fired = CronSim(window.cron, (now - _slack(now, zone)).astimezone(zone))
    starts = (one.astimezone(UTC) for one in fired)
    for start in islice((one for one in starts if one > now), FIRINGS):
        if end is None or start > end:
            if end is not None:
                yield end, place, False
            yield start, place, True
        end = start + lasts
        if start - now > AHEAD:
            return


def _end(window: Window, at: datetime) -> datetime | None:
    """Give when a window that is open ends, unless it fires again before; None if it's closed.

    All its firings last equally long, so the latest one tells.
    """
    zone = ZoneInfo(window.timezone)
    local = (at + _MINUTE + _slack(at, zone)).astimezone(zone)
    for fired in CronSim(window.cron, local, reverse=True):
        start = fired.astimezone(UTC)
        if start <= at:
            end = start + timedelta(seconds=window.duration)
            return end if at < end else None
    return None


def _slack(at: datetime, zone: ZoneInfo) -> timedelta:
    """Give how much further to begin: cronsim counts by the wall clock, which may be set back."""
    before, after = ((at + one).astimezone(zone).utcoffset() for one in (-_CLOCKS, _CLOCKS))
    return _CLOCKS if before != after else timedelta(0)
