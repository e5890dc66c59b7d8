"""All specs of the work tree, by looking at what has changed since all were looked at.

Where only a look at everything can tell (a name that stands in a file that hasn't changed as
well, say), or much has changed, everything is looked at. Which content isn't read even then
is `examining`'s to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops import loader
from qflow_gitops.diagnostics import has_errors, in_order
from qflow_gitops.operations import reading
from qflow_gitops.operations.survey import Looked, Survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qflow_gitops.interfaces import WorkTree
    from qflow_gitops.operations.examining import Keeper
    from qflow_gitops.project import Project
    from qflow_gitops.spec import RunSpec

MOST_CHANGED = 200
"""With more changed paths, everything is looked at."""


def look(tree: WorkTree, project: Project, keeper: Keeper, kept: Survey | None) -> Looked:
    """Look at every spec of the work tree that may have changed since `kept`."""
    looked = _since(kept, tree, project, keeper) if kept else None
    if looked is not None:
        return looked
    state = tree.state
    workflows = reading.worktree_workflows(tree)
    specs = reading.worktree_specs(tree, project, workflows=workflows, keeper=keeper)
    looked = Looked(specs.files, "\n" + _lines(specs.specs.values()), specs.diagnostics)
    unsure, _ = state
    if not has_errors(looked.found) and len(unsure) <= MOST_CHANGED:
        context = keeper.context(workflows)
        Survey(keeper.basis, reading.parts(project), tuple(workflows), context, state, looked).keep(
            keeper.cache
        )
    return looked


def _since(kept: Survey, tree: WorkTree, project: Project, keeper: Keeper) -> Looked | None:
    try:
        changed = tree.changed_since(kept.state)
    except ValueError:
        return None
    if len(changed) > MOST_CHANGED:
        return None
    those = tree.among(changed)
    workflows = _workflows(tree, those, kept, changed)
    if keeper.context(workflows) != kept.context:
        return None
    specs = reading.worktree_specs(those, project, workflows=workflows, keeper=keeper)
    files, runs = kept.looked.files, kept.looked.runs
    names = {loader.escaped(path) for path in changed}
    for name in names:
        others = _without(runs, name)
        files -= others != runs
        runs = others
    if runs.count("\n") + len(specs.specs) > loader.MAX_SPECS or _clash(specs, names, runs):
        return None
    found = [one for one in kept.looked.found if one.file not in names | workflows.keys()]
    return Looked(
        files + specs.files,
        runs + _lines(specs.specs.values()),
        in_order([*found, *specs.diagnostics]),
    )


def _workflows(
    tree: WorkTree, those: WorkTree, kept: Survey, changed: frozenset[bytes]
) -> Mapping[str, bytes]:
    """Read the catalog's files, of which only the changed ones are looked for."""
    same = (name for name in kept.workflows if name.encode() not in changed)
    found = {name: tree.read(name.encode()) or b"" for name in same}
    return found | reading.worktree_workflows(those)


def _clash(specs: loader.SpecSet, names: Iterable[str], runs: str) -> bool:
    """Whether one of the specs has the name of one of these runs, or a file like theirs."""
    folded = runs.casefold()
    return any(
        f"\n{environment}/{name}\t" in runs for environment, name in (*specs.specs, *specs.invalid)
    ) or any(f"\t{name.casefold()}\n" in folded for name in names)


def _lines(specs: Iterable[RunSpec]) -> str:
    return "".join(f"{one.environment}/{one.name}\t{one.file}\n" for one in specs)


def _without(runs: str, file: str) -> str:
    """Give the lines of the runs that stand in another file."""
    ending = f"\t{file}\n"
    while (place := runs.find(ending)) >= 0:
        runs = runs[: runs.rfind("\n", 0, place) + 1] + runs[place + len(ending) :]
    return runs
