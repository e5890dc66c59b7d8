"""Look at how all runs stand again and again, as long as anything is under way."""

from collections.abc import Callable, Generator, Iterator

from qflow_gitops.apply import events
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile.attempt import is_leased
from qflow_gitops.lockfile.states import UNDER_WAY
from qflow_gitops.ports.clock import Clock
from qflow_gitops.results.outcomes import word
from qflow_gitops.results.records import Status, StatusRow
from qflow_gitops.results.report import Report, still_running

States = dict[tuple[str, str, int], str]


def watch(
    look: Callable[[], Report], clock: Clock, pause: float, seconds: float
) -> Generator[events.Event, None, Report]:
    """Tell what changes between looks, `pause` seconds apart; the last look is the result.

    It ends when nothing is under way, nor being sent, or after so many seconds, then with 8. Raises
    what `look` does.
    """
    before: States | None = None
    end = clock.monotonic() + seconds
    while True:
        report = look()
        rows = report.body.rows if isinstance(report.body, Status) else ()
        now = stamp(clock.now())
        states = dict(_states(rows))
        for line in _changes(before, states) if before is not None else ():
            yield events.Said(f"{now}  {line}")
        before = states
        if report.error or not any(_goes_on(row, now) for row in rows):
            return report
        left = end - clock.monotonic()
        if left <= 0:
            return still_running(report)
        yield events.Looked(report)
        clock.sleep(min(pause, left))


def _states(rows: tuple[StatusRow, ...]) -> Iterator[tuple[tuple[str, str, int], str]]:
    for row in rows:
        if row.attempt:
            yield (*row.key, row.attempt.number), word(row.attempt.state)


def _changes(before: States, states: States) -> Iterator[str]:
    for key, state in states.items():
        environment, name, _ = key
        if before.get(key) != state:
            was = f"{before[key]} → " if key in before else ""
            yield f"{environment}/{name}: {was}{state}"


def _goes_on(row: StatusRow, now: str) -> bool:
    """Whether something happens to a run by itself."""
    attempt = row.attempt
    return attempt is not None and (attempt.state in UNDER_WAY or is_leased(attempt, now))
