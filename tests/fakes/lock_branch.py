"""The lockfile's branch of a remote, without git: commits that each hold one lockfile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from qflow_gitops.errors import LockError


class Version(NamedTuple):
    """One commit of the branch; `content` is None where it holds no lockfile."""

    parents: tuple[str, ...]
    content: bytes | None
    message: str


@dataclass
class FakeLockRemote:
    """The remote's end: one branch, `tip` "" where it isn't there.

    `answers`: whether it can be asked. `refuses`: why it takes no push, "" where it does.
    """

    tip: str = ""
    commits: dict[str, Version] = field(default_factory=dict)
    answers: bool = True
    refuses: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def make(self, parents: Sequence[str], content: bytes | None, message: str = "") -> str:
        """Make a commit that no branch has yet."""
        name = f"{next(self._numbers):040x}"
        self.commits[name] = Version(tuple(filter(None, parents)), content, message)
        return name


class FakeLockBranch:
    """Implements `ports.lockfile.LockBranch`: one clone's end, which remembers what it saw."""

    where = "branch qflow-lock of origin"

    def __init__(self, remote: FakeLockRemote) -> None:
        self.remote = remote
        self._known = ""

    def push_command(self, commit: str, *, force: bool = False) -> str:
        return f"git push {'--force ' if force else ''}origin {commit}:refs/heads/qflow-lock"

    def fetch(self) -> str:
        self._check_answers()
        return self.remote.tip

    def known(self) -> tuple[str, str]:
        return (self._known, "2026-10-06T12:00:00Z") if self._known else ("", "")

    def remember(self, commit: str) -> None:
        self._known = commit

    def descends(self, commit: str, ancestor: str) -> bool:
        return ancestor in {name for name, _ in self.history(commit)}

    def parents(self, commit: str) -> Sequence[str]:
        return self.remote.commits[commit].parents

    def content(self, commit: str) -> bytes | None:
        return self.remote.commits[commit].content

    def contents(self, commits: Sequence[str]) -> Sequence[bytes | None]:
        return [self.content(commit) for commit in commits]

    def commit(self, parent: str, content: bytes, message: str) -> str:
        return self.remote.make([parent], content, message)

    def push(self, commit: str, parent: str) -> bool:
        self._check_answers()
        if self.remote.refuses:
            said = f"The lockfile can't be pushed: {self.remote.refuses}."
            raise LockError(said, where=self.where, reason="lock_push")
        if self.remote.tip != parent:
            return False
        self.remote.tip = self._known = commit
        return True

    def history(self, tip: str) -> Sequence[tuple[str, Sequence[str]]]:
        found: dict[str, Sequence[str]] = {}
        queue = [tip]
        for commit in queue:
            found[commit] = self.parents(commit)
            queue += (parent for parent in found[commit] if parent not in queue)
        return list(found.items())[::-1]

    def signer(self, commit: str, signers: str) -> str:
        """Nobody signs here."""
        del commit, signers
        return ""

    def _check_answers(self) -> None:
        if not self.remote.answers:
            raise LockError("The remote is silent.", where=self.where, reason="lock_unreachable")
