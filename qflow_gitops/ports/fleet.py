"""What is needed of the place where `fleet.lock` lives."""

from collections.abc import Callable
from typing import Protocol

from qflow_gitops.lockfile.fleet import FleetRecord


class FleetStore(Protocol):
    """Where `fleet.lock` lives. Each method raises LockError for what can't be trusted."""

    @property
    def where(self) -> str:
        """Where it lives, for people."""

    def read(self) -> FleetRecord:
        """Return the newest record; of serial 0 where there is none."""

    def change(self, decide: Callable[[FleetRecord], FleetRecord | None]) -> FleetRecord | None:
        """Write what `decide` makes of the newest record; durable when this returns.

        It is asked anew whenever another process wrote first, so it must do nothing else; it may
        raise. The serial is the store's business. Returns what was written; None where `decide`
        gave None, or what is there already. Raises LockError, BusyError.
        """
