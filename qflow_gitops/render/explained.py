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
    from qflow_gitops.base.site import difference_page, reason_page, rule_page
    from qflow_gitops.results.words_of_differences import DIFFERENCES

    yield f"Explained: `qflow-gitops rules {' '.join(words)}`"
    for word in words:
        of = difference_page if word in DIFFERENCES else rule_page if word in rules else reason_page
        if page := of(word):
            yield f"  {page}"


def _of_evidence(body: Any) -> Iterator[str]:
    """Give the kinds of a report's differences, and the holds that somebody released."""
    from qflow_gitops.results.known_words import REASONS

    yield from (found.kind.value for found in body.compared.differences)
    attempts = (attempt for run in body.runs for attempt in run.attempts)
    holds = (one.hold.partition(":")[0] for attempt in attempts for one in attempt.releases)
    yield from (hold for hold in holds if hold in REASONS)


def _reasons(report: Report) -> Iterator[str]:
    """Give those of the error, where it isn't that there are findings, and of what is held."""
    if report.error and not report.diagnostics:
        told = (report.error, *report.error.also)
        yield from (error.reason for error in told if error.reason not in _SAYS_NO_MORE)
    if type(report.body).__name__ == "Evidence":
        yield from _of_evidence(report.body)
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
