"""No room, or no right to write: nothing is sent, or what was answered is kept and said."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from qflow_gitops.base import atomic
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers import matrix
from tests.helpers.cli import Cli, Done
from tests.helpers.clones import Remote
from tests.helpers.disks import SmallDisk, read_only, small_disk
from tests.helpers.git import Workspace
from tests.helpers.matrix import Bench, once_posted
from tests.helpers.partners import rows

server = matrix.server
waits = matrix.waits

STORES = {"worktree": "project", "branch": "remote"}
both_stores = pytest.mark.parametrize(
    "bench", rows(STORES, lambda store: store == "worktree"), indirect=True
)
Later = Callable[[float], None]


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, cli: Cli, server: SandboxServer, waits: list[float]
) -> Bench:
    """A repository whose record is in this test's store; the branch's where none is named."""
    name = getattr(request, "param", "branch")
    made = request.getfixturevalue(STORES[name])
    if name == "branch":
        return Bench(cli, server, lambda: matrix.branch(made), waits)
    return Bench(cli, server, lambda: matrix.worktree(cli), waits)


@pytest.fixture
def here(bench: Bench) -> Iterator[SmallDisk]:
    """The repository, on a disk of its own."""
    with small_disk(bench.cli.folder) as disk:
        yield disk


@pytest.fixture
def there(bench: Bench, remote: Remote) -> Iterator[SmallDisk]:
    """The bare remote, on a disk of its own."""
    with small_disk(remote.path) as disk:
        yield disk


def sent_nothing(bench: Bench, done: Done) -> None:
    """11, a sentence that says so, and neither a record nor a request."""
    assert (done.code, bench.posts(), bench.state()) == (11, 0, "nothing"), done.err
    assert "Nothing more is sent" in done.err
    assert "→" in done.err


def settled(bench: Bench, later: Later) -> None:
    """With room again, and the lease over, apply finds what ran and sends nothing."""
    later(400)
    done = bench.under("")
    assert (done.code, bench.state(), bench.posts(), bench.ran()) == (0, "succeeded", 1, 1), done
    assert len(bench.attempts()) == 1
    assert bench.attempts()[0]["executionId"] == bench.sandbox.executions()[0]["id"]


def rescued(bench: Bench, done: Done) -> str:
    """11, and the answer that couldn't be stored is printed or in a file: its lines."""
    (execution,) = bench.sandbox.executions()
    assert (done.code, bench.posts()) == (11, 1), done.err
    assert "lock push" in done.out
    saved = bench.cli.folder / "qflow.lock.rescue"
    written = saved.read_text() if saved.exists() else ""
    lines = [
        line[line.index('{"rescueVersion"') :]
        for line in (written or done.out).splitlines()
        if '{"rescueVersion"' in line
    ]
    assert any(execution["id"] in line for line in lines), done.out
    return "".join(line + "\n" for line in lines)


def brought_in(bench: Bench, lines: str, tmp_path: Path) -> None:
    """What was saved or printed goes into the lockfile by `lock push`; then apply goes on."""
    file = tmp_path / "from-the-log.rescue"
    file.write_text(lines)
    done = bench.cli("lock", "push", str(file))
    assert done.code == 0, done.err
    assert bench.state() in ("accepted", "succeeded")
    done = bench.under("")
    assert (done.code, bench.state(), bench.posts(), bench.ran()) == (0, "succeeded", 1, 1), done


# --- this machine's disk -------------------------------------------------------------


@both_stores
def test_a_full_disk_before_the_send(bench: Bench, here: SmallDisk) -> None:
    here.fill()
    sent_nothing(bench, bench.under(""))
    here.empty()
    bench.settles("succeeded", 0)


@pytest.mark.parametrize("bench", ["worktree"], indirect=True)
def test_a_disk_that_fills_up_after_the_send_has_room_for_the_answer(
    bench: Bench, here: SmallDisk, monkeypatch: pytest.MonkeyPatch, later: Later
) -> None:
    """It was reserved with the intent. Until there is room, the journal holds the lockfile."""
    once_posted(monkeypatch, here.fill)
    done = bench.under("")
    assert (done.code, bench.posts(), bench.ran()) == (11, 1, 1), done.err
    assert "still in the journal" in done.err
    assert bench.cli.json("status")["runs"][0]["attempt"]["state"] == "succeeded"
    assert bench.under("").code == 11  # as long as it is full
    assert bench.posts() == 1
    here.empty()
    settled(bench, later)


