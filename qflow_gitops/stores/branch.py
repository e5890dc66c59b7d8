"""The lockfile on a branch of its own, for teams and CI: any number of runners.

A write is a commit on top of the one that was read, pushed only if the branch is still
there (compare-and-swap). Whoever loses reads the new record and decides again. The commit's
message says what happened, so that `git log` reads as a history; its nonce makes it unlike
any other, because git calls the second push of an identical commit a success.
"""

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import audit
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint, LedgerEvent, Note
from qflow_gitops.lockfile.rebasing import rebased
from qflow_gitops.ports.lockfile import LockBranch, LostRace, Snapshot, Version
from qflow_gitops.stores.checks import NOTHING_DONE, check_lineage, check_presence
from qflow_gitops.stores.commit_message import message_of

ROUNDS = 100
"""How often answers are put on top of other processes' records before that is given up."""
_PAUSE = 0.05  # seconds; the least that a pause after a lost race is counted in
_LONGEST = {True: 1.5, False: 0.5}
"""Seconds that a pause takes at most, where something is to be sent, and anywhere else."""
_AT_ONCE = 16  # versions that are held in memory while all of them are looked at


class BranchStore:
    """Implements `ports.lockfile.LockStore`. `author` is who commits, as the lockfile says it."""

    def __init__(self, branch: LockBranch, *, lineage: str, author: Mapping[str, str]) -> None:
        """Take the branch and the lineage that the settings pin ("": none)."""
        self._branch = branch
        self._lineage = lineage
        self._author = author
        self._read: dict[str, Lockfile] = {}  # by commit, the last few: they can't change
        self._trusted = ""  # the last commit that `load` let pass

    @property
    def where(self) -> str:
        """Where the lockfile lives, for people."""
        return f"qflow.lock on {self._branch.where}"

    def read(self) -> Snapshot:
        """Return the newest record; where the remote can't be asked, this clone's copy of it."""
        try:
            _, lockfile = self.load()
        except LockError as problem:
            tip, at = self._branch.known()
            if problem.reason != "lock_unreachable" or not tip:
                raise
            return Snapshot(self._parsed(tip), self.where, at or "an unknown time")
        return Snapshot(lockfile, self.where)

    def at_hand(self) -> Lockfile | None:
        """Return this clone's copy of the lockfile, without asking the remote."""
        tip, _ = self._branch.known()
        return self._parsed(tip) if tip else None

    @contextlib.contextmanager
    def session(self) -> Iterator["BranchSession"]:
        """Open the lockfile for writing; nothing keeps others out, a push decides."""
        tip, lockfile = self.load()
        yield BranchSession(self, tip, lockfile)

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

    def load(self, last: Lockfile | None = None) -> tuple[str, Lockfile | None]:
        """Return the remote's newest commit and its record, ("", None) where there is no branch.

        Raises LockError for a record that isn't what this clone knew (`last`, or what it
        remembers) plus more.
        """
        known, _ = self._branch.known()
        tip = self._branch.fetch()
        if not tip:
            self._check_absence(known)
            return "", None
        if known and not self._branch.descends(tip, known):
            raise LockError(
                f"The lockfile's branch was rewritten: it was at {known[:10]} when this clone saw "
                "it "
                f"last, and {tip[:10]} doesn't descend from that.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"Find out who pushed it. `git log {known}` shows the lockfile that was "
                "there. "
                f"To put it back: `{self._branch.push_command(known, force=True)}`",
                reason="lock_rewritten",
            )
        lockfile = self._parsed(tip)
        if tip != self._trusted and len(self._branch.parents(tip)) > 1:
            raise LockError(
                f"The commit {tip[:10]} of the lockfile's branch is a merge, and qflow-gitops "
                "makes "
                "none.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=self._put_back(tip),
                reason="lock_rewritten",
            )
        if not tip == known == self._trusted:
            self._check_growth(last or self._before(tip, known), lockfile, tip)
            self._branch.remember(tip)
            self._trusted = tip
        return tip, lockfile

    def versions(self) -> Iterator[Version]:
        """Return every commit of the branch, oldest first; it was fetched, not yet trusted."""
        tip = self._branch.fetch()
        history = self._branch.history(tip) if tip else ()
        for first in range(0, len(history), _AT_ONCE):
            some = history[first : first + _AT_ONCE]
            contents = self._branch.contents([commit for commit, _ in some])
            for (commit, parents), content in zip(some, contents, strict=True):
                yield Version(commit, tuple(parents), partial(_given, content))

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

    def _parsed(self, tip: str) -> Lockfile:
        """Return the lockfile of a commit; what was read once is not read again."""
        if tip not in self._read:
            lockfile = self._content(tip)
            self._read = {**dict(list(self._read.items())[-1:]), tip: lockfile}
        return self._read[tip]

    def _content(self, tip: str) -> Lockfile:
        content = self._branch.content(tip)
        if content is None:
            raise LockError(
                f"The commit {tip[:10]} holds no qflow.lock.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint="Another branch may have this name: set `lock.branch` in qflow.yaml. "
                f"{self._put_back(tip)}",
                reason="lock_broken",
            )
        try:
            lockfile = from_bytes(content, self.where)
        except LockError as problem:
            if problem.reason == "lock_broken":
                problem.hint = self._put_back(tip)
            raise
        check_lineage(lockfile, self._lineage, self.where)
        return lockfile

    def _put_back(self, tip: str) -> str:
        """Say how to find out who wrote a version, and how to put the one before in its place."""
        known, _ = self._branch.known()
        before, look = self._earlier(tip, known), f"Find out who made it: `git log -3 {tip}`"
        if not before or self._branch.content(before) is None:
            return look
        command = self._branch.push_command(before, force=True)
        return f"{look}. To put back what was there: `{command}`"

    def _before(self, tip: str, known: str) -> Lockfile | None:
        """Return the lockfile to compare with: what this clone knew, else the commit before."""
        before = self._earlier(tip, known)
        return self._parsed(before) if before else None

    def _earlier(self, tip: str, known: str) -> str:
        return known if known not in ("", tip) else next(iter(self._branch.parents(tip)), "")

    def _check_growth(self, old: Lockfile | None, new: Lockfile, tip: str) -> None:
        lost = audit.grown(old, new) if old is not None else ()
        if lost:
            raise LockError(
                f"The lockfile isn't what it was plus more: {'; '.join(lost[:3])}.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=self._put_back(tip),
                reason="lock_shrunk",
            )

    def written(self, tip: str, new: Lockfile, message: str) -> str:
        """Push a new record on top of `tip`; its commit, or "" where another was faster."""
        trailers = {"Serial": str(new.serial), "Nonce": secrets.token_hex(16)}
        for key in ("actor", "run"):
            if self._author.get(key):
                trailers[key.capitalize()] = " ".join(self._author[key].split())
        lines = [f"Qflow-{name}: {value}" for name, value in trailers.items()]
        commit = self._branch.commit(tip, to_bytes(new), message + "\n\n" + "\n".join(lines) + "\n")
        return commit if self._branch.push(commit, tip) else ""


