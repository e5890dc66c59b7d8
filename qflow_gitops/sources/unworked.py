"""Commits of an environment's branches that no apply has worked on, though each would have."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from qflow_gitops.errors import QflowError
from qflow_gitops.ports.git import Branches, Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.branches import literal
from qflow_gitops.sources.specs import applied_parts

_MOST = 50
"""So many commits are walked back: of more, the oldest of these is taken, which is later."""


class Unworked(NamedTuple):
    """A commit that changes what counts once it is applied, and when it was made (RFC 3339)."""

    commit: str
    at: str


def tips(git: Repository, branches: Branches, project: Project, environment: str) -> Iterator[str]:
    """Give the newest commits of the branches that an environment is applied from.

    As far as this clone knows them. Branches that a pattern stands for are left out.
    """
    remote = branches.remote(project.lock.remote)
    patterns = project.environments[environment].branches
    names = literal(patterns)
    if remote and not patterns:
        names = [branches.head_of(remote)]
        if not names[0]:
            remote, names[0] = branches.tracked()
    for name in filter(None, names if remote else ()):
        with contextlib.suppress(QflowError):
            yield git.resolve(f"refs/remotes/{remote}/{name}")


def unworked(git: Repository, project: Project, latest: str, tip: str) -> Unworked | None:
    """Return the oldest commit since which a branch differs from what was worked on last.

    None where it doesn't, and where this clone can't tell. An apply at any commit from there on
    would have moved `latest`; one before it, that something took back, would not.
    """
    if not latest or latest == tip or not git.is_ancestor(latest, tip):
        return None
    oldest = ""
    counts = applied_parts(project)
    for commit in git.first_parents(latest, tip, _MOST, counts):
        if not git.changes(latest, commit, counts):
            break
        oldest = commit
    return Unworked(oldest, git.committed_at(oldest)) if oldest else None
