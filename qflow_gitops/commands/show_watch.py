"""Look at an execution again until it has ended, and leave others half of what Qualys allows."""

from collections.abc import Generator

from qflow_gitops.apply import events
from qflow_gitops.apply.polling import LAST_POLL, POLL_FACTOR
from qflow_gitops.commands.show import Opened, Show, ShowServices, open_story, told
from qflow_gitops.commands.show_execution import Looker
from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.ports.qualys import Allowance
from qflow_gitops.results.records import Status
from qflow_gitops.results.report import Report, still_running
from qflow_gitops.results.stories import Depth, ExecutionTold

FIRST_LOOK = 2.0  # seconds to the second one
CALLS = 2
"""A glance asks for the execution, and for its steps."""
_WINDOW = 3600
"""Seconds for which an allowance holds where no header says (docs/api.md 4.3, of siblings)."""


def watch(
    asked: Show, services: ShowServices, timeout: float
) -> Generator[events.Event, None, Report]:
    """Say what is new until the execution has ended, then show it; 8 where the time was over.

    Raises QflowError for what can't be looked at.
    """
    opened = open_story(asked, services)
    if opened.story is None:
        assert isinstance(opened.report.body, Status)  # noqa: S101  several runs, in brief
        first = min(row.key for row in opened.report.body.rows)
        raise UsageProblem(
            "Only one execution can be watched.",
            not_done="Nothing was looked at.",
            hint=f"Name one of them: `qflow-gitops show {'/'.join(first)} --watch`",
            reason="several_runs",
        )
    if opened.looker is None:
        return told(opened, problem=opened.problem or _nothing_runs(), needed=True)
    return (yield from _until_it_ended(opened, services, timeout))


def _nothing_runs() -> UsageProblem:
    return UsageProblem(
        "There is no execution to wait for.", not_done="Qualys was not asked.",
        reason="execution_unknown",
    )  # fmt: skip


def _until_it_ended(
    opened: Opened, services: ShowServices, timeout: float
) -> Generator[events.Event, None, Report]:
    looker, clock = opened.looker, services.clock
    assert looker is not None  # noqa: S101  the caller looked
    end, pause, said, slow = clock.monotonic() + timeout, FIRST_LOOK, "", False
    while True:
        try:
            seen = looker.glance()
            if seen.ended or not seen.seen:
                return told(opened, _in_full(looker, seen), needed=True)
        except QflowError as problem:
            return told(opened, problem=problem, needed=True)
        if (words := _words(seen)) != said:
            said, pause = words, FIRST_LOOK
            yield events.Said(words)
        left = end - clock.monotonic()
        if left <= 0:
            return still_running(told(opened, _in_full(looker, seen)))
        wait, why = paced(pause, looker.qualys.allowance)
        if why and not slow:
            yield events.Said(why)
        slow = bool(why)
        clock.sleep(min(wait, left))
        pause = min(LAST_POLL, pause * POLL_FACTOR)


def _in_full(looker: Looker, seen: ExecutionTold) -> ExecutionTold:
    """Look once more where more is asked for than a glance shows: up to 40 calls, so only once."""
    return seen if looker.depth == Depth() or not seen.seen else looker.look()


def paced(usual: float, allowance: Allowance | None) -> tuple[float, str]:
    """Return the seconds until the next look, and why they are more than usual, "" if not.

    Half of the calls that the newest rate headers leave stays for others, an apply say.
    """
    if allowance is None or allowance.left is None:
        return usual, ""
    window = allowance.window or _WINDOW
    looks = allowance.left // 2 // CALLS
    wait = float(window) if looks < 1 else window / looks
    if wait <= usual:
        return usual, ""
    of = f" of {allowance.limit:,}" if allowance.limit is not None else ""
    return wait, (
        f"Qualys leaves {allowance.left:,}{of} calls in {window:,} s; half of them stay for "
        f"others, so the next look is in {wait:,.0f} s."
    )


def _words(seen: ExecutionTold) -> str:
    """Say in a line how an execution stands."""
    last = seen.steps[-1] if seen.steps else None
    at = f"; newest step {last.node_id} {last.status}" if last else ""
    return f"{seen.status or 'no status'}{at}"
