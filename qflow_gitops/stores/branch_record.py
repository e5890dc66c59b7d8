"""The lockfile as a commit of its branch holds it: summaries at hand, attempts read when asked for.

Read as a whole once; from there to a later commit only what differs is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import AttemptKey
from qflow_gitops.lockfile.codec import NEWER, OLDER
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.pieces import (
    BESIDE,
    HEAD,
    Piece,
    PieceSummary,
    Place,
    check_places,
    head_from_bytes,
    piece_from_bytes,
    place_of,
    summary_of,
)
from qflow_gitops.lockfile.runs import Attempts, LazyRuns, put
from qflow_gitops.lockfile.summary import RunSummary
from qflow_gitops.lockfile.walk import PLAIN, misplaced
from qflow_gitops.ports.lockfile import LockBranch, Step, Summaries, TreeEntry
from qflow_gitops.stores.checks import NOTHING_DONE


class Held(NamedTuple):
    """A file of the branch: its blob's id, and what is known of it."""

    blob: str
    piece: PieceSummary


class NothingKept:
    """Implements `ports.lockfile.Summaries` for whoever reads every file anew."""

    def known(self, blobs: Sequence[str]) -> Mapping[str, PieceSummary]:
        """Return nothing."""
        del blobs
        return {}

    def keep(self, found: Mapping[str, PieceSummary]) -> None:
        """Keep nothing."""


@dataclass(frozen=True)
class BranchRecord:
    """A commit of the branch, and its lockfile. `files` are those of the runs."""

    commit: str
    lockfile: Lockfile
    files: Mapping[Place, Held]


