"""The program run in this process, where time is virtual and every step outwards can be struck.

One thread does everything: a POST or a look is made where it is begun, and waiting moves the
clock of all runners and of the sandbox instead of taking time. So a test says exactly what
happens at the k-th push, send or look of a process, and it happens there each time.
"""

import contextlib
import io
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from qflow_gitops.apply.job import Job
from qflow_gitops.apply.launch import Launch
from qflow_gitops.apply.workers import Background
from qflow_gitops.base import atomic
from qflow_gitops.cli import crash
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.cli.main import main
from qflow_gitops.git import lock_remote
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.http.transport import Transport
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.qualys import platforms
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.qualys.client import QualysClient
from qflow_gitops.qualys.platforms import Gateway
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.stores import branch_session, worktree_session

EDGES = ("push", "pushed", "send", "sent", "look", "looked", "replace")
"""Before and after a write of the lockfile, a POST, a look at the list; before a file's change."""


class Crash(BaseException):
    """This process is gone: it does nothing more, not even clean up."""


@dataclass(slots=True)
class Process:
    """A run of the program: where, what happens at the k-th time it comes to an edge."""

    folder: Path
    retries: tuple[str, ...]
    retries_all: bool
    script: dict[tuple[str, int], Callable[[], None]]
    counts: Counter[str] = field(default_factory=Counter)
    dead: bool = False
    push_answer: str = ""  # "lost": done, and git says it failed; "dropped": not done
    sending: tuple[Job, Attempt] | None = None
    wrote: str = ""  # the commit of the lockfile's branch that it pushed last


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answered; `code` is -9 where it crashed.

    `wrote` is the commit of the lockfile's branch that it pushed last, "" for none.
    """

    code: int
    out: str
    err: str
    wrote: str = ""


class Runners:
    """Runs the program in any folder; `ahead` is by how much a folder's clock is wrong.

    `platforms`: where there are several, each has a sandbox of its own.
    """

    def __init__(
        self, sandbox: SandboxServer, platforms: Mapping[str, SandboxServer] | None = None
    ) -> None:
        self.sandbox = sandbox
        self.platforms = platforms or {}
        self.ahead: dict[Path, float] = {}
        self.about_to_send: Callable[[Process], None] = lambda _: None
        self.was_sent: Callable[[Process, int], None] = lambda *_: None
        self._elapsed = 0.0
        self._processes: list[Process] = []

    def call(
        self,
        folder: Path,
        *arguments: str,
        script: Mapping[tuple[str, int], Callable[[], None]] | None = None,
    ) -> Done:
        """Run a command; one that runs inside another's step has nothing happen to it."""
        retries = [after for one, after in pairwise(arguments) if one == "--retry"]
        every = "--retry-failed" in arguments
        process = Process(folder, tuple(retries), every, dict(script or {}))
        self._processes.append(process)
        handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        out, err, code = io.StringIO(), io.StringIO(), 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main(["-C", str(folder), *arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        except Crash:
            code = -9
        finally:
            self._processes.pop()
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for one in threading.enumerate():
                if isinstance(one, threading.Timer):
                    one.cancel()  # what ends a stopped process for certain would end the tests
        return Done(code, out.getvalue(), err.getvalue(), process.wrote)

    # --- what a script may do --------------------------------------------------------

    @property
    def process(self) -> Process:
        return self._processes[-1]

    def crash(self) -> None:
        self.process.dead = True
        raise Crash

    def stop(self) -> None:
        """Send the process a SIGTERM; a second one would end the tests."""
        signal.raise_signal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def lose_push(self, how: str) -> None:
        self.process.push_answer = how

    def _reached(self, edge: str) -> None:
        process = self.process
        process.counts[edge] += 1
        act = process.script.pop((edge, process.counts[edge]), None)
        if act is not None:
            act()

    # --- time ------------------------------------------------------------------------

    def elapse(self, seconds: float) -> None:
        """Let time go by, for everybody."""
        self._elapsed += seconds
        for one in self.platforms.values() or [self.sandbox]:
            one.elapse(seconds)

    def now(self, folder: Path | None = None) -> datetime:
        """The time by a folder's clock: by default that of the process that asks."""
        where = folder or (self.process.folder if self._processes else None)
        wrong = self.ahead.get(where, 0.0) if where else 0.0
        return datetime.now(UTC) + timedelta(seconds=self._elapsed + wrong)

    def monotonic(self) -> float:
        return time.monotonic() + self._elapsed

    # --- the steps outwards ----------------------------------------------------------

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Put all of it in place of the program's own edges."""
        clock = {"sleep": self.elapse, "chance": lambda: 0.0, "now": self.now,
                 "monotonic": self.monotonic}  # fmt: skip
        still = SimpleNamespace(sleep=self.elapse, monotonic=self.monotonic)
        environment = {
            "QFLOW_GATEWAY": self.sandbox.url,
            "QFLOW_CLIENT_ID": "test-client",
            "QFLOW_CLIENT_SECRET": "test-canary-secret",
        }
        with contextlib.ExitStack() as stack:
            for target, name, new in (
                (SystemClock, "now", staticmethod(self.now)),
                (SystemClock, "monotonic", staticmethod(self.monotonic)),
                (SystemClock, "sleep", staticmethod(self.elapse)),
                (Background, "do", self._inline()),
                (Launch, "_collect", self._collect()),
                (GitBranch, "push", self._around("push", "pushed", self._noted(GitBranch.push))),
                (QualysClient, "run", self._around("send", "sent", QualysClient.run)),
                (
                    QualysClient,
                    "executions",
                    self._around("look", "looked", QualysClient.executions),
                ),
                (GitRepo, "run", self._git(GitRepo.run)),
                (Transport, "send", self._send(Transport.send)),
                (
                    atomic.AppendLog,
                    "append",
                    self._around("push", "pushed", atomic.AppendLog.append),
                ),
                (atomic, "replace", self._replace(atomic.replace)),
                (
                    worktree_session.WorktreeSession,
                    "close",
                    self._close(worktree_session.WorktreeSession.close),
                ),
                (crash, "report_bug", _raised),
                (platforms, "gateway_for", self._gateway(platforms.gateway_for)),
                (lock_remote, "time", still),
                (branch_session, "time", still),
            ):
                stack.enter_context(patch.object(target, name, new))
            stack.enter_context(patch.dict(Caller.__init__.__kwdefaults__ or {}, clock))
            stack.enter_context(patch.dict(os.environ, environment))
            yield

    def _gateway(self, real: Callable[..., Gateway]) -> Callable[..., Gateway]:
        def gateway_for(platform: str, custom: str) -> Gateway:
            one = self.platforms.get(platform)
            return Gateway(platform, one.url) if one else real(platform, custom)

        return gateway_for

    def _around(self, before: str, after: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*arguments: Any, **options: Any) -> Any:
            self._reached(before)
            answer = real(*arguments, **options)
            self._reached(after)
            return answer

        return struck

    def _noted(self, real: Callable[..., bool]) -> Callable[..., bool]:
        def push(branch: GitBranch, commit: str, parent: str) -> bool:
            pushed = real(branch, commit, parent)
            if pushed:
                self.process.wrote = commit
            return pushed

        return push

    def _inline(self) -> Callable[..., None]:
        def do(background: Background[Any], owner: Any, work: Callable[[], Any]) -> None:
            if isinstance(owner, tuple):
                self.process.sending = owner
            background._done.put((owner, work()))

        return do

    def _collect(self) -> Callable[..., None]:
        def collect(launch: Launch) -> None:
            ended = list(launch._background.done(0.0))
            for owner, answer in ended:
                launch._take(owner, answer)
            if not ended:
                self.elapse(launch._time_to_wait())

        return collect

    def _send(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def send(transport: Transport, method: str, path: str, **options: Any) -> Any:
            if method != "POST" or not path.endswith("/run"):
                return real(transport, method, path, **options)
            status, begun = 0, False

            def leaves() -> bool:
                """The last word before the first byte; what it forbids is no sending."""
                nonlocal begun
                if options["may_send"]():
                    self.about_to_send(self.process)
                    begun = True
                return begun

            try:
                answer = real(transport, method, path, **{**options, "may_send": leaves})
                limited = "x-ratelimit-towait-sec" in answer.headers
                status = 429 if limited else answer.status
                return answer
            finally:
                if begun:
                    self.was_sent(self.process, status)

        return send

    def _git(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def run(repo: GitRepo, arguments: Any, *more: Any, **options: Any) -> Any:
            how = self.process.push_answer if self._processes and arguments[0] == "push" else ""
            if not how:
                return real(repo, arguments, *more, **options)
            self.process.push_answer = ""
            if how == "lost":
                real(repo, arguments, *more, **options)
            return 1, b"", b"fatal: the remote end hung up unexpectedly\n"

        return run

    def _replace(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def replace(path: Path, content: bytes, **options: Any) -> None:
            if self._processes and path.name in ("qflow.lock", "written.lock"):
                self._reached("replace")
            real(path, content, **options)

        return replace

    def _close(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """A process that is gone closes nothing: its journal stays as it was."""

        def close(session: worktree_session.WorktreeSession) -> None:
            if not self.process.dead:
                real(session)
            elif session._log is not None:
                session._log.close()

        return close


def _raised(problem: BaseException) -> int:
    """A bug, and what a test's own hook asserts, fails the test with its own traceback."""
    raise problem
