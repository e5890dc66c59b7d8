"""All specs of the work tree, by looking at what has changed since all were looked at.

What the last look at everything found is kept, with how git's index and the files were then.
Where only a look at everything can tell (a name that stands in a file that hasn't changed as
well, say), or much has changed, everything is looked at. Which content isn't read even then
is `examining`'s to say.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops import loader, verdicts
from qflow_gitops.diagnostics import has_errors, in_order
from qflow_gitops.operations import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qflow_gitops.diagnostics import Diagnostic
    from qflow_gitops.interfaces import Cache, WorkTree
    from qflow_gitops.operations.examining import Keeper
    from qflow_gitops.project import Project
    from qflow_gitops.spec import RunSpec

MOST_CHANGED = 200
_NAME = "survey"


class Looked(NamedTuple):
    """What there is: how many files of specs, the runs, what was found.

    `runs` is a text, since most of it is never needed: a line break, then for each run
    `environment/name`, a tab, its file, and a line break. Neither stands in a valid name.
    """

    files: int
    runs: str
    found: tuple[Diagnostic, ...]

    def count(self, only: tuple[str, ...]) -> int:
        """Count the runs in these files and folders; all without any."""
        if not only or "" in only or "." in only:
            return self.runs.count("\n") - 1
        roots = [
            one for one in set(only)
            if not any(one != other and reading.covers((other,), one) for other in only)
        ]  # fmt: skip
        return sum(self.runs.count(f"\t{one}{end}") for one in roots for end in ("\n", "/"))


def look(tree: WorkTree, project: Project, keeper: Keeper) -> Looked:
    """Look at every spec of the work tree that may have changed since the last time."""
    looked = _since_the_last(tree, project, keeper)
    if looked is not None:
        return looked
    state = tree.state
    workflows = reading.worktree_workflows(tree)
    specs = reading.worktree_specs(tree, project, workflows=workflows, keeper=keeper)
    looked = Looked(specs.files, "\n" + _lines(specs.specs.values()), specs.diagnostics)
    if not has_errors(looked.found) and len(tree.changed_since(state)) <= MOST_CHANGED:
        kept = _Survey(keeper.context(workflows), tuple(workflows), looked, state)
        keeper.cache.keep_content(_NAME, kept.to_bytes())
    return looked


class _Survey(NamedTuple):
    """What a look at everything found in a context, with the catalog's files."""

    context: str
    workflows: tuple[str, ...]
    looked: Looked
    state: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> _Survey:
        """Raises ValueError, TypeError or LookupError for what isn't such bytes."""
        head, _, rest = data.partition(b"\n")
        context, workflows, files, found_by_file, length = json.loads(head)
        found = tuple(
            finding
            for file, some in found_by_file
            for finding in verdicts.findings_from_json(some, file)
        )
        looked = Looked(files, rest[:length].decode(), found)
        return cls(context, tuple(workflows), looked, rest[length:])

    def to_bytes(self) -> bytes:
        runs = self.looked.runs.encode()
        found = findings_by_file(self.looked.found)
        head = [self.context, self.workflows, self.looked.files, found, len(runs)]
        return json.dumps(head).encode() + b"\n" + runs + self.state


def findings_by_file(found: Iterable[Diagnostic]) -> list[list[object]]:
    """Give findings, which are in order, as data for JSON."""
    return [
        [file, verdicts.findings_to_json(some)]
        for file, some in groupby(found, key=lambda one: one.file)
    ]


def _since_the_last(tree: WorkTree, project: Project, keeper: Keeper) -> Looked | None:
    kept = _kept(keeper.cache)
    if kept is None:
        return None
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
    if runs.count("\n") + len(specs.specs) > loader.MAX_SPECS or _clash(specs, runs):
        return None
    found = [one for one in kept.looked.found if one.file not in names | workflows.keys()]
    return Looked(
        files + specs.files,
        runs + _lines(specs.specs.values()),
        in_order([*found, *specs.diagnostics]),
    )


def _kept(cache: Cache) -> _Survey | None:
    try:
        return _Survey.from_bytes(cache.content(_NAME) or b"")
    except (ValueError, TypeError, LookupError):
        return None


def _workflows(
    tree: WorkTree, those: WorkTree, kept: _Survey, changed: frozenset[bytes]
) -> Mapping[str, bytes]:
    """Read the catalog's files, of which only the changed ones are looked for."""
    same = (name for name in kept.workflows if name.encode() not in changed)
    found = {name: tree.read(name.encode()) or b"" for name in same}
    return found | reading.worktree_workflows(those)


def _clash(specs: loader.SpecSet, runs: str) -> bool:
    """Whether one of the specs has the name of one of these runs, or a file like theirs."""
    folded = runs.casefold()
    return any(
        f"\n{environment}/{name}\t" in runs or f"\t{spec.file.casefold()}\n" in folded
        for (environment, name), spec in specs.specs.items()
    )


def _lines(specs: Iterable[RunSpec]) -> str:
    return "".join(f"{one.environment}/{one.name}\t{one.file}\n" for one in specs)


def _without(runs: str, file: str) -> str:
    """Give the lines of the runs that stand in another file."""
    ending = f"\t{file}\n"
    while (place := runs.find(ending)) >= 0:
        runs = runs[: runs.rfind("\n", 0, place) + 1] + runs[place + len(ending) :]
    return runs
