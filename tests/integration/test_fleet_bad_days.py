"""A fleet on bad days: no room, no right, remotes that hang or go, clones that lack something.

Each time it says what was not done, and once the cause is gone the same command sends what is left.
"""

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qflow_gitops.cli import fleet_wiring
from qflow_gitops.cli.clock import SystemClock
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.disks import read_only, small_disk
from tests.helpers.fleets import FleetOnDisk, order_of
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly
from tests.helpers.storm import PROGRAM

NAMES = ("c1", "a")


@pytest.fixture
def fleet(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> FleetOnDisk:
    return FleetOnDisk(tmp_path, NAMES).lends(monkeypatch)


@pytest.fixture
def operator(fleet: FleetOnDisk, capfd: pytest.CaptureFixture[str]) -> Cli:
    return Cli(fleet.clone.path, capfd)


@pytest.fixture
def goes_on(fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer) -> Callable[..., None]:
    """The next apply sends what is left, each once, and the record is whole."""

    def check(cli: Cli = operator) -> None:
        done = cli("fleet", "apply")
        assert done.code == 0, done.out + done.err
        assert sorted(order_of(sandbox.executions())) == ["a-0", "c1-0"]
        record = json.loads(fleet.remote.git("show", "qflow-fleet:fleet.lock"))
        assert {name: one["standing"] for name, one in record["members"].items()} == {
            "c1": "done", "a": "done",
        }  # fmt: skip
        assert not [one for one in record["members"].values() if one["claim"]]

    return check


def kind(done: Done, code: int, *words: str) -> None:
    """It ended with this code, and said so as a person wants to be told."""
    said = done.out + done.err
    assert done.code == code, said
    assert "Traceback" not in said, said
    for word in words:
        assert word in said, said


# --- this machine ----------------------------------------------------------------------


@nightly
def test_a_full_disk_sends_nothing(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None]
) -> None:
    with small_disk(fleet.clone.path) as disk:
        disk.fill()
        kind(operator("fleet", "apply"), 11, "Out of diskspace", "→")
        assert sandbox.executions() == []
        disk.empty()
        goes_on()


@nightly
def test_a_git_directory_that_is_read_only_sends_nothing(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None]
) -> None:
    with read_only(fleet.clone.path / ".git"):
        kind(operator("fleet", "apply"), 11, "→")
        assert sandbox.executions() == []
    goes_on()


