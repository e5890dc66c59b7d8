"""Freeze everything, or lift that again: events of the lockfile's head, seen by every apply."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import LockError, StaleError, UsageProblem
from qflow_gitops.lockfile.freezes import Freeze, describe, recorded
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import FROZEN, UNFROZEN, LedgerEvent, freezes_of
from qflow_gitops.lockfile.places import is_known, unknown_at
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.records import Standstill
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lockseen import beginning
from qflow_gitops.sources.policies import check_record
from qflow_gitops.sources.reasons import encodable, given


@dataclass(frozen=True, slots=True)
class FreezeServices:
    """What it needs from outside. `others` are the freezes beside the lockfile's."""

    git: Repository
    project: Project
    store: LockStore
    clock: Clock
    author: Mapping[str, str]
    others: tuple[Freeze, ...] = ()


def freeze(reason: str, services: FreezeServices) -> Report:
    """Hold every due run from now on, in each apply that runs too.

    Where it is frozen for this very reason nothing is written; another reason is a further
    freeze. Raises UsageProblem, LockError, BusyError.
    """
    asked = given(reason, "Nothing was frozen.")

    def wanted(lockfile: Lockfile) -> bool:
        _check_place(lockfile, services)
        return asked not in {event.text("reason") for event in lockfile.freezes}

    return _announced("freeze", FROZEN, asked, wanted, services)


def unfreeze(reason: str, services: FreezeServices) -> Report:
    """Lift every freeze of the lockfile that there was when this began.

    Raises UsageProblem, LockError, BusyError, and StaleError where another one came meanwhile:
    nobody has said of that one that it is over.
    """
    known: list[LedgerEvent] = []

    def wanted(lockfile: Lockfile) -> bool:
        known.extend(() if known else lockfile.freezes)
        more = [event for event in lockfile.freezes if event not in known]
        if more:
            raise StaleError(
                f"It was frozen once more meanwhile: {describe(recorded(more))}.",
                where=services.store.where,
                not_done="Nothing was lifted.",
                hint="If that is over, too: `qflow-gitops unfreeze --reason TEXT`",
                reason="frozen_again",
            )
        return bool(known)

    asked = given(reason, "It is as frozen as it was.")
    return _announced("unfreeze", UNFROZEN, asked, wanted, services)


_NOT_DONE = {
    FROZEN: "It is not frozen by this: an apply that runs goes on.",
    UNFROZEN: "It is as frozen as it was.",
}


def _announced(
    command: str,
    what: str,
    reason: str,
    wanted: Callable[[Lockfile], bool],
    services: FreezeServices,
) -> Report:
    """Write the event to the head if it is wanted there, and say what holds then."""
    seen: Lockfile = Lockfile("")
    event: LedgerEvent | None = None

    def decide(lockfile: Lockfile) -> LedgerEvent | None:
        nonlocal seen, event
        seen, event = lockfile, None
        if wanted(lockfile):
            by = {name: encodable(value) for name, value in services.author.items()}
            extra = {"reason": reason, "by": by, "nonce": secrets.token_hex(16)}
            event = LedgerEvent(stamp(services.clock.now()), what, extra)
        return event

    try:
        services.store.announce(decide)
    except LockError as problem:
        problem.not_done = _NOT_DONE[what]
        raise
    holding = seen.freezes if event is None else freezes_of((*seen.notes, event))
    body = Standstill(
        services.store.where,
        (*recorded(holding), *services.others),
        written=event is not None,
        lifted=recorded(freeze for freeze in seen.freezes if freeze not in holding),
    )
    notes: tuple[str, ...] = ()
    if event is not None and seen == Lockfile(seen.lineage):
        notes = (beginning(services.store.where, seen.lineage, services.project),)
    elif what == FROZEN and not is_known(seen, services.store.address):
        notes = (f"{unknown_at(services.store.address)}: no apply in the original is stopped.",)
    return Report(command, notes=notes, body=body)


def _check_place(lockfile: Lockfile, services: FreezeServices) -> None:
    """Refuse to freeze a lockfile that nothing was recorded in, where another one has been used.

    Whoever reads "frozen" would rely on it, and an apply would not look there. Raises LockError.
    """
    try:
        head = services.git.resolve("HEAD")
    except UsageProblem:
        return  # nothing was ever committed, and so nothing applied
    try:
        check_record(services.git, services.project, lockfile, head, released=False)
    except LockError as problem:
        problem.hint = (
            "Set `lock` back as it was, and freeze there. Or hold each apply that begins by "
            "setting QFLOW_FREEZE."
        )
        raise
