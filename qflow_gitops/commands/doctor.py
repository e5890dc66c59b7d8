"""What works here and what doesn't."""

from collections.abc import Iterable

from qflow_gitops.doctor.checklist import Part, examine
from qflow_gitops.results.checks import Examination, examined
from qflow_gitops.results.report import Report


def doctor(parts: Iterable[Part]) -> Report:
    """Look at each part, in order, and say what was found; nothing is changed."""
    return examined(Examination(tuple(examine(parts))))
