"""A bare remote and its clones: what teams and CI runners have."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.helpers.git import Workspace

BRANCH = "qflow-lock"
BRANCH_PROJECT = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: sandbox}
  lock: {store: branch}
"""


class Remote:
    """A bare repository on disk, with the history of a workspace; made where there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            subprocess.run(
                ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True
            )

    def git(self, *arguments: str) -> str:
        return Workspace(self.path).git(*arguments)

    def clone(self, name: str, *options: str) -> Workspace:
        """A fresh clone beside the remote."""
        folder = self.path.parent / name
        subprocess.run(
            ["git", "clone", "--quiet", *options, self.path.as_uri(), str(folder)],
            check=True,
            env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
        )
        return Workspace(folder)

    def tip(self) -> str:
        return self.git("rev-parse", f"refs/heads/{BRANCH}")

    def record(self, commit: str = BRANCH) -> Any:
        """The lockfile as the branch holds it."""
        return json.loads(self.git("show", f"{commit}:qflow.lock"))

    def attempts(self, run: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.record()["environments"]["prod"]["runs"][run]["attempts"]
        return found

    def states(self) -> dict[str, str]:
        """The last state of every run."""
        runs = self.record()["environments"]["prod"]["runs"]
        return {name: run["attempts"][-1]["state"] for name, run in runs.items()}

    def subjects(self) -> list[str]:
        return self.git("log", "--format=%s", "--reverse", BRANCH).splitlines()

    def hook(self, name: str, script: str) -> None:
        """Let the remote refuse what a script refuses."""
        file = self.path / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("#!/bin/sh\n" + script)
        file.chmod(0o755)
