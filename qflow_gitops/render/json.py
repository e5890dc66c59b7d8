"""Every report as JSON, in one envelope; a plan's schema is `schemas/plan.schema.json`.

ASCII only, so that nothing in it can move a cursor or is a command of a CI runner.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from qflow_gitops.base import logjson
from qflow_gitops.base.site import reason_page, rule_page
from qflow_gitops.errors import QflowError
from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.attempt_json import attempt_to_json
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.plan.change import Action, Change, Plan
from qflow_gitops.render.jsonchecked import CHECKED, checked
from qflow_gitops.render.jsonstories import culprit, difference, story
from qflow_gitops.results.applies import Applied, Outcome
from qflow_gitops.results.files import Draft, Files, Known
from qflow_gitops.results.plans import LockSeen, Planned, Unsettled
from qflow_gitops.results.records import (
    Resolved,
    RunHistory,
    Standstill,
    Status,
)
from qflow_gitops.results.report import Report, Validated
from qflow_gitops.results.reviews import Commented, Comments
from qflow_gitops.results.sandbox import Executed
from qflow_gitops.results.stories import Story
from qflow_gitops.specs.catalogs import Workflow
from qflow_gitops.specs.connector_catalogs import UNKNOWN, Named, Names
from qflow_gitops.specs.spec import PLACE_VARIABLES, RunSpec

FORMAT_VERSION = 1


def render(report: Report) -> str:
    """Return the report as an object, on several lines."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Return the same bit by bit: of all that was ever sent never the whole is in memory."""
    yield from logjson.pieces(_envelope(report))
    yield "\n"


def _envelope(report: Report) -> dict[str, Any]:
    data: dict[str, Any] = {
        "formatVersion": FORMAT_VERSION,
        "command": report.command,
        "exitCode": int(report.exit_code),
        "reason": report.reason,
        "error": None,
    }
    if error := report.error:
        also = {"also": [_error(each) for each in error.also]} if error.also else {}
        data["error"] = _error(error) | also
    first = report.body.first if isinstance(report.body, Planned) else ()
    data["notes"] = [*(" ".join(filter(None, warning)) for warning in first), *report.notes]
    data["diagnostics"] = [_diagnostic(finding) for finding in report.diagnostics]
    return data | _body(report)


def _error(problem: QflowError) -> dict[str, Any]:
    return {
        "message": problem.message,
        "where": problem.where,
        "notDone": problem.not_done,
        "hint": problem.hint,
        **_help(reason_page(problem.reason)),
    }


def _help(page: str) -> dict[str, str]:
    return {"helpUri": page} if page else {}


def _body(report: Report) -> dict[str, Any]:
    if isinstance(report.body, CHECKED):
        return checked(report.body)
    match report.body:
        case Validated(files, runs, _):
            return {"files": files, "runs": runs}
        case Planned() as body:
            return _planned(body)
        case Applied() as body:
            return _applied(body)
        case Status() | Story() | RunHistory() | Resolved() | Standstill() as body:
            return _lockfile(body)
        case Files(changes, commands):
            return {
                "files": [
                    {
                        "file": change.file,
                        "what": change.what,
                        "detail": change.detail,
                        "diff": change.diff,
                    }
                    for change in changes
                ],
                "next": list(commands),
            }
        case Known(workflows, _):
            return {"workflows": [_workflow(workflow) for workflow in workflows]}
        case Draft(content):
            return {"spec": content}
        case Comments(entries):
            return {"comments": [_commented(commented) for commented in entries]}
        case Executed(url, total, executions):
            return {"url": url, "total": total, "executions": [asdict(one) for one in executions]}
        case None:
            return _planned(None) if report.command == "plan" else {}


