"""The words and signs of the report's pages."""

from qflow_gitops.results.evidence import Kind, Outcome

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


def moment(at: str) -> str:
    """Return a time as people read it, `2026-10-03 14:05:33`; all of them are in UTC."""
    return at.replace("T", " ").removesuffix("Z")
