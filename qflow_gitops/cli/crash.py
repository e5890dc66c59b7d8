"""What a person sees of a bug: no traceback, but a file to attach to a report."""

import sys
import tempfile
import traceback
from pathlib import Path

import qflow_gitops
from qflow_gitops.cli.streams import echo
from qflow_gitops.errors import ExitCode


def report_bug(problem: BaseException) -> int:
    """Save the traceback, say where it is and what to do; give the exit code for a bug.

    Only places in the code go into the file: values could be secrets.
    """
    lines = [
        f"qflow-gitops {qflow_gitops.__version__}, Python {sys.version.split()[0]}",
        type(problem).__name__,
        *(
            f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(problem.__traceback__)
        ),
    ]
    echo(f"Error: a bug in qflow-gitops ({type(problem).__name__}).", err=True)
    echo(
        "  What was sent is in the lockfile, or in qflow.lock.rescue: `qflow-gitops status`",
        err=True,
    )
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="qflow-gitops-bug-", suffix=".txt", delete=False
        ) as file:
            file.write("\n".join(lines) + "\n")
        echo(f"  → Please report it, with the file {file.name}", err=True)
    except OSError:
        echo("\n".join(lines), err=True)
    return ExitCode.BUG
