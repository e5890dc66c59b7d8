"""Install qflow-gitops into a folder, for the steps of a CI's job: `install.py FOLDER`.

    python3 -I .github/install.py "$RUNNER_TEMP/qflow-gitops"
    "$RUNNER_TEMP/qflow-gitops/bin/qflow-gitops" --version

The program is this tree's own code, copied; its dependencies are the wheels whose hashes stand in
`requirements.txt` beside this file. Nothing is built. uv, of its own wheel whose hash stands in
`uv.txt`, puts them there; where there is none for this machine, or pip is set up in a way that uv
doesn't know, pip does, which takes five times as long. A later step that finds all of it there
does nothing.

Nothing is read of the folder that it is started in, which may hold anybody's files: hence `-I`, and
`--no-config`. Where things come from is what pip is set to (`pip config list`); uv's own variables
(`UV_DEFAULT_INDEX` for example) go before. `UV_CACHE_DIR` keeps between jobs what was fetched.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parent
SHIPPED = ("qflow_gitops", "schemas", "examples/github")
"""What a wheel of the program holds: the package, and below it what `base/resources.py` reads."""
PIP_TWICE = """\
import gc, runpy, sys
gc.disable()
for words in (["config", "list"], ["-q", "--disable-pip-version-check", "download", *sys.argv[1:]]):
    sys.argv = ["pip", *words]
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise
"""
"""Two commands of pip's in one process: a third of the time is its start."""
PINNED = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement")
LAUNCHER = """\
#!/bin/sh
exec "${0%/*}/python" -I -c 'from qflow_gitops.cli.main import main; main()' "$@"
"""
KEPT = ("UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_HTTP_", "UV_INDEX",
        "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_OFFLINE")  # fmt: skip
"""Of uv's variables, those that say where wheels come from; none that says what is checked."""
MEANT = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE",
         "find-links": "UV_FIND_LINKS"}  # fmt: skip
"""What pip is set to -> uv's word for it."""
SECTIONS = ("global", "download", "install", ":env:")
"""Of pip's settings, those that count here; the later goes before."""
NO_MATTER = {"break-system-packages", "cache-dir", "constraint", "default-timeout",
             "disable-pip-version-check", "no-cache-dir", "no-color", "no-compile", "no-input",
             "no-warn-script-location", "prefer-binary", "progress-bar", "quiet",
             "require-virtualenv", "root-user-action", "timeout", "user", "verbose"}  # fmt: skip
"""Settings of pip that change nothing here: what is installed is pinned, and where is given."""


class Unusable(Exception):
    """Why uv can't be used here, as a sentence."""


def main(folder: Path) -> None:
    """Install into the folder, unless this very program is there already."""
    if sys.version_info < (3, 11):  # noqa: UP036  it is this script that says so
        sys.exit(f"qflow-gitops needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    done = folder / "installed"
    if done.is_file() and done.read_text("utf-8") == identity():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".qflow-gitops-") as made:
        try:
            by_uv(folder, Path(made))
        except (Unusable, OSError, subprocess.CalledProcessError) as problem:
            why = getattr(problem, "stderr", None) or str(problem)
            print(f"pip installs, as uv can't: {why.strip()}", file=sys.stderr)  # noqa: T201
            by_pip(folder)
    add_program(folder)
    done.write_text(identity(), "utf-8")


def identity() -> str:
    """Say which program of which Python it is: its files, when each was written, and how long."""
    files = sorted(one for name in SHIPPED for one in (TREE / name).rglob("*") if one.is_file())
    files += [HERE / "requirements.txt"]
    looked = ((one, one.stat()) for one in files if one.suffix != ".pyc")
    lines = [f"{one} {about.st_mtime_ns} {about.st_size}" for one, about in looked]
    return "\n".join([sys.executable, sys.version, *lines])


def by_uv(folder: Path, made: Path) -> None:
    """Let uv, fetched into a folder that goes, make the environment."""
    uv, listed = fetched(made)
    told = settings(listed, os.environ)
    words = ["--quiet", "--no-config", "--no-python-downloads"]
    if "UV_CACHE_DIR" not in told:
        words += ["--cache-dir", str(made / "cache")]  # beside the folder: files are linked
    run([uv, "venv", *words, "--no-project", "--python", sys.executable, str(folder)], told)
    run([uv, "pip", "install", *words, "--python", str(folder), "--index-strategy",
         "unsafe-best-match", *PINNED, str(HERE / "requirements.txt")], told)  # fmt: skip


def settings(listed: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Give uv's environment: where pip is set to look, and what of uv's own was set."""
    known: dict[str, str] = {}
    said = (re.fullmatch(r"([^=]+)\.([a-z-]+)=(.*)", one) for one in listed.splitlines())
    counting = [one.groups() for one in said if one and one[1] in SECTIONS]
    for _, name, text in sorted(counting, key=lambda one: SECTIONS.index(one[0])):
        if name in NO_MATTER:
            continue
        if name not in MEANT:
            raise Unusable(f"pip is set up with `{name}`.")
        known[MEANT[name]] = str(ast.literal_eval(text))
    for name, between in (("UV_INDEX", " "), ("UV_FIND_LINKS", ",")):
        if name in known:
            known[name] = between.join(known[name].split())
    kept = {
        name: value
        for name, value in environ.items()
        if name.startswith(KEPT) or not name.startswith("UV_")
    }
    return {"UV_SYSTEM_CERTS": "true", **known, **kept}


def fetched(made: Path) -> tuple[str, str]:
    """Give the uv of the wheel that `uv.txt` pins, and what pip is set to.

    pip fetches it, and checks its hash.
    """
    words = ["--dest", str(made), *PINNED, str(HERE / "uv.txt")]
    listed = run([sys.executable, "-I", "-c", PIP_TWICE, *words], os.environ)
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (one for one in packed.namelist() if one.endswith(".data/scripts/uv"))
        uv = made / "uv"
        uv.write_bytes(packed.read(name))
    uv.chmod(0o755)
    return str(uv), listed


def by_pip(folder: Path) -> None:
    """Let pip make the environment, as it does everywhere."""
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-I", "-m", "venv", str(folder)], os.environ)
    words = ["install", "--quiet", "--disable-pip-version-check", *PINNED]
    python = str(folder / "bin/python")
    run([python, "-I", "-m", "pip", *words, str(HERE / "requirements.txt")], os.environ)


def add_program(folder: Path) -> None:
    """Put this tree's code beside its dependencies, as a wheel would, and what starts it."""
    (packages,) = (folder / "lib").glob("python3*/site-packages")
    for name in SHIPPED:
        into = packages / ("" if name == "qflow_gitops" else "qflow_gitops") / name
        shutil.copytree(TREE / name, into, ignore=shutil.ignore_patterns("__pycache__"))
    launcher = folder / "bin/qflow-gitops"
    launcher.write_text(LAUNCHER, "utf-8")
    launcher.chmod(0o755)


def run(command: list[str], environ: Mapping[str, str]) -> str:
    """Run a program and give its output; raises CalledProcessError with what it complained of."""
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
