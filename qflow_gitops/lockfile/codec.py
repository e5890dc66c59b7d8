"""The lockfile's one normal form as bytes, strict on the way in.

Pure. A transition alone has a form too, for what is written down between two versions of
the lockfile.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition, may_follow
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.notes import from_json as ledger_event_from_json
from qflow_gitops.lockfile.notes import to_json as ledger_event_to_json
from qflow_gitops.lockfile.states import EXECUTED, TRANSITIONS, State

LOCKFILE_VERSION = 1


def to_bytes(lockfile: Lockfile) -> bytes:
    """Return the lockfile in its normal form: the same record is always the same bytes."""
    data = {
        "lockfileVersion": LOCKFILE_VERSION,
        "lineage": lockfile.lineage,
        "serial": lockfile.serial,
        **_listed("freeze", lockfile.notes),
        **lockfile.extra,
        "environments": {
            name: {
                **({"latest": record.latest} if record.latest else {}),
                **({"appliedThrough": record.applied_through} if record.applied_through else {}),
                **_listed("events", record.notes),
                **record.extra,
                "runs": {
                    run: {
                        "attempts": [
                            attempt_to_json(attempt) for attempt in record.runs.get(run, ())
                        ],
                        **_listed("events", record.events.get(run, ())),
                    }
                    for run in sorted({*record.runs, *record.events})
                },
            }
            for name, record in sorted(lockfile.environments.items())
        },
    }
    return (_written(data, "\n") + "\n").encode()


def _listed(key: str, events: Sequence[LedgerEvent]) -> dict[str, Any]:
    return {key: [ledger_event_to_json(event) for event in events]} if events else {}


def _written(value: Any, line: str) -> str:
    """Return what `json.dumps(indent=2, ensure_ascii=False)` gives, in a fourth of its time.

    Which counts: it is asked for with all that was ever recorded. `line` is a line's beginning.
    """
    deeper = line + "  "
    if isinstance(value, dict) and value:
        lines = [
            f"{deeper}{encode_basestring(key)}: "
            f"{encode_basestring(item) if type(item) is str else _written(item, deeper)}"
            for key, item in value.items()
        ]
        return f"{{{','.join(lines)}{line}}}"
    if isinstance(value, list | tuple) and value:
        return f"[{','.join([deeper + _written(item, deeper) for item in value])}{line}]"
    if isinstance(value, str):
        return encode_basestring(value)
    return json.dumps(value)


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


@dataclass(slots=True)
class Versions:
    """Reads many versions of one record: the attempts of a run that stays as it was are shared.

    `runs` holds the text of each run as it was read last, and what was made of it.
    """

    runs: dict[tuple[str, str], tuple[str, tuple[Attempt, ...]]] = field(default_factory=dict)

    def read(self, content: bytes, where: str) -> Lockfile:
        """Read the next version; see `from_bytes`."""
        return from_bytes(content, where, self)

    def attempts(self, environment: str, run: str, data: list[Any]) -> tuple[Attempt, ...]:
        """Return a run's attempts, those of the version before where they are the same."""
        text, kept = repr(data), self.runs.get((environment, run))
        if kept is not None and kept[0] == text:
            return kept[1]
        made = attempts_from_json(data, f"{environment}/{run}")
        self.runs[environment, run] = (text, made)
        return made


MAY_HOLD_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""Half of a surrogate pair, which JSON can spell and no file takes: nobody wrote such a record."""


def from_bytes(content: bytes, where: str, versions: Versions | None = None) -> Lockfile:
    """Read a lockfile, whole and strictly.

    Raises LockError (exit 11) for one that is broken, newer than this program, or breaks
    the ledger's own rules; it is then never written over.
    """
    try:
        if MAY_HOLD_HALF.search(content):
            json.dumps(json.loads(content), ensure_ascii=False).encode()
        data = json.loads(content, object_pairs_hook=_unique_keys)
        return _lockfile(data, versions)
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
        why = f"{problem.args[0]!r} is missing" if isinstance(problem, KeyError) else str(problem)
        raise _broken(where, why) from None


def _broken(where: str, why: str) -> LockError:
    return LockError(
        f"The lockfile can't be read: {' '.join(why.split())[:200]}.",
        where=where,
        not_done="Nothing was sent and nothing was written.",
        hint="`qflow-gitops lock verify` says which versions can be read.",
        reason="lock_broken",
    )


class _Newer(Exception):
    """A format that a later version of the program wrote."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return data


