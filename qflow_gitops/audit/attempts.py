"""An attempt of the lockfile as evidence. Nothing is masked yet but the request."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from sys import intern
from types import MappingProxyType
from typing import Any, NamedTuple

from qflow_gitops.audit.outcomes import OUTCOMES, actor, doubts, ended_at, opened, text
from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.states import State
from qflow_gitops.results.evidence import (
    ApprovalTold,
    AttemptEvidence,
    EventTold,
    ReleaseTold,
)
from qflow_gitops.results.stories import CommitTold, Culprit

UNSAID = "(not shown: what its spec calls sensitive isn't known here)"
"""What stands for an answer of Qualys', which may tell what was sent to it."""
_KNOWN = ("workflowId", "revision", "platform", "file", "commit", "annotations", "evidence")
_ALLOWED = ("planDigest", "pullRequest", "mergedBy", "approvals", "approvers", "released")
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9._~%/?=&#+-]{0,500}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_SLUG = re.compile(r"[^a-z0-9]+")


class Around(NamedTuple):
    """What is known of an attempt beside itself.

    `request` is masked, None where `unknown` says why nobody knows it. `message` is the commit's
    whole one. `grants` are the releases of its spec's run (`lockfile.granted`), `apply` what is
    recorded of the whole apply (`lockfile.circumstances`). `needed` so many approvals the policy
    asked for, None unknown.
    """

    request: Mapping[str, Any] | None
    unknown: str
    commit: CommitTold | None
    message: str
    culprit: Culprit | None = None
    grants: Sequence[LedgerEvent] = ()
    apply: Mapping[str, Any] = MappingProxyType({})
    needed: int | None = None


def told(key: RunKey, attempt: Attempt, around: Around) -> AttemptEvidence:
    """Tell an attempt, whole."""
    by, evidence = opened(attempt.events), attempt.evidence
    sent = attempt.state is not State.BASELINED
    facts = {name: value for name, value in attempt.facts.items() if name not in _KNOWN}
    rest = {name: value for name, value in evidence.items() if name not in _ALLOWED}
    facts |= {"evidence": rest} if rest else {}
    return AttemptEvidence(
        key=key,
        number=attempt.number,
        state=attempt.state,
        outcome=OUTCOMES[attempt.state],
        anchor=anchor(key, attempt.number),
        opened_at=attempt.opened_at,
        changed_at=attempt.changed_at,
        ended_at=ended_at(attempt),
        execution_id=attempt.execution_id,
        status=intern(attempt.status),
        digest=intern(attempt.digest),
        workflow_id=intern(attempt.fact("workflowId")),
        revision=intern(attempt.fact("revision")),
        platform=intern(attempt.fact("platform")),
        file=attempt.fact("file"),
        request=around.request,
        request_unknown=around.unknown,
        commit=around.commit,
        message=around.message,
        annotations=_texts(attempt.facts.get("annotations")),
        actor=text(by, "actor"),
        ci_run=link(text(by, "run")),
        tool=text(by, "tool"),
        plan_digest=intern(text(evidence, "planDigest")),
        pull_request=_number(evidence.get("pullRequest")),
        merged_by=text(evidence, "mergedBy"),
        approvals=tuple(_approvals(evidence)),
        approvals_needed=around.needed,
        releases=tuple(_releases(attempt, around.grants)),
        doubts=tuple(doubts(attempt)),
        events=tuple(_event(event, bool(around.request)) for event in attempt.events),
        facts=_once(facts),
        apply=_once(around.apply) or _NOTHING,
        culprit=around.culprit,
        unknown=tuple(_unknown(attempt, around, by)) if sent else (),
    )


def anchor(key: RunKey, number: int) -> str:
    """Return a name that is one attempt's own, of letters, digits and `-`."""
    name = "/".join(key)
    own = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:12]
    return f"{_SLUG.sub('-', name.lower()).strip('-')[:60]}-{number}-{own}"


def link(address: str) -> str:
    """Return an https address that can be followed, without who may follow it; "" for no such."""
    safe = without_secrets(address) if address else ""
    return safe if _LINK.fullmatch(safe) else ""


def ledger_event(event: LedgerEvent) -> EventTold:
    """Tell an event of a run, of an environment or of the head."""
    return _told(event.at, event.event, event.extra)


