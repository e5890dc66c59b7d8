"""The lockfile's branch of a remote, without git: commits that each hold some files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from itertools import count
from typing import NamedTuple

from qflow_gitops.errors import LockError
from qflow_gitops.ports.lock_branch import FileChange, Known, Step, TreeEntry


class Version(NamedTuple):
    """One commit of the branch: its files by their paths."""

    parents: tuple[str, ...]
    files: Mapping[str, bytes]
    message: str


@dataclass
class FakeLockRemote:
    """The remote's end: one branch, `tip` "" where it isn't there.

    `answers`: whether it can be asked. `refuses`: why it takes no push, "" where it does.
    `before_push`: what others do once a writer has read it, and before its push arrives.
    """

    tip: str = ""
    commits: dict[str, Version] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    answers: bool = True
    refuses: str = ""
    before_push: Callable[[], None] = lambda: None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def make(self, parents: Sequence[str], files: Mapping[str, bytes], message: str = "") -> str:
        """Make a commit that no branch has yet."""
        name = f"{next(self._numbers):040x}"
        self.commits[name] = Version(tuple(filter(None, parents)), dict(files), message)
        self.blobs |= {blob_id(content): content for content in files.values()}
        return name


class FakeLockBranch:
    """Implements `ports.lock_branch.LockBranch`: one clone's end, which remembers what it saw."""

    where = "branch qflow-lock of origin"
    remote = "origin"

    def __init__(self, remote: FakeLockRemote, address: str = "host.example/runs") -> None:
        self._end = remote
        self.address = address
        self._known = ""

    def push_command(self, commit: str, *, force: bool = False) -> str:
        return f"git push {'--force ' if force else ''}origin {commit}:refs/heads/qflow-lock"

    def fetch(self) -> str:
        self._check_answers()
        return self._end.tip

    def known(self) -> Known:
        return Known(self._known, "2026-10-06T12:00:00Z", self._known) if self._known else Known()

    def remember(self, commit: str) -> None:
        self._known = commit

    def complete(self, tip: str) -> bool:
        """All of it is here."""
        del tip
        return False

    def descends(self, commit: str, ancestor: str) -> bool:
        return ancestor in self._line(commit)

    def parents(self, commit: str) -> Sequence[str]:
        return self._end.commits[commit].parents

    def entries(self, commit: str) -> Sequence[TreeEntry]:
        files = self._end.commits[commit].files
        return [TreeEntry(path, "100644", blob_id(files[path])) for path in sorted(files)]

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        return (self._end.blobs[blob] for blob in ids)

    def steps(self, base: str, tip: str, only: str = "") -> Sequence[Step]:
        before = set(self._line(base)) if base else set()
        steps = [self._step(commit) for commit in self._line(tip) if commit not in before]
        if not only:
            return steps
        cut = [step._replace(changes=tuple(one for one in step.changes if one.path == only))
               for step in steps]  # fmt: skip
        return [step for step in cut if step.changes]

    def _step(self, commit: str) -> Step:
        version = self._end.commits[commit]
        old = self._end.commits[version.parents[0]].files if version.parents else {}
        changes = [
            FileChange(path, "100644" if path in version.files else "000000", *ids)
            for path in sorted({*old, *version.files})
            for ids in [[blob_id(files[path]) if path in files else ""
                         for files in (old, version.files)]]
            if ids[0] != ids[1]
        ]  # fmt: skip
        return Step(commit, version.parents, tuple(changes), "2026-10-06T12:00:00Z")

    def commit(self, parent: str, files: Mapping[str, bytes], message: str) -> str:
        old = self._end.commits[parent].files if parent else {"README.md": b"words"}
        return self._end.make([parent], {**old, **files}, message)

    def try_push(self, commit: str) -> None:
        del commit
        self._check_answers()
        if self._end.refuses:
            said = f"The lockfile can't be pushed: {self._end.refuses}."
            raise LockError(said, where=self.where, reason="lock_push")

    def push(self, commit: str, parent: str) -> bool:
        self.try_push(commit)
        self._end.before_push()
        if self._end.tip != parent:
            return False
        self._end.tip = self._known = commit
        return True

    def _line(self, tip: str) -> Sequence[str]:
        """Name the commits that one descends from, and itself, oldest first."""
        queue = [tip]
        for commit in queue:
            queue += (parent for parent in self.parents(commit) if parent not in queue)
        return queue[::-1]

    def signer(self, commit: str, signers: str) -> str:
        """Nobody signs here."""
        del commit, signers
        return ""

    def _check_answers(self) -> None:
        if not self._end.answers:
            raise LockError("The remote is silent.", where=self.where, reason="lock_unreachable")


def blob_id(content: bytes) -> str:
    return sha1(content, usedforsecurity=False).hexdigest()
