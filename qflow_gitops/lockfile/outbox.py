"""What others are still to be told of the lockfile: a transactional outbox in its head.

A notice comes in with the write that it is about, and leaves with a later one once everybody has
it: whoever dies in between leaves it there, and it is told again under the same id. It is no part
of the ledger, which only grows. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from qflow_gitops.lockfile.attempt import Attempt, AttemptKey
from qflow_gitops.lockfile.notes import FROZEN, UNFROZEN, LedgerEvent
from qflow_gitops.lockfile.states import FINAL, State

HELD, STARTED, FINISHED, FAILED = "held", "started", "finished", "failed"
DOUBT, SETTLED, FREEZE, MISSED = "doubt", "settled", "freeze", "missed"
KINDS = (HELD, STARTED, FINISHED, FAILED, DOUBT, SETTLED, FREEZE, MISSED)
"""What receivers can be told of."""
TICKET = "ticket"
"""A note that belongs on the ticket of an attempt: nobody has to ask for it."""
MOST = 1000
"""So many notices wait at most; of more the oldest are given up, and those for tickets last."""
_KIND_OF: Mapping[State, str] = {
    State.ACCEPTED: STARTED,
    State.SUCCEEDED: FINISHED,
    **dict.fromkeys((State.FAILED, State.CANCELLED, State.ENDED, State.REFUSED), FAILED),
    **dict.fromkeys((State.IN_DOUBT, State.EXPIRED), DOUBT),
    **dict.fromkeys((State.ABSENT, State.ASSUMED, State.ADOPTED), SETTLED),
}
_ENDS = FINAL | {State.ASSUMED}


class Notice(NamedTuple):
    """Something that happened, and who of those that are to know it does by now.

    `id` is the same whenever it is told. `at` is RFC 3339 in UTC. `attempt` and `event` are
    numbers from 1, 0 where it is about no attempt. `reason` is the word for a hold; `detail` is one
    line. `done` are the receivers that have it.
    """

    id: str
    kind: str
    at: str
    environment: str = ""
    run: str = ""
    attempt: int = 0
    event: int = 0
    reason: str = ""
    detail: str = ""
    done: tuple[str, ...] = ()


class OutboxChange(NamedTuple):
    """What a write does to the outbox: `add` and `drop` notices, note who has which (`done`).

    `done` gives receivers by a notice's id, `drop` ids. `tells` are the kinds that are put there
    from then on, None for those so far.
    """

    add: tuple[Notice, ...] = ()
    done: Mapping[str, frozenset[str]] = {}
    drop: frozenset[str] = frozenset()
    tells: tuple[str, ...] | None = None


class Outbox(NamedTuple):
    """What waits to be told, oldest first, and which kinds are. `given_up` counts what isn't."""

    notices: tuple[Notice, ...] = ()
    tells: tuple[str, ...] = ()
    given_up: int = 0

    def with_notices(self, new: Iterable[Notice]) -> "Outbox":
        """Add notices, none that is there; what belongs on a ticket is given up last."""
        known = {notice.id for notice in self.notices}
        all_of_them = (*self.notices, *(each for each in new if each.id not in known))
        beyond = max(0, len(all_of_them) - MOST)
        last = sorted(all_of_them, key=lambda each: each.kind == TICKET) if beyond else []
        gone = {each.id for each in last[:beyond]}
        kept = tuple(each for each in all_of_them if each.id not in gone)
        return self._replace(notices=kept, given_up=self.given_up + beyond)

    def changed(self, change: OutboxChange) -> "Outbox":
        """Return it as a write leaves it."""
        kept = (
            each._replace(done=tuple(sorted({*each.done, *change.done.get(each.id, ())})))
            for each in self.notices
            if each.id not in change.drop
        )
        tells = self.tells if change.tells is None else change.tells
        return self._replace(notices=tuple(kept), tells=tells).with_notices(change.add)


NOTHING_TO_TELL = Outbox()


def notice_id(lineage: str, *what: object) -> str:
    """Return the id of a notice: what it is about in this one lockfile, as 32 hex digits."""
    return sha256("\n".join(map(str, (lineage, *what))).encode()).hexdigest()[:32]


