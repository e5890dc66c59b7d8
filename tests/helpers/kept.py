"""States that many tests begin with: made by the first test of a process, copied by the others."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import BRANCH, moved_along
from tests.helpers.git import Workspace


class Kept:
    """Keeps states by their names: a workspace, its remote, and what a sandbox executed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(
        self,
        name: str,
        make: Callable[[], object],
        workspace: Workspace,
        remote: Path | None = None,
        sandbox: SandboxServer | None = None,
    ) -> None:
        """Bring a workspace into a state, by making it where nobody has before.

        The remote lies beside the workspace, and is named by its path.
        """
        kept = self._folder / name
        places = {"workspace": workspace.path, **({"remote": remote} if remote else {})}
        if not kept.exists():
            make()
            for what, place in places.items():
                shutil.copytree(place, kept / what, symlinks=True)
            (kept / "beside").write_text(str(workspace.path.parent), "utf-8")
            if sandbox:
                with closing(sqlite3.connect(kept / "executions")) as executions:
                    sandbox._store._db.backup(executions)
            return
        for what, place in places.items():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(kept / what, place, symlinks=True)
        if remote and moved_along(remote):
            knows = f"refs/qflow-gitops/origin/{BRANCH}"
            if workspace.git("for-each-ref", knows):
                workspace.git("fetch", "--quiet", str(remote), f"+refs/heads/{BRANCH}:{knows}")
        config = workspace.path / ".git/config"
        old = (kept / "beside").read_text("utf-8")
        config.write_text(config.read_text("utf-8").replace(old, str(workspace.path.parent)))
        workspace.git("update-index", "-q", "--refresh")  # the copies are other files
        if sandbox:
            with closing(sqlite3.connect(kept / "executions")) as executions:
                executions.backup(sandbox._store._db)
