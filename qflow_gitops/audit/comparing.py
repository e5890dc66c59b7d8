"""Puts together what the sources differ in, without Qualys."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from qflow_gitops.audit import against_git
from qflow_gitops.audit.content import Gatherer
from qflow_gitops.audit.standing import Standing
from qflow_gitops.audit.worked import MOST, WorkedOn
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import QflowError
from qflow_gitops.results.evidence import Compared, RunEvidence


class Compare(NamedTuple):
    """What is compared: the runs told, and the commits that environments were worked on.

    `limits` say what of these isn't known.
    """

    runs: Sequence[RunEvidence]
    worked: Mapping[str, WorkedOn]
    wanted: Callable[[RunKey], bool]
    limits: tuple[str, ...] = ()


def compared(gatherer: Gatherer, given: Compare) -> Compared:
    """Find what the commits, the lockfile and the policy differ in."""
    git = gatherer.git
    found = [*against_git.differences(git, given.runs, gatherer.other)]
    limits, commits = [*given.limits], 0
    standing = Standing(git, gatherer.files, gatherer.projects, gatherer.lockfile)
    for environment, worked in sorted(given.worked.items()):
        here = git.all_seen(worked.commits)
        line = [commit for commit in worked.commits if commit in here]
        commits += len(line)
        try:
            never = [*standing.never_sent(environment, line)]
        except QflowError as problem:
            limits.append(
                f"What of {environment} was never sent isn't known, as what stood in its commits "
                f"can't be read: {problem.message.rstrip('.')}. {problem.hint}"
            )
            continue
        found += [each for each in never if given.wanted((each.environment, each.run))]
        if missing := len(worked.commits) - len(line):
            limits.append(
                f"{missing:,} of the commits that {environment} was worked on aren't in this "
                "clone: what stood there and was never sent isn't known."
            )
        if worked.left:
            limits.append(
                f"Of the commits that {environment} was worked on only the newest {MOST:,} were "
                f"looked at; {worked.left:,} are older."
            )
    limits += against_git.limits(git, given.runs)
    return Compared(tuple(found), commits, limits=tuple(limits))