@nightly
def test_a_folder_of_clones_that_is_read_only_sends_nothing(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None]
) -> None:
    folder = fleet.clone.path / ".git/qflow-gitops"
    folder.mkdir()
    with read_only(folder):
        kind(operator("fleet", "apply"), 5, "A member's clone can't be used", "fix the folder's")
        assert sandbox.executions() == []
    goes_on()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("sleep 60", "it took longer than"),
        ("head -c 100000000 /dev/zero", "it printed more than 16 MiB and was ended"),
        ("false", "it ended with 1"),
        ("no-such-program", "No such file"),
        ("sh -c 'echo unclosed", "No closing quotation"),
        ("sh -c 'echo it broke >&2; exit 3'", "it ended with 3, and said: it broke"),
        ("sh -c 'echo password=canary-4711 --token canary-4711 >&2; exit 1'", "***"),
        ("curl-like -H 'Authorization: Bearer canary-4711'", "No such file"),
    ],
)
def test_an_inventory_that_does_not_work_is_told_and_nobody_is_looked_at(
    command: str, why: str, operator: Cli, sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(fleet_wiring, "_INVENTORY_TIME", 0.5 if "sleep" in command else 20.0)
    done = operator("fleet", "apply", "--inventory", command)
    kind(done, 2, "The inventory's command doesn't work", why, "No member was looked at")
    assert "canary" not in done.out + done.err
    assert sandbox.executions() == []


@nightly
def test_a_driver_whose_clock_is_an_hour_ahead_sends_nothing_twice(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as ahead:
        now = lambda _: datetime.now(UTC) + timedelta(hours=1)  # noqa: E731
        ahead.setattr(SystemClock, "now", now)
        assert operator("fleet", "apply").code == 0
    goes_on()


# --- the fleet's repository --------------------------------------------------------------


def test_a_bare_clone_is_told_where_to_work(
    fleet: FleetOnDisk, capfd: pytest.CaptureFixture[str]
) -> None:
    bare = fleet.remote.clone("bare.git", "--bare").path
    done = Cli(bare, capfd)("fleet", "apply")
    kind(done, 2, "bare repository", "worktree add")
    command = shlex.split(done.err.partition("`")[2].partition("`")[0])
    subprocess.run(command, check=True, capture_output=True)
    kind(Cli(Path(command[-1]), capfd)("fleet", "status"), 0)


@nightly
@pytest.mark.parametrize("how", ["--filter=blob:none", "--depth=1", "--no-checkout"])
def test_a_clone_that_is_not_whole_does(
    how: str, fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer,
    capfd: pytest.CaptureFixture[str], goes_on: Callable[..., None],
) -> None:  # fmt: skip
    """What was begun at the commit before isn't over, so that its waves hold as well."""
    sandbox.set_faults("fail")
    assert operator("fleet", "apply").code == 1
    sandbox.set_faults()
    fleet.remote.git("config", "uploadpack.allowFilter", "true")
    fleet.waves = "[{select: {tier: canary}, maxFailures: 1}, {}]"
    fleet.write()
    other = fleet.remote.clone("other", how)
    clone = Cli(other.path, capfd)
    if "filter" in how:
        for command in ("plan", "apply"):
            lacking = clone("fleet", command)
            kind(lacking, 3, "can't be read from this clone", "git fetch --refetch --no-filter")
        other.git("fetch", "--quiet", "--refetch", "--no-filter", "origin")
    kind(clone("fleet", "plan"), 0, "wave 1 is stopped")
    let_go = clone("fleet", "apply", "--ack", "wave=1", "--reason", "a test")
    kind(let_go, 0)
    assert sorted(order_of(sandbox.executions())) == ["a-0", "c1-0"]


@nightly
def test_a_remote_that_is_gone_amid_a_wave_is_told(
    fleet: FleetOnDisk, sandbox: SandboxServer, goes_on: Callable[..., None]
) -> None:
    sandbox.set_faults("latency=2")
    process = started(fleet, sandbox.url)
    wait_for(lambda: bool(sandbox.requests()))
    gone = fleet.remote.path.rename(fleet.folder / "gone.git")
    done = ended(process)
    kind(done, 11, "fleet.git", "→")
    gone.rename(fleet.remote.path)
    sandbox.set_faults()
    goes_on()


# --- members -----------------------------------------------------------------------------


def test_an_empty_member_and_one_without_settings_are_told_and_the_others_go_on(
    tmp_path: Path, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fleet = FleetOnDisk(tmp_path, ("a", "empty", "plain"), waves="[{maxFailures: 100%}]")
    for name, value in fleet.credentials("sandbox", "sandbox").items():
        monkeypatch.setenv(name, value)
    Remote(tmp_path / "empty.git").git("update-ref", "-d", "refs/heads/main")
    plain = Workspace(tmp_path / "plain")
    plain.git("rm", "--quiet", "qflow.yaml")
    plain.commit("no settings")
    plain.git("push", "--quiet", "origin", "HEAD:main")
    done = Cli(fleet.clone.path, capfd)("fleet", "apply")
    kind(done, 5, "The repository of the member empty has no branch main", "lock move --to branch")
    assert order_of(sandbox.executions()) == ["a-0"]
    assert "--ack" not in done.out, "there is no wave that could be let go on"
    assert "Fix the member, then: `qflow-gitops fleet apply`" in done.out


def by_ssh(fleet: FleetOnDisk) -> Path:
    """Let the member `a` be reached by ssh; the program that is to be taken for it."""
    text = (fleet.clone.path / "fleet.yaml").read_text()
    there = f"{fleet.folder}/a.git"
    fleet.clone.write("fleet.yaml", text.replace(there, f"ssh://git@127.0.0.1{there}"))
    fleet.clone.commit("by ssh")
    fleet.clone.git("push", "--quiet", "origin", "HEAD:main")
    return fleet.folder / "ssh"


def hangs(ssh: Path, from_call: int) -> None:
    """Write an ssh that hangs from its n-th call on, and reaches this machine before."""
    calls = ssh.with_name("calls")
    calls.unlink(missing_ok=True)
    ssh.write_text(
        f"#!/bin/sh\necho >>{calls}\n[ $(wc -l <{calls}) -lt {from_call} ] || exec sleep 300\n"
        'for last; do :; done; exec sh -c "$last"\n'
    )
    ssh.chmod(0o755)


def test_a_member_whose_remote_hangs_is_told_and_the_others_go_on(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fleet.waves = "[{maxFailures: 100%}]"
    fleet.write()
    ssh = by_ssh(fleet)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    hangs(ssh, 1)
    monkeypatch.setattr("qflow_gitops.git.clones.ASK", 1.0)
    begun = time.monotonic()
    kind(operator("fleet", "apply"), 5, "The member's remote doesn't answer", "took too long")
    assert time.monotonic() - begun < 20, "it isn't asked again and again"
    assert order_of(sandbox.executions()) == ["c1-0"]
    hangs(ssh, 1000)
    goes_on()


# --- signals -----------------------------------------------------------------------------


@nightly
def test_a_signal_while_a_member_is_cloned_ends_it_soon(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ssh = by_ssh(fleet)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    hangs(ssh, 3)
    process = started(fleet, sandbox.url, GIT_SSH_COMMAND=str(ssh))
    calls = ssh.with_name("calls")
    wait_for(lambda: calls.exists() and calls.read_text().count("\n") >= 3)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert time.monotonic() - begun < 20
    kind(done, 143)
    hangs(ssh, 1000)
    goes_on()


@nightly
def test_two_signals_end_it_at_once_and_the_next_one_waits_for_what_was_begun(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, goes_on: Callable[..., None]
) -> None:
    sandbox.set_faults("latency=3")
    process = started(fleet, sandbox.url)
    wait_for(lambda: bool(sandbox.requests()))
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    done = ended(process)
    assert time.monotonic() - begun < 2
    kind(done, 130)
    sandbox.set_faults()
    goes_on()


def started(fleet: FleetOnDisk, url: str, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*PROGRAM, "-C", str(fleet.clone.path), "fleet", "apply"],
        env=fleet.environ(url) | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> Done:
    out, err = process.communicate(timeout=100)
    return Done(process.returncode, out, err)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
