"""Where the lockfile can live: one store a file, all of them behind `interfaces.LockStore`."""

from pathlib import Path

from qflow_gitops.errors import LockError
from qflow_gitops.interfaces import LockStore
from qflow_gitops.project import LockSettings

STORES = ("worktree",)
"""The stores that this version has."""


def build(settings: LockSettings, lockfile: Path, common_dir: Path, *, in_ci: bool) -> LockStore:
    """Build the store that the settings choose.

    `common_dir` is the git directory. Raises LockError for a store that this version lacks.
    """
    if settings.store not in STORES:
        raise LockError(
            f"This version has no lock store `{settings.store}`.",
            where="qflow.yaml",
            not_done="Nothing was sent.",
            hint="Say `lock: {store: worktree}`.",
            reason="lock_store",
        )
    from qflow_gitops.lockstores.worktree import WorktreeStore

    refuse = ""
    if in_ci and not settings.ephemeral:
        refuse = "The lockfile would be written to a work tree that a CI throws away."
    return WorktreeStore(
        lockfile, common_dir / "qflow-gitops", lineage=settings.lineage, refuse=refuse
    )
