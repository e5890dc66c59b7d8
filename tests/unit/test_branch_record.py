"""The lockfile's branch, read as a whole or from what was read before: the same, at the cost of
what differs."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.pieces import MOST, files_of
from qflow_gitops.lockfile.runs import LazyRuns
from qflow_gitops.lockfile.states import TRANSITIONS, State
from qflow_gitops.lockfile.walk import Walk
from qflow_gitops.ports.lock_branch import LockBranch
from qflow_gitops.stores.branch import BranchStore
from qflow_gitops.stores.branch_record import NothingKept, RecordReader
from qflow_gitops.stores.branch_trail import Trail
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.unit.test_lockfile import moved, opened

COMMIT = "1" * 40
AT = "2026-01-01T00:00:00Z"


class Counting(FakeLockBranch):
    """A clone's end that counts which blobs it reads."""

    def __init__(self, remote: FakeLockRemote) -> None:
        super().__init__(remote)
        self.read: list[str] = []
        self.asked: list[int] = []

    def blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        self.read += ids
        self.asked.append(len(ids))
        return super().blobs(ids)


def store(branch: LockBranch) -> BranchStore:
    return BranchStore(branch, lineage="", author={"actor": "ada"})


def newest(branch: LockBranch) -> Lockfile:
    """The record, read anew by a store that knows nothing."""
    lockfile = store(branch).read().lockfile
    assert lockfile is not None
    return lockfile


def next_of(lockfile: Lockfile, run: str, choice: int) -> Transition:
    """The run's last attempt moves on, or another opens."""
    attempts = lockfile.attempts("prod", run)
    number = len(attempts)
    moves = sorted(TRANSITIONS.get(attempts[-1].state, ())) if attempts else []
    if choice >= len(moves):
        return opened(run, number + 1)
    names = moves[choice] in (State.ACCEPTED, State.ADOPTED)
    return moved(moves[choice], run, number, f"e-{run}-{number}" if names else "")


writes = st.lists(
    st.tuples(st.booleans(), st.sampled_from("abcd"), st.integers(0, 4), st.booleans()), max_size=12
)


@given(writes)
def test_what_is_read_step_by_step_is_what_is_read_as_a_whole(made: list[Any]) -> None:
    """Two sessions write in turn, and each takes in what the other wrote."""
    there = FakeLockRemote()
    ends = [FakeLockBranch(there), FakeLockBranch(there)]
    stores = [store(end) for end in ends]
    for first, run, choice, noted in made:
        mine = stores[first]
        with mine.session() as session:
            carried = LedgerEvent(AT, "carried", {"from": "prod/z", "through": 0})
            notes = (Note("prod", run, carried),) if noted else ()
            mark = Checkpoint("prod", COMMIT, COMMIT, notes) if noted else None
            session.record([next_of(session.lockfile, run, choice)], mark)
        for one in stores:
            found, whole = one.read().lockfile, newest(FakeLockBranch(there))
            assert found == whole
            assert found is not None
            assert files_of(found) == files_of(whole)
            assert found.executions == whole.executions
            for name in "abcd":
                assert found.overview("prod").glance(name) == whole.overview("prod").glance(name)
                assert found.events("prod", name) == whole.events("prod", name)
                owner = f"e-{name}-1"
                assert found.owner(owner) == whole.owner(owner)


def many(count: int, name: str = "run") -> list[Transition]:
    return [opened(f"{name}-{number}") for number in range(count)]


def test_after_a_lost_race_only_what_differs_is_read() -> None:
    there = FakeLockRemote()
    mine, other = Counting(there), FakeLockBranch(there)
    ours, theirs = store(mine), store(other)
    with ours.session() as session:
        session.record(many(50))
    with ours.session() as session, theirs.session() as faster:
        assert session.lockfile.executions == 0
        faster.record([opened("late")])
        mine.read.clear()
        session.record([moved(State.UNSENT, "run-1", 1)])
        assert session.lockfile.attempts("prod", "late")
        assert session.lockfile.attempts("prod", "run-1")[0].state is State.UNSENT
    assert len(set(mine.read)) <= 6  # the head and what was written, before and after


