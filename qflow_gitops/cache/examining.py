"""Find out what each file of run specs holds, reading no content that is known already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qflow_gitops.cache import verdicts
from qflow_gitops.errors import Unreadable
from qflow_gitops.findings.finding import has_errors
from qflow_gitops.sources.specs import listed, spec_paths, with_findings
from qflow_gitops.specs import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.base.paths import TreeFile
    from qflow_gitops.ports.cache import Cache
    from qflow_gitops.ports.git import GitTree, WorkTree
    from qflow_gitops.settings.project import Project
    from qflow_gitops.specs.load import Catalogs, Examined, SpecSet
    from qflow_gitops.specs.spec import RunSpec

Spread = Callable[[Callable[[str], Any], Sequence[str], int], list[Any]]
"""Applies a function to many items, which have so many bytes in all, and gives the results in their
order; on all cores, say."""


MANY, SAMPLE, ENOUGH = 64_000, 16, 100
"""So many bytes of files that nothing is known of are worth a look at so many of these, or at fewer
that hold so many specs."""


def one_by_one(function: Callable[[str], Any], items: Sequence[str], _size: int = 0) -> list[Any]:
    """Apply a function to each item, in this process."""
    return list(map(function, items))


class CachedChecks(NamedTuple):
    """Where verdicts are kept, and what they depend on besides the contents of files.

    `basis` identifies the settings as they were read.
    """

    cache: Cache
    basis: str
    spread: Spread = one_by_one

    def context(self, catalogs: Mapping[str, bytes]) -> str:
        """Return the identity of all that a verdict depends on, with this catalog."""
        return verdicts.context(self.basis, verdicts.contents(catalogs))

    def examiner(
        self, settings: Project, known: Catalogs, catalogs: Mapping[str, bytes]
    ) -> Examiner:
        """Return what finds out about files, with these settings and this catalog."""
        return Examiner(settings, known, self.cache, self.context(catalogs), self.spread)


class Contents(Mapping[str, bytes]):
    """Contents by name, each read when it is asked for."""

    def __init__(self, names: Sequence[str], read: Callable[[str], bytes]) -> None:
        """Take all names, and what reads one."""
        self._names = names
        self._read = read

    def __getitem__(self, name: str) -> bytes:
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Examiner:
    """Finds out what files hold; what it finds out anew is kept, but for files with errors."""

    def __init__(
        self, settings: Project, catalogs: Catalogs, cache: Cache, context: str, spread: Spread
    ) -> None:
        """Take what files are checked against, and where verdicts in that context are kept."""
        self._spread = spread
        self._settings = settings
        self._catalogs = catalogs
        self._cache = cache
        self._context = context
        self._known: Mapping[str, tuple[int, str]] = {}
        self._new: dict[str, tuple[int, str]] = {}

    def in_worktree(self, tree: WorkTree, paths: Mapping[str, bytes]) -> list[Examined]:
        """Find out about files of the work tree, given by their names."""

        def read(name: str) -> bytes:
            return tree.read(paths[name]) or b""

        def look(name: str) -> tuple[str, int, str]:
            try:
                content = tree.read(paths[name])
            except Unreadable:
                content = None
            if content is None:
                return "", -1, verdicts.to_text(load.unreadable(paths[name]))
            blob = tree.identify(content)
            kept = self._known.get(blob)
            return blob, len(content), kept[1] if kept else self._verdict(content, name)

        self._known = self._cache.verdicts(self._context, list(map(tree.blob, paths.values())))
        found = {
            name: self._recalled(tree.blob(path), name, read, partial(tree.size, path))
            for name, path in paths.items()
        }
        rest = [name for name, examined in found.items() if examined is None]
        # The first is looked at here, so that what this takes is loaded before processes fork.
        size = sum(tree.size(paths[name]) for name in rest)
        looked = [look(name) for name in rest[:1]] + self._spread(look, rest[1:], size)
        for name, (blob, size, verdict) in zip(rest, looked, strict=True):
            found[name] = examined = self._given(verdict, name, read) or self._examined(
                read(name), name
            )
            self._keep(blob, size, verdict, examined)
        self._save()
        return [examined for examined in found.values() if examined is not None]

    def in_commit(
        self,
        git: GitTree,
        entries: Mapping[str, TreeFile],
        settled: Callable[[RunSpec], bool] | None,
    ) -> list[Examined]:
        """Find out about files of a commit, given by their names.

        Only the specs that are `settled`, or all where it is None, may be known by no more than
        their identity.
        """

        def read(name: str) -> bytes:
            return git.contents([entries[name]])[blobs[name]]

        blobs = {name: entry.blob for name, entry in entries.items()}
        self._known = self._cache.verdicts(self._context, list(blobs.values()))
        found = {name: self._recalled(blob, name, read) for name, blob in blobs.items()}
        whole = [
            name
            for name, examined in found.items()
            if examined is None or not (settled is None or all(map(settled, examined.specs)))
        ]
        contents = git.contents(entries[name] for name in whole)
        rest = {name: (blobs[name], contents[blobs[name]]) for name in whole if not found[name]}
        if settled is None or self._are_mostly(settled, rest):
            found |= self._identified(rest, read)
            whole = [
                name
                for name in whole
                if settled is not None and not _all_settled(settled, found[name])
            ]
        for name in whole:
            blob, known = blobs[name], found[name]
            examined = known and load.known_again(
                known, contents[blob], self._settings, self._catalogs.connectors
            )
            if examined is None:
                examined = self._examined(contents[blob], name)
                self._keep(blob, len(contents[blob]), verdicts.to_text(examined), examined)
            found[name] = examined
        self._save()
        return [examined for examined in found.values() if examined is not None]

    def _are_mostly(
        self, settled: Callable[[RunSpec], bool], contents: Mapping[str, tuple[str, bytes]]
    ) -> bool:
        """Whether the identity will do for most of these files, by a look at a few."""
        if _size_of(contents) < MANY:
            return False
        good, looked, specs = 0, 0, 0
        for name in list(contents)[:: max(1, len(contents) // SAMPLE)]:
            examined = self._examined(contents[name][1], name)
            good += _all_settled(settled, examined)
            looked, specs = looked + 1, specs + len(examined.specs)
            if specs >= ENOUGH and looked > 1:
                break
        return good > looked // 2

    def _identified(
        self, contents: Mapping[str, tuple[str, bytes]], read: Callable[[str], bytes]
    ) -> dict[str, Examined]:
        """Find out the identity of specs in files that nothing is known of: blob and content."""

        def look(name: str) -> str:
            return self._verdict(contents[name][1], name)

        names = list(contents)
        size = _size_of(contents)
        looked = [look(name) for name in names[:1]] + self._spread(look, names[1:], size)
        found = {}
        for name, verdict in zip(names, looked, strict=True):
            blob, content = contents[name]
            found[name] = self._given(verdict, name, read) or self._examined(content, name)
            self._keep(blob, len(content), verdict, found[name])
        return found

    def _recalled(
        self,
        blob: str,
        name: str,
        read: Callable[[str], bytes],
        size: Callable[[], int] | None = None,
    ) -> Examined | None:
        """Say what is known of a blob, None for nothing, or where the file isn't of its size."""
        kept = self._known.get(blob)
        if kept is None or (size is not None and size() != kept[0]):
            return None
        return self._given(kept[1], name, read)

    def _given(self, verdict: str, name: str, read: Callable[[str], bytes]) -> Examined | None:
        try:
            return verdicts.from_text(verdict, name, lambda: self._examined(read(name), name).specs)
        except (ValueError, TypeError, LookupError):
            return None

    def _examined(self, content: bytes, name: str) -> Examined:
        return load.examine(content, name, self._settings, self._catalogs)

    def _verdict(self, content: bytes, name: str) -> str:
        return verdicts.to_text(self._examined(content, name))

    def _keep(self, blob: str, size: int, verdict: str, examined: Examined) -> None:
        if not has_errors(examined.diagnostics) and blob not in self._known:
            self._new[blob] = (size, verdict)

    def _save(self) -> None:
        if self._new:
            self._cache.keep_verdicts(self._context, self._new)
            self._new = {}


