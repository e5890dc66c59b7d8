"""What somebody meets who knows the tool for an hour: it says where, and what to type."""

from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace


@pytest.fixture
def recorded(project: Workspace, cli: Cli, sandbox: SandboxServer) -> Workspace:
    """A project with a run that was sent, its lockfile in the work tree."""
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.requests("POST", "/run")) == 1
    return project


def test_verify_says_that_a_file_has_one_version(recorded: Workspace, cli: Cli) -> None:
    recorded.commit("the record")
    assert cli("freeze", "--reason", "to have a second version").code == 0
    done = cli("lock", "verify")
    assert (done.code, done.out.splitlines()[0]) == (
        0, "qflow.lock: version 2; 1 attempt; 0 problems",
    )  # fmt: skip
    assert "was checked as it stands" in done.err
    assert "every commit only adds" not in done.out


def test_a_merge_s_two_sides_in_the_lockfile_are_called_that(recorded: Workspace, cli: Cli) -> None:
    good = recorded.read("qflow.lock")
    recorded.write("qflow.lock", f"<<<<<<< HEAD\n{good}=======\n{good}>>>>>>> other\n")
    status, verified = cli("status"), cli("lock", "verify")
    assert (status.code, verified.code) == (11, 11)
    for told in (status.err, verified.out):
        assert "a merge left both sides in it" in told
        assert "written.lock" in told  # how it is restored


def test_a_folder_without_a_repository_is_named_in_full(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"Error: {tmp_path}: This is not" in cli("-C", ".", "status").err


def test_a_doctor_names_the_port_that_a_sandbox_has_to_have(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QFLOW_GATEWAY", "http://127.0.0.1:9")
    done = cli("-C", str(project.path), "doctor", "qualys")
    assert "Start one there: `qflow-gitops sandbox --port 9`" in done.out


def test_a_plan_is_not_compared_with_itself(recorded: Workspace, cli: Cli) -> None:
    head = recorded.git("rev-parse", "HEAD").strip()[:10]
    assert f"compared with {head}" not in cli("plan").out
    recorded.commit("the record")
    assert f"compared with {head}" in cli("plan").out
