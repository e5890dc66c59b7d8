"""SIGINT and SIGTERM to a real apply on the branch store: over in 7.5 s, and nothing is lost.

GitHub sends SIGINT when a job is cancelled, SIGTERM 7.5 s later, and kills soon after that.

`.ci/run` sends the one where both end alike, `.ci/nightly` the other as well.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly, rows
from tests.helpers.specs import spec

RUNS = 6
WITHIN = 7.5
APPLY = [sys.executable, "-c", "from qflow_gitops.cli.main import main; main()", "apply", "--yes"]
BOTH = pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="SIGINT", marks=nightly),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
    ],
)


class Real:
    """One real apply, two runs at a time."""

    def __init__(self, folder: Path, path: str = "") -> None:
        self._environ = {**os.environ, "PATH": path or os.environ["PATH"]}
        self.process = subprocess.Popen(
            [*APPLY, "--no-wait", "--concurrency", "2"],
            cwd=folder, env=self._environ, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.out, self.err, self.seconds = "", "", 0.0

    def signal(self, number: int, *, group: bool = False) -> int:
        """Send a signal, to the whole group as a terminal does; the exit code, in time."""
        begun = time.monotonic()
        (os.killpg if group else os.kill)(self.process.pid, number)
        return self.end(begun)

    def end(self, begun: float) -> int:
        self.out, self.err = self.process.communicate(timeout=30)
        self.seconds = time.monotonic() - begun
        assert self.seconds < WITHIN, (self.seconds, self.err)
        assert "Traceback" not in self.err
        return self.process.returncode


@pytest.fixture
def due(remote: Remote, workspace: Workspace, sandbox: SandboxServer) -> Remote:
    """Six runs are due."""
    workspace.remove("runs/aws/buckets.yaml")
    for number in range(RUNS):
        workspace.write(f"runs/{number}.yaml", spec(f"run-{number}", number))
    workspace.commit("six runs")
    workspace.git("push", "--quiet", "origin", "main")
    return remote


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Callable[..., Real]]:
    """Start an apply; whatever is left of it at the end is ended."""
    started: list[Real] = []

    def begin(path: str = "") -> Real:
        started.append(Real(workspace.path, path))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def until(seen: Callable[[], object]) -> None:
    """Wait for something to happen."""
    for _ in range(1000):
        if seen():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


def posts(sandbox: SandboxServer) -> int:
    return len(sandbox.requests("POST", "/run"))


def hang(remote: Remote, marker: Path, seconds: float, *, lets: int = 0) -> None:
    """Pushes after the first `lets` take so long, and leave a mark when they begin."""
    count = remote.path / "pushes"
    remote.hook(
        "pre-receive",
        f'echo x >> "{count}"\n[ $(wc -l < "{count}") -gt {lets} ] || exit 0\n'
        f'touch "{marker}"\nexec sleep {seconds}\n',
    )


def recover(
    remote: Remote, cli: Cli, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    """The next apply, in a fresh clone and after the lease: all ran once, or a person decides."""
    sandbox.set_faults()
    hook = remote.path / "hooks/pre-receive"
    hook.unlink(missing_ok=True)
    later(400)
    fresh = Cli(remote.clone("fresh").path, cli._capfd)
    done = fresh("apply", "--yes")
    assert done.code in (0, 9), done.err
    ran = Counter(one["body"]["input"]["value"] for one in sandbox.executions())
    assert set(ran.values()) == {1}
    states = remote.states()
    for number in range(RUNS):
        assert states[f"run-{number}"] == ("succeeded" if number in ran else "in_doubt")
    assert fresh("lock", "verify").code == 0


@BOTH
def test_answers_under_way_are_recorded(
    number: int, code: int, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None],
) -> None:  # fmt: skip
    sandbox.set_faults("latency=1.5@run")
    one = start()
    until(lambda: posts(sandbox) == 2)
    assert one.signal(number) == code
    assert posts(sandbox) == len(sandbox.executions()) == 2
    assert due.states() == {"run-0": "accepted", "run-1": "accepted"}
    assert one.out.count("not started: it was interrupted") == RUNS - 2
    recover(due, cli, sandbox, later)


@BOTH
def test_answers_that_take_too_long_are_left_as_intents(
    number: int, code: int, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None],
) -> None:  # fmt: skip
    sandbox.set_faults("latency=9@run")
    one = start()
    until(lambda: posts(sandbox) == 2)
    assert one.signal(number) == code
    assert due.states() == {"run-0": "intent", "run-1": "intent"}
    until(lambda: len(sandbox.executions()) == 2)
    recover(due, cli, sandbox, later)
    assert due.attempts("run-0")[0]["events"][2]["to"] == "adopted"


@nightly
@BOTH
def test_a_slow_remote_gets_the_answers(
    number: int, code: int, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None], tmp_path: Path,
) -> None:  # fmt: skip
    hang(due, tmp_path / "marker", 1)
    sandbox.set_faults("latency=0.5@run")
    one = start()
    until(lambda: posts(sandbox) == 2)
    assert one.signal(number) == code
    assert posts(sandbox) == 2
    assert due.states() == {"run-0": "accepted", "run-1": "accepted"}
    recover(due, cli, sandbox, later)


@BOTH
def test_an_intent_that_was_being_pushed_is_not_sent(
    number: int, code: int, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None], tmp_path: Path,
) -> None:  # fmt: skip
    """No new launch after the signal: the intent's push ends, and it is recorded as unsent."""
    marker = tmp_path / "marker"
    hang(due, marker, 1)
    one = start()
    until(marker.exists)
    assert one.signal(number) == code
    assert posts(sandbox) == 0
    assert due.states() == {"run-0": "unsent", "run-1": "unsent"}
    recover(due, cli, sandbox, later)


