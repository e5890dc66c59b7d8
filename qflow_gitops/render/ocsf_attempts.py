"""An event of an attempt as OCSF's API Activity (6003).

It tells what was known as the event came, nothing that came later. The classes' text:
https://schema.ocsf.io/1.8.0/classes/api_activity
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qflow_gitops.lockfile.states import EXECUTED, State
from qflow_gitops.render import ocsf_objects as objects
from qflow_gitops.render.jsonstories import culprit
from qflow_gitops.render.ocsf_words import DECISION, LOW, MEANINGS, STRANGE, Meaning
from qflow_gitops.results.evidence import AttemptEvidence, EventTold, Evidence
from qflow_gitops.specs.spec import MASK

POST = "POST /qflowapi/v1/workflows/{workflowId}/run"
SERVICE = "Qualys Flow"

_API_ACTIVITY = 6003
_HOSTNAME, _USER_NAME, _EMAIL, _RESOURCE = 1, 4, 5, 10
"""Kinds of observables."""
_CALL = frozenset((State.INTENT, State.ACCEPTED, State.REFUSED, State.UNSENT, State.IN_DOUBT))
"""Events of the call itself, which tell what was sent and what allowed it."""
_MAIL = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+")
_GATEWAY = re.compile(r"([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?")
_INNER = ("status", "httpStatus", "detail", "leaseUntil", "executionsBefore", "apply")
"""What an event says that stands elsewhere here, or only serves the program."""


class At(NamedTuple):
    """An event of an attempt: its place among those, from 1 on, and what is known at it."""

    body: Evidence
    told: AttemptEvidence
    event: EventTold
    place: int
    execution: str

    @property
    def state(self) -> str:
        """What the attempt came to."""
        return self.event.what

    @property
    def decided(self) -> bool:
        """Whether somebody decided it, rather than that the program saw it."""
        return self.place > 1 and bool(self.event.by or "reopens" in self.event.more)

    @property
    def meaning(self) -> Meaning:
        """What that is in OCSF's words."""
        found = MEANINGS.get(self.state, STRANGE)
        if self.decided:
            return found._replace(activity=DECISION, severity=max(found.severity, LOW))
        if self.place == 1 and self.told.releases:
            return found._replace(severity=max(found.severity, LOW))
        return found

    @property
    def tells_all(self) -> bool:
        """Whether it tells what was sent, and what allowed it, whole."""
        return self.place == 1 or self.state in _CALL

    @property
    def is_sent(self) -> bool:
        """Whether it is about a request to Qualys, and not only about what somebody said."""
        return not self.decided and self.state != State.BASELINED


def with_executions(body: Evidence, told: AttemptEvidence) -> list[At]:
    """Tell which execution was an attempt's own at each of its events.

    It is its last one, but before a person put an adoption back: that event names the earlier one.
    """
    found, own = [], told.execution_id
    for place in range(len(told.events), 0, -1):
        event = told.events[place - 1]
        let_go = event.more.get("letGo", "") if "reopens" in event.more else ""
        known = event.what in EXECUTED
        found.append(At(body, told, event, place, own if known else ""))
        own = let_go if isinstance(let_go, str) and let_go else own
    return found[::-1]


def api_activity(at: At) -> dict[str, Any]:
    """Return the event."""
    told, event, meaning = at.told, at.event, at.meaning
    detail = _text(event.more.get("detail")) or event.reason
    data = {
        **objects.kind(_API_ACTIVITY, "API Activity", meaning.activity_id, meaning.activity),
        **objects.severity(meaning.severity),
        "category_uid": 6,
        "category_name": "Application Activity",
        "status_id": meaning.status,
        "status": meaning.status_caption,
        "status_code": _text(event.more.get("status")) or _text(event.more.get("httpStatus")),
        "status_detail": detail,
        "time": objects.milliseconds(event.at),
        "message": f"{told.name} #{told.number} {meaning.says}.",
        "metadata": _metadata(at),
        "actor": _actor(at),
        "api": _api(at),
        "src_endpoint": {"svc_name": objects.PRODUCT, "type_id": 0, "type": "Unknown"},
        "resources": _resources(at),
        "unmapped": _unmapped(at),
    }
    if at.is_sent:
        data["dst_endpoint"] = _gateway(told)
    data["observables"] = _observables(data)
    done: dict[str, Any] = objects.known(data)
    if at.state in _CALL and at.is_sent and told.request is not None:
        done["api"]["request"]["data"] = dict(told.request)
    done["unmapped"] |= dict(_as_recorded(at))
    return done


def _metadata(at: At) -> dict[str, Any]:
    attempt = f"{at.told.name}#{at.told.number}"
    labels = [
        word
        for word, applies in (
            ("released", bool(at.told.releases)),
            ("in doubt", at.state in (State.IN_DOUBT, State.EXPIRED)),
            ("assumed", at.state == State.ASSUMED),
            ("declared", at.state == State.BASELINED),
            ("decided by a person", at.decided),
        )
        if applies
    ]
    return {
        **objects.source(at.body, at.event.tool or at.told.tool),
        "uid": objects.uid(at.body.lineage, attempt, str(at.place)),
        "correlation_uid": objects.uid(at.body.lineage, attempt),
        "original_event_uid": f"{attempt}/{at.place}",
        "sequence": at.place,
        "event_code": at.state,
        "original_time": at.event.at,
        "labels": labels,
    }


