"""The objects of OCSF that events of several classes share."""

from hashlib import sha256
from typing import Any

from qflow_gitops.base.times import moment
from qflow_gitops.render.ocsf_words import OTHER, SEVERITIES
from qflow_gitops.results.evidence import Evidence

VERSION = "1.8.0"
"""Of OCSF's schema, by which the tests check every event."""
PRODUCT = "qflow-gitops"
TARGET, AFFECTED = (1, "Target"), (3, "Affected")
"""Roles of resources."""


def kind(class_uid: int, name: str, activity: int, caption: str) -> dict[str, Any]:
    """Say of what class and activity an event is."""
    word = "Other" if activity == OTHER else caption
    return {
        "class_uid": class_uid,
        "class_name": name,
        "activity_id": activity,
        "activity_name": caption,
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{name}: {word}",
    }


def severity(number: int) -> dict[str, Any]:
    """Say how severe an event is."""
    return {"severity_id": number, "severity": SEVERITIES[number]}


def source(body: Evidence, tool: str) -> dict[str, Any]:
    """Say in `metadata` what recorded an event, and where; `tool` is that program's version."""
    return {
        "version": VERSION,
        "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": tool},
        "log_name": "lockfile",
        "log_provider": PRODUCT,
        "log_source": body.lock.where,
        "source": body.repository or body.project,
    }


def uid(*parts: str) -> str:
    """Return a name that the same thing has in every export of a lockfile."""
    return sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


def resource(is_a: str, name: str, role: tuple[int, str], **more: Any) -> dict[str, Any]:
    """Name a thing that Qualys knows."""
    return {"type": is_a, "uid": name, "role_id": role[0], "role": role[1], **more}


def known(data: Any) -> Any:
    """Leave out what isn't known: "", null, and what is empty without them."""
    if type(data) is dict:
        kept = {name: known(value) for name, value in data.items()}
        return {name: value for name, value in kept.items() if value or value == 0}
    return [known(value) for value in data] if type(data) is list else data


def milliseconds(at: str) -> int:
    """Return milliseconds since 1970; 0 for what is no time, which `original_time` shows."""
    try:
        return int(moment(at).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