class BranchSession:
    """Implements `ports.lockfile.LockSession`: optimistic, each write a compare-and-swap."""

    alone = False
    batch_delay = 1.0  # a push takes about as long

    def __init__(self, store: BranchStore, tip: str, lockfile: Lockfile | None) -> None:
        """Begin on top of what was read."""
        self._store = store
        self._tip = tip
        self.created = lockfile is None
        self.lockfile = lockfile or Lockfile(secrets.token_hex(16))
        self.generation = 0
        self._lost = 0  # races in a row
        self._took = 0.0  # seconds, the last write

    def record(
        self,
        transitions: Sequence[Transition],
        mark: Checkpoint | None = None,
        *,
        exact: bool = False,
    ) -> None:
        """Push all of it as one commit; see `ports.lockfile.LockSession`."""
        opening = (
            exact
            or mark is not None
            or any(transition.opens is not None for transition in transitions)
        )
        for _ in range(ROUNDS):
            left = _on_top(self.lockfile, transitions)
            if not left and mark is None:
                return
            if self._wrote(left, mark):
                return
            self._step_back(opening and not _is_of_the_head(mark))
            self._reload()
            if opening:
                raise LostRace
        raise contended(self._store.where, "The answers could not be recorded.")

    def head(self) -> tuple[LedgerEvent, ...]:
        """Return the events of the head as they were last read: only a push shows newer ones."""
        return self.lockfile.notes

    def _step_back(self, opening: bool) -> None:
        """Wait before the lockfile is read again: longer after each race lost in a row.

        Counted in what a write takes here, so that a slow remote spreads its writers further;
        at random, so that they don't meet again. Answers go first, as they are what was done,
        and so does a freeze.
        """
        self._lost += 1
        unit = max(_PAUSE, self._took) * (2 ** min(self._lost, 6) if opening else self._lost)
        time.sleep(random.uniform(0, min(unit, _LONGEST[opening])))  # noqa: S311  no secret

    def _wrote(self, transitions: Sequence[Transition], mark: Checkpoint | None) -> bool:
        new = self.lockfile.recorded(transitions)
        if mark is not None:
            new = new.marked(mark)
        new = replace(new, serial=self.lockfile.serial + 1)
        begun = time.monotonic()
        commit = self._store.written(self._tip, new, message_of(transitions, mark))
        self._took = time.monotonic() - begun
        if commit:
            self._tip, self.lockfile, self._lost = commit, new, 0
        return bool(commit)

    def _reload(self) -> None:
        last = None if self._tip == "" else self.lockfile
        tip, lockfile = self._store.load(last)
        if lockfile is None:
            raise LockError(
                "The lockfile's branch could not be made: the push was refused, and nobody else "
                "made it.",
                where=self._store.where,
                not_done=NOTHING_DONE,
                reason="lock_push",
            )
        self._tip, self.lockfile = tip, lockfile
        self.generation += 1


def contended(where: str, not_done: str) -> LockError:
    """Say that every write came too late."""
    return LockError(
        f"Other processes were faster {ROUNDS} times, one after another.",
        where=where,
        not_done=not_done,
        hint="Let fewer runners apply at once.",
        reason="lock_contended",
    )


def _given(content: bytes | None) -> bytes | None:
    return content


def _is_of_the_head(mark: Checkpoint | None) -> bool:
    return mark is not None and any(not note.environment for note in mark.notes)


def _on_top(lockfile: Lockfile, transitions: Sequence[Transition]) -> list[Transition]:
    """Return what the transitions still add to a record that others may have written since."""
    kept = []
    for transition in transitions:
        moved = transition if transition.opens is not None else rebased(lockfile, transition)
        if moved is not None:
            lockfile = lockfile.recorded([moved])
            kept.append(moved)
    return kept
