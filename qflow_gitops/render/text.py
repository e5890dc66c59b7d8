"""Every report as plain lines for a person; counts first, then what needs a look.

The lines of each kind of result are in a file of their own, which is loaded for it.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

from qflow_gitops.findings.finding import Diagnostic, Severity
from qflow_gitops.render.escape import clean, count, underlined
from qflow_gitops.render.layout import Fixed, laid_out
from qflow_gitops.render.marks import Mark, Marked, hint, part
from qflow_gitops.results.report import Validated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qflow_gitops.errors import QflowError
    from qflow_gitops.render.layout import Line
    from qflow_gitops.results.report import Report

SHOWN_OF_A_FILE = 5
"""Findings of one file that fit on a screen; `-v` shows all."""

_LINES = {
    "RunHistory": ("textrecords", "history"),
    "Standstill": ("textrecords", "standstill"),
    "Resolved": ("textrecords", "resolved"),
    "Verified": ("textrecords", "verified"),
    "Anchored": ("textrecords", "anchored"),
    "Files": ("textfiles", "changed"),
    "Known": ("textfiles", "known"),
    "Draft": ("textfiles", "draft"),
    "Story": ("textstories", "story"),
    "Comments": ("textfiles", "comments"),
    "Executed": ("textsandbox", "executed"),
    "Evidence": ("textevidence", "report"),
    "Examination": ("textchecks", "examination"),
    "FleetReported": ("textfleet", "reported"),
    "Delivered": ("textnotices", "delivered"),
}
"""Which file's function gives the lines of a kind of result."""
_OF_RUNS = {
    "Planned": ("textplans", "planned"),
    "Applied": ("textapplies", "applied"),
    "Status": ("textrecords", "status"),
    "FleetTold": ("textfleet", "fleet"),
}
"""The same where the targets of a spec are told together, and with `-v` each by itself."""


def render(
    report: Report,
    *,
    verbose: bool = False,
    width: int = 0,
    paint: Callable[[str], str] = str,
) -> str:
    """Return the report's result; the error itself goes to stderr and is not in it.

    `width` is that of a terminal (0 for none), `paint` colours a line of it.
    """
    out = []
    for line in _lines(report, verbose=verbose, live=width > 0):
        out += [paint(part(shown, 0, len(shown.rstrip()))) for shown in laid_out(line, width)]
    return "".join(f"{line}\n" for line in out)


def _lines(report: Report, *, verbose: bool, live: bool) -> list[Line]:
    lines: list[Line] = [*_diagnostics(report.diagnostics, verbose=verbose)]
    kind = type(report.body).__name__
    if isinstance(report.body, Validated):
        lines += _validated(report.body, report)
    elif kind in _LINES:
        lines += _function(*_LINES[kind])(report.body)
    elif kind in _OF_RUNS:
        body: Any = report.body
        if kind == "Applied" and live and body.is_kept:
            body = replace(body, rescued_lines="")  # the log of a CI has them: its files are gone
        lines += _function(*_OF_RUNS[kind])(body, each=verbose)
    return lines


def _function(module: str, name: str) -> Callable[..., Iterator[Line]]:
    found: Callable[..., Iterator[Line]] = getattr(
        import_module(f"qflow_gitops.render.{module}"), name
    )
    return found


def error_lines(problem: QflowError) -> list[str]:
    """Say what happened, where, what was not done, and what to type next."""
    where_ = f"{clean(problem.where)}: " if problem.where else ""
    lines: list[str] = [Marked(Mark.FAILED("Error:"), f" {where_}{clean(problem.message)}")]
    if problem.not_done:
        lines.append(f"  {clean(problem.not_done)}")
    if problem.hint:
        lines.append(hint(clean(problem.hint)))
    for other in problem.also:
        lines += error_lines(other)
    return lines


# --- findings ------------------------------------------------------------------------


def _diagnostics(found: tuple[Diagnostic, ...], *, verbose: bool) -> Iterator[str]:
    """At most a screen for each file, unless all is asked for; errors before warnings."""
    for _, group in groupby(found, key=lambda finding: finding.file):
        in_file = list(group)
        shown = in_file
        if not verbose and len(in_file) > SHOWN_OF_A_FILE:
            first = sorted(in_file, key=lambda finding: finding.severity is not Severity.ERROR)
            chosen = set(first[:SHOWN_OF_A_FILE])
            shown = [finding for finding in in_file if finding in chosen]
        for finding in shown:
            yield from _finding(finding)
        if len(shown) < len(in_file):
            more, file = len(in_file) - len(shown), clean(in_file[0].file)
            yield Mark.QUIET(f"… {more:,} more in {file}; all: `qflow-gitops -v validate`")
    if found:
        yield ""


def _finding(finding: Diagnostic) -> Iterator[str]:
    start = finding.range.start
    severe = Mark.FAILED if finding.severity is Severity.ERROR else Mark.WARNING
    yield Marked(
        Mark.PLACE(f"{clean(finding.file)}:{start.line}:{start.column}: "),
        severe(finding.severity),
        f" [{finding.rule}] {clean(finding.message)}",
    )
    if finding.excerpt:
        line, marks = underlined(finding.excerpt)
        number = str(start.line)
        yield Fixed(f"  {number} | {line}")
        yield Fixed(f"  {' ' * len(number)} | ", severe(marks))
    if finding.hint:
        yield hint(clean(finding.hint))


def _validated(body: Validated, report: Report) -> Iterator[str]:
    errors = sum(finding.severity is Severity.ERROR for finding in report.diagnostics)
    warnings = len(report.diagnostics) - errors
    looked = f"{count(body.runs, 'valid run')} in {count(body.files, 'file')}"
    if body.members is not None:
        specs = f", {looked}" if body.files else ""
        looked = f"a fleet of {count(body.members, 'valid member')}{specs}"
    if errors or warnings:
        yield f"{count(errors, 'error')}, {count(warnings, 'warning')}; {looked}"
    else:
        yield f"No problem found: {looked}"
