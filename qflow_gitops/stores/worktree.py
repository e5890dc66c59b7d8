"""The lockfile as a file of the work tree, for one person on one machine.

Five files keep it honest. In the work tree: `qflow.lock`. In the git directory that all
work trees share, in a folder for each project (`memories`): `mutex` (an flock; one writer at a
time), `journal` (what the running session recorded, durable line by line), `written.lock`
(a copy of the newest version ever written, against a checkout that brings back an older one),
and `announced` (what comes to the head while somebody else has the mutex).

A session ends with: copy, lockfile, journal removed, in this order. Whatever a crash
leaves, the next reader finds the whole record again.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.base.paths import LOCK_FILE
from qflow_gitops.errors import NOTHING_MORE, BusyError, LockError, UsageProblem
from qflow_gitops.lockfile.attempt import AttemptKey, Transition
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint, LedgerEvent, Note
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.lockfile import LostRace, Snapshot, Version
from qflow_gitops.stores import journal
from qflow_gitops.stores.announced import Announced, laid_on
from qflow_gitops.stores.checks import NOTHING_DONE, check_lineage, check_presence
from qflow_gitops.stores.memories import COPY, JOURNAL

_ROOM_FOR_AN_ANSWER = 2048  # bytes of journal for each attempt that is about to be sent


class WorktreeStore:
    """Implements `ports.lockfile.LockStore` for one work tree."""

    def __init__(
        self,
        lockfile: Path,
        folder: Path,
        *,
        lineage: str,
        refuse: str = "",
        reader: Callable[[bytes, str], Lockfile] = from_bytes,
        where: str = LOCK_FILE,
        check_own: Callable[[set[str]], None] = lambda _lineages: None,
    ) -> None:
        """Take the lockfile's path, the private folder's, and the lineage that settings pin.

        `refuse` is why this store may not be written here ("" where it may). `reader` reads
        the lockfile where nothing is to be written; a session always reads all of it. `where`
        is the lockfile's path from the root. `check_own` raises LockError where the memory of
        a lockfile with these lineages may be another project's.
        """
        self._reader = reader
        self._path = lockfile
        self._folder = folder
        self._lineage = lineage
        self._refuse = refuse
        self._journal = folder / JOURNAL
        self._copy = folder / COPY
        self._where = where
        self._check_own = check_own
        self._announced = Announced(folder, where)

    @property
    def where(self) -> str:
        """The lockfile's path from the repository's root, for people."""
        return self._where

    def read(self) -> Snapshot:
        """Return the lockfile as it stands, a session that is under way included."""
        for _ in range(5):
            with contextlib.suppress(LockError):
                return self._seen()
            time.sleep(0.05)  # a session may just be ending: lockfile and copy change in turn
        return self._seen()

    def _seen(self) -> Snapshot:
        waiting = self._announced.read()  # first: what leaves it meanwhile is in what comes after
        lockfile, _ = self._load(self._reader)
        if waiting:
            lockfile = laid_on(lockfile, waiting, self._lineage)
        return Snapshot(lockfile, self.where)

    def at_hand(self) -> Lockfile | None:
        """Return the lockfile as it stands."""
        return self.read().lockfile

    @contextlib.contextmanager
    def session(self) -> Iterator["WorktreeSession"]:
        """Take the lockfile for writing; what an interrupted session left is taken in first."""
        self._check_allowed()
        with self._mutex():
            atomic.sweep(self._path)
            atomic.sweep(self._copy)
            lockfile, content = self._load(from_bytes)
            session = WorktreeSession(self, lockfile, content)
            try:
                session.take_in()
                yield session
            finally:
                session.close()

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Add an event to the head, waiting for nobody's session (`ports.lockfile.LockStore`)."""
        self._check_allowed()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._announced.alone():
                event = decide(laid_on(self.read().lockfile, (), self._lineage))
                if event is None:
                    return
                self._announced.append(event)
        except OSError as problem:
            raise self._unwritable(problem, self._folder) from None
        # It holds from here on. Where nobody is at work, it also goes into the lockfile now.
        with contextlib.suppress(BusyError, LockError), self.session():
            pass

    def _check_allowed(self) -> None:
        if self._refuse:
            raise LockError(
                self._refuse,
                where=self.where,
                not_done=NOTHING_DONE,
                hint="Say `lock: {store: worktree, ephemeral: allow}` in qflow.yaml if this "
                "machine and its files stay.",
                reason="lock_ephemeral",
            )

    def versions(self) -> Iterator[Version]:
        """Return the file: its earlier versions are git's, where they were committed."""
        content = self._bytes(self._path)
        if content is not None:
            yield Version(self.where, (), lambda: content)

    def signer(self, version: str, signers: str) -> str:
        """Raise UsageProblem: a file isn't signed."""
        del version, signers
        raise UsageProblem(
            "The lockfile is a file of the work tree, which has no signatures.",
            where="qflow.yaml",
            not_done="Nothing was checked.",
            hint="Leave out --signers, or keep the lockfile on a branch: `lock: {store: branch}`",
            reason="lock_unsigned",
        )

    @contextlib.contextmanager
    def _mutex(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._folder / "mutex", flags, 0o600)
        except OSError as problem:
            raise self._unwritable(problem, self._folder) from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
                raise BusyError(
                    "Another qflow-gitops is writing the lockfile "
                    f"({holder or 'unknown process'}).",
                    where=self.where,
                    not_done="Nothing was sent.",
                    hint="Wait for it to end; `qflow-gitops status` shows what it runs.",
                ) from None
            with contextlib.suppress(OSError):  # who holds it is only for people
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
            yield
        finally:
            os.close(descriptor)  # the kernel releases the flock, also after kill -9

    # --- reading ---------------------------------------------------------------------

    def _load(
        self, reader: Callable[[bytes, str], Lockfile]
    ) -> tuple[Lockfile | None, bytes | None]:
        """Return the lockfile with the journal on top, and the lockfile's own bytes."""
        content, copy = self._bytes(self._path), self._bytes(self._copy)
        lines = journal.read(self._journal)
        header = lines[0] if lines else None
        lockfile = self._read_by(reader, content)
        self._check_own({self._lineage, lockfile.lineage if lockfile else ""} - {""})
        if header is not None and header["sha256"] == _sha256(content):
            base = lockfile or Lockfile(header["lineage"], extra={})
            check_lineage(base, self._lineage, self.where)
            return journal.replayed(base, lines, self._journal), content
        if copy is not None and content != copy:
            self._refuse_other(lockfile, from_bytes(copy, str(self._copy)))
        if header is not None and content != copy:
            raise LockError(
                "An interrupted apply left a journal that belongs to another version of the "
                "lockfile.",
                where=str(self._journal),
                not_done=NOTHING_DONE,
                hint=self._restore(),
                reason="lock_journal",
            )
        # A journal whose session already wrote its result is spent: content is the copy.
        if lockfile is None:
            hint = f"Restore it: {self._in_git()}."
            check_presence(self._lineage, self.where, hint)
        if lockfile is not None:
            check_lineage(lockfile, self._lineage, self.where)
        return lockfile, content

    def _read_by(
        self, reader: Callable[[bytes, str], Lockfile], content: bytes | None
    ) -> Lockfile | None:
        """Read the lockfile; one that can't be read has a newest version somewhere."""
        try:
            return reader(content, self.where) if content is not None else None
        except LockError as problem:
            if problem.reason == "lock_broken":
                problem.hint = self._restore_any()
            raise

    def _in_git(self) -> str:
        """Say which commits have it; the newest of them isn't always the newest version."""
        path = shlex.quote(f":/{self.where}")
        return f"`git log --all --oneline --diff-filter=d -- {path}` shows the commits with it"

    def _restore_any(self) -> str:
        """Say where versions are, for one that can't be read: an older one is refused then."""
        if self._bytes(self._copy) is None:
            return f"Restore it: {self._in_git()}."
        return f"{self._in_git()}. Where none is newer than the one written here: {self._copied()}"

    def _refuse_other(self, found: Lockfile | None, newest: Lockfile) -> None:
        """Refuse a lockfile that isn't the newest one written here, unless it is newer."""
        if found is not None and found.lineage == newest.lineage and found.serial > newest.serial:
            return  # another clone went on, and its lockfile was pulled
        if found is None:
            said = f"The lockfile is gone; version {newest.serial} was written here"
        elif found.lineage != newest.lineage:
            said = f"The lockfile is of another lineage ({found.lineage}) than the one written here"
        elif found.serial < newest.serial:
            said = (
                f"The lockfile is version {found.serial}, older than version {newest.serial} "
                "written here"
            )
        else:
            said = f"The lockfile, version {found.serial}, was changed by something else"
        raise LockError(
            said + ": runs could be sent again.",
            where=self.where,
            not_done=NOTHING_DONE,
            hint=self._restore(),
            reason="lock_older",
        )

    def _restore(self) -> str:
        return f"Restore the newest version: {self._copied()}"

    def _copied(self) -> str:
        return f"`cp {shlex.quote(str(self._copy))} {shlex.quote(str(self._path))}`"

    def _bytes(self, path: Path) -> bytes | None:
        try:
            # no link: the next write would put a file in its place
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise LockError(
                f"The lockfile can't be read: {problem.strerror}.",
                where=str(path),
                not_done=NOTHING_DONE,
                hint=f"Put a plain file there that you may read: `ls -l {shlex.quote(str(path))}`",
                reason="lock_unreadable",
            ) from None

    def _unwritable(self, problem: OSError, path: Path) -> LockError:
        return LockError(
            f"The lockfile can't be written: {problem.strerror or problem}.",
            where=str(path),
            not_done=NOTHING_MORE,
            hint="Make room or fix the folder's rights, then run the command again.",
            reason="lock_unwritable",
        )


