"""A fleet on disk: members with remotes of their own, and the repository that names them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from qflow_gitops.specs import schemas
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.specs import spec

MEMBER = """\
apiVersion: qflow-gitops/v1
kind: Project
spec:
  environments:
    prod: {platform: sandbox}
  lock: {store: branch}
  apply: {approvals: elsewhere}
  policy: {limits: {runs: 100}}
"""
"""Settings of a member that is applied without anybody's approval at GitHub."""
WAVES = "[{select: {tier: canary}}, {}]"
IN_A_SET = ("CLIENT_ID", "CLIENT_SECRET")


class FleetOnDisk:
    """Members, each with a remote and a run; names that begin with `c` are canaries.

    What a member sends holds its name, so that an execution tells whose it is.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        waves: str = WAVES,
        more: str = "",
        runs: int = 1,
    ) -> None:
        self.folder, self.names = folder, tuple(names)
        self.waves, self.more = waves, more
        for name in names:
            self._member(name, runs)
        self.remote = Remote(folder / "fleet.git")
        self.clone = self.remote.clone("fleet")
        self.write()

    def _member(self, name: str, runs: int) -> None:
        clone = Remote(self.folder / f"{name}.git").clone(name)
        clone.write("qflow.yaml", MEMBER)
        for number in range(runs):
            clone.write(f"runs/r{number}.yaml", spec(f"r{number}", f"{name}-{number}"))
        clone.commit("one")
        clone.git("push", "--quiet", "origin", "HEAD:main")

    def change(self, name: str, value: str, run: int = 0) -> None:
        """Let a member ask for something else."""
        clone = Workspace(self.folder / name)
        clone.write(f"runs/r{run}.yaml", spec(f"r{run}", f"{name}-{value}"))
        clone.commit(f"{value} of {name}")
        clone.git("push", "--quiet", "origin", "HEAD:main")

    def write(self, more: Mapping[str, str] | None = None) -> str:
        """Publish fleet.yaml; `more` is what else members say, by their names."""
        lines = [
            f"    - {{name: {name}, repository: {self.folder / name}.git, credentials: "
            f"{name.upper().replace('-', '_')}, labels: {{tier: "
            f"{'canary' if name.startswith('c') else 'rest'}}}{(more or {}).get(name, '')}}}\n"
            for name in self.names
        ]
        head = "apiVersion: qflow-gitops/v1\nkind: Fleet\nspec:\n  members:\n"
        text = head + "".join(lines) + f"  waves: {self.waves}\n{self.more}"
        self.clone.write("fleet.yaml", text)
        self.clone.commit("the fleet")
        self.clone.git("push", "--quiet", "origin", "HEAD:main")
        return self.clone.git("rev-parse", "HEAD")

    def credentials(self, client: str, secret: str) -> dict[str, str]:
        """Return the variables of every member's set."""
        found = {}
        for name in self.names:
            prefix = name.upper().replace("-", "_")
            found[f"{prefix}_QFLOW_CLIENT_ID"] = client
            found[f"{prefix}_QFLOW_CLIENT_SECRET"] = secret
        return found

    def lends(self, monkeypatch: pytest.MonkeyPatch) -> Self:
        """Let this process have the sandbox's credentials for members, and none of its own."""
        for name, value in self.credentials("sandbox", "sandbox").items():
            monkeypatch.setenv(name, value)
        for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"):
            monkeypatch.delenv(name)
        return self

    def environ(self, url: str) -> dict[str, str]:
        """Return the whole environment of a process that works on the fleet."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (home / ".gitconfig").write_text("[user]\n\tname = Fleet\n\temail = fleet@example.com\n")
        known = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        known |= {"PYTHONPATH": str(Path(__file__).parents[2]), "QFLOW_GATEWAY": url}
        return known | self.credentials("sandbox", "sandbox")


def fits(told: Any) -> Any:
    """Return what a command on a fleet wrote as JSON, once it is seen to fit its schema."""
    name = "fleet-audit" if told["command"] == "fleet report" else "fleet-report"
    schemas.validator_for(name).validate(told)
    return told


def order_of(executions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what was executed, oldest first, each by the value that tells whose it is."""
    ordered = sorted(executions, key=lambda one: one["created"])
    return [one["body"]["input"]["value"] for one in ordered]
