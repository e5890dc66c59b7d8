"""Standard streams as a caller leaves them: closed, full, of another encoding, called dumb.

The kind: whatever is wrong with a stream, the exit code says what was done; a result that didn't
reach its reader is never green, and nothing of it is a bug (70).

`.ci/run` gives each command one way to have lost a stream, and each way to several commands;
`.ci/nightly` each to each.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.cli import console
from qflow_gitops.cli.console import Console
from qflow_gitops.results.report import Report
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.clones import Remote
from tests.helpers.forks import Forks
from tests.helpers.git import Workspace
from tests.helpers.partners import diagonal, rows
from tests.helpers.specs import spec

PROGRAM = f"exec {shlex.quote(str(Path(sys.executable).parent / 'qflow-gitops'))}"
COMMANDS = {
    "--help": 0, "--version": 0, "plan --help": 0, "rules": 0, "rules yaml-word": 0,
    "schema list": 0, "schema show workflow-run": 0, "sandbox --fault list": 0, "validate": 0,
    "plan": 0, "plan --format json": 0, "status": 0, "history": 0, "migrate": 0, "lock verify": 11,
    "plan --exit-code": 10, "nonsense": 2, "schema": 2,
}  # fmt: skip
"""Each with its exit code where its streams are as they should be."""
FORMATS = ("plan --format markdown", "validate --format junit")
TO_STDERR = ("nonsense", "schema", "lock verify", "migrate")  # nothing is lost with stdout


def ran(
    words: str, folder: Path, streams: str = "", environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        ["sh", "-c", f"{PROGRAM} {words} {streams}"],
        cwd=folder, env={**os.environ, **(environ or {})}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert done.returncode != 70, done.stderr
    return done


@pytest.fixture
def folder(project: Workspace) -> Path:
    return project.path


Ended = tuple[int, str, str]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    found = Forks(os.environ)
    yield found
    found.close()


@pytest.fixture
def ended(forks: Forks, folder: Path, tmp_path: Path) -> Callable[..., Ended]:
    """How a command line ends with such streams: exit code, stdout, stderr."""

    def end(words: str, streams: str = "") -> Ended:
        done = forks(shlex.split(words), folder, dict(os.environ), tmp_path, streams)
        assert "Traceback" not in done[2]
        assert done[0] != 70, done
        return done

    return end


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("words", "streams"), diagonal(COMMANDS, ("<&-", "2>&-", "2>/dev/full", "<&- 2>&-"))
)
def test_without_stdin_or_stderr_a_result_is_the_same(
    words: str, streams: str, ended: Callable[..., Ended]
) -> None:
    code, out, err = ended(words, streams)
    assert code == COMMANDS[words], err
    assert out == ended(words)[1]


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("words", "streams"),
    diagonal(COMMANDS, (">&-", ">/dev/full", "<&- >&- 2>&-", ">/dev/full 2>/dev/full")),
)
def test_a_result_that_nobody_gets_is_not_green(
    words: str, streams: str, ended: Callable[..., Ended]
) -> None:
    code, _, err = ended(words, streams)
    told = words in TO_STDERR
    assert code == (COMMANDS[words] or (0 if told else 2)), err
    if not told and "2>" not in streams:
        assert "can't be written: " in err


@pytest.mark.parametrize(
    ("problem", "code"), [(BrokenPipeError(32, "Broken pipe"), 0), (OSError(28, "No space"), 2)]
)
def test_of_a_result_no_more_is_made_than_is_taken(
    problem: OSError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    said: list[str] = []

    def pieces(name: str, report: Report) -> Iterator[str]:
        for number in range(1000):
            made.append(number)
            yield name * 1000

    def echo(text: str | bytes, *, err: bool = False, **_: Any) -> OSError | None:
        said.append(str(text)) if err else None
        return None if err or len(made) < 500 else problem

    monkeypatch.setattr(console, "pieces", pieces)
    monkeypatch.setattr(console, "echo", echo)
    shown = Console(
        colour_out=False, colour_err=False, live=False, interactive=False, quiet=False,
        verbose=False,
    )  # fmt: skip
    assert shown.result(Report("report"), "ocsf") == code
    assert 500 <= len(made) < 600
    assert any("can't be written: No space" in line for line in said) is bool(code)


@pytest.mark.parametrize("words", ["new aws machines", "rules yaml-word"])
def test_of_a_text_that_nobody_gets_nothing_is_said_to_be_recorded(
    words: str, ended: Callable[..., Ended]
) -> None:
    """Such a command needs no repository: `status` has nothing to tell of it."""
    code, _, err = ended(words, ">/dev/full")
    assert code == 2
    assert "This can't be written: No space left on device." in err
    assert "record" not in err


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "streams",
    rows(
        ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"), lambda streams: streams in (">&-", "<&- >&- 2>&-")
    ),
)
def test_an_apply_with_closed_streams_sends_and_records_once(
    streams: str, remote: Remote, sandbox: SandboxServer, workspace: Workspace
) -> None:
    """No file that it opens gets the number of a stream, and no word goes into such a file."""
    done = ran("apply --yes", workspace.path, streams)
    assert done.returncode == (2 if ">&-" in streams.replace("2>&-", "") else 0), done.stderr
    assert remote.states() == {"encrypt-prod-buckets": "succeeded"}
    assert ran("apply --yes", workspace.path).returncode == 0
    assert len(sandbox.executions()) == 1


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("encoding", "words"),
    rows(
        product(("cp932", "latin-1", "ascii"), (*COMMANDS, *FORMATS)),
        lambda row: row in [("latin-1", "plan"), *(("cp932", words) for words in FORMATS)],
    ),
)
def test_another_encoding(words: str, encoding: str, project: Workspace) -> None:
    """What it doesn't have is written as an escape."""
    project.write("runs/odd.yaml", spec("odd", extra="  variables: {ort: 'ä€ Ž→日'}\n"))
    project.commit("odd")
    plain = ran(words, project.path)
    done = ran(words, project.path, environ={"PYTHONIOENCODING": encoding})
    assert done.returncode == COMMANDS.get(words, 0) == plain.returncode, done.stderr
    # Of ASCII click believes that nobody chose it, and writes UTF-8.
    done.stdout.decode("utf-8" if "--format" in words or encoding == "ascii" else encoding)
    if "--format" in words:  # what programs read doesn't depend on a terminal
        assert done.stdout == plain.stdout