class WorktreeSession:
    """Implements `ports.lockfile.LockSession`: the lockfile while this process alone writes it."""

    alone = True  # the mutex says so
    batch_delay = 0.0

    def __init__(
        self, store: WorktreeStore, lockfile: Lockfile | None, content: bytes | None
    ) -> None:
        """Take over what the store has loaded under its mutex."""
        self._store = store
        self._content = content
        self.generation = 0
        self._owed: set[AttemptKey] = set()  # attempts whose answers are still to come
        self.created = lockfile is None
        self.lockfile = lockfile or Lockfile(store._lineage or secrets.token_hex(16))
        self._log: atomic.AppendLog | None = None
        first = next(atomic.read_lines(store._journal), None)
        self._left_over = first is not None and json.loads(first)["sha256"] == _sha256(content)
        if first is not None and not self._left_over:
            store._journal.unlink()  # spent: its session wrote its result before it died

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
        if opening and self.take_in():
            raise LostRace
        self._write(transitions, mark)

    def head(self) -> tuple[LedgerEvent, ...]:
        """Return the events of the head, with those that were announced. Raises LockError."""
        lockfile = self.lockfile
        return (*lockfile.notes, *self._store._announced.missing_in(lockfile))

    def take_in(self) -> bool:
        """Record what was announced for the head since; whether there was anything."""
        new = self._store._announced.missing_in(self.lockfile)
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
            raise self._store._unwritable(problem, self._store._journal) from None

    def _open(self) -> atomic.AppendLog:
        """Go on with the journal of an interrupted session, or begin one."""
        log = atomic.AppendLog(self._store._journal)
        if not self._left_over:
            header = {"sha256": _sha256(self._content), "lineage": self.lockfile.lineage}
            log.append([json.dumps(header).encode()])
        return log

    def close(self) -> None:
        """Write the lockfile if anything was recorded; the journal stays where that fails."""
        with contextlib.suppress(LockError):  # what was announced stays where it is, and holds
            self.take_in()
        if self._log is None and not self._left_over:
            self._store._announced.clear(self.lockfile)
            return
        if self._log is not None:
            self._log.close()
            self._log = None
        store = self._store
        written = replace(self.lockfile, serial=self.lockfile.serial + 1)
        content = to_bytes(written)
        try:
            atomic.replace(store._copy, content, mode=0o600)
            atomic.replace(store._path, content)
            store._journal.unlink(missing_ok=True)
            atomic.sync_folder(store._folder)
        except OSError as problem:
            raise LockError(
                f"The lockfile can't be written: {problem.strerror or problem}.",
                where=str(store._path),
                not_done="The lockfile is complete, but still in the journal of the git directory.",
                hint="Make room or fix the folder's rights; the next apply takes the journal in.",
                reason="lock_unwritable",
            ) from None
        self.lockfile, self._content, self._left_over = written, content, False
        store._announced.clear(written)


def _sha256(content: bytes | None) -> str:
    return hashlib.sha256(content).hexdigest() if content is not None else ""
