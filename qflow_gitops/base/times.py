"""Times as the lockfile writes them (RFC 3339 in UTC, to the second), durations as people do."""

import re
from datetime import UTC, datetime, timedelta

BELIEVED = 86_400
"""Seconds by which another clock may differ from ours; what says more than that is no clock."""


def stamp(moment: datetime) -> str:
    """Write a time; two of them compare as texts as the times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def of_milliseconds(at: int | None) -> datetime | None:
    """Read milliseconds since 1970, as Qualys counts them; None for a number that is no time."""
    try:
        return None if at is None else datetime.fromtimestamp(at / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def moment(text: str) -> datetime:
    """Read what `stamp` wrote (fractions of a second may be there); ValueError for else."""
    return datetime.fromisoformat(text).astimezone(UTC)


_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def since(text: str, now: datetime) -> str:
    """Read a date, a time (UTC where it names no zone), or `2d` ago, as `stamp` writes it.

    Raises ValueError for anything else.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return stamp(now - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]]))
        at = datetime.fromisoformat(text)
        return stamp(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        said = f"{text!r} is no time; write 2026-10-06, 2026-10-06T12:00Z, 90m, 12h, 2d or 1w"
        raise ValueError(said) from None


_DURATION = re.compile(r"(?:(?P<h>[0-9]{1,4})h)?(?:(?P<m>[0-9]{1,4})m)?(?:(?P<s>[0-9]{1,6})s)?")


def duration(text: str) -> float:
    """Read `90s`, `30m` or `1h30m` as seconds; ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is no duration; write 90s, 30m or 1h30m")
    hours, minutes, seconds = (int(match[part] or 0) for part in "hms")
    return float(hours * 3600 + minutes * 60 + seconds)


def spelled(seconds: float) -> str:
    """Write a time in whole seconds as `duration` reads it: `90s` is `1m30s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
