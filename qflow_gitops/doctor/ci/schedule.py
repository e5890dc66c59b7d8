"""Whether the CI's schedules run, and how they ended last."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from qflow_gitops.base.times import moment
from qflow_gitops.doctor.ci.seen import Seen
from qflow_gitops.policy.windows import interval
from qflow_gitops.ports.governance import Schedule
from qflow_gitops.results.checks import Check, failed, ok, warning

_LATE = 2
"""So many times the time between two firings may have passed since the last run."""
_WELL = ("", "success")
_NONE = "doubts are settled, and windows opened, only by a merge"


def schedules(seen: Seen) -> Iterator[Check]:
    """Look at each file of the CI, and at what runs by the clock."""
    pipeline = seen.expected.pipeline
    if not pipeline.files:
        return
    files = {file: file == pipeline.scheduled for file in pipeline.files}
    found = seen.host.schedules(files)
    timed = [each for each in found if each.crons or files.get(each.file)]
    for each in found:
        if each.stopped:
            hint = f"`{each.enable}`" if each.enable else seen.host.pages.schedules
            yield failed("schedule", each.file, f"it doesn't run: {each.stopped}", hint)
        elif each in timed:
            yield _last(seen, each, each.crons or pipeline.crons)
    if not timed and not any(each.stopped for each in found):
        hint = (
            f"Let one run it every hour, as the shipped files have it: {seen.host.pages.schedules}"
        )
        yield warning("schedule", "schedule", f"there is none: {_NONE}", hint)


def _last(seen: Seen, schedule: Schedule, crons: tuple[str, ...]) -> Check:
    last, page = schedule.last, seen.host.pages.schedules
    if last is None:
        return warning("schedule", schedule.file, "its schedule never ran yet", page)
    page = last.page or page
    at, gap = _moment(last.at), _gap(crons, seen.now)
    if last.ended not in _WELL:
        why = f"its last scheduled run, {last.at or 'at no time that is told'}, ended: {last.ended}"
        return warning("schedule", schedule.file, why, page)
    if at and gap and seen.now - at > _LATE * gap:
        why = f"it last ran by schedule at {last.at}, and should every {_words(gap)}"
        return warning("schedule", schedule.file, why, page)
    due = _moment(schedule.due)
    if due and gap and seen.now - due > gap:
        why = f"it was to run at {schedule.due}, and didn't"
        return warning("schedule", schedule.file, why, page)
    when = last.at or (
        f"well; next at {schedule.due}" if schedule.due else "a time that isn't told"
    )
    return ok("schedule", schedule.file, f"last ran by schedule at {when}")


def _gap(crons: tuple[str, ...], now: datetime) -> timedelta | None:
    return min((gap for cron in crons if (gap := interval(cron, now))), default=None)


def _moment(text: str) -> datetime | None:
    try:
        return moment(text)
    except (ValueError, OverflowError):
        return None


def _words(gap: timedelta) -> str:
    minutes = int(gap.total_seconds() // 60)
    return f"{minutes:,} minutes" if minutes % 60 else f"{minutes // 60:,} h"
