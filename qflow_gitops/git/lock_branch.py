"""A branch of the remote as a place to write to: no checkout, no work tree, no hooks.

`lock_reading` reads commits, `lock_commits` makes them, `lock_remote` fetches and pushes them.
"""

import contextlib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import NOTHING_MORE, LockError
from qflow_gitops.git.lock_commits import LockCommits
from qflow_gitops.git.lock_git import LockGit, safe
from qflow_gitops.git.lock_reading import LockReading
from qflow_gitops.git.lock_remote import LockRemote
from qflow_gitops.git.process import shown
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.ports.lock_branch import Known, Step, TreeEntry


@dataclass(frozen=True)
class GitBranch:
    """Implements `ports.lock_branch.LockBranch`. `time_left`: seconds that a call may take now."""

    repo: GitRepo
    remote: str
    branch: str
    time_left: Callable[[], float]

    @cached_property
    def _git(self) -> LockGit:
        return LockGit(self.repo, self.remote, self.branch, self.time_left)

    @cached_property
    def _remote(self) -> LockRemote:
        return LockRemote(self._git)

    @cached_property
    def _commits(self) -> LockCommits:
        return LockCommits(self._git)

    @cached_property
    def _reading(self) -> LockReading:
        return LockReading(self._git, self._remote.bring_objects)

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""
        return self._git.where

    @property
    def address(self) -> str:
        """Where it is pushed to, in the one form of an address."""
        return self._remote.address

    def push_command(self, commit: str, *, force: bool = False) -> str:
        """Return what a person types to put a commit on the remote's branch."""
        how = ["--force"] if force else []
        return shlex.join(["git", "push", *how, self.remote, f"{commit}:{self._git.ref}"])

    def fetch(self) -> str:
        """Bring the remote's newest commit into the clone; "" where the branch isn't there.

        And the commit before it: a clone that is cut off gets no more than these two, if it
        knew none of the branch.
        """
        tip = self._remote.tip()
        cut_off = bool(tip) and self.repo.is_shallow()
        if cut_off and not (self._git.has(tip) or self.known().commit):
            self._remote.bring(tip, "--depth=2")
        self._remote.bring(tip)
        if cut_off and not all(map(self._git.has, self.parents(tip))):
            self._remote.bring(tip, "--depth=2")
        with contextlib.suppress(OSError):
            _stamp(self).parent.mkdir(parents=True, exist_ok=True)
            atomic.replace(_stamp(self), stamp(datetime.now(UTC)).encode())
        return tip

    def complete(self, tip: str) -> bool:
        """Bring all commits that a commit descends from; whether any was missing."""
        return self._remote.complete(tip)

    def known(self) -> Known:
        """Return what this clone has seen of the branch: by itself, or by its owner's fetch."""
        tracked = f"refs/remotes/{self.remote}/{self.branch}"
        command = ["for-each-ref", "--format=%(refname) %(objectname)", _copy(self), tracked]
        status, listed, err = self._git.run(command)
        if status or b"broken ref" in err:
            raise LockError(
                "What this clone remembers of the lockfile's branch can't be read: "
                f"{safe(err.decode(errors='replace'))[-300:]}.",
                where=self.where,
                not_done=NOTHING_MORE,
                hint="A new clone has no memory of it, and takes what the remote has: look at "
                f"that first, `git ls-remote {self.remote} {self._git.ref}`",
                reason="lock_unreadable",
            )
        commits = dict(line.split(" ") for line in listed.decode(errors="replace").splitlines())
        ours, theirs = commits.get(_copy(self), ""), commits.get(tracked, "")
        if theirs and (not ours or (theirs != ours and self.descends(theirs, ours))):
            committed = self._git.line(["show", "--no-patch", "--format=%ct", theirs])
            moment = datetime.fromtimestamp(int(committed or 0), UTC)
            return Known(theirs, stamp(moment), ours)
        with contextlib.suppress(OSError):
            return Known(ours, _stamp(self).read_text(encoding="ascii").strip(), ours)
        return Known(ours, "", ours)

    def remember(self, commit: str) -> None:
        """Keep a commit as the newest one seen, so that a branch put back is noticed."""
        self._git.run(["update-ref", "--no-deref", _copy(self), commit])

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""
        with self._git.startable():
            return commit == ancestor or self.repo.is_ancestor(ancestor, commit)

    def parents(self, commit: str) -> Sequence[str]:
        """Return a commit's parents."""
        return self._reading.parents(commit)

    def entries(self, commit: str) -> Sequence[TreeEntry]:
        """Return every file of a commit, in the order of the paths."""
        return self._reading.entries(commit)

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Read many blobs at once; their contents, in this order."""
        return self._reading.blobs(ids)

    def steps(self, base: str, tip: str, only: str = "") -> Sequence[Step]:
        """Return the commits that `tip` descends from and `base` doesn't, oldest first."""
        return self._reading.steps(base, tip, only)

    def signer(self, commit: str, signers: str) -> str:
        """Return who of the allowed signers' file made a commit's SSH signature, "" for nobody.

        git would also accept a GPG key of this machine's keyring, so the kind is looked at.
        """
        headers = self._git.out(["cat-file", "commit", commit]).split(b"\n\n", 1)[0]
        if b"\ngpgsig -----BEGIN SSH SIGNATURE-----\n" not in headers:
            return ""
        config = ["-c", f"gpg.ssh.allowedSignersFile={os.path.abspath(signers)}"]  # noqa: PTH100
        show = ["show", "--no-patch", "--format=%G?%x00%GS", commit]
        status, out, _ = self._git.run([*config, *show], network=lambda: 30.0)
        verdict, _, who = out.decode(errors="replace").strip().partition("\0")
        return shown(who) if status == 0 and verdict == "G" else ""

    def commit(self, parent: str, files: Mapping[str, bytes], message: str) -> str:
        """Make a commit on top of `parent` ("": the first one) with these files in it."""
        return self._commits.commit(parent, files, message)

    def try_push(self, commit: str) -> None:
        """Raise LockError where a push would be refused; nothing changes, and no hook is run."""
        self._remote.try_push(commit)

    def push(self, commit: str, parent: str) -> bool:
        """Push a commit if the remote's branch still is `parent`; False where it isn't.

        True only after the remote was read back and holds the commit. Raises LockError
        where the remote refuses it, or can't be asked what became of it.
        """
        tip = self._remote.push(commit, parent)
        if tip == commit:
            self.remember(commit)
            return True
        self._remote.bring(tip)
        return self.descends(tip, commit)  # perhaps ours is there, and others on top of it


def _copy(of: GitBranch) -> str:
    """Return the ref under which a clone keeps the newest commit that it has checked."""
    return f"refs/qflow-gitops/{of.remote}/{of.branch}"


def _stamp(of: GitBranch) -> Path:
    """Return the file that says when a branch was fetched last."""
    name = f"fetched-{of.remote}-{of.branch.replace('/', '%')}"
    return of.repo.common_dir / "qflow-gitops" / name
