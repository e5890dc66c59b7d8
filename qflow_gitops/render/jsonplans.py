"""Plans and applies as JSON data, with what the lockfile said when they were made."""

from typing import Any

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.attempt_json import attempt_to_json
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.plan.change import Action, Change, Plan
from qflow_gitops.render.jsonstories import culprit, difference
from qflow_gitops.results.applies import Applied, Outcome
from qflow_gitops.results.plans import LockSeen, Planned, Unsettled
from qflow_gitops.specs.connector_catalogs import UNKNOWN, Named, Names
from qflow_gitops.specs.spec import PLACE_VARIABLES, RunSpec


def lock(seen: LockSeen) -> dict[str, Any]:
    """Return which state of the lockfile was seen."""
    return {
        "where": seen.where,
        "exists": seen.exists,
        "lineage": seen.lineage,
        "serial": seen.serial,
        "copiedAt": seen.copied_at or None,
        "commit": seen.commit or None,
    }


def frozen(freezes: tuple[Freeze, ...]) -> list[dict[str, Any]]:
    """Return the freezes that hold."""
    return [
        {
            "source": freeze.source,
            "reason": freeze.reason,
            "at": freeze.at or None,
            "by": freeze.by,
            "detail": freeze.detail,
            "hint": freeze.hint,
        }
        for freeze in freezes
    ]


def planned(body: Planned | None) -> dict[str, Any]:
    """Return a plan; None: one that could not be made."""
    if body is None:  # a plan that could not be made still has a plan's shape
        return {"digest": None, "changes": []}
    plan = body.plan
    return {
        "commit": body.commit or None,
        "base": body.base or None,
        "full": body.full,
        "lock": lock(body.lock),
        "frozen": frozen(body.freezes),
        "digest": plan.digest,
        "environments": {
            name: {"platform": platform, "digest": plan.digest_of([name])}
            | _unsettled(body.unsettled.get(name))
            | ({"asksForApprovals": True} if body.asks else {})
            for name, platform in sorted(plan.platforms.items())
        },
        "counts": counts(plan),
        "changes": (change(item, body) for item in plan.changes),
    }


def _unsettled(found: Unsettled | None) -> dict[str, int]:
    return {"underWay": found.under_way, "inDoubt": found.in_doubt} if found else {}


def counts(plan: Plan) -> dict[str, int]:
    """How many runs each action is about; `unchanged` are done and not listed."""
    return {
        **{action.value: len(plan.of(action)) for action in Action},
        "unchanged": plan.unchanged,
    }


def change(item: Change, body: Planned) -> dict[str, Any]:
    """One decision; what the request holds is masked where the spec says `sensitive`."""
    data: dict[str, Any] = {
        "action": item.action.value,
        "reason": item.reason.value,
        "environment": item.environment,
        "name": item.name,
        "platform": body.plan.platforms.get(item.environment, ""),
        "detail": item.detail,
        "hint": item.hint,
    }
    if item.release:
        data["release"] = item.release
    more = {"batch": item.batch, "opensAt": item.opens, "approvalsNeeded": item.approvals}
    data |= {name: value for name, value in more.items() if value}
    if item.spec:
        spec, shown = item.spec, item.spec.shown_variables
        data |= {
            "file": spec.file,
            "digest": spec.digest,
            "workflowId": spec.workflow_id,
            "workflowName": body.workflow_name(spec.workflow_id),
            "connectorTypes": list(spec.connector_types),
            "connectors": connectors(spec, body.names),
            "place": {name: shown[name] for name in PLACE_VARIABLES if name in shown},
            "labels": dict(spec.labels),
            "annotations": dict(spec.annotations),
            "request": spec.masked,
        }
    if item.attempt:
        data["attempt"] = _short(item.attempt)
    if item.owner:
        data["attemptOf"] = "/".join(item.owner)
    if item.since is not None:
        data["requestDiff"] = [difference(each) for each in item.since]
    return data


def connectors(spec: RunSpec, names: Names) -> list[dict[str, str]]:
    """Return the connectors of a spec, each with what it is called."""
    return [_connector(each, spec.environment, names) for each in spec.connectors]


def _connector(connector_id: str, environment: str, names: Names) -> dict[str, str]:
    named = names.get((environment, connector_id.removeprefix("@").lower()), Named(""))
    return {
        "id": connector_id,
        "name": named.name,
        "account": "" if named.account == UNKNOWN else named.account,
    }


def _short(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "state": attempt.state.value,
        "executionId": attempt.execution_id,
        "status": attempt.status,
        "at": attempt.changed_at,
        "commit": attempt.fact("commit"),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "environment": outcome.environment,
        "name": outcome.name,
        "attempt": attempt_to_json(outcome.attempt),
        "failedAt": culprit(outcome.failed_at),
    }


def applied(body: Applied) -> dict[str, Any]:
    """Return an apply: its plan, and what came of it."""
    return {
        **planned(body.planned),
        "environment": body.environment,
        "platform": body.platform,
        "outcomes": [_outcome(outcome) for outcome in body.outcomes],
        "notStarted": [change(item, body.planned) for item in body.not_started],
        "waiting": [change(item, body.planned) for item in body.waiting],
        "inDoubt": [_outcome(outcome) for outcome in body.doubts],
        "elsewhere": [_outcome(outcome) for outcome in body.elsewhere],
        "rescued": body.rescued,
        "rescuedLines": body.rescued_lines.splitlines(),
        "lockAfter": lock(body.lock) if body.lock else None,
        "noticesLeft": body.notices,
    }
