"""The lockfile as one file, in its one normal form, strict on the way in.

Pure. `pieces` has the same as a head and a file for each run, `attempt_json` what an attempt
looks like in both.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from qflow_gitops.base.jsontext import indented
from qflow_gitops.base.times import moment, stamp
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import outbox
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.attempt_json import attempt_to_json, attempts_from_json, rest_of, text_in
from qflow_gitops.lockfile.ledger import EnvironmentRecord, Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.notes import from_json as ledger_event_from_json
from qflow_gitops.lockfile.notes import to_json as ledger_event_to_json

LOCKFILE_VERSION = 2
_MOST = 2**53 - 1  # what every reader of JSON can count to
NEWER, OLDER = "lock_newer", "lock_version"
"""Reasons of a LockError about a form that another version of the program wrote."""

Json = dict[str, Any]
Made = TypeVar("Made")


def to_bytes(lockfile: Lockfile) -> bytes:
    """Return the lockfile in its normal form: the same record is always the same bytes."""
    return normal_form(to_json(lockfile))


def to_json(lockfile: Lockfile) -> Json:
    """Return all of the lockfile as JSON data."""
    data = head_to_json(lockfile)
    for name, record in lockfile.environments.items():
        attempts = dict(record.runs.items())
        data["environments"][name]["runs"] = {
            run: run_to_json(attempts.get(run, ()), record.events.get(run, ()))
            for run in sorted({*attempts, *record.events})
        }
    return data


def head_to_json(lockfile: Lockfile) -> Json:
    """Return what the lockfile says beside its runs."""
    return {
        "lockfileVersion": LOCKFILE_VERSION,
        "lineage": lockfile.lineage,
        "serial": lockfile.serial,
        **_listed("places", lockfile.places),
        **_listed("freeze", lockfile.notes),
        **outbox.to_json(lockfile.outbox),
        **lockfile.extra,
        "environments": {
            name: {
                **({"latest": record.latest} if record.latest else {}),
                **({"appliedThrough": record.applied_through} if record.applied_through else {}),
                **({"folder": record.folder} if record.folder else {}),
                **({"lastApply": record.last_apply} if record.last_apply else {}),
                **({"held": record.held} if record.held else {}),
                **({"missed": record.missed} if record.missed else {}),
                **_listed("events", record.notes),
                **record.extra,
            }
            for name, record in sorted(lockfile.environments.items())
        },
    }


def run_to_json(attempts: Sequence[Attempt], events: Sequence[LedgerEvent]) -> dict[str, Any]:
    """Return what is recorded of a run."""
    return {
        "attempts": [attempt_to_json(attempt) for attempt in attempts],
        **_listed("events", events),
    }


def _listed(key: str, events: Sequence[LedgerEvent]) -> dict[str, Any]:
    return {key: [ledger_event_to_json(event) for event in events]} if events else {}


def normal_form(data: Mapping[str, Any]) -> bytes:
    """Write JSON data as all of the lockfile is: two-space indent, a newline at the end."""
    return (indented(data) + "\n").encode()


MAY_HOLD_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""Half of a surrogate pair, which JSON can spell and no file takes: nobody wrote such a record."""


def from_bytes(content: bytes, where: str) -> Lockfile:
    """Read a lockfile, whole and strictly.

    Raises LockError (exit 11) for one that is broken, of another version, or breaks the
    ledger's own rules; it is then never written over.
    """
    return strictly(content, where, _lockfile)


def strictly(content: bytes, where: str, make: Callable[[Json], Made]) -> Made:
    """Make something of a JSON object; LockError for what can't be read, `make`'s errors too.

    `make` raises ValueError, KeyError, TypeError or AttributeError for what isn't as it has to
    be.
    """
    try:
        if _may_hold_half(content):
            json.dumps(json.loads(content), ensure_ascii=False).encode()
        return make(_DECODER.decode(content.decode()))
    except _OtherVersion as problem:
        raise LockError(
            str(problem),
            where=where,
            not_done="Nothing was sent and nothing was written.",
            hint=problem.hint,
            reason=problem.reason,
        ) from None
    except RecursionError:
        raise _broken(where, "it is nested too deep") from None
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        why = f"{problem.args[0]!r} is missing" if isinstance(problem, KeyError) else str(problem)
        raise _broken(where, _CONFLICT if _MARKER.search(content) else why) from None


_MARKER = re.compile(rb"^<{7} ", re.MULTILINE)
_CONFLICT = "a merge left both sides in it, between `<<<<<<<` and `>>>>>>>`"


def _broken(where: str, why: str) -> LockError:
    return LockError(
        f"The lockfile can't be read: {' '.join(why.split())[:200]}.",
        where=where,
        not_done="Nothing was sent and nothing was written.",
        hint="`qflow-gitops lock verify` says which versions can be read.",
        reason="lock_broken",
    )


