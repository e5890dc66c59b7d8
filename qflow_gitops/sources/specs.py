"""From a commit or the work tree to specs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.paths import PROJECT_FILE
from qflow_gitops.errors import Unreadable
from qflow_gitops.findings.finding import error, in_order
from qflow_gitops.sources.catalogs import Earlier
from qflow_gitops.specs import filenames, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from qflow_gitops.base.paths import ProjectFolder, TreeFile
    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.lockfile.attempt import Attempt
    from qflow_gitops.ports.git import GitTree, Repository, WorkTree
    from qflow_gitops.settings.project import Project
    from qflow_gitops.specs.load import SpecSet
    from qflow_gitops.specs.spec import RunSpec


def worktree(git: GitTree, project: Project) -> WorkTree:
    """Look at everything in the work tree that says what would run."""
    return git.worktree(parts(project))


def parts(project: Project) -> tuple[str, ...]:
    """Name the folders and files that say what would run."""
    return (
        project.folder.settings,
        project.folder.catalog,
        project.folder.connectors,
        *project.runs,
    )


def applied_parts(project: Project) -> tuple[str, ...]:
    """Name the same, and what else counts once its commit was applied: whose anchors to trust."""
    return (*parts(project), *([project.anchor.certificate] if project.anchor else []))


def worktree_specs(
    tree: WorkTree, project: Project, catalogs: Mapping[str, bytes] | None = None
) -> SpecSet:
    """Read every spec of the work tree.

    `catalogs` are the catalogs' files, if they aren't to be read from the tree.
    """
    paths, found = spec_paths(tree, project)
    there = {}
    for name, path in paths.items():
        content = _read(tree, path)
        if content is None:
            found += load.unreadable(path).diagnostics
        else:
            there[name] = content
    if catalogs is None:
        catalogs = worktree_catalogs(tree, project.folder)
    return with_findings(load.load(there, project, catalogs), found)


def is_within(path: bytes, project: Project) -> bool:
    """Whether a path lies in one of the folders of specs."""
    return any(
        name == "." or path == name.encode() or path.startswith(name.encode() + b"/")
        for name in project.runs
    )


def spec_paths(tree: WorkTree, project: Project) -> tuple[dict[str, bytes], list[Diagnostic]]:
    """Return the files of specs in the work tree by their names, and what is there instead."""
    odd = dict(tree.irregular_files())

    def is_there(path: bytes) -> bool:
        return path in odd or bool(tree.blob(path)) or tree.size(path) >= 0

    apart = _Apart(tree.listed, project, is_there)
    paths, found = {}, list(apart.found)
    for path in (*odd, *(path for path in tree.listed if path not in odd)):
        name, problem = apart.name(path, odd.get(path, "100644"))
        found += [problem] if problem else []
        if name and is_there(path):
            paths[name] = path
    return paths, found


class _Apart:
    """Tells specs from what isn't any: settings, the catalog, what lies in other projects."""

    def __init__(
        self,
        paths: Iterable[bytes],
        project: Project,
        is_there: Callable[[bytes], bool] = lambda _path: True,
    ) -> None:
        """Take all paths that are looked at; `is_there` tells which of them aren't gone."""
        self._project = project
        self._own = project.folder.settings.encode()
        self._nested = tuple(
            path[: -len(PROJECT_FILE)]
            for path in paths
            if path.endswith(b"/" + PROJECT_FILE.encode())
            and path != self._own
            and is_within(path, project)
            and is_there(path)
        )

    @property
    def found(self) -> Iterable[Diagnostic]:
        """Find the projects in the folders of this one: who sends their specs isn't clear."""
        own = self._project.folder.settings
        return (
            error(
                "project-nested",
                f"This folder is a project of its own, and `runs:` of {own} names it, too: both "
                "would send its specs.",
                filenames.escaped(folder) + PROJECT_FILE,
                hint=f"Move it, or name other folders under `runs:` in {own}.",
            )
            for folder in self._nested
        )

    def name(self, path: bytes, mode: str) -> tuple[str | None, Diagnostic | None]:
        """Return the name of a file of specs; None for anything else, and why if that is wrong."""
        folder = self._project.folder
        known = is_of_catalog(path, folder)
        if known or path in (folder.catalog.encode(), folder.connectors.encode()):
            if not filenames.is_regular(mode):
                return None, filenames.not_plain(path, mode, "the catalog's files")
            return None, None
        if path == self._own or not is_within(path, self._project):
            return None, None
        if self._nested and path.startswith(self._nested):
            return None, None
        return filenames.spec_name(path, mode)


def _read(tree: WorkTree, path: bytes) -> bytes | None:
    try:
        return tree.read(path)
    except Unreadable:
        return None


def worktree_catalogs(tree: WorkTree, folder: ProjectFolder) -> dict[str, bytes]:
    """Read the catalogs' files of the work tree; what can't be read is `worktree_specs`' to say."""
    read = {path: _read(tree, path) for path in tree.listed if is_of_catalog(path, folder)}
    return {
        path.decode(errors="replace"): content
        for path, content in read.items()
        if content is not None
    }


