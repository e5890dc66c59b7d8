"""Builds the edges from the command line and the environment; the only reader of either."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import signal
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.cli.streams import is_ci
from qflow_gitops.errors import AGAIN, ExitCode, QflowError, UsageProblem
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.results.report import Report, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from qflow_gitops.apply.reconciler import Reconciler
    from qflow_gitops.ci.context import CIContext
    from qflow_gitops.cli.console import Console, Copy
    from qflow_gitops.github.client import Client
    from qflow_gitops.lockfile.freezes import Freeze
    from qflow_gitops.lockfile.ledger import Lockfile
    from qflow_gitops.ports.git import Branches, Cache
    from qflow_gitops.ports.lockfile import LockBranch, LockStore
    from qflow_gitops.ports.pull_requests import PullRequests
    from qflow_gitops.ports.qualys import Qualys
    from qflow_gitops.settings.project import LockSettings, Project


GIT_TIMEOUT = 60.0
"""Seconds that one exchange with a git remote may take."""
STOP_WITHIN, LAST_MOMENT = 6.0, 6.8
"""Seconds in which all is to be over after a signal, and in which the process ends for certain:
GitHub gives 7.5 (docs, workflow cancellation)."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Stopper:
    """Remembers the first SIGINT or SIGTERM; a second one ends the process at once."""

    def __init__(self) -> None:
        """Begin to listen."""
        self.signal = 0
        self._at = math.inf
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._caught)

    def _caught(self, number: int, _frame: object) -> None:
        if self.signal:
            os._exit(128 + number)  # what was sent is in the lockfile as an intent
        self._at = time.monotonic()
        self.signal = number
        import threading

        # Whatever still hangs by then has nothing in hand that isn't recorded or rescued.
        last = threading.Timer(LAST_MOMENT, _give_up, (number,))
        last.daemon = True
        last.start()

    def left(self) -> float:
        """Seconds in which all has to be over; infinity as long as nobody asked to stop."""
        return max(0.0, STOP_WITHIN + self._at - time.monotonic())

    def time_left(self) -> float:
        """Seconds that git may still take to reach a remote."""
        return min(GIT_TIMEOUT, self.left())

    def __call__(self) -> bool:
        """Whether a person or the CI asked to stop."""
        return bool(self.signal)

    @property
    def exit_code(self) -> ExitCode:
        """130 for SIGINT, 143 for SIGTERM."""
        return ExitCode.SIGTERM if self.signal == signal.SIGTERM else ExitCode.SIGINT


def _give_up(number: int) -> None:
    told = (
        "Interrupted, and something still hangs: this process ends now. What was sent is in the "
        "record, if only as an intent; the next apply looks it up: `qflow-gitops status`\n"
    )
    with contextlib.suppress(OSError):
        os.write(2, told.encode())
    os._exit(128 + number)


