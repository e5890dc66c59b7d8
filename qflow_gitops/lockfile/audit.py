"""What is wrong between two versions of the lockfile, or within one, as sentences for people.

Pure: it judges values that `codec` could read, and sends nobody anywhere. What holds
for every lockfile that can be read (legal moves, one attempt an execution) isn't looked at
again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from qflow_gitops.base.jsondiff import MISSING, differences
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.circumstances import unfounded
from qflow_gitops.lockfile.failing import misplaced
from qflow_gitops.lockfile.inheritance import recorded_origins
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.pieces import Piece, Place
from qflow_gitops.lockfile.states import UNSUCCESSFUL, State

CLOCKS_DIFFER = timedelta(minutes=10)
"""So far may the clocks of two machines be apart before it is worth a sentence."""

_LONGEST = 100  # characters of a value that a sentence shows
_DIGEST = re.compile(r"v1:sha256:[0-9a-f]{64}")
_MAY_REPEAT = UNSUCCESSFUL | {State.REFUSED}  # a person can release these by name


def grown_head(old: Lockfile, new: Lockfile) -> Iterator[str]:
    """Say each way in which a head, whatever its runs are, isn't an earlier one and more.

    That its serial stays is for the caller to judge.
    """
    if new.lineage != old.lineage:
        yield f"The lineage is {new.lineage}, it was {old.lineage}."
    if new.serial < old.serial:
        yield f"The serial is {new.serial}, it was {old.serial}."
    yield from _lost("The lockfile", old.extra, new.extra)
    yield from _events("of its places", old.places, new.places)
    yield from _events("of its head", old.notes, new.notes)
    for name, record in old.environments.items():
        if name not in new.environments:
            yield f"The environment {name} is gone."
        else:
            yield from _environment(name, record, new.environments[name])


def grown_piece(place: Place, old: Piece, new: Piece) -> Iterator[str]:
    """Say each way in which a run's file isn't what it was and more."""
    name = "/".join(place.key)
    yield from _events(f"of the run {name}", old.events, new.events)
    yield from _attempts(name, old.attempts, new.attempts)


def _environment(name: str, old: EnvironmentRecord, new: EnvironmentRecord) -> Iterator[str]:
    if old.latest and not new.latest:
        yield f"The environment {name} has lost its latest commit, {old.latest}."
    if old.applied_through and not new.applied_through:
        yield f"The environment {name} has lost how far it was applied, {old.applied_through}."
    if old.folder and not new.folder:
        yield f"The environment {name} has lost the folder of its project, {old.folder}."
    yield from _lost(f"The environment {name}", old.extra, new.extra)
    yield from _events(f"of the environment {name}", old.notes, new.notes)


def _attempts(name: str, old: Sequence[Attempt], new: Sequence[Attempt]) -> Iterator[str]:
    for attempt, after in zip(old, new, strict=False):
        if attempt is not after:
            yield from _attempt(f"{name} #{attempt.number}", attempt, after)
    for attempt in old[len(new) :]:
        yield f"The attempt {name} #{attempt.number} is gone; it was {attempt.state}."


def _attempt(where: str, old: Attempt, new: Attempt) -> Iterator[str]:
    if new.number != old.number:
        yield f"In the place of the attempt {where} stands #{new.number}."
    if new.digest != old.digest:
        yield f"The digest of the attempt {where} is {new.digest}, it was {old.digest}."
    for difference in differences(dict(old.facts), dict(new.facts)):
        yield (
            f"The fact {difference.pointer} of the attempt {where} "
            f"{_change(difference.old, difference.new)}."
        )
    let_go = {event.lets_go for event in new.events[len(old.events) :]}
    if old.execution_id not in ("", new.execution_id, *let_go):
        now = new.execution_id or "none"
        yield f"The execution of the attempt {where} is {now}, it was {old.execution_id}."
    for place, event in enumerate(old.events, 1):
        if place > len(new.events):
            yield f"Event {place} of the attempt {where} is gone: {_event(event)}."
        elif not _same(event, new.events[place - 1]):
            now = _event(new.events[place - 1])
            yield f"Event {place} of the attempt {where} was changed: {_event(event)}, now {now}."
    if len(new.events) == len(old.events) and _seen(new) != _seen(old):
        yield f"What is known of the attempt {where} was changed without an event that says so."


def _events(whose: str, old: Sequence[LedgerEvent], new: Sequence[LedgerEvent]) -> Iterator[str]:
    for place, event in enumerate(old):
        if place >= len(new):
            yield f"Event {place + 1} {whose} is gone: {event.event} at {event.at}."
        elif event != new[place]:
            yield f"Event {place + 1} {whose} was changed: {event.event} at {event.at}."


def _lost(whose: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in old:
        if key not in new:
            yield f"{whose} has lost `{key}`."


def _change(old: Any, new: Any) -> str:
    if new is MISSING:
        return f"is gone, it was {_shown(old)}"
    return (
        f"was added: {_shown(new)}" if old is MISSING else f"is {_shown(new)}, it was {_shown(old)}"
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _same(old: Event, new: Event) -> bool:
    return (old.at, old.to) == (new.at, new.to) and not differences(
        dict(old.extra), dict(new.extra)
    )


def _event(event: Event) -> str:
    return f"{event.to} at {event.at}"


def _seen(attempt: Attempt) -> tuple[State, str, str]:
    return attempt.state, attempt.status, attempt.execution_id


# --- within one version --------------------------------------------------------------


def check_values(lockfile: Lockfile) -> tuple[str, ...]:
    """Say what a readable lockfile holds that no apply of this tool would have written.

    Digests of another form, a request sent twice (also by two runs on one platform) without a
    release by name, times that
    aren't RFC 3339 or go back by more than CLOCKS_DIFFER within an attempt.
    """
    alone = (
        sentence
        for environment, record in lockfile.environments.items()
        for run, attempts in record.runs.items()
        for sentence in _run(f"{environment}/{run}", attempts)
    )
    together = (_same_requests, _carried, misplaced, unfounded)
    return (*alone, *(sentence for look in together for sentence in look(lockfile)))


def _carried(lockfile: Lockfile) -> Iterator[str]:
    """Find attempts that are said to be carried over and aren't there."""
    for environment, record in lockfile.environments.items():
        for run in record.events:
            for origin in recorded_origins(lockfile, (environment, run)):
                there = len(lockfile.attempts(*origin.key))
                if origin.through > there:
                    yield (
                        f"The run {environment}/{run} takes over {origin.through} attempts of "
                        f"{'/'.join(origin.key)}, which has {there}."
                    )