class _OtherVersion(Exception):
    """A format that another version of the program wrote."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The lockfile has version {version}, and this qflow-gitops reads version "
            f"{LOCKFILE_VERSION}."
        )
        newer = version > LOCKFILE_VERSION
        self.reason = NEWER if newer else OLDER
        self.hint = (
            "Use the newer qflow-gitops that wrote it."
            if newer
            else "Use the build that wrote it: no release did, and nothing converts it."
        )


def _unique_keys(pairs: list[tuple[str, Any]]) -> Json:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return data


def _may_hold_half(content: bytes) -> bool:
    """Search only what can hold it at all: that is told in a tenth of the time."""
    can = b"\\u" in content or b"\xed" in content
    return can and MAY_HOLD_HALF.search(content) is not None


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys)


def _lockfile(data: Json) -> Lockfile:
    seen: set[str] = set()
    head = head_from_json(data)
    return replace(
        head,
        environments={
            name: _with_runs(record, name, data["environments"][name]["runs"], seen)
            for name, record in head.environments.items()
        },
    )


_OF_THE_HEAD = (
    "lockfileVersion", "lineage", "serial", "places", "freeze", "tells", "outbox", "givenUp",
    "environments",
)  # fmt: skip
_OF_AN_ENVIRONMENT = (
    "latest", "appliedThrough", "folder", "lastApply", "held", "missed", "events", "runs",
)  # fmt: skip


def head_from_json(data: Json) -> Lockfile:
    """Read what a lockfile says beside its runs."""
    version = data["lockfileVersion"]
    if isinstance(version, int) and not isinstance(version, bool) and version != LOCKFILE_VERSION:
        raise _OtherVersion(version)
    if version != LOCKFILE_VERSION:
        raise ValueError(f"lockfileVersion is {version!r}")
    serial, lineage = data["serial"], data["lineage"]
    if not isinstance(serial, int) or isinstance(serial, bool) or not 0 <= serial <= _MOST:
        raise ValueError("serial isn't a count")
    if not isinstance(lineage, str) or not lineage:
        raise ValueError("lineage isn't a text")
    environments = {
        name: EnvironmentRecord(
            latest=text_in(record, "latest"),
            applied_through=text_in(record, "appliedThrough"),
            notes=_events(record, "events"),
            extra=rest_of(record, _OF_AN_ENVIRONMENT),
            folder=text_in(record, "folder"),
            last_apply=_time_in(record, "lastApply"),
            held=text_in(record, "held"),
            missed=_time_in(record, "missed"),
        )
        for name, record in data["environments"].items()
    }
    freezes, places = _events(data, "freeze"), _events(data, "places")
    extra = rest_of(data, _OF_THE_HEAD)
    waiting = outbox.from_json(data)
    return Lockfile(lineage, serial, environments, freezes, extra, places, waiting)


def _time_in(data: Mapping[str, Any], key: str) -> str:
    text = text_in(data, key)
    if text and stamp(moment(text)) != text:
        raise ValueError(f"{key} isn't a time")
    return text


def _events(data: Mapping[str, Any], key: str) -> tuple[LedgerEvent, ...]:
    events = data.get(key, [])
    if not isinstance(events, list):
        raise TypeError(f"{key} isn't a list")
    return tuple(map(ledger_event_from_json, events))


def _with_runs(
    record: EnvironmentRecord, name: str, data: Mapping[str, Any], seen: set[str]
) -> EnvironmentRecord:
    runs, events = {}, {}
    for run, each in data.items():
        attempts, its = run_from_json(each, f"{name}/{run}")
        if its:
            events[run] = its
        if attempts:
            runs[run] = attempts
            _check_owners(attempts, seen)
    return record._replace(runs=runs, events=events)


def run_from_json(
    data: Mapping[str, Any], run: str, first: int = 1
) -> tuple[tuple[Attempt, ...], tuple[LedgerEvent, ...]]:
    """Read what is recorded of a run (`<environment>/<name>`) from its attempt `first` on.

    Raises ValueError, KeyError or TypeError where it isn't sound.
    """
    attempts, events = data["attempts"], _events(data, "events")
    if not isinstance(attempts, list) or not (attempts or events):
        raise ValueError(f"{run} has neither attempts nor events")
    if rest_of(data, ("attempts", "events")):  # there is no place to keep it
        raise ValueError(f"{run} holds more than `attempts` and `events`")
    return attempts_from_json(attempts, run, first), events


def _check_owners(attempts: Sequence[Attempt], seen: set[str]) -> None:
    for attempt in attempts:
        if attempt.execution_id and attempt.execution_id.lower() in seen:
            raise ValueError(f"the execution {attempt.execution_id} is recorded twice")
        seen.add(attempt.execution_id.lower())
