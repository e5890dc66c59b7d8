"""Every store of `fleet.lock` keeps the same promises; a claim is held by exactly one."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qflow_gitops.base import atomic, flocks
from qflow_gitops.errors import BusyError, LockError
from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.lockfile.fleet import FLEET_LOCK, FleetRecord, Release, Seen, claim
from qflow_gitops.lockfile.fleet_codec import to_bytes
from qflow_gitops.lockfile.notes import FROZEN, LedgerEvent
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.ports.fleet import FleetStore
from qflow_gitops.specs import schema
from qflow_gitops.stores.branch_fleet import BRANCH, BranchFleetStore
from qflow_gitops.stores.local_fleet import LocalFleetStore
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.stores import branch_of, fleet_store_of
from tests.picture import ROOT

NOW = datetime(2026, 10, 6, 9, 30, tzinfo=UTC)
AT = "2026-10-06T09:30:00Z"
COMMIT = "1" * 40
SEEN = Seen(MemberStanding.DONE, 0, counts={"done": 1}, commit=COMMIT, lock_commit=COMMIT)
EACH = pytest.mark.parametrize("name", ["branch", "fake branch", "local"])
REAL = pytest.mark.parametrize("name", ["branch", "local"])
BRANCHES = pytest.mark.parametrize("name", ["branch", "fake branch"])

Made = Callable[..., FleetStore]


@pytest.fixture
def there() -> FakeLockRemote:
    """The remote's end of the fake branch."""
    return FakeLockRemote()


@pytest.fixture
def made(remote: Remote, workspace: Workspace, there: FakeLockRemote) -> Made:
    """Build a store of a kind; another `clone` is another machine, where there can be several."""
    seen = dict[str, FakeLockBranch]()

    def make(name: str, clone: str = "") -> FleetStore:
        if name == "fake branch":
            return BranchFleetStore(seen.setdefault(clone, FakeLockBranch(there)), {})
        if name == "local" or not clone:
            return fleet_store_of(workspace.path, name)
        folder = remote.path.parent / clone
        return fleet_store_of(folder if folder.exists() else remote.clone(clone).path, name)

    return make


def claims(who: str, *names: str) -> Callable[[FleetRecord], FleetRecord]:
    """Claim members."""
    return lambda record: record.claimed(names, claim(who, who, NOW, 3600), NOW)


def worked(name: str) -> Callable[[FleetRecord], FleetRecord]:
    return lambda record: record.worked(name, SEEN, AT)


def released(record: FleetRecord) -> FleetRecord:
    return record.released(Release(1, {"a": COMMIT}, COMMIT, "ada", AT, "known"))


# --- what each store promises --------------------------------------------------------


@EACH
def test_nothing_is_there_before_the_first_write(name: str, made: Made) -> None:
    store = made(name)
    assert store.read() == FleetRecord()
    assert store.change(lambda _: None) is None
    assert store.change(lambda record: record) is None
    assert made(name).read() == FleetRecord()
    assert FLEET_LOCK in store.where


@EACH
def test_what_was_written_is_read_by_all(name: str, made: Made) -> None:
    written = made(name).change(claims("ada", "a", "b"))
    assert written is not None
    assert (written.serial, written.held("ada")) == (1, ("a", "b"))
    again = made(name, "other").change(worked("c"))
    assert again is not None
    assert again.serial == 2
    assert made(name).read() == made(name, "third").read() == again
    assert again.member("c").seen == SEEN
    assert schema.is_valid(json.loads(to_bytes(again)), "fleet-lock")


@EACH
def test_what_changes_nothing_is_not_written(name: str, made: Made) -> None:
    made(name).change(claims("ada", "a"))
    assert made(name, "other").change(claims("bob", "a")) is None
    assert made(name).read().serial == 1


