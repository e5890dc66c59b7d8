"""From a commit or the work tree to specs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from qflow_gitops import catalog, loader
from qflow_gitops.diagnostics import has_errors, in_order
from qflow_gitops.filenames import PROJECT_FILE
from qflow_gitops.inheritance import inherits
from qflow_gitops.operations.examining import Contents
from qflow_gitops.operations.projectfile import refusals
from qflow_gitops.samerequest import is_spent_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from qflow_gitops.diagnostics import Diagnostic
    from qflow_gitops.interfaces import GitTree, PathChange, WorkTree
    from qflow_gitops.loader import SpecSet
    from qflow_gitops.lockfile import Attempt, Lockfile
    from qflow_gitops.operations.examining import Keeper
    from qflow_gitops.project import Project
    from qflow_gitops.spec import RunSpec


def worktree(git: GitTree, project: Project) -> WorkTree:
    """Look at everything in the work tree that says what would run."""
    return git.worktree(parts(project))


def parts(project: Project) -> tuple[str, ...]:
    """Name the folders and files that say what would run."""
    return (PROJECT_FILE, catalog.FOLDER, *project.runs)


def worktree_specs(
    tree: WorkTree,
    project: Project,
    *,
    workflows: Mapping[str, bytes] | None = None,
    keeper: Keeper | None = None,
) -> SpecSet:
    """Read every spec of the work tree; with a `keeper` only what it doesn't know.

    `workflows` are the catalog's files, if they aren't to be read from the tree.
    """
    paths: dict[str, bytes] = {}
    found: list[Diagnostic] = []
    oddities = {path: mode for path, mode in tree.oddities() if _is_within(path, project)}
    for path, mode in oddities.items():
        found += refusals(path, mode)
    for path in tree.listed:
        if path in oddities or not _is_within(path, project):
            continue
        name, problem = loader.spec_name(path)
        found += [problem] if problem else []
        if name and name != PROJECT_FILE and (tree.blob(path) or tree.size(path) >= 0):
            paths[name] = path
    if workflows is None:
        workflows = worktree_workflows(tree)
    if keeper is None:
        read = {name: tree.read(path) for name, path in paths.items()}
        hidden = [paths[name] for name, content in read.items() if content is None]
        found += [one for path in hidden for one in loader.unreadable(path).diagnostics]
        there = {name: content for name, content in read.items() if content is not None}
        return _with(loader.load(there, project, workflows), found)
    contents = Contents(list(paths), lambda name: tree.read(paths[name]) or b"")
    known, problems = loader.load_catalog(workflows)
    examined = keeper.examiner(project, known, workflows).in_worktree(tree, paths)
    return _with(loader.assembled(examined, contents, project, known, problems), found)


def _is_within(path: bytes, project: Project) -> bool:
    return any(
        one == "." or path == one.encode() or path.startswith(one.encode() + b"/")
        for one in project.runs
    )


def worktree_workflows(tree: WorkTree) -> dict[str, bytes]:
    """Read the catalog's files of the work tree."""
    return {
        path.decode(errors="replace"): tree.read(path) or b""
        for path in tree.listed
        if _is_workflow(path) and (tree.blob(path) or tree.size(path) >= 0)
    }


def _is_workflow(path: bytes) -> bool:
    return path.startswith(catalog.FOLDER.encode() + b"/") and path.endswith(b".json")


def commit_specs(
    git: GitTree, commit: str, project: Project, only: frozenset[str] | None = None
) -> SpecSet:
    """Read the specs of a commit: all of them, or those of the files named in `only`."""
    listed = _listed(git, commit, project, only)
    blobs = git.blobs({*listed.specs.values(), *listed.workflows.values()})
    contents = {name: blobs[blob] for name, blob in listed.specs.items()}
    workflows = {name: blobs[blob] for name, blob in listed.workflows.items()}
    return _with(loader.load(contents, project, workflows), listed.found)


def known_specs(
    git: GitTree,
    commit: str,
    project: Project,
    keeper: Keeper,
    settled: Callable[[RunSpec], bool],
    only: frozenset[str] | None = None,
) -> SpecSet:
    """Read the specs of a commit, as `commit_specs` does, but nothing that the keeper knows.

    Of specs that are `settled`, that may be no more than their identity.
    """
    listed = _listed(git, commit, project, only)
    blobs = git.blobs(listed.workflows.values())
    workflows = {name: blobs[blob] for name, blob in listed.workflows.items()}
    known, problems = loader.load_catalog(workflows)
    examined = keeper.examiner(project, known, workflows).in_commit(git, listed.specs, settled)
    contents = Contents(
        list(listed.specs), lambda name: git.blobs([listed.specs[name]])[listed.specs[name]]
    )
    return _with(loader.assembled(examined, contents, project, known, problems), listed.found)


class _Listed(NamedTuple):
    """Names and blobs of the files of a commit, and what is wrong with their names."""

    specs: Mapping[str, str]
    workflows: Mapping[str, str]
    found: list[Diagnostic]


