"""A write to the lockfile's branch: some files, on top of the commit that was read."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from qflow_gitops.ports.lock_branch import LockBranch


@dataclass(frozen=True)
class Pushing:
    """Pushes to a branch. `author` is who does, as the lockfile says it."""

    branch: LockBranch
    author: Mapping[str, str]

    def __call__(self, tip: str, files: Mapping[str, bytes], serial: int, message: str) -> str:
        """Push these files, and what else `tip` holds; the commit, "" where another was faster."""
        trailers = {"Serial": str(serial), "Nonce": secrets.token_hex(16)}
        for key in ("actor", "run"):
            if self.author.get(key):
                trailers[key.capitalize()] = " ".join(self.author[key].split())
        lines = [f"Qflow-{name}: {value}" for name, value in trailers.items()]
        words = message + "\n\n" + "\n".join(lines) + "\n"
        commit = self.branch.commit(tip, files, words)
        return commit if self.branch.push(commit, tip) else ""