@dataclass(frozen=True)
class RecordReader:
    """Reads records. Raises LockError for one that can't be trusted as it is, with the path."""

    branch: LockBranch
    kept: Summaries

    def whole(self, commit: str, *, attempts: bool = False) -> BranchRecord:
        """Read every file of a commit, `attempts`: to have those of every run at hand."""
        entries = self.branch.entries(commit)
        self._check_names(entries)
        lockfile = self._head(commit, _head_among(entries))
        others = (each for each in entries if each.path != HEAD and not _is_beside(each))
        wanted = [(self._place(entry), entry.blob) for entry in others]
        read: dict[Place, Piece] | None = {} if attempts else None
        files = dict(self._held(wanted, read))
        self._check(lockfile, files, files)
        lockfile = self._put_together(lockfile, files)
        for place in read or ():
            if place.part == 1:
                runs = lockfile.environment(place.environment).runs
                put(runs, place.run, _joined(read or {}, place))
        return BranchRecord(commit, lockfile, files)

    def later(self, before: BranchRecord, steps: Sequence[Step]) -> BranchRecord:
        """Read the commit that these steps lead to, from an earlier one on; they take nothing."""
        self._check_added(before, steps)
        last = {change.path: change for step in steps for change in step.changes}
        head = last.pop(HEAD, None)
        wanted = [
            (self._place(TreeEntry(path, change.mode, change.new)), change.new)
            for path, change in last.items()
            if path not in BESIDE
        ]
        files = {**before.files, **dict(self._held(wanted))}
        commit = steps[-1].commit if steps else before.commit
        lockfile = self._head(commit, head.new) if head else before.lockfile
        self._check(lockfile, files, [place for place, _ in wanted])
        keys = {place.key for place, _ in wanted}
        return BranchRecord(commit, self._followed(lockfile, before.lockfile, files, keys), files)

    def _check_names(self, entries: Sequence[TreeEntry]) -> None:
        """Refuse a tree with two files of one name, of which git shows now one, now the other."""
        if len({entry.path for entry in entries}) < len(entries):
            names = sorted(entry.path for entry in entries)
            twice = next(one for one, other in pairwise(names) if one == other)
            raise self._broken(f"{twice} stands there twice")

    def _check_added(self, before: BranchRecord, steps: Sequence[Step]) -> None:
        """Refuse a file that was added, by what git says, beside one of its name."""
        for change in (change for step in steps for change in step.changes):
            if not change.old and (change.path == HEAD or place_of(change.path) in before.files):
                raise self._broken(f"{change.path} stands there twice")

    def _place(self, entry: TreeEntry) -> Place:
        place = place_of(entry.path)
        if place is None or entry.mode != PLAIN:
            raise self._broken(misplaced(entry.path).rstrip("."))
        return place

    def check_form(self, before: str, commit: str) -> None:
        """Refuse what nobody has tampered with: another version's lockfile, or none in either.

        Two commits of the branch that aren't what they should be. A version that is older than
        the one before isn't excused by its number.
        """
        was, now = (_head_among(self.branch.entries(each)) for each in (before, commit))
        if not was and not now:
            raise self._no_head(commit)
        problem = self._other_version(commit, now)
        if problem and (problem.reason == NEWER or self._other_version(before, was)):
            raise problem

    def _other_version(self, commit: str, head: str) -> LockError | None:
        try:
            self._head(commit, head)
        except LockError as problem:
            return problem if problem.reason in (NEWER, OLDER) else None
        return None

    def _head(self, commit: str, blob: str) -> Lockfile:
        if not blob:
            raise self._no_head(commit)
        (content,) = self.branch.blobs([blob])
        return head_from_bytes(content, self.where)

    def _no_head(self, commit: str) -> LockError:
        return LockError(
            f"The commit {commit[:10]} holds no qflow.lock.",
            where=self.where,
            not_done=NOTHING_DONE,
            hint="Another branch may have this name: set `lock.branch` in qflow.yaml.",
            reason="lock_broken",
        )

    @property
    def where(self) -> str:
        """Where the lockfile lives, for people."""
        return f"qflow.lock on {self.branch.where}"

    def _held(
        self, wanted: Sequence[tuple[Place, str]], read: dict[Place, Piece] | None = None
    ) -> Iterator[tuple[Place, Held]]:
        """Find out what has to be known of files, by what is kept or by reading them.

        Where `read` is to take what is read, all are.
        """
        known: dict[str, PieceSummary] = {}
        if read is None:
            known |= self.kept.known([blob for _, blob in wanted])
        found: dict[str, PieceSummary] = {}
        for place, blob, piece in self._read(each for each in wanted if each[1] not in known):
            found[blob] = summary_of(place, piece)
            if read is not None:
                read[place] = piece
        if found:
            self.kept.keep(found)
        known |= found
        for place, blob in wanted:
            there = known[blob].place
            if there != place:
                raise self._broken(f"{place.path} holds what belongs in {there.path}")
            yield place, Held(blob, known[blob])

    def _read(self, wanted: Iterable[tuple[Place, str]]) -> Iterator[tuple[Place, str, Piece]]:
        wanted = list(wanted)
        contents = self.branch.blobs([blob for _, blob in wanted])
        for (place, blob), content in zip(wanted, contents, strict=True):
            yield place, blob, piece_from_bytes(content, place, self._at(place))

    def _at(self, place: Place) -> str:
        return f"{place.path} on {self.branch.where}"

    def _check(self, head: Lockfile, files: Mapping[Place, Held], changed: Iterable[Place]) -> None:
        def count(place: Place) -> int | None:
            return files[place].piece.summary.attempts if place in files else None

        try:
            check_places(head, count, changed)
        except ValueError as problem:
            raise self._broken(str(problem)) from None

    def _put_together(self, head: Lockfile, files: Mapping[Place, Held]) -> Lockfile:
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

    def _followed(
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
        places = [place for run in runs for place in _parts(files, (environment, run))]
        pieces = self._read((place, files[place].blob) for place in places)
        for run, some in groupby(pieces, lambda each: each[0].run):
            yield run, tuple(attempt for _, _, piece in some for attempt in piece.attempts)

    def _twice(self, execution: str, key: RunKey, other: RunKey) -> LockError:
        path, there = Place(*key).path, Place(*other).path
        return self._broken(f"the execution {execution} is recorded twice, in {path} and {there}")

    def _broken(self, why: str) -> LockError:
        return LockError(
            f"The lockfile can't be trusted: {why}.",
            where=self.where,
            not_done=NOTHING_DONE,
            hint="`qflow-gitops lock verify` says which commit did that.",
            reason="lock_broken",
        )


def _joined(pieces: Mapping[Place, Piece], place: Place) -> Attempts:
    return tuple(attempt for part in _parts(pieces, place.key) for attempt in pieces[part].attempts)


def _head_among(entries: Iterable[TreeEntry]) -> str:
    """Return the head's blob, "" where there is none."""
    return next((each.blob for each in entries if (each.path, each.mode) == (HEAD, PLAIN)), "")


def _is_beside(entry: TreeEntry) -> bool:
    return entry.path in BESIDE and entry.mode == PLAIN


def _parts(files: Mapping[Place, Any], key: RunKey) -> Iterator[Place]:
    place = Place(*key)
    while place in files:
        yield place
        place = place.after()


def _summary(files: Mapping[Place, Held], key: RunKey) -> RunSummary:
    first, *others = (files[place].piece.summary for place in _parts(files, key))
    for each in others:
        first = first.followed_by(each)
    return first
