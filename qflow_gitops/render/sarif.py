"""Findings as SARIF 2.1.0, for code scanning.

A fingerprint covers the rule, the file and the text of the line, so it survives lines that
move; equal ones in a file are counted.
"""

import gzip
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import qflow_gitops
from qflow_gitops.base import logjson
from qflow_gitops.base.site import rule_page
from qflow_gitops.findings.finding import Diagnostic, Rule
from qflow_gitops.render.fitting import errors_first, within
from qflow_gitops.results.report import Report, Validated
from qflow_gitops.specs.rules import RULES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST = 5_000
"""Results that are written: GitHub refuses a run of more than 25,000 and keeps the first 5,000 of
it (docs.github.com, "SARIF support for code scanning", limits)."""
LIMIT = 10_000_000
"""Bytes of a whole file, compressed by gzip, that GitHub takes (the same page)."""


def render(report: Report) -> str:
    """Return the report's findings as one run; what stopped the command is a notification.

    Of very many the errors come first, and a notification says how many are left out.
    """
    return within(LIMIT, MOST, lambda most: _rendered(report, most), _compressed)


def _compressed(text: str) -> int:
    content = text.encode()
    return len(content) if len(content) <= LIMIT else len(gzip.compress(content))


def _rendered(report: Report, most: int) -> str:
    found: Sequence[Diagnostic] = report.diagnostics
    if len(found) > most:
        found = errors_first(found)[:most]
    used = sorted({finding.rule for finding in found})
    invocation: dict[str, Any] = {
        "executionSuccessful": report.error is None,
        "exitCode": int(report.exit_code),
        "exitCodeDescription": report.reason,
    }
    said = []
    if report.error:
        text = " ".join(part for part in (report.error.message, report.error.hint) if part)
        said.append({"level": "error", "message": {"text": text}})
    if len(found) < len(report.diagnostics):
        missing = len(report.diagnostics) - len(found)
        text = f"{missing:,} more findings are left out here; `qflow-gitops validate` has them."
        said.append({"level": "warning", "message": {"text": text}})
    if said:
        invocation["toolExecutionNotifications"] = said
    run = {
        "tool": {
            "driver": {
                "name": "qflow-gitops",
                "version": qflow_gitops.__version__,
                "semanticVersion": qflow_gitops.__version__,
                "rules": [_rule(RULES[name]) for name in used],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            "REPOSITORY": {"description": {"text": "The root of the git repository."}}
        },
        "invocations": [invocation],
        "results": _results(found, used),
    }
    if folder := report.body.project if isinstance(report.body, Validated) else "":
        # What is before the last slash is GitHub's category: by it a later run replaces this one.
        run["automationDetails"] = {"id": f"qflow-gitops/{quote(folder, safe='')}/"}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return logjson.dumps(log, lines=True) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    name = "".join(part.title() for part in rule.id.split("-"))
    example = f"Bad:\n\n{rule.bad}\n\nGood:\n\n{rule.good}"
    page = rule_page(rule.id)
    return {
        "id": rule.id,
        "name": name,
        **({"helpUri": page} if page else {}),
        "shortDescription": {"text": rule.why},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\n{example}",
            "markdown": f"{rule.why}\n\nBad:\n\n```yaml\n{rule.bad}\n```\n\n"
            f"Good:\n\n```yaml\n{rule.good}\n```",
        },
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": ["security" if rule.id == "secret-literal" else "correctness"]},
    }


def _results(found: Sequence[Diagnostic], used: list[str]) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for finding in found:
        print_ = _fingerprint(finding)
        results.append(
            {
                "ruleId": finding.rule,
                "ruleIndex": used.index(finding.rule),
                "level": finding.severity.value,
                "message": {"text": f"{finding.message} {finding.hint}".strip()},
                "locations": [{"physicalLocation": _place(finding)}],
                "partialFingerprints": {"qflowGitops/v1": f"{print_}:{seen[print_]}"},
            }
        )
        seen[print_] += 1
    return results


def _place(finding: Diagnostic) -> dict[str, Any]:
    start, end = finding.range.start, finding.range.end
    region: dict[str, Any] = {"startLine": start.line, "startColumn": start.column}
    if end > start:
        region |= {"endLine": end.line, "endColumn": end.column}
    if finding.excerpt:
        region["snippet"] = {"text": finding.excerpt.text}
    return {
        "artifactLocation": {"uri": quote(finding.file), "uriBaseId": "REPOSITORY"},
        "region": region,
    }


def _fingerprint(finding: Diagnostic) -> str:
    line = finding.excerpt.text.strip() if finding.excerpt else finding.message
    return hashlib.sha256("\0".join((finding.rule, finding.file, line)).encode()).hexdigest()[:32]