class Wiring:
    """What the commands are made of, built when it is first needed."""

    def __init__(
        self, directory: str, environ: Mapping[str, str], console: Console, *, typed: str
    ) -> None:
        """Take the folder of `-C`, the environment, the console, and the whole command line."""
        self.typed = typed
        self.directory = Path(directory)
        self.environ = environ
        self.console = console
        self._clients: dict[str, tuple[Qualys, str]] = {}
        self._told_route = False
        self.time_left: Callable[[], float] = lambda: GIT_TIMEOUT
        """Seconds that git may take to reach a remote now; an apply cuts it once stopped."""

    @cached_property
    def git(self) -> GitRepo:
        """The repository that the folder belongs to."""
        if not self.directory.is_dir():
            raise UsageProblem(
                "This folder doesn't exist.", where=str(self.directory), hint="Correct `-C DIR`."
            )
        repo = GitRepo.open(self.directory, self.environ)
        self.console.detail(f"repository {repo.root}, git directory {repo.common_dir}")
        return repo

    @property
    def branches(self) -> Branches:
        """Which branches of the clone and of its remotes hold a commit."""
        from qflow_gitops.git.remotes import GitRemotes

        return GitRemotes(self.git)

    @cached_property
    def cache(self) -> Cache:
        """What is known of contents from earlier commands."""
        from qflow_gitops.cache.store import Cache as KeptInGitDirectory

        return KeptInGitDirectory(self.git.common_dir / "qflow-gitops" / "verdicts")

    @property
    def platform(self) -> str:
        """What QFLOW_PLATFORM says, "" where it isn't set."""
        return self.environ.get("QFLOW_PLATFORM", "")

    def freezes(self) -> tuple[Freeze, ...]:
        """What QFLOW_FREEZE and the file of QFLOW_FREEZE_FILE say now."""
        from qflow_gitops.cli import brakes

        return brakes.of_environment(self.environ, self.directory)

    @property
    def folder(self) -> ProjectFolder:
        """Where the project of the work tree lies."""
        from qflow_gitops.sources import place

        return place.find(self.git, "").folder

    def project(self, commit: str = "", *, fetch: bool = False) -> Project:
        """The settings of a commit, of the work tree where it is "".

        With `fetch` a shallow clone gets the history that tells whether there were any before.
        """
        from qflow_gitops.sources import settings as projectfile

        return projectfile.settings(self.git, commit, self.platform, fetch=fetch).project

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
        from qflow_gitops.cache.lock_index import Reader

        return self.store_of(project.lock, self.git, project.folder, Reader(self.cache))

    def at_hand(self, project: Project) -> Lockfile | None:
        """The lockfile as this clone has it, without asking a remote; None for none."""
        return self.store_to_look_at(project).at_hand()

    def store_of(
        self,
        settings: LockSettings,
        repo: GitRepo,
        folder: ProjectFolder,
        reader: Callable[[bytes, str], Lockfile] | None = None,
    ) -> LockStore:
        """A lock store of the project in a folder of a repository."""
        from qflow_gitops.lockfile.codec import from_bytes
        from qflow_gitops.stores.registry import Place, build

        def branch(remote: str, name: str) -> LockBranch:
            from qflow_gitops.git.lock_branch import GitBranch

            # `patience` as it will be then, not as it is now
            return GitBranch(repo, remote, name, lambda: self.time_left())  # noqa: PLW0108

        place = Place(
            root=repo.root,
            folder=folder,
            private=repo.common_dir / "qflow-gitops",
            branch=branch,
            author=lambda: self.author(repo),
            reader=reader or from_bytes,
            in_ci=is_ci(self.environ),
        )
        return build(settings, place)

    def qualys(self, platform: str) -> tuple[Qualys, str]:
        """Connect to a platform: the client, and the gateway's name for the lockfile."""
        from qflow_gitops.qualys.connect import connect

        if platform not in self._clients:
            client, gateway = connect(platform, self.environ)
            self._say_route()
            self.console.detail(f"gateway {gateway} of platform {platform}")
            self._clients[platform] = (client, gateway)
        return self._clients[platform]

    def pulls(self) -> PullRequests:
        """What knows the pull requests."""
        from qflow_gitops.github.pulls import GitHubPulls

        return GitHubPulls(self.github)

    @cached_property
    def github(self) -> Client:
        """The GitHub API, for the repository and with the token that the environment names."""
        from qflow_gitops.github.connect import connect

        client = connect(self.environ)
        self._say_route()
        return client

    def _say_route(self) -> None:
        """Say once that a proxy or certificates of somebody's own are used: they see the token."""
        from qflow_gitops.http.route import from_environment

        if self._told_route:
            return
        self._told_route = True
        if route := str(from_environment(self.environ)):
            self.console.say(f"Connecting {route}.")

    def close(self) -> None:
        """Let go of what was opened."""
        if "github" in self.__dict__:
            self.github.close()
        for client, _ in self._clients.values():
            client.close()

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
        from functools import partial

        from qflow_gitops.apply.platforms import Gateways
        from qflow_gitops.apply.reconciler import Reconciler
        from qflow_gitops.sources import specs as reading

        specs = partial(reading.sent_specs, self.git, project)
        return Reconciler(Gateways(self.qualys, project), SystemClock(), specs)

    def pin_lineage(self, store: LockStore, project: Project) -> None:
        """Write the lockfile's lineage into the settings of the work tree, if they have none.

        `project` led to the lockfile; the settings of the work tree may lead elsewhere by now.
        """
        from qflow_gitops.base import atomic
        from qflow_gitops.yaml import edit

        lockfile = store.read().lockfile
        if lockfile is None or project.lock.lineage:
            return
        file = project.folder.settings
        path = self.git.root / file
        line = f"lock: {{lineage: '{lockfile.lineage}'}}"
        with contextlib.suppress(OSError, QflowError):
            there = self.project()
            if there.lock.lineage:
                return
            made = edit.with_lineage(path.read_bytes(), lockfile.lineage)
            same = (there.folder, there.lock) == (project.folder, project.lock)
            if same and isinstance(made, bytes):
                atomic.replace(path, made)
                self.console.say(f"Wrote the lockfile's lineage into {file}; commit it.")
                return
        self.console.say(f"Add the lockfile's lineage to {file} under spec: {line}")

    def check_own(self, path: Path) -> None:
        """Refuse a file that came with a commit, or a link: what it says nobody saw here."""
        if path.is_symlink() or self.git.is_tracked(path):
            raise UsageProblem(
                "This file came with a commit, or is a link: it isn't what an apply saved here.",
                where=str(path),
                not_done="The lockfile is as it was.",
                hint=f"`git rm {shlex.quote(str(path))}`, and find out who committed it. Lines of "
                "an apply's log go in by `qflow-gitops lock push -`, which reads its stdin.",
                reason="rescue_tracked",
            )

    def rescue(self, folder: ProjectFolder, content: str) -> str:
        """Keep lines that couldn't be stored beside a project's lockfile; say where they are."""
        target = self.git.root / folder.rescue
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(target, flags, 0o600), "a", encoding="utf-8") as file:  # noqa: PTH123
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            return f"not to a file ({problem.strerror}), only here"
        return str(target)


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
    placed = _placed(wiring, copies)
    lost = {copy: problem for copy in placed if (problem := copy.problem())}
    try:
        report = failed(command, next(iter(lost.values()))) if lost else work()
    except QflowError as problem:
        report = failed(command, problem)
    finally:
        wiring.close()
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


def shown_path(wiring: Wiring, path: str) -> str:
    """Return a path of the command line as one from the repository's root, with `/`."""
    full = Path(os.path.abspath(wiring.directory / path))  # noqa: PTH100  links stay as they are
    root = Path(os.path.abspath(wiring.git.root))  # noqa: PTH100
    real = full if full.is_relative_to(root) else full.resolve()
    if not real.is_relative_to(root):
        raise UsageProblem(
            "The path is outside the repository.",
            where=path,
            not_done="Nothing was checked.",
            hint=f"The repository is {root}.",
            reason="path_outside",
        )
    return real.relative_to(root).as_posix()


def existing_paths(wiring: Wiring, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths of the command line from the root; UsageProblem for one that isn't there."""
    found = []
    for path in paths:
        if not os.path.lexists(wiring.directory / path):
            raise UsageProblem(
                "There is no such file or folder.",
                where=path,
                not_done="Nothing was checked.",
                hint="Name one that is there; `git ls-files` shows them.",
                reason="path_missing",
            )
        found.append(shown_path(wiring, path))
    return tuple(found)
