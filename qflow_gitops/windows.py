"""Windows of time in which runs may or may not be sent: cron, duration, time zone.

Pure. A window is open from each firing of its cron expression, in its own time zone, for its
duration in elapsed time. What a firing is around a change of the clocks is cronsim's to say: as
Debian's cron, it neither leaves a job out nor runs it twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

AHEAD = timedelta(days=366)
"""So far is looked for the next change."""
STEPS = 1500  # firings and ends that are looked at on the way there
_MINUTE = timedelta(minutes=1)
_FIELDS = 5


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether runs may be sent, and why not.

    `changes_at` (UTC) is when that changes next, None where no change is in sight.
    """

    open: bool
    why: str
    changes_at: datetime | None


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


def verdict(windows: Sequence[Window], environment: str, now: datetime) -> Verdict:
    """Say whether an environment's runs may be sent now; deny wins."""
    concerned = [one for one in windows if not one.environments or environment in one.environments]
    why = _why_closed(concerned, now)
    if not concerned:
        return Verdict(True, "", None)
    return Verdict(not why, why, _next_change(concerned, now, not why))


def _why_closed(windows: Sequence[Window], at: datetime) -> str:
    for one in windows:
        if one.kind == "deny" and _end(one, at) is not None:
            return f"the policy denies it now ({one})"
    allowing = [one for one in windows if one.kind == "allow"]
    if allowing and all(_end(one, at) is None for one in allowing):
        listed = "; ".join(map(str, allowing[:3])) + ("; …" if len(allowing) > 3 else "")
        return f"the policy allows it at other times only ({listed})"
    return ""


def _next_change(windows: Sequence[Window], now: datetime, is_open: bool) -> datetime | None:
    at = now
    for _ in range(STEPS):
        later = [one for window in windows for one in _boundaries(window, at)]
        if not later or min(later) - now > AHEAD:
            return None
        at = min(later)
        if (not _why_closed(windows, at)) is not is_open:
            return at
    return None


def _boundaries(window: Window, at: datetime) -> Iterator[datetime]:
    """Give the next moments after `at` at which a window may open or close."""
    end = _end(window, at)
    if end is not None:
        yield end
    start = next(CronSim(window.cron, at.astimezone(ZoneInfo(window.timezone))), None)
    if start is not None:
        yield start.astimezone(UTC)


def _end(window: Window, at: datetime) -> datetime | None:
    """Give when a window that is open ends, unless it fires again before; None if it's closed.

    All its firings last equally long, so the latest one tells.
    """
    local = (at + _MINUTE).astimezone(ZoneInfo(window.timezone))
    for fired in CronSim(window.cron, local, reverse=True):
        start = fired.astimezone(UTC)
        if start <= at:
            end = start + timedelta(seconds=window.duration)
            return end if at < end else None
    return None
