"""Read a project: its settings, the specs of commits and of the work tree.

`cache` decorates this with what is known from earlier commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qflow_gitops.base.paths import ProjectFolder
    from qflow_gitops.findings.finding import Diagnostic
    from qflow_gitops.ports.git import GitTree
    from qflow_gitops.results.report import Validated
    from qflow_gitops.settings.project import Project
    from qflow_gitops.sources.found import Found, Settings
    from qflow_gitops.specs.load import SpecSet
    from qflow_gitops.specs.spec import RunSpec


class AllSpecs(NamedTuple):
    """What there is: how many files of specs, the runs, what was found.

    `runs` is a text, since most of it is never needed: a line break, then for each run the end
    of its digest, a tab, `environment/name`, a tab, its file, and a line break. Neither stands
    in a valid name.
    """

    files: int
    runs: str
    found: tuple[Diagnostic, ...]

    @classmethod
    def of(cls, specs: SpecSet) -> AllSpecs:
        """Return what a look at every spec found."""
        return cls(specs.files, "\n" + lines_of(specs.specs.values()), specs.diagnostics)

    def count(self, only: tuple[str, ...]) -> int:
        """Count the runs in these files and folders; all without any."""
        if not only or "" in only or "." in only:
            return self.runs.count("\n") - 1
        roots = [
            path for path in set(only)
            if not any(path != other and covers((other,), path) for other in only)
        ]  # fmt: skip
        return sum(self.runs.count(f"\t{root}{end}") for root in roots for end in ("\n", "/"))


def lines_of(specs: Iterable[RunSpec]) -> str:
    """Return the lines of runs, as in `AllSpecs`."""
    return "".join(
        f"{short(spec)}\t{spec.environment}/{spec.name}\t{spec.file}\n" for spec in specs
    )


def short(spec: RunSpec) -> str:
    """Return enough of a digest: where two are alike by chance, everything is looked at."""
    return spec.digest[-24:]


def covers(only: tuple[str, ...], file: str) -> bool:
    """Whether a file is one of those asked for, or in one of the folders; all are without any."""
    return not only or any(path in ("", ".", file) or file.startswith(path + "/") for path in only)


class Look(Protocol):
    """A look at the work tree that has begun: what changes from here on is seen next time."""

    def specs(self, settings: Settings) -> AllSpecs:
        """Look at every spec."""

    def keep(self, body: Validated, found: tuple[Diagnostic, ...]) -> None:
        """Take what became of it: as long as nothing changes, it is the answer."""


class Loader(Protocol):
    """What reads a project. Wherever a commit is asked for, "" stands for the work tree."""

    def settings(self, found: Found, platform: str) -> Settings:
        """Take the settings from their file's content. Raises InvalidFiles."""

    def projects(self, git: GitTree, commit: str) -> list[ProjectFolder]:
        """Return the folders of a commit that have settings."""

    def specs(
        self,
        git: GitTree,
        commit: str,
        settings: Settings,
        platform: str,
        settled: Callable[[RunSpec], bool] | None,
        only: frozenset[str] | None = None,
    ) -> SpecSet:
        """Read the specs of a commit: all, or those of the files named in `only`.

        Of specs that are `settled`, of all where it is None, it may give no more than their
        identity. Raises Unreadable.
        """

    def answer(
        self, git: GitTree, found: Found, platform: str
    ) -> tuple[Validated, tuple[Diagnostic, ...]] | None:
        """Return what the last look kept, if nothing has changed since; None otherwise."""

    def look(
        self, git: GitTree, found: Found, platform: str, only: tuple[str, ...], *, hook: bool
    ) -> Look:
        """Begin a look at the work tree.

        A `hook` leaves out what git doesn't know but for `only`.
        """


class Direct:
    """Reads everything, each time."""

    def settings(self, found: Found, platform: str) -> Settings:
        """Take the settings from their file's content. Raises InvalidFiles."""
        from qflow_gitops.sources import place

        return place.settings_of(found, platform)

    def projects(self, git: GitTree, commit: str) -> list[ProjectFolder]:
        """Return the folders of a commit that have settings."""
        from qflow_gitops.sources import lostsettings

        return lostsettings.projects(git, commit)

    def specs(
        self,
        git: GitTree,
        commit: str,
        settings: Settings,
        platform: str,  # noqa: ARG002  the protocol's
        settled: Callable[[RunSpec], bool] | None,  # noqa: ARG002  the protocol's
        only: frozenset[str] | None = None,
    ) -> SpecSet:
        """Read the specs of a commit. Raises Unreadable."""
        from qflow_gitops.sources import specs

        return specs.commit_specs(git, commit, settings.project, only)

    def answer(self, git: GitTree, found: Found, platform: str) -> None:
        """Know nothing."""

    def look(
        self,
        git: GitTree,
        found: Found,  # noqa: ARG002  the protocol's
        platform: str,  # noqa: ARG002  the protocol's
        only: tuple[str, ...],
        *,
        hook: bool,
    ) -> Look:
        """Look at the work tree when it is asked for."""
        return _DirectLook(git, only, hook)


class _DirectLook(NamedTuple):
    git: GitTree
    only: tuple[str, ...]
    hook: bool

    def specs(self, settings: Settings) -> AllSpecs:
        """Look at every spec."""
        from qflow_gitops.sources import specs

        project: Project = settings.project
        tree = specs.worktree(self.git, project)
        tree = tree.tracked(self.only) if self.hook else tree
        return AllSpecs.of(specs.worktree_specs(tree, project))

    def keep(self, body: Validated, found: tuple[Diagnostic, ...]) -> None:
        """Keep nothing."""


DIRECT: Loader = Direct()
