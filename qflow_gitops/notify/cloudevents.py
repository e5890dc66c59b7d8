"""A notice as a CloudEvent 1.0 in structured JSON. Pure.

Facts [documented] (github.com/cloudevents/spec, v1.0.2): `id`, `source`, `specversion` and `type`
have to be there, and events with the same `id` and `source` are the same one; a text has no control
characters. The content type is `application/cloudevents+json` (formats/json-format.md 3). That a
`type` should begin with a domain's name turned round is advice: this project has none.
"""

import json
from typing import Any

from qflow_gitops.ports.notices import Told

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SCHEMA = "urn:qflow-gitops:schema:notice:v1"


def body(told: Told) -> bytes:
    """Return the event that is sent."""
    notice = told.notice
    event = {
        "specversion": "1.0",
        "id": notice.id,
        "source": f"urn:qflow-gitops:lockfile:{told.lineage}",
        "type": f"qflow_gitops.{notice.kind}",
        "subject": _subject(told),
        "time": notice.at,
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "data": data(told),
    }
    sent = {name: value for name, value in event.items() if value}
    return json.dumps(sent, separators=(",", ":")).encode()


def data(told: Told) -> dict[str, Any]:
    """Return what the event says (schemas/notice.schema.json): what isn't known is left out."""
    notice = told.notice
    said = {
        "kind": notice.kind,
        "title": told.title,
        "environment": notice.environment,
        "run": notice.run,
        "attempt": notice.attempt,
        "event": notice.event,
        "state": told.state,
        "platform": told.platform,
        "executionId": told.execution_id,
        "commit": told.commit,
        "by": told.by,
        "ticket": told.ticket,
        "reason": notice.reason,
        "detail": notice.detail,
        "next": told.way,
    }
    return {"formatVersion": 1, **{name: value for name, value in said.items() if value}}


def _subject(told: Told) -> str:
    """Name what it is about, as reports do."""
    notice = told.notice
    if not notice.run:
        return notice.environment
    return f"{notice.environment}/{notice.run} #{notice.attempt}"
