"""What every store asks of a record before it trusts it."""

from typing import Any

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.specs import schema

NOTHING_DONE = "Nothing was sent and nothing was written."


def fits(data: Any) -> bool:
    """Whether JSON data is a lockfile, its head or the file of a run, by the JSON Schema."""
    return schema.is_valid(data, "lockfile")


def check_lineage(lockfile: Lockfile, pinned: str, where: str) -> None:
    """Refuse a record of another lineage than the settings pin ("": none)."""
    if pinned and lockfile.lineage != pinned:
        raise LockError(
            f"The lockfile is of the lineage {lockfile.lineage}, the settings name {pinned}.",
            where=where,
            not_done=NOTHING_DONE,
            hint="It belongs to another repository, or the settings do: restore the right one.",
            reason="lock_foreign",
        )


def check_presence(pinned: str, where: str, hint: str) -> None:
    """Refuse to begin anew where the settings say that there is a record."""
    if pinned:
        raise LockError(
            f"The settings name the lineage {pinned}, but there is no lockfile.",
            where=where,
            not_done=NOTHING_DONE,
            hint=hint,
            reason="lock_missing",
        )
