"""Runs git for the lockfile's branch: what git can't do is a LockError."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.errors import NOTHING_MORE, LockError, UsageProblem
from qflow_gitops.git.process import shown
from qflow_gitops.git.repository import GitRepo


@dataclass(frozen=True, slots=True)
class LockGit:
    """A clone, and the branch that it is about. `time_left`: seconds that a call may take now."""

    repo: GitRepo
    remote: str
    branch: str
    time_left: Callable[[], float]

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""
        return f"branch {self.branch} of {self.remote}"

    @property
    def ref(self) -> str:
        """The branch's full name on the remote."""
        return f"refs/heads/{self.branch}"

    def run(
        self,
        command: Sequence[str],
        feed: bytes | None = None,
        *,
        extra: dict[str, str] | None = None,
        network: Callable[[], float] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run a git command as `GitProcess.run` does; LockError where it can't be started."""
        with self.startable():
            return self.repo.run(command, feed, extra=extra, network=network)

    @contextlib.contextmanager
    def startable(self) -> Iterator[None]:
        """A git that can't be started any more is a record that can't be written."""
        try:
            yield
        except UsageProblem as problem:
            raise LockError(
                problem.message,
                where=self.where,
                not_done=NOTHING_MORE,
                hint=problem.hint,
                reason="lock_git",
            ) from None

    def has(self, commit: str) -> bool:
        """Whether a commit is in this clone."""
        with self.startable():
            return self.repo.has_commit(commit)

    def line(self, command: Sequence[str]) -> str:
        """Return the one line that git answers, fit to print; "" where it fails."""
        status, out, _ = self.run(command)
        return "" if status else shown(out.decode(errors="replace").strip())

    def out(self, command: Sequence[str]) -> bytes:
        """Return what git answers; LockError where it fails."""
        status, out, err = self.run(command)
        if status:
            raise self._failed(command, err)
        return out

    def made(
        self,
        command: Sequence[str],
        feed: bytes,
        *,
        extra: dict[str, str] | None = None,
        network: Callable[[], float] | None = None,
    ) -> str:
        """Return the id of what git was told to make; LockError where it fails."""
        status, out, err = self.run(command, feed, extra=extra, network=network)
        if status:
            raise self._failed(command, err)
        return out.decode().strip()

    def _failed(self, command: Sequence[str], err: bytes) -> LockError:
        said = safe(err.decode(errors="replace"))[-300:]
        return LockError(
            f"git {command[0]} failed: {said or 'it gave no reason'}.",
            where=self.where,
            not_done=NOTHING_MORE,
            hint="Check the disk's room, the rights in .git, and the key where commits are signed.",
            reason="lock_unwritable",
        )


def safe(text: str) -> str:
    """Make git's words fit to print: one line, and no password of an address."""
    line = " · ".join(part.strip().rstrip(".") for part in text.splitlines() if part.strip())
    return shown(without_secrets(line))
