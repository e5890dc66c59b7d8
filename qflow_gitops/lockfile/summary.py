"""What a plan and `status` need of a run without all of its attempts."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import SETTLED


class RunSummary(NamedTuple):
    """What a plan has to know of every run: of most of them, that is all.

    `file` is that of the last attempt, `settled` whether all attempts are, `sent` the digests
    that are spent.
    """

    file: str
    settled: bool
    sent: tuple[str, ...]


def glance(attempts: tuple[Attempt, ...]) -> RunSummary:
    """Look at a run's attempts."""
    return RunSummary(
        attempts[-1].fact("file"),
        all(attempt.state in SETTLED for attempt in attempts),
        tuple(attempt.digest for attempt in attempts if attempt.counted),
    )


class EnvironmentSummary(Protocol):
    """What can be asked about the runs of an environment without reading their attempts."""

    @property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""

    def glance(self, run: str) -> RunSummary | None:
        """Look at a run, None for one that isn't recorded."""

    def unsettled(self) -> Mapping[str, str]:
        """Return the file of each run that isn't settled."""

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""


class FullSummary:
    """Implements `EnvironmentSummary` of runs whose attempts have been read."""

    def __init__(self, runs: Mapping[str, tuple[Attempt, ...]]) -> None:
        """Look at every run."""
        self._runs = runs
        self._glances = {run: glance(attempts) for run, attempts in runs.items()}

    @cached_property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""
        return frozenset(
            attempt.fact("platform") for some in self._runs.values() for attempt in some
        )

    def glance(self, run: str) -> RunSummary | None:
        """Look at a run, None for one that isn't recorded."""
        return self._glances.get(run)

    def unsettled(self) -> Mapping[str, str]:
        """Return the file of each run that isn't settled."""
        return {run: summary.file for run, summary in self._glances.items() if not summary.settled}

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""
        return [run for run, summary in self._glances.items() if summary.file in files]

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""
        return list(self._senders.get(digest, ()))

    @cached_property
    def _senders(self) -> Mapping[str, Sequence[str]]:
        senders: dict[str, list[str]] = {}
        for run, summary in self._glances.items():
            for digest in dict.fromkeys(summary.sent):
                senders.setdefault(digest, []).append(run)
        return senders
