"""What is refused because of the lockfile, or of the commits that it names."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from qflow_gitops.lockfile.codec import to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from tests.helpers.carried import Person
from tests.helpers.clones import BRANCH
from tests.helpers.git import Workspace
from tests.helpers.scenarios.base import APPLY, WHY, applied, scenario
from tests.helpers.scenarios.holds import FOUND
from tests.helpers.specs import spec
from tests.helpers.terminal import Terminal

REFUSE = 'echo "hook declined" >&2; exit 1'
_ANOTHER_NAME: dict[str, Callable[[Terminal], object]] = {
    "set `lock.branch` in qflow.yaml": lambda at: at.edit(
        "qflow.yaml", "{store: branch}", "{store: branch, branch: runs-lock}"
    )
}


def _remote(at: Terminal) -> Workspace:
    return Workspace(at.folder / "remote.git")


def _hook(at: Terminal, script: str) -> None:
    file = at.folder / "remote.git/hooks/pre-receive"
    file.parent.mkdir(exist_ok=True)
    file.write_text("#!/bin/sh\n" + script)
    file.chmod(0o755)


def _allow(at: Terminal) -> None:
    (at.folder / "remote.git/hooks/pre-receive").unlink()


def _by_hand(at: Terminal, change: Callable[[Path], object], *more: str) -> None:
    """Push a commit with other files on the lockfile's branch, as somebody with rights may.

    `more` are further parents of it.
    """
    folder = at.folder / "by-hand"
    hand = Workspace(folder)
    at.clone.git("clone", "--quiet", "--branch", BRANCH, str(_remote(at).path), str(folder))
    change(folder)
    hand.git("add", "--all")
    for one in more:
        hand.git("fetch", "--quiet", str(at.clone.path), one)
    parents = [word for one in (BRANCH, *("FETCH_HEAD" for _ in more)) for word in ("-p", one)]
    commit = hand.git("commit-tree", hand.git("write-tree"), *parents, "-m", "by hand")
    hand.git("push", "--quiet", "--force", "origin", f"{commit}:refs/heads/{BRANCH}")
    shutil.rmtree(folder)


def _begun(at: Terminal, *texts: str) -> None:
    """Begin the lockfile's branch with a file of one text after another."""
    hand = Workspace(at.folder / "by-hand")
    at.clone.git("clone", "--quiet", "--no-checkout", str(_remote(at).path), str(hand.path))
    hand.git("switch", "--quiet", "--orphan", BRANCH)
    for text in texts:
        hand.write("qflow.lock", text)
        hand.git("add", "qflow.lock")
        hand.git("commit", "--quiet", "-m", "by hand")
    hand.git("push", "--quiet", "origin", BRANCH)
    shutil.rmtree(hand.path)


def _head(change: Callable[[str], str]) -> Callable[[Path], object]:
    """Change the text of the lockfile's head."""

    def changed(folder: Path) -> None:
        file = folder / "qflow.lock"
        file.write_text(change(file.read_text("utf-8")), "utf-8")

    return changed


def _twice_applied(at: Terminal) -> None:
    at.specs(a=spec("a"))
    applied(at)
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)


# --- the branch store --------------------------------------------------------------------


@scenario("branch")
def lockfile_rewritten(at: Terminal) -> tuple[str, Person]:
    """Somebody put an older lockfile back."""
    at.specs(a=spec("a"))
    applied(at)
    old = _remote(at).git("rev-parse", BRANCH)
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    _remote(at).git("update-ref", f"refs/heads/{BRANCH}", old)
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_merged(at: Terminal) -> tuple[str, Person]:
    """Somebody merged into the lockfile's branch."""
    _twice_applied(at)
    _by_hand(at, lambda folder: None, "HEAD")
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_that_lost_something(at: Terminal) -> tuple[str, Person]:
    """Somebody took a run out of the lockfile."""
    _twice_applied(at)

    _by_hand(at, lambda folder: next(folder.glob("runs/prod/*/b.json")).unlink())
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_that_a_new_clone_cant_trust(at: Terminal) -> tuple[str, Person]:
    """Somebody put a file on the lockfile's branch, and wrote on; this clone has seen neither."""
    _twice_applied(at)
    _by_hand(at, lambda folder: (folder / "notes.txt").write_text("to do"))
    _by_hand(at, lambda folder: (folder / "README.md").write_text("mine"))
    at.clone.git("update-ref", "-d", f"refs/qflow-gitops/origin/{BRANCH}")
    at.clone.git("update-ref", "-d", f"refs/remotes/origin/{BRANCH}")
    return APPLY, Person({"COMMIT": lambda at: _remote(at).git("rev-parse", f"{BRANCH}~2")})


