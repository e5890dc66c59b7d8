"""The commits of the lockfile's branch: whole or not at all, and nothing is left of any that isn't.

By one `git fast-import`, which may be killed, run out of room, or run beside others.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import BRANCH, BRANCH_PROJECT, Remote
from tests.helpers.disks import small_disk
from tests.helpers.git import Workspace
from tests.helpers.specs import SAMPLE, spec
from tests.helpers.stores import store_of

HEAD = "qflow.lock"
GIT = shutil.which("git") or "git"


def nothing_is_left(clone: Workspace) -> None:
    """No ref, no report of a crash, and what was written of objects is sound."""
    assert clone.git("for-each-ref", "refs/qflow-gitops/made") == ""
    assert not list((clone.path / ".git").glob("fast_import_crash_*"))
    assert "error" not in clone.git("fsck", "--full", "--no-dangling", "--no-progress")


Ends = Callable[[str], None]


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ends:
    """Let each fast-import from here on come to such an end; "" for none."""
    folder = tmp_path / "programs"
    folder.mkdir()
    script = folder / "git"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def end(how: str) -> None:
        script.unlink(missing_ok=True)
        if how:
            script.write_text(
                '#!/bin/sh\ncase " $* " in *" fast-import "*) ;; '
                f'*) exec "{GIT}" "$@";; esac\n{how}\n'
            )
            script.chmod(0o755)

    return end


HALF = f'{{ head -c 600; sleep 0.3; }} | "{GIT}" "$@"'
KILLED = f"""\
mkfifo "$HOME/fifo"
"{GIT}" "$@" < "$HOME/fifo" & pid=$!
exec 3> "$HOME/fifo"; rm "$HOME/fifo"
head -c 600 >&3; sleep 0.2; kill -SIGNAL $pid; wait $pid
"""


@pytest.mark.parametrize(
    "how",
    [HALF, *(KILLED.replace("SIGNAL", name) for name in ("KILL", "TERM", "ABRT")),
     f'"{GIT}" "$@" > /dev/null; exit 1', "exit 1", "echo made; exit 128"],
    ids=("cut", "KILL", "TERM", "ABRT", "done-but-failed", "never", "words"),
)  # fmt: skip
def test_an_end_that_nobody_expected_leaves_nothing_and_sends_nothing(
    how: str, ends: Ends, remote: Remote, cli: Cli, workspace: Workspace, sandbox: SandboxServer
) -> None:
    ends(how)
    done = cli("apply", "--yes")
    assert done.code == 11, done
    assert "fast-import failed" in done.err
    assert sandbox.requests("POST", "/run") == []
    nothing_is_left(workspace)
    ends("")
    assert cli("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 1
    nothing_is_left(workspace)


def test_somebody_elses_crash_report_stays(
    ends: Ends, remote: Remote, cli: Cli, workspace: Workspace, sandbox: SandboxServer
) -> None:
    report = workspace.write(".git/fast_import_crash_1", "commit refs/heads/main\n")
    ends(HALF)
    assert cli("apply", "--yes").code == 11
    assert report.exists()


def test_a_full_disk_leaves_nothing(
    remote: Remote, cli: Cli, workspace: Workspace, sandbox: SandboxServer
) -> None:
    with small_disk(workspace.path) as disk:
        disk.fill()
        assert cli("apply", "--yes").code == 11
        assert sandbox.requests("POST", "/run") == []
        disk.empty()
        nothing_is_left(workspace)
        assert cli("apply", "--yes").code == 0
        nothing_is_left(workspace)
    assert len(sandbox.executions()) == 1


NAMES = {
    "Ada <ada@example.com>": "Ada ada@example.com", "…": "…", "\U0001f600": "\U0001f600",
    "a\tb": "", '"quoted"': "quoted", "back\\slash\\": "back\\slash", "  spaces  ": "spaces",
    "a > b": "a  b", ".": "qflow-gitops", "<>": "qflow-gitops", ",;:": "qflow-gitops",
    "x" * 3000: "x" * 3000, "\x1b[31mred": "", "O'Hara, Jr.": "O'Hara, Jr", "-c x": "-c x",
    "\u202eevil": "",
}  # fmt: skip
"""What a person is called -> what a commit calls them, "" for whatever is fit to print."""


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
@pytest.mark.parametrize("key", ["name", "email"])
def test_a_person_with_an_odd_name(
    key: str, name: str, remote: Remote, workspace: Workspace
) -> None:
    workspace.git("config", f"user.{key}", name)
    branch = GitBranch(GitRepo.open(workspace.path, os.environ), "origin", BRANCH, lambda: 30.0)
    first = branch.commit("", {HEAD: b"{}\n"}, "begun")
    second = branch.commit(first, {HEAD: b"[]\n"}, "gone on")
    workspace.git("fsck", "--strict", first, second)
    said = workspace.git("log", "-1", f"--format=%c{key[0]}", second)
    expected = NAMES[name] + "@localhost" * (key == "email" and NAMES[name] == "qflow-gitops")
    assert said == (expected or said)
    assert said.isprintable()
    assert workspace.git("log", "--format=%s", second) == "gone on\nbegun"


def test_a_name_that_is_not_utf_8(remote: Remote, cli: Cli, sandbox: SandboxServer) -> None:
    with (Path(os.environ["HOME"]) / ".gitconfig").open("ab") as config:
        config.write(b"[user]\n\tname = J\xfcrgen\n")
    assert cli("apply", "--yes").code == 0
    assert remote.git("log", "-1", "--format=%cn", BRANCH) == "J\ufffdrgen"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_a_signed_commit_is_the_same_commit(
    remote: Remote, workspace: Workspace, tmp_path: Path
) -> None:
    """The same tree, parents and words; and of the one that isn't signed nothing points there."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"test@example.com {key.with_suffix('.pub').read_text()}")
    repo = GitRepo.open(workspace.path, os.environ)
    files = {HEAD: b"{}\n", "runs/prod/ca/a.json": b"[]\n"}
    plain = GitBranch(repo, "origin", BRANCH, lambda: 30.0)
    unsigned = [plain.commit("", files, "begun\n\nQflow-Nonce: 1\n")]
    unsigned.append(plain.commit(unsigned[0], {HEAD: b"[]\n"}, "gone on"))
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", f"{key}.pub"),
                        ("commit.gpgSign", "true"), ("user.name", "Ada <x>")):  # fmt: skip
        workspace.git("config", name, value)
    later = GitRepo.open(workspace.path, os.environ)  # settings are read once
    signing = GitBranch(later, "origin", BRANCH, lambda: 30.0)
    signed = [signing.commit("", files, "begun\n\nQflow-Nonce: 1\n")]
    signed.append(signing.commit(signed[0], {HEAD: b"[]\n"}, "gone on"))
    for with_it, without in zip(signed, unsigned, strict=True):
        assert signing.signer(with_it, str(signers)) == "test@example.com"
        assert signing.signer(without, str(signers)) == ""
        for form in ("%T", "%B", "%ae", "%ce"):
            show = ("log", "-1", f"--format={form}")
            assert workspace.git(*show, with_it) == workspace.git(*show, without)
        assert workspace.git("log", "-1", "--format=%an", with_it) == "Ada x"
    assert signing.parents(signed[1]) == [signed[0]]
    assert signing.push(signed[1], "")
    assert remote.git("rev-list", "--count", BRANCH) == "2"
    nothing_is_left(workspace)


