"""The record of all attempts: states, transitions, and the lockfile's one normal form.

A ledger: attempts and events are only ever added. Pure; where the bytes live is the
business of a lock store.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from qflow_gitops.errors import LockError

LOCKFILE_VERSION = 1


class State(StrEnum):
    """Where an attempt stands."""

    INTENT = "intent"
    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENDED = "ended"
    REFUSED = "refused"
    UNSENT = "unsent"
    IN_DOUBT = "in_doubt"
    ABSENT = "absent"
    ADOPTED = "adopted"
    ASSUMED = "assumed"
    EXPIRED = "expired"
    BASELINED = "baselined"


UNCOUNTED = frozenset({State.UNSENT, State.ABSENT})
"""Proven not executed: the digest isn't spent."""
UNDER_WAY = frozenset({State.ACCEPTED, State.RUNNING, State.ADOPTED})
"""An execution is known and has not ended."""
DOUBTFUL = frozenset({State.INTENT, State.IN_DOUBT})
"""It may have run."""
UNSUCCESSFUL = frozenset({State.FAILED, State.CANCELLED, State.ENDED})

_RESULTS = frozenset({State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED, State.ENDED})
TRANSITIONS: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.INTENT, State.BASELINED}),
    State.INTENT: frozenset({State.ACCEPTED, State.REFUSED, State.UNSENT, State.IN_DOUBT}),
    State.ACCEPTED: _RESULTS,
    State.ADOPTED: _RESULTS,
    State.RUNNING: _RESULTS,  # also to itself, when Qualys' word changes
    State.IN_DOUBT: frozenset({State.ADOPTED, State.ABSENT, State.ASSUMED, State.EXPIRED}),
    State.EXPIRED: frozenset({State.ADOPTED, State.ABSENT, State.ASSUMED}),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One step in the life of an attempt. `at` is RFC 3339 in UTC; `extra` what else it says."""

    at: str
    to: State
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to start a run.

    `state`, `execution_id` and `status` (Qualys' word) are those of the last event, ""
    where not known. `facts` holds what was known when it was opened, under the lockfile's
    own names: `workflowId`, `platform`, `file`, `commit`, `bodySha256`, …
    """

    number: int
    state: State
    digest: str
    events: tuple[Event, ...]
    execution_id: str = ""
    status: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        """Whether its digest is spent."""
        return self.state not in UNCOUNTED

    @property
    def opened_at(self) -> str:
        """When it began, as RFC 3339."""
        return self.events[0].at

    @property
    def changed_at(self) -> str:
        """When its state last changed, as RFC 3339."""
        return self.events[-1].at

    def fact(self, name: str) -> str:
        """Give a fact as text, "" where it isn't recorded."""
        value = self.facts.get(name, "")
        return value if isinstance(value, str) else str(value)


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing to record: an attempt that opens (`opens` is set) or one that moves on.

    `execution_id` and `status` replace those of the attempt where they aren't "".
    """

    environment: str
    run: str
    number: int
    event: Event
    opens: Attempt | None = None
    execution_id: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What is recorded of one environment; commits are "" where none was worked on yet."""

    latest: str = ""
    applied_through: str = ""
    runs: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lockfile:
    """The whole record. `serial` counts its written versions, 0 for one never written."""

    lineage: str
    serial: int = 0
    environments: Mapping[str, EnvironmentRecord] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def environment(self, name: str) -> EnvironmentRecord:
        """The environment's record, an empty one where there is none."""
        return self.environments.get(name) or EnvironmentRecord()

    def attempts(self, environment: str, run: str) -> tuple[Attempt, ...]:
        """All attempts of a run, oldest first."""
        return self.environment(environment).runs.get(run, ())

    def recorded(self, transitions: Iterable[Transition]) -> "Lockfile":
        """Give the record with these transitions added, in their order.

        Raises LockError for one that the ledger doesn't allow.
        """
        changed: dict[str, dict[str, tuple[Attempt, ...]]] = {}
        for one in transitions:
            runs = changed.setdefault(one.environment, dict(self.environment(one.environment).runs))
            runs[one.run] = _extended(runs.get(one.run, ()), one)
        environments = dict(self.environments)
        for name, runs in changed.items():
            environments[name] = replace(self.environment(name), runs=runs)
        return replace(self, environments=environments)

    def marked(self, environment: str, latest: str, applied_through: str | None) -> "Lockfile":
        """Give the record with the commits of an environment moved on."""
        record = replace(self.environment(environment), latest=latest)
        if applied_through is not None:
            record = replace(record, applied_through=applied_through)
        return replace(self, environments={**self.environments, environment: record})


