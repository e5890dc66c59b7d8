"""Settings that were there and are gone, or that a commit lacks, and what puts them back.

Wherever a commit is asked for, "" stands for the work tree.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import PROJECT_FILE, ProjectFolder
from qflow_gitops.errors import InvalidInput, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import GitTree, History, Repository
    from qflow_gitops.sources.found import Settings

NOTHING = "Nothing was planned and nothing was sent."


def has_settings(git: GitTree, folder: ProjectFolder, commit: str) -> bool:
    """Whether a folder of a commit has something called `qflow.yaml`."""
    return folder.settings.encode() in git.listing(commit, folder.name)


def check_committed(git: Repository, commit: str, folders: Sequence[ProjectFolder]) -> None:
    """Refuse a commit without the settings that the work tree has in one of these folders."""
    for folder in folders:
        path = folder.settings
        if not has_settings(git, folder, ""):
            continue
        check_not_gone(git, commit, commit, [folder])
        add = f"{rooted(git)} add {shlex.quote(path)} && {rooted(git)} commit -m 'Add settings'"
        raise InvalidInput(
            f"The work tree has {path}, and commit {commit[:10]} doesn't.",
            where=path,
            not_done=NOTHING,
            hint=f"Only commits count: `{add} {shlex.quote(path)}`, or name a commit that has it.",
            reason="settings_uncommitted",
        )


def check_never_there(
    git: Repository, commit: str, folders: Sequence[ProjectFolder], *, fetch: bool
) -> None:
    """Make sure that a project without settings never had any."""
    head = commit or head_of(git)
    if not head:
        return
    check_not_gone(git, commit, head, folders)
    if git.is_shallow() and fetch:
        from qflow_gitops.settings.project import LockSettings

        git.unshallow(LockSettings().remote)
        check_not_gone(git, commit, head, folders)
    if git.is_shallow():
        raise InvalidInput(
            f"There is no {folders[0].settings}, and whether there was one before can't be told: "
            "this clone is shallow.",
            where=folders[0].settings,
            not_done=NOTHING,
            hint="`git fetch --unshallow` fetches the history (in a CI: fetch-depth: 0).",
            reason="settings_unknown",
        )


def check_not_lost(git: Repository, folders: Sequence[ProjectFolder]) -> None:
    """Refuse to go on without settings that the newest commit has and the work tree hasn't."""
    head = head_of(git)
    for folder in folders if head else ():
        if has_settings(git, folder, head):
            raise gone(git, folder, "HEAD", "The work tree has lost its settings", "")


def check_not_gone(
    git: Repository, commit: str, head: str, folders: Sequence[ProjectFolder]
) -> None:
    """Refuse to go on without settings that were there, as far as this clone can tell."""
    if not commit:
        check_not_lost(git, folders)
    for newest in git.first_parents("", head, 1, [folder.settings for folder in folders]):
        before = git.resolve(f"{newest}^1")
        with_it = [folder for folder in folders if has_settings(git, folder, before)]
        folder = (with_it or folders)[0]
        raise gone(git, folder, before, f"Commit {newest[:10]} took the settings away", commit)


def check_kept(git: Repository, read: Settings, lockfile: Lockfile, commit: str) -> None:
    """Refuse to go on without settings that were there at a commit which was applied."""
    folder = read.project.folder
    for record in lockfile.environments.values() if read.content is None else ():
        for applied in {record.latest, record.applied_through} - {""}:
            if not git.has_commit(applied):
                raise InvalidInput(
                    f"There is no {folder.settings}, and whether there was one when commit "
                    f"{applied[:10]} was applied can't be told: it isn't in this clone.",
                    where=folder.settings,
                    not_done=NOTHING,
                    hint=f"`{rooted(git)} log --all -- {shlex.quote(folder.settings)}` shows "
                    "whether there were any. Put settings there, the same ones if so.",
                    reason="settings_unknown",
                )
            if has_settings(git, folder, applied):
                raise gone(git, folder, applied, "Settings that were applied are gone", commit)


def gone(
    git: Repository, folder: ProjectFolder, source: str, what: str, commit: str
) -> InvalidInput:
    """Return the error for settings that were there; `source` is a commit that still has them."""
    hint = f"Put them back: `{_checkout(git, commit, source, folder.settings)}`"
    if others := elsewhere(git, commit, folder):
        hint += f". If the project was moved, or is part of another one now: {others}"
    return InvalidInput(
        f"{what}: {folder.settings}. Without them another lockfile and other rules would count.",
        where=folder.settings,
        not_done=NOTHING,
        hint=hint,
        reason="settings_gone",
    )


def put_back(git: Repository, commit: str, path: str) -> str:
    """Return the command that puts back what a commit, or the work tree, has lost; "" for none."""
    head = commit or head_of(git)
    if head and not commit and path.encode() in git.listing(head, path.rpartition("/")[0]):
        return _checkout(git, commit, "HEAD", path)
    for newest in git.first_parents("", head, 1, [path]) if head else ():
        return _checkout(git, commit, git.resolve(f"{newest}^1"), path)
    return ""


def _checkout(git: GitTree, commit: str, source: str, path: str) -> str:
    back = f"{rooted(git)} checkout {source[:12]} -- {shlex.quote(path)}"
    if commit:
        back += f" && {rooted(git)} commit -m 'Put it back' -- {shlex.quote(path)}"
    return back


def elsewhere(git: Repository, commit: str, folder: ProjectFolder | None = None) -> str:
    """Return the commands that go to the projects in other folders; "" where there are none."""
    head, at = commit or head_of(git), folder or ProjectFolder(git.prefix)
    others = [project for project in projects(git, head) if project != at] if head else []
    return " or ".join(f"`qflow-gitops -C {typed(git, folder.name)} plan`" for folder in others[:3])


def projects(git: GitTree, commit: str, *, untracked: bool = False) -> list[ProjectFolder]:
    """Return the folders of a commit that have settings.

    Of the work tree those that git knows; `untracked` the others, too.
    """
    paths = git.named(commit, PROJECT_FILE, untracked=untracked)
    return [ProjectFolder(path.rpartition("/")[0]) for path in paths]


def head_of(git: History) -> str:
    """Return the newest commit, "" where there is none yet."""
    try:
        return git.resolve("HEAD")
    except UsageProblem:
        return ""


def rooted(git: GitTree) -> str:
    """Return how git is called so that paths are from the root, wherever a person is."""
    return f"git -C {shlex.quote(str(git.root))}" if git.prefix else "git"


def typed(git: GitTree, path: str) -> str:
    """Return a path of the repository as it is typed at a shell."""
    return shlex.quote(str(git.root / path) if git.prefix else path or ".")