@BOTH
def test_a_remote_that_hangs_before_anything_was_sent(
    number: int, code: int, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None], tmp_path: Path,
) -> None:  # fmt: skip
    marker = tmp_path / "marker"
    hang(due, marker, 60)
    one = start()
    until(marker.exists)
    assert one.signal(number) == code
    assert posts(sandbox) == 0
    recover(due, cli, sandbox, later)


@BOTH
@pytest.mark.parametrize("within", [False, True], ids=["before the push", "within the push"])
def test_a_remote_that_hangs_with_the_answers(
    number: int, code: int, within: bool, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None], tmp_path: Path,
) -> None:  # fmt: skip
    """What was accepted is rescued and said; `lock push` brings it into the lockfile."""
    marker = tmp_path / "marker"
    hang(due, marker, 60, lets=1)
    sandbox.set_faults("latency=1@run")
    one = start()
    until(marker.exists if within else lambda: posts(sandbox) == 2)
    assert one.signal(number) == code
    assert posts(sandbox) == 2
    ids = {each["id"] for each in sandbox.executions()}
    saved = [
        json.loads(line) for line in Workspace(cli.folder).read("qflow.lock.rescue").splitlines()
    ]
    assert {each["attempt"]["executionId"] for each in saved} == ids
    assert "lock push" in one.out
    (due.path / "hooks/pre-receive").unlink()
    brought = cli("lock", "push")
    assert brought.code == 0, brought.err
    assert due.states() == {"run-0": "accepted", "run-1": "accepted"}
    recover(due, cli, sandbox, later)


@pytest.mark.parametrize(
    "place", rows(("token", "workflow", "list"), lambda place: place == "list")
)
def test_a_gateway_that_hangs_before_the_first_intent(
    place: str, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None],
) -> None:  # fmt: skip
    sandbox.set_faults(f"latency=15@{place}")
    one = start()
    where = {"token": "/auth", "workflow": "/workflows/", "list": "/executions"}[place]
    until(lambda: sandbox.requests(containing=where))
    assert one.signal(signal.SIGINT) == 130
    assert "ends now" in one.err or "interrupted" in one.out
    assert posts(sandbox) == 0
    recover(due, cli, sandbox, later)


def test_a_remote_that_hangs_when_it_is_read(
    due: Remote, workspace: Workspace, sandbox: SandboxServer,
    start: Callable[..., Real], tmp_path: Path,
) -> None:  # fmt: skip
    marker, script = tmp_path / "marker", tmp_path / "upload-pack"
    script.write_text(f'#!/bin/sh\ntouch "{marker}"\nexec sleep 60\n')
    script.chmod(0o755)
    workspace.git("config", "remote.origin.uploadpack", str(script))
    one = start()
    until(marker.exists)
    assert one.signal(signal.SIGINT) == 130
    assert sandbox.requests() == []


def test_ctrl_c_does_not_reach_the_push_under_way(
    due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None], tmp_path: Path,
) -> None:  # fmt: skip
    """A terminal sends SIGINT to every process of the group; the push of the answers goes on."""
    marker = tmp_path / "marker"
    hang(due, marker, 1, lets=1)
    one = start()
    until(marker.exists)
    assert one.signal(signal.SIGINT, group=True) == 130
    assert not (cli.folder / "qflow.lock.rescue").exists()
    states = due.states()
    assert [states[run] for run in ("run-0", "run-1")] == ["accepted", "accepted"]
    assert len(sandbox.executions()) == 2
    recover(due, cli, sandbox, later)


@pytest.mark.parametrize(
    "step",
    rows(("fast-import", "update-ref"), lambda step: step == "fast-import"),
)
def test_ctrl_c_does_not_reach_the_making_of_a_commit(
    step: str, due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None], tmp_path: Path,
) -> None:  # fmt: skip
    marker, shim = tmp_path / "marker", tmp_path / "bin/git"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\ncase " $* " in *" {step} "*) touch "{marker}"; sleep 0.7;; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    shim.chmod(0o755)
    one = start(f"{shim.parent}:{os.environ['PATH']}")
    until(marker.exists)
    assert one.signal(signal.SIGINT, group=True) == 130
    assert posts(sandbox) == 0
    assert "failed" not in one.err
    recover(due, cli, sandbox, later)


@pytest.mark.parametrize(
    "numbers",
    rows([((2, 2, 130),), ((2, 15, 143),), ((15, 15, 143),)], lambda row: row[0] == (2, 15, 143)),
)
def test_a_second_signal_ends_at_once(
    numbers: tuple[int, int, int], due: Remote, cli: Cli, sandbox: SandboxServer,
    start: Callable[..., Real], later: Callable[[float], None],
) -> None:  # fmt: skip
    first, second, code = numbers
    sandbox.set_faults("latency=3@run")
    one = start()
    until(lambda: posts(sandbox) == 2)
    os.kill(one.process.pid, first)
    time.sleep(0.3)
    assert one.process.poll() is None
    assert one.signal(second) == code
    assert one.seconds < 1
    until(lambda: len(sandbox.executions()) == 2)
    recover(due, cli, sandbox, later)
