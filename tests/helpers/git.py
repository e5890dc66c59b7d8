"""Real git repositories for tests."""

import os
import subprocess
from pathlib import Path


class Workspace:
    """A repository and its work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str) -> str:
        """Run git; its output, stripped. A failure fails the test."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
        )
        return done.stdout.strip()

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file, with its folders."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    def move(self, old: str, new: str) -> None:
        (self.path / new).parent.mkdir(parents=True, exist_ok=True)
        (self.path / old).rename(self.path / new)

    def commit(self, message: str = "change") -> str:
        """Commit everything but the lockfile, and give the commit's id."""
        self.git("add", "--all", "--", ".", ":!qflow.lock")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self._head() or self.git("rev-parse", "HEAD")

    def _head(self) -> str:
        """The commit of a branch that has a file of its own; "" for another one."""
        try:
            name = (self.path / ".git/HEAD").read_text("ascii").removeprefix("ref: ").strip()
            return (self.path / ".git" / name).read_text("ascii").strip()
        except OSError:
            return ""

    def publish(self, message: str = "change") -> str:
        """Commit as `commit` does, and push the branch to `origin`."""
        commit = self.commit(message)
        self.git("push", "--quiet", "origin", "HEAD")
        return commit


class Shared(Workspace):
    """A work tree whose commits go to the branch that everybody shares, as a user's do."""

    def commit(self, message: str = "change") -> str:
        """Commit, and push."""
        commit = super().commit(message)
        self.git("push", "--quiet", "--force", "origin", "HEAD:main")
        return commit
