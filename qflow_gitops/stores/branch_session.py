"""Writing the lockfile's branch: each write is a commit on top of the one that was read.

It is pushed only if the branch is still there (compare-and-swap). Whoever loses reads what is new
and decides again. The commit's message says what happened, so that `git log` reads as a history;
its nonce makes it unlike any other, because git calls the second push of an identical commit a
success.
"""

import random
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import NOTHING_MORE, LockError
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.pieces import Place, changed_by, differing
from qflow_gitops.lockfile.places import check_open
from qflow_gitops.lockfile.rebasing import rebased
from qflow_gitops.ports.lockfile import LostRace
from qflow_gitops.stores.checks import NOTHING_DONE
from qflow_gitops.stores.commit_message import message_of

ROUNDS = 100
"""How often answers are put on top of other processes' records before that is given up."""
_PAUSE = 0.05  # seconds; the least that a pause after a lost race is counted in
_LONGEST = {True: 1.5, False: 0.5}
"""Seconds that a pause takes at most, where something is to be sent, and anywhere else."""


class Writing(Protocol):
    """What a session needs of its store."""

    @property
    def where(self) -> str:
        """Where the lockfile lives, for people."""

    def load(self) -> tuple[str, Lockfile | None]:
        """Return the remote's newest commit and its record."""

    def written(self, tip: str, new: Lockfile, places: Collection[Place], message: str) -> str:
        """Push what changed of a record; its commit, "" where another was faster."""


class BranchSession:
    """Implements `ports.lockfile.LockSession`: optimistic, each write a compare-and-swap."""

    alone = False
    batch_delay = 1.0  # a push takes about as long

    def __init__(
        self, store: Writing, tip: str, lockfile: Lockfile | None, *, moving: bool = False
    ) -> None:
        """Begin on top of what was read."""
        self._store = store
        self._moving = moving
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
            if not self._moving:
                check_open(self.lockfile, self._store.where, NOTHING_MORE)
            self.lockfile.bring((each.environment, each.run) for each in transitions)
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

    @property
    def commit(self) -> str:
        """The branch's commit that was read or pushed last."""
        return self._tip

    def adopt(self, lockfile: Lockfile) -> None:
        """Push all that this place lacks of another's lockfile as one commit."""
        new = replace(lockfile, serial=max(lockfile.serial, self.lockfile.serial) + 1)
        mark = Checkpoint(notes=tuple(Note("", "", event) for event in new.places[-1:]))
        commit = self._store.written(
            self._tip, new, differing(self.lockfile, new), message_of([], mark)
        )
        if not commit:
            self._reload()
            raise LostRace
        self._tip, self.lockfile = commit, new

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
        places = changed_by(transitions, mark)
        commit = self._store.written(self._tip, new, places, message_of(transitions, mark))
        self._took = time.monotonic() - begun
        if commit:
            self._tip, self.lockfile, self._lost = commit, new, 0
        return bool(commit)

    def _reload(self) -> None:
        tip, lockfile = self._store.load()
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


def _is_of_the_head(mark: Checkpoint | None) -> bool:
    return mark is not None and any(not note.environment for note in mark.notes)


def _on_top(lockfile: Lockfile, transitions: Sequence[Transition]) -> list[Transition]:
    """Return what the transitions still add to a record that others may have written since."""
    kept: list[Transition] = []
    waiting: dict[RunKey, Transition] = {}  # one a run: together they cost what one does
    for transition in transitions:
        key = (transition.environment, transition.run)
        if key in waiting:
            lockfile, waiting = lockfile.recorded(waiting.values()), {}
        moved = transition if transition.opens is not None else rebased(lockfile, transition)
        if moved is not None:
            waiting[key] = moved
            kept.append(moved)
    return kept
