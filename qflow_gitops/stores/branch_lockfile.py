"""Puts the lockfile of a commit together out of what is known of its files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import AttemptKey
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.pieces import Piece, PieceSummary, Place
from qflow_gitops.lockfile.runs import Attempts, LazyRuns
from qflow_gitops.lockfile.summary import RunSummary
from qflow_gitops.stores.checks import NOTHING_DONE

Read = Callable[[Iterable[tuple[Place, str]]], Iterator[tuple[Place, str, Piece]]]
"""Reads files, given by their places and blobs, in their order."""


class Held(NamedTuple):
    """A file of the branch: its blob's id, and what is known of it."""

    blob: str
    piece: PieceSummary


@dataclass(frozen=True)
class Assembly:
    """Makes lockfiles whose attempts are read when they are asked for. Raises LockError."""

    where: str
    read: Read

    def whole(self, head: Lockfile, files: Mapping[Place, Held]) -> Lockfile:
        """Make the lockfile of a head and all files."""
        runs: dict[str, dict[str, RunSummary]] = {name: {} for name in head.environments}
        events: dict[str, dict[str, tuple[LedgerEvent, ...]]] = {name: {} for name in runs}
        for place, held in files.items():
            if place.part > 1:
                continue
            if held.piece.summary.attempts:
                runs[place.environment][place.run] = _summary(files, place.key)
            if held.piece.events:
                events[place.environment][place.run] = held.piece.events
        environments = {
            name: record._replace(runs=self._lazy(name, runs[name], files), events=events[name])
            for name, record in head.environments.items()
        }
        lockfile = replace(head, environments=environments)
        self._check_owners(lockfile, runs)
        return lockfile

    def _check_owners(
        self, lockfile: Lockfile, runs: Mapping[str, Mapping[str, RunSummary]]
    ) -> None:
        recorded = sum(len(each.executions) for some in runs.values() for each in some.values())
        if recorded == lockfile.executions:
            return
        for environment, some in runs.items():
            for run, summary in some.items():
                for execution, number in summary.executions:
                    owner = lockfile.owner(execution)
                    if owner and owner != (environment, run, number):
                        raise self._twice(execution, (environment, run), owner[:2])

    def later(
        self,
        head: Lockfile,
        before: Lockfile,
        files: Mapping[Place, Held],
        keys: Iterable[RunKey],
    ) -> Lockfile:
        """Make the lockfile that another one became by the files of some runs."""
        runs: dict[str, dict[str, RunSummary]] = {}
        events: dict[str, dict[str, tuple[LedgerEvent, ...]]] = {}
        for key in keys:
            environment, run = key
            summary, first = _summary(files, key), files[Place(*key)].piece
            if summary.attempts:
                runs.setdefault(environment, {})[run] = summary
            if first.events:
                events.setdefault(environment, {})[run] = first.events
        environments = {}
        for name, record in head.environments.items():
            known = before.environment(name)
            lazy = self._lazy(name, runs.get(name, {}), files, known.runs)
            environments[name] = record._replace(
                runs=lazy, events={**known.events, **events.get(name, {})}
            )
        return head.with_runs_of(before, environments, self._brought(before, runs))

    def _brought(
        self, before: Lockfile, runs: Mapping[str, Mapping[str, RunSummary]]
    ) -> dict[str, AttemptKey | None]:
        """Say which executions have another owner now that these runs are so."""
        changed = [(name, run, each) for name, some in runs.items() for run, each in some.items()]
        brought: dict[str, AttemptKey | None] = {}
        for environment, run, _ in changed:
            was = before.overview(environment).glance(run) or RunSummary()
            brought |= dict.fromkeys((execution for execution, _ in was.executions), None)
        for environment, run, summary in changed:
            for execution, number in summary.executions:
                owner = brought[execution] if execution in brought else before.owner(execution)
                if owner is not None:
                    raise self._twice(execution, (environment, run), owner[:2])
                brought[execution] = (environment, run, number)
        return brought

    def _lazy(
        self,
        environment: str,
        summaries: Mapping[str, RunSummary],
        files: Mapping[Place, Held],
        before: Mapping[str, Attempts] | None = None,
    ) -> LazyRuns:
        read = partial(self._attempts, files, environment)
        if isinstance(before, LazyRuns):
            return before.followed_by(summaries, read)
        return LazyRuns(summaries, read)

    def _attempts(
        self, files: Mapping[Place, Held], environment: str, runs: Sequence[str]
    ) -> Iterator[tuple[str, Attempts]]:
        """Read the attempts of some runs again."""
        places = [place for run in runs for place in parts_of(files, (environment, run))]
        pieces = self.read((place, files[place].blob) for place in places)
        for run, some in groupby(pieces, lambda each: each[0].run):
            yield run, tuple(attempt for _, _, piece in some for attempt in piece.attempts)

    def _twice(self, execution: str, key: RunKey, other: RunKey) -> LockError:
        path, there = Place(*key).path, Place(*other).path
        return broken(
            self.where, f"the execution {execution} is recorded twice, in {path} and {there}"
        )


def broken(where: str, why: str) -> LockError:
    """Say that what stands there can't be trusted."""
    return LockError(
        f"The lockfile can't be trusted: {why}.",
        where=where,
        not_done=NOTHING_DONE,
        hint="`qflow-gitops lock verify` says which commit did that.",
        reason="lock_broken",
    )


def parts_of(files: Mapping[Place, Any], key: RunKey) -> Iterator[Place]:
    """Name the files that a run has, in their order."""
    place = Place(*key)
    while place in files:
        yield place
        place = place.after()


def _summary(files: Mapping[Place, Held], key: RunKey) -> RunSummary:
    first, *others = (files[place].piece.summary for place in parts_of(files, key))
    for each in others:
        first = first.followed_by(each)
    return first