def _event(event: Event, is_known: bool) -> EventTold:
    """Tell an event of an attempt; an answer's words only where its spec `is_known`."""
    extra = event.extra
    if not is_known and "httpStatus" in extra and "detail" in extra:
        extra = {**extra, "detail": UNSAID}
    return _told(event.at, event.to.value, extra)


def _told(at: str, what: str, extra: Mapping[str, Any]) -> EventTold:
    by = extra.get("by")
    who = by if isinstance(by, Mapping) else {}
    rest = _once({name: value for name, value in extra.items() if name not in ("by", "reason")})
    return EventTold(
        at,
        what,
        actor(extra),
        text(extra, "reason"),
        link(text(who, "run")),
        text(who, "tool"),
        rest or _NOTHING,
    )


def _approvals(evidence: Mapping[str, Any]) -> Iterator[ApprovalTold]:
    """Return who approved; their reviews and commits where these are recorded, too."""
    whole = evidence.get("approvals")
    told_of = set()
    for each in whole if isinstance(whole, list) else ():
        if isinstance(each, Mapping) and text(each, "by"):
            told_of.add(text(each, "by"))
            yield ApprovalTold(text(each, "by"), _plain(each.get("review")), text(each, "commit"))
    names = evidence.get("approvers")
    for name in names if isinstance(names, list) else ():
        if isinstance(name, str) and name not in told_of:
            yield ApprovalTold(name)


def _releases(attempt: Attempt, grants: Sequence[LedgerEvent]) -> Iterator[ReleaseTold]:
    """Return the holds that a person released.

    Of one for a whole rollout an event of its spec's run says by whom.
    """
    released = attempt.evidence.get("released")
    for each in released if isinstance(released, list) else ():
        if not isinstance(each, Mapping):
            continue
        hold, who, why = text(each, "hold"), text(each, "by"), text(each, "reason")
        at = attempt.opened_at if who else ""  # by the apply that opened it
        if not who and (event := _grant(attempt, hold, grants)):
            who, why, at = actor(event.extra), event.text("reason"), event.at
        yield ReleaseTold(hold, _number(each.get("count")), who, why, at)


def _grant(attempt: Attempt, hold: str, grants: Sequence[LedgerEvent]) -> LedgerEvent | None:
    """Return the newest event before an attempt that released this hold for its request."""
    some = (
        event
        for event in reversed(grants)
        if event.text("hold") == hold and event.at <= attempt.opened_at
    )
    return next((e for e in some if attempt.digest in (e.extra.get("digests") or ())), None)


def _unknown(attempt: Attempt, around: Around, by: Mapping[str, Any]) -> Iterator[str]:
    """Say what isn't known of an attempt that was sent, or was to be."""
    if not text(by, "actor"):
        yield "Who started it isn't recorded."
    if not attempt.fact("commit"):
        yield "From which commit it was sent isn't recorded."
    elif around.commit is None or not around.commit.at:
        yield f"The commit {attempt.fact('commit')[:10]} isn't in this clone."
    if around.request is None and around.unknown:
        yield f"What was sent isn't known: {around.unknown}."
        yield "Nor is what its spec calls sensitive: what people wrote about it isn't masked by it."
    if not attempt.evidence:
        yield "What allowed it isn't recorded."
    if attempt.state in (State.IN_DOUBT, State.EXPIRED, State.INTENT):
        yield "Whether it ran isn't known."
    elif attempt.state is State.ENDED:
        yield "How it ended isn't known: nobody explained Qualys' word."


def _once(data: Any) -> Any:
    """Copy JSON so that what stands in many attempts is in memory once: names, commits, tools."""
    kind = type(data)
    if kind is str:
        return intern(data)
    if kind is dict or isinstance(data, Mapping):
        return {intern(str(name)): _once(value) for name, value in data.items()}
    return [_once(value) for value in data] if isinstance(data, list) else data


def _texts(data: Any) -> Mapping[str, str]:
    given = data.items() if isinstance(data, Mapping) else ()
    found: Mapping[str, str] = _once({name: each for name, each in given if isinstance(each, str)})
    return found


def _plain(value: Any) -> str:
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if plain else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
