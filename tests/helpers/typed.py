"""What a hint says in backticks, typed at a shell to the letter."""

import os
import re
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    "qflow-gitops", "git", "cd", "cp", "export", "ls", "mkdir", "mv", "pip", "pre-commit", "rm",
    "unset",
}  # fmt: skip
"""What the commands of hints begin with."""


def commands(hint: str) -> list[str]:
    """The commands that a text holds in backticks, but not the one that explains its words."""
    found = re.findall(r"`([^`\n]*)`", re.sub("(?m)^Explained: .*", "", hint))
    return [one for one in found if one.partition(" ")[0] in PROGRAMS]


def typed(folder: Path, command: str, *, code: int = 0) -> str:
    """Type a command in a folder; what it writes. It has to end with this exit code."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder, env={**os.environ, "PATH": path, "GIT_CONFIG_NOSYSTEM": "1"}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, (command, done.returncode, done.stdout)
    return done.stdout
