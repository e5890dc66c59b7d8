"""Events of the head that wait for whoever writes the lockfile of a work tree to take them in.

One writer at a time has the mutex, an apply perhaps for an hour; a freeze can't wait for that.
So it is a line of a file of its own, `announced`, durable before the command says so. It counts
from then on: readers lay the lines on top of the lockfile, and the session takes them into it.
A line is only removed once the lockfile has its event, so a crash may leave it in both places;
its nonce tells that it is the same event.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from qflow_gitops.base import atomic, flocks
from qflow_gitops.errors import AGAIN, BusyError, LockError
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, from_json, to_json
from qflow_gitops.stores.checks import NOTHING_DONE
from qflow_gitops.stores.memories import ANNOUNCED

PATIENCE = 10.0
"""Seconds that one who announces waits for another, who takes some milliseconds for it."""


class Announced:
    """The file in a private folder. `where` names the lockfile, for people."""

    def __init__(self, folder: Path, where: str) -> None:
        """Take the folder; it need not be there yet."""
        self._file = folder / ANNOUNCED
        self._gate = folder / "announcing"
        self._where = where

    def missing_in(self, lockfile: Lockfile) -> tuple[LedgerEvent, ...]:
        """Return the events that this lockfile doesn't have, oldest first. Raises LockError."""
        return _missing(self.read(), lockfile)

    def read(self) -> tuple[LedgerEvent, ...]:
        """Return every event that stands in the file. Raises LockError."""
        try:
            return tuple(_event(line) for line in atomic.read_lines(self._file))
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as problem:
            raise LockError(
                f"What was announced for the lockfile can't be read: {problem}.",
                where=str(self._file),
                not_done=NOTHING_DONE,
                hint="It holds freezes that the lockfile doesn't have yet. Look at it, move it "
                "away, and say again what is to hold: `qflow-gitops freeze --reason TEXT`",
                reason="lock_announced",
            ) from None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from announcing, and what was announced from being removed.

        Raises BusyError where another process doesn't end with it, OSError.
        """
        with flocks.entered(self._gate, lambda: PATIENCE) as entered:
            if entered is None:
                raise BusyError(
                    "Another qflow-gitops freezes or unfreezes, and doesn't come to an end.",
                    where=self._where,
                    not_done="Nothing was written.",
                    hint=f"See whether one hangs (`ps`), end it, and run it again: `{AGAIN}`",
                )
            yield

    def append(self, event: LedgerEvent) -> None:
        """Add an event, durably, or nothing; only while `alone`. Raises OSError."""
        log = atomic.AppendLog(self._file)
        try:
            log.append([json.dumps(to_json(event), ensure_ascii=False).encode()])
        finally:
            log.close()

    def clear(self, lockfile: Lockfile) -> None:
        """Remove the file if this lockfile, which was written, has all of it and nobody is at it.

        What stays does no harm: the next session tries again.
        """
        with contextlib.suppress(OSError, LockError):
            if not self._file.exists():
                return
            with flocks.entered(self._gate, lambda: 0.0) as entered:
                if entered is not None and not self.missing_in(lockfile):
                    self._file.unlink()
                    atomic.sync_folder(self._file.parent)


def _event(line: bytes) -> LedgerEvent:
    event = from_json(json.loads(line))
    if not event.text("nonce"):
        raise ValueError("an event has no nonce")
    return event


def laid_on(lockfile: Lockfile | None, events: tuple[LedgerEvent, ...], lineage: str) -> Lockfile:
    """Return a lockfile with the events that it lacks; one of this lineage where there is none."""
    known = lockfile or Lockfile(lineage)
    return replace(known, notes=(*known.notes, *_missing(events, known)))


def _missing(events: tuple[LedgerEvent, ...], lockfile: Lockfile) -> tuple[LedgerEvent, ...]:
    known = {event.text("nonce") for event in lockfile.notes}
    return tuple(event for event in events if event.text("nonce") not in known)