_FEW = 500  # paths that fit well on a command line


def _listed(git: GitTree, commit: str, project: Project, only: frozenset[str] | None) -> _Listed:
    specs: dict[str, str] = {}
    workflows: dict[str, str] = {}
    found: list[Diagnostic] = []
    places: Sequence[str] = project.runs
    if only is not None and len(only) <= _FEW and all(map(_is_plain, only)):
        places = sorted(one for one in only if _is_within(one.encode(), project))
    for path, entry in git.files(commit, [*places, catalog.FOLDER]).items():
        if _is_workflow(path):
            workflows[path.decode(errors="replace")] = entry.blob
        if not _is_within(path, project):
            continue
        name, problem = loader.spec_name(path, entry.mode)
        if problem and (only is None or problem.file in only):
            found.append(problem)
        if name and name != PROJECT_FILE and (only is None or name in only):
            specs[name] = entry.blob
    return _Listed(specs, workflows, found)


def _is_plain(name: str) -> bool:
    """Whether a path that is shown is written as it is: nothing in it had to be escaped."""
    return name.isascii() and "\\" not in name


def _with(specs: SpecSet, more: list[Diagnostic]) -> SpecSet:
    if not more:
        return specs
    return specs._replace(diagnostics=in_order([*specs.diagnostics, *more]))


def sent_requests(
    git: GitTree, project: Project, attempts: Iterable[Attempt]
) -> dict[str, Mapping[str, Any]]:
    """Read what attempts sent, from the blobs that they name, by their nonces.

    One whose blob isn't in this clone, or that has no nonce, is left out.
    """
    wanted = {one.fact("nonce"): one for one in attempts if one.fact("nonce")}
    blobs = git.blobs({one.fact("blob") for one in wanted.values()})
    requests: dict[str, Mapping[str, Any]] = {}
    for nonce, one in wanted.items():
        if one.fact("blob") in blobs:
            read = loader.unchecked(blobs[one.fact("blob")], one.fact("file"), project)
            same = [spec for spec in read if spec.digest == one.digest]
            if same:
                requests[nonce] = same[0].request
    return requests


# --- only what a diff and the record make necessary ----------------------------------


class Reads(Protocol):
    """Reads the specs of a commit: all of them, or those of the files named in `only`."""

    def __call__(self, commit: str, /, *, only: frozenset[str] | None = None) -> SpecSet:
        """Read them."""


class Narrowed(NamedTuple):
    """The specs that a plan has to look at, and the files that differ from the base."""

    specs: SpecSet
    touched: frozenset[str]


def touched_files(git: GitTree, base: str, commit: str, project: Project) -> frozenset[str]:
    """Name the files that differ between two commits: specs, settings, catalog."""
    return _names(_changes(git, base, commit, project))


def _changes(git: GitTree, base: str, commit: str, project: Project) -> Sequence[PathChange]:
    return git.changes(base, commit, parts(project))


def _names(changes: Iterable[PathChange]) -> frozenset[str]:
    return frozenset(loader.escaped(one.path) for one in changes)


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
    from qflow_gitops.interfaces import ChangeKind

    changes = _changes(git, base, commit, project)
    touched = _names(changes)
    checked_anew = any(one.startswith(catalog.FOLDER + "/") for one in touched)
    if (
        PROJECT_FILE in touched
        or checked_anew
        or _platform_changed(project, lockfile, environments)
    ):
        return None
    removed = _names(
        one for one in changes if one.kind is ChangeKind.REMOVED and _is_within(one.path, project)
    )
    needed = touched - removed
    before = read(base, only=touched)
    if has_errors(before.diagnostics):
        return None
    for _ in range(3):  # the second round reads what the record names, a third has nothing new
        specs = read(commit, only=needed)
        if _is_back(specs, before, needed & touched, lockfile):
            return None
        more = _files_to_follow(specs, project, needed, touched, lockfile, environments)
        if more is None:
            return None
        if more <= needed:
            return Narrowed(specs, touched)
        needed |= more
    return None


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


def _is_back(specs: SpecSet, before: SpecSet, touched: frozenset[str], lockfile: Lockfile) -> bool:
    """Whether a name with a record comes back: another spec may have carried that record over."""
    return any(
        one.file in touched and key not in before.specs and lockfile.attempts(*key)
        for key, one in specs.specs.items()
    )


def _any_moved(
    specs: SpecSet, project: Project, lockfile: Lockfile, environments: tuple[str, ...]
) -> bool:
    """Whether one of the specs has another file or name in the record, or its request has."""
    for key, one in specs.specs.items():
        if key[0] not in environments:
            continue
        recorded = lockfile.attempts(*key)
        if one.previous_name or inherits(lockfile, project, key):
            return True
        if recorded and recorded[-1].fact("file") != one.file:
            return True
        if any(attempt.counted and attempt.digest == one.digest for attempt in recorded):
            continue
        if is_spent_elsewhere(one, project, lockfile):
            return True
    return False