def _lockfile(data: Any, versions: Versions | None) -> Lockfile:
    version = data["lockfileVersion"]
    if isinstance(version, int) and version > LOCKFILE_VERSION:
        raise _Newer(version)
    if version != LOCKFILE_VERSION:
        raise ValueError(f"lockfileVersion is {version!r}")
    known = ("lockfileVersion", "lineage", "serial", "freeze", "environments")
    serial, lineage = data["serial"], data["lineage"]
    if not isinstance(serial, int) or isinstance(serial, bool) or serial < 0:
        raise ValueError("serial isn't a count")
    if not isinstance(lineage, str) or not lineage:
        raise ValueError("lineage isn't a text")
    seen: set[str] = set()
    environments = {
        name: _environment(record, name, seen, versions)
        for name, record in data["environments"].items()
    }
    notes = _events(data, "freeze")
    return Lockfile(lineage, serial, environments, notes, _rest(data, known))


def _events(data: Mapping[str, Any], key: str) -> tuple[LedgerEvent, ...]:
    events = data.get(key, [])
    if not isinstance(events, list):
        raise TypeError(f"{key} isn't a list")
    return tuple(map(ledger_event_from_json, events))


def _environment(
    data: Mapping[str, Any], name: str, seen: set[str], versions: Versions | None
) -> EnvironmentRecord:
    runs, events = {}, {}
    for run, record in data["runs"].items():
        attempts, its = record["attempts"], _events(record, "events")
        if not isinstance(attempts, list) or not (attempts or its):
            raise ValueError(f"{name}/{run} has neither attempts nor events")
        if _rest(record, ("attempts", "events")):  # there is no place to keep it
            raise ValueError(f"{name}/{run} holds more than `attempts` and `events`")
        if its:
            events[run] = its
        if not attempts:
            continue
        if versions is None:
            runs[run] = attempts_from_json(attempts, f"{name}/{run}")
        else:
            runs[run] = versions.attempts(name, run, attempts)
        _check_owners(runs[run], seen)
    return EnvironmentRecord(
        latest=str(data.get("latest", "")),
        applied_through=str(data.get("appliedThrough", "")),
        runs=runs,
        events=events,
        notes=_events(data, "events"),
        extra=_rest(data, ("latest", "appliedThrough", "events", "runs")),
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


def attempts_from_json(data: Sequence[Any], run: str) -> tuple[Attempt, ...]:
    """Read the attempts of a run; ValueError, KeyError or TypeError where they aren't sound."""
    return tuple(_attempt(attempt, number, run) for number, attempt in enumerate(data, 1))


def _check_owners(attempts: Sequence[Attempt], seen: set[str]) -> None:
    for attempt in attempts:
        if attempt.execution_id and attempt.execution_id.lower() in seen:
            raise ValueError(f"the execution {attempt.execution_id} is recorded twice")
        seen.add(attempt.execution_id.lower())


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
    return attempt


def _check_let_go(attempt: Attempt, before: State | None, event: Event, run: str) -> None:
    """An execution that is nobody's any more is named, or it would be out of the lockfile."""
    if bool(event.lets_go) != (before in EXECUTED and event.to not in EXECUTED):
        raise ValueError(f"attempt {attempt.number} of {run} doesn't say what it lets go")
    if event is attempt.events[-1] and event.lets_go and attempt.execution_id:
        raise ValueError(f"attempt {attempt.number} of {run} has what it let go")


def _rest(data: Mapping[str, Any], known: Sequence[str]) -> Mapping[str, Any]:
    """Keep what a later minor version may have added: the lockfile is never made poorer."""
    return {name: value for name, value in data.items() if name not in known}
