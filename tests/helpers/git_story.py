"""What a team does with a repository, told to git on a disk or to the fake one."""

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from qflow_gitops.git.remotes import GitRemotes
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.git import Branches, Repository
from tests.fakes.git import FakeGit
from tests.fakes.remotes import FakeBranches
from tests.helpers.git import Workspace


class Story(Protocol):
    """What a team does with a repository that has a remote, `origin`, and what a program sees."""

    @property
    def git(self) -> Repository: ...
    @property
    def branches(self) -> Branches: ...

    def write(self, name: str, content: str) -> None: ...
    def link(self, name: str, target: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def commit(self) -> str: ...
    def switch(self, branch: str, at: str = "") -> None: ...
    def merge(self, other: str, *, but: str = "") -> str: ...
    def push(self, ref: str = "") -> None: ...
    def clone(self, depth: int = 0) -> "Story": ...
    def add_remote(self, name: str) -> None: ...
    def silence(self) -> None: ...
    def lose(self, blob: str) -> None: ...


class RealStory:
    """On disk, by git itself."""

    def __init__(
        self, place: Workspace, remote: Path, read: Callable[[GitRepo], GitRepo] = lambda git: git
    ) -> None:
        self._place = place
        self._remote = remote
        self._read = read

    @property
    def git(self) -> GitRepo:
        return self._read(GitRepo.open(self._place.path, os.environ))  # as each command does

    @property
    def branches(self) -> Branches:
        return GitRemotes(self.git)

    def write(self, name: str, content: str) -> None:
        self._place.write(name, content)

    def link(self, name: str, target: str) -> None:
        path = self._place.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def remove(self, name: str) -> None:
        self._place.remove(name)
        folder = (self._place.path / name).parent
        if not any(folder.iterdir()):
            folder.rmdir()

    def commit(self) -> str:
        return self._place.commit()

    def switch(self, branch: str, at: str = "") -> None:
        there = self._place.git("branch", "--list", branch)
        self._place.git("switch", "--quiet", *([branch] if there else ["-c", branch, at or "HEAD"]))

    def merge(self, other: str, *, but: str = "") -> str:
        with contextlib.suppress(subprocess.CalledProcessError):  # a conflict, settled by `but`
            self._place.git("merge", "--quiet", "--no-ff", "--no-commit", other)
        if but:
            self._place.write(but, "something of its own\n")
        return self._place.commit("merge")

    def push(self, ref: str = "") -> None:
        ref = ref or self._place.git("symbolic-ref", "HEAD")
        self._place.git("push", "--quiet", "--force", "origin", f"HEAD:{ref}")

    def clone(self, depth: int = 0) -> "RealStory":
        folder = self._remote.parent / f"clone-{depth}"
        options = [f"--depth={depth}"] if depth else []
        Workspace(self._remote).git("clone", "-q", *options, self._remote.as_uri(), str(folder))
        return RealStory(Workspace(folder), self._remote, self._read)

    def add_remote(self, name: str) -> None:
        self._place.git("remote", "add", name, self._remote.as_uri())

    def silence(self) -> None:
        self._remote.rename(self._remote.with_suffix(".away"))

    def lose(self, blob: str) -> None:
        (self._place.path / ".git/objects" / blob[:2] / blob[2:]).unlink()


class FakeStory:
    """In memory."""

    def __init__(self, git: FakeGit) -> None:
        self.git = git
        self.branches: Branches = FakeBranches(git)

    def write(self, name: str, content: str) -> None:
        self.git.write(name, content)

    def link(self, name: str, target: str) -> None:
        self.git.write(name, target, "120000")

    def remove(self, name: str) -> None:
        self.git.remove(name)

    def commit(self) -> str:
        return self.git.commit()

    def switch(self, branch: str, at: str = "") -> None:
        self.git.switch(branch, at)

    def merge(self, other: str, *, but: str = "") -> str:
        tree = self.git.commits.merged(self.git.resolve("HEAD"), self.git.resolve(other))
        if but:
            self.git.write(but, "something of its own\n")
            tree = {**(tree or {}), but.encode(): self.git.files_on_disk[but.encode()]}
        return self.git.merge(self.git.resolve(other), tree=tree)

    def push(self, ref: str = "") -> None:
        self.git.push(ref=ref)

    def clone(self, depth: int = 0) -> "FakeStory":
        return FakeStory(FakeGit.clone(self.git.remotes["origin"], depth))

    def add_remote(self, name: str) -> None:
        self.git.add_remote(name, self.git.remotes["origin"])

    def silence(self) -> None:
        self.git.remotes["origin"].answers = False

    def lose(self, blob: str) -> None:
        self.git.lost.add(blob)
