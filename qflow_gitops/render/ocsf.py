"""The evidence as events for a SIEM, in OCSF: JSON lines, the oldest first.

Each event that changed an attempt in the span asked for is one, of the class API Activity (6003):
what is recorded once doesn't change, so its `metadata.uid` is the same in every export. Each
difference between the sources is a Detection Finding (2004). What isn't known is left out, or
OCSF's 0, Unknown. ASCII only, as `json`.
"""

from collections.abc import Iterator
from typing import Any

from qflow_gitops.base import logjson
from qflow_gitops.render import ocsf_objects as objects
from qflow_gitops.render.ocsf_attempts import At, api_activity, with_executions
from qflow_gitops.render.ocsf_words import ALARMS, CREATE, TITLES
from qflow_gitops.results.evidence import DifferenceTold, Evidence
from qflow_gitops.results.report import Report

_DETECTION_FINDING = 2004


def render(report: Report) -> str:
    """Return a line for each event; none for a report without evidence."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Return the same line by line."""
    if not isinstance(report.body, Evidence):
        return
    for each in sorted(_events(report.body), key=lambda each: (each.event.at, each.told.key)):
        yield f"{logjson.dumps(api_activity(each))}\n"
    for found in report.body.compared.differences:
        yield f"{logjson.dumps(_finding(report.body, found))}\n"


def _events(body: Evidence) -> Iterator[At]:
    """Go through the events of the span; the attempts are those of which one is in it."""
    for run in body.runs:
        for told in run.attempts:
            for each in with_executions(body, told):
                at = each.event.at
                if body.since <= at and (not body.until or at < body.until):
                    yield each


def _finding(body: Evidence, found: DifferenceTold) -> dict[str, Any]:
    attempt = f"{found.environment}/{found.run}#{found.number}" if found.number else ""
    told_of = (found.kind, found.environment, found.run, str(found.number), found.commit)
    own = objects.uid(body.lineage, *told_of, found.execution_id, found.workflow_id)
    resources = [
        objects.resource("workflow", found.workflow_id, objects.TARGET),
        objects.resource("execution", found.execution_id, objects.AFFECTED),
    ]
    data = {
        **objects.kind(_DETECTION_FINDING, "Detection Finding", CREATE, "Create"),
        **objects.severity(ALARMS[found.kind]),
        "category_uid": 2,
        "category_name": "Findings",
        "time": objects.milliseconds(found.at or body.made_at),
        "message": found.text,
        "finding_info": {"uid": own, "title": TITLES[found.kind], "desc": found.text},
        "metadata": {
            **objects.source(body, body.tool),
            "uid": own,
            "correlation_uid": objects.uid(body.lineage, attempt) if attempt else "",
            "event_code": found.kind.value,
            "original_time": found.at,
        },
        "resources": [each for each in resources if each["uid"]],
        "unmapped": {
            "environment": found.environment,
            "run": found.run,
            "attempt": found.number,
            "commit": found.commit,
            "source": found.source,
        },
    }
    done: dict[str, Any] = objects.known(data)
    return done
