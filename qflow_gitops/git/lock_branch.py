"""A branch of the remote as a place to write to: no checkout, no work tree, no hooks.

`lock_commits` makes the commits, `lock_remote` pushes them.
"""

import contextlib
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from qflow_gitops.base import atomic
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import NOTHING_MORE, LockError
from qflow_gitops.git.lock_commits import FILE, LockCommits
from qflow_gitops.git.lock_git import LockGit, safe
from qflow_gitops.git.lock_remote import LockRemote
from qflow_gitops.git.process import shown
from qflow_gitops.git.repository import GitRepo


@dataclass(frozen=True)
class GitBranch:
    """Implements `ports.lockfile.LockBranch`. `time_left`: seconds that a call may take now."""

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

    @property
    def where(self) -> str:
        """The branch and its remote, for people."""
        return self._git.where

    def push_command(self, commit: str, *, force: bool = False) -> str:
        """Return what a person types to put a commit on the remote's branch."""
        how = ["--force"] if force else []
        return shlex.join(["git", "push", *how, self.remote, f"{commit}:{self._git.ref}"])

    @property
    def _copy(self) -> str:
        return f"refs/qflow-gitops/{self.remote}/{self.branch}"

    @property
    def _stamp(self) -> Path:
        name = f"fetched-{self.remote}-{self.branch.replace('/', '%')}"
        return self.repo.common_dir / "qflow-gitops" / name

    def fetch(self) -> str:
        """Bring the remote's newest commit into the clone; "" where the branch isn't there."""
        tip = self._remote.tip()
        self._remote.bring(tip)
        with contextlib.suppress(OSError):
            self._stamp.parent.mkdir(parents=True, exist_ok=True)
            atomic.replace(self._stamp, stamp(datetime.now(UTC)).encode())
        return tip

    def known(self) -> tuple[str, str]:
        """Return the newest commit that this clone has seen, and when (RFC 3339); "" for none."""
        tracked = f"refs/remotes/{self.remote}/{self.branch}"
        command = ["for-each-ref", "--format=%(refname) %(objectname)", self._copy, tracked]
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
        ours, theirs = commits.get(self._copy, ""), commits.get(tracked, "")
        if theirs and (not ours or (theirs != ours and self.descends(theirs, ours))):
            committed = self._git.line(["show", "--no-patch", "--format=%ct", theirs])
            moment = datetime.fromtimestamp(int(committed or 0), UTC)
            return theirs, stamp(moment)
        with contextlib.suppress(OSError):
            return ours, self._stamp.read_text(encoding="ascii").strip()
        return ours, ""

    def remember(self, commit: str) -> None:
        """Keep a commit as the newest one seen, so that a branch put back is noticed."""
        self._git.run(["update-ref", "--no-deref", self._copy, commit])

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or descends from it."""
        with self._git.startable():
            return commit == ancestor or self.repo.is_ancestor(ancestor, commit)

    def parents(self, commit: str) -> Sequence[str]:
        """Return a commit's parents."""
        return self._git.out(["rev-list", "--parents", "-n1", commit]).decode().split()[1:]

    def content(self, commit: str) -> bytes | None:
        """Return the lockfile as a commit holds it, None where it holds none.

        Raises LockError where it holds one that git can't give.
        """
        command = ["cat-file", "blob", f"{commit}:{FILE.decode()}"]
        status, out, _ = self._git.run(command)
        if status:
            # Perhaps a partial clone: git fetches what is missing where it is allowed to.
            lazy = {"GIT_NO_LAZY_FETCH": "0"}
            listing = ["ls-tree", "--full-tree", commit, FILE.decode()]
            status, entry, err = self._git.run(listing, extra=lazy, network=self.time_left)
            if not (status or entry):
                return None
            if not status:
                status, out, err = self._git.run(command, extra=lazy, network=self.time_left)
        if status:
            raise LockError(
                f"The lockfile of commit {commit[:10]} can't be read from this clone: "
                f"{safe(err.decode(errors='replace'))[-300:] or 'git gave no reason'}.",
                where=self.where,
                not_done=NOTHING_MORE,
                hint=f"`git fsck` names what is damaged; `git fetch --refetch {self.remote} "
                f"{self._git.ref}` fetches what is missing. A new clone has all of it.",
                reason="lock_unreadable",
            )
        return out

    def contents(self, commits: Sequence[str]) -> Sequence[bytes | None]:
        """Return the lockfiles of many commits, in their order, by one process of git's."""
        names = "".join(f"{commit}:{FILE.decode()}\n" for commit in commits)
        status, out, _ = self.repo.run(["cat-file", "--batch"], names.encode())
        found = _batch(out) if status == 0 else [None] * len(commits)
        return [
            self.content(commit) if content is None else content
            for commit, content in zip(commits, found, strict=True)
        ]

    def history(self, tip: str) -> Sequence[tuple[str, Sequence[str]]]:
        """Return every commit that `tip` descends from, oldest first, with its parents."""
        from qflow_gitops.git.history import ancestry

        found = ancestry(self.repo, tip)
        if found is not None:
            return found
        lines = self._git.out(["rev-list", "--parents", "--topo-order", "--reverse", tip]).decode()
        return [(words[0], words[1:]) for words in map(str.split, lines.splitlines())]

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

    def commit(self, parent: str, content: bytes, message: str) -> str:
        """Make a commit with this lockfile on top of `parent` ("": the first one)."""
        return self._commits.commit(parent, content, message)

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


def _batch(output: bytes) -> list[bytes | None]:
    r"""Take `cat-file --batch` apart: `<id> blob <size>\n<content>\n`, or `<name> missing\n`."""
    found: list[bytes | None] = []
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        words = output[at:end].split(b" ")
        at = end + 1
        if len(words) == 2:
            found.append(None)
            continue
        size = int(words[2])
        found.append(output[at : at + size] if words[1] == b"blob" else None)
        at += size + 1
    return found
