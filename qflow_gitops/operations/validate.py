"""Check every spec of the work tree."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from qflow_gitops import verdicts
from qflow_gitops.diagnostics import Diagnostic, has_errors
from qflow_gitops.filenames import PROJECT_FILE
from qflow_gitops.operations import projectfile
from qflow_gitops.report import InvalidFiles, Report, Validated, validated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qflow_gitops.interfaces import Cache, GitTree
    from qflow_gitops.operations.examining import Spread
    from qflow_gitops.project import Project


def validate(
    git: GitTree,
    platform: str,
    cache: Cache,
    spread: Spread,
    only: Iterable[str] = (),
    *,
    strict: bool = False,
) -> Report:
    """Check the settings and the specs; with `only`, report on these files and folders.

    All files count either way, so that a name that stands twice is found. What `cache` knows
    isn't looked at again.
    """
    wanted = tuple(only)
    try:
        if not wanted and (known := _answered(git, cache, platform)):
            return validated(*known, strict=strict)
        content = projectfile.settings_content(git, "")
        basis = verdicts.basis(cache.tool, platform, content)
        project, settings_found = projectfile.settings_of(content, platform, cache)
    except InvalidFiles as problem:
        return validated(Validated(1, 0), problem.diagnostics, strict=strict)
    from qflow_gitops.operations import reading  # what it takes isn't loaded where all is known
    from qflow_gitops.operations.examining import Keeper

    tree = reading.worktree(git, project)
    identity = tree.identity  # before anything is read: what changes meanwhile is seen next time
    specs = reading.worktree_specs(tree, project, keeper=Keeper(cache, basis, spread))
    found = (*settings_found, *specs.diagnostics)
    body = Validated(specs.files, len(specs.specs))
    if not has_errors(found):
        cache.keep_answer(basis, _answer(project, identity, body, found))
    if wanted:
        found = tuple(one for one in found if reading.covers(wanted, one.file))
        runs = sum(reading.covers(wanted, one.file) for one in specs.specs.values())
        body = Validated(specs.files, runs)
    return validated(body, found, strict=strict)


def _answered(
    git: GitTree, cache: Cache, platform: str
) -> tuple[Validated, tuple[Diagnostic, ...]] | None:
    """Give the answer of the last time, if no file has changed since; None otherwise.

    The settings are taken as they lie there: if that isn't how git has them, or they were no
    plain file, the identity is another one.
    """
    content = git.worktree([PROJECT_FILE]).read(PROJECT_FILE.encode())
    basis = verdicts.basis(cache.tool, platform, content)
    try:
        folders, identity, files, runs, found = cache.answer(basis)
        if git.worktree(folders).identity != identity:
            return None
        return Validated(files, runs), tuple(
            finding for file, some in found for finding in verdicts.findings_from_json(some, file)
        )
    except (TypeError, ValueError, LookupError):
        return None


def _answer(
    project: Project, identity: str, body: Validated, found: tuple[Diagnostic, ...]
) -> list[Any]:
    from qflow_gitops.operations import reading

    by_file = [
        [file, verdicts.findings_to_json(some)]
        for file, some in groupby(found, key=lambda one: one.file)
    ]
    return [reading.parts(project), identity, body.files, body.runs, by_file]
