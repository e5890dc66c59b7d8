"""A finished attempt as an in-toto Statement v1, with a predicate of our own (docs/predicate.md).

Its form is `schemas/statement.schema.json`.

A pure function of what the lockfile holds: the same attempt gives the same bytes, today and in ten
years, so nothing of it is kept. It has names, ids, digests and times, and no text that somebody
wrote: nothing that a spec calls sensitive can be in it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qflow_gitops.audit.outcomes import OUTCOMES, ended_at, opened, text
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.transitions import name_of
from qflow_gitops.specs.secrets import kind_of
from qflow_gitops.specs.spec import canonical

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:qflow-gitops:predicate:run:v1"
PAYLOAD = "application/vnd.in-toto+json"
"""The media type of a statement, as an envelope names it."""

_DIGEST = re.compile(r"v1:sha256:([0-9a-f]{64})")
_HEX = re.compile(r"[0-9a-f]{64}")
_SUM = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?(?:\[bot\])?")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
_MOST = 2**53 - 1


def has_one(attempt: Attempt) -> bool:
    """Whether a statement can be made of an attempt: it is over, and its request has a digest."""
    return bool(ended_at(attempt)) and _DIGEST.fullmatch(attempt.digest) is not None


def statement(key: RunKey, attempt: Attempt, apply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statement of an attempt that `has_one`.

    `apply` is what is recorded of the whole apply (`lockfile.circumstances`). What isn't recorded,
    or not as this program writes it, is left out.
    """
    return {
        "_type": STATEMENT,
        "subject": list(_subjects(key, attempt)),
        "predicateType": PREDICATE,
        "predicate": {name: part for name, part in _predicate(key, attempt, apply) if part},
    }


def to_bytes(data: Mapping[str, Any]) -> bytes:
    """Return a statement, or an envelope, in its one form: RFC 8785."""
    return canonical(dict(data))


def path_of(key: RunKey, number: int) -> str:
    """Return where a statement goes, without an ending: `<environment>/<run>/<number>`."""
    return f"{'/'.join(key)}/{number}"


def _subjects(key: RunKey, attempt: Attempt) -> Iterator[dict[str, Any]]:
    """What it is about: the request by its meaning, and the very bytes that were sent."""
    name, digest = name_of((*key, attempt.number)), _DIGEST.fullmatch(attempt.digest)
    if digest:
        yield {"name": name, "digest": {"sha256": digest[1]}}
    if body := _fitting(_HEX, attempt.facts, "bodySha256"):
        yield {"name": f"{name} body", "digest": {"sha256": body}}


def _predicate(
    key: RunKey, attempt: Attempt, apply: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    facts, evidence = attempt.facts, attempt.evidence
    yield (
        "run",
        _kept(
            environment=key[0],
            name=key[1],
            attempt=attempt.number,
            nonce=_fitting(_NONCE, facts, "nonce"),
        ),
    )
    yield (
        "request",
        _kept(
            digest=attempt.digest,
            workflowId=_fitting(_ID, facts, "workflowId"),
            revision=_fitting(_SUM, facts, "revision"),
            catalogRevision=_fitting(_SUM, evidence, "catalogRevision"),
        ),
    )
    yield (
        "source",
        _kept(commit=_fitting(_OBJECT, facts, "commit"), blob=_fitting(_OBJECT, facts, "blob")),
    )
    yield "allowed", _allowed(evidence)
    yield "tool", _tool(attempt, apply)
    yield (
        "execution",
        _kept(
            platform=_fitting(_WORD, facts, "platform"),
            id=attempt.execution_id if _ID.fullmatch(attempt.execution_id) else "",
            state=attempt.state.value,
            outcome=OUTCOMES[attempt.state].name.lower(),
            decidedAt=_time(attempt.decision.at) if attempt.decision else "",
        ),
    )
    yield "times", _kept(opened=_time(attempt.opened_at), ended=_time(ended_at(attempt)))


def _allowed(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return _kept(
        planDigest=_fitting(_DIGEST, evidence, "planDigest"),
        pullRequest=_count(evidence, "pullRequest"),
        approvals=list(_approvals(evidence)),
        mergedBy=_fitting(_LOGIN, evidence, "mergedBy"),
        released=[
            _kept(hold=_fitting(_WORD, each, "hold"), count=_count(each, "count"))
            for each in _listed(evidence, "released")
        ],
        timeZones=_fitting(_WORD, evidence, "timeZones"),
    )


def _approvals(evidence: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return who approved: where no more is recorded of it, the name alone."""
    given = {text(each, "by"): each for each in _listed(evidence, "approvals")}
    names = evidence.get("approvers")
    for who in names if isinstance(names, list) else ():
        if isinstance(who, str) and _LOGIN.fullmatch(who) and not kind_of(who):
            told = given.get(who, {})
            yield _kept(
                by=who, review=_count(told, "review"), commit=_fitting(_OBJECT, told, "commit")
            )


def _tool(attempt: Attempt, apply: Mapping[str, Any]) -> dict[str, Any]:
    return _kept(
        version=_fitting(_WORD, opened(attempt.events), "tool"),
        installed=_fitting(_SUM, apply, "installed"),
        editable=apply.get("editable") is True,
        workflowCommit=_fitting(_OBJECT, apply, "workflowCommit"),
    )


def _kept(**told: object) -> dict[str, Any]:
    """Leave out what isn't known."""
    return {name: value for name, value in told.items() if value}


def _fitting(form: re.Pattern[str], data: Mapping[str, Any], name: str) -> str:
    value = text(data, name)
    return value if form.fullmatch(value) and not kind_of(value) else ""


def _time(at: str) -> str:
    return at if _TIME.fullmatch(at) else ""


def _count(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    return value if type(value) is int and 0 < value <= _MOST else 0


def _listed(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name)
    some = found if isinstance(found, list) else []
    return [each for each in some if isinstance(each, Mapping)]
