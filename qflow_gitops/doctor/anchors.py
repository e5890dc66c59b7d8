"""Whether anchors can be made and checked here, and whether a schedule makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.times import stamp
from qflow_gitops.doctor.record import days
from qflow_gitops.results.checks import Check, Verdict, failed, ok, warning

if TYPE_CHECKING:
    from qflow_gitops.errors import QflowError
    from qflow_gitops.lockfile.anchors import Anchor
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.lockfile.notes import LedgerEvent

EXTRA = ("anchor-extra", "time stamps")
CERTIFICATE = ("anchor-certificate", "time-stamp server's certificate")
NEWEST = ("anchors", "newest anchor")
_SOON = timedelta(days=30)
_WEEKLY = timedelta(days=8)
"""A week, as the guide for audits has it, and a day more: schedules of hosts come late."""
_VERDICTS = {"anchor_unapplied": Verdict.WARNING, "anchor_base": Verdict.UNKNOWN}
"""By the problem's reason: what only waits for an apply, and what this clone can't tell."""


class Certificates(NamedTuple):
    """Where certificates lie, and from when and until when each is valid; there is one at least."""

    where: str
    spans: Sequence[tuple[datetime, datetime]]


def nowhere(problem: QflowError) -> Check:
    """Say that the settings name a server, and the lockfile has no place for anchors."""
    return failed(*NEWEST, problem.message, problem.hint)


def readable(missing: QflowError | None) -> Check:
    """Say whether time stamps can be read here; `missing` is what it takes. Nobody has to."""
    if missing is None:
        return ok(*EXTRA, "rfc3161-client is installed")
    return warning(*EXTRA, missing.message.removesuffix("."), missing.hint)


def not_given(problem: QflowError) -> Check:
    """Say why the certificate can't be had at the commit that counts."""
    where = f" ({problem.where})" if problem.reason == "anchor_certificate" else ""
    verdict = _VERDICTS.get(problem.reason, Verdict.FAILED)
    return Check(*CERTIFICATE, verdict, problem.message.removesuffix(".") + where, problem.hint)


def certificate(found: Certificates, now: datetime) -> Check:
    """Say until when one of the certificates is valid: older ones are there for older anchors."""
    where, spans = found
    hint = (
        "Add the authority's newer certificate below the old one in that file, merge that, and "
        "apply it: `qflow-gitops apply`"
    )
    until = max((end for begin, end in spans if begin <= now <= end), default=None)
    if until is None:
        begins = min((begin for begin, _ in spans if begin > now), default=None)
        over = f"over since {stamp(max(end for _, end in spans))}"
        said = f"not valid before {stamp(begins)}" if begins else over
        return failed(*CERTIFICATE, f"{where}: {said}", hint=hint)
    said = f"{where}: valid until {stamp(until)}, for {days(until - now)} more"
    if until - now < _SOON:
        return warning(*CERTIFICATE, said, hint=hint)
    return ok(*CERTIFICATE, said)


def newest(
    anchors: Mapping[str, Anchor], lockfile: Lockfile, now: datetime, *, possible: bool
) -> Check:
    """Say of when the newest one is, and since when what was recorded has none.

    Where another line says that none can be made (not `possible`), this one isn't what is wrong.
    """
    path, last = max(anchors.items(), key=lambda each: each[1].at, default=("", None))
    known = f"{path} of {last.at}" if last else "none yet"
    since = min((at for at in _recorded(lockfile) if not last or at > last.at), default="")
    if not since:
        return ok(*NEWEST, f"{known}; nothing was recorded {'since' if last else 'yet'}")
    said = f"{known}; what was recorded since {since} has none"
    if since >= stamp(now - _WEEKLY) or not possible:
        return ok(*NEWEST, said)
    hint = "Let a schedule make one each week: `qflow-gitops lock anchor`"
    return warning(*NEWEST, said, hint=hint)


def _recorded(lockfile: Lockfile) -> Iterator[str]:
    """Return when each thing was recorded (RFC 3339). Reads every attempt."""
    yield from _times(lockfile.notes, lockfile.places)
    for name, record in lockfile.environments.items():
        lockfile.bring((name, run) for run in record.runs)
        yield from _times(record.notes, *record.events.values())
        for attempts in record.runs.values():
            yield from (event.at for attempt in attempts for event in attempt.events)


def _times(*events: Iterable[LedgerEvent]) -> Iterator[str]:
    return (event.at for some in events for event in some)
