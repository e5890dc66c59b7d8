"""Bring what a stopped apply saved into the record."""

from collections.abc import Mapping, Sequence
from typing import Any

from qflow_gitops.errors import LockError
from qflow_gitops.interfaces import LockStore
from qflow_gitops.lockfile import rebased
from qflow_gitops.lockformat import transition_from_json
from qflow_gitops.operations.plan import seen
from qflow_gitops.report import History, Report


def push(store: LockStore, entries: Sequence[Mapping[str, Any]], where: str) -> Report:
    """Record rescued transitions, each once; what the record has already is passed over.

    Raises LockError for those of another record, or that contradict it: then nothing of them
    is written and the file stays.
    """
    rows = []
    with store.session() as session:
        for entry in entries:
            if entry.get("lineage") != session.lockfile.lineage:
                raise LockError(
                    f"What was saved belongs to the record {entry.get('lineage')}, and this one is "
                    f"{session.lockfile.lineage}.",
                    where=where,
                    not_done="The record is as it was.",
                    hint="Go to the repository whose apply saved it.",
                    reason="lock_foreign",
                )
        for entry in entries:
            one = _transition(entry, where)
            moved = rebased(session.lockfile, one)
            if moved is not None:
                session.record([moved])
            attempt = session.lockfile.attempts(one.environment, one.run)[one.number - 1]
            rows.append((one.environment, one.run, attempt))
    return Report("lock", body=History(tuple(rows), seen(store.read())))


def _transition(entry: Mapping[str, Any], where: str) -> Any:
    try:
        return transition_from_json(entry["transition"])
    except (KeyError, TypeError, ValueError) as problem:
        raise LockError(
            f"A saved line can't be read: {problem}.",
            where=where,
            not_done="It was not recorded.",
            hint="Keep the file and report it: it holds the record of what was sent.",
            reason="rescue_form",
        ) from None
