"""A machine with one thing broken on purpose: its line says so, no other; then it is mended."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.doctor import routes
from qflow_gitops.results.checks import Verdict
from tests.helpers.disks import read_only, small_disk
from tests.helpers.git import Workspace
from tests.helpers.specs import SANDBOX_PROJECT
from tests.helpers.typed import commands

PROGRAM = "import sys; from qflow_gitops.cli.main import main; main()"


@dataclass
class Machine:
    """A repository, and the variables of a shell in it."""

    path: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def doctor(self, *words: str) -> tuple[int, Mapping[str, Any]]:
        """Look at the machine in a process of its own: the exit code, and each line by name."""
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "-C", str(self.path), "doctor", "machine", *words,
             "--format", "json"],
            env=self.environ, capture_output=True, check=False,
        )  # fmt: skip
        data = json.loads(done.stdout)
        assert not done.stderr, done.stderr
        return done.returncode, {check["name"]: check for check in data["checks"]}

    def typed(self, command: str) -> None:
        """Type what sets or unsets a variable."""
        word, _, rest = command.partition(" ")
        name, _, value = rest.partition("=")
        self.environ.pop(name, None)
        if word == "export":
            self.environ[name] = value


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    place = Workspace(tmp_path / "team")
    place.path.mkdir()
    place.git("init", "--quiet")
    place.write("qflow.yaml", SANDBOX_PROJECT)
    place.write("runs/README.md", "Specs.\n")
    place.commit()
    return Machine(place.path)


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def steady(lines: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what changes by itself: the time, how much room there is."""
    return {
        name: {**line, "found": ""} if line["result"] == "ok" else line
        for name, line in lines.items()
    }


@pytest.mark.parametrize(
    ("environ", "line", "result", "code"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, "encoding", "warning", 0),
        ({"GIT_SSL_NO_VERIFY": "1"}, "git-tls", "warning", 0),
        ({"QFLOW_PROXY": "http://ada:secret@proxy:1"}, "proxy", "failed", 1),
        ({"QFLOW_CA_FILE": "nowhere.pem"}, "certificates", "failed", 1),
        ({"PATH": "/nowhere"}, "git", "failed", 1),
    ],
)
def test_a_variable_that_is_wrong(
    machine: Machine, environ: Mapping[str, str], line: str, result: str, code: int
) -> None:
    before = steady(machine.doctor()[1])
    assert {check["result"] for check in before.values()} == {"ok"}
    good = machine.environ["PATH"]
    machine.environ |= environ
    ended, after = machine.doctor()
    assert differing(before, steady(after)) == {line}
    assert after[line]["result"] == result
    assert ended == code
    assert "secret" not in str(after)
    for command in commands(after[line]["hint"]):
        machine.typed(command)
    machine.environ["PATH"] = good
    assert differing(before, steady(machine.doctor()[1])) == set()


def test_without_git_the_repository_is_unknown(machine: Machine) -> None:
    """Which is not its fault: one line is red, in the part that is about the machine."""
    machine.environ["PATH"] = "/nowhere"
    _, found = machine.doctor("repository")
    results = {line["result"] for name, line in found.items() if line["part"] == "Repository"}
    assert results == {"unknown"}
    assert [name for name, line in found.items() if line["result"] == "failed"] == ["git"]


def authority(folder: Path, name: str, days: int) -> str:
    """Make a certificate authority's certificate that is good for so many days."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", os.devnull, "-subj", f"/CN={name}", "-days", str(days)],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return made.stdout[made.stdout.index("-----BEGIN CERT") :]


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")
def test_certificates_that_end(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    early, late = (authority(tmp_path, name, days) for name, days in (("one", 40), ("two", 90)))
    machine.environ["QFLOW_CA_FILE"] = str(file)
    file.write_text("words\n")
    assert machine.doctor()[1]["certificates"]["result"] == "failed"
    file.write_text(early + late)
    ended, found = machine.doctor()
    assert (ended, {line["result"] for line in found.values()}) == (0, {"ok"})
    now = datetime.now(UTC)
    for days, verdict, words in (
        (1, Verdict.OK, "and"), (20, Verdict.WARNING, "over on"), (50, Verdict.WARNING, "1 of 2"),
        (100, Verdict.FAILED, "are over"),
    ):  # fmt: skip
        *_, check = routes.checks(machine.environ, now + timedelta(days=days))
        assert (check.name, check.verdict) == ("certificates", verdict)
        assert words in check.found
        assert bool(check.hint) is (verdict is not Verdict.OK)


def test_a_folder_that_nobody_may_write(machine: Machine) -> None:
    before = steady(machine.doctor()[1])
    with read_only(machine.path / ".git"):
        ended, after = machine.doctor()
    assert differing(before, steady(after)) == {"writable"}
    assert (ended, after["writable"]["result"]) == (1, "failed")
    assert differing(before, steady(machine.doctor()[1])) == set()


def test_a_disk_without_room(machine: Machine) -> None:
    before = steady(machine.doctor()[1])
    with small_disk(machine.path / ".git"):
        ended, after = machine.doctor()
    assert differing(before, steady(after)) == {"disk"}
    assert (ended, after["disk"]["result"]) == (1, "failed")
