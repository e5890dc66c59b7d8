"""From a commit or the work tree to the project's settings.

Where the project lies is found as git finds its repository: the nearest `qflow.yaml` at or
above the folder at hand, up to the repository's root. Settings that are called otherwise, that
were there before and are gone, or that can't be read never count as none. Wherever a commit is
asked for, "" stands for the work tree.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import PROJECT_FILE, ProjectFolder
from qflow_gitops.errors import AGAIN, InvalidInput, UsageProblem
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.sources.found import Found, Settings
from qflow_gitops.sources.loader import DIRECT
from qflow_gitops.sources.lostsettings import NOTHING, has_settings, head_of, projects
from qflow_gitops.sources.place import (
    check_outer,
    content_of,
    find,
    level_of,
    names_above,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from qflow_gitops.ports.git import GitTree, Repository
    from qflow_gitops.settings.project import LockSettings, Project
    from qflow_gitops.sources.loader import Loader


def settings(
    git: Repository, commit: str, platform: str, loader: Loader = DIRECT, *, fetch: bool = False
) -> Settings:
    """Read the settings of the project at hand.

    With `fetch` a shallow clone gets the history that tells whether there were any before.
    Raises InvalidFiles where they have errors, InvalidInput for what `find` says, and where
    another project keeps its lockfile in the same place.
    """
    read = loader.settings(find(git, commit, fetch=fetch), platform)
    if commit and read.project.lock.store == "branch":
        _check_alone(git, commit, read.project, loader)
    return read


def settings_at(
    git: GitTree, folder: ProjectFolder, commit: str, platform: str, loader: Loader = DIRECT
) -> Project:
    """Read what another commit than the one at hand has as the settings of a folder.

    Where it has none, those of a project without any. Raises InvalidFiles and Unreadable.
    """
    found = Found(folder, content_of(git, commit, folder))
    return loader.settings(found, platform).project


def earlier(
    git: GitTree,
    project: Project,
    commit: str,
    folder: ProjectFolder | None = None,
    loader: Loader = DIRECT,
) -> list[Project]:
    """Read what an earlier commit has as the settings of a project: one, as a rule.

    In `folder`, else in the project's own. Where that has none there, the project may have been
    moved since: then all that name the same lockfile. Raises InvalidFiles and Unreadable.
    """
    at = folder or project.folder
    if folder is None and not has_settings(git, at, commit):
        moved = [
            other for other in _others(git, commit, at, loader) if _same_lockfile(other, project)
        ]
        if moved:
            return moved
    return [settings_at(git, at, commit, "", loader)]


def versions(
    git: Repository, folder: ProjectFolder, head: str, most: int
) -> list[tuple[str, ProjectFolder]]:
    """Return the commits that changed a project's settings, newest first, and where these lay.

    At most so many. Where a commit moved the settings, it goes on with those that it removed.
    """
    from qflow_gitops.ports.git import ChangeKind

    found = [(commit, folder) for commit in git.first_parents("", head, most, [folder.settings])]
    if not found or len(found) >= most:
        return found
    oldest, ending = found[-1][0], "/" + PROJECT_FILE
    for before in git.first_parents("", oldest, 2)[1:]:
        for change in git.changes(before, oldest, ["."]):
            path = os.fsdecode(b"/" + change.path)
            if change.kind is ChangeKind.REMOVED and path.endswith(ending):
                old = ProjectFolder(path[1 : -len(ending)])
                found += versions(git, old, before, most - len(found))
    return found


def _same_lockfile(project: Project, other: Project) -> bool:
    if project.lock.lineage and other.lock.lineage:
        return project.lock.lineage == other.lock.lineage
    return project.lock.store == other.lock.store and (
        project.lock.store != "branch" or _branch(project) == _branch(other)
    )


def _branch(project: Project) -> tuple[str, str, str]:
    return (project.lock.store, project.lock.branch, project.lock.remote)


def check_place(git: Repository, folder: ProjectFolder, lock: LockSettings) -> None:
    """Refuse a project to begin in a folder, with this lockfile, where either is another's."""
    from qflow_gitops.settings.project import without_file

    for name in names_above(folder.name)[1:]:
        check_outer(git, "", level_of(git, "", name), folder)
    if lock.store == "branch":
        begun = without_file("", folder)._replace(lock=lock)
        _refuse_sharing(begun, _read(git, _known(git, folder)), "this repository")