@EACH
def test_a_decision_that_fails_writes_nothing(name: str, made: Made) -> None:
    made(name).change(claims("ada", "a"))
    with pytest.raises(ZeroDivisionError):
        made(name).change(lambda record: record.opened(1 // 0, COMMIT, AT))
    assert made(name).change(claims("ada", "b")) is not None
    assert made(name).read().held("ada") == ("a", "b")


@BRANCHES
def test_who_loses_a_race_decides_anew(name: str, made: Made) -> None:
    made(name).change(worked("a"))
    slow, fast = made(name, "slow"), made(name, "fast")
    shown: list[FleetRecord] = []

    def decide(record: FleetRecord) -> FleetRecord:
        shown.append(record)
        if len(shown) < 3:
            fast.change(claims(f"fast {len(shown)}", f"x{len(shown)}", "both"))
        return claims("slow", "both", "y")(record)

    written = slow.change(decide)
    assert [record.serial for record in shown] == [1, 2, 3]
    assert written is not None
    assert written.held("slow") == ("y",)
    assert written.held("fast 1") == ("both", "x1")
    assert made(name).read() == written


@BRANCHES
def test_who_always_loses_gives_up(name: str, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qflow_gitops.stores.branch_fleet.ROUNDS", 2)
    slow, fast, count = made(name, "slow"), made(name, "fast"), iter(range(9))

    def decide(record: FleetRecord) -> FleetRecord:
        fast.change(worked(f"x{next(count)}"))
        return claims("slow", "y")(record)

    with pytest.raises(LockError) as refused:
        slow.change(decide)
    assert refused.value.reason == "lock_contended"
    assert made(name).read().held("slow") == ()


NAMES = tuple(f"m{number}" for number in range(6))


@EACH
def test_of_two_threads_one_has_each_claim(name: str, made: Made) -> None:
    """Two clones, or two stores of one: each claims every member, one by one."""
    stores = {"one": made(name, "one"), "two": made(name, "two")}
    problems: list[Exception] = []
    start = threading.Barrier(2)

    def work(who: str) -> None:
        try:
            start.wait(10)
            for member in NAMES:
                stores[who].change(claims(who, member))
        except Exception as problem:  # noqa: BLE001  the other thread tells of it
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(who,)) for who in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    record = made(name).read()
    assert sorted((*record.held("one"), *record.held("two"))) == sorted(NAMES)
    assert record.serial == len(NAMES)


@EACH
def test_threads_of_one_store_take_turns(name: str, made: Made) -> None:
    store = made(name)
    threads = [
        threading.Thread(target=store.change, args=(claims(member, member),)) for member in NAMES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {member: store.read().held(member) for member in NAMES} == {
        member: (member,) for member in NAMES
    }


# --- processes, and what is left of one that was killed ------------------------------

_PROCESS = """
import os, signal, sys
from pathlib import Path
from qflow_gitops.base import atomic
from qflow_gitops.git.lock_branch import GitBranch
from tests.contract.test_fleetstores import claims
from tests.helpers.stores import fleet_store_of
folder, kind, who, how, *names = sys.argv[1:]
store = fleet_store_of(Path(folder), kind)
end = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if how == "before the push":
    GitBranch.push = end
if how == "after the push":
    GitBranch.remember = end
if how == "before it is in place":
    Path.replace = end
if how == "once it is in place":
    atomic.sync_folder = end
for name in names:
    store.change(claims(who, name))
"""


def process(folder: Path, kind: str, who: str, how: str, *names: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROCESS, str(folder), kind, who, how, *names],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@REAL
def test_of_two_processes_one_has_each_claim(
    name: str, made: Made, remote: Remote, workspace: Workspace
) -> None:
    folders = {"one": workspace.path, "two": workspace.path}
    if name == "branch":
        folders["two"] = remote.clone("two").path
    some = [process(folder, name, who, "", *NAMES) for who, folder in folders.items()]
    assert [one.wait(120) for one in some] == [0, 0]
    record = made(name).read()
    assert sorted((*record.held("one"), *record.held("two"))) == sorted(NAMES)


@pytest.mark.parametrize(
    ("name", "how", "held"),
    [
        ("branch", "before the push", ()),
        ("branch", "after the push", ("a",)),
        ("local", "before it is in place", ()),
        ("local", "once it is in place", ("a",)),
    ],
)
def test_a_kill_leaves_a_claim_whole_or_none(
    name: str, how: str, held: tuple[str, ...], made: Made, workspace: Workspace
) -> None:
    made(name).change(worked("b"))
    assert process(workspace.path, name, "killed", how, "a").wait(60) == -signal.SIGKILL
    store = made(name)
    assert store.read().held("killed") == held
    store.change(claims("next", "a", "b"))
    assert store.read().held("next") == (("b",) if held else ("a", "b"))
    left = [*(workspace.path / ".git/qflow-gitops").glob("*.tmp")]
    assert left == []


# --- what can't be trusted -----------------------------------------------------------


def put(name: str, workspace: Workspace, content: bytes, beside: str = FLEET_LOCK) -> None:
    """Put a content there by hand: a file's, or a commit's that somebody else pushes."""
    if name == "local":
        file = workspace.path / ".git/qflow-gitops" / beside
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        return
    branch = hand(workspace)
    tip = branch.fetch()
    assert branch.push(branch.commit(tip, {beside: content}, "by hand"), tip)


def hand(workspace: Workspace) -> GitBranch:
    """The branch as somebody sees it who does things by hand, in a clone of their own."""
    folder = workspace.path.parent / "by-hand"
    if not folder.exists():
        Remote(workspace.path.parent / "remote.git").clone("by-hand")
    return branch_of(folder, BRANCH)


def refusal(use: Callable[[], object]) -> LockError:
    with pytest.raises(LockError) as refused:
        use()
    assert refused.value.where
    assert refused.value.not_done
    return refused.value


def follow(problem: LockError, workspace: Workspace) -> None:
    """Type the commands of a hint."""
    commands = re.findall(r"`([^`]+)`", problem.hint)
    assert commands
    for command in commands:
        subprocess.run(command, shell=True, cwd=workspace.path, check=True, capture_output=True)


@REAL
@pytest.mark.parametrize("content", [b"", b"{", b"<<<<<<< ours\n", b"[]\n", b"\xff"])
def test_what_is_broken_is_refused_and_not_written_over(
    name: str, content: bytes, made: Made, workspace: Workspace
) -> None:
    made(name).change(claims("ada", "a"))
    put(name, workspace, content)
    for use in (made(name).read, lambda: made(name).change(claims("bob", "b"))):
        problem = refusal(use)
        assert problem.reason == "fleet_broken"
        assert problem.message.startswith("fleet.lock can't be read")
    follow(problem, workspace)
    assert made(name).read().held("ada") == (("a",) if name == "branch" else ())
    assert made(name).change(claims("bob", "b")) is not None


@REAL
def test_what_a_newer_program_wrote_stays(name: str, made: Made, workspace: Workspace) -> None:
    made(name).change(claims("ada", "a"))
    newer = to_bytes(made(name).read()).replace(b'Version": 1', b'Version": 2')
    put(name, workspace, newer)
    for use in (made(name).read, lambda: made(name).change(claims("bob", "b"))):
        assert refusal(use).reason == "fleet_newer"
    if name == "local":
        assert (workspace.path / ".git/qflow-gitops" / FLEET_LOCK).read_bytes() == newer


def test_a_branch_that_holds_something_else_is_refused(made: Made, workspace: Workspace) -> None:
    workspace.git("push", "--quiet", "origin", f"main:{BRANCH}")
    problem = refusal(made("branch").read)
    assert "holds no file fleet.lock" in problem.message
    assert problem.reason == "fleet_broken"


def test_a_link_in_place_of_the_file_is_refused(made: Made, workspace: Workspace) -> None:
    made("branch").change(claims("ada", "a"))
    clone = Workspace(workspace.path.parent / "linked")
    Remote(workspace.path.parent / "remote.git").clone("linked", "--branch", BRANCH)
    (clone.path / FLEET_LOCK).unlink()
    (clone.path / FLEET_LOCK).symlink_to("README.md")
    clone.git("commit", "--quiet", "--all", "-m", "a link")
    clone.git("push", "--quiet", "origin", BRANCH)
    assert refusal(made("branch").read).reason == "fleet_broken"


TAMPERED: dict[str, Callable[[FleetRecord, FleetRecord], FleetRecord]] = {
    "an older version": lambda older, _: older,
    "the same serial": lambda _, newest: replace(newest, open=9),
    "a release taken out": lambda _, newest: replace(newest, serial=9, releases=()),
    "a freeze taken out": lambda _, newest: replace(newest, serial=9, freeze=()),
    "a member taken out": lambda _, newest: replace(newest, serial=9, members={}),
    "an address taken out": lambda _, newest: replace(newest, serial=9, credentials={}),
}


@pytest.mark.parametrize("clone", ["", "new"])
@pytest.mark.parametrize("how", TAMPERED)
def test_a_record_that_lost_something_is_refused(
    how: str, clone: str, made: Made, remote: Remote, workspace: Workspace
) -> None:
    """By a clone that knew it, and by a new one, which looks at the last step."""
    store = made("branch")
    older = store.change(worked("a"))
    store.change(released)
    store.change(lambda one: one.frozen(LedgerEvent(AT, FROZEN, {"reason": "x", "nonce": "n"})))
    newest = store.change(lambda one: one.accepted("ACME", "host/a"))
    assert older is not None
    assert newest is not None
    put("branch", workspace, to_bytes(TAMPERED[how](older, newest)))
    problem = refusal(made("branch", clone).read)
    assert problem.reason == "fleet_rewritten"
    assert refusal(lambda: made("branch", clone).change(worked("b"))).reason == "fleet_rewritten"
    follow(problem, Workspace(remote.path.parent / clone) if clone else workspace)
    assert made("branch", clone).read() == newest


def test_a_branch_put_back_is_refused(made: Made, remote: Remote, workspace: Workspace) -> None:
    store = made("branch")
    store.change(worked("a"))
    before = remote.git("rev-parse", BRANCH)
    newest = store.change(claims("ada", "b"))
    remote.git("update-ref", f"refs/heads/{BRANCH}", before)
    for use in (store.read, made("branch").read, lambda: made("branch").change(worked("c"))):
        problem = refusal(use)
        assert problem.reason == "fleet_rewritten"
    follow(problem, workspace)
    assert made("branch").read() == newest


def test_a_branch_that_was_rewritten_is_refused_whatever_it_holds(
    made: Made, remote: Remote, workspace: Workspace
) -> None:
    newest = made("branch").change(worked("a"))
    assert newest is not None
    by_hand = hand(workspace)
    other = by_hand.commit("", {FLEET_LOCK: to_bytes(replace(newest, serial=9))}, "by hand")
    remote.git("fetch", "--quiet", str(by_hand.repo.root), other)
    remote.git("update-ref", f"refs/heads/{BRANCH}", other)
    problem = refusal(made("branch").read)
    assert (problem.reason, "rewritten" in problem.message) == ("fleet_rewritten", True)
    follow(problem, workspace)
    assert made("branch").read() == newest


def test_a_branch_that_is_gone_is_no_new_beginning(
    made: Made, remote: Remote, workspace: Workspace
) -> None:
    newest = made("branch").change(released)
    remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    problem = refusal(made("branch").read)
    assert problem.reason == "fleet_gone"
    follow(problem, workspace)
    assert made("branch").read() == newest


def test_a_clone_that_is_cut_off_reads_and_writes(made: Made, remote: Remote) -> None:
    for member in NAMES[:3]:
        made("branch").change(worked(member))
    clone = remote.clone("cut-off", "--depth=1")
    store = fleet_store_of(clone.path, "branch")
    assert store.change(claims("ada", "x")) is not None
    for member in NAMES[:3]:
        made("branch").change(claims("bob", member))
    assert fleet_store_of(clone.path, "branch").read().held("bob") == NAMES[:3]


# --- a remote, or a disk, that doesn't do as it should -------------------------------


@BRANCHES
def test_a_remote_that_can_not_be_asked_is_said(
    name: str, made: Made, remote: Remote, there: FakeLockRemote
) -> None:
    made(name).change(worked("a"))
    remote.path.rename(remote.path.with_suffix(".away"))
    there.answers = False
    for use in (made(name).read, lambda: made(name).change(worked("b"))):
        assert refusal_of(use) == "lock_unreachable"


def refusal_of(use: Callable[[], object]) -> str:
    with pytest.raises(LockError) as refused:
        use()
    return refused.value.reason


def test_a_push_that_is_refused_is_said_and_nothing_is_claimed(made: Made, remote: Remote) -> None:
    made("branch").change(worked("a"))
    remote.hook("pre-receive", "echo 'this branch is protected' >&2; exit 1\n")
    problem = refusal(lambda: made("branch").change(claims("ada", "b")))
    assert problem.reason == "lock_push"
    assert "protected" in problem.message
    assert problem.hint
    assert made("branch").read().held("ada") == ()
    (remote.path / "hooks/pre-receive").unlink()
    assert made("branch").change(claims("ada", "b")) is not None


def test_git_log_tells_what_happened(made: Made, remote: Remote) -> None:
    store = made("branch")
    store.change(claims("ada", "a"))
    store.change(lambda record: record.worked("a", SEEN, AT, "ada"))
    store.change(released)
    store.change(lambda record: record.opened(2, COMMIT, AT))
    store.change(claims("ada", *NAMES))
    store.change(lambda record: record.given_back(NAMES[:1], "ada"))
    store.change(lambda record: record.closed())
    store.change(lambda record: record.opened(1, COMMIT, AT))
    store.change(lambda record: record.let_go("2" * 40))
    assert remote.git("log", "--format=%s", "--reverse", BRANCH).splitlines() == [
        "fleet: a claimed by ada",
        "fleet: a done",
        "fleet: wave 1 released",
        "fleet: wave 2 open at 1111111111",
        "fleet: m0 claimed by ada, m1 claimed by ada, m2 claimed by ada, and more",
        "fleet: m0 given back",
        "fleet: waves closed",
        "fleet: wave 1 open at 1111111111",
        "fleet: waves closed",
    ]
    assert "Qflow-Serial: 9" in remote.git("log", "-1", "--format=%B", BRANCH)
    assert "fleet.lock" in remote.git("show", f"{BRANCH}:README.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "private"


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_said_and_keeps_what_was(
    why: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalFleetStore(folder)
    newest = store.change(worked("a"))

    def fails(*_: object, **__: object) -> None:
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(atomic, "replace", fails)
    problem = refusal(lambda: store.change(claims("ada", "a")))
    assert problem.reason == "fleet_unwritable"
    assert os.strerror(why) in problem.message
    assert problem.hint
    assert store.read() == newest


def test_a_folder_that_can_not_be_made_is_said(folder: Path) -> None:
    folder.write_text("a file")
    problem = refusal(lambda: LocalFleetStore(folder / "inner").change(worked("a")))
    assert problem.reason == "fleet_unwritable"


def test_a_file_that_can_not_be_read_is_said(folder: Path) -> None:
    (folder / FLEET_LOCK).mkdir(parents=True)
    store = LocalFleetStore(folder)
    for use in (store.read, lambda: store.change(worked("a"))):
        assert refusal(use).reason == "fleet_unreadable"


def test_a_writer_that_hangs_is_waited_for_no_longer_than_that(folder: Path) -> None:
    store = LocalFleetStore(folder, patience=0.05)
    store.change(worked("a"))
    with flocks.entered(folder / "fleet.mutex", lambda: 0.0) as entered:
        assert entered is not None
        with pytest.raises(BusyError) as refused:
            store.change(claims("ada", "a"))
        assert refused.value.hint
        assert store.read().serial == 1
    assert store.change(claims("ada", "a")) is not None
