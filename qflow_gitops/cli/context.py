"""Builds the edges from the command line and the environment; the only reader of either."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.cli.clock import GIT_TIMEOUT, SystemClock
from qflow_gitops.cli.connections import Connections
from qflow_gitops.errors import AGAIN, QflowError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from qflow_gitops.apply.reconciler import Reconciler
    from qflow_gitops.cache.database import SqliteCache
    from qflow_gitops.ci.context import CIContext
    from qflow_gitops.cli.console import Console, Copy
    from qflow_gitops.git.repository import GitRepo
    from qflow_gitops.lockfile.freezes import Freeze
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import Branches
    from qflow_gitops.ports.lockfile import LockStore, Summaries
    from qflow_gitops.results.report import Report
    from qflow_gitops.settings.project import LockSettings, Project
    from qflow_gitops.sources.found import Settings
    from qflow_gitops.sources.loader import Loader


class Wiring:
    """What the commands are made of, built when it is first needed."""

    def __init__(
        self, directory: str, environ: Mapping[str, str], console: Console, *, typed: str
    ) -> None:
        """Take the folder of `-C`, the environment, the console, and the whole command line."""
        from pathlib import Path

        self.typed = typed
        self.directory = Path(directory)
        self.environ = environ
        self.console = console
        self.time_left: Callable[[], float] = lambda: GIT_TIMEOUT
        """Seconds that git may take to reach a remote now; an apply cuts it once stopped."""
        self.connections = Connections(
            environ,
            console,
            self.directory,
            lambda: self.time_left(),  # noqa: PLW0108  what there is then, not now
        )

    @cached_property
    def git(self) -> GitRepo:
        """The repository that the folder belongs to."""
        if not self.directory.is_dir():
            raise UsageProblem(
                "This folder doesn't exist.", where=str(self.directory), hint="Correct `-C DIR`."
            )
        from qflow_gitops.git.repository import GitRepo

        repo = GitRepo.open(self.directory, self.environ)
        self.console.detail(f"repository {repo.root}, git directory {repo.common_dir}")
        return repo

    @property
    def branches(self) -> Branches:
        """Which branches of the clone and of its remotes hold a commit."""
        from qflow_gitops.git.remotes import GitRemotes

        return GitRemotes(self.git)

    @cached_property
    def cache(self) -> SqliteCache:
        """What is known of contents from earlier commands."""
        from qflow_gitops.cache.database import SqliteCache

        return SqliteCache(self.git.common_dir / "qflow-gitops" / "verdicts")

    @property
    def strict_loader(self) -> Loader:
        """What reads settings and specs anew, on all cores: for who sends."""
        from qflow_gitops.base.forks import spread
        from qflow_gitops.cache.loading import CachedLoader, NoCache

        return CachedLoader(NoCache(), spread)

    @property
    def loader(self) -> Loader:
        """What reads settings and specs, but for what is known of them."""
        from qflow_gitops.base.forks import spread
        from qflow_gitops.cache.loading import CachedLoader

        return CachedLoader(self.cache, spread)

    @property
    def platform(self) -> str:
        """What QFLOW_PLATFORM says, "" where it isn't set."""
        return self.environ.get("QFLOW_PLATFORM", "")

    def freezes(self) -> tuple[Freeze, ...]:
        """What QFLOW_FREEZE and the file of QFLOW_FREEZE_FILE say now."""
        from qflow_gitops.cli import given_freezes

        return given_freezes.of_environment(self.environ, self.directory)

    @property
    def folder(self) -> ProjectFolder:
        """Where the project of the work tree lies."""
        from qflow_gitops.sources import place

        return place.find(self.git, "").folder

    def settings(
        self, commit: str = "", loader: Loader | None = None, *, fetch: bool = False
    ) -> Settings:
        """The settings of a commit, of the work tree where it is "".

        With `fetch` a shallow clone gets the history that tells whether there were any before.
        """
        from qflow_gitops.sources import settings as projectfile
        from qflow_gitops.sources.loader import DIRECT

        return projectfile.settings(self.git, commit, self.platform, loader or DIRECT, fetch=fetch)

    def project(self, commit: str = "") -> Project:
        """What the settings of a commit say, those of the work tree where it is ""."""
        return self.settings(commit).project

    def newest(self) -> str:
        """The commit that is checked out; "" where there is none yet, and the work tree counts.

        A command asks once, and takes settings, lockfile and specs from what it got.
        """
        try:
            return self.git.resolve("HEAD")
        except UsageProblem as problem:
            if problem.reason != "no_commits":
                raise
            return ""

    def store(self, project: Project) -> LockStore:
        """The lock store that the settings choose."""
        return self.store_of(project.lock, self.git, project.folder)

    def store_to_look_at(self, project: Project) -> LockStore:
        """The lock store that the settings choose, for a command that writes nothing."""
        from qflow_gitops.cache.run_summaries import RunSummaries

        return self.store_of(project.lock, self.git, project.folder, RunSummaries(self.cache))

    def at_hand(self, project: Project) -> Lockfile | None:
        """The lockfile as this clone has it, without asking a remote; None for none."""
        return self.store_to_look_at(project).at_hand()

    def store_of(
        self,
        settings: LockSettings,
        repo: GitRepo,
        folder: ProjectFolder,
        summaries: Summaries | None = None,
    ) -> LockStore:
        """A lock store of the project in a folder of a repository."""
        from qflow_gitops.cli import lock_places
        from qflow_gitops.stores.registry import build

        return build(settings, lock_places.of(self, repo, folder, summaries))

    @cached_property
    def ci(self) -> CIContext:
        """What the CI's environment, or the shell's, tells."""
        from qflow_gitops.ci.detect import describe

        return describe(self.environ)

    def evidence(self) -> dict[str, object]:
        """What the CI tells of the pull request that an apply is part of."""
        number = self.ci.pull_request
        return {"pullRequest": int(number)} if number else {}

    def author(self, repo: GitRepo | None = None) -> dict[str, str]:
        """Who does it, as the lockfile says it: actor, CI run, tool."""
        import qflow_gitops

        found = self.ci
        # At a shell, git knows who somebody is better than the login does.
        who = (found.actor if found.system else (repo or self.git).user) or found.actor
        author = {"actor": who, "run": found.run, "tool": qflow_gitops.__version__}
        return {name: value for name, value in author.items() if value}

    def reconciler(self, project: Project) -> Reconciler:
        """What looks up runs in doubt."""
        from qflow_gitops.apply.services import reconciler_of

        return reconciler_of(self.git, self.connections.qualys, SystemClock(), project)


def run(
    wiring: Wiring,
    command: str,
    work: Callable[[], Report],
    format_name: str,
    copies: Sequence[tuple[str, str]] = (),
) -> int:
    """Do a command's work and write what came of it, errors in the same envelope.

    Where a copy of it can't be written nothing is done.
    """
    from qflow_gitops.results.report import failed

    placed = _placed(wiring, copies)
    lost = {copy: problem for copy in placed if (problem := copy.problem())}
    try:
        report = failed(command, next(iter(lost.values()))) if lost else work()
    except QflowError as problem:
        report = failed(command, problem)
    finally:
        wiring.connections.close()
    for error in (report.error, *report.error.also) if report.error else ():
        error.hint = error.hint.replace(AGAIN, wiring.typed)
    placed = [copy for copy in placed if copy not in lost]
    return wiring.console.result(report, format_name, placed)


def _placed(wiring: Wiring, copies: Sequence[tuple[str, str]]) -> list[Copy]:
    """Say where copies of a result go: `-` is stdout, the runner's own files are added to."""
    from qflow_gitops.cli.console import Copy

    return [
        Copy(name, None if file == "-" else wiring.directory / file, file in wiring.ci.appended)
        for name, file in copies
    ]