def _lockfile(
    body: Status | Story | RunHistory | Resolved | Standstill,
) -> dict[str, Any]:
    """What the lockfile says, or was made to say."""
    match body:
        case Status(rows, lock, freezes, names):
            return {
                "lock": _lock(lock),
                "frozen": _frozen(freezes),
                "runs": [
                    {
                        "environment": row.environment,
                        "name": row.name,
                        "hasSpec": row.spec is not None,
                        "closed": row.closed,
                        "carriedTo": "/".join(row.heir) if row.heir else None,
                        "connectors": _connectors(row.spec, names) if row.spec else [],
                        "attempt": attempt_to_json(row.attempt) if row.attempt else None,
                        "failedAt": culprit(row.failed_at),
                        "next": row.way or None,
                    }
                    for row in rows
                ],
            }
        case Story():
            return story(body)
        case RunHistory() | Resolved():
            return _recorded(body)
        case Standstill():
            return {
                "where": body.where,
                "written": body.written,
                "frozen": _frozen(body.freezes),
                "lifted": _frozen(body.lifted),
            }


def _recorded(body: RunHistory | Resolved) -> dict[str, Any]:
    data: dict[str, Any] = {
        "lock": _lock(body.lock),
        "attempts": [
            {"environment": environment, "name": name, **attempt_to_json(attempt)}
            for environment, name, attempt in body.attempts
        ],
    }
    if isinstance(body, RunHistory):
        for told, (*_, attempt) in zip(data["attempts"], body.attempts, strict=True):
            told["failedAt"] = culprit(body.failed_at.get(attempt.execution_id))
    else:
        data["differences"] = [difference(each) for each in body.differences]
        data["against"] = list(body.against)
    return data


def _commented(commented: Commented) -> dict[str, Any]:
    return {
        "pullRequest": commented.pull_request,
        "project": commented.key.project,
        "environment": commented.key.environment,
        "what": commented.what,
        "standing": commented.standing.value.replace(" ", "_"),
        "url": commented.url,
        "duplicatesRemoved": commented.removed,
        "text": commented.text or None,
    }


def _workflow(workflow: Workflow) -> dict[str, Any]:
    variables = dict(workflow.variables) if workflow.variables is not None else None
    return {
        "id": workflow.id,
        "name": workflow.name,
        "revision": workflow.revision,
        "variables": variables,
    }


def _diagnostic(finding: Diagnostic) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "rule": finding.rule,
        "message": finding.message,
        "file": finding.file,
        "range": {
            "start": {"line": finding.range.start.line, "column": finding.range.start.column},
            "end": {"line": finding.range.end.line, "column": finding.range.end.column},
        },
        "hint": finding.hint,
        **_help(rule_page(finding.rule)),
    }


def _lock(lock: LockSeen) -> dict[str, Any]:
    return {
        "where": lock.where,
        "exists": lock.exists,
        "lineage": lock.lineage,
        "serial": lock.serial,
        "copiedAt": lock.copied_at or None,
        "commit": lock.commit or None,
    }


def _frozen(freezes: tuple[Freeze, ...]) -> list[dict[str, Any]]:
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


def _planned(body: Planned | None) -> dict[str, Any]:
    if body is None:  # a plan that could not be made still has a plan's shape
        return {"digest": None, "changes": []}
    plan = body.plan
    return {
        "commit": body.commit or None,
        "base": body.base or None,
        "full": body.full,
        "lock": _lock(body.lock),
        "frozen": _frozen(body.freezes),
        "digest": plan.digest,
        "environments": {
            name: {"platform": platform, "digest": plan.digest_of([name])}
            | _unsettled(body.unsettled.get(name))
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
            "connectors": _connectors(spec, body.names),
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


def _connectors(spec: RunSpec, names: Names) -> list[dict[str, str]]:
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


def _applied(body: Applied) -> dict[str, Any]:
    return {
        **_planned(body.planned),
        "environment": body.environment,
        "platform": body.platform,
        "outcomes": [_outcome(outcome) for outcome in body.outcomes],
        "notStarted": [change(item, body.planned) for item in body.not_started],
        "waiting": [change(item, body.planned) for item in body.waiting],
        "inDoubt": [_outcome(outcome) for outcome in body.doubts],
        "elsewhere": [_outcome(outcome) for outcome in body.elsewhere],
        "rescued": body.rescued,
        "rescuedLines": body.rescued_lines.splitlines(),
        "lockAfter": _lock(body.lock) if body.lock else None,
    }
