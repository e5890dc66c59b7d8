"""The lockfile is the same in both stores, and in both forms: one file, a head and files of runs.

Whatever is recorded, and in which order: each run's piece is the same, byte for byte.
"""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile.codec import from_bytes, normal_form, run_to_json, to_bytes
from qflow_gitops.lockfile.cutting import cut
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.pieces import (
    HEAD,
    MOST,
    Place,
    files_of,
    head_from_bytes,
    lockfile_of,
    piece_from_bytes,
    place_of,
)
from qflow_gitops.ports.lock_branch import LockBranch
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.stores.branch import BranchStore
from qflow_gitops.stores.branch_record import NothingKept
from qflow_gitops.stores.worktree import WorktreeStore
from qflow_gitops.stores.worktree_glance import Glance
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.helpers.clones import Remote
from tests.helpers.partners import NIGHTLY
from tests.helpers.writes import MANY, Step, writes, written
from tests.unit.test_run_summaries import Kept

Writes = Sequence[Sequence[Step]]


class Stores:
    """A work tree's lockfile, and two clones that take turns at a branch; all are written alike."""

    def __init__(self, folder: Path, clones: Sequence[LockBranch]) -> None:
        self.folder = folder
        self.clones = clones
        self.branches = [self._branch(clone) for clone in clones]

    @staticmethod
    def _branch(clone: LockBranch) -> BranchStore:
        return BranchStore(clone, lineage="", author={"actor": "ada"})

    @property
    def worktree(self) -> WorktreeStore:
        return WorktreeStore(self.folder / HEAD, self.folder / "private", lineage="")

    def write(self, each: Writes) -> None:
        for number, steps in enumerate(each):
            turn = number // 2 % 2  # each clone writes twice, by one process and by the next
            for store in (self.worktree, self.branches[turn]):
                with store.session() as session:
                    session.record(*written(session.lockfile, steps))
            self.branches[turn] = self._branch(self.clones[turn])

    def file(self) -> bytes:
        return (self.folder / HEAD).read_bytes() if (self.folder / HEAD).exists() else b""

    def tree(self) -> dict[str, bytes]:
        """What stands in the branch's newest commit."""
        clone = self.clones[0]
        entries = [entry for entry in clone.entries(clone.fetch()) if entry.path != "README.md"]
        contents = clone.blobs([entry.blob for entry in entries])
        return dict(zip((entry.path for entry in entries), contents, strict=True))


def recorded(store: LockStore) -> Lockfile:
    lockfile = store.read().lockfile
    assert lockfile is not None
    return lockfile


def alike(stores: Stores) -> None:
    """All of them hold the same runs, and each form says what the other does."""
    content = stores.file()
    if not content:
        return
    lockfile, tree = from_bytes(content, HEAD), stores.tree()
    files = files_of(lockfile)
    assert {**tree, HEAD: b""} == {**files, HEAD: b""}
    head = head_from_bytes(tree[HEAD], HEAD)
    assert head.environments == head_from_bytes(files[HEAD], HEAD).environments
    assert head.notes == lockfile.notes
    for store in stores.branches:
        read = recorded(store)
        assert files_of(read) == tree
        assert to_bytes(replace(read, lineage=lockfile.lineage, serial=lockfile.serial)) == content
    for one in (stores.worktree, stores.branches[0]):
        found = one.kept()
        assert [problem for version in found.versions for problem in version.problems] == []
        newest = found.lockfile()
        assert newest is not None
        assert files_of(newest).items() >= {**files, HEAD: files_of(newest)[HEAD]}.items()
    one_file_and_pieces(content, files)
    at_a_glance(content, lockfile)


def one_file_and_pieces(content: bytes, files: dict[str, bytes]) -> None:
    """The one file, turned into pieces and back, is the same bytes; and so are the pieces."""
    pieces = {}
    for path, piece in files.items():
        if place := place_of(path):
            pieces[place] = piece_from_bytes(piece, place, path)
            assert len(pieces[place].attempts) <= MOST
    again = lockfile_of(head_from_bytes(files[HEAD], HEAD), pieces)
    assert to_bytes(again) == content
    assert files_of(again) == files


def at_a_glance(content: bytes, lockfile: Lockfile) -> None:
    """What is cut out of the one file is each run's piece, but for all attempts in one."""
    with_runs = [name for name, record in sorted(lockfile.environments.items())
                 if record.runs or record.events]  # fmt: skip
    _, cuts = cut(content)
    found = {
        (with_runs[each.environment], each.run): each.named(with_runs[each.environment])
        for each in cuts
    }
    assert found == {
        (name, run): normal_form(
            {"environment": name, "name": run}
            | run_to_json(lockfile.attempts(name, run), lockfile.events(name, run))
        )
        for name, record in lockfile.environments.items()
        for run in {*record.runs, *record.events}
    }
    for glance in (Glance(NothingKept()), warm := Glance(Kept()), warm):
        seen = glance(content, HEAD)
        assert seen == lockfile
        assert to_bytes(seen) == content


@settings(max_examples=200 if NIGHTLY else 15)
@given(writes)
def test_both_stores_and_both_forms_hold_the_same(each: Writes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        there = FakeLockRemote()
        stores = Stores(Path(folder), [FakeLockBranch(there), FakeLockBranch(there)])
        stores.write(each)
        alike(stores)


@settings(max_examples=40 if NIGHTLY else 4)
@given(writes)
def test_by_git_they_do_as_well(each: Writes) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        remote = Remote(folder / "remote.git")
        clones = [
            GitBranch(GitRepo.open(remote.clone(name).path, os.environ), "origin", "qflow-lock",
                      lambda: 30.0)
            for name in ("one", "other")
        ]  # fmt: skip
        stores = Stores(folder, clones)
        stores.write(each)
        alike(stores)


PLACE = ("prod", "a")
MORE: Sequence[tuple[str, Any]] = (("move", (1, 0)), ("open", "y"), ("carry", PLACE))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_run_beyond_100_attempts_goes_on_in_another_file(count: int) -> None:
    """And nothing moves: each of its files but the last stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        there = FakeLockRemote()
        stores = Stores(Path(folder), [FakeLockBranch(there), FakeLockBranch(there)])
        stores.write([[("open", PLACE, "x")], *[[("many", PLACE, "x")]] * count])
        alike(stores)
        before = stores.tree()
        first, *others = (Place(*PLACE, part).path for part in range(1, count + 1))
        assert {first, *others} == {*before} - {HEAD}
        assert len(recorded(stores.worktree).attempts(*PLACE)) == 1 + MANY * count
        stores.write([[(kind, PLACE, what)] for kind, what in MORE])
        alike(stores)
        after = stores.tree()
        changed = {path for path in before if before[path] != after[path]}
        assert changed == {HEAD, first, *others[-1:]}
