"""The words and signs of the report's pages."""

import re
from datetime import date

from qflow_gitops.results.evidence import Evidence, Kind, Outcome

MARKS = {
    Outcome.SUCCEEDED: "ok",
    Outcome.FAILED: "bad",
    Outcome.UNEXPLAINED: "odd",
    Outcome.RUNNING: "on",
    Outcome.IN_DOUBT: "doubt",
    Outcome.ASSUMED: "held",
    Outcome.NOT_RUN: "none",
    Outcome.DECLARED: "said",
}
"""The class that an outcome has in the style sheet."""
SIGNS = {
    Outcome.SUCCEEDED: "✓",
    Outcome.FAILED: "✗",
    Outcome.UNEXPLAINED: "!",
    Outcome.RUNNING: "…",
    Outcome.IN_DOUBT: "?",
    Outcome.ASSUMED: "≈",
    Outcome.NOT_RUN: "-",
    Outcome.DECLARED: "=",
}
"""What stands before an outcome's words, so that colour never tells it alone."""
TITLES = {one: one.value.capitalize() for one in Outcome}
KINDS = {
    Kind.NEVER_SENT: "Never sent",
    Kind.FOREIGN: "Started elsewhere",
    Kind.NOT_SHOWN: "Not shown by Qualys",
    Kind.OTHER_STATE: "Another end in Qualys",
    Kind.OTHER_REQUEST: "Another request in Qualys",
    Kind.NOT_IN_GIT: "Not in git",
    Kind.UNAPPROVED: "Not approved",
}


_A_PATH = re.compile(r"/|\\|[A-Za-z]:")
_MIDNIGHT = "T00:00:00Z"


def named(evidence: Evidence) -> str:
    """Return what the report is about: the repository and the project's folder in it.

    Of a repository that is a folder itself only its name: where that is says nothing to a reader.
    """
    repository = evidence.repository
    if _A_PATH.match(repository):
        repository = re.split(r"[/\\]", repository.rstrip("/\\"))[-1]
    return ", ".join(filter(None, (repository or "this repository", evidence.project)))


def spanned(evidence: Evidence) -> str:
    """Say which time the report is about: `October 2026`, or from when to when."""
    since, until = evidence.since, evidence.until
    if month := _month(since, until):
        return month
    first, last = (moment(at.removesuffix(_MIDNIGHT)) for at in (since, until))
    if since and until:
        return f"{first} to {last}"
    if since or until:
        return f"since {first}" if since else f"before {last}"
    return "all that is recorded"


def _month(since: str, until: str) -> str:
    """Name the month that a span is, "" for another one."""
    ends = [at.removesuffix(_MIDNIGHT) for at in (since, until)]
    if not all(re.fullmatch(r"\d{4}-\d\d-01", each) for each in ends):
        return ""
    first, last = map(date.fromisoformat, ends)
    is_one = (last.year - first.year) * 12 + last.month - first.month == 1
    return f"{first:%B %Y}" if is_one else ""


def moment(at: str) -> str:
    """Return a time as people read it, `2026-10-03 14:05:33`; all of them are in UTC."""
    return at.replace("T", " ").removesuffix("Z")
