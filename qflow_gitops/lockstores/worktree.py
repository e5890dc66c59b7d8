"""The lockfile as a file of the work tree, for one person on one machine.

Four files keep it honest. In the work tree: `qflow.lock`. In the git directory that all
work trees share, in a folder for each project (`memories`): `mutex` (an flock; one writer at a
time), `journal` (what the running session recorded, durable line by line), and `written.lock`
(a copy of the newest version ever written, against a checkout that brings back an older one).

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
from typing import Any

from qflow_gitops import files
from qflow_gitops.errors import NOTHING_MORE, BusyError, LockError, UsageProblem
from qflow_gitops.filenames import LOCK_FILE
from qflow_gitops.interfaces import Snapshot, Version
from qflow_gitops.lockfile import Lockfile, Transition
from qflow_gitops.lockformat import from_bytes, to_bytes, transition_from_json, transition_to_json
from qflow_gitops.lockstores.memories import COPY, JOURNAL
from qflow_gitops.lockstores.trust import NOTHING_DONE, check_lineage, check_presence
from qflow_gitops.notes import Mark, note_from_json, note_to_json

_ROOM_FOR_AN_ANSWER = 2048  # bytes of journal for each attempt that is about to be sent


class WorktreeStore:
    """Implements `interfaces.LockStore` for one work tree."""

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

    @property
    def where(self) -> str:
        """The lockfile's path from the repository's root, for people."""
        return self._where

    def read(self) -> Snapshot:
        """Give the record as it stands, a session that is under way included."""
        for _ in range(5):
            with contextlib.suppress(LockError):
                return Snapshot(self._load(self._reader)[0], self.where)
            time.sleep(0.05)  # a session may just be ending: lockfile and copy change in turn
        return Snapshot(self._load(self._reader)[0], self.where)

    def at_hand(self) -> Lockfile | None:
        """Give the record as it stands."""
        return self.read().lockfile

    @contextlib.contextmanager
    def session(self) -> Iterator["WorktreeSession"]:
        """Take the record for writing; what an interrupted session left is taken in first."""
        if self._refuse:
            raise LockError(
                self._refuse,
                where=self.where,
                not_done=NOTHING_DONE,
                hint="Say `lock: {store: worktree, ephemeral: allow}` in qflow.yaml if this "
                "machine and its files stay.",
                reason="lock_ephemeral",
            )
        with self._mutex():
            files.sweep(self._path)
            files.sweep(self._copy)
            lockfile, content = self._load(from_bytes)
            session = WorktreeSession(self, lockfile, content)
            try:
                yield session
            finally:
                session.close()

    def versions(self) -> Iterator[Version]:
        """Give the file: its earlier versions are git's, where they were committed."""
        content = self._bytes(self._path)
        if content is not None:
            yield Version(self.where, (), lambda: content)

    def signer(self, version: str, signers: str) -> str:
        """Raise UsageProblem: a file isn't signed."""
        del version, signers
        raise UsageProblem(
            "The record is a file of the work tree, which has no signatures.",
            where="qflow.yaml",
            not_done="Nothing was checked.",
            hint="Leave out --signers, or keep the record on a branch: lock: {store: branch}",
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
                    f"Another qflow-gitops is writing the record ({holder or 'unknown process'}).",
                    where=self.where,
                    not_done="Nothing was sent.",
                    hint="Wait for it to end; what it runs is in: qflow-gitops status",
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
        """Give the record with the journal on top, and the lockfile's own bytes."""
        content, copy = self._bytes(self._path), self._bytes(self._copy)
        lines = self._lines()
        header = lines[0] if lines else None
        lockfile = reader(content, self.where) if content is not None else None
        self._check_own({self._lineage, lockfile.lineage if lockfile else ""} - {""})
        if header is not None and header["sha256"] == _sha256(content):
            base = lockfile or Lockfile(header["lineage"], extra={})
            check_lineage(base, self._lineage, self.where)
            return self._replayed(base, lines[1:]), content
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
            git = "git" if self.where == self._path.name else f"git -C {self._path.parent}"
            hint = f"Bring it back: {git} checkout HEAD -- {self._path.name}"
            check_presence(self._lineage, self.where, hint)
        if lockfile is not None:
            check_lineage(lockfile, self._lineage, self.where)
        return lockfile, content

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
        return (
            "Bring the newest version back: "
            f"cp {shlex.quote(str(self._copy))} {shlex.quote(str(self._path))}"
        )

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
                hint=f"Put a plain file there that you may read: ls -l {shlex.quote(str(path))}",
                reason="lock_unreadable",
            ) from None

    def _lines(self) -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in files.read_lines(self._journal)]
        except (ValueError, OSError) as problem:
            raise self._bad_journal(problem) from None

    def _replayed(self, base: Lockfile, lines: Sequence[dict[str, Any]]) -> Lockfile:
        try:
            for line in lines:
                if "mark" in line:
                    notes = tuple(map(note_from_json, line["notes"]))
                    mark = Mark(line["mark"], line["latest"], line["appliedThrough"], notes)
                    base = base.marked(mark)
                else:
                    base = base.recorded([transition_from_json(line)])
        except (KeyError, TypeError, ValueError) as problem:
            raise self._bad_journal(problem) from None
        return base

    def _bad_journal(self, problem: Exception) -> LockError:
        return LockError(
            f"The journal of an interrupted apply can't be read: {problem}.",
            where=str(self._journal),
            not_done=NOTHING_DONE,
            hint="Keep the file and report it: it holds the record of what was sent.",
            reason="lock_journal",
        )

    def _unwritable(self, problem: OSError, path: Path) -> LockError:
        return LockError(
            f"The record can't be written: {problem.strerror or problem}.",
            where=str(path),
            not_done=NOTHING_MORE,
            hint="Make room or mend the folder's rights, then run the command again.",
            reason="lock_unwritable",
        )


