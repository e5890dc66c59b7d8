"""Check every spec of the work tree."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from qflow_gitops.findings.finding import has_errors
from qflow_gitops.results.report import InvalidFiles, Report, Validated, validated
from qflow_gitops.sources import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import Repository
    from qflow_gitops.settings.project import Project
    from qflow_gitops.sources.found import Found
    from qflow_gitops.sources.loader import AllSpecs, Loader


def validate(
    git: Repository,
    platform: str,
    loader: Loader,
    recorded: Callable[[Project], Lockfile | None],
    only: Iterable[str] = (),
    *,
    strict: bool = False,
    hook: bool = False,
) -> Report:
    """Check the settings and the specs; with `only`, report on these files and folders.

    All files count either way, so that a name that stands twice is found; and what the settings
    and the catalog break is reported where one of them is among `only`. What the `loader` knows
    isn't looked at again. `recorded` gives the lockfile as this clone has it. A `hook` also gives
    paths that are none of the project's (else that is a finding), and leaves out what git doesn't
    know but for `only`. Raises InvalidInput.
    """
    wanted = tuple(only)
    try:
        at = place.find(git, "")
    except InvalidFiles as problem:
        return validated(Validated(1, 0), problem.diagnostics, strict=strict)
    folder = at.folder.name
    _check_alone(git, at, platform, loader)
    if not (wanted or at.found) and (known := loader.answer(git, at, platform)):
        body, found = known
        return validated(body._replace(project=folder), found, strict=strict)
    look = loader.look(git, at, platform, wanted, hook=hook)
    from qflow_gitops.sources import folders

    try:
        settings = loader.settings(at, platform)
    except InvalidFiles as problem:
        return validated(Validated(1, 0, folder), problem.diagnostics, strict=strict)
    missing = folders.missing(git, "", settings.project, lambda: recorded(settings.project))
    looked = look.specs(settings)
    found = (*settings.found, *missing, *looked.found)
    body = Validated(looked.files, looked.count(wanted), folder)
    if looked.files and not (has_errors(found) or at.found or missing):
        look.keep(body, found)
    if wanted:
        found = _asked_for(git, settings.project, wanted, looked, found, hook=hook)
    return validated(body, found, strict=strict)


def _check_alone(git: Repository, at: Found, platform: str, loader: Loader) -> None:
    """Refuse settings that name the branch of another project's lockfile.

    Where there is no other project, which git tells at once, nothing is read for it.
    """
    if any(folder != at.folder for folder in loader.projects(git, "")):
        from qflow_gitops.sources.settings import check_alone_on_disk

        with contextlib.suppress(InvalidFiles):  # its own: that is told in full
            check_alone_on_disk(git, loader.settings(at, platform).project, loader)


def _asked_for(
    git: Repository,
    project: Project,
    wanted: tuple[str, ...],
    looked: AllSpecs,
    found: tuple[Diagnostic, ...],
    *,
    hook: bool,
) -> tuple[Diagnostic, ...]:
    """Return what was found in some files and folders, and which of them nobody looks at."""
    from qflow_gitops.sources import folders
    from qflow_gitops.sources.loader import covers

    folder = project.folder
    if not any(path == folder.settings or folders.is_catalog(path, folder) for path in wanted):
        found = tuple(finding for finding in found if covers(wanted, finding.file))
    if hook:
        return found

    def is_looked_at(path: str) -> bool:
        return looked.count((path,)) > 0 or any(covers((path,), finding.file) for finding in found)

    return (*found, *folders.overlooked(git, project, wanted, is_looked_at))


# --- of a hook -----------------------------------------------------------------------


def validate_staged(
    git: Repository,
    platform: str,
    loader: Loader,
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
        validate(git.at(folder), platform, loader, recorded, some, strict=strict, hook=True)
        for folder, some in by_project(git, paths).items()
    ]
    bodies = [report.body for report in reports if isinstance(report.body, Validated)]
    body = Validated(sum(body.files for body in bodies), sum(body.runs for body in bodies))
    found = tuple(finding for report in reports for finding in report.diagnostics)
    return validated(body, found, strict=strict)
