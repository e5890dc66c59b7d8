"""What bash, zsh and fish complete, asked of the shells themselves."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.clones import BRANCH_PROJECT
from tests.helpers.git import Workspace
from tests.helpers.partners import REQUIRED, nightly
from tests.helpers.specs import CONNECTOR, WORKFLOW, spec

PROGRAM = '#!/bin/sh\nexec {python} -c "from qflow_gitops.cli.main import main; main()" "$@"\n'
SETTINGS = BRANCH_PROJECT.replace(
    "environments:\n",
    "defaultEnvironment: prod\n  environments:\n    dev: {platform: sandbox}\n",
)
SHELLS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            not (shutil.which(name) or REQUIRED), reason=f"needs {name}: apt-get install {name}"
        ),
    )
    for name in ("bash", "zsh", "fish")
]
Complete = Callable[[str], set[str]]
TARGETS = {"theta/us", "theta/eu.eu-west-1"}


@pytest.fixture
def place(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A project with specs of many forms, and the program on the PATH."""
    file = tmp_path / "bin/qflow-gitops"
    file.parent.mkdir()
    file.write_text(PROGRAM.format(python=sys.executable))
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}{os.pathsep}{os.environ['PATH']}")
    workspace.write("qflow.yaml", SETTINGS)
    workspace.write("runs/a.yaml", spec("alpha", extra="  variables:\n    name: maha2\n"))
    workspace.write("runs/b.yaml", spec("beta", metadata="  environment: dev\n"))
    two = "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
    flow = f"{two}metadata: {{name: 'gamma', environment: \"dev\"}}\nspec: {{workflowId: x}}\n"
    workspace.write("runs/deep/c.yaml", f"{spec('delta')}---\n{flow}")
    odd = "spec:\n  input: {name: no}\nmetadata:\n  environment: prod\n  name: eta\n"
    workspace.write("runs/d ü.yml", f"kind: WorkflowRun\n{odd}")
    targets = "  targets:\n    - {name: us, input: {name: no}}\n    - name: eu.eu-west-1\n"
    lists = "      input:\n        all:\n          - name: beta-no\n"
    workspace.write("runs/t.yaml", spec("theta", extra=targets + lists))
    head = "apiVersion: qflow-gitops/v1\nkind: ConnectorCatalog\nconnectors:\n"
    entries = f'  shop: {{id: {WORKFLOW}}}\n  old: {{id: {CONNECTOR}, gone: "2026-11-01"}}\n'
    workspace.write("connectors/prod/aws.yaml", head + entries)
    selection = "  targets:\n    connectors: {cloud: aws}\n    regions: [us-east-1]\n"
    workspace.write("runs/s.yaml", spec("kappa", extra=f"  connectorType: aws\n{selection}"))
    workspace.commit("specs")
    workspace.write("runs/draft.yaml", spec("draft"))
    return workspace


@pytest.fixture(params=SHELLS)
def complete(request: pytest.FixtureRequest, place: Workspace) -> Iterator[Complete]:
    """What a shell offers for a line; each was told what `completion` prints."""
    with ExitStack() as at_the_end:
        yield {"bash": _bash, "zsh": _zsh, "fish": _fish}[request.param](place.path, at_the_end)