class WorktreeSession:
    """Implements `interfaces.LockSession`: the record while this process alone writes it."""

    alone = True  # the mutex says so
    gather = 0.0
    generation = 0  # and so nobody else's writes are ever taken in

    def __init__(
        self, store: WorktreeStore, lockfile: Lockfile | None, content: bytes | None
    ) -> None:
        """Take over what the store has loaded under its mutex."""
        self._store = store
        self._content = content
        self.created = lockfile is None
        self.lockfile = lockfile or Lockfile(store._lineage or secrets.token_hex(16))
        self._log: files.AppendLog | None = None
        first = next(files.read_lines(store._journal), None)
        self._left_over = first is not None and json.loads(first)["sha256"] == _sha256(content)
        if first is not None and not self._left_over:
            store._journal.unlink()  # spent: its session wrote its result before it died

    def record(
        self, transitions: Sequence[Transition], mark: Mark | None = None, *, exact: bool = False
    ) -> None:
        """Make all of it durable, or nothing; LockError where that fails."""
        del exact  # nobody else writes
        if not transitions and mark is None:
            return
        changed = self.lockfile.recorded(transitions)
        lines = [transition_to_json(one) for one in transitions]
        if mark is not None:
            changed = changed.marked(mark)
            lines.append(
                {
                    "mark": mark.environment,
                    "latest": mark.latest,
                    "appliedThrough": mark.applied_through,
                    "notes": [*map(note_to_json, mark.notes)],
                }
            )
        opened = sum(one.opens is not None for one in transitions)
        self._append(lines, _ROOM_FOR_AN_ANSWER * opened)
        self.lockfile = changed

    def _append(self, lines: list[dict[str, Any]], reserve: int) -> None:
        try:
            if self._log is None:
                self._log = self._open()
            encoded = [json.dumps(line, ensure_ascii=False).encode() for line in lines]
            self._log.append(encoded, reserve=reserve)
        except OSError as problem:
            raise self._store._unwritable(problem, self._store._journal) from None

    def _open(self) -> files.AppendLog:
        """Go on with the journal of an interrupted session, or begin one."""
        log = files.AppendLog(self._store._journal)
        if not self._left_over:
            header = {"sha256": _sha256(self._content), "lineage": self.lockfile.lineage}
            log.append([json.dumps(header).encode()])
        return log

    def close(self) -> None:
        """Write the lockfile if anything was recorded; the journal stays where that fails."""
        if self._log is None and not self._left_over:
            return
        if self._log is not None:
            self._log.close()
            self._log = None
        store = self._store
        written = replace(self.lockfile, serial=self.lockfile.serial + 1)
        content = to_bytes(written)
        try:
            files.replace(store._copy, content, mode=0o600)
            files.replace(store._path, content)
            store._journal.unlink(missing_ok=True)
            files.sync_folder(store._folder)
        except OSError as problem:
            raise LockError(
                f"The lockfile can't be written: {problem.strerror or problem}.",
                where=str(store._path),
                not_done="The record is complete, but still in the journal of the git directory.",
                hint="Make room or mend the folder's rights; the next apply takes the journal in.",
                reason="lock_unwritable",
            ) from None
        self.lockfile, self._content, self._left_over = written, content, False


def _sha256(content: bytes | None) -> str:
    return hashlib.sha256(content).hexdigest() if content is not None else ""
