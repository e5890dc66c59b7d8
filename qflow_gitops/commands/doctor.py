"""What works here and what doesn't."""

from collections.abc import Iterable

from qflow_gitops.doctor.checklist import Part, examine
from qflow_gitops.results.checks import Check, Examination, Examined, Fact, Verdict, examined
from qflow_gitops.results.report import Report


def doctor(parts: Iterable[Part]) -> Report:
    """Look at each part, in order, and say what was found; nothing is changed."""
    return examined(Examination(tuple(examine(parts))))


def observed(checks: Iterable[Check], facts: Iterable[Fact], platform: str, calls: int) -> Report:
    """Show facts for anybody to read: of the checks no more than the names of those that failed."""
    bad = [check.name for check in checks if check.verdict is Verdict.FAILED]
    found = f"{calls} calls{'; failed: ' if bad else ''}{', '.join(dict.fromkeys(bad))}"
    summary = Check(
        "looks",
        f"platform {platform}",
        Verdict.FAILED if bad else Verdict.OK,
        found,
        "What is wrong: `qflow-gitops doctor qualys`" if bad else "",
    )
    return examined(Examination((Examined("Qualys", (summary,)),), tuple(facts)))