def _same_requests(lockfile: Lockfile) -> Iterator[str]:
    """Find a request that two runs sent on one platform, without a release by name."""
    sent: dict[tuple[str, str], list[tuple[str, Attempt]]] = {}
    for environment, record in lockfile.environments.items():
        for run, attempts in record.runs.items():
            for attempt in attempts:
                if (
                    attempt.counted
                    and attempt.state is not State.BASELINED
                    and attempt.fact("platform")
                ):
                    place = (attempt.fact("platform"), attempt.digest)
                    sent.setdefault(place, []).append((f"{environment}/{run}", attempt))
    for some in sent.values():
        (first, earlier), *others = sorted(some, key=lambda each: each[1].opened_at)
        for name, attempt in others:
            if name != first and not _is_released(attempt):
                yield (
                    f"The attempts {first} #{earlier.number} ({earlier.state}) and {name} "
                    f"#{attempt.number} ({attempt.state}) sent the same request on the same "
                    "platform, without a release by name."
                )


def _is_released(attempt: Attempt) -> bool:
    """Whether a person said by name that a request is meant again."""
    return bool(_released(attempt) & {"same_request", "retry"})


def _released(attempt: Attempt) -> set[str]:
    """Name the holds that a person released, as far as that is written as it should be."""
    found = attempt.evidence.get("released")
    entries = found if isinstance(found, Sequence) else ()
    return {str(entry.get("hold")) for entry in entries if isinstance(entry, Mapping)}


def _run(name: str, attempts: tuple[Attempt, ...]) -> Iterator[str]:
    spent: dict[str, Attempt] = {}
    for attempt in attempts:
        where = f"{name} #{attempt.number}"
        if not _DIGEST.fullmatch(attempt.digest):
            yield f"The digest of the attempt {where} has no known form: {attempt.digest}."
        earlier = spent.get(attempt.digest)
        counts = attempt.counted and attempt.state is not State.BASELINED
        if earlier and counts and not _is_retry(earlier, attempt):
            yield (
                f"The attempts {name} #{earlier.number} ({earlier.state}) and #{attempt.number} "
                f"({attempt.state}) have the same digest and both count: the request may have run "
                f"twice, {_why(earlier)}."
            )
        if attempt.counted and attempt.state not in _MAY_REPEAT:
            spent[attempt.digest] = attempt
        yield from _times(where, attempt)


def _is_retry(earlier: Attempt, attempt: Attempt) -> bool:
    """Whether a person released it by name when the one before had failed, as it seemed then."""
    if not any(event.to in _MAY_REPEAT for event in earlier.events):
        return False
    return "retry" in _released(attempt)


def _why(earlier: Attempt) -> str:
    if any(event.to is State.ABSENT and event.is_decision for event in earlier.events):
        return "since a person had decided that it hadn't"
    return "without a release by name"


def _times(where: str, attempt: Attempt) -> Iterator[str]:
    latest: datetime | None = None
    for event in attempt.events:
        at = _time(event.at)
        if at is None:
            yield f"The attempt {where} became {event.to} at {event.at!r}, which is no time."
            continue
        if latest is not None and latest - at > CLOCKS_DIFFER:
            yield (
                f"The attempt {where} became {event.to} at {event.at}, "
                f"{(latest - at) // timedelta(minutes=1)} minutes before what it was already."
            )
        latest = at if latest is None else max(latest, at)


def _time(text: str) -> datetime | None:
    """Read RFC 3339 with its offset; None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None and "T" in text.upper() else None
