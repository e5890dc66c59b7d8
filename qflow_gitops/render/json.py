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
from qflow_gitops.lockfile.attempt_json import attempt_to_json
from qflow_gitops.render.jsonchecked import CHECKED, checked
from qflow_gitops.render.jsonplans import applied, connectors, frozen, lock, planned
from qflow_gitops.render.jsonstories import culprit, difference, story
from qflow_gitops.results.applies import Applied
from qflow_gitops.results.files import Draft, Files, Known
from qflow_gitops.results.plans import Planned
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
        case Validated(files, runs, _, members):
            fleet = {} if members is None else {"members": members}
            return {"files": files, "runs": runs, **fleet}
        case Planned() as body:
            return planned(body)
        case Applied() as body:
            return applied(body)
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
            return planned(None) if report.command == "plan" else {}


def _lockfile(
    body: Status | Story | RunHistory | Resolved | Standstill,
) -> dict[str, Any]:
    """What the lockfile says, or was made to say."""
    match body:
        case Status(rows, seen, freezes, names):
            return {
                "lock": lock(seen),
                "frozen": frozen(freezes),
                "runs": [
                    {
                        "environment": row.environment,
                        "name": row.name,
                        "hasSpec": row.spec is not None,
                        "closed": row.closed,
                        "carriedTo": "/".join(row.heir) if row.heir else None,
                        "connectors": connectors(row.spec, names) if row.spec else [],
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
                "frozen": frozen(body.freezes),
                "lifted": frozen(body.lifted),
            }


def _recorded(body: RunHistory | Resolved) -> dict[str, Any]:
    data: dict[str, Any] = {
        "lock": lock(body.lock),
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
