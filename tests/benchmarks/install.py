"""Puts programs of others, pinned in `peers/`, into folders of their own beside their pins."""

import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.processes import COMPILED

FOLDER = Path(__file__).parent / "peers"
PYTHON, NODE = FOLDER / ".venv", FOLDER / "node_modules"
REQUIREMENTS, PACKAGE = FOLDER / "requirements.txt", FOLDER / "package.json"
PATIENCE = 600.0  # seconds


class NotInstalled(Exception):
    """A sentence that says why."""


def from_pip() -> Path:
    """Give the folder of a virtual environment with what `requirements.txt` pins."""
    _once(
        PYTHON,
        REQUIREMENTS,
        [sys.executable, "-m", "venv", "--clear", str(PYTHON)],
        [str(PYTHON / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check",
         "-r", str(REQUIREMENTS)],
    )  # fmt: skip
    return PYTHON


def from_npm() -> Path:
    """Give the folder with the packages that `package.json` pins."""
    for needed in ("node", "npm"):
        if not shutil.which(needed):
            raise NotInstalled(f"There is no {needed} here.")
    _once(NODE, PACKAGE, ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"])
    return NODE


def versions() -> dict[str, str]:
    """Give what is pinned: name -> version."""
    from_pip = re.findall(r"(?m)^([\w.-]+)==(\S+)", REQUIREMENTS.read_text())
    from_npm = json.loads(PACKAGE.read_text())["dependencies"]
    return {**dict(from_pip), **from_npm}


def _once(folder: Path, pins: Path, *commands: Sequence[str]) -> None:
    """Install what isn't there yet, or was by other pins."""
    note, wanted = folder / ".installed", f"{platform.python_version()}\n{pins.read_text()}"
    if note.is_file() and note.read_text() == wanted:
        return
    note.unlink(missing_ok=True)
    print(f"Installing what {pins.name} pins …", file=sys.stderr)  # noqa: T201
    for command in commands:
        try:
            subprocess.run(
                command, cwd=FOLDER, env=COMPILED, check=True, capture_output=True, timeout=PATIENCE
            )
        except (OSError, subprocess.SubprocessError) as error:
            tool = "npm" if command[0] == "npm" else command[2]
            raise NotInstalled(f"`{tool}` could not install what {pins.name} pins.") from error
    note.write_text(wanted)
