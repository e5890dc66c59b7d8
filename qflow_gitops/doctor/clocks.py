"""Whether this machine's clock can be believed, beside others."""

from __future__ import annotations

from datetime import datetime, timedelta

from qflow_gitops.base.times import BELIEVED, stamp
from qflow_gitops.results.checks import Check, failed, ok, unknown, warning

ALIKE = 60
"""Seconds by which two clocks may differ: so much is allowed for in the lease of an intent."""
_SET = "Set this machine's clock, by NTP say; if it is right, the other one is wrong."


def clock(skew: float | None) -> Check:
    """Judge our clock by Qualys'; `skew` is by how many seconds that is ahead, None for unknown."""
    name, about = "clock-of-qualys", "clock, beside Qualys'"
    if skew is None:
        return unknown(name, about, "Qualys didn't say what time it is")
    said = f"this one is {_apart(abs(skew))} {'behind' if skew > 0 else 'ahead'}"
    if abs(skew) <= ALIKE:
        return ok(name, about, "they agree" if abs(skew) < 2 else said)
    if abs(skew) <= BELIEVED:
        return warning(name, about, said, _SET)
    return failed(name, about, f"{said}; by more than a day, Qualys' isn't believed", _SET)


def beside_commit(newest: datetime | None, now: datetime) -> Check:
    """Judge our clock by the newest commit that this clone has; None where there is none."""
    name, about = "clock", "clock"
    if newest is None:
        return ok(name, about, f"{stamp(now)}; there is no commit to hold it against")
    if newest - now <= timedelta(seconds=ALIKE):
        return ok(name, about, f"{stamp(now)}; no commit here is newer")
    ahead = _apart((newest - now).total_seconds())
    return warning(name, about, f"{stamp(now)}; the newest commit is {ahead} ahead of it", _SET)


def _apart(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds)} seconds"
