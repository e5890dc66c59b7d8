"""README's first run on the sandbox, typed block by block in a shell that has Python and git."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.test_docs import BLOCKS
from tests.helpers.gitdaemon import free_port
from tests.picture import ROOT

INSTALL, TESTS, SANDBOX, FIRST_RUN = (
    one.text for one in BLOCKS if one.page == "README.md" and one.kind == "sh"
)
PORT = "18080"


def test_the_first_run_as_it_is_written(tmp_path: Path) -> None:
    """At most twelve commands from nothing to a run of one's own, sent once."""
    assert len([line for line in FIRST_RUN.splitlines() if _is_command(line)]) <= 12
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "qflow-gitops"
    program.write_text(f"#!{sys.executable}\nfrom qflow_gitops.cli.main import main\nmain()\n")
    program.chmod(0o755)
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    environ = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }
    port = str(free_port())

    def typed(script: str) -> list[str]:
        return ["bash", "-euo", "pipefail", "-c", script.replace(PORT, port)]

    with subprocess.Popen(
        typed(f"exec {SANDBOX}"), cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    ) as sandbox:
        assert sandbox.stdout is not None
        assert sandbox.stdout.readline() == f"listening on http://127.0.0.1:{port}\n"
        try:
            done = subprocess.run(
                typed(FIRST_RUN), cwd=tmp_path, env=environ, capture_output=True, text=True
            )
            again = subprocess.run(
                typed(f"{_exports()}cd my-runs\nqflow-gitops apply --yes\n"),
                cwd=tmp_path, env=environ, capture_output=True, text=True,
            )  # fmt: skip
            ran = subprocess.run(
                typed(f"{_exports()}qflow-gitops sandbox executions --format json"),
                cwd=tmp_path, env=environ, capture_output=True, text=True,
            )  # fmt: skip
        finally:
            sandbox.send_signal(signal.SIGTERM)
    assert (done.returncode, again.returncode) == (0, 0), done.stdout + done.stderr + again.stderr
    assert "encrypt-buckets" in done.stdout.splitlines()[-1]
    assert '"total": 1' in ran.stdout, ran.stdout


def _exports() -> str:
    return "".join(line for line in FIRST_RUN.splitlines(keepends=True) if "export" in line)


def _is_command(line: str) -> bool:
    return line.startswith(("export", "git", "qflow-gitops", "cat"))
