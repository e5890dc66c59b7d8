"""The report for an audit as JSON; its schema is `schemas/report.schema.json`."""

from collections import Counter
from typing import Any

from qflow_gitops.render.jsonstories import culprit, step
from qflow_gitops.results.evidence import (
    AttemptEvidence,
    Compared,
    DifferenceTold,
    DoubtTold,
    EventTold,
    Evidence,
    Outcome,
    RunEvidence,
)


def evidence(body: Evidence) -> dict[str, Any]:
    """Return all that is known; null for what isn't."""
    return {
        "madeAt": body.made_at,
        "tool": body.tool,
        "since": body.since or None,
        "until": body.until or None,
        "environments": list(body.environments),
        "project": body.project,
        "repository": body.repository or None,
        "lock": {
            "where": body.lock.where,
            "exists": body.lock.exists,
            "lineage": body.lineage or None,
            "serial": body.serial,
            "commit": body.head or None,
            "copiedAt": body.lock.copied_at or None,
        },
        "counts": counts(body),
        "compared": _compared(body.compared),
        "events": [{"environment": where or None, **_event(event)} for where, event in body.events],
        "runs": (_run(run) for run in body.runs),
    }


def counts(body: Evidence) -> dict[str, int]:
    """How many attempts came to each outcome; `attempts` are all, `runs` those that they are of."""
    found = Counter(attempt.outcome for run in body.runs for attempt in run.attempts)
    return {
        "runs": sum(bool(run.attempts) for run in body.runs),
        "attempts": sum(found.values()),
        **{outcome.name.lower(): found[outcome] for outcome in Outcome},
    }


def _compared(body: Compared) -> dict[str, Any]:
    return {
        "commits": body.commits,
        "executions": body.executions,
        "limits": list(body.limits),
        "differences": [_difference(each) for each in body.differences],
    }


def _difference(found: DifferenceTold) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "text": found.text,
        "environment": found.environment or None,
        "run": found.run or None,
        "attempt": found.number,
        "commit": found.commit or None,
        "executionId": found.execution_id or None,
        "workflowId": found.workflow_id or None,
        "source": found.source or None,
        "at": found.at or None,
    }


def _run(run: RunEvidence) -> dict[str, Any]:
    return {
        "environment": run.key[0],
        "name": run.key[1],
        "group": "/".join(run.group) if run.group else None,
        "attempts": [attempt(each) for each in run.attempts],
        "events": [_event(event) for event in run.events],
        "earlierAttempts": run.earlier,
        "laterAttempts": run.later,
    }


def attempt(told: AttemptEvidence) -> dict[str, Any]:
    """Return one attempt, with what allowed it."""
    return {
        "environment": told.key[0],
        "name": told.key[1],
        "number": told.number,
        "state": told.state.value,
        "outcome": told.outcome.name.lower(),
        "openedAt": told.opened_at,
        "changedAt": told.changed_at,
        "endedAt": told.ended_at or None,
        "executionId": told.execution_id or None,
        "status": told.status or None,
        "digest": told.digest,
        "workflowId": told.workflow_id or None,
        "revision": told.revision or None,
        "platform": told.platform or None,
        "file": told.file or None,
        "request": told.request,
        "requestUnknown": told.request_unknown or None,
        "commit": _commit(told),
        "annotations": dict(told.annotations),
        "by": {"actor": told.actor or None, "run": told.ci_run or None, "tool": told.tool or None},
        **_allowed(told),
        "doubts": [_doubt(doubt) for doubt in told.doubts],
        "events": [_event(event) for event in told.events],
        "facts": dict(told.facts),
        "apply": dict(told.apply),
        "failedAt": culprit(told.culprit),
        "steps": None if told.steps is None else [step(each) for each in told.steps],
        "unknown": list(told.unknown),
    }


def _commit(told: AttemptEvidence) -> dict[str, Any] | None:
    if told.commit is None:
        return None
    return {
        "id": told.commit.id,
        "author": told.commit.author or None,
        "at": told.commit.at or None,
        "subject": told.commit.subject or None,
        "message": told.message or None,
    }


def _doubt(found: DoubtTold) -> dict[str, Any]:
    return {
        "since": found.since,
        "settled": found.settled or None,
        "at": found.at or None,
        "by": found.by or None,
        "reason": found.reason or None,
    }


def _allowed(told: AttemptEvidence) -> dict[str, Any]:
    return {
        "planDigest": told.plan_digest or None,
        "pullRequest": told.pull_request,
        "mergedBy": told.merged_by or None,
        "approvalsNeeded": told.approvals_needed,
        "approvals": [
            {"login": one.login, "review": one.review or None, "commit": one.commit or None}
            for one in told.approvals
        ],
        "releases": [
            {
                "hold": one.hold,
                "runs": one.runs,
                "by": one.by or None,
                "reason": one.reason or None,
                "at": one.at or None,
            }
            for one in told.releases
        ],
    }


def _event(event: EventTold) -> dict[str, Any]:
    return {
        "at": event.at,
        "event": event.what,
        "by": {"actor": event.by or None, "run": event.ci_run or None, "tool": event.tool or None},
        "reason": event.reason or None,
        "more": dict(event.more),
    }
