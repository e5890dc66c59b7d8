"""The specs that a diff and the lockfile make necessary, where all of them aren't."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from qflow_gitops.errors import Unreadable
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.lockfile.inheritance import inherits, recorded_origins
from qflow_gitops.lockfile.states import SETTLED
from qflow_gitops.plan.same_request import is_spent_elsewhere
from qflow_gitops.sources.loader import covers
from qflow_gitops.sources.specs import is_within, parts
from qflow_gitops.specs import filenames

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import GitTree, PathChange
    from qflow_gitops.settings.project import Project
    from qflow_gitops.specs.load import SpecSet


class Reads(Protocol):
    """Reads the specs of a commit: all of them, or those of the files named in `only`."""

    def __call__(self, commit: str, /, *, only: frozenset[str] | None = None) -> SpecSet:
        """Read them."""


class Narrowed(NamedTuple):
    """The specs that a plan has to look at, and the files that differ from the base."""

    specs: SpecSet
    touched: frozenset[str]


def touched_files(git: GitTree, base: str, commit: str, project: Project) -> frozenset[str]:
    """Name the files that differ between two commits: specs, settings, catalogs."""
    return _names(_changes(git, base, commit, project))


def with_catalogs(touched: frozenset[str], specs: SpecSet, project: Project) -> frozenset[str]:
    """Add the files of the specs to which a touched catalog of connectors gives something.

    That is part of them. A file with errors may have become so by it.
    """
    if not any(covers((project.folder.connectors,), path) for path in touched):
        return touched
    using = {spec.file for spec in specs.specs.values() if spec.catalog in touched}
    return touched | using | {finding.file for finding in specs.invalid.values()}


def _changes(git: GitTree, base: str, commit: str, project: Project) -> Sequence[PathChange]:
    return git.changes(base, commit, parts(project))


def _names(changes: Iterable[PathChange]) -> frozenset[str]:
    return frozenset(filenames.escaped(change.path) for change in changes)


def narrowed(
    git: GitTree,
    base: str,
    commit: str,
    project: Project,
    lockfile: Lockfile,
    environments: tuple[str, ...],
    read: Reads,
) -> Narrowed | None:
    """Read the specs that can be due or held, given that all was applied through `base`.

    Whatever is left out has a settled attempt and is the same as it was at `base`. Gives
    None where only a look at every spec can tell. `read` reads the specs of some files of a
    commit.
    """
    from qflow_gitops.ports.git import ChangeKind

    changes = _changes(git, base, commit, project)
    touched = _names(changes)
    if is_checked_anew(project, touched) or _platform_changed(project, lockfile, environments):
        return None
    removed = _names(
        change
        for change in changes
        if change.kind is ChangeKind.REMOVED and is_within(change.path, project)
    )
    needed = touched - removed
    try:
        before = read(base, only=touched)
    except Unreadable:
        return None  # the base only spares a look at what hasn't changed
    if has_errors(before.diagnostics):
        return None
    for _ in range(3):  # the second round reads what the lockfile names, a third has nothing new
        specs = read(commit, only=needed)
        if _is_back(specs, before, needed & touched, lockfile) or _has_order(specs, before):
            return None
        more = _files_to_follow(specs, project, needed, touched, lockfile, environments)
        if more is None:
            return None
        if more <= needed:
            return Narrowed(specs, touched)
        needed |= more
    return None


def is_checked_anew(project: Project, touched: frozenset[str]) -> bool:
    """Whether the settings or a catalog differ, by which every spec is checked."""
    catalogs = (project.folder.catalog, project.folder.connectors)
    return project.folder.settings in touched or any(covers(catalogs, path) for path in touched)


def _platform_changed(project: Project, lockfile: Lockfile, environments: tuple[str, ...]) -> bool:
    return any(
        lockfile.overview(name).platforms - {project.environments[name].platform}
        for name in environments
    )


def _files_to_follow(
    specs: SpecSet,
    project: Project,
    read: frozenset[str],
    touched: frozenset[str],
    lockfile: Lockfile,
    environments: tuple[str, ...],
) -> frozenset[str] | None:
    """Name the files of the runs whose record makes a look necessary; None if unknown.

    `read` are the files that `specs` come from. A run with an attempt that isn't settled
    has to be looked at. Where a name, a file or a request has moved between files, only a
    look at all of them can tell what is new, so that gives None.
    """
    if has_errors(specs.diagnostics) or _any_moved(specs, project, lockfile, environments):
        return None
    if any(_has_unsettled_origin(lockfile, name) for name in environments):
        return None
    files: set[str] = set()
    for name in environments:
        overview = lockfile.overview(name)
        if any((name, run) not in specs.specs for run in overview.of_files(touched)):
            return None
        for run, file in overview.unsettled().items():
            if file in read and (name, run) not in specs.specs:
                return None
            files.add(file)
    return frozenset(files)


def _has_unsettled_origin(lockfile: Lockfile, environment: str) -> bool:
    """Whether something isn't settled that was carried over from another environment."""
    return any(
        origin.environment != environment
        and origin.run in lockfile.overview(origin.environment).unsettled()
        and any(
            attempt.state not in SETTLED
            for attempt in lockfile.attempts(*origin.key)[: origin.through]
        )
        for run in lockfile.environment(environment).events
        for origin in recorded_origins(lockfile, (environment, run))
    )


def _is_back(specs: SpecSet, before: SpecSet, touched: frozenset[str], lockfile: Lockfile) -> bool:
    """Whether a name with a record comes back: another spec may have carried that record over."""
    return any(
        spec.file in touched and key not in before.specs and lockfile.count(*key)
        for key, spec in specs.specs.items()
    )


def _has_order(specs: SpecSet, before: SpecSet) -> bool:
    """Whether something comes after others, or others may come after what was changed.

    A name that is gone, or other labels, may be what a spec that nobody touched waits for.
    """
    now = specs.specs
    return any(spec.after for spec in now.values()) or any(
        key not in now or now[key].labels != spec.labels for key, spec in before.specs.items()
    )


def _any_moved(
    specs: SpecSet, project: Project, lockfile: Lockfile, environments: tuple[str, ...]
) -> bool:
    """Whether one of the specs has another file or name in the lockfile, or its request has."""
    for key, spec in specs.specs.items():
        if key[0] not in environments:
            continue
        seen = lockfile.overview(key[0]).glance(key[1])
        if spec.previous_name or inherits(lockfile, project, key):
            return True
        if seen and seen.file != spec.file:
            return True
        if seen and spec.digest in seen.sent:
            continue
        if is_spent_elsewhere(spec, project, lockfile):
            return True
    return False
