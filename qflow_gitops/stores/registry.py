"""Where the lockfile can live: one store a file, all of them behind `ports.lockfile.LockStore`.

A new store is one file here and one line in `STORES`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.ports.fleet import FleetStore
from qflow_gitops.ports.lock_branch import LockBranch
from qflow_gitops.ports.lockfile import LockStore, Summaries
from qflow_gitops.settings.project import LockSettings


class Place(NamedTuple):
    """What the stores are built from.

    `root` is the top of the work tree, `folder` where the project lies in it, `private` a
    folder of the git directory; `branch` opens a branch of a remote; `author` says who writes,
    as the lockfile has it; `address` says where a remote is pushed to, `stays` whether a CI says
    that the machine may outlive its job. `summaries` are for whoever writes nothing: what is known
    of the lockfile's parts by now.
    """

    root: Path
    folder: ProjectFolder
    private: Path
    branch: Callable[[str, str], LockBranch]
    author: Callable[[], Mapping[str, str]]
    in_ci: bool
    address: Callable[[str], str]
    stays: Callable[[], bool] = lambda: False
    summaries: Summaries | None = None


def _worktree(settings: LockSettings, place: Place) -> LockStore:
    from qflow_gitops.stores.memories import check_own, memory
    from qflow_gitops.stores.worktree import WorktreeStore
    from qflow_gitops.stores.worktree_glance import Glance

    refuse = ""
    if place.in_ci and not settings.ephemeral:
        refuse = "The lockfile would be written to a work tree that a CI throws away."
    own = memory(place.private, place.folder)
    return WorktreeStore(
        place.root / place.folder.lockfile,
        own.path,
        lineage=settings.lineage,
        refuse=refuse,
        stays=bool(refuse) and place.stays(),
        reader=Glance(place.summaries) if place.summaries else from_bytes,
        where=place.folder.lockfile,
        check_own=partial(check_own, place.root, place.private, own),
        address=partial(place.address, settings.remote),
    )


def _branch(settings: LockSettings, place: Place) -> LockStore:
    from qflow_gitops.stores.branch import BranchStore

    branch = place.branch(settings.remote, settings.branch)
    return BranchStore(
        branch, lineage=settings.lineage, author=place.author(), summaries=place.summaries
    )


STORES: Mapping[str, Callable[[LockSettings, Place], LockStore]] = {
    "worktree": _worktree,
    "branch": _branch,
}


def build(settings: LockSettings, place: Place) -> LockStore:
    """Build the store that the settings choose; their schema allows no other."""
    return STORES[settings.store](settings, place)


def build_fleet(remote: str, place: Place) -> FleetStore:
    """Build the store of `fleet.lock`: a branch of this remote, a file where that is ""."""
    if remote:
        from qflow_gitops.stores.branch_fleet import BRANCH, BranchFleetStore

        return BranchFleetStore(place.branch(remote, BRANCH), place.author())
    from qflow_gitops.stores.local_fleet import LocalFleetStore

    return LocalFleetStore(place.private)