def test_a_run_goes_on_in_another_file_beyond_so_many_attempts() -> None:
    there = FakeLockRemote()
    branch = FakeLockBranch(there)
    with store(branch).session() as session:
        for number in range(1, 2 * MOST + 3):
            session.record([opened("a", number)])
            session.record([moved(State.UNSENT, "a", number)])
        # What comes to an old attempt goes where that is.
        before = dict(there.commits[there.tip].files)
        session.record([], Checkpoint("prod", COMMIT))
    files = {path: content for path, content in there.commits[there.tip].files.items()
             if path.startswith("runs/")}  # fmt: skip
    assert [path.rpartition("/")[2] for path in sorted(files)] == ["a.2.json", "a.3.json", "a.json"]
    assert all(before[path] == content for path, content in files.items())
    lockfile = newest(branch)
    assert [one.number for one in lockfile.attempts("prod", "a")] == list(range(1, 2 * MOST + 3))
    assert files_of(lockfile) == {
        path: content for path, content in there.commits[there.tip].files.items()
        if path != "README.md"
    }  # fmt: skip


def test_only_the_file_of_an_old_attempt_changes_with_it() -> None:
    there = FakeLockRemote()
    branch = FakeLockBranch(there)
    with store(branch).session() as session:
        session.record([opened("a", number) for number in range(1, MOST + 5)])
        first = there.tip
        session.record([moved(State.UNSENT, "a", 3)])
    (step,) = branch.steps(first, there.tip)
    assert [change.path.rpartition("/")[2] for change in step.changes] == ["qflow.lock", "a.json"]


def test_attempts_are_read_when_they_are_asked_for_or_all_at_once() -> None:
    there = FakeLockRemote()
    with store(FakeLockBranch(there)).session() as session:
        session.record(many(20))
    branch = Counting(there)
    lockfile = store(branch).read().lockfile
    assert lockfile is not None
    runs = lockfile.environment("prod").runs
    assert isinstance(runs, LazyRuns)
    branch.read.clear()
    assert lockfile.attempts("prod", "run-3")
    assert lockfile.attempts("prod", "run-3")
    assert len(branch.read) == 1
    whole = Counting(there)
    everything = store(whole).read(whole=True).lockfile
    assert everything is not None
    read = len(whole.read)
    there.answers = False
    offline = Counting(there)
    offline.remember(there.tip)
    copy = store(offline).read(whole=True).lockfile
    asked = len(offline.asked)
    assert copy is not None
    assert [len(copy.attempts("prod", run)) for run in runs] == [1] * 20
    assert len(offline.asked) == asked  # not once for each run
    assert dict(everything.environment("prod").runs) == dict(runs)
    assert len(whole.read) == read


def test_a_head_without_runs_is_all_there_is() -> None:
    there = FakeLockRemote()
    with store(FakeLockBranch(there)).session() as session:
        session.record([], Checkpoint("prod", COMMIT))
    lockfile = newest(FakeLockBranch(there))
    assert (lockfile.environment("prod").latest, dict(lockfile.environment("prod").runs)) == (
        COMMIT, {},
    )  # fmt: skip


def test_an_odd_name_is_never_a_path() -> None:
    """As a rescued line of somebody else's could have it."""
    there = FakeLockRemote()
    event = Event(AT, State.INTENT)
    attempt = Attempt(1, State.INTENT, "v1:sha256:" + "0" * 64, (event,))
    for name in ("../x", "A", "a/b/c", "a/", "a/b.2", "a/../b", "a.2", "", "ü"):
        with store(FakeLockBranch(there)).session() as session, pytest.raises(LockError) as refused:
            session.record([Transition("prod", name, 1, event, opens=attempt)])
        assert refused.value.reason == "lock_name"
    assert there.tip == ""


def test_many_steps_are_followed_in_groups_and_read_once_each() -> None:
    there = FakeLockRemote()
    branch = Counting(there)
    with store(branch).session() as session:
        session.record(many(1500))
        session.record(many(1500, "more"))
        for number in range(3):
            session.record([moved(State.UNSENT, f"run-{number}", 1)])
    branch.read.clear()
    trail = Trail(branch, "", branch.steps("", there.tip))
    walk = Walk(owners=True)
    assert [problems for _, problems in trail.followed(walk)] == [()] * 5
    assert len(branch.read) == len(set(branch.read)) == 3000 + 3 + 5  # runs, heads
    assert len(walk.pieces) == 3000
    reader = RecordReader(branch, NothingKept())
    assert dict(reader.whole(there.tip).lockfile.environment("prod").runs)
