"""`lock move` in real repositories: at every step of it killed, with others at work, and refused.

Each story counts what Qualys executed.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.git import Workspace
from tests.helpers.kills import PROGRAM, Killer
from tests.helpers.partners import NIGHTLY, rows
from tests.helpers.specs import spec

APART = 83
"""So many steps of a move lie between two that are killed in one test."""
WAYS = {
    "to a branch": (("--to", "branch"), "worktree"),
    "to another branch": (("--to", "branch", "--branch", "elsewhere"), "branch"),
    "to the work tree": (("--to", "worktree"), "branch"),
}


@pytest.fixture
def begun(
    request: pytest.FixtureRequest,
    workspace: Workspace,
    cli: Cli,
    sandbox: SandboxServer,
    remote: Remote,
) -> Cli:
    """A clone with two runs that were sent; the lockfile lies where the parameter says."""
    store = getattr(request, "param", "branch")
    settings = workspace.read("qflow.yaml").replace("store: branch", f"store: {store}")
    workspace.write("qflow.yaml", settings)
    workspace.write("runs/b.yaml", spec("b"))
    workspace.git("add", "--all")
    workspace.git("commit", "--quiet", "--amend", "--message", "two")  # it named no other place
    workspace.git("push", "--quiet", "--force", "origin", "main")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2
    return cli


def commit(cli: Cli, name: str = "later") -> None:
    """Commit the new settings and one more run, as after a move."""
    clone = Workspace(cli.folder)
    clone.git("add", "--force", "qflow.yaml")
    clone.write(f"runs/{name}.yaml", spec(name))
    clone.publish(name)


def is_moved(cli: Cli, sandbox: SandboxServer, before: int = 2) -> None:
    """The new place has all of it: only what is new is sent, once."""
    (history,) = [cli.json("history")]
    assert {one["state"] for one in history["attempts"]} == {"succeeded"}
    assert len(history["attempts"]) == before
    commit(cli)
    done = cli("apply", "--yes")
    assert done.code == 0, done
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == before + 1
    checked = cli.json("lock", "verify")
    assert (checked["exitCode"], checked["problems"]) == (0, [])


@pytest.mark.parametrize(
    ("begun", "options"), [(way[1], way[0]) for way in WAYS.values()], ids=WAYS, indirect=["begun"]
)
def test_it_goes_there_and_nothing_is_sent_again(
    begun: Cli, options: tuple[str, ...], sandbox: SandboxServer
) -> None:
    old = Workspace(begun.folder).git("rev-parse", "HEAD")
    done = begun("lock", "move", *options)
    assert done.code == 0, done
    assert "Next:\n  git add qflow.yaml" in done.out
    subprocess.run(
        ["sh", "-e", "-c", done.out.partition("Next:\n")[2]],
        cwd=begun.folder, check=True, capture_output=True,
    )  # fmt: skip
    assert "+main" not in Workspace(begun.folder).git("status", "--short", "--branch")
    is_moved(begun, sandbox)
    Workspace(begun.folder).git("checkout", "--quiet", "--force", old, "--", "qflow.yaml")
    Workspace(begun.folder).commit("the old settings again")
    for words in (
        ("apply", "--yes"),
        ("freeze", "--reason", "no"),
        ("baseline", "--yes", "--reason", "no"),
    ):
        closed = begun(*words)
        assert (closed.code, "The lockfile was moved from here to" in closed.err) == (11, True)
    assert begun("plan").out.startswith("! `apply` would refuse this: the lockfile was moved")
    for look in ("status", "history", "lock verify"):
        assert "The lockfile was moved from here to" in begun(*look.split()).err
    assert len(sandbox.executions()) == 3


@pytest.mark.parametrize("first", rows(range(1, APART + 1), lambda first: first == 1))
@pytest.mark.parametrize(
    ("begun", "options"), [(way[1], way[0]) for way in WAYS.values()], ids=WAYS, indirect=["begun"]
)
def test_killed_at_every_step(
    begun: Cli,
    options: tuple[str, ...],
    sandbox: SandboxServer,
    remote: Remote,
    tmp_path: Path,
    first: int,
) -> None:
    """Whoever applies in between sends nothing; run again, it ends, with all that there was.

    One of the steps in APART is killed here, the others by night.
    """
    here, kept = Path(begun.folder), tmp_path / "kept"
    shutil.copytree(here, kept / "clone", symlinks=True)
    shutil.copytree(remote.path, kept / "remote", symlinks=True)
    step = first
    while True:
        for place, what in ((here, "clone"), (remote.path, "remote")):
            shutil.rmtree(place)
            shutil.copytree(kept / what, place, symlinks=True)
        ended = Killer(here, everything=step % 2 == 0).run(step, "lock", "move", *options)
        if not ended.killed:
            assert ended.status == 0, ended
            break
        meanwhile = begun("apply", "--yes")
        assert meanwhile.code in (0, 11), (ended, meanwhile)
        done = begun("lock", "move", *options)
        assert done.code == 0, (ended, done)
        history = begun.json("history")["attempts"]
        Workspace(here).commit("moved")
        assert begun("apply", "--yes").code == 0, ended
        assert begun.json("history")["attempts"] == history
        assert len(sandbox.executions()) == 2, ended
        step += APART
    assert step > first + APART, "hardly any step was killed"
    Workspace(here).commit("moved")
    is_moved(begun, sandbox)


@pytest.mark.parametrize("begun", ["worktree"], indirect=True)
def test_a_laptops_lockfile_goes_to_a_branch_while_ci_applies(
    begun: Cli, remote: Remote, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = Workspace(begun.folder)
    laptop.write("runs/new.yaml", spec("new"))
    laptop.git("add", "--force", "qflow.lock")
    laptop.publish("one more")

    def ci(name: str) -> int:
        with monkeypatch.context() as patch:
            patch.setenv("CI", "true")
            fresh = Cli(remote.clone(name).path, begun._capfd)
            done = fresh("apply", "--yes")
            assert "Traceback" not in done.err
            return done.code

    assert ci("before") == 11  # the work tree's lockfile, which a CI throws away
    settings = laptop.read("qflow.yaml")
    step = 1
    while True:
        ended = Killer(laptop.path, everything=False).run(step, "lock", "move", "--to", "branch")
        if not ended.killed:
            break
        assert ci(f"old-{step}") == 11
        changed = laptop.read("qflow.yaml")
        laptop.write("qflow.yaml", settings.replace("worktree", "branch"))
        laptop.publish("somebody is hasty")
        opened = BRANCH in remote.git("branch", "--list") and "opened" in _events(remote, BRANCH)
        assert ci(f"hasty-{step}") == (0 if opened else 11), ended
        laptop.write("qflow.yaml", settings)
        laptop.publish("and puts it back")
        laptop.write("qflow.yaml", changed)
        step += 5 if NIGHTLY else 23
    assert len(sandbox.executions()) <= 3
    assert begun("lock", "move", "--to", "branch").code == 0
    laptop.git("add", "--force", "qflow.lock")
    laptop.publish("moved")
    assert ci("after") == 0
    assert ci("again") == 0
    assert begun("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3
    assert remote.states() == {
        "encrypt-prod-buckets": "succeeded",
        "b": "succeeded",
        "new": "succeeded",
    }


@pytest.mark.parametrize("begun", ["worktree"], indirect=True)
def test_a_revert_of_the_move_sends_nothing_again(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """A clone that never wrote the lockfile gets it back open, as it was before the move."""
    laptop = Workspace(begun.folder)
    laptop.git("add", "--force", "qflow.lock")
    laptop.publish("with the lockfile")
    assert begun("lock", "move", "--to", "branch").code == 0
    laptop.git("commit", "--quiet", "--all", "--message", "moved")
    laptop.write("runs/later.yaml", spec("later"))
    laptop.publish("one more")
    assert begun("apply", "--yes").code == 0
    laptop.git("revert", "--no-edit", "HEAD~1")
    laptop.publish("it was reverted")
    fresh = Cli(remote.clone("fresh").path, begun._capfd)
    plan = fresh("plan")
    assert "`apply` would refuse this: the lockfile is version " in plan.out, plan
    done = fresh("apply", "--yes")
    assert (done.code, "older than version" in done.err) == (11, True), done
    restore = done.err.partition("Restore that: `")[2].partition("`")[0]
    subprocess.run(["sh", "-c", restore], cwd=fresh.folder, check=True)
    closed = fresh("apply", "--yes")
    assert (closed.code, "The lockfile was moved from here to" in closed.err) == (11, True)
    assert fresh("lock", "move", "--to", "branch").code == 0
    Workspace(fresh.folder).git("commit", "--quiet", "--all", "--message", "moved, again")
    Workspace(fresh.folder).publish("moved")
    assert fresh("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


@pytest.mark.parametrize("begun", ["worktree", "branch"], indirect=True)
def test_two_at_once(begun: Cli, remote: Remote, sandbox: SandboxServer) -> None:
    """Two processes of two clones; the one that is late ends with the other's result."""
    other = Workspace(begun.folder)
    if "branch" in other.read("qflow.yaml"):
        other = remote.clone("other")
    move = [
        sys.executable,
        "-c",
        PROGRAM,
        "lock",
        "move",
        "--to",
        "branch",
        "--branch",
        "elsewhere",
    ]
    both = [
        subprocess.Popen(move, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for folder in (begun.folder, other.path)
    ]
    said = [process.communicate(timeout=60)[0].decode() for process in both]
    assert {process.returncode for process in both} <= {0, 6}, said
    assert 0 in {process.returncode for process in both}, said
    Workspace(begun.folder).git("checkout", "--quiet", "--", "qflow.yaml")
    assert begun("lock", "move", "--to", "branch", "--branch", "elsewhere").code == 0
    assert _events(remote, "elsewhere").count("opened") == 1
    is_moved(begun, sandbox)


def _events(remote: Remote, branch: str) -> list[str]:
    """What was done with a place, oldest first."""
    head = json.loads(remote.git("show", f"{branch}:qflow.lock"))
    return [event["event"] for event in head["places"]]


def test_there_and_back_again(begun: Cli, remote: Remote, sandbox: SandboxServer) -> None:
    for number, options in enumerate(
        (("worktree",), ("branch",), ("branch", "--branch", "x"), ("worktree",), ("branch",))
    ):
        done = begun("lock", "move", "--to", *options)
        assert done.code == 0, done
        is_moved_by(begun, sandbox, f"run-{number}", 3 + number)


def test_another_clone_than_the_one_it_was_moved_to(begun: Cli, remote: Remote) -> None:
    other = Cli(remote.clone("other").path, begun._capfd)
    assert begun("lock", "move", "--to", "worktree").code == 0
    done = other("lock", "move", "--to", "worktree")
    assert (done.code, "isn't there in this clone" in done.err) == (11, True), done
    assert "Commit qflow.lock in the clone that has it" in done.err
    Workspace(begun.folder).git("add", "--force", "qflow.lock")
    Workspace(begun.folder).publish("moved")
    Workspace(other.folder).git("pull", "--quiet")
    assert other("apply", "--yes").code == 0


def is_moved_by(cli: Cli, sandbox: SandboxServer, name: str, executions: int) -> None:
    commit(cli, name)
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == executions


def test_where_it_went_on_from_there_that_is_said(begun: Cli, remote: Remote) -> None:
    """Whoever has the first settings of a chain comes to its end, a place at a time."""
    clone = Workspace(begun.folder)
    first = clone.git("rev-parse", "HEAD")
    for name in ("second", "third"):
        assert begun("lock", "move", "--to", "branch", "--branch", name).code == 0
        clone.commit(name)
    clone.git("reset", "--quiet", "--hard", first)
    done = begun("lock", "move", "--to", "branch", "--branch", "second")
    assert done.code == 0
    assert "The lockfile was moved from here to branch third of origin" in done.out
    assert "the lockfile is here now" not in done.out


def test_it_says_that_it_is_there(begun: Cli, remote: Remote) -> None:
    before = remote.tip()
    done = begun("lock", "move", "--to", "branch")
    assert (done.code, done.out) == (0, "    kept  branch qflow-lock of origin\n")
    assert remote.tip() == before


def test_where_another_lockfile_is_nothing_moves(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    before = remote.tip()
    other = Workspace(begun.folder)
    text = other.read("qflow.yaml")
    other.write("qflow.yaml", text.replace("store: branch", "store: branch, branch: other"))
    other.publish("another one")
    assert begun("apply", "--yes", "--ack", "new-record=1", "--reason", "for the test").code == 0
    other.write("qflow.yaml", text)
    other.publish("back")
    sent = len(sandbox.executions())
    done = begun("lock", "move", "--to", "branch", "--branch", "other")
    assert (done.code, "There is another lockfile." in done.err) == (11, True)
    assert remote.tip() == before
    done = begun("lock", "move", "--to", "branch", "--branch", "main")
    assert (done.code, remote.tip()) == (11, before), done
    assert "holds no qflow.lock" in done.err
    assert "Choose another branch: `qflow-gitops lock move" in done.err
    assert other.read("qflow.yaml") == text
    assert begun("apply", "--yes").code == 0
    assert len(sandbox.executions()) == sent


def test_while_an_apply_is_at_work_nothing_moves(
    begun: Cli, remote: Remote, sandbox: SandboxServer, later: Callable[[float], None]
) -> None:
    clone = Workspace(begun.folder)
    clone.write("runs/c.yaml", spec("c"))
    clone.publish("c")
    sandbox.set_faults("latency=5@run")
    command = [sys.executable, "-c", PROGRAM, "apply", "--yes"]
    with subprocess.Popen(command, cwd=begun.folder, stdout=subprocess.PIPE) as process:
        while not sandbox.requests("POST", "/run") or "c" not in remote.states():
            assert process.poll() is None
        done = begun("lock", "move", "--to", "branch", "--branch", "elsewhere")
        assert (done.code, "An apply is at work on prod/c" in done.err) == (6, True)
        process.kill()
    assert "elsewhere" not in remote.git("branch", "--list")
    sandbox.set_faults()
    while len(sandbox.executions()) < 3:  # its sender is dead, and it arrives all the same
        time.sleep(0.05)
    later(400)
    assert begun("lock", "move", "--to", "branch", "--branch", "elsewhere").code == 0
    clone.publish("moved")
    assert begun("reconcile").code == 0
    assert begun("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 3


def test_a_remote_that_takes_no_such_branch(begun: Cli, remote: Remote) -> None:
    before, settings = remote.tip(), Workspace(begun.folder).read("qflow.yaml")
    remote.hook("pre-receive", "echo no branches here >&2; exit 1\n")
    done = begun("lock", "move", "--to", "branch", "--branch", "elsewhere")
    assert (done.code, remote.tip()) == (11, before), done
    assert "Nothing was moved: the lockfile is where it was." in done.err
    assert Workspace(begun.folder).read("qflow.yaml") == settings


def test_a_remote_that_takes_such_a_branch_only_once(
    begun: Cli, remote: Remote, sandbox: SandboxServer
) -> None:
    """What is refused is the push that opens the new place: the old one is closed by then."""
    remote.hook(
        "update", f"case $1 in refs/heads/{BRANCH}) ;; *) test $2 = {'0' * 40} || exit 1;; esac\n"
    )
    done = begun("lock", "move", "--to", "branch", "--branch", "elsewhere")
    assert (done.code, "It is closed where it was, and not open yet" in done.err) == (11, True)
    assert "Then: `qflow-gitops -C" in done.err
    assert begun("apply", "--yes").code == 11
    (remote.path / "hooks/update").unlink()
    assert begun("lock", "move", "--to", "branch", "--branch", "elsewhere").code == 0
    is_moved(begun, sandbox)


@pytest.mark.parametrize(
    "option", ["--branch=HEAD", "--branch=refs/heads/x", "--branch=-x", "--remote=a b"]
)
def test_a_name_that_no_settings_can_have_is_refused_first(
    begun: Cli, remote: Remote, option: str
) -> None:
    """In the settings it would be an error, and the lockfile there for good."""
    settings, branches = Workspace(begun.folder).read("qflow.yaml"), remote.git("for-each-ref")
    done = begun("lock", "move", "--to", "branch", option)
    assert (done.code, "Invalid value for '--" in done.err) == (2, True), done
    assert Workspace(begun.folder).read("qflow.yaml") == settings
    assert remote.git("for-each-ref") == branches


@pytest.mark.parametrize("begun", ["worktree"], indirect=True)
def test_what_is_left_to_commit_is_said_until_it_is(begun: Cli) -> None:
    """Also who lost sight of it; a lockfile that git ignores isn't in it."""
    clone = Workspace(begun.folder)
    clone.write(".git/info/exclude", "qflow.lock\n")
    for _ in range(2):
        done = begun("lock", "move", "--to", "branch")
        assert done.code == 0, done
        first = done.out.partition("Next:\n  ")[2].splitlines()[0]
        assert first == "git add qflow.yaml && git commit -m 'Move the lockfile' -- qflow.yaml"
    subprocess.run(["sh", "-c", first], cwd=begun.folder, check=True, capture_output=True)
    assert begun("apply", "--yes").code == 0
    assert begun("lock", "move", "--to", "branch").out == "    kept  branch qflow-lock of origin\n"


def test_settings_that_no_program_changes_stop_it_first(begun: Cli, remote: Remote) -> None:
    before = remote.tip()
    clone = Workspace(begun.folder)
    clone.write("qflow.yaml", clone.read("qflow.yaml") + "---\nmore: 1\n")
    done = begun("lock", "move", "--to", "branch", "--branch", "elsewhere")
    assert (done.code, "can't be changed by a program" in done.err) == (3, True), done
    clone.remove("qflow.yaml")
    done = begun("lock", "move", "--to", "branch", "--branch", "elsewhere")
    assert (done.code, "The settings can't be read" in done.err) == (3, True), done
    assert remote.tip() == before
    assert BRANCH in remote.git("branch", "--list")
