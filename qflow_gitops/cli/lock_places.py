"""What lock stores are built from, for a project's lockfile and for fleet.lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.cli.streams import is_ci

if TYPE_CHECKING:
    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.cli.context import Wiring
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.ports.lock_branch import LockBranch
    from qflow_gitops.ports.lockfile import Summaries
    from qflow_gitops.stores.registry import Place


def of(
    wiring: Wiring, repo: GitRepo, folder: ProjectFolder, summaries: Summaries | None = None
) -> Place:
    """Say where the stores of a folder of a repository are, and who writes."""
    from qflow_gitops.stores.registry import Place

    def branch(remote: str, name: str) -> LockBranch:
        from qflow_gitops.git.lock_branch import GitBranch

        # the time that is left then, not now
        return GitBranch(repo, remote, name, lambda: wiring.time_left())  # noqa: PLW0108

    def address(remote: str) -> str:
        from qflow_gitops.git.remotes import GitRemotes

        return GitRemotes(repo).address(remote)

    return Place(
        root=repo.root,
        folder=folder,
        private=repo.common_dir / "qflow-gitops",
        branch=branch,
        author=lambda: wiring.author(repo),
        summaries=summaries,
        in_ci=is_ci(wiring.environ),
        address=address,
        stays=lambda: wiring.ci.stays,
    )
