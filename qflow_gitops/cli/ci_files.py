"""What the CI's files at the commit say, beside what this version would write."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from qflow_gitops.errors import InvalidInput, QflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.commands.workflow_files import Workflows
    from qflow_gitops.doctor.ci.expected import Expected, Owners, Pipeline
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.settings.project import Project

_ACTION = re.compile(r"uses: (?!actions/|\./)([^\s@]+@[^\n]+)")
_PLACE = re.compile(r"github\.repository == '([^'\n]+)'")
_BRANCHES = re.compile(r"^ {4}branches: \[.+\]$", re.MULTILINE)
_PLAIN_ACTION = re.compile(r"[\w.-]+/[\w.-]+(?:/[\w.-]+)*@[0-9a-f]{40}")


def expected(ground: Ground, host: str) -> Expected | QflowError:
    """Read those for a host, or give the problem that stopped it."""
    from qflow_gitops.cli.doctor_ground import found_or_problem

    git, commit, settings = ground.git, ground.commit, ground.settings
    if isinstance(git, QflowError):
        return git
    if isinstance(commit, QflowError):
        return commit
    if isinstance(settings, QflowError):
        return settings
    of_host = _of_gitlab if host == "GitLab" else _expected
    return found_or_problem(lambda: of_host(git, commit, settings.project))


def _expected(git: GitRepo, commit: str, project: Project) -> Expected:
    import qflow_gitops
    from qflow_gitops.commands.workflow_files import NOTHING_TOLD, is_unset, workflow_files
    from qflow_gitops.doctor.ci.expected import Expected, Written
    from qflow_gitops.doctor.ci.workflow import pipeline

    found = _contents(git, commit, tuple(workflow_files(git.root, project.folder, NOTHING_TOLD)))
    told, branches = _told(found)
    wanted = workflow_files(git.root, project.folder, told)
    if branches:
        wanted = {path: _BRANCHES.sub(lambda _: branches, text) for path, text in wanted.items()}
    known, unread = _read(lambda: pipeline(found))
    return Expected(
        pipeline=known,
        unread=unread,
        files=tuple(
            Written(path, found.get(path), text, is_unset(_text(found.get(path))))
            for path, text in wanted.items()
        ),
        lock=project.lock.branch if project.lock.store == "branch" else "",
        timeout=project.apply.timeout,
        renew=_renew(git, tuple(found), project.folder, told.action),
        owners=_owners(git, commit, project.folder),
        version=qflow_gitops.__version__,
    )


def _of_gitlab(git: GitRepo, commit: str, project: Project) -> Expected:
    import qflow_gitops
    from qflow_gitops.base import resources
    from qflow_gitops.doctor.ci import gitlab_file
    from qflow_gitops.doctor.ci.expected import Expected, Pipeline, Written

    path = gitlab_file.FILE
    content = _contents(git, commit, (path,)).get(path)
    known, unread = _read(lambda: Pipeline() if content is None else gitlab_file.pipeline(content))
    example = resources.text(f"examples/gitlab/{path}")
    line = f"{gitlab_file.PLACE}: your-group/your-project"
    wanted = example.replace(line, f"{gitlab_file.PLACE}: {known.place}")
    has = gitlab_file.jobs_of(content) if content and not unread else frozenset()
    lacks = () if unread else tuple(sorted(gitlab_file.jobs_of(example.encode()) - has))
    unset = line in _text(content)
    return Expected(
        pipeline=known,
        unread=unread,
        files=(Written(path, content, wanted, unset, lacks),),
        lock=project.lock.branch if project.lock.store == "branch" else "",
        timeout=project.apply.timeout,
        version=qflow_gitops.__version__,
    )


def _read(look: Callable[[], Pipeline]) -> tuple[Pipeline, str]:
    """Read what files count on; without it the rest is looked at all the same."""
    from qflow_gitops.doctor.ci.expected import Pipeline

    try:
        return look(), ""
    except InvalidInput as problem:
        return Pipeline(), f"{problem.where}: {problem.message}"


def _contents(git: GitRepo, commit: str, paths: tuple[str, ...]) -> dict[str, bytes]:
    """Read those of some files that a commit holds; of the work tree where it is ""."""
    if not commit:
        tree = git.worktree(paths)
        read = {path: tree.read(path.encode()) for path in paths}
        return {path: content for path, content in read.items() if content is not None}
    entries = {os.fsdecode(path): entry for path, entry in git.files(commit, paths).items()}
    blobs = git.contents(entries.values())
    return {path: blobs[entry.blob] for path, entry in entries.items()}


def _owners(git: GitRepo, commit: str, at: ProjectFolder) -> Owners:
    """Read who owns what decides; GitHub takes the first of these files."""
    from qflow_gitops.commands.init import OWNERS_PLACES
    from qflow_gitops.doctor.ci.expected import Owners
    from qflow_gitops.doctor.ci.owners import unowned

    found = _contents(git, commit, OWNERS_PLACES)
    paths = (".github/", at.settings, f"{at.connectors}/")
    file = next((place for place in OWNERS_PLACES if place in found), "")
    return Owners(file, unowned(_text(found.get(file)), paths))


def _told(found: Mapping[str, bytes]) -> tuple[Workflows, str]:
    """Return what a person wrote into the files, and the line of the branches that start them."""
    from qflow_gitops.commands.workflow_files import Workflows

    text = "\n".join(map(_text, found.values()))
    action, place, branches = _ACTION.search(text), _PLACE.search(text), _BRANCHES.search(text)
    told = Workflows(action[1].strip() if action else "", place[1] if place else "")
    return told, branches[0] if branches else ""


def _text(content: bytes | None) -> str:
    return (content or b"").decode(errors="replace")


def _renew(git: GitRepo, there: tuple[str, ...], at: ProjectFolder, action: str) -> str:
    """Return the command that writes the files anew."""
    from qflow_gitops.sources.lostsettings import typed

    plain = _PLAIN_ACTION.match(action)
    words = ["qflow-gitops", "init", *([typed(git, at.name)] if at.name else []), "--github"]
    words += ["--action", plain[0]] if plain else []
    remove = f"rm {' '.join(typed(git, path) for path in there)} && " if there else ""
    return remove + " ".join(words)