@pytest.mark.fault(39)
def test_an_apply_in_another_encoding_is_as_green_as_another(
    remote: Remote, sandbox: SandboxServer, workspace: Workspace
) -> None:
    done = ran("apply --yes", workspace.path, environ={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0, done.stderr
    assert remote.states() == {"encrypt-prod-buckets": "succeeded"}
    assert len(sandbox.executions()) == 1


@pytest.mark.fault(39)
def test_rescued_lines_are_read_as_utf8_whatever_the_terminal_is(folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{PROGRAM} lock push -"], cwd=folder, input=b"\xff\xfe", capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"not a text" in done.stderr


# --- what a terminal and a CI are called -----------------------------------------------


@pytest.mark.fault(27)
def test_a_desk_that_says_so_may_keep_its_lockfile_in_the_work_tree(
    folder: Path, sandbox: SandboxServer
) -> None:
    assert ran("apply --yes", folder, environ={"CI": "false"}).returncode == 0
    assert ran("apply --yes", folder, environ={"CI": "true"}).returncode == 11
    assert len(sandbox.executions()) == 1


class _Terminal:
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("a terminal of whose size nothing is known")


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False), ({"TERM": "xterm"}, True)],
)
def test_colours_are_for_terminals_that_have_them(
    environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal: Any = _Terminal()
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, terminal)
    found = Console.for_process(environ, color="auto", quiet=False, verbose=False)
    assert (found.colour_out, found.colour_err) == (coloured, coloured)
    asked = Console.for_process(environ, color="always", quiet=False, verbose=False)
    assert (asked.colour_out, asked.colour_err) == (True, True)


@pytest.mark.fault(27)
def test_the_actions_output_names_reports_from_where_the_next_step_stands(
    project: Workspace, tmp_path: Path
) -> None:
    """A step's paths are from the checkout's root, not from `working-directory`."""
    output = tmp_path / "output"
    output.touch()
    environ = {
        "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "INPUT_COMMAND": "plan",
        "INPUT_WORKING_DIRECTORY": "repository",
        "INPUT_REPORTS": f"json=plan.json\ntext={tmp_path}/whole.txt\nmarkdown=-",
    }  # fmt: skip
    assert ran("action", project.path.parent, environ=environ).returncode == 0
    told = output.read_text().splitlines()
    mark = told[0].removeprefix("reports<<")
    assert told[1 : told.index(mark)] == ["repository/plan.json", f"{tmp_path}/whole.txt"]
    assert json.loads((project.path.parent / told[1]).read_bytes())["command"] == "plan"
