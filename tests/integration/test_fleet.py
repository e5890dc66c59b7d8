"""A fleet's apply over real git and the sandbox: waves, kills, two at once, changed files."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.fleet.reach import ProcessReach
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.settings.fleet import FleetMember
from tests.helpers.cli import Cli
from tests.helpers.fleets import FleetOnDisk, fits, order_of
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly
from tests.helpers.stores import fleet_store_of
from tests.helpers.storm import PROGRAM
from tests.helpers.workers import Hurry, with_children

NAMES = ("c1", "a", "b")
LEASE = 15.0
HURRIED = [sys.executable, "-c", Hurry(lease=LEASE).program()]
"""Whoever is killed amid a send is waited for as long as the intent's lease, shorter here."""


@pytest.fixture
def fleet(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> FleetOnDisk:
    return FleetOnDisk(tmp_path, NAMES).lends(monkeypatch)


@pytest.fixture
def operator(fleet: FleetOnDisk, capfd: pytest.CaptureFixture[str]) -> Cli:
    return Cli(fleet.clone.path, capfd)


def members(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in told["members"]}


def test_a_fleet_is_planned_applied_and_is_done(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    planned = fits(operator.json("fleet", "plan"))
    assert {name: one["action"] for name, one in members(planned).items()} == {
        "c1": "run", "a": "wait", "b": "wait",
    }  # fmt: skip
    assert sandbox.executions() == []
    done = operator("fleet", "apply")
    assert done.code == 0, done
    assert order_of(sandbox.executions())[0] == "c1-0"
    assert sorted(order_of(sandbox.executions())) == ["a-0", "b-0", "c1-0"]
    again = operator("fleet", "apply")
    assert again.code == 0
    assert "3 with nothing to do" in again.out
    assert len(sandbox.executions()) == 3
    fleet.change("a", "two")
    assert operator("fleet", "plan", "--exit-code").code == 10
    assert fits(operator.json("fleet", "apply"))["exitCode"] == 0
    assert order_of(sandbox.executions())[3:] == ["a-two"]
    status = fits(operator.json("fleet", "status"))
    assert {one["standing"] for one in status["members"]} == {"done"}


def test_a_canary_that_fails_stops_the_rest_until_somebody_says_otherwise(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("fail")
    stopped = operator("fleet", "apply")
    assert stopped.code == 1
    sandbox.set_faults()
    assert order_of(sandbox.executions()) == ["c1-0"]
    assert "wave 1 is stopped" in stopped.out
    kept = json.loads(fleet.remote.git("show", "qflow-fleet:fleet.lock"))["members"]["c1"]
    assert kept["lockCommit"] == Workspace(fleet.folder / "c1.git").git("rev-parse", "qflow-lock")
    assert "--ack wave=1 --reason TEXT" in stopped.out
    held = operator("fleet", "apply")
    assert (held.code, len(sandbox.executions())) == (5, 1)
    let_go = operator("fleet", "apply", "--ack", "wave=1", "--reason", "It is a test account.")
    assert let_go.code == 0, let_go
    assert sorted(order_of(sandbox.executions())) == ["a-0", "b-0", "c1-0"]


@nightly
def test_a_member_mended_in_its_own_clone_lets_the_wave_go_on(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sandbox.set_faults("fail")
    assert operator("fleet", "apply").code == 1
    sandbox.set_faults()
    monkeypatch.setenv("QFLOW_CLIENT_ID", "sandbox")
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "sandbox")
    own = Cli(fleet.folder / "c1", capfd)
    assert own("apply", "--yes", "--retry", "r0").code == 0
    assert operator("fleet", "apply").code == 0
    assert order_of(sandbox.executions())[:2] == ["c1-0", "c1-0"]
    assert len(sandbox.executions()) == 4


def test_a_pull_request_cannot_send_credentials_elsewhere_nor_loosen_its_own_waves(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    assert operator("fleet", "apply").code == 0
    for name in NAMES:
        fleet.change(name, "two")
    stolen = fleet.folder / "elsewhere.git"
    (fleet.folder / "b.git").rename(stolen)
    fleet.waves = "[{maxFailures: 100%}]"
    text = (fleet.clone.path / "fleet.yaml").read_text()
    assert fleet.write()
    changed = (fleet.clone.path / "fleet.yaml").read_text()
    assert changed != text
    fleet.clone.write("fleet.yaml", changed.replace(f"{fleet.folder}/b.git", str(stolen)))
    fleet.clone.commit("It moved, trust me")
    fleet.clone.git("push", "--quiet", "origin", "HEAD:main")
    sandbox.set_faults("fail")
    done = operator("fleet", "apply")
    assert order_of(sandbox.executions())[3:] == ["c1-two"], "the old waves hold, too"
    assert done.code == 1
    told = operator.json("fleet", "plan")
    assert told["loosened"] == [
        "wave 1: maxFailures 0 → 100%", "in an earlier wave: a (wave 2 → 1), b (wave 2 → 1)",
    ]  # fmt: skip
    held = members(told)["b"]
    assert held["action"] == "hold"
    assert "were never used for" in held["detail"]


def test_a_commit_that_nobody_merged_is_not_applied(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    fleet.clone.git("checkout", "--quiet", "-b", "mine")
    fleet.clone.write("fleet.yaml", (fleet.clone.path / "fleet.yaml").read_text() + "# mine\n")
    fleet.clone.commit("mine")
    refused = operator("fleet", "apply")
    assert refused.code == 2
    assert "isn't on" in refused.err
    assert sandbox.executions() == []
    assert operator("fleet", "apply", "--to", "HEAD~1").code == 0
    older = operator("fleet", "apply", "--to", "HEAD~1")
    assert older.code == 0
    assert operator("fleet", "apply", "--ack", "unmerged=1", "--reason", "x").code == 0
    assert operator("fleet", "apply").code == 0, "it was released, and is the same commit"
    fleet.clone.write("README.md", "more")
    fleet.clone.commit("more")
    assert operator("fleet", "apply").code == 2, "this one wasn't"
    back = operator("fleet", "apply", "--to", "HEAD~2")
    assert back.code == 0, "nothing was worked on since, so nothing is superseded"


@nightly
def test_a_driver_that_a_newer_one_has_overtaken_ends_and_turns_nothing_back(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    other = fleet.remote.clone("other")
    other.write("README.md", "more")
    newer = other.commit("newer")
    other.git("push", "--quiet", "origin", "HEAD:main")
    store, work = fleet_store_of(other.path, "branch"), ProcessReach.work

    def overtaken(reach: ProcessReach, member: FleetMember, words: Any) -> Any:
        store.change(lambda record: record.opened(1, newer, "2099-01-01T00:00:00Z"))
        return work(reach, member, words)

    monkeypatch.setattr(ProcessReach, "work", overtaken)
    done = operator("fleet", "apply")
    assert done.code == 7, done
    assert f"has gone on to commit {newer[:10]} meanwhile" in done.err
    assert "`qflow-gitops fleet status`" in done.err
    assert operator("fleet", "status").code == 0
    assert order_of(sandbox.executions()) == ["c1-0"]
    record = store.read()
    assert (record.commit, record.open) == (newer, 1)
    assert record.member("c1").seen
    monkeypatch.setattr(ProcessReach, "work", work)
    assert Cli(other.path, capfd)("fleet", "apply").code == 0
    assert sorted(order_of(sandbox.executions())) == ["a-0", "b-0", "c1-0"]


@pytest.mark.parametrize("command", ["status", "plan"])
def test_a_look_asks_for_the_fleets_branch_once(
    command: str, fleet: FleetOnDisk, operator: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = GitBranch.fetch

    def counted(branch: GitBranch) -> str:
        asked.append(branch.where)
        return fetch(branch)

    monkeypatch.setattr(GitBranch, "fetch", counted)
    assert operator("fleet", command).code == 0
    assert len(asked) == 1


def started(
    fleet: FleetOnDisk, clone: Path, url: str, program: Sequence[str] = PROGRAM
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*program, "-C", str(clone), "fleet", "apply", "--format", "json"],
        env=fleet.environ(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def test_of_two_applies_at_once_each_run_is_sent_once(
    fleet: FleetOnDisk, sandbox: SandboxServer
) -> None:
    other = fleet.remote.clone("other")
    both = [started(fleet, clone.path, sandbox.url) for clone in (fleet.clone, other)]
    ended = [process.communicate(timeout=110) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes[0] in (0, 6), ended
    assert set(codes) <= {0, 6}, ended
    sent = order_of(sandbox.executions())
    assert sorted(sent) == ["a-0", "b-0", "c1-0"]
    assert sent[0] == "c1-0"


@pytest.mark.parametrize(
    "after", [2.0, *(pytest.param(each / 2, marks=nightly) for each in range(1, 16) if each != 4)]
)
def test_whatever_is_killed_each_run_is_sent_once_and_in_order(
    after: float, fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The driver and all that it started die. The next one in its clone goes on at once.

    Elsewhere nobody can tell that they died: there its claims hold until their time is over.
    """
    process = started(fleet, fleet.clone.path, sandbox.url, HURRIED)
    time.sleep(after)
    killed(process)
    other = fleet.remote.clone("other").path
    away = Cli(other, capfd)("fleet", "apply")
    assert away.code in (0, 6), away
    goes_on(fleet, operator, sandbox, capfd)


@nightly
@pytest.mark.parametrize("fault", ["latency=5@run", "hang=30@run"])
def test_who_is_killed_between_an_intent_and_its_answer_is_waited_for_as_long_as_it_is_leased(
    fault: str, fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Whether it was executed or not."""
    sandbox.set_faults(fault)
    process = started(fleet, fleet.clone.path, sandbox.url, HURRIED)
    deadline = time.monotonic() + 60
    while not members_with("intent", fleet, capfd) and time.monotonic() < deadline:
        time.sleep(0.1)
    killed(process)
    sandbox.set_faults()
    assert goes_on(fleet, operator, sandbox, capfd) > 0


def killed(process: "subprocess.Popen[str]") -> None:
    with_children(process.pid, signal.SIGKILL)
    process.communicate()


def members_with(state: str, fleet: FleetOnDisk, capfd: pytest.CaptureFixture[str]) -> set[str]:
    """Name the members whose lockfile has a run in this state."""
    told = {name: Cli(fleet.folder / name, capfd).json("status") for name in fleet.names}
    return {
        name
        for name, one in told.items()
        if any((run["attempt"] or {}).get("state") == state for run in one["runs"])
    }


def goes_on(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> int:
    """Apply until all is done; say how often it was refused, which only an intent's lease may.

    What was to be sent and is nowhere once the lease is over is in doubt, and a person looks.
    """
    refused, deadline = 0, time.monotonic() + 2 * LEASE
    while (done := operator("fleet", "apply")).code in (6, 9):
        assert time.monotonic() < deadline, done
        if done.code == 9:
            doubtful = members_with("in_doubt", fleet, capfd)
            assert doubtful, done
            for name in doubtful:
                assert f"{name}-0" not in order_of(sandbox.executions())
                say = ("resolve", "r0", "--absent", "--reason", "looked in Qualys")
                with pytest.MonkeyPatch.context() as own:
                    own.setenv("QFLOW_CLIENT_ID", "sandbox")
                    own.setenv("QFLOW_CLIENT_SECRET", "sandbox")
                    assert Cli(fleet.folder / name, capfd)(*say).code == 0
        else:
            assert members_with("intent", fleet, capfd), done
            refused += 1
            time.sleep(1)
    assert done.code == 0, done
    sent = order_of(sandbox.executions())
    assert sorted(sent) == ["a-0", "b-0", "c1-0"]
    assert sent[0] == "c1-0"
    return refused


def test_a_signal_ends_it_and_gives_back_what_it_claimed(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    sandbox.set_faults("latency=2")
    process = started(fleet, fleet.clone.path, sandbox.url)
    deadline = time.monotonic() + 60
    while not sandbox.requests() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143, (out, err)
    sandbox.set_faults()
    record = json.loads(fleet.remote.git("show", "qflow-fleet:fleet.lock"))
    assert [one["claim"] for one in record["members"].values() if one["claim"]] == []
    assert operator("fleet", "apply").code == 0
    assert sorted(order_of(sandbox.executions())) == ["a-0", "b-0", "c1-0"]
