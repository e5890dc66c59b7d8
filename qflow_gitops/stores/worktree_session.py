"""Writing the lockfile of a work tree, while nobody else may: a journal, then the file.

Each record is durable line by line in the journal. The end is: copy, lockfile, journal removed.
"""

import contextlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace

from qflow_gitops.base import atomic
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import AttemptKey, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.lockfile import LostRace
from qflow_gitops.stores import journal
from qflow_gitops.stores.announced import Announced
from qflow_gitops.stores.worktree_files import WorktreeFiles, sha256_of, unwritable

_ROOM_FOR_AN_ANSWER = 2048  # bytes of journal for each attempt that is about to be sent


class WorktreeSession:
    """Implements `ports.lockfile.LockSession`: the lockfile while this process alone writes it."""

    alone = True  # the mutex says so
    commit = ""
    batch_delay = 0.0

    def __init__(
        self,
        files: WorktreeFiles,
        announced: Announced,
        lockfile: Lockfile | None,
        content: bytes | None,
    ) -> None:
        """Take over what the store has loaded under its mutex."""
        self._files = files
        self._announced = announced
        self._content = content
        self.generation = 0
        self._owed: set[AttemptKey] = set()  # attempts whose answers are still to come
        self.created = lockfile is None
        self.lockfile = lockfile or Lockfile(files.lineage or secrets.token_hex(16))
        self._log: atomic.AppendLog | None = None
        first = next(atomic.read_lines(files.journal), None)
        self._left_over = first is not None and json.loads(first)["sha256"] == sha256_of(content)
        if first is not None and not self._left_over:
            files.journal.unlink()  # spent: its session wrote its result before it died

    def record(
        self,
        transitions: Sequence[Transition],
        mark: Checkpoint | None = None,
        *,
        exact: bool = False,
    ) -> None:
        """Make all of it durable, or nothing; see `ports.lockfile.LockSession`.

        What was announced is only looked at where it matters: the room for answers is theirs.
        """
        if not transitions and mark is None:
            return
        opening = (
            exact
            or mark is not None
            or any(transition.opens is not None for transition in transitions)
        )
        with self._announced.alone() if exact else contextlib.nullcontext():
            if opening and self.take_in():
                raise LostRace
            self._write(transitions, mark)

    def adopt(self, lockfile: Lockfile) -> None:
        """Write the other lockfile here; a journal says until then that it isn't there yet."""
        try:
            log, self._log = self._log or self._open(), None
            log.close()
        except OSError as problem:
            raise unwritable(problem, self._files.journal) from None
        serial = max(lockfile.serial, self.lockfile.serial)
        self._write_out(replace(lockfile, serial=serial + 1))

    def head(self) -> tuple[LedgerEvent, ...]:
        """Return the events of the head, with those that were announced. Raises LockError."""
        lockfile = self.lockfile
        return (*lockfile.notes, *self._announced.missing_in(lockfile))

    def take_in(self) -> bool:
        """Record what was announced for the head since; whether there was anything."""
        new = self._announced.missing_in(self.lockfile)
        if new:
            self._write([], Checkpoint(notes=tuple(Note("", "", event) for event in new)))
            self.generation += 1
        return bool(new)

    def _write(self, transitions: Sequence[Transition], mark: Checkpoint | None) -> None:
        changed = self.lockfile.recorded(transitions)
        if mark is not None:
            changed = changed.marked(mark)
        owed = self._owed - {transition.key for transition in transitions}
        owed |= {
            transition.key
            for transition in transitions
            if transition.opens and transition.event.to is State.INTENT
        }
        self._append(journal.lines_of(transitions, mark), _ROOM_FOR_AN_ANSWER * len(owed))
        self.lockfile, self._owed = changed, owed

    def _append(self, lines: list[bytes], reserve: int) -> None:
        try:
            if self._log is None:
                self._log = self._open()
            self._log.append(lines, reserve=reserve)
        except OSError as problem:
            raise unwritable(problem, self._files.journal) from None

    def _open(self) -> atomic.AppendLog:
        """Go on with the journal of an interrupted session, or begin one."""
        log = atomic.AppendLog(self._files.journal)
        if not self._left_over:
            header = {"sha256": sha256_of(self._content), "lineage": self.lockfile.lineage}
            log.append([json.dumps(header).encode()])
        return log

    def close(self) -> None:
        """Write the lockfile if anything was recorded; the journal stays where that fails."""
        with contextlib.suppress(LockError):  # what was announced stays where it is, and holds
            self.take_in()
        if self._log is None and not self._left_over:
            self._announced.clear(self.lockfile)
            return
        if self._log is not None:
            self._log.close()
            self._log = None
        self._write_out(replace(self.lockfile, serial=self.lockfile.serial + 1))

    def _write_out(self, written: Lockfile) -> None:
        files = self._files
        content = to_bytes(written)
        try:
            atomic.replace(files.copy, content, mode=0o600)
            atomic.replace(files.lockfile, content)
            files.journal.unlink(missing_ok=True)
            atomic.sync_folder(files.folder)
        except OSError as problem:
            raise LockError(
                f"The lockfile can't be written: {problem.strerror or problem}.",
                where=str(files.lockfile),
                not_done="The lockfile is complete, but still in the journal of the git directory.",
                hint="Make room or fix the folder's rights; the next apply takes the journal in.",
                reason="lock_unwritable",
            ) from None
        self.lockfile, self._content, self._left_over = written, content, False
        self._announced.clear(written)
