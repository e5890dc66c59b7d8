"""A loader that remembers: nothing is read or checked again that is known from earlier commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.cache import verdicts
from qflow_gitops.results.report import Validated
from qflow_gitops.sources import place
from qflow_gitops.sources.loader import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from qflow_gitops.cache.examining import Spread
    from qflow_gitops.cache.survey import Survey
    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.ports.cache import Cache
    from qflow_gitops.ports.git import GitTree, WorkTree
    from qflow_gitops.sources.found import Found, Settings
    from qflow_gitops.sources.loader import AllSpecs, Look
    from qflow_gitops.specs.load import SpecSet
    from qflow_gitops.specs.spec import RunSpec


class NoCache:
    """Implements `ports.cache.Cache` for whoever finds out all anew: nothing is kept."""

    tool = ""

    def verdicts(self, context: str, blobs: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """Return nothing."""
        del context, blobs
        return {}

    def keep_verdicts(self, context: str, verdicts: Mapping[str, tuple[int, str]]) -> None:
        """Keep nothing."""

    def answer(self, context: str) -> None:
        """Return nothing."""

    def keep_answer(self, context: str, data: Any) -> None:
        """Keep nothing."""

    def content(self, name: str) -> None:
        """Return nothing."""

    def keep_content(self, name: str, content: bytes) -> None:
        """Keep nothing."""


class CachedLoader:
    """Decorates `Direct` with a cache, of which any part may be gone.

    `spread` applies a function to many items, on all cores, say.
    """

    def __init__(self, cache: Cache, spread: Spread) -> None:
        """Take where it is kept."""
        self._cache = cache
        self._spread = spread

    def settings(self, found: Found, platform: str) -> Settings:
        """Take the settings; a content in which nothing was found before isn't checked again."""
        basis = verdicts.basis(self._cache.tool, "", found.content, found.folder)
        context = f"settings {basis}"
        known = self._cache.answer(context) is True
        settings = place.settings_of(found, platform, known=known)
        if not known and settings.found == found.found:
            self._cache.keep_answer(context, True)
        return settings

    def projects(self, git: GitTree, commit: str) -> list[ProjectFolder]:
        """Return the folders of a commit that have settings."""
        state = commit or git.index_identity
        context = f"projects of {commit or 'the index'}"
        match self._cache.answer(context) if state else None:
            case [known, list(names)] if known == state:
                return [ProjectFolder(name) for name in names]
        found = DIRECT.projects(git, commit)
        if state:
            self._cache.keep_answer(context, [state, [folder.name for folder in found]])
        return found

    def specs(
        self,
        git: GitTree,
        commit: str,
        settings: Settings,
        platform: str,
        settled: Callable[[RunSpec], bool] | None,
        only: frozenset[str] | None = None,
    ) -> SpecSet:
        """Read the specs of a commit, but nothing that is known. Raises Unreadable."""
        from qflow_gitops.cache.examining import CachedChecks, known_specs

        basis = self._basis(settings.content, settings.project.folder, platform)
        keeper = CachedChecks(self._cache, basis, self._spread)
        return known_specs(git, commit, settings.project, keeper, settled, only)

    def answer(
        self, git: GitTree, found: Found, platform: str
    ) -> tuple[Validated, tuple[Diagnostic, ...]] | None:
        """Return what the last look kept, if no file has changed since; None otherwise."""
        basis = self._basis(found.content, found.folder, platform)
        try:
            folders, identity, files, runs, kept = self._cache.answer(basis)
            if git.worktree(folders).identity != identity:
                return None
            return Validated(files, runs), verdicts.findings_of_files(kept)
        except (TypeError, ValueError, LookupError):
            return None

    def look(
        self, git: GitTree, found: Found, platform: str, only: tuple[str, ...], *, hook: bool
    ) -> Look:
        """Begin a look: where everything was looked at before, git looks what has changed."""
        from qflow_gitops.cache.survey import Survey

        basis = self._basis(found.content, found.folder, platform)
        last = Survey.kept(self._cache, git.root, found.folder, basis)
        tree = git.worktree(last.folders) if last else None
        tree = tree.tracked(only) if tree and hook else tree
        if tree:
            tree.prepare()  # git looks while this process loads what it needs
        return _CachedLook(self._cache, self._spread, git, basis, last, tree, only, hook)

    def _basis(self, content: bytes | None, folder: ProjectFolder, platform: str) -> str:
        return verdicts.basis(self._cache.tool, platform, content, folder)


class _CachedLook:
    def __init__(
        self,
        cache: Cache,
        spread: Spread,
        git: GitTree,
        basis: str,
        last: Survey | None,
        tree: WorkTree | None,
        only: tuple[str, ...],
        hook: bool,
    ) -> None:
        self._cache = cache
        self._spread = spread
        self._git = git
        self._basis = basis
        self._last = last
        self._tree = tree
        self._only = only
        self._hook = hook
        self._answer = _Answer((), "")

    def specs(self, settings: Settings) -> AllSpecs:
        """Look at every spec that isn't known."""
        from qflow_gitops.cache import looking
        from qflow_gitops.cache.examining import CachedChecks
        from qflow_gitops.sources import specs

        project, tree = settings.project, self._tree
        if tree is None:
            tree = specs.worktree(self._git, project)
            tree = tree.tracked(self._only) if self._hook else tree
            tree.prepare()
        # Before anything is read: what changes meanwhile is seen next time.
        identity = "" if self._only else tree.identity
        self._answer = _Answer(specs.parts(project), identity)
        checks = CachedChecks(self._cache, self._basis, self._spread)
        looked, survey = looking.look(tree, project, checks, self._last)
        if survey:
            survey.keep(self._cache, self._git.root, project.folder)
        return looked

    def keep(self, body: Validated, found: tuple[Diagnostic, ...]) -> None:
        """Keep the answer, for as long as nothing changes."""
        folders, identity = self._answer
        if identity:
            by_file = verdicts.findings_by_file(found)
            self._cache.keep_answer(
                self._basis, [folders, identity, body.files, body.runs, by_file]
            )


class _Answer(NamedTuple):
    folders: tuple[str, ...]
    identity: str
