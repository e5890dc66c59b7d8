"""The files of a lockfile in a work tree: where they are, what they hold, which version counts.

A lockfile that isn't the newest one written here is refused, with the command that restores it.
"""

import hashlib
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from qflow_gitops.errors import NOTHING_MORE, LockError
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.stores import journal
from qflow_gitops.stores.checks import NOTHING_DONE, check_lineage, check_presence
from qflow_gitops.stores.memories import COPY, JOURNAL


class WorktreeFiles:
    """The lockfile, and beside it the journal and the copy of its newest version."""

    def __init__(
        self,
        lockfile: Path,
        folder: Path,
        *,
        lineage: str,
        where: str,
        check_own: Callable[[set[str]], None],
    ) -> None:
        """Take what `WorktreeStore` takes."""
        self.lockfile = lockfile
        self.folder = folder
        self.journal = folder / JOURNAL
        self.copy = folder / COPY
        self.lineage = lineage
        self.where = where
        self._check_own = check_own

    def content(self) -> bytes | None:
        """Return the lockfile's bytes, None where there is none. Raises LockError."""
        return _bytes(self.lockfile)

    def load(
        self, reader: Callable[[bytes, str], Lockfile]
    ) -> tuple[Lockfile | None, bytes | None]:
        """Return the lockfile with the journal on top, and the lockfile's own bytes."""
        content, copy = self.content(), _bytes(self.copy)
        lines = journal.read(self.journal)
        header = lines[0] if lines else None
        lockfile = self.read_by(reader, content) if content is not None else None
        self._check_own({self.lineage, lockfile.lineage if lockfile else ""} - {""})
        if header is not None and header["sha256"] == sha256_of(content):
            base = lockfile or Lockfile(header["lineage"], extra={})
            check_lineage(base, self.lineage, self.where)
            return journal.replayed(base, lines, self.journal), content
        if copy is not None and content != copy:
            self._refuse_other(lockfile, from_bytes(copy, str(self.copy)))
        if header is not None and content != copy:
            raise LockError(
                "An interrupted apply left a journal that belongs to another version of the "
                "lockfile.",
                where=str(self.journal),
                not_done=NOTHING_DONE,
                hint=self._restore(),
                reason="lock_journal",
            )
        # A journal whose session already wrote its result is spent: content is the copy.
        if lockfile is None:
            hint = f"Restore it: {self._in_git()}."
            check_presence(self.lineage, self.where, hint)
        if lockfile is not None:
            check_lineage(lockfile, self.lineage, self.where)
        return lockfile, content

    def read_by(self, reader: Callable[[bytes, str], Lockfile], content: bytes) -> Lockfile:
        """Read the lockfile; LockError says of one that can't be read where other versions are."""
        try:
            return reader(content, self.where)
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
        if _bytes(self.copy) is None:
            return f"Restore it: {self._in_git()}."
        return f"{self._in_git()}. Where none is newer than the one written here: {self._copied()}"

    def _refuse_other(self, found: Lockfile | None, newest: Lockfile) -> None:
        """Refuse a lockfile that isn't the newest one written here, unless it is newer."""
        if found is not None and found.lineage == newest.lineage and found.serial > newest.serial:
            return  # another clone went on, and its lockfile was pulled
        if found is None:
            what = f"The lockfile is gone; version {newest.serial} was written here"
        elif found.lineage != newest.lineage:
            what = f"The lockfile is of another lineage ({found.lineage}) than the one written here"
        elif found.serial < newest.serial:
            what = (
                f"The lockfile is version {found.serial}, older than version {newest.serial} "
                "written here"
            )
        else:
            what = f"The lockfile, version {found.serial}, was changed by something else"
        raise LockError(
            what + ": runs could be sent again.",
            where=self.where,
            not_done=NOTHING_DONE,
            hint=self._restore(),
            reason="lock_older",
        )

    def _restore(self) -> str:
        return f"Restore the newest version: {self._copied()}"

    def _copied(self) -> str:
        return f"`cp {shlex.quote(str(self.copy))} {shlex.quote(str(self.lockfile))}`"


def _bytes(path: Path) -> bytes | None:
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


def unwritable(problem: OSError, path: Path) -> LockError:
    """Return what is raised where one of the files can't be written."""
    return LockError(
        f"The lockfile can't be written: {problem.strerror or problem}.",
        where=str(path),
        not_done=NOTHING_MORE,
        hint="Make room or fix the folder's rights, then run the command again.",
        reason="lock_unwritable",
    )


def sha256_of(content: bytes | None) -> str:
    """Return what a journal names its lockfile by, "" for none."""
    return hashlib.sha256(content).hexdigest() if content is not None else ""
