"""The workflows of `examples/fleet`, run as GitHub's runner would, against real git and the
sandbox."""

from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.fleets import FleetOnDisk, order_of
from tests.helpers.partners import nightly
from tests.helpers.runner import ROOT, Job, Runner, Step, workflow

NAMES = ("c1", "a", "b")
ROUNDS = ("round-1", "round-2", "round-3", "round-4")


@pytest.fixture
def fleet(tmp_path: Path) -> FleetOnDisk:
    return FleetOnDisk(tmp_path / "fleet", NAMES)


def secrets_of(name: str) -> dict[str, str]:
    return {
        "QFLOW_CLIENT_ID": "test-client", "QFLOW_CLIENT_SECRET": "test-canary-secret",
        "GIT_TOKEN": f"test-canary-git-{name}",
    }  # fmt: skip


@pytest.fixture
def runner(
    fleet: FleetOnDisk, sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """A runner that has an environment for each set of credentials, and no secret beside them."""
    for name in ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET", "QFLOW_GATEWAY"):
        monkeypatch.delenv(name)
    (tmp_path / "runner").mkdir()
    return Runner(
        fleet.remote, tmp_path / "runner",
        machine={"QFLOW_GATEWAY": sandbox.url, "PYTHONPATH": str(ROOT)},
        environments={
            "fleet-read": {"FLEET_GIT_TOKEN": "test-canary-read"},
            **{name.upper(): secrets_of(name) for name in NAMES},
        },
    )  # fmt: skip


def run(runner: Runner) -> dict[str, Job]:
    return runner.run("qflow-waves.yml", "push", "refs/heads/main", {})


def worked(job: Job) -> dict[str, str]:
    """The members that a round worked on, and how their jobs ended."""
    return {name: one.result for name, one in job.inner["work"].inner.items()} if job.inner else {}


def steps(jobs: dict[str, Job]) -> list[tuple[str, Step]]:
    """Every step, with the path of its job."""
    found = []
    for name, job in jobs.items():
        found += [(name, step) for step in job.steps]
        found += [(f"{name}/{inner}", step) for inner, step in steps(job.inner)]
    return found


def test_wave_after_wave_each_member_has_a_job_with_its_own_secrets(
    runner: Runner, sandbox: SandboxServer
) -> None:
    jobs = run(runner)
    log = "".join(step.out for _, step in steps(jobs))
    assert [worked(jobs[name]) for name in ROUNDS] == [
        {"c1": "success"}, {"a": "success", "b": "success"}, {}, {},
    ], log  # fmt: skip
    assert {name: job.result for name, job in jobs.items()} == {
        "round-1": "success", "round-2": "success", "round-3": "success", "round-4": "skipped",
        "left": "success",
    }  # fmt: skip
    assert order_of(sandbox.executions()) == ["c1-0", "a-0", "b-0"]
    for path, step in steps(jobs):
        held = {value for value in step.environ.values() if "test-canary" in value}
        name = path.rpartition("/")[2]
        wanted = {
            "turns": {"test-canary-read"}, "left": set(),
        }.get(name, {"test-canary-secret", f"test-canary-git-{name}"})  # fmt: skip
        assert held == wanted, path
    assert "canary" not in log
    assert "3 with nothing to do" in jobs["left"].summary
    (first,) = jobs["round-1"].inner["turns"].steps
    assert set(first.outputs) == {"exit-code", "reason", "members", "matrices", "reports"}


def test_a_canary_that_fails_lets_no_other_wave_begin_and_all_is_red(
    runner: Runner, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("fail")
    jobs = run(runner)
    assert worked(jobs["round-1"]) == {"c1": "failure"}
    assert worked(jobs["round-2"]) == {}
    assert [jobs[name].result for name in (*ROUNDS, "left")] == [
        "failure", "failure", "skipped", "skipped", "failure",
    ]  # fmt: skip
    assert "wave 1 is stopped" in jobs["round-2"].inner["turns"].log
    assert order_of(sandbox.executions()) == ["c1-0"]


@nightly
def test_the_next_run_goes_on_and_sends_nothing_twice(
    runner: Runner, sandbox: SandboxServer
) -> None:
    whole = runner.environments
    runner.environments = {name: one for name, one in whole.items() if name != "A"}
    first = run(runner)
    assert worked(first["round-2"]) == {"a": "failure", "b": "failure"}, "it stopped the wave"
    runner.environments = whole
    again = run(runner)
    assert worked(again["round-1"]) == {"a": "success", "b": "success"}
    assert worked(again["round-2"]) == {}
    assert order_of(sandbox.executions()) == ["c1-0", "a-0", "b-0"]


@nightly
def test_a_freeze_holds_all_of_it(runner: Runner, sandbox: SandboxServer) -> None:
    runner.variables = {"QFLOW_FREEZE": "incident 42"}
    jobs = run(runner)
    assert [worked(jobs[name]) for name in ROUNDS] == [{}, {}, {}, {}]
    assert "Everything is held" in jobs["round-1"].inner["turns"].log
    assert sandbox.executions() == []


def test_in_a_copy_of_the_repository_nobody_is_worked_on(runner: Runner) -> None:
    runner.here = "stranger/runs"
    assert {job.result for job in run(runner).values()} == {"skipped"}


def test_a_round_may_write_nothing_but_the_repositorys_contents() -> None:
    for name in ("qflow-fleet.yml", "qflow-waves.yml"):
        found = workflow(name)
        assert found["permissions"] == {}
        for job in found["jobs"].values():
            assert set(job["permissions"]) == {"contents"}
    rounds = [job for name, job in workflow("qflow-waves.yml")["jobs"].items() if name in ROUNDS]
    assert all(job["uses"] == rounds[0]["uses"] for job in rounds)
    assert (ROOT / "examples/fleet" / Path(rounds[0]["uses"]).name).is_file()
