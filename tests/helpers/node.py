"""Programs of other families, from npm, that the product is compared with.

    npm install --prefix tests/node --no-audit --no-fund --no-package-lock

Without them these tests are skipped; with QFLOW_TESTS_NODE=required (as CI sets it) they fail.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "node"
NODE = FOLDER / "node_modules"
_PROGRAMS = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]
REQUIRED = os.environ.get("QFLOW_TESTS_NODE") == "required"

requires_node = pytest.mark.skipif(
    not REQUIRED and not (shutil.which("node") and all((NODE / one).is_dir() for one in _PROGRAMS)),
    reason="needs node: npm install --prefix tests/node --no-audit --no-fund --no-package-lock",
)


def script(name: str, given: Any) -> Any:
    """Run a script of tests/node with JSON on its stdin; give the JSON of its stdout."""
    with TemporaryFile("w+") as stdin:  # of a pipe node may read faster than it is filled: EAGAIN
        json.dump(given, stdin)
        stdin.seek(0)
        done = subprocess.run(
            ["node", FOLDER / name],
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
