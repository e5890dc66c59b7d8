"""What stands at the top of the report: counts, doubts and how each was settled, releases."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from qflow_gitops.results.approved import Approved
from qflow_gitops.results.evidence import (
    AttemptEvidence,
    DoubtTold,
    Evidence,
    Outcome,
    ReleaseTold,
)

MOST = 500
"""Rows of a list at the top: all of them are in the table, and at each attempt."""
MOST_NAMES = 10
"""Attempts that a sentence names."""


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
    first, then the newest. `lacking` are the newest of those that lack approvals. `differing` are
    the attempts of differences by their run and number, `empty` the classes of the table's columns
    that hold nothing.
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
    approved: Approved
    lacking: tuple[AttemptEvidence, ...]
    differing: Mapping[tuple[str, str, int | None], AttemptEvidence]
    empty: str


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
    approved = Approved.of(every)
    lacking = sorted(approved.lacking, key=lambda one: one.opened_at, reverse=True)
    return Summary(
        attempts=len(every), runs=sum(bool(run.attempts) for run in evidence.runs),
        outcomes=tuple(one for one in Outcome if totals[one]), counts=counts, totals=totals,
        doubts=tuple(doubts[:MOST]), doubts_in_all=len(doubts),
        open_doubts=sum(not each.doubt.settled for each in doubts),
        releases=tuple(releases[:MOST]), releases_in_all=len(releases),
        first=opened[0] if opened else "", last=opened[-1] if opened else "",
        approved=approved, lacking=tuple(lacking[:MOST_NAMES]),
        differing=_differing(evidence, every), empty=_empty(every),
    )  # fmt: skip


def _differing(
    evidence: Evidence, every: Iterable[AttemptEvidence]
) -> dict[tuple[str, str, int | None], AttemptEvidence]:
    wanted = {(each.environment, each.run, each.number) for each in evidence.compared.differences}
    return {(*one.key, one.number): one for one in every if (*one.key, one.number) in wanted}


def _empty(every: Sequence[AttemptEvidence]) -> str:
    """Name the columns to leave out: those that are empty in each row."""
    filled = {
        "ticket": any(one.ticket for one in every),
        "release": any(one.releases for one in every),
        "execution": any(one.execution_id for one in every),
    }
    return " ".join(f"no-{name}" for name, is_filled in filled.items() if not is_filled)