def _run(command: list[str], script: str, folder: Path) -> str:
    return subprocess.run(
        command, cwd=folder, input=script, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def _bash(folder: Path, _at_the_end: ExitStack) -> Complete:
    def complete(line: str) -> set[str]:
        words = line.split(" ")
        array = " ".join(f"'{word}'" for word in words)
        script = (
            'eval "$(qflow-gitops completion bash)"; compopt() { left="$1 $2"; }\n'
            f"COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}\n"
            f"_qflow_gitops_completion qflow-gitops '{words[-1]}' x\n"
            "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
            f"[[ $left == '-o default' ]] && compgen -f -- '{words[-1]}'\n"  # as readline does
            f"[[ $left == '-o dirnames' ]] && compgen -d -- '{words[-1]}'; true\n"
        )
        return {*_run(["bash", "--norc"], script, folder).split()}

    return complete


def _fish(folder: Path, _at_the_end: ExitStack) -> Complete:
    def complete(line: str) -> set[str]:
        script = f"qflow-gitops completion fish | source; complete -C '{line}'\n"
        return {
            one.partition("\t")[0]
            for one in _run(["fish", "--no-config"], script, folder).splitlines()
        }

    return complete


def _zsh(folder: Path, at_the_end: ExitStack) -> Complete:
    """In a terminal, as zsh completes nothing elsewhere: a key is pressed, the screen read."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ |= {"TERM": "dumb", "COLUMNS": "200", "LINES": "60", "PS1": "% "}
        os.execvp("zsh", ["zsh", "-f", "-i"])
    for work, about in ((os.waitpid, (pid, 0)), (os.kill, (pid, 9)), (os.close, (terminal,))):
        at_the_end.callback(work, *about)
    begin = "autoload -Uz compinit; compinit -D -u; LISTMAX=1000\n"
    begin += 'bindkey "^X?" list-choices\n'
    _typed(terminal, begin + 'eval "$(qflow-gitops completion zsh)"; echo re""ady\n', "ready\r\n")

    def complete(line: str) -> set[str]:
        screen = _typed(terminal, f"\x15{line}\x18?", f"{line}\r\r\n", still=0.5)
        return {*re.findall(r"[\w./-]+", screen.partition(line)[2])}

    return complete


def _typed(terminal: int, text: str, until: str, still: float = 0.1) -> str:
    """Type, and read the screen until it shows a text, and nothing more for `still` seconds."""
    os.write(terminal, text.encode())
    seen, end = "", time.monotonic() + 20
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], still)
        if ready:
            seen += os.read(terminal, 65536).decode(errors="replace")
        elif until in seen:
            return seen
    return seen


def test_runs(complete: Complete) -> None:
    assert {"alpha", "delta", "eta", "draft"} <= complete("qflow-gitops plan ")
    assert not {"maha2", "no", "beta", "theta"} & complete("qflow-gitops plan ")
    found = complete("qflow-gitops plan theta")
    assert {each for each in found if each.startswith("theta/")} == TARGETS
    found = complete("qflow-gitops plan kappa")
    assert {each for each in found if each.startswith("kappa/")} == {"kappa/shop.us-east-1"}
    assert complete("qflow-gitops history al") >= {"alpha"}
    assert {"dev/beta", "dev/gamma"} <= complete("qflow-gitops apply dev/")


def test_the_rest(complete: Complete) -> None:
    assert {"plan"} <= complete("qflow-gitops pl")
    assert {"--worktree", "--full"} <= complete("qflow-gitops plan --")
    assert {"rate-headers"} <= complete("qflow-gitops sandbox --fault rat")
    assert {"executions"} <= complete("qflow-gitops sandbox exe")
    assert {"dev", "prod"} <= complete("qflow-gitops apply -e ")
    assert {"secret-literal"} <= complete("qflow-gitops rules secret-l")
    assert {"main", "HEAD"} <= complete("qflow-gitops plan --to ")
    assert {"bash", "zsh", "fish"} <= complete("qflow-gitops completion ")


def test_paths(complete: Complete) -> None:
    """Also once commands are completed."""
    for line in ("qflow-gitops validate run", "qflow-gitops -C run", "qflow-gitops init run"):
        assert {each.rstrip("/") for each in complete(line)} & {"runs", "run\\s"}, line


@pytest.mark.parametrize(
    "line", ["qflow-gitops plna al", pytest.param("qflow-gitops lock vrfy --", marks=nightly)]
)
def test_behind_a_mistyped_command_nothing_is_offered(line: str, complete: Complete) -> None:
    """Nor said: an error amid the line would be in the way of whoever types."""
    assert not {"Usage", "Error", "alpha", "--quick", "There"} & complete(line)


def test_outside_a_repository_nothing_is_offered_and_nothing_said(
    place: Workspace, tmp_path: Path
) -> None:
    del place
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environ = {"_QFLOW_GITOPS_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    for line in ("qflow-gitops plan ", "qflow-gitops apply -e ", "qflow-gitops workflows show "):
        words = {**environ, "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
        done = subprocess.run(
            ["qflow-gitops"],
            cwd=folder,
            env={**os.environ, **words},
            capture_output=True,
            text=True,
        )
        assert (done.stdout.strip(), done.stderr) == ("", "")
