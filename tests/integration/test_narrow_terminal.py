"""What is written beside a command's result fits a terminal, too: it breaks between words."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly

COLUMNS = 60
_PROGRAM = (sys.executable, "-c", "from qflow_gitops.cli.main import main; main()")


def shown(*words: str, at: Path) -> list[str]:
    """The rows of a terminal that is too narrow for whole lines, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    environ.pop("COLUMNS", None)
    environ.pop("CI", None)
    pieces = []
    with subprocess.Popen(
        [*_PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=at,
        env=environ,
    ) as process:  # fmt: skip
        os.close(theirs)
        with suppress(OSError):  # the program has ended
            while piece := os.read(ours, 65_536):
                pieces.append(piece)
        os.close(ours)
    assert process.returncode is not None
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", b"".join(pieces)).decode()
    return [row for line in text.split("\n") for row in line.strip("\r").split("\r")]


def too_wide(rows: list[str]) -> list[str]:
    """Those that a terminal would break within a word, but for a command that stays whole."""
    whole = [re.sub(r"`[^`]*`", "x" * COLUMNS, row.strip()) for row in rows]
    return [
        row for row, words in zip(rows, whole, strict=True) if len(row) > COLUMNS and " " in words
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("sandbox", "--fault", "list"),
        ("rules",),
        ("rules", "in_doubt", "failed", "11"),
        ("rules", "there-is-nothing-that-could-be-called-by-such-a-long-name"),
        ("sandbox", "--port", "TAKEN"),
        ("plan", "--full", "--from", "a-revision"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_lists_and_errors_break_between_words(
    words: tuple[str, ...], sandbox: SandboxServer, tmp_path: Path
) -> None:
    port = sandbox.url.rpartition(":")[2]
    rows = shown(*(word.replace("TAKEN", port) for word in words), at=tmp_path)
    assert len(rows) > 3, rows
    assert not too_wide(rows), rows


def test_a_taken_port_is_told_in_words_of_ours_alone(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    port = sandbox.url.rpartition(":")[2]
    assert shown("sandbox", "--port", port, at=tmp_path)[0].startswith(f"Error: The port {port}")


def test_what_an_apply_tells_meanwhile_breaks_between_words(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("accept-then-drop", "list-lag=3600")
    rows = shown("apply", "--yes", at=project.path)
    rows = [row for row in rows if row and not row.startswith("0 to start")]
    at = next(n for n, row in enumerate(rows) if "Qualys lists no execution" in row)
    assert rows[at + 1].startswith("  "), rows
    assert not too_wide(rows), rows


@nightly  # it takes as long as the demo, which .ci/run has by itself
def test_the_demo_s_own_words_break_between_words(tmp_path: Path) -> None:
    rows = shown("demo", at=tmp_path)
    said = [row for row in rows if row.startswith("# ")]
    assert len(said) > 10
    assert not too_wide(said), said
    assert "qflow-gitops demo --keep" in "".join(rows[-4:])


def test_a_sandbox_says_what_goes_wrong_in_it(cli: Cli, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*_PROGRAM, "sandbox", "--fault", "fail", "--fault", "list-lag=60"], cwd=tmp_path,
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as serving:  # fmt: skip
        assert serving.stderr is not None
        told = [serving.stderr.readline() for _ in range(9)]
        serving.terminate()
    assert "It goes wrong on purpose: fail, list-lag=60. To change that: http://" in told[-1]
