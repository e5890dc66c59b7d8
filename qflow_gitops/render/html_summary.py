"""What stands at the top of the report: counts, doubts and how each was settled, releases."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from qflow_gitops.results.evidence import (
    AttemptEvidence,
    DoubtTold,
    Evidence,
    Outcome,
    ReleaseTold,
)

MOST = 500
"""Rows of a list at the top: all of them are in the table, and at each attempt."""


class Doubtful(NamedTuple):
    """A doubt, and whose it was."""

    attempt: AttemptEvidence
    doubt: DoubtTold


class Released(NamedTuple):
    """A hold that a person released, and for what."""

    attempt: AttemptEvidence
    release: ReleaseTold


class Summary(NamedTuple):
    """Counts, and the first of each list with how many there are in all.

    `counts` are by environment, then by outcome; `outcomes` those that occur. Open doubts come
    first, then the newest.
    """

    attempts: int
    runs: int
    outcomes: tuple[Outcome, ...]
    counts: Mapping[str, Mapping[Outcome, int]]
    totals: Mapping[Outcome, int]
    doubts: tuple[Doubtful, ...]
    doubts_in_all: int
    open_doubts: int
    releases: tuple[Released, ...]
    releases_in_all: int
    first: str
    last: str


def summarised(evidence: Evidence) -> Summary:
    """Count attempts, and collect what people decided."""
    every = [one for run in evidence.runs for one in run.attempts]
    counts: dict[str, Counter[Outcome]] = {name: Counter() for name in evidence.environments}
    for one in every:
        counts.setdefault(one.key[0], Counter())[one.outcome] += 1
    totals = sum(counts.values(), Counter[Outcome]())
    doubts = [Doubtful(one, each) for one in every for each in one.doubts]
    doubts.sort(key=lambda each: each.doubt.since, reverse=True)
    doubts.sort(key=lambda each: bool(each.doubt.settled))
    releases = [Released(one, each) for one in every for each in one.releases]
    releases.sort(key=lambda each: each.release.at or each.attempt.opened_at, reverse=True)
    opened = sorted(one.opened_at for one in every if one.opened_at)
    return Summary(
        attempts=len(every), runs=sum(bool(run.attempts) for run in evidence.runs),
        outcomes=tuple(one for one in Outcome if totals[one]), counts=counts, totals=totals,
        doubts=tuple(doubts[:MOST]), doubts_in_all=len(doubts),
        open_doubts=sum(not each.doubt.settled for each in doubts),
        releases=tuple(releases[:MOST]), releases_in_all=len(releases),
        first=opened[0] if opened else "", last=opened[-1] if opened else "",
    )  # fmt: skip
