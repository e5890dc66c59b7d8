"""Check every spec of the work tree."""

from collections.abc import Iterable

from qflow_gitops.interfaces import GitTree
from qflow_gitops.operations import reading
from qflow_gitops.report import InvalidFiles, Report, Validated, validated


def validate(
    git: GitTree, platform: str, only: Iterable[str] = (), *, strict: bool = False
) -> Report:
    """Check the settings and the specs; with `only`, report on these files and folders.

    All files are read either way, so that a name that stands twice is found.
    """
    wanted = tuple(only)
    try:
        project, settings_found = reading.settings_with_findings(git, "", platform)
    except InvalidFiles as problem:
        return validated(Validated(1, 0), problem.diagnostics, strict=strict)
    specs = reading.worktree_specs(git, project)
    found = (*settings_found, *specs.diagnostics)
    found = tuple(one for one in found if reading.covers(wanted, one.file))
    runs = sum(reading.covers(wanted, one.file) for one in specs.specs.values())
    return validated(Validated(specs.files, runs), found, strict=strict)
