"""Findings as annotations of GitHub Actions.

A step may show 10 errors and 10 warnings; so errors come first, every file gets its turn,
and a notice counts the rest.
"""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from qflow_gitops.findings.finding import Diagnostic, Severity
from qflow_gitops.render.escape import clean, count
from qflow_gitops.results.report import Report

LIMIT = 10
"""Annotations of one level that GitHub shows of one step; of a job it shows 50 (docs.github.com,
"Troubleshooting workflow annotations", and github.com/orgs/community/discussions/26680)."""


def render(report: Report) -> str:
    """Return a workflow command a line."""
    lines = []
    room = LIMIT
    if report.error:
        lines.append(_command("error", {"title": "qflow-gitops"}, report.error.message))
        room -= 1
    errors = [finding for finding in report.diagnostics if finding.severity is Severity.ERROR]
    warnings = [finding for finding in report.diagnostics if finding.severity is Severity.WARNING]
    shown = [*list(_in_turn(errors))[:room], *list(_in_turn(warnings))[:LIMIT]]
    lines += [_annotation(finding) for finding in shown]
    left = len(report.diagnostics) - len(shown)
    if left:
        said = f"{count(left, 'finding')} more than GitHub shows; all are in the step's log."
        lines.append(_command("notice", {"title": "qflow-gitops"}, said))
    return "".join(line + "\n" for line in lines)


def _in_turn(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Return the first of each file, then the second of each, and so on."""
    by_file: dict[str, list[Diagnostic]] = {}
    for finding in found:
        by_file.setdefault(finding.file, []).append(finding)
    for turn in zip_longest(*by_file.values()):
        yield from (finding for finding in turn if finding is not None)


def _annotation(finding: Diagnostic) -> str:
    start, end = finding.range.start, finding.range.end
    properties = {"file": finding.file, "line": str(start.line), "col": str(start.column)}
    if end > start:
        properties |= {"endLine": str(end.line), "endColumn": str(end.column)}
    message = (
        f"{clean(finding.message)}\n{clean(finding.hint)}"
        if finding.hint
        else clean(finding.message)
    )
    return _command(finding.severity.value, properties | {"title": finding.rule}, message)


def _command(name: str, properties: dict[str, str], message: str) -> str:
    pairs = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {pairs}::{_data(message)}"


def _data(text: str) -> str:
    """Escape as the runner's own toolkit does; each line of the text is clean already."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
