"""Check every spec of the work tree, and the fleet that stands there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import FLEET_FILE
from qflow_gitops.errors import InvalidInput
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.results.report import InvalidFiles, Report, Validated, validated
from qflow_gitops.sources import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import Repository
    from qflow_gitops.settings.project import Project
    from qflow_gitops.sources.fleets import FleetChecked
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
    """Check the settings, the specs and a fleet; with `only`, report on these files and folders.

    All files count either way, so that a name that stands twice is found; and what the settings
    and the catalog break is reported where one of them is among `only`. What the `loader` knows
    isn't looked at again. `recorded` gives the lockfile as this clone has it. A `hook` also gives
    paths that are none of the project's (else that is a finding), leaves out what git doesn't
    know but for `only`, and looks at fleets by itself. Raises InvalidInput.
    """
    wanted = tuple(only)
    fleets = () if hook else _fleets(git, _of_fleets(git, wanted))
    body, found = _validated(git, platform, loader, recorded, wanted, fleets, hook=hook)
    return _reported(body, found, fleets, strict=strict)


def _validated(
    git: Repository,
    platform: str,
    loader: Loader,
    recorded: Callable[[Project], Lockfile | None],
    wanted: tuple[str, ...],
    fleets: Sequence[FleetChecked],
    *,
    hook: bool,
) -> tuple[Validated, tuple[Diagnostic, ...]]:
    """Check the settings and the specs; where there is nothing but `fleets`, nothing is missed."""
    try:
        at = place.find(git, "")
    except InvalidFiles as problem:
        return Validated(1, 0), problem.diagnostics
    except InvalidInput as problem:
        if problem.reason == "settings_unknown" and fleets and not _has_runs(git):
            return Validated(0, 0), ()
        raise
    folder = at.folder.name
    _check_alone(git, at, platform, loader)
    if not (wanted or at.found) and (known := loader.answer(git, at, platform)):
        body, found = known
        return body._replace(project=folder), found
    look = loader.look(git, at, platform, wanted, hook=hook)
    from qflow_gitops.sources import folders

    try:
        settings = loader.settings(at, platform)
    except InvalidFiles as problem:
        return Validated(1, 0, folder), problem.diagnostics
    missing = folders.missing(git, "", settings.project, lambda: recorded(settings.project))
    if fleets and at.content is None and recorded(settings.project) is None:
        missing = []
    looked = look.specs(settings)
    found = (*settings.found, *missing, *looked.found)
    body = Validated(looked.files, looked.count(wanted), folder)
    if looked.files and not (has_errors(found) or at.found or missing):
        look.keep(body, found)
    if wanted:
        others = tuple(path for path in wanted if not _holds(path, fleets))
        found = _asked_for(git, settings.project, wanted, others, looked, found, hook=hook)
    return body, found


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
    others: tuple[str, ...],
    looked: AllSpecs,
    found: tuple[Diagnostic, ...],
    *,
    hook: bool,
) -> tuple[Diagnostic, ...]:
    """Return what was found in some files and folders, and which of `others` nobody looks at."""
    from qflow_gitops.sources import folders
    from qflow_gitops.sources.loader import covers

    folder = project.folder
    if not any(path == folder.settings or folders.is_catalog(path, folder) for path in wanted):
        found = tuple(finding for finding in found if covers(wanted, finding.file))
    if hook:
        return found

    def is_looked_at(path: str) -> bool:
        return looked.count((path,)) > 0 or any(covers((path,), finding.file) for finding in found)

    return (*found, *folders.overlooked(git, project, others, is_looked_at))


# --- fleets --------------------------------------------------------------------------


def _of_fleets(git: Repository, wanted: tuple[str, ...]) -> list[str]:
    """Name the files that may hold a fleet: the nearest one, and those that are asked for.

    Where there is none, which a look into these folders tells, nothing is read for it.
    """
    from qflow_gitops.sources.loader import covers

    above = (folder.path(FLEET_FILE) for folder in place.folders_above(git.prefix))
    nearest = next((file for file in above if _is_there(git, file)), "")
    found = [nearest] if nearest and covers(wanted, nearest) else []
    asked = (path if _is_called_so(path) else f"{path}/{FLEET_FILE}" for path in wanted)
    return [*dict.fromkeys([*found, *(file for file in asked if _is_there(git, file))])]


def _fleets(git: Repository, files: Iterable[str]) -> tuple[FleetChecked, ...]:
    if not (named := [*files]):
        return ()
    from qflow_gitops.sources import fleets

    return tuple(filter(None, (fleets.checked(git, file) for file in named)))


def _is_called_so(path: str) -> bool:
    return path.rpartition("/")[2] == FLEET_FILE


def _is_there(git: Repository, file: str) -> bool:
    return file.encode() in git.listing("", file.rpartition("/")[0])


def _holds(path: str, fleets: Iterable[FleetChecked]) -> bool:
    """Whether a path is a fleet that was looked at, or its folder."""
    from qflow_gitops.sources.loader import covers

    return any(covers((path,), fleet.file) for fleet in fleets)


def _has_runs(git: Repository) -> bool:
    from qflow_gitops.sources import folders

    return folders.is_there(git, "", "runs")


def _reported(
    body: Validated,
    found: tuple[Diagnostic, ...],
    fleets: Sequence[FleetChecked],
    *,
    strict: bool,
) -> Report:
    """Report on the specs, and on the fleets beside them."""
    if fleets:
        body = body._replace(members=sum(fleet.members for fleet in fleets))
        found += tuple(one for fleet in fleets for one in fleet.found)
    return validated(body, found, strict=strict)


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

    Paths of no project are passed over, but for fleets, and for settings that the commit takes away
    or that are called otherwise. Raises InvalidInput.
    """
    from qflow_gitops.sources.folders import by_project

    paths = tuple(paths)
    fleets = _fleets(git, (path for path in paths if _is_called_so(path) and _is_there(git, path)))
    reports = [
        validate(git.at(folder), platform, loader, recorded, some, strict=strict, hook=True)
        for folder, some in by_project(git, paths).items()
    ]
    bodies = [report.body for report in reports if isinstance(report.body, Validated)]
    body = Validated(sum(body.files for body in bodies), sum(body.runs for body in bodies))
    found = tuple(finding for report in reports for finding in report.diagnostics)
    return _reported(body, found, fleets, strict=strict)
