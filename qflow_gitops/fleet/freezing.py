"""Freeze a fleet, or lift that: no member is begun as long as fleet.lock says so."""

import secrets
from collections.abc import Callable, Mapping
from typing import Protocol

from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile.fleet import FLEET_LOCK, FleetRecord
from qflow_gitops.lockfile.freezes import UNFREEZE_FLEET, recorded
from qflow_gitops.lockfile.notes import FROZEN, UNFROZEN, LedgerEvent
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.fleet import FleetStore
from qflow_gitops.results.records import Standstill
from qflow_gitops.results.report import Report
from qflow_gitops.sources.reasons import encodable, given


class Brakes(Protocol):
    """What a freeze needs. It is no fleet.yaml: that may be what is broken."""

    @property
    def store(self) -> FleetStore:
        """Where fleet.lock is."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def author(self) -> Mapping[str, str]:
        """Who says so, as in the lockfile."""


def freeze(reason: str, brakes: Brakes) -> Report:
    """Hold every member, in a fleet's apply that runs too; a member that was begun goes on.

    Where it is frozen for this very reason nothing is written. Raises UsageProblem, LockError.
    """
    said = given(reason, "Nothing was frozen.", FLEET_LOCK)

    def is_wanted(record: FleetRecord) -> bool:
        return said not in {event.text("reason") for event in record.freezes}

    return _written("fleet freeze", FROZEN, said, is_wanted, brakes)


def unfreeze(reason: str, brakes: Brakes) -> Report:
    """Lift every freeze of fleet.lock. Raises UsageProblem, LockError."""
    said = given(reason, "It is as frozen as it was.", FLEET_LOCK)
    return _written("fleet unfreeze", UNFROZEN, said, lambda record: bool(record.freezes), brakes)


def _written(
    command: str,
    what: str,
    reason: str,
    is_wanted: Callable[[FleetRecord], bool],
    brakes: Brakes,
) -> Report:
    before = FleetRecord()

    def decided(record: FleetRecord) -> FleetRecord | None:
        nonlocal before
        before = record
        if not is_wanted(record):
            return None
        by = {name: encodable(who) for name, who in brakes.author.items()}
        extra = {"reason": reason, "by": by, "nonce": secrets.token_hex(16)}
        return record.frozen(LedgerEvent(stamp(brakes.clock.now()), what, extra))

    written = brakes.store.change(decided)
    holding = (written or before).freezes
    body = Standstill(
        brakes.store.where,
        recorded(holding, UNFREEZE_FLEET),
        written=written is not None,
        lifted=recorded(each for each in before.freezes if each not in holding),
        of_fleet=True,
    )
    return Report(command, body=body)
