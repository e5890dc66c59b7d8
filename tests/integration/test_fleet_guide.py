"""The guide of fleets: each command as it stands there, on real git and the sandbox."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import Remote
from tests.helpers.fleet_members import SETTINGS, Home, home
from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.picture import ROOT

GUIDE = (ROOT / "docs/guides/fleet.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
FILE = re.search(r"^```yaml\n(apiVersion.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
NAMES = ("acme", "globex", "initech")
MEMBER = f"{SETTINGS}  apply: {{approvals: elsewhere}}\n  statuses: {{Failed: failed}}\n"


class Team:
    """A fleet of three, as the guide has it, whose remotes lie on this machine."""

    def __init__(self, folder: Path, sandbox: SandboxServer) -> None:
        self.sandbox = sandbox
        self.homes = {name: self._home(folder / "homes" / name) for name in NAMES}
        self.work: Workspace = Remote(folder / "fleet.git").clone("fleet")
        assert FILE
        text = FILE[1].replace("soak: 30m", "soak: 3s")
        for name, one in self.homes.items():
            text = text.replace(f"https://git.example.com/{name}/runs.git", one.address)
        self.text = text
        self.work.write("fleet.yaml", text)
        listed = {"name": "acme-dev", "repository": self.homes["acme"].address, "ref": "main"}
        self.work.write("more.json", json.dumps([listed]))
        self._environ = self._environment()

    def _home(self, folder: Path) -> Home:
        return home(folder, "runs", settings=MEMBER)

    def _environment(self) -> Mapping[str, str]:
        program = self.work.path.parent / "bin" / "qflow-gitops"
        program.parent.mkdir()
        start = f"#!{sys.executable}\nfrom qflow_gitops.cli.main import main\nmain()\n"
        program.write_text(start, "utf-8")
        program.chmod(0o755)
        sets = {f"{name.upper()}_QFLOW_CLIENT_ID": "sandbox" for name in NAMES}
        sets |= {f"{name.upper()}_QFLOW_CLIENT_SECRET": "sandbox" for name in NAMES}
        return {
            **os.environ,
            **sets,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "QFLOW_GATEWAY": self.sandbox.url,
            "QFLOW_CLIENT_ID": "sandbox",
            "QFLOW_CLIENT_SECRET": "sandbox",
            "ACME_REPOSITORY": self.homes["acme"].address,
        }

    def merge(self) -> None:
        self.work.commit("more")
        self.work.git("push", "--quiet", "origin", "HEAD:main")

    def __call__(self, script: str, code: int = 0, error: str = "") -> str:
        """Type a block; every line of it has to work, but for the code that is expected."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.work.path, env={**self._environ}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert error in done.stderr
        return done.stdout + done.stderr

    @property
    def sent(self) -> int:
        return len(self.sandbox.executions())


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with served(duration=0.1) as sandbox:
        yield Team(tmp_path, sandbox)


def test_the_guide_as_it_is_typed(team: Team) -> None:
    """From the first look to a stopped wave, in the order of the page."""
    blocks = iter(BLOCKS)
    assert "3 members: 1 now, 2 later" in team(next(blocks))
    assert team.sent == 0
    team.merge()

    told = team(next(blocks))
    assert "1 worked on" in told
    assert team.sent == 1, "the first wave soaks"

    assert "4 members" in team(next(blocks))  # with that of the inventory

    team(next(blocks))  # a soak is waited for
    assert team.sent == 3

    team.sandbox.set_faults("outcome=Failed")
    acme = team.homes["acme"]
    acme.publish("runs/runs-0.yaml", _changed(acme))
    team("qflow-gitops fleet apply", 1)
    told = team(next(blocks))
    assert "wave 1 is stopped" in told or "✗ Wave 1" in told
    team.sandbox.set_faults()

    team(next(blocks))  # in a clone of the member
    sent = team.sent
    assert "failed" not in team(next(blocks))
    assert team.sent == sent, "the fleet sees that the member was settled"

    team.sandbox.set_faults("outcome=Failed")
    acme.publish("runs/runs-0.yaml", _changed(acme, "again"))
    team("qflow-gitops fleet apply", 1)
    team.sandbox.set_faults()
    assert "forgiven" in team(next(blocks))

    team(next(blocks))  # frozen, and not any more
    assert "3 members, 3 reported" in team(next(blocks))
    assert (team.work.path / "reports/acme/index.html").is_file()
    told = team(next(blocks))
    assert "fleet: wave 1 released" in told
    assert "its account is being closed" in told
    assert list(blocks) == []


def _changed(at: Home, value: str = "changed") -> str:
    return re.sub(r"value: .*", f"value: {value}", at.workspace.read("runs/runs-0.yaml"))


def test_a_freeze_holds_everything_until_it_is_lifted(team: Team) -> None:
    team.merge()
    freeze, unfreeze = next(one for one in BLOCKS if "fleet freeze" in one).splitlines()
    team(freeze)
    assert "Everything is held" in team("qflow-gitops fleet apply", 5)
    assert team.sent == 0
    team(unfreeze)
    team("qflow-gitops fleet apply --timeout 1m")
    assert team.sent == 3


def test_a_doubt_is_settled_in_a_clone_of_the_member(team: Team) -> None:
    team.merge()
    team.sandbox.set_faults("accept-then-drop@run", "list-lag=3600")
    team("qflow-gitops fleet apply", 9)
    told = team("qflow-gitops fleet plan")
    assert "First settle what is in doubt, in a clone of acme: `qflow-gitops reconcile`" in told
    (cloned,) = re.findall("`(git clone[^`]*)`", told)
    assert "`qflow-gitops fleet plan`" in team("qflow-gitops fleet status")
    hint = team("qflow-gitops fleet apply --ack wave=1 --reason 'it is known'", 2)
    assert "in a clone of the member: `qflow-gitops reconcile`" in hint
    team.sandbox.set_faults()
    team.sandbox.elapse(3600)
    assert "in doubt" in team(cloned)
    assert team.work.git("status", "--porcelain") == "", "nothing that `git add .` would take in"
    team("qflow-gitops -C ../acme reconcile")
    team("qflow-gitops fleet apply --timeout 1m")
    assert team.sent == 3


def test_an_inventory_that_fails_is_told_and_gets_no_credentials(team: Team) -> None:
    team.merge()
    said = team("qflow-gitops fleet plan --inventory false", 2)
    assert "It has to print a JSON list of members, and gets no credentials." in said
    listed = json.dumps([{"name": "more", "repository": team.homes["acme"].address, "ref": "gone"}])
    team.work.write("more.json", listed)
    assert "more" in team(next(one for one in BLOCKS if "--inventory" in one), 3)
    names = "sh -c 'env | cut -d= -f1 | sort >&2; exit 1'"
    shown = team(f'qflow-gitops fleet plan --inventory "{names}"', 2)
    assert "PWD" in shown
    assert "QFLOW" not in shown
