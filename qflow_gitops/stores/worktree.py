"""The lockfile as a file of the work tree, for one person on one machine.

Five files keep it honest. In the work tree: `qflow.lock`. In the git directory that all
work trees share, in a folder for each project (`memories`): `mutex` (an flock; one writer at a
time), `journal` (what the running session recorded, durable line by line), `written.lock`
(a copy of the newest version ever written, against a checkout that brings back an older one),
and `announced` (what comes to the head while somebody else has the mutex).

`worktree_files` reads them, `worktree_session` writes them. Whatever a crash leaves, the next
reader finds the whole record again.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.base.paths import LOCK_FILE
from qflow_gitops.errors import BusyError, LockError, UsageProblem
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.lockfile.places import check_open
from qflow_gitops.lockfile.worked import steps_of
from qflow_gitops.ports.lockfile import Kept, LockAnchors, Snapshot, Version
from qflow_gitops.stores.announced import Announced, laid_on
from qflow_gitops.stores.checks import NOTHING_DONE, check_lineage, fits
from qflow_gitops.stores.worktree_files import WorktreeFiles, unwritable
from qflow_gitops.stores.worktree_session import WorktreeSession

_AS_IT_STANDS = (
    "The lockfile in the work tree was checked as it stands; of one on a branch, each version is."
)


class WorktreeStore:
    """Implements `ports.lockfile.LockStore` for one work tree."""

    anchors: LockAnchors | None = None

    def __init__(
        self,
        lockfile: Path,
        folder: Path,
        *,
        lineage: str,
        refuse: str = "",
        stays: bool = False,
        reader: Callable[[bytes, str], Lockfile] = from_bytes,
        where: str = LOCK_FILE,
        check_own: Callable[[set[str]], None] = lambda _lineages: None,
        address: Callable[[], str] = lambda: "",
    ) -> None:
        """Take the lockfile's path, the private folder's, and the lineage that settings pin.

        `refuse` is why this store may not be written here ("" where it may), `stays` whether the
        machine says that its files may outlive the job. `reader` reads the lockfile where nothing
        is to be written; a session always reads all of it. `where` is the lockfile's path from the
        root. `check_own` raises LockError where the memory of a lockfile with these lineages may
        be another project's. `address` says where the clone pushes to.
        """
        self._address = address
        self._reader = reader
        self._refuse = refuse
        self._stays = stays
        self._files = WorktreeFiles(
            lockfile, folder, lineage=lineage, where=where, check_own=check_own
        )
        self._announced = Announced(folder, where)

    @property
    def where(self) -> str:
        """The lockfile's path from the repository's root, for people."""
        return self._files.where

    @property
    def address(self) -> str:
        """Where the clone pushes to, "" for nowhere."""
        return self._address()

    def read(self, *, whole: bool = False) -> Snapshot:
        """Return the lockfile as it stands, a session that is under way included."""
        reader = from_bytes if whole else self._reader
        for _ in range(5):
            with contextlib.suppress(LockError):
                return self._seen(reader)
            time.sleep(0.05)  # a session may just be ending: lockfile and copy change in turn
        return self._seen(reader)

    def _seen(self, reader: Callable[[bytes, str], Lockfile]) -> Snapshot:
        waiting = self._announced.read()  # first: what leaves it meanwhile is in what comes after
        lockfile, _ = self._files.load(reader)
        if waiting:
            lockfile = laid_on(lockfile, waiting, self._files.lineage)
        now = [("", lockfile.environments)] if lockfile else []
        return Snapshot(lockfile, self.where, worked=lambda: steps_of(now))

    def at_hand(self) -> Lockfile | None:
        """Return the lockfile as it stands."""
        return self.read().lockfile

    @contextlib.contextmanager
    def session(self, *, moving: bool = False) -> Iterator[WorktreeSession]:
        """Take the lockfile for writing; what an interrupted session left is taken in first."""
        self._check_allowed()
        with self._mutex():
            atomic.sweep(self._files.lockfile)
            atomic.sweep(self._files.copy)
            lockfile, content = self._files.load(from_bytes)
            if lockfile and not moving:
                check_open(lockfile, self.where)
            session = WorktreeSession(self._files, self._announced, lockfile, content)
            try:
                session.take_in()
                yield session
            finally:
                session.close()

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        """Add an event to the head, waiting for nobody's session (`ports.lockfile.LockStore`)."""
        self._check_allowed()
        try:
            self._files.folder.mkdir(parents=True, exist_ok=True)
            with self._announced.alone():
                lockfile = laid_on(self.read().lockfile, (), self._files.lineage)
                check_open(lockfile, self.where)
                event = decide(lockfile)
                if event is None:
                    return
                self._announced.append(event)
        except OSError as problem:
            raise unwritable(problem, self._files.folder) from None
        # It holds from here on. Where nobody is at work, it also goes into the lockfile now.
        with contextlib.suppress(BusyError, LockError), self.session():
            pass

    def _check_allowed(self) -> None:
        if self._refuse:
            raise LockError(
                self._refuse,
                where=self.where,
                not_done=NOTHING_DONE,
                hint=where_it_stays(here=self._stays),
                reason="lock_ephemeral",
            )

    def kept(self) -> Kept:
        """Return the file as it stands: its earlier versions are git's, if they were committed."""
        content = self._files.content()
        if content is None:
            return Kept(iter(()), lambda: None)
        lockfile: Lockfile | None = None
        problems: tuple[str, ...] = ()
        try:
            lockfile = self._files.read_by(from_bytes, content)
            check_lineage(lockfile, self._files.lineage, self.where)
            if not fits(json.loads(content)):
                problems = ("It doesn't satisfy the lockfile's JSON Schema.",)
        except LockError as problem:
            problems = (f"{problem.message} {problem.hint}".strip(),)
        return Kept(iter([Version(self.where, (), problems)]), lambda: lockfile, (_AS_IT_STANDS,))

    def check_memory(self) -> None:
        """Raise LockError where a newer version was written here than the one that is there."""
        self.read()

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
            self._files.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._files.folder / "mutex", flags, 0o600)
        except OSError as problem:
            raise unwritable(problem, self._files.folder) from None
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


def where_it_stays(*, here: bool) -> str:
    """Say where a CI can keep the lockfile; in the work tree only where that may outlive a job."""
    branch = (
        "Keep it on a branch: `qflow-gitops lock move --to branch` on the machine that has it "
        "(on any, where nothing was applied yet), then commit and push."
    )
    if not here:
        return branch
    allow = "Only if this machine and its files stay: `lock: {store: worktree, ephemeral: allow}`"
    return f"{branch} {allow}"
