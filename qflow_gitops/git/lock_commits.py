"""Makes the commits of the lockfile's branch out of objects: no checkout, no index, no hooks."""

from dataclasses import dataclass, field
from functools import cached_property

from qflow_gitops.git.lock_git import LockGit

FILE = b"qflow.lock"
"""Where a commit of the branch holds the lockfile."""
_NO_IDENTITY = ("qflow-gitops", "qflow-gitops@localhost")
_README = b"""\
# The lockfile of qflow-gitops

This branch holds `qflow.lock`, the lockfile of every run: what was sent to Qualys, when, by whom,
from which commit, and how it ended. `git log` here reads as a history. Only `qflow-gitops` writes
it; a change by hand, a force-push or the removal of this branch could send runs twice.
Protect the branch against deletion and force-pushes.
"""


@dataclass(frozen=True)
class LockCommits:
    """Makes commits, and pushes none."""

    git: LockGit
    _beside: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)
    """Commit -> the other entries of its tree, for the last one made here."""

    def commit(self, parent: str, content: bytes, message: str) -> str:
        """Make a commit with this lockfile on top of `parent` ("": the first one)."""
        blob = self.git.made(["hash-object", "-w", "--stdin"], content)
        beside = self._others(parent)
        entries = beside + b"100644 blob %s\t%s\0" % (blob.encode(), FILE)
        tree = self.git.made(["mktree", "-z", "--missing"], entries)
        command = ["commit-tree", *(["-S"] if self._signs else []), tree]
        command += ["-p", parent] if parent else []
        name, mail = self._identity
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", mail))
        }
        # Signing may ask an agent, so it gets the caller's environment.
        limit = self.git.time_left if self._signs else None
        commit = self.git.made(command, message.encode(), extra=identity, network=limit)
        self._beside.clear()
        self._beside[commit] = beside
        return commit

    def _others(self, parent: str) -> bytes:
        """Return the other entries of the branch's tree; at the beginning, a page that explains."""
        if not parent:
            blob = self.git.made(["hash-object", "-w", "--stdin"], _README)
            return b"100644 blob %s\tREADME.md\0" % blob.encode()
        if parent in self._beside:
            return self._beside[parent]
        entries = self.git.out(["ls-tree", "-z", "--full-tree", parent]).split(b"\0")[:-1]
        return b"".join(entry + b"\0" for entry in entries if entry.split(b"\t", 1)[1] != FILE)

    @cached_property
    def _signs(self) -> bool:
        return self.git.line(["config", "--type=bool", "--get", "commit.gpgsign"]) == "true"

    @cached_property
    def _identity(self) -> tuple[str, str]:
        """Who git says commits here; a machine without an identity is the normal case."""
        name, mail = (
            self.git.line(["config", "--get", key]) or usual
            for key, usual in zip(("user.name", "user.email"), _NO_IDENTITY, strict=True)
        )
        return name, mail
