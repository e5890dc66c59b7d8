"""Check every spec of the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.cache import verdicts
from qflow_gitops.findings.finding import Diagnostic, has_errors
from qflow_gitops.results.report import InvalidFiles, Report, Validated, validated
from qflow_gitops.sources import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import Cache, GitTree, Repository
    from qflow_gitops.settings.project import Project
    from qflow_gitops.sources.examining import Spread


def validate(
    git: Repository,
    platform: str,
    cache: Cache,
    spread: Spread,
    recorded: Callable[[Project], Lockfile | None],
    only: Iterable[str] = (),
    *,
    strict: bool = False,
    hook: bool = False,
) -> Report:
    """Check the settings and the specs; with `only`, report on these files and folders.

    All files count either way, so that a name that stands twice is found; and what the settings
    and the catalog break is reported where one of them is among `only`. What `cache` knows isn't
    looked at again. `recorded` gives the lockfile as this clone has it. A `hook` also gives paths
    that are none of the project's (else that is a finding), and leaves out what git doesn't know
    but for `only`. Raises InvalidInput.
    """
    wanted = tuple(only)
    try:
        at = place.find(git, "")
        basis = verdicts.basis(cache.tool, platform, at.content, at.folder)
        if not (wanted or at.found) and (known := _answered(git, cache, basis)):
            return validated(*known, strict=strict)
        from qflow_gitops.sources.survey import Survey, covers

        last = Survey.kept(cache, git.root, at.folder, basis)
        tree = git.worktree(last.folders) if last else None
        tree = tree.tracked(wanted) if tree and hook else tree
        if tree:
            tree.prepare()  # git looks while this process loads what it needs
        from qflow_gitops.sources import folders, looking, specs
        from qflow_gitops.sources.examining import CachedChecks

        project, _, settings_found = place.settings_of(at, platform, cache)
    except InvalidFiles as problem:
        return validated(Validated(1, 0), problem.diagnostics, strict=strict)
    missing = folders.missing(git, "", project, lambda: recorded(project))
    if tree is None:
        tree = specs.worktree(git, project)
        tree = tree.tracked(wanted) if hook else tree
        tree.prepare()
    # Before anything is read: what changes meanwhile is seen next time.
    identity = "" if wanted else tree.identity
    looked, survey = looking.look(tree, project, CachedChecks(cache, basis, spread), last)
    if survey:
        survey.keep(cache, git.root, at.folder)
    found = (*settings_found, *missing, *looked.found)
    body = Validated(looked.files, looked.count(wanted))
    if identity and looked.files and not (has_errors(found) or at.found or missing):
        by_file = verdicts.findings_by_file(found)
        cache.keep_answer(basis, [specs.parts(project), identity, *body, by_file])
    if wanted and not any(
        path == at.folder.settings or folders.is_catalog(path, at.folder) for path in wanted
    ):
        found = tuple(finding for finding in found if covers(wanted, finding.file))
    if wanted and not hook:

        def is_looked_at(path: str) -> bool:
            return looked.count((path,)) > 0 or any(
                covers((path,), finding.file) for finding in found
            )

        found += tuple(folders.overlooked(git, project, wanted, is_looked_at))
    return validated(body, found, strict=strict)


def _answered(
    git: GitTree, cache: Cache, basis: str
) -> tuple[Validated, tuple[Diagnostic, ...]] | None:
    """Return the answer of the last time, if no file has changed since; None otherwise."""
    try:
        folders, identity, files, runs, found = cache.answer(basis)
        if git.worktree(folders).identity != identity:
            return None
        return Validated(files, runs), verdicts.findings_of_files(found)
    except (TypeError, ValueError, LookupError):
        return None


# --- of a hook -----------------------------------------------------------------------


def validate_staged(
    git: Repository,
    platform: str,
    cache: Cache,
    spread: Spread,
    recorded: Callable[[Project], Lockfile | None],
    paths: Iterable[str],
    *,
    strict: bool = False,
) -> Report:
    """Check what a commit is about to change, in each project that holds some of it.

    Paths of no project are passed over, but for settings that the commit takes away or that are
    called otherwise. Raises InvalidInput.
    """
    from qflow_gitops.sources.folders import by_project

    reports = [
        validate(git.at(folder), platform, cache, spread, recorded, some, strict=strict, hook=True)
        for folder, some in by_project(git, paths).items()
    ]
    bodies = [report.body for report in reports if isinstance(report.body, Validated)]
    body = Validated(sum(body.files for body in bodies), sum(body.runs for body in bodies))
    found = tuple(finding for report in reports for finding in report.diagnostics)
    return validated(body, found, strict=strict)
