"""`demo --keep` leaves what it made, and each command that it names works when it is typed."""

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.cli import Cli

_PROGRAM = """\
#!/bin/sh
exec {python} -c "from qflow_gitops.cli.main import main; main()" "$@"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program by its name, as this source tree is."""
    file = tmp_path / "bin" / "qflow-gitops"
    file.parent.mkdir()
    file.write_text(_PROGRAM.format(python=shlex.quote(sys.executable)))
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return file


def typed(told: str) -> list[str]:
    """The lines to type, which are set in."""
    return re.findall(r"^  (\S.*)$", told, re.MULTILINE)


def test_what_it_says_to_try_works(cli: Cli, program: Path, tmp_path: Path) -> None:
    done = cli("-C", str(tmp_path), "demo", "--keep", "kept")
    assert done.code == 0, done.out
    told = done.out[done.out.index("# All of it stays in") :]
    sandbox, *rest = typed(told)
    lines = [line for line in rest if not line.startswith("rm ")]
    assert lines[0] == f"cd {tmp_path / 'kept/repository'}"
    serving = subprocess.Popen(shlex.split(sandbox), stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        assert serving.stdout.readline().split()[-1] in told
        tried = subprocess.run(
            ["sh", "-e"], input="\n".join(lines), capture_output=True, text=True, timeout=60
        )
        assert tried.returncode == 0, tried.stderr
        assert "5 executions at" in tried.stdout
        assert "1 succeeded, 0 held" in tried.stdout
        settings = (tmp_path / "kept/repository/qflow.yaml").read_text()
        assert "platform: EU2\n    try:\n      platform: sandbox\n" in settings
    finally:
        serving.terminate()
        serving.communicate(timeout=10)
    assert subprocess.run(shlex.split(told.rpartition(": ")[2])).returncode == 0
    assert not (tmp_path / "kept").exists()


def test_a_folder_with_something_in_it_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "qflow-gitops-demo").mkdir()
    (tmp_path / "qflow-gitops-demo/mine").write_text("mine")
    (tmp_path / "qflow-gitops-demo-2").mkdir()
    began = time.monotonic()
    done = cli("-C", str(tmp_path), "demo", "--keep")
    assert (done.code, done.out) == (2, "")
    assert "`qflow-gitops demo --keep qflow-gitops-demo-3`" in done.err
    assert [one.name for one in (tmp_path / "qflow-gitops-demo").iterdir()] == ["mine"]
    assert time.monotonic() - began < 5
