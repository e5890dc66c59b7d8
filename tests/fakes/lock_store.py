"""A place for the lockfile, with other processes that may be faster."""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

from qflow_gitops.errors import BusyError, LockError, UsageProblem
from qflow_gitops.lockfile.attempt import Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.pieces import files_of
from qflow_gitops.lockfile.places import check_open
from qflow_gitops.lockfile.rebasing import rebased
from qflow_gitops.lockfile.walk import GONE, PLAIN, Changed, Walk
from qflow_gitops.lockfile.worked import steps_of
from qflow_gitops.ports.lockfile import (
    Kept,
    LockAnchors,
    LostRace,
    Snapshot,
    Version,
)
from qflow_gitops.stores.checks import fits

Write = Callable[[Lockfile], Lockfile]
"""What another process makes of the lockfile."""


@dataclass
class LockPlace:
    """Where the versions lie, for all stores that share them; as bytes, as on a disk.

    `read` is `codec.from_bytes`, which takes most of a test's time where the same bytes are read
    again and again: what they say is a value, made once.

    `alone`: only one session may be open, as where the lockfile is a file. Otherwise several
    may, and whoever writes on top of an old version loses the race.
    """

    alone: bool = False
    versions: list[bytes] = field(default_factory=list)
    busy: bool = False
    gate: threading.RLock = field(default_factory=threading.RLock)
    read: Callable[[bytes, str], Lockfile] = field(
        default_factory=lambda: lru_cache(maxsize=100)(from_bytes)
    )

    def newest(self) -> Lockfile | None:
        return self.read(self.versions[-1], "qflow.lock") if self.versions else None

    def write(self, lockfile: Lockfile) -> Lockfile:
        written = replace(lockfile, serial=len(self.versions) + 1)
        self.versions.append(to_bytes(written))
        return written


class FakeLockStore:
    """Implements `ports.lockfile.LockStore`. Its knobs tell what else happens there.

    `meanwhile`: what other processes write, one before each write of a session. `unwritable`:
    what each write raises from now on, `unreadable` what each read does. `copied_at`: the place
    itself can't be asked, and this is the copy of that time.
    """

    where = "qflow.lock in memory"
    anchors: LockAnchors | None = None

    def __init__(
        self, place: LockPlace | None = None, *, lineage: str = "", lockfile: Lockfile | None = None
    ) -> None:
        self.place = place or LockPlace()
        self.lineage = lineage
        self.meanwhile: list[Write] = []
        self.unwritable: LockError | None = None
        self.unreadable: LockError | None = None
        self.copied_at = ""
        self.address = "host.example/runs"
        self.signed: dict[str, str] = {}
        self.batch_delay = 0.0
        if lockfile is not None:
            self.place.write(lockfile)

    @property
    def lockfile(self) -> Lockfile:
        """What stands there now, for a test to look at."""
        return self.place.newest() or Lockfile(self.lineage)

    def another_writes(self, write: Write) -> None:
        """Let another process write now."""
        with self.place.gate:
            self.place.write(write(self.place.newest() or Lockfile("lineage")))

    # --- ports.lockfile.LockStore ----------------------------------------------------

    def read(self, *, whole: bool = False) -> Snapshot:
        del whole
        kept = self.place.versions[-1:] if self.place.alone else self.place.versions
        versions = [("", self.place.read(each, "qflow.lock").environments) for each in kept]
        return Snapshot(
            self._checked(), self.where, self.copied_at, worked=lambda: steps_of(versions)
        )

    def at_hand(self) -> Lockfile | None:
        return self._checked()

    def _checked(self) -> Lockfile | None:
        if self.unreadable is not None:
            raise self.unreadable
        found = self.place.newest()
        if found is None and self.lineage:
            raise LockError("It is missing.", where=self.where, hint="?", reason="lock_missing")
        if found is not None and self.lineage not in ("", found.lineage):
            raise LockError("It is another's.", where=self.where, reason="lock_foreign")
        return found

    @contextmanager
    def session(self, *, moving: bool = False) -> Iterator["FakeLockSession"]:
        if self.copied_at:
            raise LockError("The remote is silent.", where=self.where, reason="lock_unreachable")
        if self.place.alone and self.place.busy:
            raise BusyError("Another process writes the lockfile.", where=self.where)
        found = self._checked()
        if found is not None and not moving:
            check_open(found, self.where)
        session = FakeLockSession(self, found, moving=moving)
        self.place.busy = True
        try:
            yield session
        finally:
            self.place.busy = False

    def announce(self, decide: Callable[[Lockfile], LedgerEvent | None]) -> None:
        if self.unwritable is not None:
            raise self.unwritable
        with self.place.gate:
            lockfile = self._checked() or Lockfile(self.lineage)
            check_open(lockfile, self.where)
            event = decide(lockfile)
            if event is not None:
                begun = replace(lockfile, lineage=lockfile.lineage or secrets.token_hex(16))
                self.place.write(begun.marked(Checkpoint(notes=(Note("", "", event),))))

    def kept(self) -> Kept:
        return Kept(self._versions(), self._newest)

    def _versions(self) -> Iterator[Version]:
        before: tuple[str, ...] = ()
        walk, files = Walk(owners=True, fits=fits), dict[str, bytes]()
        for number, content in enumerate(list(self.place.versions), 1):
            problems: list[str] = []
            try:
                now = files_of(self.place.read(content, "qflow.lock"))
                problems += walk.step(
                    Changed(path, PLAIN if path in now else GONE, files.get(path), now.get(path))
                    for path in sorted({*files, *now})
                    if files.get(path) != now.get(path)
                )
                files = now
            except LockError as problem:
                problems.append(problem.message)
            if self.lineage and walk.head and walk.head.lineage != self.lineage:
                problems.append(f"Its lineage is {walk.head.lineage}, not {self.lineage}.")
            yield Version(f"{number:040x}", before, tuple(problems))
            before = (f"{number:040x}",)

    def _newest(self) -> Lockfile | None:
        for content in reversed(self.place.versions):
            with suppress(LockError):
                return self.place.read(content, "qflow.lock")
        return None

    def check_memory(self) -> None:
        self._checked()

    def signer(self, version: str, signers: str) -> str:
        if not self.signed:
            raise UsageProblem("Nothing is signed here.", reason="lock_unsigned")
        return self.signed.get(version, "")


