"""What a doctor found, as JSON."""

from typing import Any

from qflow_gitops.results.checks import Examination, Verdict


def examination(body: Examination) -> dict[str, Any]:
    """Return the counts, each check, and the facts where they were asked for."""
    data: dict[str, Any] = {
        "counts": {verdict.value: body.count(verdict) for verdict in Verdict},
        "checks": [
            {
                "part": part.title,
                "name": check.name,
                "about": check.about,
                "result": check.verdict.value,
                "found": check.found,
                "hint": check.hint,
            }
            for part in body.parts
            for check in part.checks
        ],
    }
    if body.facts is not None:
        data["facts"] = [fact._asdict() for fact in body.facts]
    return data