def check_alone_on_disk(git: GitTree, project: Project, loader: Loader = DIRECT) -> None:
    """Refuse a work tree in which another project keeps its lockfile on the same branch.

    Of those whose settings git knows: others take a look at all files.
    """
    if project.lock.store == "branch":
        _refuse_sharing(project, _others(git, "", project.folder, loader), "this work tree")


def lock_branches(git: Repository, own: ProjectFolder) -> set[str]:
    """Name the branches on which other projects keep their lockfiles, as far as this clone knows.

    Those of the newest commit and of the work tree, whether git knows them or not.
    """
    others = _read(git, _known(git, own))
    return {other.lock.branch for other in others if other.lock.store == "branch"}


def _known(git: Repository, own: ProjectFolder) -> list[tuple[str, ProjectFolder]]:
    """Return all other folders with settings, each with the commit that has them."""
    head = head_of(git)
    known = [("", folder) for folder in projects(git, "", untracked=True)]
    known += [(head, folder) for folder in (projects(git, head) if head else ())]
    return [(commit, folder) for commit, folder in known if folder != own]


def _check_alone(git: GitTree, commit: str, project: Project, loader: Loader = DIRECT) -> None:
    """Refuse a commit in which another project keeps its lockfile on the same branch."""
    _refuse_sharing(project, _others(git, commit, project.folder, loader), "this commit")


def _refuse_sharing(project: Project, others: Iterable[Project], where: str) -> None:
    sharing = {other.folder.settings for other in others if _branch(other) == _branch(project)}
    if sharing:
        raise InvalidInput(
            f"In {where} several projects keep their lockfile on the branch "
            f"{project.lock.branch} of {project.lock.remote}, which holds that of one: "
            f"{', '.join(sorted([project.folder.settings, *sharing]))}.",
            where=project.folder.settings,
            not_done=NOTHING,
            hint="Give each a branch of its own: lock: {store: branch, branch: NAME}",
            reason="lock_shared",
        )


def _others(git: GitTree, commit: str, own: ProjectFolder, loader: Loader) -> Iterator[Project]:
    """Read the settings of a commit's other projects."""
    return _read(git, [(commit, other) for other in loader.projects(git, commit) if other != own])


def _read(git: GitTree, known: Sequence[tuple[str, ProjectFolder]]) -> Iterator[Project]:
    """Read the settings of folders of commits; those with errors can't send anything."""
    for commit, folder in known:
        with contextlib.suppress(InvalidFiles):
            yield settings_at(git, folder, commit, "")


def chosen(project: Project, environment: str) -> tuple[str, ...]:
    """Return the environments to look at; UsageProblem for one that doesn't exist."""
    if environment and environment not in project.environments:
        raise UsageProblem(
            f"There is no environment `{environment}`; there are: "
            f"{', '.join(project.environments)}.",
            not_done="Nothing was planned and nothing was sent.",
            hint=f"Name one of them with -e, or add it to {project.folder.settings}.",
            reason="environment_unknown",
        )
    return (environment,) if environment else tuple(sorted(project.environments))


def one_environment(project: Project, asked: str) -> str:
    """Return the environment to pull from: the one asked for, the only one, or the default one."""
    environments = chosen(project, asked)
    if len(environments) == 1:
        return environments[0]
    if project.default_environment:
        return project.default_environment
    raise UsageProblem(
        f"The project has several environments: {', '.join(environments)}.",
        not_done="Nothing was pulled.",
        hint=f"Name one: `{AGAIN} -e {environments[0]}`",
        reason="environment_needed",
    )
