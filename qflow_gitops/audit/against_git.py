"""The lockfile against git and the policy: what attempts say, and what the clone has."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from qflow_gitops.lockfile.attempt import AttemptKey
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.git import Repository
from qflow_gitops.results.evidence import AttemptEvidence, DifferenceTold, Kind, RunEvidence

_NOT_SENT = frozenset({State.BASELINED, State.UNSENT})


def differences(
    git: Repository, runs: Iterable[RunEvidence], other: Collection[AttemptKey]
) -> Iterator[DifferenceTold]:
    """Find each attempt whose file or commit isn't what the clone holds, or that nobody approved.

    `other` are those whose file, as it was, doesn't ask for what their digest says. What a
    shallow or partial clone lacks differs in nothing: `limits` says so.
    """
    attempts = [attempt for run in runs for attempt in run.attempts]
    there = git.blobs_of(_places(attempts))
    whole = not git.is_shallow()
    for one in attempts:
        if (why := _unlike(one, there, other, whole=whole)) and one.commit:
            yield DifferenceTold.about(Kind.NOT_IN_GIT, one, why)
        if one.state not in _NOT_SENT and one.lacks_approvals:
            yield DifferenceTold.about(Kind.UNAPPROVED, one, _unapproved(one))


def limits(git: Repository, runs: Iterable[RunEvidence]) -> Iterator[str]:
    """Say what a shallow or partial clone doesn't have of attempts, and what gets it."""
    attempts = [attempt for run in runs for attempt in run.attempts]
    lost = sum(one.commit is not None and not one.commit.at for one in attempts)
    if lost and git.is_shallow():
        yield (
            f"This clone is a shallow one and lacks the commits of {_attempts(lost)}: "
            "`git fetch --unshallow` gets them."
        )
    lost = sum(one.request is None and bool(one.facts.get("blob")) for one in attempts)
    if lost and git.is_partial:
        yield (
            f"This clone was made with --filter and lacks the files of {_attempts(lost)}: "
            "`git fetch --refetch --no-filter` gets them."
        )
    unknown = sum(one.approvals_needed is None and one.request is not None for one in attempts)
    if unknown:
        yield f"What the policy asked for isn't known of {_attempts(unknown)}."


def _attempts(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number:,} attempts"


def _places(attempts: Sequence[AttemptEvidence]) -> Iterator[tuple[str, str]]:
    for one in attempts:
        if one.commit and one.file:
            yield one.commit.id, one.file


def _unlike(
    one: AttemptEvidence,
    there: Mapping[tuple[str, str], str],
    other: Collection[AttemptKey],
    *,
    whole: bool,
) -> str:
    if one.commit is None:
        return ""
    commit = one.commit.id[:10]
    if not one.commit.at:
        return f"its commit {commit} isn't in this clone, which has all history" if whole else ""
    blob, recorded = there.get((one.commit.id, one.file)), one.facts.get("blob")
    if recorded and blob == "":
        return f"commit {commit} has no {one.file}"
    if recorded and blob and blob != recorded:
        return f"{one.file} at commit {commit} isn't what the lockfile says that it was"
    if (*one.key, one.number) in other:
        return f"{one.file}, as it was, asks for something else than the recorded digest says"
    return ""


def _unapproved(one: AttemptEvidence) -> str:
    given = len({each.login for each in one.approvals})
    asked = f"{one.approvals_needed} approval{'' if one.approvals_needed == 1 else 's'}"
    return f"the policy asked for {asked}, and {given or 'none'} is recorded"
