"""Where a project lies in its repository: the nearest settings at or above a folder."""

from __future__ import annotations

import os
import re
import shlex
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.paths import PROJECT_FILE, ROOT, ProjectFolder
from qflow_gitops.base.printable import is_hidden
from qflow_gitops.errors import InvalidInput, Unreadable, UsageProblem
from qflow_gitops.findings.finding import Diagnostic, error, has_errors, warning
from qflow_gitops.results.report import InvalidFiles
from qflow_gitops.sources.found import Found, Settings
from qflow_gitops.sources.lostsettings import (
    NOTHING,
    check_committed,
    check_never_there,
    check_not_gone,
    has_settings,
    head_of,
    rooted,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qflow_gitops.ports.git import GitTree, Repository


_ALIKE = re.compile(r"\.?q-?flow(-?gitops)?\.(ya?ml|json)", re.IGNORECASE)
_NOT_OURS = ".github"  # there `qflow.yml` is a workflow of GitHub's


def settings_of(found: Found, platform: str, *, known: bool = False) -> Settings:
    """Take the settings from their file's content. Raises InvalidFiles.

    A content that is `known` to be sound isn't checked.
    """
    from qflow_gitops.specs import project_file

    content, folder = found.content, found.folder
    project, problems = project_file.load_project(content, platform, folder, known=known)
    if project is None or has_errors((*problems, *found.found)):
        raise InvalidFiles((*found.found, *problems), not_done="No spec was looked at.")
    return Settings(project, content, (*found.found, *problems))


def refusals(path: bytes, mode: str) -> list[Diagnostic]:
    """Say why a path, or what is there, can't hold specs or settings."""
    from qflow_gitops.specs import filenames

    _, problem = filenames.spec_name(path, mode)
    return [problem] if problem else []


def content_of(git: GitTree, commit: str, folder: ProjectFolder) -> bytes | None:
    """Read a folder's settings, None where it has none.

    Raises InvalidFiles where they are no plain file, Unreadable where git can't give them.
    """
    return content_at(git, commit, folder.settings)


def content_at(git: GitTree, commit: str, name: str) -> bytes | None:
    """Read a file that a path of the repository names, as `content_of` does the settings."""
    path = name.encode()
    entry = git.listing(commit, name.rpartition("/")[0]).get(path)
    if entry is None:
        return None
    mode = entry.mode
    try:
        if not commit:
            return git.worktree([name]).read(path)
        if mode in ("100644", "100755"):
            return git.contents([entry])[entry.blob]
    except Unreadable as problem:
        if not problem.mode:
            raise
        mode = problem.mode
    raise InvalidFiles(tuple(refusals(path, mode)), not_done="No spec was looked at.")


class _Level(NamedTuple):
    """A folder at or above the one at hand, and what is called like settings in it."""

    folder: ProjectFolder
    names: tuple[str, ...]

    @property
    def has(self) -> bool:
        return PROJECT_FILE in self.names


def find(git: Repository, commit: str, *, fetch: bool = False) -> Found:
    """Find the project that the folder at hand belongs to.

    Raises InvalidFiles where its settings are called otherwise or are no plain file,
    InvalidInput where they are gone, aren't committed, or lie in another project's specs, and
    where a clone that isn't whole can't tell whether there were any. `fetch` makes it whole.
    """
    levels = [level_of(git, commit, name) for name in names_above(git.prefix)]
    at = next((place for place, level in enumerate(levels) if level.has), len(levels))
    if commit:
        check_committed(git, commit, [level.folder for level in levels[:at]])
    if at == len(levels):
        called = [finding for level in levels for finding in _called_otherwise(git, commit, level)]
        if called:
            raise InvalidFiles(tuple(called), not_done=NOTHING)
        check_never_there(git, commit, [level.folder for level in levels], fetch=fetch)
        return Found(ROOT, None)
    nearest = levels[at]
    found = Found(nearest.folder, content_of(git, commit, nearest.folder), tuple(_beside(nearest)))
    if levels[:at]:
        _check_nearer(git, commit, levels[:at], found)
    for level in levels[at + 1 :]:
        check_outer(git, commit, level, nearest.folder)
    return found


def nearest(git: GitTree, prefix: str) -> ProjectFolder | None:
    """Return the folder at or above one of the work tree that has settings, None for none."""
    return next((folder for folder in folders_above(prefix) if has_settings(git, folder, "")), None)


def folders_above(prefix: str) -> list[ProjectFolder]:
    """Return a folder and all above it, the nearest first. Raises UsageProblem for an odd name."""
    return [ProjectFolder(name) for name in names_above(prefix)]


def is_called_alike(path: str) -> bool:
    """Whether a file is called so that it may be meant as settings."""
    *folders, name = path.split("/")
    return _ALIKE.fullmatch(name) is not None and _NOT_OURS not in folders


def names_above(prefix: str) -> list[str]:
    """Return a folder and all above it, the nearest first, the root ("") last."""
    shown = prefix.encode("utf-8", "backslashreplace").decode()
    if is_hidden(shown) or unicodedata.normalize("NFC", shown) != prefix:
        raise UsageProblem(
            "The name of this folder isn't shown as it is, so no project may lie in it.",
            where=ascii(prefix),
            not_done=NOTHING,
            hint="Rename it, or go to the repository's root.",
            reason="folder_name",
        )
    parts = prefix.split("/") if prefix else []
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def level_of(git: GitTree, commit: str, folder: str) -> _Level:
    """Return what a folder of a commit holds that looks like settings."""
    names = (os.fsdecode(path).rpartition("/")[2] for path in git.listing(commit, folder))
    return _Level(ProjectFolder(folder), tuple(name for name in names if _ALIKE.fullmatch(name)))


def _called_otherwise(git: GitTree, commit: str, level: _Level) -> Iterator[Diagnostic]:
    """Find what was meant as settings, and isn't read."""
    folder, wanted = level.folder, level.folder.settings
    for name in level.names:
        if not is_called_alike(folder.path(name)):
            continue
        call, both = rooted(git), f"{shlex.quote(folder.path(name))} {shlex.quote(wanted)}"
        move = f"{call} mv {both} && {call} commit -m 'Name the settings' {both}"
        if not commit:
            move = f"mv {typed(git, folder.path(name))} {typed(git, wanted)}"
        yield error(
            "settings-name",
            f"Settings are called `{PROJECT_FILE}`: what this file says isn't read.",
            folder.path(name),
            hint=f"If it is meant: `{move}`",
        )


def _beside(level: _Level) -> Iterator[Diagnostic]:
    """Find what beside the settings may be taken for them."""
    for name in level.names:
        if name == PROJECT_FILE:
            continue
        if name.casefold() == PROJECT_FILE:
            yield error(
                "file-collision",
                f"On many machines this is the same file as {level.folder.settings}.",
                level.folder.path(name),
                hint="Remove one of them.",
            )
        else:
            yield warning(
                "settings-twice",
                f"Only `{level.folder.settings}` is read: what this file says doesn't count.",
                level.folder.path(name),
                hint="Remove it.",
            )


def _check_nearer(git: Repository, commit: str, nearer: Sequence[_Level], found: Found) -> None:
    """Make sure that between the folder at hand and the project there are no settings missed."""
    runs = settings_of(found._replace(found=()), "").project.runs
    outside = [level for level in nearer if not _covers(runs, level.folder)]
    called = [finding for level in outside for finding in _called_otherwise(git, commit, level)]
    if called:
        raise InvalidFiles(tuple(called), not_done=NOTHING)
    head = commit or head_of(git)
    if outside and head:
        check_not_gone(git, commit, head, [level.folder for level in outside])


def check_outer(git: GitTree, commit: str, outer: _Level, inner: ProjectFolder) -> None:
    """Refuse a project in a folder from which another one takes its specs."""
    content = content_of(git, commit, outer.folder) if outer.has else None
    if content is None:
        return
    try:
        runs = settings_of(Found(outer.folder, content), "").project.runs
    except InvalidFiles:
        return  # it can't send anything
    if _covers(runs, inner):
        raise InvalidInput(
            f"This project lies in a folder that `runs:` of {outer.folder.settings} names: both "
            "would send its specs.",
            where=inner.settings,
            not_done=NOTHING,
            hint=f"Move the folder, or name others under `runs:` in {outer.folder.settings}.",
            reason="project_nested",
        )


def _covers(runs: Sequence[str], folder: ProjectFolder) -> bool:
    return any(
        f"{folder.name}/".startswith(f"{runs_folder}/") or runs_folder == "."
        for runs_folder in runs
    )
