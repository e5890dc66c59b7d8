"""What may be added to an attempt, and what is said where it may not."""

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt, AttemptKey, Transition, decision_in, may_follow
from qflow_gitops.lockfile.states import EXECUTED, TRANSITIONS


def extended(attempts: tuple[Attempt, ...], one: Transition) -> tuple[Attempt, ...]:
    """Add to a run's attempts. Raises LockError for what may not follow."""
    if one.opens is not None:
        if one.number != len(attempts) + 1 or one.event.to not in TRANSITIONS[None]:
            raise LockError(
                f"The attempt {name_of(one.key)} can't be opened: {len(attempts)} are recorded.",
                not_done=NOT_WRITTEN,
                hint=_look_at(one),
            )
        return (*attempts, one.opens)
    attempt = numbered(attempts, one)
    check_execution(attempt, one)
    if not may_follow(attempt.events, one.event):
        raise not_allowed(attempt, one)
    moved = attempt._replace(
        state=one.event.to,
        events=(*attempt.events, one.event),
        execution_id=attempt.execution_id or one.execution_id,  # in the spelling that is known
        status=one.status or attempt.status,
    )
    if one.event.lets_go != ("" if one.event.to in EXECUTED else attempt.execution_id):
        raise not_allowed(attempt, one)
    if one.event.lets_go:
        moved = moved._replace(execution_id="", status="")
    return (*attempts[: one.number - 1], moved, *attempts[one.number :])


NOT_WRITTEN = "Nothing was written."


def numbered(attempts: tuple[Attempt, ...], one: Transition) -> Attempt:
    """Return the attempt that a transition is about; LockError where there is none."""
    if not 1 <= one.number <= len(attempts):
        raise LockError(
            f"There is no attempt {name_of(one.key)}.",
            not_done=NOT_WRITTEN,
            hint="The lockfile is another one than this was meant for: `qflow-gitops lock verify`",
        )
    return attempts[one.number - 1]


def check_execution(attempt: Attempt, one: Transition) -> None:
    """Refuse a second execution for one attempt, and an execution that isn't named."""
    known = attempt.execution_id
    if one.execution_id and known and one.execution_id.lower() != known.lower():
        said = f"it has the execution {known}, and {one.execution_id} came"
        raise conflict(one, said, one.key, attempt)
    if one.event.to in EXECUTED and not (one.execution_id or known):
        raise LockError(
            f"The attempt {name_of(one.key)} can't become {one.event.to}: no execution is named.",
            not_done=NOT_WRITTEN,
            hint=_look_at(one),
        )


def name_of(key: AttemptKey) -> str:
    """Say which attempt a place is: `<environment>/<run> #<number>`."""
    environment, run, number = key
    return f"{environment}/{run} #{number}"


def _look_at(one: Transition) -> str:
    return f"`qflow-gitops history {one.environment}/{one.run}`, and `qflow-gitops lock verify`"


def not_allowed(attempt: Attempt, one: Transition) -> LockError:
    """Say that an attempt can't come to that from where it is."""
    return LockError(
        f"The attempt {name_of(one.key)} is {attempt.state} and can't become {one.event.to}.",
        not_done=NOT_WRITTEN,
        hint=_look_at(one) + _way_back(one.key, attempt),
    )


def conflict(one: Transition, said: str, key: AttemptKey, attempt: Attempt | None) -> LockError:
    """Say what speaks against a transition: what the attempt at `key` has already."""
    return LockError(
        f"The attempt {name_of(one.key)} can't become {one.event.to}: {said}.",
        not_done=NOT_WRITTEN,
        hint=f"Look at both in Qualys, and at `qflow-gitops history {one.environment}/{one.run}`"
        + (_way_back(key, attempt) if attempt else ""),
        reason="lock_conflict",
    )


def _way_back(key: AttemptKey, attempt: Attempt) -> str:
    """Name the command that puts back what a person decided about it, "" for no such thing."""
    if decision_in(attempt.events) is None:
        return ""
    environment, run, number = key
    command = next_steps.reopen(f"{environment}/{run}", number)
    return f". If what a person decided about #{number} is wrong: {command}"
