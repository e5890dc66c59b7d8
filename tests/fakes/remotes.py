"""A remote that many clones share, and what a clone can tell of its branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qflow_gitops.ports.git import RemoteBranches
from tests.fakes.history import Commits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fakes.git import FakeGit

_HEADS = "refs/heads/"


class FakeRemote:
    """A bare repository elsewhere. `answers` is False where nobody can reach it."""

    def __init__(self, head: str = "main") -> None:
        self.head = head
        self.commits = Commits()
        self.refs: dict[str, str] = {}
        self.answers = True

    def take(self, commits: Commits, ref: str, tip: str) -> None:
        """Take a push: the commit, and all that it descends from."""
        for commit in commits.reached(tip):
            self.commits[commit] = commits[commit]
        self.refs[ref] = tip

    def branches(self) -> dict[str, str]:
        """The names and tips of the branches."""
        heads = {name: tip for name, tip in self.refs.items() if name.startswith(_HEADS)}
        return {name.removeprefix(_HEADS): tip for name, tip in heads.items()}


class FakeBranches:
    """Implements `ports.git.Branches` for a clone."""

    def __init__(self, git: FakeGit) -> None:
        self._git = git

    def remote(self, preferred: str) -> str:
        names = list(self._git.remotes)
        tracked = self.tracked()[0]
        if preferred in names or tracked in names:
            return preferred if preferred in names else tracked
        return names[0] if len(names) == 1 else ""

    def current(self) -> str:
        name = self._git.refs["HEAD"]
        return name.removeprefix(_HEADS) if name.startswith(_HEADS) else ""

    def tracked(self) -> tuple[str, str]:
        return self._git.upstream.get(self.current(), ("", ""))

    def head_of(self, remote: str) -> str:
        tracking = f"refs/remotes/{remote}/"
        return self._git.refs.get(tracking + "HEAD", "").removeprefix(tracking)

    def holding(self, commit: str, remote: str) -> Sequence[str]:
        where = f"refs/remotes/{remote}/" if remote else _HEADS
        return [
            name.removeprefix(where)
            for name, tip in sorted(self._git.refs.items())
            if name.startswith(where)
            and name != where + "HEAD"
            and self._git.is_ancestor(commit, tip)
        ]

    def ask(self, remote: str) -> RemoteBranches:
        there = self._git.remotes.get(remote)
        if there is None or not there.answers:
            return RemoteBranches(answered=False)
        tips = there.branches()
        return RemoteBranches(True, there.head if there.head in tips else "", tips)

    def reached(self, commit: str, tips: Mapping[str, str], remote: str) -> bool | None:
        if self._reaches(commit, tips):
            return True
        there = self._git.remotes.get(remote)
        if there is not None and there.answers:
            self._git.bring(there, *(there.refs.get(_HEADS + name, "") for name in tips))
            self._git.unshallow(remote)
        if self._reaches(commit, tips):
            return True
        complete = all(tip in self._git.commits for tip in tips.values())
        return False if complete and not self._git.is_shallow() else None

    def _reaches(self, commit: str, tips: Mapping[str, str]) -> bool:
        return any(self._git.is_ancestor(commit, tip) for tip in tips.values())