@scenario("branch")
def lockfile_broken_on_its_branch(at: Terminal) -> tuple[str, Person]:
    """Somebody broke the lockfile on its branch."""
    _twice_applied(at)
    _by_hand(at, _head(lambda text: text[:-20]))
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_begun_broken(at: Terminal) -> tuple[str, Person]:
    """The lockfile's branch begins with something else."""
    at.specs(a=spec("a"))
    _begun(at, "{}")
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_branch_of_something_else(at: Terminal) -> tuple[str, Person]:
    """Another branch has the name of the lockfile's."""
    at.specs(a=spec("a"))
    at.specs(a=spec("a", 2))
    at.clone.git("push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
    return APPLY, Person(WHY, _ANOTHER_NAME)


@scenario("branch")
def lockfile_branch_of_the_specs(at: Terminal) -> tuple[str, Person]:
    """Another branch has the name of the lockfile's, and a lockfile that was a file of it."""
    at.clone.write("qflow.lock", to_bytes(Lockfile("lineage", serial=1)).decode())
    at.clone.git("add", "--force", "qflow.lock")
    at.specs(a=spec("a"))
    at.specs(a=spec("a", 2))
    at.clone.git("push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
    return APPLY, Person(WHY, _ANOTHER_NAME)


@scenario("branch")
def lockfile_branch_removed(at: Terminal) -> tuple[str, Person]:
    """Somebody removed the lockfile's branch."""
    _twice_applied(at)
    _remote(at).git("update-ref", "-d", f"refs/heads/{BRANCH}")
    return APPLY, Person(WHY)


@scenario("branch")
def lockfile_branch_never_seen(at: Terminal) -> tuple[str, Person]:
    """The settings name a lineage, and the remote has no lockfile."""
    at.edit("qflow.yaml", "{store: branch}", "{store: branch, lineage: '0123456789abcdef'}")
    at.specs(a=spec("a"))
    return APPLY, Person(
        WHY,
        {
            "take `lineage` out of qflow.yaml": lambda at: at.edit(
                "qflow.yaml", ", lineage: '0123456789abcdef'", ""
            )
        },
        {"push it again from a clone that has it": "`lockfile-branch-removed` does"},
    )


@scenario("branch")
def lockfile_of_another_lineage(at: Terminal) -> tuple[str, Person]:
    """The settings name another lineage than the lockfile."""
    at.specs(a=spec("a"))
    applied(at)
    at.edit("qflow.yaml", "{store: branch}", "{store: branch, lineage: '0123456789abcdef'}")
    at.merge()
    return APPLY, Person(
        WHY,
        {
            "restore the right one": lambda at: at.edit(
                "qflow.yaml", ", lineage: '0123456789abcdef'", ""
            )
        },
    )


@scenario("branch")
def no_remote(at: Terminal) -> tuple[str, Person]:
    """The clone has no remote of that name."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.git("remote", "rename", "origin", "company")
    return APPLY, Person(
        {"ADDRESS": (at.folder / "remote.git").as_uri()},
        {
            "or name another one in qflow.yaml": lambda at: at.edit(
                "qflow.yaml", "{store: branch}", "{store: branch, remote: company}"
            )
        },
    )


@scenario("branch")
def remote_away(at: Terminal) -> tuple[str, Person]:
    """The remote can't be reached."""
    at.specs(a=spec("a"))
    applied(at)
    (at.folder / "remote.git").rename(at.folder / "away.git")
    return APPLY, Person(WHY)


@scenario("branch")
def push_refused(at: Terminal) -> tuple[str, Person]:
    """A hook of the remote refuses the lockfile."""
    return _push_refused(at, REFUSE, "A rule or a hook of the host refuses it")


@scenario("branch")
def push_not_permitted(at: Terminal) -> tuple[str, Person]:
    """The remote refuses whoever pushes."""
    said = "remote: Permission to octo/runs.git denied to somebody."
    return _push_refused(at, said, "Whoever applies needs the right to push")


@scenario("branch")
def push_in_a_way_that_the_host_refuses(at: Terminal) -> tuple[str, Person]:
    """The remote refuses how it is pushed."""
    said = "fatal: the receiving end does not support push options"
    done = _push_refused(at, said, "It is about the way of pushing")
    at.clone.git("config", "push.pushOption", "ci.skip")
    return done


@scenario("branch")
def push_that_finds_no_room(at: Terminal) -> tuple[str, Person]:
    """The remote has no room."""
    said = "error: remote unpack failed: No space left on device"
    return _push_refused(at, said, "The host can't store it")


@scenario("branch")
def push_to_nothing(at: Terminal) -> tuple[str, Person]:
    """Another address is pushed to, and nothing is there."""
    said = "ERROR: Repository not found."
    return _push_refused(at, said, "Nothing answers at the remote's address")


@scenario("branch")
def push_that_is_cut(at: Terminal) -> tuple[str, Person]:
    """The remote hangs up."""
    said = "fatal: the remote end hung up unexpectedly"
    return _push_refused(at, said, "The host didn't answer, or not to its end")


@scenario("branch")
def push_refused_in_other_words(at: Terminal) -> tuple[str, Person]:
    """The remote says something that nobody knows."""
    return _push_refused(at, "fatal: sorry", "What the host answered stands above")


def _push_refused(at: Terminal, said: str, hint: str) -> tuple[str, Person]:
    at.specs(a=spec("a"))
    if said == REFUSE:
        _hook(at, REFUSE)
    else:
        _answer(at, said)

    def seen_to(there: Terminal) -> None:
        if said == REFUSE:
            _allow(there)
        else:
            there.clone.git("config", "--unset", "remote.origin.receivepack")

    return APPLY, Person(WHY, {hint: seen_to, "It is due again at the next apply": seen_to})


def _answer(at: Terminal, said: str) -> None:
    """Let each push be answered in these words, as by a host that git reaches over a network."""
    host = at.clone.write("../host", f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    host.chmod(0o755)
    at.clone.git("config", "remote.origin.receivepack", str(host))


@scenario("branch")
def answers_saved(at: Terminal) -> tuple[str, Person]:
    """The remote refuses the lockfile after the run was sent: its answer is saved."""
    at.specs(a=spec("a"))
    count = at.folder / "remote.git/pushes"
    _hook(at, f'echo x >> "{count}"\n[ $(wc -l < "{count}") -le 1 ] || {{ {REFUSE}; }}\n')
    allowed = {"A rule or a hook of the host refuses it": lambda _at: None}
    return f"{APPLY} --yes", Person(WHY, allowed, first=_saved)


@scenario("branch")
def answers_saved_before(at: Terminal) -> tuple[str, Person]:
    """The next apply says that answers are saved."""
    answers_saved(at)
    applied(at, 11)
    _saved(at)
    return APPLY, Person(WHY)


@scenario("branch")
def answers_saved_elsewhere(at: Terminal) -> tuple[str, Person]:
    """Saved answers are looked for in another file."""
    answers_saved(at)
    applied(at, 11)
    _saved(at)
    return "qflow-gitops lock push nowhere", Person({"FILE": "qflow.lock.rescue"})


def _saved(at: Terminal) -> None:
    _allow(at)
    at.stdin = at.clone.read("qflow.lock.rescue")


@scenario("branch")
def answers_that_were_committed(at: Terminal) -> tuple[str, Person]:
    """Saved answers came with a commit."""
    answers_saved(at)
    applied(at, 11)
    _saved(at)
    at.clone.git("add", "qflow.lock.rescue")
    at.clone.git("commit", "--quiet", "-m", "answers")
    return "qflow-gitops lock push", Person(WHY)


@scenario("branch")
def answers_of_another_repository(at: Terminal) -> tuple[str, Person]:
    """Saved answers belong to another lockfile."""
    return _other_answers(at, "lineage", "0123456789abcdef"), Person(
        WHY, elsewhere={"Go to the repository": "there is none"}
    )


@scenario("branch")
def answers_that_say_something_else(at: Terminal) -> tuple[str, Person]:
    """Saved answers are of another attempt than the lockfile's."""
    return _other_answers(at, "attempt", {}), Person(FOUND)


@scenario("branch")
def answers_that_make_no_sense(at: Terminal) -> tuple[str, Person]:
    """A saved line holds no answer."""
    return _other_answers(at, "transition", {"to": "heaven"}), Person(
        WHY, elsewhere={"Keep the file and report it": "somebody has to look at it"}
    )


@scenario("branch")
def answers_that_contradict(at: Terminal) -> tuple[str, Person]:
    """A saved answer names another execution than the lockfile."""
    answers_saved(at)
    applied(at, 11)
    at.stdin = at.clone.read("qflow.lock.rescue").splitlines()[0]
    _allow(at)
    assert at("lock", "push", "-").code == 0
    (mine,) = (one["id"] for one in at.sandbox.executions())
    at.clone.write("answers", at.stdin.replace(mine, "7f1308be-7d50-4791-acae-53a95d2aef5b"))
    at.stdin = ""
    return "qflow-gitops lock push answers", Person(WHY)


def _other_answers(at: Terminal, name: str, value: object) -> str:
    answers_saved(at)
    applied(at, 11)
    _allow(at)
    lines = at.clone.read("qflow.lock.rescue").splitlines()
    at.clone.write("answers", json.dumps({**json.loads(lines[0]), name: value}) + "\n")
    return "qflow-gitops lock push answers"


# --- the worktree store ------------------------------------------------------------------


@scenario("worktree")
def lockfile_older(at: Terminal) -> tuple[str, Person]:
    """A checkout brought an older lockfile back."""
    at.specs(a=spec("a"))
    applied(at)
    old = at.clone.read("qflow.lock")
    at.specs(a=spec("a"), b=spec("b"))
    applied(at)
    at.clone.write("qflow.lock", old)
    return APPLY, Person(WHY)


@scenario("worktree")
def lockfile_gone(at: Terminal) -> tuple[str, Person]:
    """The lockfile was removed."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.remove("qflow.lock")
    return APPLY, Person(WHY)


@scenario("worktree")
def lockfile_broken(at: Terminal) -> tuple[str, Person]:
    """The lockfile holds the marks of a merge."""
    at.specs(a=spec("a"))
    applied(at)
    at.clone.write("qflow.lock", "<<<<<<< ours\n" + at.clone.read("qflow.lock"))
    return APPLY, Person(WHY)


@scenario("worktree")
def lockfile_broken_in_a_new_clone(at: Terminal) -> tuple[str, Person]:
    """The lockfile was committed with the marks of a merge; this clone has seen no other."""
    at.specs(a=spec("a"))
    at.clone.write("qflow.lock", "<<<<<<< ours\n")
    at.clone.git("add", "qflow.lock")
    at.clone.git("commit", "--quiet", "-m", "lockfile")
    return APPLY, Person(WHY)


@scenario("worktree")
def lockfile_not_in_this_clone(at: Terminal) -> tuple[str, Person]:
    """The settings name a lineage, and there is no lockfile in this clone."""
    at.settings(more="  lock: {store: worktree, lineage: '0123456789abcdef'}\n")
    at.specs(a=spec("a"))
    return APPLY, Person(WHY)


@scenario("worktree")
def lockfile_unreadable(at: Terminal) -> tuple[str, Person]:
    """A link is where the lockfile belongs."""
    at.specs(a=spec("a"))
    applied(at)
    (at.clone.path / "qflow.lock").rename(at.folder / "elsewhere.lock")
    (at.clone.path / "qflow.lock").symlink_to(at.folder / "elsewhere.lock")
    return APPLY, Person(WHY, {"Put a plain file there": _plain})


def _plain(at: Terminal) -> None:
    at.clone.remove("qflow.lock")
    (at.folder / "elsewhere.lock").rename(at.clone.path / "qflow.lock")


@scenario("worktree")
def lockfile_of_a_newer_version(at: Terminal) -> tuple[str, Person]:
    """A newer program wrote the lockfile."""
    at.specs(a=spec("a"))
    applied(at)
    at.edit("qflow.lock", '"lockfileVersion": 2', '"lockfileVersion": 999')
    return APPLY, Person(WHY, elsewhere={"Use the newer qflow-gitops": "there is none yet"})


@scenario("worktree", "branch")
def lockfile_of_an_older_version(at: Terminal) -> tuple[str, Person]:
    """An older program wrote the lockfile."""
    at.specs(a=spec("a"))
    first, then = (
        json.dumps({"lockfileVersion": 1, "lineage": "0", "serial": serial, "environments": {}})
        for serial in (1, 2)
    )
    if at.store == "worktree":
        at.clone.write("qflow.lock", then)
    else:
        _begun(at, first, then)
    return APPLY, Person(WHY, elsewhere={"Use the build that wrote it": "nobody keeps one"})


@scenario("worktree")
def lockfile_in_a_ci(at: Terminal) -> tuple[str, Person]:
    """A CI would write the lockfile into a work tree that it throws away."""
    at.specs(a=spec("a"))
    subprocess.run(["git", "init", "-q", "--bare", "remote.git"], cwd=at.folder, check=True)
    at.clone.git("remote", "add", "origin", (at.folder / "remote.git").as_uri())
    at.environ("CI", "true")
    at.environ("JENKINS_URL", "https://ci.example/")

    lock = "lock: {store: worktree, ephemeral: allow}"
    return f"{APPLY} --yes", Person(
        WHY,
        {f"`{lock}`": lambda at: at.settings(more=f"  {lock}\n")},
        first=lambda at: at.environ("CI", ""),  # at the machine that has the lockfile
    )


@scenario("worktree")
def lockfile_being_written(at: Terminal) -> tuple[str, Person]:
    """Another apply is writing the lockfile."""
    at.specs(a=spec("a"))
    applied(at)
    at.edit("runs/a.yaml", '"a"', '"b"')
    at.merge()
    mutex = os.open(at.clone.path / ".git/qflow-gitops/mutex", os.O_RDWR)
    fcntl.flock(mutex, fcntl.LOCK_EX)
    at.open.callback(os.close, mutex)
    return APPLY, Person(WHY, {"Wait for it to end": lambda at: at.open.close()})


@scenario("worktree")
def journal_of_another_version(at: Terminal) -> tuple[str, Person]:
    """An interrupted apply left a journal, and the lockfile is another one by now."""
    at.specs(a=spec("a"))
    applied(at)
    journal = at.clone.path / ".git/qflow-gitops/journal"
    journal.write_text(json.dumps({"sha256": "0" * 64, "lineage": "x"}) + "\n")
    at.clone.write("qflow.lock", at.clone.read("qflow.lock").replace('"serial": 1', '"serial": 2'))
    return APPLY, Person(WHY)


@scenario("worktree")
def journal_unreadable(at: Terminal) -> tuple[str, Person]:
    """The journal of an interrupted apply is no JSON."""
    at.specs(a=spec("a"))
    applied(at)
    (at.clone.path / ".git/qflow-gitops/journal").write_text("{\n")
    return APPLY, Person(
        WHY, elsewhere={"Keep the file and report it": "somebody has to look at it"}
    )


@scenario("worktree")
def another_lockfile(at: Terminal) -> tuple[str, Person]:
    """The settings say that the lockfile lives elsewhere now."""
    at.specs(a=spec("a"))
    at.settings(more="  lock: {store: branch, branch: other}\n")
    at.merge()
    at.settings()
    at.merge()
    return APPLY, Person(
        WHY,
        {
            "Set `lock` back as it was": lambda at: at.settings(
                more="  lock: {store: branch, branch: other}\n"
            )
        },
    )
