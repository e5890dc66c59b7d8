"""Every report as GitHub-flavoured Markdown, as a job summary shows it.

A plan, an examination, evidence and a fleet have a form of their own, the others are a block of
text.
"""

from qflow_gitops.render import (
    markdown_checks,
    markdown_evidence,
    markdown_fleet,
    markdown_plans,
    text,
)
from qflow_gitops.render.markdown_blocks import Part, Piece, block, fit
from qflow_gitops.render.markdown_plans import SUMMARY_LIMIT
from qflow_gitops.results.checks import Examination
from qflow_gitops.results.evidence import Evidence
from qflow_gitops.results.fleets import FleetTold
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report


def render(report: Report) -> str:
    """Return the report, with what stopped the command."""
    if isinstance(report.body, Planned):
        return markdown_plans.plan(report.body, report)
    lines = text.error_lines(report.error) if report.error else []
    pieces: list[Piece] = [*([block("\n".join(lines)), "\n"] if lines else []), ""]
    if isinstance(report.body, Examination):
        return fit([*pieces, markdown_checks.examination(report.body)], [], SUMMARY_LIMIT)
    if isinstance(report.body, Evidence):
        return fit([*pieces, markdown_evidence.evidence(report.body)], [], SUMMARY_LIMIT)
    if isinstance(report.body, FleetTold):
        return fit([*pieces, markdown_fleet.fleet(report.body)], [], SUMMARY_LIMIT)
    part = _text_part(text.render(report))
    return fit([*pieces, part], [(part, 1)], SUMMARY_LIMIT)


def _text_part(words: str) -> Part:
    """A fenced block of which lines can be left out."""
    opening, *lines, closing = block(words).splitlines(keepends=True)
    return Part(lines, opening, closing, "… and {} more lines.\n")