def of_attempt(
    lineage: str, key: AttemptKey, attempt: Attempt, tells: Sequence[str]
) -> tuple[Notice, ...]:
    """Return what is to be told of an attempt's last event."""
    event, number = attempt.events[-1], len(attempt.events)
    if attempt.state is State.RUNNING or "reopens" in event.extra:
        return ()
    kinds = [kind for kind in (_KIND_OF.get(event.to),) if kind in tells]
    if event.to in _ENDS and isinstance(attempt.evidence.get(TICKET), Mapping):
        kinds.append(TICKET)
    return tuple(
        Notice(notice_id(lineage, kind, *key, number), kind, event.at, *key, event=number)
        for kind in kinds
        if kind
    )


def of_the_head(lineage: str, event: LedgerEvent, tells: Sequence[str]) -> tuple[Notice, ...]:
    """Return what is to be told of an event of the lockfile's head: a freeze, or its end."""
    if event.event not in (FROZEN, UNFROZEN) or FREEZE not in tells:
        return ()
    about = notice_id(lineage, FREEZE, event.event, event.text("nonce") or event.at)
    return (Notice(about, FREEZE, event.at, reason=event.event, detail=event.text("reason")),)


# --- as it stands in the file ------------------------------------------------------------

_TEXTS = ("id", "kind", "at", "environment", "run", "reason", "detail")
_NUMBERS = ("attempt", "event")


def to_json(outbox: Outbox) -> dict[str, Any]:
    """Return what the lockfile's head says of it, nothing for an empty one."""
    told = {
        "tells": list(outbox.tells),
        "outbox": [*map(notice_to_json, outbox.notices)],
        "givenUp": outbox.given_up,
    }
    return {name: value for name, value in told.items() if value}


def from_json(data: Mapping[str, Any]) -> Outbox:
    """Read it from the lockfile's head; ValueError, KeyError or TypeError where it isn't sound."""
    notices, tells, given_up = data.get("outbox", []), data.get("tells", []), data.get("givenUp", 0)
    if not isinstance(notices, list):
        raise TypeError("outbox isn't a list")
    if not isinstance(given_up, int) or isinstance(given_up, bool) or given_up < 0:
        raise TypeError("givenUp isn't a count")
    return Outbox(tuple(map(notice_from_json, notices)), _texts(tells, "tells"), given_up)


def notice_to_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as it stands in the lockfile."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in notice._asdict().items()
        if value
    }


def notice_from_json(data: Mapping[str, Any]) -> Notice:
    """Read a notice; ValueError, KeyError or TypeError where it isn't one."""
    texts = {name: data.get(name, "") for name in _TEXTS}
    numbers = {name: data.get(name, 0) for name in _NUMBERS}
    if not all(isinstance(value, str) for value in texts.values()):
        raise TypeError("a notice holds something else than texts")
    if not all(type(value) is int and value >= 0 for value in numbers.values()):
        raise TypeError("a notice's attempt or event isn't a number")
    if not (texts["id"] and texts["kind"] and texts["at"]):
        raise ValueError("a notice has no `id`, `kind` or `at`")
    return Notice(**texts, **numbers, done=_texts(data.get("done", []), "done"))


def change_to_json(change: OutboxChange) -> dict[str, Any]:
    """Return a change as one JSON object, for a journal."""
    return {
        "add": [*map(notice_to_json, change.add)],
        "done": {name: sorted(who) for name, who in change.done.items()},
        "drop": sorted(change.drop),
        "tells": None if change.tells is None else list(change.tells),
    }


def change_from_json(data: Mapping[str, Any]) -> OutboxChange:
    """Read a change; ValueError, KeyError or TypeError where it isn't one."""
    return OutboxChange(
        add=tuple(map(notice_from_json, data["add"])),
        done={name: frozenset(_texts(who, "done")) for name, who in data["done"].items()},
        drop=frozenset(_texts(data["drop"], "drop")),
        tells=None if data["tells"] is None else _texts(data["tells"], "tells"),
    )


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{name} isn't a list of texts")
    return tuple(value)
