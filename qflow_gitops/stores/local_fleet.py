"""`fleet.lock` as a file of the git directory, for a fleet repository without a remote."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qflow_gitops.base import atomic, flocks
from qflow_gitops.errors import AGAIN, BusyError, LockError
from qflow_gitops.lockfile.fleet import FLEET_LOCK, FleetRecord
from qflow_gitops.lockfile.fleet_codec import from_bytes, to_bytes
from qflow_gitops.stores.checks import NOTHING_DONE

PATIENCE = 10.0
"""Seconds that a writer waits for another, who takes some milliseconds for it."""


class LocalFleetStore:
    """Implements `ports.fleet.FleetStore`: one writer at a time, a file replaced whole."""

    def __init__(self, folder: Path, *, patience: float = PATIENCE) -> None:
        """Take a folder of the git directory; it need not be there yet."""
        self._file = folder / FLEET_LOCK
        self._gate = folder / "fleet.mutex"
        self._patience = patience

    @property
    def where(self) -> str:
        """The file's path."""
        return str(self._file)

    def read(self) -> FleetRecord:
        """Return the record as it stands."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return FleetRecord()
        except OSError as problem:
            raise LockError(
                f"The file fleet.lock can't be read: {problem.strerror or problem}.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"Put a plain file there that you may read: `ls -l {_quoted(self._file)}`",
                reason="fleet_unreadable",
            ) from None
        try:
            return from_bytes(content, self.where)
        except LockError as problem:
            if problem.reason == "fleet_broken":
                aside = self._file.with_name("fleet.lock.broken")
                problem.hint = (
                    "Move it away, and the next apply makes a new one; what was released or "
                    "frozen has to be said again: "
                    f"`mv {_quoted(self._file)} {_quoted(aside)}`"
                )
            raise

    def change(self, decide: Callable[[FleetRecord], FleetRecord | None]) -> FleetRecord | None:
        """Write what is decided, while nobody else does; see `ports.fleet.FleetStore`."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with flocks.entered(self._gate, lambda: self._patience) as entered:
                if entered is None:
                    raise BusyError(
                        "Another qflow-gitops writes fleet.lock, and doesn't come to an end.",
                        where=self.where,
                        not_done="Nothing was written.",
                        hint=f"See whether one hangs (`ps`), end it, and run it again: `{AGAIN}`",
                    )
                return self._changed(decide)
        except OSError as problem:
            raise LockError(
                f"The file fleet.lock can't be written: {problem.strerror or problem}.",
                where=self.where,
                not_done="Nothing was written to it.",
                hint="Make room or fix the folder's rights, then run the command again.",
                reason="fleet_unwritable",
            ) from None

    def _changed(self, decide: Callable[[FleetRecord], FleetRecord | None]) -> FleetRecord | None:
        before = self.read()
        new = decide(before)
        if new is None or new == before:
            return None
        content = to_bytes(replace(new, serial=before.serial + 1))
        written = from_bytes(content, self.where)  # what couldn't be read again isn't written
        atomic.sweep(self._file)
        atomic.replace(self._file, content)
        return written


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
