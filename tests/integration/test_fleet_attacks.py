"""A fleet whose file, history or processes somebody has tampered with, over real git."""

import os
import shlex
import signal
import time
from pathlib import Path

import pytest

from qflow_gitops.cli import fleet_wiring
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.fleets import MEMBER, FleetOnDisk, order_of
from tests.helpers.git import Workspace
from tests.helpers.partners import nightly
from tests.helpers.specs import spec
from tests.integration.test_fleet import fleet, members, operator, started

__all__ = ["fleet", "operator"]

LENIENT = "[{select: {tier: canary}, maxFailures: 100%}, {maxFailures: 100%}]"


def children_of(pid: int) -> list[int]:
    return [
        int(each)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for each in file.read_text(encoding="ascii").split()
    ]


def members_process(pid: int) -> int:
    """Return the process that works on a member: it leads a session of its own."""
    return next(each for each in children_of(pid) if os.getsid(each) == each)


def until_asked(sandbox: SandboxServer, path: str = "/run") -> None:
    deadline = time.monotonic() + 60
    while not any(path in str(each) for each in sandbox.requests()):
        assert time.monotonic() < deadline, "nobody asked"
        time.sleep(0.05)


@nightly
def test_a_member_that_is_killed_amid_a_request_keeps_the_later_waves_waiting(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    """What it sent is known to nobody: that is no failure, however many of those may pass."""
    fleet.waves = LENIENT
    fleet.write()
    sandbox.set_faults("latency=4")
    process = started(fleet, fleet.clone.path, sandbox.url)
    until_asked(sandbox)
    os.kill(members_process(process.pid), signal.SIGKILL)
    out, err = process.communicate(timeout=110)
    sandbox.set_faults()
    standing = members(operator.json("fleet", "status"))["c1"]["standing"]
    assert standing in ("doubt", "open"), (out, err)
    assert {"a-0", "b-0"}.isdisjoint(order_of(sandbox.executions()))


@nightly
def test_who_comes_to_a_clone_where_a_process_still_works_calls_that_no_failure(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver was killed, its member's process goes on, and has the clone."""
    monkeypatch.setattr(fleet_wiring, "_PATIENCE", 0.5)
    sandbox.set_faults("latency=4")
    process = started(fleet, fleet.clone.path, sandbox.url)
    until_asked(sandbox)
    child = members_process(process.pid)
    process.kill()
    process.communicate()
    second = operator("fleet", "apply")
    assert second.code == 6, second
    assert "stopped" not in second.out
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    sandbox.set_faults()
    assert operator("fleet", "apply").code == 0
    assert sorted(order_of(sandbox.executions())) == ["a-0", "b-0", "c1-0"]


def test_a_broken_file_keeps_nobody_from_a_freeze(fleet: FleetOnDisk, operator: Cli) -> None:
    fleet.clone.write("fleet.yaml", "kind: Fleet\n")
    fleet.clone.commit("broken")
    assert operator("fleet", "freeze", "--reason", "It is on fire.").code == 0
    assert operator("fleet", "unfreeze", "--reason", "It is out.").code == 0


def test_where_history_was_rewritten_a_person_goes_on(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    assert operator("fleet", "apply").code == 0
    fleet.clone.git("commit", "--quiet", "--amend", "-m", "rewritten")
    fleet.clone.git("push", "--quiet", "--force", "origin", "HEAD:main")
    refused = operator("fleet", "apply")
    assert refused.code == 7
    assert "--ack rewritten=1 --reason TEXT" in refused.err
    assert operator("fleet", "apply", "--ack", "rewritten=1").code == 2, "it needs a reason"
    done = operator("fleet", "apply", "--ack", "rewritten=1", "--reason", "A file was too large.")
    assert done.code == 0, done
    assert len(sandbox.executions()) == 3
    assert "A file was too large." in fleet.remote.git("show", "qflow-fleet:fleet.lock")


@nightly
def test_where_a_commit_that_was_let_go_was_merged_as_another_one_the_way_on_works(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    """Its branch is still there, and no pull brings both together."""
    clone = fleet.clone
    clone.git("switch", "--quiet", "--create", "fix")
    clone.write("README.md", "It was urgent.\n")
    clone.commit("urgent")
    clone.git("push", "--quiet", "origin", "HEAD:fix")
    assert operator("fleet", "apply", "--ack", "unmerged=1", "--reason", "urgent").code == 0
    clone.git("switch", "--quiet", "main")
    clone.write("README.md", "It was urgent.\n")
    clone.commit("squashed")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    refused = operator("fleet", "apply")
    assert refused.code == 7
    merge = shlex.split(refused.err.partition("Merge it: `")[2].partition("`")[0])
    clone.git(*merge[1:])
    clone.git("push", "--quiet", "origin", "HEAD:main")
    assert operator("fleet", "apply").code == 0
    assert len(sandbox.executions()) == 3


def test_a_shallow_clone_gets_what_it_lacks(
    fleet: FleetOnDisk, operator: Cli, capfd: pytest.CaptureFixture[str]
) -> None:
    """A CI's clone has one commit."""
    assert operator("fleet", "apply").code == 0
    fleet.more = "  apply: {atOnce: 2}\n"
    fleet.write()
    shallow = fleet.folder / "shallow"
    address = f"file://{fleet.folder}/fleet.git"
    Workspace(fleet.folder).git("clone", "--quiet", "--depth=1", address, str(shallow))
    done = Cli(shallow, capfd)("fleet", "apply")
    assert done.code == 0, done


@nightly
def test_a_remote_by_another_name_holds_the_record(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    fleet.clone.git("remote", "rename", "origin", "upstream")
    assert operator("fleet", "apply").code == 0
    assert "qflow-fleet" in fleet.remote.git("branch")
    fleet.clone.git("remote", "add", "other", str(fleet.folder / "a.git"))
    refused = operator("fleet", "apply")
    assert (refused.code, "None of the remotes is called origin" in refused.err) == (3, True)
    assert "git remote rename other origin" in refused.err
    fleet.clone.git("remote", "rename", "upstream", "origin")
    assert operator("fleet", "apply").code == 0


def test_a_file_that_was_moved_loosens_no_wave(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = fleet.clone.path / "f"
    folder.mkdir()
    moved(fleet, "fleet.yaml", "f/fleet.yaml")
    sandbox.set_faults("fail")
    assert Cli(folder, capfd)("fleet", "apply").code == 1
    sandbox.set_faults()
    fleet.clone.write(
        "f/fleet.yaml", (folder / "fleet.yaml").read_text().replace(fleet.waves, LENIENT)
    )
    moved(fleet, "f/fleet.yaml", "fleet.yaml")
    refused = operator("fleet", "apply")
    assert refused.code == 2
    assert "--ack moved=1 --reason TEXT" in refused.err
    assert order_of(sandbox.executions()) == ["c1-0"]
    meant = operator("fleet", "apply", "--ack", "moved=1", "--reason", "It is the only one.")
    assert meant.code == 5, meant
    assert len(sandbox.executions()) == 3


def moved(fleet: FleetOnDisk, old: str, new: str) -> None:
    fleet.clone.git("mv", old, new)
    fleet.clone.git("add", "--all")
    fleet.clone.commit(f"{old} is {new}")
    fleet.clone.git("push", "--quiet", "origin", "HEAD:main")


@nightly  # tests/unit/fleet has what is loosened when
def test_an_empty_commit_after_it_does_not_loosen_waves_either(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer
) -> None:
    """Of three commits the first one's waves hold until all of them are over."""
    canary = Workspace(fleet.folder / "c1")
    canary.write("runs/more.yaml", spec("more", "c1-more"))
    canary.write("qflow.yaml", MEMBER.replace("runs: 100", "runs: 1"))
    canary.commit("more than a person has to allow")
    canary.git("push", "--quiet", "origin", "HEAD:main")
    assert operator("fleet", "apply").code == 5
    fleet.waves = "[{}]"
    fleet.write()
    assert operator("fleet", "apply").code == 5
    fleet.clone.write("README.md", "nothing\n")
    fleet.clone.commit("nothing")
    fleet.clone.git("push", "--quiet", "origin", "HEAD:main")
    assert operator("fleet", "apply").code == 5
    assert sandbox.executions() == []


def test_a_member_whose_lockfile_is_gone_is_not_taken_for_a_new_one(
    fleet: FleetOnDisk, operator: Cli, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """A CI's clone knows nothing of it; fleet.lock does."""
    assert operator("fleet", "apply").code == 0
    remote = Workspace(fleet.folder / "c1.git")
    tip = remote.git("rev-parse", "qflow-lock")
    remote.git("update-ref", "-d", "refs/heads/qflow-lock")
    fresh = Cli(fleet.remote.clone("fresh").path, capfd)
    for _ in range(2):
        refused = fresh("fleet", "apply")
        assert refused.code == 11, refused
    assert len(sandbox.executions()) == 3
    assert f"git push origin {tip}:refs/heads/BRANCH" in refused.err + refused.out
    remote.git("update-ref", "refs/heads/qflow-lock", tip)
    assert fresh("fleet", "apply").code == 0
    assert len(sandbox.executions()) == 3
