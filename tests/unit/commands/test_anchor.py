"""Anchors: made once of what stands there, and held against what stands there later."""

from collections.abc import Callable

import pytest

from qflow_gitops.commands.anchor import anchor, deposit
from qflow_gitops.commands.verify_anchors import AnchorsGiven, Trusted, held_anchors, read_anchor
from qflow_gitops.errors import LockError, QflowError, UsageProblem
from qflow_gitops.lockfile.anchors import Anchor, contents_of, from_bytes, to_bytes
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.results.records import Anchored
from qflow_gitops.results.report import Report
from qflow_gitops.stores.branch import BranchStore
from tests.fakes.clock import FakeClock
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.fakes.lock_store import FakeLockStore
from tests.fakes.time_stamps import FakeStampServer


@pytest.fixture
def remote() -> FakeLockRemote:
    return FakeLockRemote()


@pytest.fixture
def store(remote: FakeLockRemote) -> BranchStore:
    """A lockfile on a branch, with one thing in it."""
    made = BranchStore(FakeLockBranch(remote), lineage="", author={"actor": "ada"})
    write(made)
    return made


def write(store: BranchStore) -> None:
    with store.session() as session:
        session.record([], Checkpoint("prod", latest=f"{session.lockfile.serial + 1:040x}"))


def body(report: Report) -> Anchored:
    assert isinstance(report.body, Anchored)
    return report.body


def given(
    server: FakeStampServer, *files: tuple[str, Anchor], strict: bool = False
) -> AnchorsGiven:
    return AnchorsGiven(dict(files), lambda _lockfile: Trusted(server, "a test's"), strict)


def newest(store: BranchStore) -> Lockfile:
    found = store.read().lockfile
    assert found is not None
    return found


def refused(kind: type[QflowError], act: Callable[[], object]) -> str:
    with pytest.raises(kind) as stopped:
        act()
    return stopped.value.reason


def test_it_is_asked_for_once_and_kept_beside_the_lockfile(
    store: BranchStore, remote: FakeLockRemote
) -> None:
    server = FakeStampServer()
    before = remote.tip
    made = body(anchor(store, lambda _now: server, again=False))
    assert (made.commit, made.new, made.server) == (before, True, server.address)
    assert made.file == f"anchors/{made.serial}.json"
    assert remote.commits[remote.tip].parents == (before,)
    assert "Anchor of serial 1: tsa.example.com" in remote.commits[remote.tip].message
    assert not body(anchor(store, lambda _now: server, again=False)).new
    assert len(server.asked) == 1
    again = body(anchor(store, lambda _now: server, again=True))
    assert again.file == f"anchors/{made.serial}.2.json"
    held = held_anchors(store, newest(store), given(server))
    assert [(one.stands, one.stamped) for one in held.anchors or ()] == [(True, True)] * 2
    assert held.problems == []


def test_who_comes_second_takes_the_others(store: BranchStore, remote: FakeLockRemote) -> None:
    other = BranchStore(FakeLockBranch(remote), lineage="", author={})

    def meanwhile() -> None:
        remote.before_push = lambda: None
        anchor(other, lambda _now: FakeStampServer(), again=False)

    remote.before_push = meanwhile
    assert not body(anchor(store, lambda _now: FakeStampServer(), again=False)).new
    assert [path for path in remote.commits[remote.tip].files if "anchors" in path] == [
        "anchors/1.json"
    ]


def test_a_deposit_is_held_against_the_history(store: BranchStore, remote: FakeLockRemote) -> None:
    written: list[bytes] = []
    made = body(deposit(store, FakeClock(), "kept.json", written.append))
    assert (made.file, made.server) == ("kept.json", "")
    kept = read_anchor(written[0], "kept.json")
    assert (kept.commit, kept.stamp) == (made.commit, None)
    write(store)
    server = FakeStampServer()
    assert held_anchors(store, newest(store), given(server, ("kept.json", kept))).problems == []
    for odd, word in (
        (kept._replace(commit="f" * 40), "isn't in the history any more"),
        (kept._replace(contents=contents_of(b"")), "doesn't hold what it held"),
        (kept._replace(serial=kept.serial + 1), "says serial"),
        (kept._replace(lineage="other"), "another lockfile"),
    ):
        held = held_anchors(store, newest(store), given(server, ("kept.json", odd)))
        assert [word in one for one in held.problems] == [True]


