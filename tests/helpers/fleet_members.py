"""Members of a fleet: their repositories on this machine, and what their processes are told."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec

SETTINGS = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: sandbox}
  lock: {store: branch}
"""


class Home(NamedTuple):
    """Where a member is at home: the remote, and a clone that people work in."""

    remote: Remote
    workspace: Workspace

    @property
    def address(self) -> str:
        return self.remote.path.as_uri()

    def publish(self, name: str, text: str, branch: str = "main") -> str:
        """Commit a file, and push the branch; the commit."""
        self.workspace.write(name, text)
        commit = self.workspace.commit(name)
        self.workspace.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return commit


def home(folder: Path, name: str, *, settings: str = SETTINGS, runs: int = 1) -> Home:
    """A remote with a project and its runs."""
    folder.mkdir(parents=True, exist_ok=True)
    remote = Remote(folder / f"{name}.git")
    made = Home(remote, remote.clone(f"{name}-people"))
    for number in range(runs):
        made.workspace.write(f"runs/{name}-{number}.yaml", spec(f"{name}-{number}"))
    made.publish("qflow.yaml", settings)
    return made


def of_everybody(**more: str) -> dict[str, str]:
    """The driver's environment: this process', and some that no member may see."""
    return {
        **os.environ,
        "GITHUB_TOKEN": "canary-fleet-github-token",
        "QFLOW_CLIENT_SECRET": "canary-fleet-client-secret",
        "AWS_SECRET_ACCESS_KEY": "canary-fleet-aws-secret",
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": "/dev/null",
        **more,
    }


def files_of(folder: Path) -> bytes:
    """All that lies in a folder, one after the other."""
    return b"\n".join(one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file())


def canaries(text: str) -> set[str]:
    return set(re.findall(r"canary-[a-z0-9-]+", text))
