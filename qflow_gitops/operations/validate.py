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
    if wanted:
        found = tuple(one for one in found if _covers(one.file, wanted))
    runs = sum(not wanted or _covers(one.file, wanted) for one in specs.specs.values())
    return validated(Validated(specs.files, runs), found, strict=strict)


def _covers(file: str, wanted: tuple[str, ...]) -> bool:
    return any(one in ("", ".") or file == one or file.startswith(one + "/") for one in wanted)