def _extended(attempts: tuple[Attempt, ...], one: Transition) -> tuple[Attempt, ...]:
    where = f"{one.environment}/{one.run} #{one.number}"
    if one.opens is not None:
        if one.number != len(attempts) + 1 or one.event.to not in TRANSITIONS[None]:
            raise LockError(
                f"The attempt {where} can't be opened: {len(attempts)} are recorded.",
                not_done="Nothing was written.",
            )
        return (*attempts, one.opens)
    if not 1 <= one.number <= len(attempts):
        raise LockError(f"There is no attempt {where}.", not_done="Nothing was written.")
    attempt = attempts[one.number - 1]
    if one.event.to not in TRANSITIONS.get(attempt.state, frozenset()):
        raise LockError(
            f"The attempt {where} is {attempt.state} and can't become {one.event.to}.",
            not_done="Nothing was written.",
        )
    moved = replace(
        attempt,
        state=one.event.to,
        events=(*attempt.events, one.event),
        execution_id=one.execution_id or attempt.execution_id,
        status=one.status or attempt.status,
    )
    return (*attempts[: one.number - 1], moved, *attempts[one.number :])


# --- bytes <-> value -----------------------------------------------------------------


def to_bytes(lockfile: Lockfile) -> bytes:
    """Give the lockfile in its normal form: the same record is always the same bytes."""
    data = {
        "lockfileVersion": LOCKFILE_VERSION,
        "lineage": lockfile.lineage,
        "serial": lockfile.serial,
        **lockfile.extra,
        "environments": {
            name: {
                **({"latest": record.latest} if record.latest else {}),
                **({"appliedThrough": record.applied_through} if record.applied_through else {}),
                **record.extra,
                "runs": {
                    run: {"attempts": [attempt_to_json(one) for one in record.runs[run]]}
                    for run in sorted(record.runs)
                },
            }
            for name, record in sorted(lockfile.environments.items())
        },
    }
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    """Give an attempt with its keys in the lockfile's order."""
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
    """Give an event as it stands in the lockfile."""
    return {"at": event.at, "to": event.to.value, **event.extra}


def from_bytes(content: bytes, where: str) -> Lockfile:
    """Read a lockfile, whole and strictly.

    Raises LockError (exit 11) for one that is broken, newer than this program, or breaks
    the ledger's own rules; it is then never written over.
    """
    try:
        data = json.loads(content, object_pairs_hook=_unique_keys)
        return _lockfile(data)
    except _Newer as problem:
        raise LockError(
            f"The lockfile has version {problem}, and this program knows version "
            f"{LOCKFILE_VERSION}.",
            where=where,
            not_done="Nothing was sent and nothing was written.",
            hint="Use the newer qflow-gitops that wrote it.",
            reason="lock_newer",
        ) from None
    except RecursionError:
        raise _broken(where, "it is nested too deep") from None
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        said = f"{problem.args[0]!r} is missing" if isinstance(problem, KeyError) else str(problem)
        raise _broken(where, said) from None


