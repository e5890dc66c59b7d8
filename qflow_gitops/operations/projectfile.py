"""From a commit or the work tree to the project's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops import verdicts
from qflow_gitops.diagnostics import Diagnostic, has_errors
from qflow_gitops.filenames import PROJECT_FILE
from qflow_gitops.report import InvalidFiles

if TYPE_CHECKING:
    from qflow_gitops.interfaces import Cache, GitTree
    from qflow_gitops.project import Project


def settings(git: GitTree, commit: str, platform: str, cache: Cache | None = None) -> Project:
    """Read the project's settings, of the work tree where `commit` is "".

    Raises InvalidFiles where they have errors.
    """
    return settings_of(settings_content(git, commit), platform, cache)[0]


def settings_with_findings(
    git: GitTree, commit: str, platform: str
) -> tuple[Project, tuple[Diagnostic, ...]]:
    """Read the settings, and what a person should know about them. Raises InvalidFiles."""
    return settings_of(settings_content(git, commit), platform)


def settings_content(git: GitTree, commit: str) -> bytes | None:
    """Read the file of the settings, of the work tree where `commit` is ""; None without one.

    Raises InvalidFiles where it is no plain file.
    """
    if commit:
        return git.content(commit, PROJECT_FILE)
    tree = git.worktree([PROJECT_FILE])
    content = tree.read(PROJECT_FILE.encode())
    for path, mode in tree.oddities() if content is None else ():
        raise InvalidFiles(tuple(refusals(path, mode)), not_done="No spec was looked at.")
    return content


def settings_of(
    content: bytes | None, platform: str, cache: Cache | None = None
) -> tuple[Project, tuple[Diagnostic, ...]]:
    """Take the settings from their file's content. Raises InvalidFiles.

    With a `cache` a content in which nothing was found before isn't checked again.
    """
    from qflow_gitops import loader

    context = f"settings {verdicts.basis(cache.tool, '', content)}" if cache else ""
    known = cache is not None and cache.answer(context) is True
    project, found = loader.load_project(content, platform, known=known)
    if project is None or has_errors(found):
        raise InvalidFiles(found, not_done="No spec was looked at.")
    if cache is not None and not known and not found:
        cache.keep_answer(context, True)
    return project, found


def refusals(path: bytes, mode: str) -> list[Diagnostic]:
    """Say why a path, or what is there, can't hold specs or settings."""
    from qflow_gitops import loader

    _, problem = loader.spec_name(path, mode)
    return [problem] if problem else []
