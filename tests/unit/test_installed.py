"""The hash of the program's files is what anybody can take again."""

import subprocess
from pathlib import Path

import pytest

from qflow_gitops.base import installed
from qflow_gitops.base.installed import Installed, digest_of

PACKAGE = Path(installed.__file__).parents[1]


def test_it_is_what_sha256sum_says_of_what_it_says(tmp_path: Path) -> None:
    package = tmp_path / "qflow_gitops"
    for name in ("a.py", "a/b.py", "a-b.py", "a/__pycache__/b.cpython-311.pyc", "Z.json"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    command = (
        "find qflow_gitops -type f ! -path '*__pycache__*' | LC_ALL=C sort | xargs sha256sum"
        " | sha256sum"
    )
    said = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True)
    first = digest_of(package)
    assert said.stdout.decode().split()[0] == first
    (package / "a.py").write_text("changed")
    assert digest_of(package) != first


def test_a_source_tree_is_called_one() -> None:
    found = installed.installed()
    assert found == Installed(f"sha256:{digest_of(PACKAGE)}", editable=True)


def test_what_an_installer_put_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "qflow_gitops").mkdir()
    (tmp_path / "qflow_gitops-0.1.0.dist-info").mkdir()
    assert not installed._is_editable(tmp_path / "qflow_gitops")


def test_no_files_are_no_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no files"):
        digest_of(tmp_path / "nowhere")


def test_what_cannot_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(package: Path) -> str:
        raise OSError(package)

    monkeypatch.setattr(installed, "digest_of", broken)
    assert installed.installed.__wrapped__() == Installed("", editable=False)