class FakeLockSession:
    """Implements `ports.lockfile.LockSession`."""

    commit = ""

    def __init__(self, store: FakeLockStore, lockfile: Lockfile | None, *, moving: bool) -> None:
        self._store = store
        self._moving = moving
        self._place = store.place
        self._base = len(self._place.versions)
        self.created = lockfile is None
        self.lockfile = lockfile or Lockfile(secrets.token_hex(16))
        self.alone = self._place.alone
        self.batch_delay = store.batch_delay
        self.generation = 0
        self.writes: list[tuple[Sequence[Transition], Checkpoint | None]] = []

    def head(self) -> tuple[LedgerEvent, ...]:
        if self._store.unreadable is not None:
            raise self._store.unreadable
        newest = self._place.newest() if self.alone else self.lockfile
        return newest.notes if newest else ()

    def record(
        self,
        transitions: Sequence[Transition],
        mark: Checkpoint | None = None,
        *,
        exact: bool = False,
    ) -> None:
        if not transitions and mark is None:
            return
        if self._store.unwritable is not None:
            raise self._store.unwritable
        if self._store.meanwhile:
            self._store.another_writes(self._store.meanwhile.pop(0))
        with self._place.gate:
            opens = any(transition.opens is not None for transition in transitions)
            newer = self._take_in()
            if not self._moving:
                check_open(self.lockfile, self._store.where)
            if newer and (opens or mark is not None or exact):
                raise LostRace
            new = _on_top(self.lockfile, transitions)
            new = new if mark is None else new.marked(mark)
            if new != self.lockfile:
                self.lockfile = self._place.write(new)
                self._base = len(self._place.versions)
                self.writes.append((transitions, mark))

    def adopt(self, lockfile: Lockfile) -> None:
        if self._store.unwritable is not None:
            raise self._store.unwritable
        with self._place.gate:
            if self._take_in():
                raise LostRace
            self.lockfile = self._place.write(lockfile)
            self._base = len(self._place.versions)

    def _take_in(self) -> bool:
        """Read again what others wrote since; whether they did."""
        newest = self._place.newest()
        if len(self._place.versions) == self._base or newest is None:
            return False
        self.lockfile, self._base = newest, len(self._place.versions)
        self.generation += 1
        return True


def _on_top(lockfile: Lockfile, transitions: Sequence[Transition]) -> Lockfile:
    for transition in transitions:
        opens = transition.opens is not None
        moved = transition if opens else rebased(lockfile, transition)
        lockfile = lockfile if moved is None else lockfile.recorded([moved])
    return lockfile
