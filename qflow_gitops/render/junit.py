"""Findings as JUnit XML: a suite a file with findings, a case a finding.

Warnings are passed cases with their text in `system-out`, so that they don't fail a build.
Of cases with one name GitLab reads the first only (docs.gitlab.com, "Unit test reports"), so each
has its own.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from qflow_gitops.findings.finding import Diagnostic, Severity
from qflow_gitops.render.escape import clean
from qflow_gitops.render.fitting import errors_first, in_bytes, within
from qflow_gitops.results.report import Report, Validated

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


MOST = 5_000
"""Findings that are written: Buildkite takes so many cases of a file (buildkite.com/docs,
"Importing JUnit XML"), GitLab 250,000 objects in its XML (gitlab-org/gitlab, issue 507482); a case
is 20 of them."""
LIMIT = 30_000_000
"""Bytes of a file that GitLab takes (docs.gitlab.com, "Unit test reports", size limits)."""


def render(report: Report) -> str:
    """Return the findings; a case that passes where there is none, and one for an error.

    Of very many the errors come first, and a case that passes says how many are left out.
    """
    return within(LIMIT, MOST, lambda most: _rendered(report, most), in_bytes)


def _rendered(report: Report, most: int) -> str:
    root = ET.Element("testsuites", name="qflow-gitops")
    found: Sequence[Diagnostic] = report.diagnostics
    if len(found) > most:
        kept = {id(finding) for finding in errors_first(found)[:most]}
        found = [finding for finding in found if id(finding) in kept]
    for file, group in groupby(found, key=lambda finding: finding.file):
        _suite(root, file, list(group), strict=report.reason == "warnings")
    if len(found) < len(report.diagnostics):
        suite = ET.SubElement(root, "testsuite", _counts("left out", 1, 0, 0))
        more = f"{len(report.diagnostics) - len(found):,} more findings are left out here"
        case = ET.SubElement(suite, "testcase", name=more, classname="qflow-gitops")
        ET.SubElement(case, "system-out").text = "`qflow-gitops validate` has them."
    if report.error:
        suite = ET.SubElement(root, "testsuite", _counts(report.command, 1, 0, 1))
        case = ET.SubElement(suite, "testcase", name=report.command, classname="qflow-gitops")
        words = f"{report.error.message} {report.error.hint}".strip()
        ET.SubElement(case, "error", message=_safe(words), type=report.reason)
    elif not report.diagnostics:
        looked = report.body if isinstance(report.body, Validated) else None
        name = f"{looked.files} files, {looked.runs} runs" if looked else "no findings"
        if looked and looked.members is not None:
            name += f", {looked.members} members of a fleet"
        of = f" {looked.project}" if looked and looked.project else ""
        suite = ET.SubElement(root, "testsuite", _counts(f"{report.command}{of}", 1, 0, 0))
        ET.SubElement(suite, "testcase", name=name, classname=_safe(f"qflow-gitops{of}"))
    for kind in ("tests", "failures", "errors"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counts(name: str, tests: int, failures: int, errors: int) -> dict[str, str]:
    counts = {"tests": tests, "failures": failures, "errors": errors, "skipped": 0}
    return {"name": _safe(name)} | {key: str(count) for key, count in counts.items()}


def _suite(root: ET.Element, file: str, found: Sequence[Diagnostic], *, strict: bool) -> None:
    failing = [finding for finding in found if finding.severity is Severity.ERROR or strict]
    suite = ET.SubElement(root, "testsuite", _counts(file, len(found), len(failing), 0))
    seen: Counter[str] = Counter()
    for finding in found:
        start = finding.range.start
        name = f"{file}:{start.line}:{start.column} {finding.rule}"
        seen[name] += 1
        name += f" ({seen[name]})" if seen[name] > 1 else ""
        case = ET.SubElement(
            suite,
            "testcase",
            {"name": _safe(name), "classname": _safe(file), "file": _safe(file)}
            | {"line": str(start.line)},
        )
        body = _safe(f"{finding.message} {finding.hint}".strip())
        if finding in failing:
            failure = ET.SubElement(
                case, "failure", message=_safe(finding.message), type=finding.rule
            )
            failure.text = body
        else:
            ET.SubElement(case, "system-out").text = body


def _safe(text: str) -> str:
    return _NOT_XML.sub("\ufffd", clean(text))
