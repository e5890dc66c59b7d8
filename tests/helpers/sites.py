"""The site of the documentation, built as it is published."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.picture import ROOT


@cache
def built(folder: Path) -> Path:
    """Build it below a folder, once, and without a warning; give where it is."""
    made = folder / "site"
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    done = subprocess.run(
        [*command, str(made)], cwd=ROOT, env={**os.environ, **quiet}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return made
