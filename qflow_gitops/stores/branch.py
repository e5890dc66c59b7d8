"""The lockfile on a branch of its own, for teams and CI: any number of runners.

`branch_record` reads it, `branch_session` writes it. What is read is trusted only if each commit
since the one that this clone knew is the one before and more.
"""

import contextlib
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.pieces import BESIDE, HEAD, Place, files_of, lockfile_of
from qflow_gitops.lockfile.places import check_open
from qflow_gitops.lockfile.runs import bring
from qflow_gitops.lockfile.walk import Walk, is_read
from qflow_gitops.ports.lock_branch import Known, LockBranch, Step
from qflow_gitops.ports.lockfile import Kept, LostRace, Snapshot, Summaries, Version
from qflow_gitops.stores.branch_anchors import BranchAnchors
from qflow_gitops.stores.branch_pushing import Pushing
from qflow_gitops.stores.branch_record import BranchRecord, NothingKept, RecordReader
from qflow_gitops.stores.branch_session import ROUNDS, BranchSession, contended
from qflow_gitops.stores.branch_trail import Trail
from qflow_gitops.stores.checks import NOTHING_DONE, check_lineage, check_presence, fits


class BranchStore:
    """Implements `ports.lockfile.LockStore`. `author` is who commits, as the lockfile says it."""

    def __init__(
        self,
        branch: LockBranch,
        *,
        lineage: str,
        author: Mapping[str, str],
        summaries: Summaries | None = None,
    ) -> None:
        """Take the branch and the lineage that the settings pin ("": none).

        `summaries` spare whoever only looks from reading every file again.
        """
        self._branch = branch
        self._lineage = lineage
        self._reader = RecordReader(branch, summaries or NothingKept())
        self._record: BranchRecord | None = None  # the last that was read, and trusted
        self._push = Pushing(branch, author)
        self.anchors = BranchAnchors(branch, self.load, self._push)

    @property
    def where(self) -> str:
        """Where the lockfile lives, for people."""
        return self._reader.where

    @property
    def address(self) -> str:
        """Where the branch is pushed to."""
        return self._branch.address

    def read(self, *, whole: bool = False) -> Snapshot:
        """Return the newest record; where the remote can't be asked, this clone's copy of it."""
        copied_at = ""
        try:
            _, lockfile = self.load(attempts=whole)
        except LockError as problem:
            known = self._branch.known()
            if problem.reason != "lock_unreachable" or not known.commit:
                raise
            lockfile, copied_at = self._copy(known), known.at or "an unknown time"
        for record in lockfile.environments.values() if whole and lockfile else ():
            bring(record.runs, record.runs)
        newest = None if copied_at else self._record
        at = newest.commit if newest else self._branch.known().commit
        return Snapshot(lockfile, self.where, copied_at, at, partial(self._reader.worked, at))

    def at_hand(self) -> Lockfile | None:
        """Return this clone's copy of the lockfile, without asking the remote."""
        known = self._branch.known()
        return self._copy(known) if known.commit else None

    def _copy(self, known: Known) -> Lockfile:
        """Return the newest record that is here; what somebody else fetched is looked at first."""
        if self._record is not None and self._record.commit == known.commit:
            return self._record.lockfile
        if known.checked not in ("", known.commit):
            self._trusted(known.commit, known.checked)
        return self._whole(known.commit).lockfile

    @contextlib.contextmanager
    def session(self, *, moving: bool = False) -> Iterator[BranchSession]:
        """Open the lockfile for writing; nothing keeps others out, a push decides."""
        tip, lockfile = self.load()
        if lockfile and not moving:
            check_open(lockfile, self.where)
        yield BranchSession(self, tip, lockfile, moving=moving)

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Add an event to the head; see `ports.lockfile.LockStore`."""
        with self.session() as session:
            for _ in range(ROUNDS):
                event = decide(session.lockfile)
                if event is None:
                    return
                with contextlib.suppress(LostRace):
                    session.record([], Checkpoint(notes=(Note("", "", event),)))
                    return
        raise contended(self.where, "Nothing was written to the lockfile's head.")

    def load(self, *, attempts: bool = False) -> tuple[str, Lockfile | None]:
        """Return the remote's newest commit and its record, ("", None) where there is no branch.

        With `attempts` those of all runs are at hand, if nothing was read before.
        Raises LockError for a record that isn't what this clone knew plus more, commit by commit;
        without any memory of it, the last step is looked at.
        """
        tip, known = self._fetched()
        if not tip:
            return "", None
        before = self._record
        if before is None or before.commit != tip:
            base = before.commit if before else known.checked or known.commit
            if base in ("", tip):
                base = next(iter(self._branch.parents(tip)), "")
            steps, walk = self._trusted(tip, base)
            if before:
                record = self._reader.later(before, steps, walk)
            else:
                record = self._whole(tip, attempts=attempts)
            check_lineage(record.lockfile, self._lineage, self.where)
            if known.checked != tip:
                self._branch.remember(tip)
            self._record = before = record
        return tip, before.lockfile

    def _fetched(self) -> tuple[str, Known]:
        """Return the remote's newest commit, and what this clone knew before.

        Raises LockError for a branch that is gone or was rewritten.
        """
        before = self._branch.known()
        known, tip = before.commit, self._branch.fetch()
        if not tip:
            self._check_absence(known)
        elif known and not self._follows(tip, known):
            raise LockError(
                f"The lockfile's branch was rewritten: it was at {known[:10]} when this clone saw "
                f"it last, and {tip[:10]} doesn't descend from that.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"{_kept_first(self._branch)} Find out who pushed it; `git log {known}` shows "
                f"the lockfile that was there. {_put_back(self._branch, known)}",
                reason="lock_rewritten",
            )
        return tip, before

    def _follows(self, tip: str, known: str) -> bool:
        """Whether a commit descends from another; a clone that is cut off may lack the proof."""
        if self._branch.descends(tip, known):
            return True
        return self._branch.complete(tip) and self._branch.descends(tip, known)

    def check_memory(self) -> None:
        """Raise LockError where the branch isn't what this clone knew plus more commits."""
        self._fetched()

    def _trusted(self, tip: str, base: str) -> tuple[Sequence[Step], Walk]:
        """Return the steps from a commit ("": none) to `tip`, and what was read along them.

        Raises LockError if one took anything.
        """
        steps = self._branch.steps(base, tip) if base else ()
        good, walk = base, Walk()
        for step, problems in Trail(self._branch, base, steps).followed(walk):
            if problems:
                self._reader.check_form(base, tip)
                said = "; ".join(problem.rstrip(".") for problem in problems[:3])
                raise LockError(
                    f"The lockfile isn't what it was plus more, in {step.commit[:10]}: {said}.",
                    where=self.where,
                    not_done=NOTHING_DONE,
                    hint=self._put_back(step.commit, good),
                    reason="lock_rewritten" if len(step.parents) > 1 else "lock_shrunk",
                )
            good = step.commit
        return steps, walk

    def _whole(self, commit: str, *, attempts: bool = False) -> BranchRecord:
        try:
            record = self._reader.whole(commit, attempts=attempts)
        except LockError as problem:
            if problem.reason == "lock_broken" and self._branch.parents(commit):
                problem.hint += (
                    f" {_kept_first(self._branch)} If nothing was recorded since, the one before "
                    f"it may stand there again. {_put_back(self._branch, 'COMMIT')}"
                )
            elif problem.reason == "lock_broken":
                problem.hint = f"{problem.hint} {self._put_back(commit, '')}"
            raise
        check_lineage(record.lockfile, self._lineage, self.where)
        return record

    def _put_back(self, commit: str, before: str) -> str:
        """Say how to find out who wrote a version, and how to put the one before in its place."""
        look = f"Find out who made it: `git log -3 {commit}`"
        held = [entry.path for entry in self._branch.entries(before)] if before else []
        if HEAD not in held:
            return look
        if not all(path in BESIDE or is_read(path) for path in held):
            return (
                f"{look}. If this is a branch of something else, set `lock.branch` in qflow.yaml."
            )
        return f"{_kept_first(self._branch)} {look}. {_put_back(self._branch, before)}"

    def kept(self) -> Kept:
        """Return every commit of the branch, oldest first; it was fetched, not yet trusted."""
        tip = self._branch.fetch()
        if not tip:
            return Kept(iter(()), lambda: None)
        notes = ("The branch's whole history was fetched for this.",)
        fetched = self._branch.complete(tip)
        walk = Walk(owners=True, fits=fits)
        return Kept(self._versions(walk, tip), lambda: _newest(walk), notes if fetched else ())

    def _versions(self, walk: Walk, tip: str) -> Iterator[Version]:
        trail = Trail(self._branch, "", self._branch.steps("", tip))
        for step, problems in trail.followed(walk):
            yield Version(step.commit, step.parents, (*problems, *_foreign(walk, self._lineage)))

    def signer(self, version: str, signers: str) -> str:
        """Return which of git's allowed signers (a file) signed a commit, "" for none."""
        return self._branch.signer(version, signers)

    def _check_absence(self, known: str) -> None:
        if known:
            raise LockError(
                f"The lockfile's branch is gone; this clone knows it as {known[:10]}.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"Put it back: `{self._branch.push_command(known)}`",
                reason="lock_missing",
            )
        check_presence(
            self._lineage,
            self.where,
            "If the branch was removed, push it again from a clone that has it. If nothing was "
            "ever applied here, take `lineage` out of qflow.yaml: the first apply makes one.",
        )

    def written(self, tip: str, new: Lockfile, places: Collection[Place], message: str) -> str:
        """Push what changed of a record, in these places and its head, on top of `tip`.

        Gives its commit, or "" where another was faster.
        """
        return self._push(tip, files_of(new, places), new.serial, message)


def _foreign(walk: Walk, lineage: str) -> Iterator[str]:
    if lineage and walk.head and walk.head.lineage != lineage:
        yield f"Its lineage is {walk.head.lineage}, not {lineage}."


def _newest(walk: Walk) -> Lockfile | None:
    """Return the lockfile at the end of a walk, as far as it could be read."""
    try:
        return lockfile_of(walk.head, walk.pieces) if walk.head else None
    except ValueError:
        return None  # which was said of the commit that made it so


def _kept_first(branch: LockBranch) -> str:
    """Say how to keep what was found: once a version is put back, its traces are gone."""
    address = f"$(git remote get-url {shlex.quote(branch.remote)})"
    return f'Keep a copy, which is evidence: `git clone --mirror "{address}" as-found.git`.'


def _put_back(branch: LockBranch, commit: str) -> str:
    command = branch.push_command(commit, force=True)
    return f"Putting it back is for whoever answers for the lockfile to decide: `{command}`"
