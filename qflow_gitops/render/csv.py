"""The evidence as CSV: a row for each attempt, which a spreadsheet opens and runs nothing of.

RFC 4180, in UTF-8 with the mark by which Excel knows that. A cell that a spreadsheet could take
for a formula begins with an apostrophe (OWASP, "CSV Injection"), and so does what follows a
semicolon within one: where lists are separated by those, a spreadsheet takes a row apart there,
quoted or not. Numbers and times are as they are.
"""

import io
import re
from collections.abc import Iterator
from csv import writer
from typing import NamedTuple

from qflow_gitops.render.escape import clean
from qflow_gitops.render.steps import in_a_line
from qflow_gitops.results.evidence import AttemptEvidence, Evidence
from qflow_gitops.results.report import Report

MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula may begin with in Excel, LibreOffice or Sheets; the last four are full-width."""
_BEHIND_SEMICOLON = re.compile(rf';(?=[\s"]*[{re.escape("".join(_FORMULA))}])')
_LONGEST = 32_000
"""Characters of a cell; Excel takes 32,767 and cuts the rest without a word."""


class _Row(NamedTuple):
    """The columns, in their order."""

    environment: str
    run: str
    attempt: str
    outcome: str
    state: str
    opened_utc: str
    ended_utc: str
    execution: str
    qualys_says: str
    failed_at: str
    sent_by: str
    asked_by: str
    commit: str
    committed_utc: str
    subject: str
    file: str
    workflow: str
    platform: str
    pull_request: str
    merged_by: str
    approved_by: str
    released: str
    doubts: str
    ticket: str
    annotations: str
    differences: str
    unknown: str
    ci_run: str
    tool: str
    digest: str
    plan_digest: str


def render(report: Report) -> str:
    """Return the table; of a report without evidence its columns' names alone."""
    out = io.StringIO(newline="")
    rows = writer(out)  # commas, CRLF, quotes doubled: RFC 4180
    rows.writerow(_Row._fields)
    if isinstance(report.body, Evidence):
        rows.writerows(tuple(map(cell, row)) for row in _rows(report.body))
    return MARK + out.getvalue()


def cell(text: str) -> str:
    """Return a text on one line that no spreadsheet takes for a formula."""
    safe = _BEHIND_SEMICOLON.sub(";'", clean(text))
    safe = safe if len(safe) <= _LONGEST else safe[: _LONGEST - 1] + "…"
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA) else safe


def _rows(body: Evidence) -> Iterator[_Row]:
    differences: dict[tuple[str, str, int | None], list[str]] = {}
    for each in body.compared.differences:
        place = (each.environment, each.run, each.number)
        differences.setdefault(place, []).append(each.kind.value)
    for run in body.runs:
        for attempt in run.attempts:
            kinds = differences.get((*attempt.key, attempt.number), [])
            yield _row(attempt, ", ".join(kinds))


def _row(told: AttemptEvidence, differences: str) -> _Row:
    commit = told.commit
    return _Row(
        environment=told.key[0],
        run=told.key[1],
        attempt=str(told.number),
        outcome=told.outcome.value,
        state=told.state.value,
        opened_utc=_time(told.opened_at),
        ended_utc=_time(told.ended_at),
        execution=told.execution_id,
        qualys_says=told.status,
        failed_at=in_a_line(told.culprit) if told.culprit else "",
        sent_by=told.actor,
        asked_by=commit.author if commit else "",
        commit=commit.id if commit else "",
        committed_utc=_time(commit.at) if commit else "",
        subject=commit.subject if commit else "",
        file=told.file,
        workflow=told.workflow_id,
        platform=told.platform,
        pull_request=str(told.pull_request or ""),
        merged_by=told.merged_by,
        approved_by="; ".join(one.login for one in told.approvals),
        released="; ".join(_released(told)),
        doubts="; ".join(_doubts(told)),
        ticket=told.ticket,
        annotations="; ".join(f"{name}: {words}" for name, words in told.annotations.items()),
        differences=differences,
        unknown=" ".join(told.unknown),
        ci_run=told.ci_run,
        tool=told.tool,
        digest=told.digest,
        plan_digest=told.plan_digest,
    )


def _released(told: AttemptEvidence) -> Iterator[str]:
    for one in told.releases:
        by = f" by {one.by}" if one.by else ""
        yield f"{one.hold}{by}{f': {one.reason}' if one.reason else ''}"


def _doubts(told: AttemptEvidence) -> Iterator[str]:
    for one in told.doubts:
        end = f"{one.settled} at {one.at}" if one.settled else "still open"
        yield f"since {one.since}, {end}{f' by {one.by}' if one.by else ''}"


def _time(at: str) -> str:
    """Write a time as spreadsheets of every language read one; anything else as it is."""
    whole = len(at) == len("2026-10-06T12:00:00Z") and at[10] == "T" and at[-1] == "Z"
    return f"{at[:10]} {at[11:-1]}" if whole else at
