"""Lockfiles of a remote whose project is no longer where it was: perhaps it is the one at hand.

A project that was moved to another folder, or taken out and put back, with settings that name a
new branch, would begin anew: all that was sent would be sent again.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from qflow_gitops.base.paths import PROJECT_FILE, ProjectFolder
from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.pieces import HEAD
from qflow_gitops.lockfile.places import folder_of, is_open
from qflow_gitops.ports.git import Branches, GitTree, Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.settings.project import LockSettings, Project
from qflow_gitops.sources.lostsettings import has_settings, projects
from qflow_gitops.sources.settings import settings_at

PREFIX = LockSettings().branch
"""How the branches of lockfiles begin: those of `init` do."""


class Orphan(NamedTuple):
    """A lockfile: its branch and remote, and in which folder its project was.

    None where it doesn't say that. `problem` is why it can't be read.
    """

    branch: str
    remote: str
    folder: ProjectFolder | None = None
    problem: str = ""

    def __str__(self) -> str:
        """Say it as a part of a sentence."""
        named = f"{self.remote} has a lockfile, branch {self.branch}, "
        if self.problem:
            return f"{named}which can't be read ({self.problem.rstrip('.')})"
        if self.folder is None:
            return f"{named}of a project that this commit doesn't have"
        where = f"in {self.folder.name}" if self.folder.name else "at the root"
        return f"{named}of a project that was {where} and isn't there any more"


def orphans(
    git: Repository,
    branches: Branches,
    store: Callable[[LockSettings], LockStore],
    project: Project,
    commit: str,
) -> Iterator[Orphan]:
    """Find the lockfiles of the remote that no project of a commit names, with runs in them.

    Of the branches that are called as `init` does it, and those that this clone has. `store`
    opens a lockfile; one that can't be read may be this project's.
    """
    remote = branches.remote(project.lock.remote)
    tips = branches.ask(remote).tips if remote else {}
    found = [name for name, tip in sorted(tips.items()) if _may_be_one(git, name, tip)]
    named = set(_named(git, project, commit)) if found else set()
    for name in found:
        if (remote, name) in named:
            continue
        try:
            lockfile = store(LockSettings("branch", name, remote)).read().lockfile
        except LockError as problem:
            yield Orphan(name, remote, problem=problem.message)
            continue
        if lockfile is None or not is_open(lockfile):
            continue
        begun = [each for each in lockfile.environments.values() if each.runs or each.latest]
        folders = sorted({folder for folder in map(folder_of, begun) if folder is not None})
        gone = [folder for folder in folders if not has_settings(git, folder, commit)]
        if begun and (gone or not folders):
            yield Orphan(name, remote, gone[0] if gone else None)


def _may_be_one(git: Repository, name: str, tip: str) -> bool:
    """Whether a branch may hold a lockfile and nothing else."""
    if name.startswith(PREFIX):
        return True
    files = git.listing(tip, "") if git.has_commit(tip) else {}
    return HEAD.encode() in files and PROJECT_FILE.encode() not in files


def _named(git: GitTree, own: Project, commit: str) -> Iterator[tuple[str, str]]:
    """Name remote and branch of every lockfile that a project of a commit has."""
    yield own.lock.remote, own.lock.branch
    for folder in projects(git, commit):
        with contextlib.suppress(InvalidFiles):
            lock = settings_at(git, folder, commit, "").lock
            if lock.store == "branch":
                yield lock.remote, lock.branch
