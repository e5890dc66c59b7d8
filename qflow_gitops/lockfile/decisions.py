"""What a person decided about attempts, put back; and words that somebody explained later.

Pure. What may follow what is the ledger's business (`lockfile.may_follow`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import ENDINGS, EXECUTED, REOPENED, State


def reopening(attempt: Attempt, at: str, by: Mapping[str, Any]) -> Event | None:
    """Return the event that puts back what a person decided about an attempt, None for nothing.

    It is what it was before: in doubt, or ended in a way that nobody knows. An execution that
    had been adopted is let go; `by` is who puts it back, and why.
    """
    decision = attempt.decision
    if decision is None:
        return None
    back = REOPENED[decision.to]
    extra: dict[str, Any] = {**by, "reopens": decision.to.value}
    if attempt.state in EXECUTED and back not in EXECUTED:
        extra["letGo"] = attempt.execution_id
    return Event(at, back, extra)


def unexplained(attempt: Attempt) -> str:
    """Return the word with which an execution ended and that nobody explained, "" for none.

    What Qualys said before it no longer showed the execution isn't how it ended.
    """
    if attempt.state is not State.ENDED:
        return ""
    ends = (event for event in reversed(attempt.events) if event.to is State.ENDED)
    seen = next(end for end in ends if "reopens" not in end.extra)
    word = seen.extra.get("status", "")
    return word if isinstance(word, str) else ""


def explained(attempt: Attempt, statuses: Mapping[str, str]) -> State | None:
    """Say how an execution ended by a word that the settings explain by now, None for unknown.

    `statuses` say what Qualys' words mean, in lower case.
    """
    state = statuses.get(unexplained(attempt).lower(), "")
    return State(state) if state in ENDINGS else None


def endings(
    lockfile: Lockfile, environments: Iterable[str], statuses: Mapping[str, str], at: str
) -> list[Transition]:
    """Settle each execution of environments that ended with a word explained since."""
    found = []
    for environment in environments:
        for run, attempts in lockfile.runs_in_states(environment, {State.ENDED}):
            for attempt in attempts:
                state = explained(attempt, statuses)
                if state is not None:
                    word = unexplained(attempt)
                    detail = f'The settings explain Qualys\' word "{word}" as {state}.'
                    event = Event(at, state, {"status": word, "detail": detail})
                    found.append(Transition(environment, run, attempt.number, event))
    return found
