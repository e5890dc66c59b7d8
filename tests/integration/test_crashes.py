"""kill -9 at any moment, then apply: no run is sent twice, none is lost from the lockfile."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.git import Workspace
from tests.helpers.partners import rows
from tests.helpers.specs import SANDBOX_PROJECT, spec

RUNS = 12
PROGRAM = [sys.executable, "-c", "from qflow_gitops.cli.main import main; main()"]
APPLY = [*PROGRAM, "apply", "--yes", "--no-wait", "--concurrency", "3"]


def start(workspace: Workspace) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        APPLY,
        cwd=workspace.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def kill_after(workspace: Workspace, seconds: float) -> int:
    """Kill the whole apply after so long; its exit code, negative where it was killed."""
    process = start(workspace)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return process.returncode


def check(workspace: Workspace, sandbox: SandboxServer) -> dict[str, str]:
    """No run has two executions, and every execution is in the lockfile or in doubt."""
    record = json.loads(workspace.read("qflow.lock"))
    runs = record["environments"]["prod"]["runs"]
    states = {name: run["attempts"][-1]["state"] for name, run in runs.items()}
    known = {a.get("executionId") for run in runs.values() for a in run["attempts"]}
    by_value: dict[int, int] = {}
    for execution in sandbox.executions():
        value = execution["body"]["input"]["value"]
        by_value[value] = by_value.get(value, 0) + 1
        if execution["id"] not in known:
            assert states[f"run-{value}"] == "in_doubt"
    assert all(count == 1 for count in by_value.values()), by_value
    assert all(len(run["attempts"]) == 1 for run in runs.values())
    return states


@pytest.mark.parametrize("seed", rows(range(8), lambda seed: seed < 2))
def test_killed_at_any_moment(seed: int, workspace: Workspace, sandbox: SandboxServer) -> None:
    chance = random.Random(seed)
    sandbox.set_faults("latency=0.02")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for number in range(RUNS):
        workspace.write(f"runs/{number}.yaml", spec(f"run-{number}", number))
    workspace.commit("twelve runs")
    begun = time.monotonic()
    for _ in range(3):
        kill_after(workspace, chance.uniform(0.25, 0.9))
    last = start(workspace)
    _, err = last.communicate(timeout=60)
    assert last.returncode in (0, 9), err
    states = check(workspace, sandbox)
    assert set(states) == {f"run-{number}" for number in range(RUNS)}
    assert set(states.values()) <= {"accepted", "adopted", "in_doubt"}
    assert time.monotonic() - begun < 60


def test_two_at_once(workspace: Workspace, sandbox: SandboxServer) -> None:
    """One sends, the other says so (6) or finds everything done (0)."""
    sandbox.set_faults("latency=0.05")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for number in range(RUNS):
        workspace.write(f"runs/{number}.yaml", spec(f"run-{number}", number))
    workspace.commit("twelve runs")
    processes = [start(workspace) for _ in range(3)]
    codes = sorted(process.wait(timeout=60) for process in processes)
    for process in processes:
        process.communicate()
    assert codes[0] == 0
    assert set(codes) <= {0, 6}
    assert set(check(workspace, sandbox).values()) == {"accepted"}
    assert len(sandbox.executions()) == RUNS


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_launching_and_records(
    number: signal.Signals, code: int, workspace: Workspace, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("latency=0.3@run")
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    for each in range(RUNS):
        workspace.write(f"runs/{each}.yaml", spec(f"run-{each}", each))
    workspace.commit("twelve runs")
    process = start(workspace)
    while not sandbox.requests("POST", "/run"):
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=6)
    assert process.returncode == code, err
    states = check(workspace, sandbox)
    # What was claimed and not yet on the wire when the signal came is never sent.
    assert "accepted" in states.values()
    assert set(states.values()) <= {"accepted", "unsent"}
    assert len(sandbox.executions()) == list(states.values()).count("accepted")
    assert len(states) < RUNS
    assert b"Not started" in out
