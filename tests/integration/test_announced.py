"""What is announced on one machine survives kills, full disks and whoever else is at work.

`.ci/run` kills at every fourth step, `.ci/nightly` at each.
"""

import errno
import json
import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from qflow_gitops.base import atomic
from qflow_gitops.errors import BusyError
from qflow_gitops.sandbox.server import SandboxServer
from qflow_gitops.stores import announced
from qflow_gitops.stores.announced import Announced
from qflow_gitops.stores.worktree import WorktreeStore
from qflow_gitops.stores.worktree_session import WorktreeSession
from tests.helpers.cli import Cli
from tests.helpers.git import Workspace
from tests.helpers.kills import Killer
from tests.helpers.partners import rows

STEPS = 24  # of a freeze, or of an apply with nothing to send, that go into the lockfile
BATCHES = 4


def store(workspace: Workspace) -> WorktreeStore:
    folder = workspace.path / ".git/qflow-gitops"
    return WorktreeStore(workspace.path / "qflow.lock", folder, lineage="")


def heard(workspace: Workspace) -> list[str]:
    """The reasons of all events of the head, as a reader sees them now."""
    lockfile = store(workspace).read().lockfile
    notes = lockfile.notes if lockfile else ()
    assert len({one.text("nonce") for one in notes}) == len(notes)
    return [one.text("reason") for one in notes]


def folder(workspace: Workspace) -> set[str]:
    return {one.name for one in (workspace.path / ".git/qflow-gitops").iterdir()}


def settled(workspace: Workspace, cli: Cli) -> None:
    """Whatever was left lying about, the next writer tidies up, and all is in the lockfile."""
    before = heard(workspace)
    assert cli("freeze", "--reason", "the last").code == 0
    assert heard(workspace) == [*before, "the last"]
    written = json.loads(workspace.read("qflow.lock"))
    assert [one["reason"] for one in written["freeze"]] == [*before, "the last"]
    assert not {"announced", "journal"} & folder(workspace)
    assert cli("lock", "verify").code == 0


# --- kills ---------------------------------------------------------------------------


