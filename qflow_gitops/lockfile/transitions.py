"""What may be added to an attempt, and what is said where it may not."""

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt, AttemptKey, Transition, decision_in, may_follow
from qflow_gitops.lockfile.states import EXECUTED, TRANSITIONS


def extended(attempts: tuple[Attempt, ...], transition: Transition) -> tuple[Attempt, ...]:
    """Add to a run's attempts. Raises LockError for what may not follow."""
    if transition.opens is not None:
        if transition.number != len(attempts) + 1 or transition.event.to not in TRANSITIONS[None]:
            raise LockError(
                f"The attempt {name_of(transition.key)} can't be opened: {len(attempts)} "
                "are recorded.",
                not_done=NOT_WRITTEN,
                hint=_look_at(transition),
            )
        return (*attempts, transition.opens)
    attempt = numbered(attempts, transition)
    check_execution(attempt, transition)
    if not may_follow(attempt.events, transition.event):
        raise not_allowed(attempt, transition)
    moved = attempt._replace(
        state=transition.event.to,
        events=(*attempt.events, transition.event),
        execution_id=attempt.execution_id
        or transition.execution_id,  # in the spelling that is known
        status=transition.status or attempt.status,
    )
    if transition.event.lets_go != (
        "" if transition.event.to in EXECUTED else attempt.execution_id
    ):
        raise not_allowed(attempt, transition)
    if transition.event.lets_go:
        moved = moved._replace(execution_id="", status="")
    return (*attempts[: transition.number - 1], moved, *attempts[transition.number :])


NOT_WRITTEN = "Nothing was written."


def numbered(attempts: tuple[Attempt, ...], transition: Transition) -> Attempt:
    """Return the attempt that a transition is about; LockError where there is none."""
    if not 1 <= transition.number <= len(attempts):
        raise LockError(
            f"There is no attempt {name_of(transition.key)}.",
            not_done=NOT_WRITTEN,
            hint="The lockfile is another one than this was meant for: `qflow-gitops lock verify`",
        )
    return attempts[transition.number - 1]


def check_execution(attempt: Attempt, transition: Transition) -> None:
    """Refuse a second execution for one attempt, and an execution that isn't named."""
    known = attempt.execution_id
    if transition.execution_id and known and transition.execution_id.lower() != known.lower():
        why = f"it has the execution {known}, and {transition.execution_id} came"
        raise conflict(transition, why, transition.key, attempt)
    if transition.event.to in EXECUTED and not (transition.execution_id or known):
        raise LockError(
            f"The attempt {name_of(transition.key)} can't become {transition.event.to}: "
            "no execution is named.",
            not_done=NOT_WRITTEN,
            hint=_look_at(transition),
        )


def name_of(key: AttemptKey) -> str:
    """Say which attempt a place is: `<environment>/<run> #<number>`."""
    environment, run, number = key
    return f"{environment}/{run} #{number}"


def _look_at(transition: Transition) -> str:
    return (
        f"`qflow-gitops history {transition.environment}/{transition.run}`, "
        "and `qflow-gitops lock verify`"
    )


def not_allowed(attempt: Attempt, transition: Transition) -> LockError:
    """Say that an attempt can't come to that from where it is."""
    return LockError(
        f"The attempt {name_of(transition.key)} is {attempt.state} "
        f"and can't become {transition.event.to}.",
        not_done=NOT_WRITTEN,
        hint=_look_at(transition) + _way_back(transition.key, attempt),
    )


def conflict(
    transition: Transition, why: str, key: AttemptKey, attempt: Attempt | None
) -> LockError:
    """Say what speaks against a transition: what the attempt at `key` has already."""
    return LockError(
        f"The attempt {name_of(transition.key)} can't become {transition.event.to}: {why}.",
        not_done=NOT_WRITTEN,
        hint="Look at both in Qualys, and at "
        f"`qflow-gitops history {transition.environment}/{transition.run}`"
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
