"""Attempts, their events and transitions as JSON data, strict on the way in. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from qflow_gitops.base.times import moment
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition, may_follow
from qflow_gitops.lockfile.states import EXECUTED, TRANSITIONS, State


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt with its keys in the lockfile's order."""
    return {
        "number": attempt.number,
        "state": attempt.state.value,
        **({"executionId": attempt.execution_id} if attempt.execution_id else {}),
        **({"status": attempt.status} if attempt.status else {}),
        "digest": attempt.digest,
        **attempt.facts,
        "events": [event_to_json(event) for event in attempt.events],
    }


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event as it stands in the lockfile."""
    return {"at": event.at, "to": event.to.value, **event.extra}


_ATTEMPT_KEYS = ("number", "state", "executionId", "status", "digest", "events")


def attempt_from_json(data: Mapping[str, Any]) -> Attempt:
    """Read one attempt; ValueError, KeyError or TypeError where it isn't one."""
    digest = data["digest"]
    if not isinstance(digest, str):
        raise TypeError("digest has to be a text")
    return Attempt(
        number=data["number"],
        state=State(data["state"]),
        digest=digest,
        events=tuple(event_from_json(event) for event in data["events"]),
        execution_id=text_in(data, "executionId"),
        status=text_in(data, "status"),
        facts=rest_of(data, _ATTEMPT_KEYS),
    )


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Read one event; ValueError, KeyError or TypeError where it isn't one."""
    at = data["at"]
    if not isinstance(at, str):
        raise TypeError("`at` has to be a text")
    return Event(at, State(data["to"]), rest_of(data, ("at", "to")))


def transition_to_json(transition: Transition) -> dict[str, Any]:
    """Return a transition as one JSON object, for a journal or a rescued record."""
    return {
        "environment": transition.environment,
        "run": transition.run,
        "number": transition.number,
        "event": event_to_json(transition.event),
        "opens": attempt_to_json(transition.opens) if transition.opens else None,
        "executionId": transition.execution_id,
        "status": transition.status,
    }


def transition_from_json(line: Mapping[str, Any]) -> Transition:
    """Read one transition; ValueError, KeyError or TypeError where it isn't one."""
    return Transition(
        environment=line["environment"],
        run=line["run"],
        number=line["number"],
        event=event_from_json(line["event"]),
        opens=attempt_from_json(line["opens"]) if line["opens"] else None,
        execution_id=line["executionId"],
        status=line["status"],
    )


def attempts_from_json(data: Sequence[Any], run: str, first: int = 1) -> tuple[Attempt, ...]:
    """Read the attempts of a run; ValueError, KeyError or TypeError where they aren't sound."""
    return tuple(_attempt(attempt, number, run) for number, attempt in enumerate(data, first))


def _attempt(data: Mapping[str, Any], number: int, run: str) -> Attempt:
    attempt = attempt_from_json(data)
    if attempt.number != number:
        raise ValueError(f"attempt {number} of {run} has the number {attempt.number!r}")
    before: State | None = None
    for place, event in enumerate(attempt.events):
        allowed = event.to in TRANSITIONS.get(before, frozenset())
        if "reopens" in event.extra:
            allowed = may_follow(attempt.events[:place], event)
            _check_let_go(attempt, before, event, run)
        if not allowed:
            raise ValueError(f"attempt {number} of {run} goes from {before} to {event.to}")
        before = event.to
    if before is not attempt.state:
        raise ValueError(
            f"attempt {number} of {run} is {attempt.state}, its last event says {before}"
        )
    if attempt.state in EXECUTED and not attempt.execution_id:
        raise ValueError(f"attempt {number} of {run} is {attempt.state} without an executionId")
    _check_opening(attempt, run)
    return attempt


def _check_opening(attempt: Attempt, run: str) -> None:
    """What is reckoned with, when a doubt is settled, is what it has to be."""
    before = attempt.events[0].extra.get("executionsBefore", [])
    if not isinstance(before, list) or not all(isinstance(each, str) for each in before):
        raise TypeError(
            f"executionsBefore of attempt {attempt.number} of {run} isn't a list of ids"
        )
    try:
        opened = moment(attempt.opened_at)
        _ = opened - _FAR, opened + _FAR
    except (ValueError, OverflowError):
        raise ValueError(f"attempt {attempt.number} of {run} was opened at no time") from None


def _check_let_go(attempt: Attempt, before: State | None, event: Event, run: str) -> None:
    """An execution that is nobody's any more is named, or it would be out of the lockfile."""
    if bool(event.lets_go) != (before in EXECUTED and event.to not in EXECUTED):
        raise ValueError(f"attempt {attempt.number} of {run} doesn't say what it lets go")
    if event is attempt.events[-1] and event.lets_go and attempt.execution_id:
        raise ValueError(f"attempt {attempt.number} of {run} has what it let go")


_FAR = timedelta(days=366)
"""Further than anything is reckoned with from the time at which an attempt was opened."""
_DEEPEST = 32
"""So deep may be nested what is kept: far more than anything is, and less than can't be written."""
_NESTED = (dict, list)


def rest_of(data: Mapping[str, Any], known: Sequence[str]) -> Mapping[str, Any]:
    """Keep what a later minor version may have added: the lockfile is never made poorer.

    Raises ValueError for what is nested so deep that nobody wrote it.
    """
    rest = dict(data)
    for name in known:
        rest.pop(name, None)
    _check_depth(rest.values(), _DEEPEST)
    return rest


def _check_depth(values: Iterable[Any], left: int) -> None:
    for value in values:
        if type(value) in _NESTED:
            if not left:
                raise ValueError("it is nested too deep")
            _check_depth(value.values() if type(value) is dict else value, left - 1)


def text_in(data: Mapping[str, Any], name: str) -> str:
    """Return a text, "" where there is none; TypeError where it is something else."""
    value = data.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} has to be a text")
    return value