@pytest.mark.parametrize("batch", rows(range(BATCHES), lambda batch: batch == 0))
def test_killed_at_any_step_no_event_is_lost_or_there_twice(
    batch: int, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """Each process begins with what the kills before it left.

    What a command said it had written stays; what was seen once stays, in its place.
    """
    assert cli("baseline", "--yes", "--reason", "ran by hand before").code == 0
    killer = Killer(project.path, everything=batch % 2 == 0)
    points = list(range(batch + 1, STEPS + 1, BATCHES))
    points += [STEPS + 1 + batch]
    random.Random(batch).shuffle(points)
    seen: list[str] = []
    killed = 0
    for number, point in enumerate(points):
        for command in ("freeze", "apply" if number % 2 else "unfreeze"):
            reason = f"{command} {number}"
            words = ("apply", "--yes") if command == "apply" else (command, "--reason", reason)
            ended = killer.run(point, *words)
            killed += ended.killed
            assert ended.killed or ended.status == 0, ended.out
            now = heard(project)
            assert now[: len(seen)] == seen, ended
            assert set(now[len(seen) :]) <= {reason}, ended
            if command == "freeze" and "Recorded in" in ended.out:
                assert reason in now, ended
            seen = now
            cli.json("status")
    assert killed >= len(points)
    settled(project, cli)
    assert sandbox.requests("POST", "/run") == []


def test_a_process_that_dies_right_after_the_line_has_frozen(
    project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    """The step at which the line is durable, and nothing else has been done."""
    killer = Killer(project.path, everything=True)
    for point in range(1, STEPS):
        ended = killer.run(point, "freeze", "--reason", "incident 42")
        if heard(project):
            break
    assert ended.killed
    assert "announced" in folder(project)
    done = cli("apply", "--yes")
    assert (done.code, sandbox.requests()) == (5, [])
    assert "incident 42" in done.out
    assert cli("unfreeze", "--reason", "over").code == 0
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1


# --- between two writes of one process -----------------------------------------------


def announce(workspace: Workspace, reason: str) -> None:
    from qflow_gitops.lockfile.notes import LedgerEvent

    event = LedgerEvent("2026-01-01T00:00:00Z", "frozen", {"reason": reason, "nonce": reason})
    store(workspace).announce(lambda _: event)


def test_what_the_lockfile_has_and_the_file_too_counts_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a crash between the two leaves it; the next session takes the file away."""
    with monkeypatch.context() as patched:
        patched.setattr(Announced, "clear", lambda *_: None)
        announce(workspace, "a")
        assert "announced" in folder(workspace)
        announce(workspace, "b")
        assert heard(workspace) == ["a", "b"]
    before = workspace.read("qflow.lock")
    with store(workspace).session():
        pass
    assert workspace.read("qflow.lock") == before
    assert "announced" not in folder(workspace)
    assert heard(workspace) == ["a", "b"]


def test_a_session_that_dies_with_a_journal_has_taken_it_in_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the journal and in the file, and in no lockfile yet."""
    with monkeypatch.context() as patched:
        patched.setattr(WorktreeSession, "close", lambda _: None)
        announce(workspace, "a")
    assert {"announced", "journal"} <= folder(workspace)
    assert not (workspace.path / "qflow.lock").exists()
    assert heard(workspace) == ["a"]
    announce(workspace, "b")
    assert heard(workspace) == ["a", "b"]
    assert not {"announced", "journal"} & folder(workspace)


def test_what_was_announced_moves_along_with_its_project(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is part of what a clone remembers of a lockfile, which a person moves by one command."""
    assert cli("freeze", "--reason", "a").code == 0

    def busy(_: WorktreeStore) -> None:
        raise BusyError("somebody is at work")

    with monkeypatch.context() as patched:
        patched.setattr(WorktreeStore, "session", busy)
        assert cli("freeze", "--reason", "b").code == 0
    (project.path / "below").mkdir()
    for name in ("qflow.yaml", "runs", "qflow.lock"):
        project.move(name, f"below/{name}")
    project.commit("moved")
    below = Cli(project.path / "below", cli._capfd)
    refused = below("plan")
    assert refused.code == 11
    (command,) = re.findall(r"`(mkdir [^`]+)`", refused.err)
    subprocess.run(["bash", "-ec", command], check=True)
    assert [one["reason"] for one in below.json("plan")["frozen"]] == ["a", "b"]


def test_nothing_is_removed_while_somebody_announces(workspace: Workspace) -> None:
    """A line that is being added to a file that is just removed would be lost."""
    with store(workspace).session() as session:
        announce(workspace, "a")
        gate = Announced(workspace.path / ".git/qflow-gitops", "qflow.lock")
        with gate.alone():
            session.close()
            assert "announced" in folder(workspace)
    assert heard(workspace) == ["a"]
    announce(workspace, "b")
    assert heard(workspace) == ["a", "b"]
    assert "announced" not in folder(workspace)


def test_one_who_hangs_keeps_others_from_announcing_and_no_apply_from_its_work(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announced, "PATIENCE", 0.1)
    (project.path / ".git/qflow-gitops").mkdir()
    with Announced(project.path / ".git/qflow-gitops", "qflow.lock").alone():
        refused = cli("freeze", "--reason", "incident 42")
        assert refused.code == 6
        assert "doesn't come to an end" in refused.err
        assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    assert cli("freeze", "--reason", "incident 42").code == 0


# --- room ----------------------------------------------------------------------------


def no_room(monkeypatch: pytest.MonkeyPatch, name: str) -> pytest.MonkeyPatch:
    """Let one file of the private folder not grow any more."""
    real = atomic._reserve

    def reserve(descriptor: int, *rest: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor, *rest)

    monkeypatch.setattr(atomic, "_reserve", reserve)
    return monkeypatch


def test_without_room_for_the_line_nothing_is_frozen_and_it_says_so(
    project: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as during:
        no_room(during, "announced")
        refused = cli("freeze", "--reason", "incident 42")
    assert refused.code == 11
    assert "No space left" in refused.err
    assert "It is not frozen by this" in refused.err
    assert heard(project) == []
    assert cli("freeze", "--reason", "incident 42").code == 0


def test_a_freeze_that_does_not_fit_into_the_lockfile_holds_all_the_same(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An apply that can't take it in sends nothing either."""
    with monkeypatch.context() as during:
        no_room(during, "journal")
        assert cli("freeze", "--reason", "incident 42").code == 0
        assert [one["reason"] for one in cli.json("status")["frozen"]] == ["incident 42"]
        assert cli("apply", "--yes").code == 11
    assert sandbox.requests() == []
    assert cli("apply", "--yes").code == 5
    assert "incident 42" in project.read("qflow.lock")


def test_an_answer_has_its_room_although_a_freeze_came(
    project: Workspace, cli: Cli, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, and a freeze announced, once the request is out."""
    from qflow_gitops.apply.launch import Launch

    real = Launch._answered

    def meanwhile(self: Any, *what: Any) -> None:
        real(self, *what)
        announce(project, "incident 42")
        no_room(monkeypatch, "journal")

    monkeypatch.setattr(Launch, "_answered", meanwhile)
    done = cli("apply", "--yes")
    assert done.code in (0, 11), done.err
    monkeypatch.undo()
    assert not (project.path / "qflow.lock.rescue").exists()
    lockfile = store(project).read().lockfile
    assert lockfile is not None
    (attempt,) = lockfile.attempts("prod", "encrypt-prod-buckets")
    assert attempt.execution_id == sandbox.executions()[0]["id"]
    assert heard(project) == ["incident 42"]


# --- what isn't as it was written ----------------------------------------------------


@pytest.mark.parametrize("line", ["{", "[]", '{"at": "x", "event": "frozen"}', '"text"', "\ud800"])
def test_a_file_that_cannot_be_read_holds_everything_and_is_named(
    line: str, project: Workspace, cli: Cli, sandbox: SandboxServer
) -> None:
    announce(project, "a")
    file = project.path / ".git/qflow-gitops/announced"
    file.write_bytes(line.encode(errors="surrogatepass") + b"\n")
    for command in (("status",), ("plan",), ("apply", "--yes"), ("freeze", "--reason", "x")):
        done = cli(*command)
        assert done.code == 11, command
        assert str(file) in done.err
        assert "`qflow-gitops freeze --reason TEXT`" in done.err
    assert sandbox.requests() == []
    file.rename(file.with_name("moved"))
    assert cli("plan").code == 0


def test_a_line_that_a_crash_cut_short_is_no_event(project: Workspace, cli: Cli) -> None:
    assert cli("freeze", "--reason", "a").code == 0
    (project.path / ".git/qflow-gitops/announced").write_bytes(b'{"at": "2026')
    assert heard(project) == ["a"]
    assert cli("freeze", "--reason", "b").code == 0
    assert heard(project) == ["a", "b"]


def test_a_link_in_its_place_is_not_followed(project: Workspace, cli: Cli, tmp_path: Path) -> None:
    (project.path / ".git/qflow-gitops").mkdir()
    (project.path / ".git/qflow-gitops/announced").symlink_to(tmp_path / "elsewhere")
    assert cli("freeze", "--reason", "a").code == 11
    assert not (tmp_path / "elsewhere").exists()