def _broken(where: str, said: str) -> LockError:
    return LockError(
        f"The lockfile can't be read: {' '.join(said.split())[:200]}.",
        where=where,
        not_done="Nothing was sent and nothing was written.",
        hint=f"Restore the last good version, for example from git: git log -p -- {where}",
        reason="lock_broken",
    )


class _Newer(Exception):
    """A format that a later version of the program wrote."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return data


def _lockfile(data: Any) -> Lockfile:
    version = data["lockfileVersion"]
    if isinstance(version, int) and version > LOCKFILE_VERSION:
        raise _Newer(version)
    if version != LOCKFILE_VERSION:
        raise ValueError(f"lockfileVersion is {version!r}")
    known = ("lockfileVersion", "lineage", "serial", "environments")
    serial, lineage = data["serial"], data["lineage"]
    if not isinstance(serial, int) or isinstance(serial, bool) or serial < 0:
        raise ValueError("serial isn't a count")
    if not isinstance(lineage, str) or not lineage:
        raise ValueError("lineage isn't a text")
    seen: set[str] = set()
    environments = {
        name: _environment(record, name, seen) for name, record in data["environments"].items()
    }
    return Lockfile(lineage, serial, environments, _rest(data, known))


def _environment(data: Mapping[str, Any], name: str, seen: set[str]) -> EnvironmentRecord:
    runs = {}
    for run, record in data["runs"].items():
        attempts = record["attempts"]
        if not isinstance(attempts, list) or not attempts:
            raise ValueError(f"{name}/{run} has no attempts")
        if len(record) > 1:  # there is no place to keep it, and the record is never made poorer
            raise ValueError(f"{name}/{run} holds more than `attempts`")
        runs[run] = tuple(
            _attempt(one, number, f"{name}/{run}", seen) for number, one in enumerate(attempts, 1)
        )
    return EnvironmentRecord(
        latest=str(data.get("latest", "")),
        applied_through=str(data.get("appliedThrough", "")),
        runs=runs,
        extra=_rest(data, ("latest", "appliedThrough", "runs")),
    )


_ATTEMPT_KEYS = ("number", "state", "executionId", "status", "digest", "events")


def attempt_from_json(data: Mapping[str, Any]) -> Attempt:
    """Read one attempt; ValueError, KeyError or TypeError where it isn't one."""
    execution_id, digest = data.get("executionId", ""), data["digest"]
    if not isinstance(digest, str) or not isinstance(execution_id, str):
        raise TypeError("digest and executionId have to be texts")
    return Attempt(
        number=data["number"],
        state=State(data["state"]),
        digest=digest,
        events=tuple(event_from_json(event) for event in data["events"]),
        execution_id=execution_id,
        status=str(data.get("status", "")),
        facts=_rest(data, _ATTEMPT_KEYS),
    )


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Read one event; ValueError, KeyError or TypeError where it isn't one."""
    return Event(str(data["at"]), State(data["to"]), _rest(data, ("at", "to")))


def _attempt(data: Mapping[str, Any], number: int, run: str, seen: set[str]) -> Attempt:
    attempt = attempt_from_json(data)
    if attempt.number != number:
        raise ValueError(f"attempt {number} of {run} has the number {attempt.number!r}")
    before: State | None = None
    for event in attempt.events:
        if event.to not in TRANSITIONS.get(before, frozenset()):
            raise ValueError(f"attempt {number} of {run} goes from {before} to {event.to}")
        before = event.to
    if before is not attempt.state:
        raise ValueError(
            f"attempt {number} of {run} is {attempt.state}, its last event says {before}"
        )
    if attempt.execution_id and attempt.execution_id in seen:
        raise ValueError(f"the execution {attempt.execution_id} is recorded twice")
    seen.add(attempt.execution_id)
    return attempt


def _rest(data: Mapping[str, Any], known: Sequence[str]) -> Mapping[str, Any]:
    """Keep what a later minor version may have added: the record is never made poorer."""
    return {name: value for name, value in data.items() if name not in known}
