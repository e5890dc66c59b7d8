"""Which branches hold a commit: of this clone, of its remotes as it knows them, or as they are.

A remote is asked for what it has now, and only objects are fetched: no branch, tag or
remote-tracking branch of the user's is moved.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from qflow_gitops.base.addresses import same_form
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.git import Branches, RemoteBranches

_ASK, _FETCH = 60.0, 300.0  # seconds that an answer, and a fetch, may take
_HEADS = "refs/heads/"
_OBJECTS_ONLY = (
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--refmap=",
    "--no-recurse-submodules", "--no-write-commit-graph", "--stdin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitRemotes:
    """Implements `ports.git.Branches` for a clone."""

    repo: GitRepo

    def remote(self, preferred: str) -> str:
        """Name the remote to ask: as preferred, as tracked, or the only one; "" for none."""
        names = self.repo.remotes()
        if preferred in names:
            return preferred
        tracked = self.tracked()[0] if names else ""
        return tracked if tracked in names else names[0] if len(names) == 1 else ""

    def address(self, preferred: str) -> str:
        """Return where a remote is pushed to, in the one form of an address; "" for no remote."""
        return same_form(self.url(preferred), str(self.repo.root))

    def url(self, preferred: str) -> str:
        """Return where a remote is pushed to, as git knows it; "" for no remote.

        The preferred one, else the only one: which branch is checked out says nothing about it.
        """
        names = self.repo.remotes()
        remote = preferred if preferred in names else names[0] if len(names) == 1 else ""
        return self._line(["remote", "get-url", "--push", "--", remote]) if remote else ""

    def current(self) -> str:
        """Name the branch that is checked out, "" for none."""
        return self._line(["symbolic-ref", "--quiet", "HEAD"]).removeprefix(_HEADS)

    def tracked(self) -> tuple[str, str]:
        """Return remote ("" for this clone) and name of the branch that the current one tracks."""
        current = self.current()
        if not current:
            return "", ""
        wanted = "--format=%(upstream:remotename) %(upstream:remoteref)"
        remote, _, ref = self._line(["for-each-ref", wanted, _HEADS + current]).partition(" ")
        return ("" if remote == "." else remote), ref.removeprefix(_HEADS)

    def head_of(self, remote: str) -> str:
        """Name the branch that a remote's HEAD names, "" where this clone doesn't know it."""
        tracking = f"refs/remotes/{remote}/"
        found = self._line(["symbolic-ref", "--quiet", tracking + "HEAD"])
        return found.removeprefix(tracking) if found.startswith(tracking) else ""

    def default_of(self, remote: str) -> str:
        """Name a remote's default branch; where this clone doesn't know it what it most likely is.

        That is `main` or `master`, where there is one, else the branch that is checked out.
        """
        usual = ("main", "master")
        command = ["for-each-ref", "--format=%(refname)", *(_HEADS + name for name in usual)]
        there = self._line(command).splitlines()
        found = (name for name in usual if _HEADS + name in there)
        return self.head_of(remote) or next(found, self.current())

    def holding(self, commit: str, remote: str) -> Sequence[str]:
        """Name the branches of a remote ("": of this clone) that are known here to hold it."""
        if not self.repo.has_commit(commit):
            return ()
        where = f"refs/remotes/{remote}/" if remote else _HEADS
        command = ["for-each-ref", f"--contains={commit}", "--format=%(refname)", where]
        status, out, _ = self.repo.run(command)
        names = [os.fsdecode(line).removeprefix(where) for line in out.splitlines()]
        return [] if status else [name for name in names if name != "HEAD"]

    def ask(self, remote: str) -> RemoteBranches:
        """Ask a remote for its branches."""
        command = ["ls-remote", "--symref", "--", remote, "HEAD", _HEADS + "*"]
        status, out, _ = self.repo.run(command, network=lambda: _ASK)
        if status:
            return RemoteBranches(answered=False)
        head, tips = "", {}
        for line in map(os.fsdecode, out.splitlines()):
            what, _, name = line.partition("\t")
            if what.startswith("ref: ") and name == "HEAD":
                head = what.removeprefix("ref: ").removeprefix(_HEADS)
            elif name.startswith(_HEADS):
                tips[name.removeprefix(_HEADS)] = what
        return RemoteBranches(True, head if head in tips else "", tips)

    def reached(self, commit: str, tips: Mapping[str, str], remote: str) -> bool | None:
        """Whether one of these branches holds a commit, None where nobody can tell.

        The commit may be one that this clone lacks: once it has the whole history of the
        branches, and lacks it still, they don't hold it.
        """
        here = self._here(tips)
        if self._reaches(here, commit):
            return True
        if len(here) < len(tips):
            wanted = "".join(f"{_HEADS}{name}\n" for name, tip in tips.items() if tip not in here)
            command = [*_OBJECTS_ONLY, "--", remote]
            self.repo.run(command, os.fsencode(wanted), network=lambda: _FETCH)
        self.repo.unshallow(remote)
        here = self._here(tips)
        if self._reaches(here, commit):
            return True
        complete = len(here) == len(tips) and not self.repo.is_shallow()
        return False if complete and self._reaches(here, commit) is False else None

    def _here(self, tips: Mapping[str, str]) -> frozenset[str]:
        return frozenset(tip for tip in tips.values() if self.repo.has_commit(tip))

    def _reaches(self, tips: frozenset[str], commit: str) -> bool | None:
        """Whether one of these commits is, or descends from, another; None where git can't say."""
        if not tips or not self.repo.has_commit(commit):
            return False
        revisions = "".join(f"{revision}\n" for revision in (commit, *(f"^{tip}" for tip in tips)))
        status, out, _ = self.repo.run(["rev-list", "-n1", "--stdin"], revisions.encode())
        return None if status else not out.strip()

    def _line(self, command: Sequence[str]) -> str:
        status, out, _ = self.repo.run(command)
        return "" if status else os.fsdecode(out).strip("\n")


class AskedOnce:
    """Implements `ports.git.Branches` for who looks once: each question is asked once."""

    def __init__(self, branches: Branches) -> None:
        """Take what answers."""
        self.remote = cache(branches.remote)
        self.current = cache(branches.current)
        self.tracked = cache(branches.tracked)
        self.head_of = cache(branches.head_of)
        self.holding = cache(branches.holding)
        self.ask, self.reached = branches.ask, branches.reached
