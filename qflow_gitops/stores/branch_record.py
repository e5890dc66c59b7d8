"""The lockfile as a commit of its branch holds it: summaries at hand, attempts read when asked for.

Read as a whole once; from there to a later commit only what differs is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import anchors
from qflow_gitops.lockfile.codec import NEWER, OLDER
from qflow_gitops.lockfile.ledger import Lockfile
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
from qflow_gitops.lockfile.runs import Attempts, put
from qflow_gitops.lockfile.walk import PLAIN, Walk, misplaced
from qflow_gitops.lockfile.worked import Worked, steps_of
from qflow_gitops.ports.lock_branch import LockBranch, Step, TreeEntry
from qflow_gitops.ports.lockfile import Summaries
from qflow_gitops.stores.branch_lockfile import Assembly, Held, broken, parts_of
from qflow_gitops.stores.checks import NOTHING_DONE


class NothingKept:
    """Implements `ports.lockfile.Summaries` for whoever reads every file anew."""

    def known(self, blobs: Sequence[str]) -> Mapping[str, PieceSummary]:
        """Return nothing."""
        del blobs
        return {}

    def keep(self, found: Mapping[str, PieceSummary]) -> None:
        """Keep nothing."""

    def whole(self, where: str) -> bytes | None:
        """Return nothing."""
        del where
        return None

    def keep_whole(self, where: str, found: bytes) -> None:
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
        lockfile = self._assembly.whole(lockfile, files)
        for place in read or ():
            if place.part == 1:
                runs = lockfile.environment(place.environment).runs
                put(runs, place.run, _joined(read or {}, place))
        return BranchRecord(commit, lockfile, files)

    def later(self, before: BranchRecord, steps: Sequence[Step], walk: Walk) -> BranchRecord:
        """Take the commit that these steps lead to, from an earlier one on.

        They take nothing, which a walk along them found; it has read what they changed.
        """
        self._check_added(before, steps)
        last = {change.path: change for step in steps for change in step.changes}
        changed = {
            place: Held(last[place.path].new, summary_of(place, piece))
            for place, piece in walk.pieces.items()
        }
        files = {**before.files, **changed}
        head = walk.head or before.lockfile
        self._check(head, files, changed)
        keys = {place.key for place in changed}
        lockfile = self._assembly.later(head, before.lockfile, files, keys)
        return BranchRecord(steps[-1].commit if steps else before.commit, lockfile, files)

    def worked(self, tip: str) -> Sequence[Worked]:
        """Return each step by which environments were worked on up to a commit, oldest first."""
        if not tip:
            return ()
        self.branch.complete(tip)
        steps = self.branch.steps("", tip, HEAD)
        heads = [(step.at, one.new) for step in steps for one in step.changes if one.new]
        contents = self.branch.blobs([blob for _, blob in heads])
        records = (head_from_bytes(each, self.where).environments for each in contents)
        return steps_of(zip((at for at, _ in heads), records, strict=True))

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

    @property
    def _assembly(self) -> Assembly:
        return Assembly(self.where, self._read)

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

    def _broken(self, why: str) -> LockError:
        return broken(self.where, why)


def _joined(pieces: Mapping[Place, Piece], place: Place) -> Attempts:
    return tuple(
        attempt for part in parts_of(pieces, place.key) for attempt in pieces[part].attempts
    )


def _head_among(entries: Iterable[TreeEntry]) -> str:
    """Return the head's blob, "" where there is none."""
    return next((each.blob for each in entries if (each.path, each.mode) == (HEAD, PLAIN)), "")


def _is_beside(entry: TreeEntry) -> bool:
    beside = entry.path in BESIDE or anchors.serial_in(entry.path) is not None
    return beside and entry.mode == PLAIN