def _size_of(contents: Mapping[str, tuple[str, bytes]]) -> int:
    return sum(len(content) for _, content in contents.values())


def _all_settled(settled: Callable[[RunSpec], bool], examined: Examined | None) -> bool:
    return examined is not None and all(map(settled, examined.specs))


def known_specs(
    git: GitTree,
    commit: str,
    project: Project,
    keeper: CachedChecks,
    settled: Callable[[RunSpec], bool] | None,
    only: frozenset[str] | None = None,
) -> SpecSet:
    """Read the specs of a commit, as `commit_specs` does, but nothing that the keeper knows.

    Of specs that are `settled`, of all where it is None, that may be no more than their identity.
    """
    there = listed(git, commit, project, only)
    blobs = git.contents(there.catalogs.values())
    catalogs = {name: blobs[entry.blob] for name, entry in there.catalogs.items()}
    known, problems = load.load_catalogs(catalogs, project)
    examined = keeper.examiner(project, known, catalogs).in_commit(git, there.specs, settled)
    contents = Contents(
        list(there.specs),
        lambda name: git.contents([there.specs[name]])[there.specs[name].blob],
    )
    whole = only is None
    found = load.assembled(examined, contents, project, known, problems, whole=whole)
    found = with_findings(found, there.found)
    return found._replace(blobs={name: entry.blob for name, entry in there.specs.items()})


def known_worktree_specs(
    tree: WorkTree, project: Project, catalogs: Mapping[str, bytes], keeper: CachedChecks
) -> SpecSet:
    """Read every spec of the work tree, but nothing that the keeper knows.

    `catalogs` are the catalogs' files.
    """
    paths, found = spec_paths(tree, project)
    contents = Contents(list(paths), lambda name: tree.read(paths[name]) or b"")
    known, problems = load.load_catalogs(catalogs, project)
    examined = keeper.examiner(project, known, catalogs).in_worktree(tree, paths)
    return with_findings(load.assembled(examined, contents, project, known, problems), found)
