"""Check every spec of the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops import verdicts
from qflow_gitops.diagnostics import Diagnostic, has_errors
from qflow_gitops.filenames import PROJECT_FILE
from qflow_gitops.operations import projectfile
from qflow_gitops.report import InvalidFiles, Report, Validated, validated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qflow_gitops.interfaces import Cache, GitTree
    from qflow_gitops.operations.examining import Spread


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
    from qflow_gitops.operations import reading, survey  # not loaded where all is known
    from qflow_gitops.operations.examining import Keeper

    tree = reading.worktree(git, project)
    # Before anything is read: what changes meanwhile is seen next time.
    identity = "" if wanted else tree.identity
    looked = survey.look(tree, project, Keeper(cache, basis, spread))
    found = (*settings_found, *looked.found)
    body = Validated(looked.files, looked.count(wanted))
    if identity and not has_errors(found):
        by_file = survey.findings_by_file(found)
        cache.keep_answer(basis, [reading.parts(project), identity, *body, by_file])
    if wanted:
        found = tuple(one for one in found if reading.covers(wanted, one.file))
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
