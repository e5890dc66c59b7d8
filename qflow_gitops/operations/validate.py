"""Check every spec of the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops import verdicts
from qflow_gitops.diagnostics import Diagnostic, has_errors
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
        content = projectfile.settings_content(git, "")
        basis = verdicts.basis(cache.tool, platform, content)
        if not wanted and (known := _answered(git, cache, basis)):
            return validated(*known, strict=strict)
        from qflow_gitops.operations.survey import Survey, covers

        last = Survey.kept(cache, git.root, basis)
        tree = git.worktree(last.folders) if last else None
        if tree:
            tree.prepare()  # git looks while this process loads what it needs
        from qflow_gitops.operations import looking, reading
        from qflow_gitops.operations.examining import Keeper

        project, settings_found = projectfile.settings_of(content, platform, cache)
    except InvalidFiles as problem:
        return validated(Validated(1, 0), problem.diagnostics, strict=strict)
    if tree is None:
        tree = reading.worktree(git, project)
        tree.prepare()
    # Before anything is read: what changes meanwhile is seen next time.
    identity = "" if wanted else tree.identity
    looked, survey = looking.look(tree, project, Keeper(cache, basis, spread), last)
    if survey:
        survey.keep(cache, git.root)
    found = (*settings_found, *looked.found)
    body = Validated(looked.files, looked.count(wanted))
    if identity and not has_errors(found):
        by_file = verdicts.findings_by_file(found)
        cache.keep_answer(basis, [reading.parts(project), identity, *body, by_file])
    if wanted:
        found = tuple(one for one in found if covers(wanted, one.file))
    return validated(body, found, strict=strict)


def _answered(
    git: GitTree, cache: Cache, basis: str
) -> tuple[Validated, tuple[Diagnostic, ...]] | None:
    """Give the answer of the last time, if no file has changed since; None otherwise."""
    try:
        folders, identity, files, runs, found = cache.answer(basis)
        if git.worktree(folders).identity != identity:
            return None
        return Validated(files, runs), verdicts.findings_of_files(found)
    except (TypeError, ValueError, LookupError):
        return None
