"""A lockfile of the work tree that a commit brought back as it was before, a revert say.

The clone that wrote the newer one remembers it; any other has only the history to tell.
"""

import contextlib
import shlex

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.codec import from_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.places import NOTHING_DONE
from qflow_gitops.ports.git import Repository
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.lostsettings import rooted, typed

_VERSIONS = 2
"""So many versions that were committed are looked at: the one at hand, and the one before it."""


def reverted(git: Repository, project: Project, lockfile: Lockfile, head: str) -> LockError | None:
    """Say that a newer version of the lockfile was committed, None where none was."""
    path = project.folder.lockfile
    if project.lock.store != "worktree":
        return None
    for commit in git.first_parents("", head, _VERSIONS, [path]):
        entry = git.listing(commit, project.folder.name).get(path.encode())
        for content in git.blobs_at_hand([entry.blob] if entry else []).values():
            with contextlib.suppress(LockError):  # what can't be read says nothing
                found = from_bytes(content, path)
                if found.lineage == lockfile.lineage and found.serial > lockfile.serial:
                    return _older(git, path, commit, lockfile, found)
    return None


def check_newest(git: Repository, project: Project, lockfile: Lockfile, head: str) -> None:
    """Refuse to apply with a lockfile that is older than one that was committed."""
    if problem := reverted(git, project, lockfile, head):
        raise problem


def _older(git: Repository, path: str, commit: str, here: Lockfile, newer: Lockfile) -> LockError:
    version = shlex.quote(f"{commit[:10]}:{path}")
    return LockError(
        f"The lockfile is version {here.serial}, older than version {newer.serial} of commit "
        f"{commit[:10]}: what was sent since would be sent again.",
        where=path,
        not_done=NOTHING_DONE,
        hint=f"Restore that: `{rooted(git)} show {version} > {typed(git, path)}`",
        reason="lock_older",
    )