def _actor(at: At) -> dict[str, Any]:
    """Who decided it, where somebody did; else who started the attempt."""
    name = at.event.by or ("" if at.decided else at.told.actor)
    run = at.event.ci_run or ("" if at.decided else at.told.ci_run)
    mail = name if _MAIL.fullmatch(name) else ""
    user = {"name": name, "email_addr": mail, "type_id": 0, "type": "Unknown"} if name else {}
    return {"app_name": objects.PRODUCT, "user": user, "session": {"uid": run}}


def _api(at: At) -> dict[str, Any]:
    if not at.is_sent:
        command = "baseline" if at.state == State.BASELINED else "resolve"
        return {"operation": f"{objects.PRODUCT} {command}", "service": {"name": objects.PRODUCT}}
    api: dict[str, Any] = {
        "operation": POST,
        "version": "v1",
        "service": {"name": SERVICE, "uid": at.told.platform},
    }
    nonce = _text(at.told.facts.get("nonce"))
    attempt = f"{at.told.name}#{at.told.number}"
    api["request"] = {"uid": nonce or objects.uid(at.body.lineage, attempt)}
    status = at.event.more.get("httpStatus")
    if type(status) is int:
        api["response"] = {"code": status, "data": {"executionId": at.execution}}
        if at.state != State.ACCEPTED:
            api["response"]["error_message"] = _text(at.event.more.get("detail"))
    return api


def _gateway(told: AttemptEvidence) -> dict[str, Any]:
    found = _GATEWAY.fullmatch(_plain(told.facts.get("gateway")))
    name, port = found.groups() if found else ("", None)
    number = int(port or 0)
    return {
        "svc_name": SERVICE,
        "hostname": name,
        "port": number if 0 < number < 65_536 else None,
    }


def _resources(at: At) -> list[dict[str, Any]]:
    told, variables = at.told, (at.told.request or {}).get("variables")
    found = [objects.resource("workflow", told.workflow_id, objects.TARGET, version=told.revision)]
    found.append(objects.resource("execution", at.execution, objects.AFFECTED))
    if isinstance(variables, Mapping):
        region = _plain(variables.get("region")) or _plain(variables.get("oci_region"))
        connector = _plain(variables.get("connectorId"))
        tags = [{"name": "region", "value": region}] if region else []
        found.append(objects.resource("connector", connector, objects.AFFECTED, tags=tags))
    return [each for each in found if each["uid"]]


def _unmapped(at: At) -> dict[str, Any]:
    """What OCSF has no place for, by its names in the report's JSON; all of it with the call."""
    told = at.told
    names = {
        "environment": told.key[0],
        "run": told.key[1],
        "attempt": told.number,
        "state": at.state,
        "digest": told.digest,
        "ticket": told.ticket,
        "commit": told.commit.id if told.commit else "",
    }
    if not at.tells_all:
        return names
    commit = told.commit
    return names | {
        "commitAuthor": commit.author if commit else "",
        "commitSubject": commit.subject if commit else "",
        "file": told.file,
        "requestUnknown": told.request_unknown,
        "planDigest": told.plan_digest,
        "pullRequest": told.pull_request,
        "approvals": [
            {"by": one.login, "review": one.review, "commit": one.commit} for one in told.approvals
        ],
        "mergedBy": told.merged_by,
        "releases": [one._asdict() for one in told.releases],
    }


def _as_recorded(at: At) -> Iterator[tuple[str, Any]]:
    """What the lockfile holds under names of its own: nothing is left out of it."""
    more = {name: value for name, value in at.event.more.items() if name not in _INNER}
    if more:
        yield "more", more
    if at.state == State.FAILED and at.told.culprit:
        yield "failedAt", culprit(at.told.culprit)
    if at.tells_all and at.told.annotations:
        yield "annotations", dict(at.told.annotations)
    if at.place == 1 and at.told.apply:
        yield "apply", dict(at.told.apply)


def _observables(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    user = data["actor"]["user"]
    found = [
        ("actor.user.name", _USER_NAME, "User Name", user.get("name")),
        ("actor.user.email_addr", _EMAIL, "Email Address", user.get("email_addr")),
        (
            "dst_endpoint.hostname",
            _HOSTNAME,
            "Hostname",
            data.get("dst_endpoint", {}).get("hostname"),
        ),
    ]
    for place, each in enumerate(data["resources"]):
        found.append((f"resources[{place}].uid", _RESOURCE, "Resource UID", each["uid"]))
    for place, each in enumerate(data["unmapped"].get("approvals", ())):
        found.append((f"unmapped.approvals[{place}].by", _USER_NAME, "User Name", each["by"]))
    return [
        {"name": name, "type_id": type_id, "type": caption, "value": value}
        for name, type_id, caption, value in found
        if value
    ]


def _text(value: Any) -> str:
    """Return a text, or a number as one; "" for anything else."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _plain(value: Any) -> str:
    """Return a text that isn't masked, "" for anything else."""
    return value if isinstance(value, str) and value != MASK else ""
