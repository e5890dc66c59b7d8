"""By which steps executions failed, as events of their runs tell it.

An apply that has Qualys' credentials asks once, after the end is recorded, and keeps the answer for
all who have none: a pull request's comment, `status`, `history`. It decides nothing. The event
names the attempt (`attempt`, `executionId`) and the step as Qualys names it, cut and without what
looks like a secret; what isn't known is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import FAILED_AT, LedgerEvent
from qflow_gitops.lockfile.states import UNSUCCESSFUL

ATTEMPT, EXECUTION = "attempt", "executionId"


def failed_at(at: str, attempt: Attempt, said: Mapping[str, Any]) -> LedgerEvent:
    """Return the event of an attempt's execution; `at` is RFC 3339, `said` what is known of it."""
    which = {ATTEMPT: attempt.number, EXECUTION: attempt.execution_id}
    return LedgerEvent(at, FAILED_AT, {**which, **said})


def told_of(lockfile: Lockfile, attempt: Attempt) -> LedgerEvent | None:
    """Return what is recorded of how an attempt's execution failed, None for nothing.

    Whatever the run was called then: an execution is one attempt's. None as well where a person
    has decided since that it didn't fail.
    """
    failed = attempt.state in UNSUCCESSFUL and attempt.execution_id
    owner = lockfile.owner(attempt.execution_id) if failed else None
    if owner is None or owner[2] != attempt.number:
        return None
    some = lockfile.events(*owner[:2])
    return next((event for event in some if _is_of(event, attempt)), None)


def _is_of(event: LedgerEvent, attempt: Attempt) -> bool:
    said = (event.event, event.extra.get(ATTEMPT), event.text(EXECUTION).lower())
    return said == (FAILED_AT, attempt.number, attempt.execution_id.lower())


def misplaced(lockfile: Lockfile) -> Iterator[str]:
    """Find what is said of an attempt that isn't there, or of another execution; or said twice."""
    for environment, record in lockfile.environments.items():
        for run, events in record.events.items():
            some = [event for event in events if event.event == FAILED_AT]
            attempts = lockfile.attempts(environment, run) if some else ()
            for place, event in enumerate(some):
                if why := _wrong(event, attempts, some[:place]):
                    yield f"The run {environment}/{run} says at {event.at} how it failed: {why}."


def _wrong(event: LedgerEvent, attempts: Sequence[Attempt], before: Sequence[LedgerEvent]) -> str:
    number, execution = event.extra.get(ATTEMPT), event.text(EXECUTION).lower()
    attempt = next((each for each in attempts if each.number == number), None)
    if attempt is None:
        return f"the attempt #{number} isn't there"
    if execution not in {attempt.execution_id.lower(), *attempt.let_go} - {""}:
        return f"the attempt #{number} has another execution than {execution or 'none'}"
    same = any(each.text(EXECUTION).lower() == execution for each in before)
    return f"that of execution {execution} is said already" if same else ""
