"""Whether an apply is in a place of its lockfile: a fork or a mirror brings a copy along.

What the original has sent since, that copy doesn't know: it would be sent again.
"""

import contextlib
import shlex
from collections.abc import Iterator, Mapping

from qflow_gitops.apply.planned import PlannedApply
from qflow_gitops.apply.preconditions import PLACE, ApplyRequest
from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import AGAIN, BusyError, LockError, UsageProblem
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Note
from qflow_gitops.lockfile.places import (
    check_open,
    closed,
    is_known,
    known_at,
    names_any,
    unknown_at,
)
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.lockfile import LockSession, LockStore, LostRace
from qflow_gitops.results.plans import Beforehand

_TRIES = 20


def check(request: ApplyRequest, store: LockStore, lockfile: Lockfile) -> None:
    """Refuse to apply where the lockfile doesn't belong, or is closed, unless that is released.

    Raises LockError, and UsageProblem for a release of nothing.
    """
    check_open(lockfile, store.where)
    known = is_known(lockfile, store.address)
    count = request.acks.get(PLACE)
    if count is not None and (known or count != 1):
        raise UsageProblem(
            f"--ack {PLACE}={count} releases nothing: "
            + ("the lockfile is known here." if known else "it is about one place."),
            not_done="Nothing was sent.",
            hint="Leave it out." if known else f"Say `--ack {PLACE}=1`.",
            reason="ack_differs",
        )
    if not known and count is None:
        raise LockError(
            f"{_describe(store.address)}.",
            where=store.where,
            not_done="Nothing was sent and nothing was written.",
            hint=_way_on(AGAIN),
            reason=PLACE,
        )


def check_own(remembered: Lockfile | None, where: str, planned: PlannedApply) -> None:
    """Refuse what a lockfile that this clone had for itself has as done, and the one at hand lacks.

    Of a team in which each clone had its own, one was moved to a branch. Raises LockError.
    """
    lockfile = planned.lockfile
    if remembered is None or remembered.lineage != lockfile.lineage:
        return
    spent = [
        change
        for change in planned.plan.due
        if change.spec and _spent_unknown(change.spec.digest, change.key, remembered, lockfile)
    ]
    if spent:
        runs = dict.fromkeys(shlex.quote("/".join(change.key)) for change in spent)
        raise LockError(
            f"A lockfile that this clone had for itself has {', '.join(runs)} as done, and the one "
            "at hand doesn't know of it: it would be sent again.",
            where=where,
            not_done="Nothing was sent.",
            hint=f"Declare it as done: `qflow-gitops baseline {' '.join(runs)} --reason TEXT`",
            reason="lock_behind",
        )


def _spent_unknown(digest: str, key: RunKey, remembered: Lockfile, lockfile: Lockfile) -> bool:
    """Whether this digest is spent, and the lockfile has neither that nor a baseline of it."""
    known = {attempt.fact("nonce") for attempt in lockfile.attempts(*key)} - {""}
    if any(
        attempt.state is State.BASELINED and attempt.digest == digest
        for attempt in lockfile.attempts(*key)
    ):
        return False
    return any(
        attempt.counted and attempt.digest == digest and attempt.fact("nonce") not in known
        for attempt in remembered.attempts(*key)
    )


def warnings(store: LockStore, lockfile: Lockfile) -> Iterator[Beforehand]:
    """Say before a plan that an apply would be refused here."""
    if problem := closed(lockfile, store.where):
        yield Beforehand(f"`apply` would refuse this: {_small(problem.message)}", problem.hint)
    elif names_any(lockfile) and not is_known(lockfile, store.address):
        said = f"`apply` would refuse this: {_small(_describe(store.address))}."
        yield Beforehand(said, _way_on("qflow-gitops apply"))


def _describe(address: str) -> str:
    return (
        f"{unknown_at(address)}: in a fork or a copy, what the original has sent since would be "
        "sent again"
    )


def _way_on(command: str) -> str:
    return (
        "If nothing is applied from the original any more (it was renamed, or this has taken its "
        f"place): `{command} --ack {PLACE}=1 --reason TEXT`. Otherwise apply there; whoever works "
        "there can also move the lockfile to here."
    )


def _small(text: str) -> str:
    return text[0].lower() + text[1:]


def first_place(
    store: LockStore, lockfile: Lockfile, at: str, author: Mapping[str, str]
) -> tuple[Note, ...]:
    """Return what makes this place known to a lockfile that knows none; nothing without a remote.

    `at` is RFC 3339, `author` who writes it.
    """
    if names_any(lockfile) or not store.address:
        return ()
    return (Note("", "", known_at(lockfile.lineage, store.address, at, author)),)


def settle_in(
    request: ApplyRequest,
    store: LockStore,
    session: LockSession,
    at: str,
    author: Mapping[str, str],
) -> str:
    """Record that a person released this place, before anything is sent; returns what to say.

    Raises LockError, and BusyError where others write all the time.
    """
    for _ in range(_TRIES):
        if is_known(session.lockfile, store.address):
            return ""
        check(request, store, session.lockfile)
        lineage = session.lockfile.lineage
        event = known_at(lineage, store.address, at, author, request.reason)
        with contextlib.suppress(LostRace):
            session.record([], Checkpoint(notes=(Note("", "", event),)))
            where = without_secrets(store.address) or "this clone"
            return f"From now on this lockfile is known at {where}."
    raise BusyError(
        "Other processes write the lockfile all the time.",
        where=store.where,
        not_done="Nothing was sent.",
        hint="Run the command again when no apply is at work.",
    )
