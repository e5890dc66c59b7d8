"""One run's whole story as JSON; its schema is `schemas/show.schema.json`."""

from typing import Any

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.lockfile.attempt_json import attempt_to_json
from qflow_gitops.results.stories import (
    AttemptTold,
    Culprit,
    ExecutionTold,
    StepTold,
    Story,
)


def story(body: Story) -> dict[str, Any]:
    """Return all that is known; null for what isn't."""
    told = body.attempts[body.told] if body.attempts else None
    return {
        "environment": body.key[0] if body.key else None,
        "name": body.key[1] if body.key else None,
        "recorded": body.key is not None,
        "state": told.attempt.state.value if told else None,
        "next": list(body.next),
        "platform": body.platform or None,
        "executionId": body.execution_id or None,
        "attempt": told.attempt.number if told else None,
        "commit": {
            "id": body.commit.id,
            "author": body.commit.author or None,
            "at": body.commit.at or None,
            "subject": body.commit.subject or None,
        }
        if body.commit
        else None,
        "hasSpec": body.spec is not None,
        "attempts": [_attempt(each) for each in body.attempts],
        "earlierAttempts": body.earlier,
        "events": [{"at": event.at, "event": event.event, **event.extra} for event in body.events],
        "execution": _execution(body.execution),
        "raw": dict(body.execution.raw),
    }


def _attempt(told: AttemptTold) -> dict[str, Any]:
    return {
        "environment": told.key[0],
        "name": told.key[1],
        **attempt_to_json(told.attempt),
        "request": told.request,
        "requestUnknown": told.unknown or None,
        "requestDiff": None if told.since is None else [difference(each) for each in told.since],
    }


def _execution(found: ExecutionTold) -> dict[str, Any]:
    return {
        "seen": found.seen,
        "problem": found.problem or None,
        "status": found.status or None,
        "meaning": found.meaning or None,
        "ended": found.ended if found.seen else None,
        "createdAt": found.created or None,
        "startedAt": found.began or None,
        "endedAt": found.finished or None,
        "queuedSeconds": found.lasted.queued,
        "runningSeconds": found.lasted.running,
        "totalSeconds": found.lasted.total,
        "steps": None if found.steps is None else [step(each) for each in found.steps],
        "stepsMissing": found.missing,
        "failedAt": culprit(found.culprit),
    }


def culprit(found: Culprit | None) -> dict[str, Any] | None:
    """Return the step by which an execution didn't succeed; null for none.

    `certain` is false where no word stands for a failure: then it is only the last one that isn't
    known to have succeeded.
    """
    if found is None:
        return None
    message = found.step.message
    return {
        "nodeId": found.step.node_id,
        "order": found.step.order,
        "status": found.step.status,
        "certain": found.certain,
        "message": message.text if message else None,
        "messageField": message.field if message else None,
    }


def step(found: StepTold) -> dict[str, Any]:
    """Return a step; `undocumented` are texts of fields that no page of Qualys' names."""
    data: dict[str, Any] = {
        "nodeId": found.node_id,
        "nodeType": found.node_type,
        "order": found.order,
        "status": found.status,
        "meaning": found.meaning or None,
        "createdAt": found.created or None,
        "updatedAt": found.updated or None,
        "undocumented": [{"field": each.field, "text": each.text} for each in found.said],
    }
    return data if found.output is MISSING else {**data, "output": found.output}


def difference(found: Difference) -> dict[str, Any]:
    """Return one value that differs; what was or is absent is left out."""
    data: dict[str, Any] = {"path": found.pointer}
    if found.old is not MISSING:
        data["old"] = found.old
    if found.new is not MISSING:
        data["new"] = found.new
    return data
