"""Bring what a stopped apply saved into the lockfile."""

from collections.abc import Mapping, Sequence
from typing import Any

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import next_steps
from qflow_gitops.lockfile.attempt import Attempt, Transition
from qflow_gitops.lockfile.attempt_json import transition_from_json
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.rebasing import rebased
from qflow_gitops.lockfile.states import EXECUTED, State
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.records import RunHistory
from qflow_gitops.results.report import Report
from qflow_gitops.sources.lockseen import seen

_SEEN = (EXECUTED - {State.ADOPTED}) | {State.REFUSED, State.UNSENT, State.IN_DOUBT}
"""The states that an apply records of what it sees; the others are decisions."""


def push(store: LockStore, entries: Sequence[Mapping[str, Any]], where: str) -> Report:
    """Record rescued transitions, each once; what the lockfile has already is passed over.

    Raises LockError at the first that belongs to another record or attempt, or contradicts
    the lockfile; those before it are recorded, and the file has to stay.
    """
    rows: dict[tuple[str, str, int], Attempt] = {}
    with store.session() as session:
        serial = session.lockfile.serial
        for entry in entries:
            if entry.get("lineage") != session.lockfile.lineage:
                raise LockError(
                    f"What was saved belongs to the lockfile {entry.get('lineage')}, and this is "
                    f"{session.lockfile.lineage}.",
                    where=where,
                    not_done="The lockfile is as it was.",
                    hint="Go to the repository whose apply saved it.",
                    reason="lock_foreign",
                )
        for entry in entries:
            transition = _transition(entry, where)
            _check(transition, entry, session.lockfile, where)
            moved = rebased(session.lockfile, transition)
            if moved is not None:
                session.record([moved])
            attempt = session.lockfile.attempts(transition.environment, transition.run)[
                transition.number - 1
            ]
            rows[transition.environment, transition.run, transition.number] = attempt
    told = tuple((*key[:2], attempt) for key, attempt in rows.items())
    return Report(
        "lock", body=RunHistory(told, seen(store.read()), written=serial != session.lockfile.serial)
    )


def _check(
    transition: Transition, entry: Mapping[str, Any], lockfile: Lockfile, where: str
) -> None:
    """Take only what an apply itself could have seen, and only for its own attempt."""
    attempts = lockfile.attempts(transition.environment, transition.run)
    saved = entry.get("attempt")
    known = attempts[transition.number - 1] if 1 <= transition.number <= len(attempts) else None
    same = (
        known is not None
        and isinstance(saved, dict)
        and saved.get("nonce") == known.fact("nonce")
        and saved.get("digest") == known.digest
    )
    decided = transition.event.is_decision or "reopens" in transition.event.extra
    if not same or decided or transition.opens is not None or transition.event.to not in _SEEN:
        raise LockError(
            "A saved line isn't what an apply saw of "
            f"{transition.environment}/{transition.run} #{transition.number}.",
            where=where,
            not_done="It was not recorded, nor was any after it.",
            hint="What a person decides isn't brought in so: "
            + next_steps.settle_doubt(f"{transition.environment}/{transition.run}"),
            reason="rescue_form",
        )


def _transition(entry: Mapping[str, Any], where: str) -> Transition:
    try:
        return transition_from_json(entry["transition"])
    except (KeyError, TypeError, ValueError) as problem:
        raise LockError(
            f"A saved line can't be read: {problem}.",
            where=where,
            not_done="It was not recorded.",
            hint="Keep the file and report it: it holds the lockfile of what was sent.",
            reason="rescue_form",
        ) from None
