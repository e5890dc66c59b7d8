"""No secret is in the environment of a git that talks to nobody, whoever starts it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.github_api import GitHubApi
from tests.helpers.specs import spec
from tests.helpers.storm import PROGRAM

CANARY = "canary-5e11a0"
OTHERS = ("GITHUB_TOKEN", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "GIT_HTTP_EXTRAHEADER", "PGPASSWORD")
TALKING = {"fetch", "push", "ls-remote"}
"""What asks a remote: a helper that knows how to may look for its own token."""
SCRIPT = """\
#!/bin/sh
{{ printf '%s\\n' "$*"; export -p; }} > '{folder}/'$$
exec '{git}' "$@"
"""


class Started(NamedTuple):
    """A git: its command line, and what it got."""

    line: str
    variables: str

    @property
    def talks(self) -> bool:
        return not TALKING.isdisjoint(self.line.split())


class Watch:
    """The program, with a git on the PATH that writes down each start."""

    def __init__(self, folder: Path, place: Workspace) -> None:
        self._seen = folder / "seen"
        self._place = place
        real = shutil.which("git")
        assert real
        for made in (self._seen, folder / "bin"):
            made.mkdir()
        script = folder / "bin/git"
        script.write_text(SCRIPT.format(folder=self._seen, git=real))
        script.chmod(0o755)
        self._path = f"{folder / 'bin'}:{os.environ['PATH']}"

    def run(self, command: str, secrets: Mapping[str, str]) -> list[Started]:
        environ = {**os.environ, **secrets, "PATH": self._path}
        done = subprocess.run(
            [*PROGRAM, *command.split()],
            cwd=self._place.path, env=environ, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done
        found = []
        for file in sorted(self._seen.iterdir()):
            line, _, variables = file.read_text(encoding="utf-8").partition("\n")
            found.append(Started(line, variables))
            file.unlink()
        assert found
        return found


@pytest.fixture
def watch(remote: Remote, workspace: Workspace, sandbox: SandboxServer, tmp_path: Path) -> Watch:
    return Watch(tmp_path, workspace)


def proposed(workspace: Workspace, api: GitHubApi) -> None:
    """Make an approved, merged pull request with one run."""
    base = workspace.git("rev-parse", "HEAD")
    workspace.write("runs/new.yaml", spec("new", 1))
    head = workspace.commit("new")
    workspace.git("push", "--quiet", "origin", "HEAD:refs/pull/7/head", "HEAD:main")
    api.open(7, head, base)
    api.approve(7, "mara")
    api.merge(7, head)


BEFORE, AFTER = "apply --yes", "apply --yes --approved"
PLAIN = (BEFORE, "status", "lock verify")
"""These ask no history that GitPython is loaded for."""
ASKING = ("comment --pull-request 7", AFTER)


def test_no_git_gets_a_secret(watch: Watch, workspace: Workspace, api: GitHubApi) -> None:
    """Of all commands that start one; GitPython's own starts, as it is loaded, among them."""
    ours = ("QFLOW_GIT_TOKEN", "QFLOW_TICKET_PASSWORD", "ACME_QFLOW_NOTIFY_KEY")
    secrets = {name: CANARY for name in (*ours, *OTHERS) if name != "GITHUB_TOKEN"}
    started = {command: watch.run(command, secrets=secrets) for command in PLAIN}
    proposed(workspace, api)
    started |= {command: watch.run(command, secrets=secrets) for command in ASKING}

    known = (CANARY, os.environ["QFLOW_CLIENT_SECRET"], os.environ["GITHUB_TOKEN"])
    for git in (git for several in started.values() for git in several):
        lines = git.variables.splitlines()
        names = {line.removeprefix("export ").partition("=")[0] for line in lines}
        assert not {name for name in names if "QFLOW_" in name}, git
        if not git.talks:
            assert "PATH" in names, git
            assert names.isdisjoint(OTHERS), git
            assert not any(secret in git.variables for secret in known), git
    assert any(git.talks for git in started[BEFORE])
    loads = {command: [git.line for git in several] for command, several in started.items()}
    assert {command: lines.count("version") for command, lines in loads.items()} == {
        **dict.fromkeys(PLAIN, 0),
        **dict.fromkeys(ASKING, 2),  # as GitPython is loaded
    }
