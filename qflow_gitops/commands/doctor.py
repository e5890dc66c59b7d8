"""What works here and what doesn't."""

from collections.abc import Iterable, Sequence

from qflow_gitops.doctor.checklist import Part, examine
from qflow_gitops.results.checks import (
    Check,
    Examination,
    Examined,
    Fact,
    Verdict,
    examined,
    failed,
    ok,
    unknown,
)
from qflow_gitops.results.report import Report


def doctor(parts: Iterable[Part]) -> Report:
    """Look at each part, in order, and say what was found; nothing is changed."""
    return examined(Examination(tuple(examine(parts))))


def observed(checks: Sequence[Check], facts: Iterable[Fact], platform: str, calls: int) -> Report:
    """Show facts for anybody to read: of the checks no more than the names of those that failed."""
    bad = [check for check in checks if check.verdict is Verdict.FAILED]
    summary = ok("looks", f"platform {platform}", f"{calls} calls")
    without = [
        check
        for check in checks
        if check.name == "credentials" and check.verdict is Verdict.UNKNOWN
    ]
    if bad:
        names = ", ".join(dict.fromkeys(check.name for check in bad))
        found = f"{calls} calls; failed: {names}"
        way = "What is wrong: `qflow-gitops doctor qualys`"
        summary = failed("looks", summary.about, found, way)
    elif without:
        summary = unknown("looks", summary.about, "there are no credentials here", without[0].hint)
    return examined(Examination((Examined("Qualys", (summary,)),), tuple(facts)))
