"""The runs of an environment, of a lockfile that isn't held in memory as a whole."""

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from functools import cached_property

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.columns import ColumnSummary
from qflow_gitops.lockfile.summary import EnvironmentSummary, FullSummary, RunSummary, glance

Attempts = tuple[Attempt, ...]
Read = Callable[[Sequence[str]], Iterable[tuple[str, Attempts]]]
"""Reads the attempts of the runs named, in their order."""


class LazyRuns(Mapping[str, Attempts]):
    """Each run's summary is at hand, its attempts are read when they are asked for.

    Whoever goes through all of them (`items`, `values`) reads all in one go and keeps none.
    Only `changed` attempts, and those asked for one by one, are kept.
    """

    def __init__(self, summaries: Mapping[str, RunSummary], read: Read) -> None:
        """Take the summary of each run that has attempts, and what reads these."""
        self.summaries = summaries
        self._read = read
        self._at_hand: dict[str, Attempts] = {}

    def changed(self, runs: Mapping[str, Attempts]) -> "LazyRuns":
        """Return these runs with the attempts of some in place of what they were."""
        new = LazyRuns(
            {**self.summaries, **{run: glance(some) for run, some in runs.items()}}, self._read
        )
        new._at_hand = {**self._at_hand, **runs}
        return new

    def followed_by(self, summaries: Mapping[str, RunSummary], read: Read) -> "LazyRuns":
        """Return these runs as they are later on: some others, or more; `read` reads them then."""
        new = LazyRuns({**self.summaries, **summaries}, read)
        new._at_hand = {run: some for run, some in self._at_hand.items() if run not in summaries}
        return new

    def bring(self, runs: Iterable[str]) -> None:
        """Read the attempts of some runs in one go, those that there are."""
        there, here = self.summaries, self._at_hand
        wanted = [run for run in dict.fromkeys(runs) if run in there and run not in here]
        if wanted:
            self._at_hand.update(self._read(wanted))

    def put(self, run: str, attempts: Attempts) -> None:
        """Have a run's attempts at hand, which were read along."""
        self._at_hand[run] = attempts

    @cached_property
    def overview(self) -> EnvironmentSummary:
        """What can be told of the runs at a glance."""
        if isinstance(self.summaries, ColumnSummary):
            return self.summaries
        return FullSummary(self.summaries)

    def __getitem__(self, run: str) -> Attempts:
        if run not in self._at_hand:
            if run not in self.summaries:
                raise KeyError(run)
            self.bring([run])
        return self._at_hand[run]

    def __contains__(self, run: object) -> bool:
        return run in self.summaries

    def __iter__(self) -> Iterator[str]:
        return iter(self.summaries)

    def __len__(self) -> int:
        return len(self.summaries)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return dict(self.items()) == dict(other.items()) if isinstance(other, Mapping) else False

    __hash__ = None  # type: ignore[assignment]  # as of any mapping

    def items(self) -> ItemsView[str, Attempts]:
        """Return all runs with their attempts, which are read along the way."""
        return _Items(self)

    def values(self) -> ValuesView[Attempts]:
        """Return the attempts of all runs, which are read along the way."""
        return _Values(self)

    def each_of(self, runs: Iterable[str]) -> Iterator[tuple[str, Attempts]]:
        """Go through some runs, all of them there, in this order."""
        names = list(runs)
        at_hand = dict(self._at_hand)  # as it is now: more may be asked for meanwhile
        others = iter(self._read([run for run in names if run not in at_hand]))
        for run in names:
            yield (run, at_hand[run]) if run in at_hand else next(others)


class _Items(ItemsView[str, Attempts]):
    _mapping: LazyRuns

    def __iter__(self) -> Iterator[tuple[str, Attempts]]:
        return self._mapping.each_of(self._mapping)


class _Values(ValuesView[Attempts]):
    _mapping: LazyRuns

    def __iter__(self) -> Iterator[Attempts]:
        return (attempts for _, attempts in self._mapping.each_of(self._mapping))


def with_changed(
    runs: Mapping[str, Attempts], changed: Mapping[str, Attempts]
) -> Mapping[str, Attempts]:
    """Return runs with the attempts of some in place of what they were."""
    return runs.changed(changed) if isinstance(runs, LazyRuns) else {**runs, **changed}


def put(runs: Mapping[str, Attempts], run: str, attempts: Attempts) -> None:
    """Have a run's attempts at hand, which were read along."""
    if isinstance(runs, LazyRuns) and attempts:
        runs.put(run, attempts)


def bring(runs: Mapping[str, Attempts], names: Iterable[str]) -> None:
    """Read the attempts of some runs in one go, where they aren't at hand."""
    if isinstance(runs, LazyRuns):
        runs.bring(names)


def each_of(runs: Mapping[str, Attempts], names: Iterable[str]) -> Iterator[tuple[str, Attempts]]:
    """Go through some runs in this order, those without attempts too: read in one go, not kept."""
    if not isinstance(runs, LazyRuns):
        yield from ((name, runs.get(name, ())) for name in names)
        return
    wanted = list(names)
    found = runs.each_of(name for name in wanted if name in runs)
    for name in wanted:
        yield next(found) if name in runs else (name, ())


def overview_of(runs: Mapping[str, Attempts]) -> EnvironmentSummary:
    """Look at all runs of an environment."""
    if isinstance(runs, LazyRuns):
        return runs.overview
    return FullSummary({run: glance(attempts) for run, attempts in runs.items()})
