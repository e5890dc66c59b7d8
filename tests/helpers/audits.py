"""An auditor's check of a clone, without the program."""

import subprocess
import sys
from pathlib import Path

VERIFY = Path(__file__).parents[2] / "examples/audit/verify.py"


def audited(clone: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it as an auditor does: isolated, so that it can import nothing of ours."""
    command = [sys.executable, "-I", str(VERIFY), str(clone), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