def test_a_time_stamp_of_another_time_or_server_is_none(store: BranchStore) -> None:
    server = FakeStampServer()
    anchor(store, lambda _now: server, again=False)
    other = FakeStampServer(name="another")
    (problem,) = held_anchors(store, newest(store), given(other)).problems
    assert "can't be trusted" in problem
    assert store.anchors is not None
    ((path, kept),) = store.anchors.newest()[1].items()
    moved = kept._replace(at="2026-10-01T00:00:00Z")
    held = held_anchors(store, newest(store), given(server, (path, moved)))
    assert ["its time stamp" in one for one in held.problems] == [True]


def test_what_cant_be_checked_is_told(store: BranchStore) -> None:
    anchor(store, lambda _now: FakeStampServer(), again=False)

    def unset(_lockfile: Lockfile) -> Trusted:
        raise UsageProblem("No server is named.", hint="Name one.", reason="anchor_unset")

    held = held_anchors(store, newest(store), AnchorsGiven({}, unset))
    assert held.notes == ("No time stamp was checked: No server is named. Name one.",)
    assert [one.stamped for one in held.anchors or ()] == [None]
    strictly = AnchorsGiven({}, unset, strict=True)
    assert refused(UsageProblem, lambda: held_anchors(store, newest(store), strictly))
    assert held_anchors(store, newest(store), AnchorsGiven({}, None)).notes == ()


def test_a_branch_with_a_stranger_in_it_isnt_anchored(
    store: BranchStore, remote: FakeLockRemote
) -> None:
    anchored = body(anchor(store, lambda _now: FakeStampServer(), again=False)).commit
    version = remote.commits[anchored]
    remote.commits[anchored] = version._replace(files={**version.files, "x": b""})
    held = held_anchors(store, newest(store), given(FakeStampServer()))
    assert ["can't be told: it holds x" in one for one in held.problems] == [True]


def test_a_file_of_the_work_tree_has_none() -> None:
    store = FakeLockStore(lockfile=Lockfile("lineage"))
    server = FakeStampServer()
    kept = Anchor("1" * 40, 1, "lineage", contents_of(b""), "2026-11-01T09:30:00Z")
    for act in (
        lambda: anchor(store, lambda _now: server, again=False),
        lambda: held_anchors(store, None, given(server, ("kept.json", kept))),
    ):
        assert refused(UsageProblem, act) == "lock_unanchored"
    assert held_anchors(store, None, given(server)).anchors is None


def test_nothing_is_anchored_where_there_is_no_lockfile(remote: FakeLockRemote) -> None:
    empty = BranchStore(FakeLockBranch(remote), lineage="", author={})
    act = lambda: anchor(empty, lambda _now: FakeStampServer(), again=False)  # noqa: E731
    assert refused(LockError, act) == "lock_missing"


KEPT = Anchor("1" * 40, 42, "lineage", contents_of(b""), "2026-11-01T09:30:00Z")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", to_bytes(KEPT).replace(b'"serial": 42', b'"serial": true'),
     to_bytes(KEPT).replace(b"09:30", b"25:30"), to_bytes(KEPT).replace(b'"at"', b'"att"'),
     to_bytes(KEPT).replace(b'"anchorVersion": 1', b'"anchorVersion": 2'),
     to_bytes(KEPT).replace(b"sha256:", b"md5:")],
)  # fmt: skip
def test_what_is_no_anchor_is_refused(content: bytes) -> None:
    assert from_bytes(to_bytes(KEPT), "kept.json") == KEPT
    assert refused(UsageProblem, lambda: read_anchor(content, "kept.json")) == "anchor_form"
