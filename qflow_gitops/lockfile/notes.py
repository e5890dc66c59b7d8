"""What the lockfile says beside attempts: events of a run, of an environment, of the whole.

They only grow, like attempts. An event is `{at, event, …}`:

==============  =====================  ====================================================
event           stands in              what it says
==============  =====================  ====================================================
`carried`       a run                  attempts 1 to `through` of the run `from` count for it
`released`      the run of a spec      a person released the hold `hold` of targets with these
                with targets           `digests`, for the rest of their rollout (`granted`)
`failedAt`      a run                  by which step the execution of its `attempt` failed, as
                                       Qualys showed it to an apply (`failing`)
`released`      an environment         a person released the hold `hold`, for the whole of it,
                                      at `commit`; `rewritten`: let go of the commit `from`
`frozen`,       the lockfile's head    nothing is sent from here on, or may be again
`unfrozen`
`known`,        the lockfile's head    where it belongs, and its moves (`places`)
`pending`,
`opened`,
`movedTo`
==============  =====================  ====================================================

Freezes have a `nonce` each: they may come on two ways, and count once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qflow_gitops.lockfile.attempt_json import rest_of

CARRIED, RELEASED, FAILED_AT = "carried", "released", "failedAt"
FROZEN, UNFROZEN = "frozen", "unfrozen"
KNOWN, PENDING, OPENED, MOVED = "known", "pending", "opened", "movedTo"
OF_PLACES = frozenset({KNOWN, PENDING, OPENED, MOVED})
"""Events of the head that don't stand among its freezes, where each would hold everything."""


class LedgerEvent(NamedTuple):
    """One event. `at` is RFC 3339 in UTC, `extra` what else it says (`by`, `reason`, …)."""

    at: str
    event: str
    extra: Mapping[str, Any] = {}

    def text(self, name: str) -> str:
        """Return what it says under a name as text, "" where it says nothing."""
        value = self.extra.get(name, "")
        return value if isinstance(value, str) else str(value)


class Note(NamedTuple):
    """An event and its place: a run, an environment (`run` is ""), the head (both are "")."""

    environment: str
    run: str
    event: LedgerEvent


def freezes_of(events: Sequence[LedgerEvent]) -> tuple[LedgerEvent, ...]:
    """Return the freezes that hold by the events of the lockfile's head, oldest first.

    Each holds until everything is unfrozen, so that nobody's reason is covered by another's.
    An event that isn't known here holds as well.
    """
    lifted = [place for place, event in enumerate(events, 1) if event.event == UNFROZEN]
    return tuple(events[max(lifted, default=0) :])


def note_to_json(note: Note) -> dict[str, Any]:
    """Return a note as one JSON object, for a journal."""
    return {"environment": note.environment, "run": note.run, "event": to_json(note.event)}


def note_from_json(data: Mapping[str, Any]) -> Note:
    """Read a note; ValueError, KeyError or TypeError where it isn't one."""
    return Note(str(data["environment"]), str(data["run"]), from_json(data["event"]))


def to_json(event: LedgerEvent) -> dict[str, Any]:
    """Return an event as it stands in the lockfile."""
    return {"at": event.at, "event": event.event, **event.extra}


def from_json(data: Mapping[str, Any]) -> LedgerEvent:
    """Read an event; ValueError, KeyError or TypeError where it isn't one."""
    at, event = data["at"], data["event"]
    if not isinstance(at, str) or not isinstance(event, str):
        raise TypeError("`at` and `event` have to be texts")
    rest = rest_of(data, ("at", "event"))
    if event == CARRIED:
        _check_carried(rest)
    return LedgerEvent(at, event, rest)


def _check_carried(data: Mapping[str, Any]) -> None:
    """What can't be followed would let a request that was sent be sent again."""
    source, through = data["from"], data["through"]
    if not isinstance(source, str) or not 1 <= source.count("/") <= 2:
        raise ValueError("`from` of a carried run isn't <environment>/<name>, or a target of that")
    if not isinstance(through, int) or isinstance(through, bool) or through < 0:
        raise ValueError("`through` of a carried run isn't a number of attempts")
