"""The summaries of many runs as columns: where ten are asked about, ten values are made.

Pure. As data they are lists of texts and numbers, which JSON gives back at once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from qflow_gitops.lockfile.states import SETTLED, State
from qflow_gitops.lockfile.summary import RunSummary


class _Shape(NamedTuple):
    """What many runs have in common."""

    states: frozenset[State]
    platforms: frozenset[str]
    attempts: int


class ColumnSummary(Mapping[str, RunSummary]):
    """Implements `EnvironmentSummary`; is itself the mapping of all summaries, made when asked for.

    A run's digests stand in one text, spaces between; likewise its executions, each before the
    number of its attempt.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Take what `to_data` made. Raises ValueError, TypeError or LookupError for another."""
        self._shapes = [
            _Shape(frozenset(map(State, states)), frozenset(platforms), attempts)
            for states, platforms, attempts in data["shapes"]
        ]
        self._shape: Sequence[int] = data["shape"]
        self._files: Sequence[str] = data["files"]
        self._sent: Sequence[str] = data["sent"]
        self._executions: Sequence[str] = data["executions"]
        self._rows = {run: row for row, run in enumerate(data["runs"])}
        columns = (self._shape, self._files, self._sent, self._executions)
        if any(len(column) != len(self._rows) for column in columns):
            raise ValueError("columns of different lengths")
        if not {*self._shape} <= {*range(len(self._shapes))}:
            raise ValueError("a shape that isn't there")

    def __getitem__(self, run: str) -> RunSummary:
        row = self._rows[run]
        states, platforms, attempts = self._shapes[self._shape[row]]
        words = iter(self._executions[row].split())
        return RunSummary(
            self._files[row],
            states,
            tuple(self._sent[row].split()),
            platforms,
            tuple((execution, int(number)) for execution, number in zip(words, words, strict=True)),
            attempts,
        )

    def __contains__(self, run: object) -> bool:
        return run in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def summaries(self) -> Mapping[str, RunSummary]:
        """Each run's own."""
        return self

    @property
    def platforms(self) -> frozenset[str]:
        """The platforms of all attempts, "" for one without."""
        return frozenset().union(*(shape.platforms for shape in self._shapes))

    def glance(self, run: str) -> RunSummary | None:
        """Look at a run, None for one that isn't recorded."""
        return self.get(run)

    def unsettled(self) -> Mapping[str, str]:
        """Return the file of each run that isn't settled."""
        return self._unsettled

    @cached_property
    def _unsettled(self) -> Mapping[str, str]:
        among = self._among(lambda shape: not shape.states <= SETTLED)
        return {run: self._files[self._rows[run]] for run in among}

    def of_files(self, files: frozenset[str]) -> Sequence[str]:
        """Name the runs of which the last attempt came from one of these files."""
        return [run for run, file in zip(self._rows, self._files, strict=True) if file in files]

    def in_states(self, states: Collection[State]) -> Sequence[str]:
        """Name the runs of which an attempt is in one of these states, sorted."""
        wanted = frozenset(states)
        return sorted(self._among(lambda shape: not wanted.isdisjoint(shape.states)))

    def senders(self, digest: str) -> Sequence[str]:
        """Name the runs by which a digest is spent."""
        return self._senders.get(digest, ())

    @cached_property
    def _senders(self) -> Mapping[str, Sequence[str]]:
        senders: dict[str, list[str]] = {}
        for run, sent in zip(self._rows, self._sent, strict=True):
            for digest in dict.fromkeys(sent.split()) if " " in sent else (sent,) if sent else ():
                senders.setdefault(digest, []).append(run)
        return senders

    def _among(self, which: Callable[[_Shape], bool]) -> Iterator[str]:
        found = {number for number, shape in enumerate(self._shapes) if which(shape)}
        if not found:
            return iter(())
        return (run for run, shape in zip(self._rows, self._shape, strict=True) if shape in found)


def to_data(summaries: Mapping[str, RunSummary]) -> dict[str, Any]:
    """Return the summaries of runs as JSON data. Raises ValueError for what has no such form."""
    shapes: dict[_Shape, int] = {}
    for each in summaries.values():
        shape = _Shape(each.states, each.platforms, each.attempts)
        shapes.setdefault(shape, len(shapes))
    every = summaries.values()
    return {
        "runs": list(summaries),
        "files": [each.file for each in every],
        "sent": [_words(each.sent) for each in every],
        "executions": [
            _words(word for pair in each.executions for word in (pair[0], str(pair[1])))
            for each in every
        ],
        "shape": [shapes[_Shape(each.states, each.platforms, each.attempts)] for each in every],
        "shapes": [
            [sorted(states), sorted(platforms), attempts] for states, platforms, attempts in shapes
        ],
    }


def _words(words: Iterable[str]) -> str:
    found = list(words)
    text = " ".join(found)
    if text.split() != found:
        raise ValueError("a word that can't be told apart again")
    return text