def worktree_connectors(tree: WorkTree, folder: ProjectFolder) -> dict[str, bytes]:
    """Read the catalogs of connectors alone: by their names and labels specs say what they ask."""
    catalogs = worktree_catalogs(tree, folder)
    inside = f"{folder.connectors}/"
    return {name: content for name, content in catalogs.items() if name.startswith(inside)}


def is_of_catalog(path: bytes, folder: ProjectFolder) -> bool:
    """Whether a file is one of the catalog of workflows or of those of connectors."""
    if path.startswith(folder.connectors.encode() + b"/"):
        return path.lower().endswith((b".yaml", b".yml"))
    return path.startswith(folder.catalog.encode() + b"/") and path.endswith(b".json")


def all_specs(git: GitTree, commit: str, project: Project) -> SpecSet:
    """Read every spec of a commit, of the work tree where it is ""."""
    if commit:
        return commit_specs(git, commit, project)
    return worktree_specs(worktree(git, project), project)


def commit_specs(
    git: GitTree, commit: str, project: Project, only: frozenset[str] | None = None
) -> SpecSet:
    """Read the specs of a commit: all of them, or those of the files named in `only`."""
    there = listed(git, commit, project, only)
    blobs = git.contents((*there.specs.values(), *there.catalogs.values()))
    contents = {name: blobs[entry.blob] for name, entry in there.specs.items()}
    catalogs = {name: blobs[entry.blob] for name, entry in there.catalogs.items()}
    found = load.load(contents, project, catalogs, whole=only is None)
    specs = with_findings(found, there.found)
    return specs._replace(blobs={name: entry.blob for name, entry in there.specs.items()})


class Listed(NamedTuple):
    """Names and entries of the files of a commit, and what is wrong with them."""

    specs: Mapping[str, TreeFile]
    catalogs: Mapping[str, TreeFile]
    found: list[Diagnostic]


_FEW = 500  # paths that fit well on a command line


def listed(git: GitTree, commit: str, project: Project, only: frozenset[str] | None) -> Listed:
    """List the files of a commit that say what would run: all, or those named in `only`."""
    specs: dict[str, TreeFile] = {}
    catalogs: dict[str, TreeFile] = {}
    places: Sequence[str] = project.runs
    if only is not None and len(only) <= _FEW and all(map(_is_plain, only)):
        places = sorted(path for path in only if is_within(path.encode(), project))
    files = git.files(commit, [*places, project.folder.catalog, project.folder.connectors])
    apart = _Apart(files, project)
    found = [finding for finding in apart.found if only is None or finding.file in only]
    for path, entry in files.items():
        if is_of_catalog(path, project.folder) and filenames.is_regular(entry.mode):
            catalogs[path.decode(errors="replace")] = entry
        name, problem = apart.name(path, entry.mode)
        if problem and (only is None or problem.file in only):
            found.append(problem)
        if name and (only is None or name in only):
            specs[name] = entry
    return Listed(specs, catalogs, found)


def _is_plain(name: str) -> bool:
    """Whether a path that is shown is written as it is: nothing in it had to be escaped."""
    return name.isascii() and "\\" not in name


def with_findings(specs: SpecSet, more: list[Diagnostic]) -> SpecSet:
    """Add to what was found."""
    if not more:
        return specs
    return specs._replace(diagnostics=in_order([*specs.diagnostics, *more]))


def sent_specs(git: GitTree, project: Project, attempts: Iterable[Attempt]) -> dict[str, RunSpec]:
    """Read the specs that attempts sent, from the blobs that they name, by their nonces.

    One whose blob isn't in this clone, or that has no nonce, is left out.
    """
    wanted = {attempt.fact("nonce"): attempt for attempt in attempts if attempt.fact("nonce")}
    found = zip(wanted, as_sent(git, project, [*wanted.values()]), strict=True)
    return {nonce: spec for nonce, spec in found if spec}


def as_sent(git: GitTree, project: Project, attempts: Sequence[Attempt]) -> list[RunSpec | None]:
    """Read the spec of each attempt as it was, by its digest; None where it isn't in this clone."""
    blobs = git.blobs_at_hand({attempt.fact("blob") for attempt in attempts})
    earlier = Earlier(git, project)
    found: list[RunSpec | None] = []
    for attempt in attempts:
        content = blobs.get(attempt.fact("blob"))
        read = earlier.specs(attempt, project.default_environment, content) if content else ()
        found.append(next((spec for spec in read if spec.digest == attempt.digest), None))
    return found


def why_unknown(git: Repository, attempt: Attempt) -> str:
    """Say why an attempt's spec can't be read, without a full stop."""
    if not attempt.fact("blob"):
        return "it isn't recorded which file it was"
    if git.is_shallow():
        return (
            f"{attempt.fact('file')} as it was isn't in this clone, which is a shallow one: "
            "`git fetch --unshallow` gets it"
        )
    return f"{attempt.fact('file')} as it was isn't in this clone"