def test_a_repository_with_longer_ids(tmp_path: Path, capfd: pytest.CaptureFixture[str],
                                      sandbox: SandboxServer) -> None:  # fmt: skip
    """SHA-256: applied by two clones in turn, also by a shallow one, and verified."""
    bare = tmp_path / "remote.git"
    subprocess.run(
        ["git", "init", "-q", "--bare", "--object-format=sha256", "-b", "main", bare], check=True
    )
    remote = Remote(bare)
    clone = Workspace(tmp_path / "one")
    subprocess.run(["git", "init", "-q", "--object-format=sha256", clone.path], check=True)
    clone.git("remote", "add", "origin", bare.as_uri())
    clone.write("qflow.yaml", BRANCH_PROJECT)
    clone.write("runs/a.yaml", SAMPLE)
    clone.commit("one")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    assert Cli(clone.path, capfd)("apply", "--yes").code == 0
    assert len(remote.tip()) == 64
    other = remote.clone("other", "--depth=1")
    other.write("runs/b.yaml", spec("b"))
    other.publish("b")
    assert Cli(other.path, capfd)("apply", "--yes").code == 0
    clone.git("pull", "--quiet", "--rebase", "origin", "main")
    assert Cli(clone.path, capfd)("apply", "--yes").code == 0
    assert len(sandbox.executions()) == 2
    for one in (clone, other):
        checked = Cli(one.path, capfd).json("lock", "verify")
        assert (checked["exitCode"], checked["problems"]) == (0, [])
        nothing_is_left(one)


def test_many_commits_at_once_in_one_clone(remote: Remote, workspace: Workspace) -> None:
    """Each holds what it was given, and what its parent has."""
    branch = GitBranch(GitRepo.open(workspace.path, os.environ), "origin", BRANCH, lambda: 30.0)
    first = branch.commit("", {HEAD: b"{}\n", "runs/prod/ca/a.json": b"a\n"}, "begun")
    assert branch.push(first, "")
    made: dict[int, str] = {}

    def make(number: int) -> None:
        files = {HEAD: b"%d\n" % number, f"runs/prod/3e/b-{number}.json": b"%d\n" % number}
        made[number] = branch.commit(first, files, f"number {number}")

    threads = [threading.Thread(target=make, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made.values())) == 16
    for number, commit in made.items():
        names = workspace.git("ls-tree", "-r", "--name-only", commit).splitlines()
        assert set(names) == {
            "README.md", HEAD, "runs/prod/ca/a.json", f"runs/prod/3e/b-{number}.json",
        }  # fmt: skip
        assert workspace.git("show", f"{commit}:{HEAD}") == str(number)
    pushed = [branch.push(commit, first) for commit in made.values()]
    assert pushed.count(True) == 1
    nothing_is_left(workspace)


def test_commits_need_no_work_tree_and_no_index(remote: Remote, workspace: Workspace) -> None:
    """As with a work tree of its own for each job: git keeps their places apart."""
    workspace.git("worktree", "add", "--quiet", "../beside", "HEAD")
    beside = Workspace(workspace.path.parent / "beside")
    (workspace.path / ".git/index.lock").write_text("")  # somebody else is at it
    branch = GitBranch(GitRepo.open(beside.path, os.environ), "origin", BRANCH, lambda: 30.0)
    assert branch.push(branch.commit("", {HEAD: b"{}\n"}, "begun"), "")
    assert store_of(workspace.path).kept().lockfile() is None
    nothing_is_left(workspace)
