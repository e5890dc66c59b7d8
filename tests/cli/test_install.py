"""`.github/install.py`, which puts the program where a job's steps find it, without a network here.

That it installs from an index: tests/integration/test_actions.py and test_gitlab.py, at night.
"""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".github/install.py"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, whose ways to get dependencies find those of these tests."""
    spec = importlib.util.spec_from_file_location("install", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def environment(folder: Path, *_: object) -> None:
    """Make an environment with the dependencies of the tests, instead of fetching any."""
    words = [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(words, check=True)
    (packages,) = (folder / "lib").glob("python3*/site-packages")
    (packages / "here.pth").write_text(sysconfig.get_path("purelib"))


def test_the_program_is_this_trees_and_a_later_step_finds_it(
    install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "by_uv", environment)
    folder = tmp_path / "a folder/qflow-gitops"
    install.main(folder)
    (packages,) = (folder / "lib").glob("python3*/site-packages")
    for name in (
        "qflow_gitops/cli/main.py",
        "schemas/plan.schema.json",
        "examples/github/qflow.yml",
    ):
        shipped = packages / ("" if name.startswith("qflow") else "qflow_gitops") / name
        assert shipped.read_bytes() == (ROOT / name).read_bytes()
    monkeypatch.setattr(install, "by_uv", None)  # it would be called
    install.main(folder)
    monkeypatch.setattr(install, "identity", lambda: "another Python, or other files")
    with pytest.raises(TypeError):
        install.main(folder)


def test_it_runs_nothing_of_the_folder_that_it_is_called_in(
    install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "by_uv", environment)
    install.main(tmp_path / "q")
    hostile = tmp_path / "work"
    hostile.mkdir()
    for name in ("click", "json", "sitecustomize", "qflow_gitops"):
        (hostile / f"{name}.py").write_text("raise SystemExit('imported from the folder')")
    done = subprocess.run(
        [tmp_path / "q/bin/qflow-gitops", "schema", "show", "project"],
        cwd=hostile, env={**os.environ, "PYTHONPATH": str(hostile)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert '"$schema"' in done.stdout


def test_pip_does_it_where_uv_can_not_and_says_why(
    install: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_uv(made: Path) -> None:
        raise subprocess.CalledProcessError(1, "pip", "", f"no wheel of uv for {made.name[:3]}\n")

    monkeypatch.setattr(install, "fetched", no_uv)
    monkeypatch.setattr(install, "by_pip", environment)
    install.main(tmp_path / "q")
    assert capsys.readouterr().err == "pip installs, as uv can't: no wheel of uv for .qf\n"
    assert (tmp_path / "q/installed").is_file()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["q"]


def test_what_failed_half_way_is_begun_anew(
    install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(folder: Path, *_: object) -> None:
        folder.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "by_uv", half)
    with pytest.raises(KeyboardInterrupt):
        install.main(tmp_path / "q")
    monkeypatch.setattr(install, "by_uv", environment)
    install.main(tmp_path / "q")
    assert (tmp_path / "q/bin/qflow-gitops").is_file()


SET = """\
:env:.disable-pip-version-check='1'
global.index-url='https://old.invalid/simple'
global.extra-index-url='https://a.invalid/x https://b.invalid/y'
install.index-url='https://mirror.invalid/simple'
install.cert='/below.pem'
:env:.cert='/ca.pem'
freeze.format='x'
:env:.find-links='/wheels\\n/more'
"""


def test_wheels_come_from_where_pip_is_set_to_look(install: Any) -> None:
    assert install.settings(SET, {"PATH": "/bin", "UV_NO_VERIFY_HASHES": "1"}) == {
        "PATH": "/bin",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_SYSTEM_CERTS": "true",
        "UV_DEFAULT_INDEX": "https://mirror.invalid/simple",
        "UV_INDEX": "https://a.invalid/x https://b.invalid/y",
        "UV_FIND_LINKS": "/wheels,/more",
    }
    own = {"UV_DEFAULT_INDEX": "https://own.invalid", "UV_CACHE_DIR": "/kept"}
    assert own.items() <= install.settings(SET, own).items()


@pytest.mark.parametrize("name", ["proxy", "trusted-host", "client-cert", "no-index", "unheard-of"])
def test_what_uv_has_no_word_for_is_left_to_pip(install: Any, name: str) -> None:
    with pytest.raises(install.Unusable, match=f"`{name}`"):
        install.settings(f"global.{name}='x'", {})


def test_an_old_python_is_told(
    install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.sys, "version_info", (3, 10, 1))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer"):
        install.main(tmp_path / "q")
