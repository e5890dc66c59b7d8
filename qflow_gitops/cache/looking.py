"""All specs of the work tree, by looking at what has changed since all were looked at.

Where only a look at everything can tell (a name that stands in a file that hasn't changed as
well, or what a spec comes after, say), or much has changed, everything is looked at. Which
content isn't read even then is `examining`'s to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.cache.examining import known_worktree_specs
from qflow_gitops.cache.survey import Survey
from qflow_gitops.findings.finding import has_errors, in_order
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.loader import AllSpecs, lines_of, short
from qflow_gitops.specs import filenames, load, ordering, project_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qflow_gitops.cache.examining import CachedChecks
    from qflow_gitops.ports.git import WorkTree
    from qflow_gitops.settings.project import Project

MOST_CHANGED = 200
"""With more changed paths, everything is looked at."""


def look(
    tree: WorkTree, project: Project, keeper: CachedChecks, last: Survey | None
) -> tuple[AllSpecs, Survey | None]:
    """Look at every spec of the work tree that may have changed since the last survey.

    Gives another survey to keep where everything was looked at, and there is no error.
    """
    looked = _since(last, tree, project, keeper) if last else None
    if looked is not None:
        return looked, None
    state = tree.state
    catalogs = reading.worktree_catalogs(tree, project.folder)
    specs = known_worktree_specs(tree, project, catalogs, keeper)
    looked = AllSpecs.of(specs)
    unsure, _ = state
    alike = any(finding.rule == project_rules.SAME_REQUEST for finding in looked.found)
    if alike or _has_order(specs) or has_errors(looked.found) or len(unsure) > MOST_CHANGED:
        return looked, None
    context = keeper.context(catalogs)
    folders = reading.parts(project)
    return looked, Survey(keeper.basis, folders, tuple(catalogs), context, state, looked)


def _since(last: Survey, tree: WorkTree, project: Project, keeper: CachedChecks) -> AllSpecs | None:
    try:
        changed = tree.changed_since(last.state)
    except ValueError:
        return None
    if len(changed) > MOST_CHANGED:
        return None
    those = tree.restricted_to(changed)
    catalogs = _catalogs(tree, reading.worktree_catalogs(those, project.folder), last, changed)
    if keeper.context(catalogs) != last.context:
        return None
    specs = known_worktree_specs(those, project, catalogs, keeper)
    if _has_order(specs):
        return None
    files, runs = last.looked.files, last.looked.runs
    # A name that isn't shown as it is has no run, and may be shown like one that has.
    names = {path.decode() for path in changed if filenames.escaped(path).encode() == path}
    for name in names:
        others = _without(runs, name)
        files -= others != runs
        runs = others
    count = runs.count("\n") + len(specs.specs) + len(specs.invalid)
    if count > load.MAX_SPECS or _clash(specs, names, runs):
        return None
    found = [
        finding for finding in last.looked.found if finding.file not in names | catalogs.keys()
    ]
    return AllSpecs(
        files + specs.files,
        runs + lines_of(specs.specs.values()),
        in_order([*found, *specs.diagnostics]),
    )


def _has_order(specs: load.SpecSet) -> bool:
    """Whether a spec comes after others, which may be gone or in files that haven't changed."""
    unknown = any(finding.rule == ordering.UNKNOWN for finding in specs.diagnostics)
    return unknown or any(spec.after for spec in specs.specs.values())


def _catalogs(
    tree: WorkTree, new: Mapping[str, bytes], last: Survey, changed: frozenset[bytes]
) -> Mapping[str, bytes]:
    """Read the catalog's files, of which only the changed ones (`new`) are looked for."""
    same = (name for name in last.catalogs if name.encode() not in changed)
    return {**{name: tree.read(name.encode()) or b"" for name in same}, **new}


def _clash(specs: load.SpecSet, names: Iterable[str], runs: str) -> bool:
    """Whether one of the specs has the name or the request of one of these runs, or a file so.

    What two of the specs themselves have in common was found when they were read.
    """
    folded = runs.casefold()
    return (
        any(
            f"\t{environment}/{name}\t" in runs
            for environment, name in (*specs.specs, *specs.invalid)
        )
        or any(f"\n{short(spec)}\t" in runs for spec in specs.specs.values())
        or any(finding.rule == project_rules.SAME_REQUEST for finding in specs.diagnostics)
        or any(f"\t{name.casefold()}\n" in folded for name in names)
    )


def _without(runs: str, file: str) -> str:
    """Return the lines of the runs that stand in another file."""
    ending = f"\t{file}\n"
    while (place := runs.find(ending)) >= 0:
        runs = runs[: runs.rfind("\n", 0, place) + 1] + runs[place + len(ending) :]
    return runs
