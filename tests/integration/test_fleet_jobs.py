"""A CI's jobs on a fleet: whose turn it is, and a job for each with one set of credentials."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.fleets import FleetOnDisk, fits, order_of

NAMES = ("c1", "a", "b")
ALONE = {"QFLOW_CLIENT_ID": "sandbox", "QFLOW_CLIENT_SECRET": "sandbox"}
"""What a job of one member holds, as a CI's environment gives it: names without a prefix."""


@pytest.fixture
def fleet(tmp_path: Path, sandbox: SandboxServer) -> FleetOnDisk:
    return FleetOnDisk(tmp_path, NAMES)


@pytest.fixture
def job(
    fleet: FleetOnDisk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """The program as jobs call it: one has a set without its name, the others none at all."""
    for name in os.environ:
        if name.startswith("QFLOW_CLIENT"):
            monkeypatch.delenv(name)
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    return Cli(fleet.clone.path, capfd)


@pytest.fixture
def turns(job: Cli) -> Callable[[], list[str]]:
    """Say whose turn it is."""

    def asked() -> list[str]:
        return [one["member"] for matrix in _matrices(job) for one in matrix["include"]]

    return asked


def _matrices(job: Cli) -> list[dict[str, list[dict[str, str]]]]:
    found: list[dict[str, list[dict[str, str]]]] = json.loads(job("fleet", "matrix").out)
    return found


def test_a_job_works_on_its_member_once_it_is_its_turn(
    job: Cli, turns: Callable[[], list[str]], sandbox: SandboxServer
) -> None:
    early = job("fleet", "work", "--one-set", "c1")
    assert early.code == 5, early
    assert "`qflow-gitops fleet matrix` opens a wave" in early.err
    assert _matrices(job) == [{"include": [{"member": "c1", "credentials": "C1", "wave": 1}]}]
    later = job("fleet", "work", "--one-set", "a")
    assert (later.code, sandbox.executions()) == (5, [])
    assert fits(job.json("fleet", "work", "--one-set", "c1"))["exitCode"] == 0
    assert job("fleet", "work", "--one-set", "c1").code == 0, "a job that is run again"
    assert turns() == ["a", "b"]
    for name in ("a", "b"):
        assert job("fleet", "work", "--one-set", name).code == 0
    assert order_of(sandbox.executions()) == ["c1-0", "a-0", "b-0"]
    told = fits(job.json("fleet", "matrix"))
    assert {one["standing"] for one in told["members"]} == {"done"}
    nobody = job("fleet", "matrix")
    assert (nobody.code, nobody.out) == (0, "[]\n")
    assert "3 members: 3 with nothing to do" in nobody.err


def test_a_job_that_comes_days_later_is_not_obeyed(
    job: Cli,
    turns: Callable[[], list[str]],
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that somebody starts again: what was looked at then may have moved since."""
    assert turns() == ["c1"]
    now = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda clock: now(clock) + timedelta(days=2))
    late = job("fleet", "work", "--one-set", "c1")
    assert (late.code, sandbox.executions()) == (5, []), late
    assert "since its wave isn't open" in late.err
    assert turns() == ["c1"]
    assert job("fleet", "work", "--one-set", "c1").code == 0


def test_a_jobs_exit_code_is_the_members(
    fleet: FleetOnDisk, job: Cli, sandbox: SandboxServer
) -> None:
    assert job("fleet", "matrix").code == 0
    sandbox.set_faults("fail")
    assert job("fleet", "work", "--one-set", "c1").code == 1
    sandbox.set_faults()
    stopped = job("fleet", "matrix", "--report", "text=-")
    assert (stopped.code, stopped.out.startswith("[]\n")) == (5, True)
    assert "wave 1 is stopped" in stopped.out
    assert "`qflow-gitops fleet matrix --ack wave=1 --reason TEXT`" in stopped.out
    assert job("fleet", "work", "--one-set", "a").code == 5
    released = job("fleet", "matrix", "--ack", "wave=1", "--reason", "It is a test account.")
    found = json.loads(released.out)[0]["include"]
    assert (released.code, [one["member"] for one in found]) == (0, ["a", "b"])
    assert job("fleet", "work", "--one-set", "a").code == 0


def test_what_failed_is_tried_again_by_the_next_run_and_not_by_its_rounds(
    job: Cli, turns: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what failed for a reason that may have passed, as credentials that Qualys refuses."""
    assert turns() == ["c1"]
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "wrong")
    assert job("fleet", "work", "--one-set", "c1").code == 4
    round_two = job("fleet", "matrix", "--no-retry")
    assert (round_two.code, json.loads(round_two.out)) == (5, [])
    assert turns() == ["c1"]


def test_only_one_wave_is_printed_where_one_is_asked_for(job: Cli) -> None:
    assert json.loads(job("fleet", "matrix", "--wave", "2").out) == []
    found = json.loads(job("fleet", "matrix", "--wave", "1").out)
    assert [one["member"] for one in found[0]["include"]] == ["c1"]


def test_a_workflow_gets_it_as_outputs(job: Cli, fleet: FleetOnDisk, tmp_path: Path) -> None:
    file = tmp_path / "outputs"
    assert job("fleet", "matrix", "--report", f"outputs={file}").code == 0
    told = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert told["members"] == "1"
    assert json.loads(told["matrices"])[0]["include"][0]["member"] == "c1"


def test_a_child_pipeline_has_a_job_for_each(job: Cli) -> None:
    assert job("fleet", "matrix", "--format", "gitlab").out == (
        "include: [{local: qflow-member.yml}]\n"
        '"member c1":\n'
        "  extends: .member\n"
        '  variables: {MEMBER: "c1"}\n'
        '  environment: {name: "C1"}\n'
    )


def test_what_cannot_be_worked_on_is_told(job: Cli) -> None:
    nobody = job("fleet", "work", "globex")
    assert nobody.code == 2
    assert "The fleet has no member globex." in nobody.err
    assert job("fleet", "status", "-v").code == 0
    several = job("fleet", "work", "--one-set", "a", "b")
    assert several.code == 2
    assert "several sets of credentials" in several.err


def test_a_commit_that_no_branch_has_opens_nothing(fleet: FleetOnDisk, job: Cli) -> None:
    fleet.clone.write("README.md", "not merged")
    fleet.clone.commit("not merged")
    for words in (("matrix",), ("work", "c1")):
        refused = job("fleet", *words)
        assert refused.code == 2, refused
        assert "Have it merged first." in refused.err


def test_without_its_set_a_job_has_no_credentials_and_says_so(
    job: Cli, sandbox: SandboxServer
) -> None:
    """Nothing without a prefix is a member's unless it is asked for."""
    assert job("fleet", "matrix").code == 0
    done = job("fleet", "work", "c1")
    assert (done.code, sandbox.executions()) == (4, []), done
