"""Times as the lockfile writes them: RFC 3339 in UTC, to the second."""

from datetime import UTC, datetime

BELIEVED = 86_400
"""Seconds by which another clock may differ from ours; what says more than that is no clock."""


def stamp(moment: datetime) -> str:
    """Write a time; two of them compare as texts as the times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote (fractions of a second may be there); ValueError for else."""
    return datetime.fromisoformat(text).astimezone(UTC)