def test_a_disk_that_fills_up_after_the_send_leaves_the_answer_on_the_screen(
    bench: Bench, here: SmallDisk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    once_posted(monkeypatch, here.fill)
    lines = rescued(bench, bench.under(""))
    assert "Out of diskspace" in bench.under("").err  # git's words
    assert bench.posts() == 1
    here.empty()
    brought_in(bench, lines, tmp_path)


def test_what_was_only_printed_is_found_all_the_same(
    bench: Bench, here: SmallDisk, monkeypatch: pytest.MonkeyPatch, later: Later
) -> None:
    """Nobody kept the screen: the execution is looked up when the intent's lease is over."""
    with monkeypatch.context() as during:
        once_posted(during, here.fill)
        rescued(bench, bench.under(""))
    here.empty()
    settled(bench, later)


# --- folders that can't be written ---------------------------------------------------


@both_stores
def test_a_git_directory_that_is_read_only(bench: Bench) -> None:
    with read_only(bench.cli.folder / ".git"):
        sent_nothing(bench, bench.under(""))
    bench.settles("succeeded", 0)


@both_stores
def test_a_git_directory_that_becomes_read_only_after_the_send(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, later: Later
) -> None:
    with ExitStack() as until:
        folder = bench.cli.folder / ".git"
        once_posted(monkeypatch, lambda: until.enter_context(read_only(folder)))
        done = bench.under("")
        assert (done.code, bench.posts(), bench.ran()) == (11, 1, 1), done.err
    settled(bench, later)


@pytest.mark.parametrize("bench", ["worktree"], indirect=True)
def test_a_work_tree_that_is_read_only(
    bench: Bench, workspace: Workspace, tmp_path: Path, later: Later
) -> None:
    """The git directory is elsewhere and keeps the lockfile, so nothing is lost."""
    workspace.git("init", "--quiet", "--separate-git-dir", str(tmp_path / "elsewhere.git"))
    with read_only(workspace.path):
        done = bench.under("")
        assert (done.code, bench.posts(), bench.ran()) == (11, 1, 1), done.err
        assert "still in the journal" in done.err
        assert "Read-only file system" in done.err or "Permission denied" in done.err
    settled(bench, later)


# --- the journal's disk is broken ----------------------------------------------------


@pytest.mark.parametrize("bench", ["worktree"], indirect=True)
def test_a_disk_without_room_needs_no_mount_to_be_tried(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as during:
        during.setattr(atomic, "_reserve", full)
        sent_nothing(bench, bench.under(""))
    bench.settles("succeeded", 0)


@pytest.mark.parametrize("bench", ["worktree"], indirect=True)
def test_an_answer_that_the_disk_does_not_take_is_rescued(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The write succeeds and its sync doesn't: nobody may read it as recorded."""

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as during:
        once_posted(during, lambda: during.setattr(atomic, "_sync", broken))
        lines = rescued(bench, bench.under(""))
    assert bench.state() == "intent"
    brought_in(bench, lines, tmp_path)


# --- the remote ----------------------------------------------------------------------


def test_a_remote_whose_disk_is_full_before_the_send(bench: Bench, there: SmallDisk) -> None:
    there.fill()
    sent_nothing(bench, bench.under(""))
    there.empty()
    bench.settles("succeeded", 0)


def test_a_remote_whose_disk_fills_up_after_the_send(
    bench: Bench, there: SmallDisk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    once_posted(monkeypatch, there.fill)
    lines = rescued(bench, bench.under(""))
    assert (bench.cli.folder / "qflow.lock.rescue").exists()
    assert bench.state() == "intent"
    there.empty()
    brought_in(bench, lines, tmp_path)


def test_a_remote_that_is_read_only(bench: Bench, remote: Remote) -> None:
    with read_only(remote.path):
        sent_nothing(bench, bench.under(""))
    bench.settles("succeeded", 0)


def test_a_remote_that_becomes_read_only_after_the_send(
    bench: Bench, remote: Remote, monkeypatch: pytest.MonkeyPatch, later: Later
) -> None:
    with ExitStack() as until:
        once_posted(monkeypatch, lambda: until.enter_context(read_only(remote.path)))
        rescued(bench, bench.under(""))
    settled(bench, later)


# --- git itself ----------------------------------------------------------------------


@both_stores
def test_no_git_on_the_path(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Found before anything is asked of Qualys: the machine isn't set up (2)."""
    with monkeypatch.context() as during:
        during.setenv("PATH", str(_only_env(tmp_path)))
        done = bench.under("")
    assert (done.code, bench.sandbox.requests()) == (2, []), done.err
    assert "git has to be installed" in done.err
    bench.settles("succeeded", 0)


def _only_env(folder: Path) -> Path:
    """A folder with `env`, without which nothing can be started at all."""
    made = folder / "bin"
    made.mkdir(exist_ok=True)
    (made / "env").symlink_to(shutil.which("env") or "/usr/bin/env")
    return made


def test_a_git_that_is_gone_after_the_send(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Updated or unmounted meanwhile: what was answered is saved all the same."""
    from qflow_gitops.git.repository import GitRepo

    with monkeypatch.context() as during:
        bare = str(_only_env(tmp_path))

        def gone() -> None:
            during.setenv("PATH", bare)
            during.setattr(GitRepo, "environ", {"PATH": bare}, raising=False)

        once_posted(during, gone)
        lines = rescued(bench, bench.under(""))
    brought_in(bench, lines, tmp_path)


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], SmallDisk]]:
    """Fill up the folder for temporary files, from then on one on a disk of its own."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    with small_disk(folder) as disk:

        def crowded() -> SmallDisk:
            # only now, so that it isn't pytest whose files are there
            monkeypatch.setattr(tempfile, "tempdir", str(folder))
            disk.fill()
            return disk

        yield crowded


Crowd = Callable[[], SmallDisk]


@both_stores
def test_no_room_for_temporary_files(bench: Bench, crowd: Crowd) -> None:
    """None are needed where memory can be read as a file."""
    crowd()
    assert bench.under("").code == (0 if hasattr(os, "memfd_create") else 2)


def test_no_room_for_what_git_reads_before_the_send(
    bench: Bench, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: found before anything is asked of Qualys."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    disk = crowd()
    done = bench.under("")
    assert (done.code, bench.sandbox.requests()) == (2, []), done.err
    assert "No space left" in done.err
    disk.empty()
    bench.settles("succeeded", 0)


def test_no_room_for_what_git_reads_after_the_send(
    bench: Bench, crowd: Crowd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    disks: list[SmallDisk] = []
    with monkeypatch.context() as during:
        once_posted(during, lambda: disks.append(crowd()))
        lines = rescued(bench, bench.under(""))
    disks[0].empty()
    brought_in(bench, lines, tmp_path)


def test_a_machine_that_starts_no_further_process_after_the_send(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Out of processes or memory: what was answered is saved all the same."""

    def none(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as during:
        once_posted(during, lambda: during.setattr(subprocess, "Popen", none))
        lines = rescued(bench, bench.under(""))
    brought_in(bench, lines, tmp_path)


# --- nobody takes what is said -------------------------------------------------------

PROGRAM = [sys.executable, "-c", "from qflow_gitops.cli.main import main; main()"]


def spoken(bench: Bench, out: str, err: str) -> tuple[int, str]:
    """Apply with stdout and stderr at `/dev/full`, at a pipe that nobody reads, or kept."""

    def stream(kind: str) -> int:
        if kind == "full":
            return os.open("/dev/full", os.O_WRONLY)
        if kind == "gone":
            reading, writing = os.pipe()
            os.close(reading)
            return writing
        return subprocess.PIPE

    streams = stream(out), stream(err)
    try:
        done = subprocess.run(
            [*PROGRAM, "apply", "--yes"],
            cwd=bench.cli.folder, stdout=streams[0], stderr=streams[1], text=True, check=False,
        )  # fmt: skip
    finally:
        for one in streams:
            if one != subprocess.PIPE:
                os.close(one)
    return done.returncode, done.stderr or ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("bench", ["worktree"], indirect=True)
@pytest.mark.parametrize("kind", ["full", "gone"])
def test_progress_that_nobody_takes_stops_nothing(kind: str, bench: Bench) -> None:
    """Between a POST and its record there is no place for the end of a pipe."""
    assert spoken(bench, "kept", kind)[0] == 0
    assert (bench.state(), bench.posts()) == ("succeeded", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("bench", ["worktree"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "fault", "code"), [("full", "", 2), ("full", "500@run", 9), ("gone", "500@run", 9)]
)
def test_a_result_that_nobody_takes_is_recorded_all_the_same(
    kind: str, fault: str, code: int, bench: Bench
) -> None:
    """The exit code still says what came of it; a lost report alone is 2, as a lost copy is."""
    bench.sandbox.set_faults(*fault.split())
    ended, said = spoken(bench, kind, "kept")
    assert (ended, bench.posts()) == (code, 1), said
    assert bench.state() == ("in_doubt" if fault else "succeeded")
    assert ("The report can't be written: No space left on device." in said) is (kind == "full")
    assert "Traceback" not in said
