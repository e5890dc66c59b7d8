"""Which command, and which page, explains the rules and the reasons that a report names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.results.report import Report

_SAYS_NO_MORE = frozenset({"usage", "bug"})
"""Reasons of which the message says all that there is."""
MOST = 5
"""So many words are named: who has typed one of them knows the command."""


def explained(report: Report) -> Iterator[str]:
    """Say by which command its words are explained, each once; nothing where there is none."""
    rules = {finding.rule: "" for finding in report.diagnostics}
    words = [*rules, *dict.fromkeys(_reasons(report))][:MOST]
    if not words:
        return
    from qflow_gitops.base.site import reason_page, rule_page

    yield f"Explained: `qflow-gitops rules {' '.join(words)}`"
    pages = (rule_page(word) if word in rules else reason_page(word) for word in words)
    yield from (f"  {page}" for page in pages if page)


def _reasons(report: Report) -> Iterator[str]:
    """Give those of the error, where it isn't that there are findings, and of what is held."""
    if report.error and not report.diagnostics:
        told = (report.error, *report.error.also)
        yield from (error.reason for error in told if error.reason not in _SAYS_NO_MORE)
    for change in _decisions(report.body):
        if change.action == "hold":
            yield change.reason.value


def _decisions(body: Any) -> tuple[Any, ...]:
    """Give what a plan, or an apply's plan, decided."""
    match type(body).__name__:
        case "Planned":
            return tuple(body.plan.changes)
        case "Applied":
            return (*body.planned.plan.changes, *body.not_started)
    return ()
