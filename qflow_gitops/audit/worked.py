"""Which commits applies worked on, and what counted as applied before each."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from qflow_gitops.audit.span import Span
from qflow_gitops.base.times import moment
from qflow_gitops.lockfile.audit import CLOCKS_DIFFER
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.worked import Worked


class WorkedOn(NamedTuple):
    """The commits that an environment was worked on, in their order, each once."""

    commits: tuple[str, ...]
    left: int
    """So many older ones aren't among them: they were too many."""


MOST = 1_000
"""So many commits of an environment are looked at; no older ones."""


def worked_on(
    steps: Iterable[Worked], lockfile: Lockfile, span: Span, environments: Sequence[str]
) -> Mapping[str, WorkedOn]:
    """Return the commits that environments were worked on in a span.

    By the versions of the lockfile and by attempts; and, where the span has no end, by how far an
    environment is now.
    """
    found: dict[str, dict[str, None]] = {name: {} for name in environments}
    dated = sorted((step for step in steps if step.at), key=lambda step: step.at)
    now = (Worked(name, one.latest, "") for name, one in lockfile.environments.items())
    for step in (*dated, *(() if span.until else now)):
        commits = found.get(step.environment)
        if commits is not None and step.latest and (not step.at or span.holds(step.at)):
            commits.pop(step.latest, None)  # the newest comes last, whatever came in between
            commits[step.latest] = None
    return {
        name: WorkedOn(tuple(commits)[-MOST:], max(0, len(commits) - MOST))
        for name, commits in found.items()
        if commits
    }


def out_of_order(steps: Iterable[Worked]) -> bool:
    """Whether a step says an earlier time than one before it, by more than clocks differ."""
    newest = ""
    for at in (step.at for step in steps if step.at):
        if at < newest and moment(newest) - moment(at) > CLOCKS_DIFFER:
            return True
        newest = max(newest, at)
    return False


class Bases:
    """Says through which commit an environment was applied at a time."""

    def __init__(self, steps: Iterable[Worked]) -> None:
        """Take the steps, oldest first."""
        self._through: dict[str, list[tuple[str, str]]] = {}
        for step in steps:
            if step.at:
                self._through.setdefault(step.environment, []).append((step.at, step.through))

    def before(self, environment: str, at: str) -> str:
        """Return that commit as it was before a time; "" where there was none, or nobody knows."""
        some = self._through.get(environment, [])
        place = bisect_left(some, (at, ""))
        return some[place - 1][1] if place else ""
