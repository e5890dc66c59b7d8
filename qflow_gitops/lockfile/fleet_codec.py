"""`fleet.lock` as bytes, in the lockfile's normal form, strict on the way in. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from qflow_gitops.base.printable import is_hidden
from qflow_gitops.base.times import moment, stamp
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt_json import rest_of
from qflow_gitops.lockfile.codec import Json, normal_form, strictly
from qflow_gitops.lockfile.fleet import (
    Claim,
    FleetRecord,
    MemberRecord,
    Release,
    Seen,
)
from qflow_gitops.lockfile.notes import from_json as event_from_json
from qflow_gitops.lockfile.notes import to_json as event_to_json
from qflow_gitops.lockfile.places import NOTHING_DONE
from qflow_gitops.policy.waves import MemberStanding

FLEET_LOCK_VERSION = 1


_UNREAD = "The lockfile can't be read"  # as `strictly` says it
_MOST = 2**53 - 1  # what every reader of JSON can count to
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SET = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})?")
_KNOWN = (
    "fleetLockVersion", "serial", "commit", "open", "openUntil", "base", "unmerged", "freeze",
    "credentials", "releases", "members",
)  # fmt: skip
_OF_SEEN = (
    "commit", "lockCommit", "standing", "exitCode", "reason", "counts", "ended", "digest", "detail",
    "part", "at",
)  # fmt: skip
Kind = TypeVar("Kind", str, int, list[Any], dict[str, Any])


def to_bytes(record: FleetRecord) -> bytes:
    """Return the record in its normal form: the same one is always the same bytes."""
    return normal_form(
        {
            "fleetLockVersion": FLEET_LOCK_VERSION,
            "serial": record.serial,
            "commit": record.commit,
            "open": record.open,
            **({"openUntil": record.open_until} if record.open_until else {}),
            **({"base": record.base} if record.base else {}),
            **({"unmerged": record.unmerged} if record.unmerged else {}),
            **({"freeze": [*map(event_to_json, record.freeze)]} if record.freeze else {}),
            "credentials": {
                name: [*record.credentials[name]] for name in sorted(record.credentials)
            },
            "releases": [*map(_release_to_json, record.releases)],
            **record.extra,
            "members": {
                name: _member_to_json(record.members[name]) for name in sorted(record.members)
            },
        }
    )


def _release_to_json(release: Release) -> Json:
    found = {**release._asdict(), "members": dict(sorted(release.members.items()))}
    parts = found.pop("parts")
    return {**found, "parts": dict(sorted(parts.items()))} if parts else found


def _member_to_json(member: MemberRecord) -> Json:
    claim = member.claim._asdict() if member.claim else None
    return {**(_seen_to_json(member.seen, member.at) if member.seen else {}),
            **member.extra, "claim": claim}  # fmt: skip


def _seen_to_json(seen: Seen, at: str) -> Json:
    return {
        "commit": seen.commit,
        "lockCommit": seen.lock_commit,
        "standing": str(seen.standing),
        "exitCode": seen.exit_code,
        "reason": seen.reason,
        "counts": {name: seen.counts[name] for name in sorted(seen.counts)},
        "ended": stamp(datetime.fromtimestamp(seen.ended, UTC)) if seen.ended else "",
        "digest": seen.digest,
        "detail": seen.detail,
        **({"part": seen.part} if seen.part else {}),
        "at": at,
    }


class _Newer(Exception):
    """A form that a newer version of the program wrote."""


def from_bytes(content: bytes, where: str) -> FleetRecord:
    """Read a record, whole and strictly.

    Raises LockError for one that is broken or of another version; it is then never written over.
    """
    try:
        return strictly(content, where, _record)
    except _Newer as problem:
        raise LockError(
            f"fleet.lock has version {problem}, and this qflow-gitops reads version "
            f"{FLEET_LOCK_VERSION}.",
            where=where,
            not_done=NOTHING_DONE,
            hint="Use the newer qflow-gitops that wrote it.",
            reason="fleet_newer",
        ) from None
    except LockError as problem:
        raise LockError(
            f"fleet.lock can't be read{problem.message.removeprefix(_UNREAD)}",
            where=where,
            not_done=NOTHING_DONE,
            reason="fleet_broken",
        ) from None


def _record(data: Json) -> FleetRecord:
    version = _count(data, "fleetLockVersion")
    if version > FLEET_LOCK_VERSION:
        raise _Newer(version)
    if version != FLEET_LOCK_VERSION:
        raise ValueError(f"fleetLockVersion is {version}")
    credentials = _of(dict, data["credentials"], "credentials")
    members = _of(dict, data["members"], "members")
    return FleetRecord(
        serial=_count(data, "serial"),
        commit=_commit(data, "commit"),
        open=_count(data, "open"),
        open_until=_time(data, "openUntil") if "openUntil" in data else "",
        base=_commit({"base": "", **data}, "base"),
        unmerged=_commit({"unmerged": "", **data}, "unmerged"),
        freeze=tuple(map(event_from_json, _of(list, data.get("freeze", []), "freeze"))),
        credentials={
            _fits(_SET, name, "a set of credentials"): _texts(some, name)
            for name, some in credentials.items()
        },
        releases=tuple(map(_release, _of(list, data["releases"], "releases"))),
        members={
            _fits(_NAME, name, "a member's name"): _member(each, name)
            for name, each in members.items()
        },
        extra=rest_of(data, _KNOWN),
    )


def _release(data: Json) -> Release:
    _only(data, Release._fields, "a release")
    members = _of(dict, data["members"], "members")
    parts = _of(dict, data.get("parts", {}), "parts")
    commits = {_fits(_NAME, name, "a member's name"): _commit(members, name) for name in members}
    return Release(
        _count(data, "wave"), commits, _commit(data, "commit"),
        _text(data, "by"), _time(data, "at"), _text(data, "reason"),
        {_fits(_NAME, name, "a member's name"): _text(parts, name) for name in parts},
    )  # fmt: skip


def _member(data: Json, name: str) -> MemberRecord:
    claim, seen, at = None, None, ""
    if data["claim"] is not None:
        claim = _claim(data["claim"], name)
    if "standing" in data:
        seen, at = _seen(data), _time(data, "at")
    return MemberRecord(seen, at, claim, rest_of(data, (*_OF_SEEN, "claim")))


def _claim(data: Json, name: str) -> Claim:
    _only(data, Claim._fields, f"the claim on {name}")
    claim = Claim(_text(data, "id"), _text(data, "by"), _time(data, "at"), _time(data, "until"))
    if not claim.id or moment(claim.until) < moment(claim.at):
        raise ValueError(f"the claim on {name} has no id, or ends before it begins")
    return claim


def _seen(data: Json) -> Seen:
    ended = moment(_time(data, "ended")).timestamp() if data["ended"] else 0.0
    counts = _of(dict, data["counts"], "counts")
    return Seen(
        MemberStanding(_text(data, "standing")), _count(data, "exitCode"), _text(data, "reason"),
        {name: _count(counts, name) for name in counts}, ended, _text(data, "digest"),
        _text(data, "detail"), _commit(data, "commit"), _commit(data, "lockCommit"),
        _text({"part": "", **data}, "part"),
    )  # fmt: skip


def _of(kind: type[Kind], value: Any, name: str) -> Kind:
    if type(value) is not kind:
        raise TypeError(f"{name} isn't a {_KINDS[kind]}")
    return value


_KINDS: Mapping[type, str] = {str: "text", int: "whole number", list: "list", dict: "mapping"}


def _count(data: Json, name: str) -> int:
    value = _of(int, data[name], name)
    if not 0 <= value <= _MOST:
        raise ValueError(f"{name} isn't a count")
    return value


def _text(data: Json, name: str) -> str:
    """Return a text that is shown to people: one line, of characters that are seen."""
    value = _of(str, data[name], name)
    if is_hidden(value):
        raise ValueError(f"{name} holds characters that aren't seen")
    return value


def _texts(some: Any, name: str) -> tuple[str, ...]:
    return tuple(_text({name: each}, name) for each in _of(list, some, name))


def _time(data: Json, name: str) -> str:
    value = _text(data, name)
    try:
        if stamp(moment(value)) == value:
            return value
    except OverflowError:
        pass
    raise ValueError(f"{name} is no time as it is written here")


def _commit(data: Json, name: str) -> str:
    return _fits(_COMMIT, _text(data, name), f"a commit ({name})")


def _fits(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{value[:80]!r} isn't {what}")
    return value


def _only(data: Json, known: Sequence[str], what: str) -> None:
    if rest_of(data, known):
        raise ValueError(f"{what} holds more than {', '.join(known)}")
