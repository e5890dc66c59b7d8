"""What can be told of a run without all of its attempts, and of all runs of an environment."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol, TypeVar

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import SETTLED, State

Each = TypeVar("Each")


class RunSummary(NamedTuple):
    """What a plan has to know of every run: of most of them, that is all.

    `file` is that of the last attempt, "" where there is none; `states` are those of all
    attempts, `sent` the digests that are spent, `platforms` those of all attempts, "" for one
    without. `executions` has an id in lower case and its attempt's number, for each that has
    one; `attempts` counts them all.
    """

    file: str = ""
    states: frozenset[State] = frozenset()
    sent: tuple[str, ...] = ()
    platforms: frozenset[str] = frozenset()
    executions: tuple[tuple[str, int], ...] = ()
    attempts: int = 0

    @property
    def settled(self) -> bool:
        """Whether all of its attempts are."""
        return self.states <= SETTLED

    def followed_by(self, later: "RunSummary") -> "RunSummary":
        """Return the summary of these attempts and, after them, of those of another one."""
        return RunSummary(
            later.file,
            self.states | later.states,
            self.sent + later.sent,
            self.platforms | later.platforms,
            self.executions + later.executions,
            self.attempts + later.attempts,
        )


def glance(attempts: Sequence[Attempt]) -> RunSummary:
    """Look at a run's attempts."""
    return RunSummary(
        attempts[-1].fact("file") if attempts else "",
        _once(frozenset(attempt.state for attempt in attempts)),
        tuple(attempt.digest for attempt in attempts if attempt.counted),
        _once(frozenset(attempt.fact("platform") for attempt in attempts)),
        tuple(
            (attempt.execution_id.lower(), attempt.number)
            for attempt in attempts
            if attempt.execution_id
        ),
        len(attempts),
    )


@lru_cache(maxsize=256)
def _once(some: frozenset[Each]) -> frozenset[Each]:
    """Return a set that is in memory once: of thousands of runs nearly all have the same."""
    return some


class EnvironmentSummary(Protocol):
    """What can be asked about the runs of an environment without reading their attempts."""

    @property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""

    @property
    def summaries(self) -> Mapping[str, RunSummary]:
        """Each run's own."""

    def glance(self, run: str) -> RunSummary | None:
        """Look at a run, None for one that isn't recorded."""

    def unsettled(self) -> Mapping[str, str]:
        """Return the file of each run that isn't settled."""

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""

    def in_states(self, states: Collection[State]) -> Sequence[str]:
        """Name the runs of which an attempt is in one of these states, sorted."""

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""


class FullSummary:
    """Implements `EnvironmentSummary` by the summaries of all runs."""

    def __init__(self, summaries: Mapping[str, RunSummary]) -> None:
        """Take what is known of each run."""
        self.summaries = summaries

    @cached_property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""
        return frozenset().union(*{summary.platforms for summary in self.summaries.values()})

    def glance(self, run: str) -> RunSummary | None:
        """Look at a run, None for one that isn't recorded."""
        return self.summaries.get(run)

    def unsettled(self) -> Mapping[str, str]:
        """Return the file of each run that isn't settled."""
        return self._unsettled

    @cached_property
    def _unsettled(self) -> Mapping[str, str]:
        return {run: each.file for run, each in self.summaries.items() if not each.settled}

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""
        return [run for run, summary in self.summaries.items() if summary.file in files]

    def in_states(self, states: Collection[State]) -> Sequence[str]:
        """Name the runs of which an attempt is in one of these states, sorted."""
        wanted = frozenset(states)
        found = (run for run, each in self.summaries.items() if not wanted.isdisjoint(each.states))
        return sorted(found)

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""
        return self._senders.get(digest, ())

    @cached_property
    def _senders(self) -> Mapping[str, Sequence[str]]:
        senders: dict[str, list[str]] = {}
        for run, summary in self.summaries.items():
            for digest in dict.fromkeys(summary.sent):
                senders.setdefault(digest, []).append(run)
        return senders
