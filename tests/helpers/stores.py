"""The lockfile of a clone as a process that runs has it, without the command line."""

import os
from pathlib import Path

from qflow_gitops.base.paths import ROOT
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.remotes import GitRemotes
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.fleet import FleetStore
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.settings.project import LockSettings
from qflow_gitops.stores.registry import Place, build, build_fleet


def place_of(folder: Path) -> Place:
    """What the stores of a clone are built from."""
    repo = GitRepo.open(folder, os.environ)
    return Place(
        repo.root,
        ROOT,
        repo.common_dir / "qflow-gitops",
        lambda where, branch: GitBranch(repo, where, branch, lambda: 30.0),
        lambda: {"actor": "ada"},
        in_ci=False,
        address=GitRemotes(repo).address,
    )


def store_of(folder: Path, name: str = "branch", *, lineage: str = "") -> LockStore:
    """Open a clone's store of a kind."""
    return build(LockSettings(name, lineage=lineage), place_of(folder))


def fleet_store_of(folder: Path, name: str) -> FleetStore:
    """Open a clone's store of `fleet.lock`, of a kind."""
    return build_fleet("origin" if name == "branch" else "", place_of(folder))


def branch_of(folder: Path, name: str) -> GitBranch:
    """Open a branch of a clone's remote."""
    return GitBranch(GitRepo.open(folder, os.environ), "origin", name, lambda: 30.0)
