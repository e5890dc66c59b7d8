"""`lock move`: what it refuses before anything is closed, and the settings that it writes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qflow_gitops.commands.move import Ends, MoveServices, move, steps, way_of
from qflow_gitops.errors import BusyError, InvalidInput, LockError, QflowError
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.moving import Step, Way, next_step
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.places import Site, is_open, last_move
from qflow_gitops.results.files import Files
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import LockSettings
from tests.fakes.lock_store import FakeLockStore
from tests.fakes.world import World, project_file, raised

AT = "2026-10-06T12:00:00Z"
BY = {"actor": "ada"}
HERE = LockSettings("branch", branch="here")
THERE = LockSettings("branch", branch="there")


class Moving:
    """A world whose lockfile can be moved; each branch is a store in memory."""

    def __init__(self, root: Path, lock: str = "lock: {store: branch, branch: here}") -> None:
        self.world = World(project_file(lock), root=root)
        self.stores = {
            "here": self.world.store,
            "there": FakeLockStore(),
            "qflow.lock": FakeLockStore(),
        }
        for name, store in self.stores.items():
            store.where = f"the lockfile {name}"
        self.world.specs("a")
        self.world.on_disk()
        self.settings = root / "qflow.yaml"
        self.opened: list[LockSettings] = []

    def store(self, lock: LockSettings) -> FakeLockStore:
        self.opened.append(lock)
        return self.stores[lock.branch if lock.store == "branch" else "qflow.lock"]

    @property
    def services(self) -> MoveServices:
        project = self.world.project
        return MoveServices(
            self.world.git, project, self.store, self.settings, self.world.clock, BY
        )

    def __call__(self, to: LockSettings = THERE) -> Report:
        return move(to, self.services)

    def ends(self, to: LockSettings = THERE) -> Ends:
        return Ends(self.stores["here"], self.store(to), HERE, to, "")

    def uncommitted(self, *names: str) -> None:
        """Git says so of these files, as it will of what was moved."""
        for name in names:
            self.world.git.write(name, "not what was committed\n")

    def steps(self) -> list[Step]:
        return list(steps(self.ends(), self.world.clock, BY))

    def text(self) -> str:
        return self.settings.read_text()


@pytest.fixture
def moving(tmp_path: Path) -> Moving:
    made = Moving(tmp_path)
    assert made.world.apply().report.exit_code == 0
    return made


def files(report: Report) -> list[tuple[str, str]]:
    assert isinstance(report.body, Files)
    return [(change.file, change.what) for change in report.body.changes]


def refused(moving: Moving, work: Callable[[], object], error: type[QflowError]) -> QflowError:
    """It is refused, and the lockfile stays where and as it was."""
    before, text = list(moving.stores["here"].place.versions), moving.text()
    problem = raised(error, work)
    assert moving.stores["here"].place.versions == before
    assert moving.text() == text
    return problem


def test_it_is_copied_closed_and_opened(moving: Moving) -> None:
    attempts = moving.world.store.lockfile.attempts("prod", "a")
    moving.uncommitted("qflow.yaml")
    report = moving()
    assert files(report) == [
        ("the lockfile there", "written"), ("the lockfile here", "closed"),
        ("qflow.yaml", "changed"), ("qflow.yaml", "diff"),
    ]  # fmt: skip
    assert moving.stores["there"].lockfile.attempts("prod", "a") == attempts
    assert [is_open(moving.stores[name].lockfile) for name in ("here", "there")] == [False, True]
    lineage = moving.stores["there"].lockfile.lineage
    assert "lock: {store: branch, branch: there, remote: origin, lineage: " in moving.text()
    assert lineage in moving.text()
    assert isinstance(report.body, Files)
    assert report.body.next[0].startswith("git add qflow.yaml && git commit ")


def test_again_it_only_says_that_it_is_there(moving: Moving) -> None:
    moving()
    before = [list(store.place.versions) for store in moving.stores.values()]
    assert files(moving())[-1] == ("qflow.yaml", "kept")
    moving.world.git.write("qflow.yaml", moving.text())
    moving.world.commit()
    assert files(moving()) == [("branch there of origin", "kept")]
    assert [list(store.place.versions) for store in moving.stores.values()] == before


def test_to_the_work_tree_and_the_files_to_commit(moving: Moving) -> None:
    moving.uncommitted("qflow.yaml", "qflow.lock")
    report = moving(LockSettings("worktree"))
    assert "lock: {store: worktree, branch: here, lineage: " in moving.text()
    assert isinstance(report.body, Files)
    assert "git add qflow.yaml qflow.lock" in report.body.next[0]


@pytest.mark.parametrize(
    ("tracks", "to", "push"),
    [
        (True, THERE, "git push"),
        (False, THERE, "git push --set-upstream origin HEAD"),
        (False, LockSettings("worktree"), "git push --set-upstream origin HEAD"),
    ],
)
def test_a_branch_without_an_upstream_is_pushed_with_one(
    tracks: bool, to: LockSettings, push: str, moving: Moving
) -> None:
    moving.uncommitted("qflow.yaml")
    body = move(to, replace(moving.services, tracks=tracks)).body
    assert isinstance(body, Files)
    assert body.next[1] == push


def test_a_lockfile_that_was_never_begun(tmp_path: Path) -> None:
    moving = Moving(tmp_path)
    moving()
    assert is_open(moving.stores["there"].lockfile)
    assert not is_open(moving.stores["here"].lockfile)
    lineages = {moving.stores[name].lockfile.lineage for name in ("here", "there")}
    assert len(lineages) == 1


def test_others_write_at_every_step(moving: Moving) -> None:
    def another(lockfile: Lockfile) -> Lockfile:
        event = LedgerEvent(AT, "frozen", {"nonce": str(lockfile.serial)})
        return lockfile.marked(Checkpoint(notes=(Note("", "", event),)))

    moving.stores["here"].meanwhile = [another] * 3
    moving()
    assert len(moving.stores["there"].lockfile.freezes) == 3


def test_others_write_all_the_time(moving: Moving) -> None:
    def another(lockfile: Lockfile) -> Lockfile:
        event = LedgerEvent(AT, "frozen", {"nonce": str(lockfile.serial)})
        return lockfile.marked(Checkpoint(notes=(Note("", "", event),)))

    moving.stores["here"].meanwhile = [another] * 1000
    assert raised(LockError, moving).reason == "lock_contended"
    assert is_open(moving.stores["here"].lockfile)


def test_the_source_of_a_move_that_settings_are_ahead_of(moving: Moving) -> None:
    """Somebody has committed the new settings; only the copy says where it comes from."""
    next(steps(moving.ends(), moving.world.clock, BY))
    moving.world.git.write("qflow.yaml", moving.text().replace("here", "there"))
    moving.world.commit()
    moving()
    assert [is_open(moving.stores[name].lockfile) for name in ("here", "there")] == [False, True]


def test_a_copy_from_a_folder_that_this_project_is_not_in(moving: Moving) -> None:
    next(steps(moving.ends(), moving.world.clock, BY))
    there = moving.stores["there"]
    pending = last_move(there.lockfile.places)
    assert pending is not None
    origin = {"from": {"store": "worktree", "folder": "teams/pay"}}
    there.another_writes(
        lambda lockfile: replace(
            lockfile, places=(*lockfile.places, pending._replace(extra={**pending.extra, **origin}))
        )
    )
    moving.world.git.write("qflow.yaml", moving.text().replace("here", "there"))
    moving.world.commit()
    assert refused(moving, moving, LockError).reason == "lock_pending"


def test_where_it_was_moved_from_it_does_not_stay(moving: Moving) -> None:
    moving()
    assert raised(LockError, lambda: moving(HERE)).reason == "lock_closed"
    problem = raised(LockError, lambda: moving(LockSettings("worktree")))
    assert (problem.reason, "moved from here to branch there" in problem.message) == (
        "lock_closed",
        True,
    )


def test_while_an_apply_is_at_work(moving: Moving) -> None:
    moving.world.specs("a", "b")

    def during() -> None:
        attempts = moving.world.store.lockfile.attempts("prod", "b")
        if attempts and attempts[-1].state == "intent":
            problem = refused(moving, moving, BusyError)
            assert problem.where == "prod/b"
            seen.append(problem)

    seen: list[QflowError] = []
    moving.world.qualys.before_send = during
    moving.world.apply()
    assert seen
    moving()


def test_where_it_is_not_known(moving: Moving) -> None:
    moving.stores["here"].address = "fork.example/runs"
    assert refused(moving, moving, LockError).reason == "place"


@pytest.mark.parametrize("lineage", ["another", ""])
def test_another_lockfile_is_in_the_way(moving: Moving, lineage: str) -> None:
    own = moving.world.store.lockfile
    moving.stores["there"].another_writes(
        lambda _lockfile: replace(own, lineage=lineage or own.lineage)
    )
    problem = refused(moving, moving, LockError)
    assert problem.reason == "lock_there"
    assert ("a copy of this lockfile" in problem.message) is not bool(lineage)


def test_something_that_the_lockfile_lacks_is_in_the_way(moving: Moving) -> None:
    own = moving.world.store.lockfile
    note = Note("", "", LedgerEvent(AT, "movedTo", {"nonce": "1"}))
    released = Note("prod", "", LedgerEvent(AT, "released", {"hold": "empty"}))
    moving.stores["there"].another_writes(
        lambda _lockfile: own.marked(Checkpoint(notes=(note, released)))
    )
    problem = refused(moving, moving, LockError)
    assert (problem.reason, "that it hasn't itself" in problem.message) == ("lock_there", True)


def test_a_run_that_the_lockfile_lacks_is_in_the_way(moving: Moving) -> None:
    own = moving.world.store.lockfile
    record = own.environment("prod")
    more = record._replace(
        runs={**record.runs, "b": record.runs["a"][:0]},
        events={"b": (LedgerEvent(AT, "carried", {"from": "prod/a", "through": 1}),)},
    )
    note = Note("", "", LedgerEvent(AT, "movedTo", {"nonce": "1"}))
    other = replace(own, environments={"prod": more}).marked(Checkpoint(notes=(note,)))
    moving.stores["there"].another_writes(lambda _lockfile: other)
    assert "The run prod/b is gone." in refused(moving, moving, LockError).message


def test_the_new_place_is_gone_again(moving: Moving) -> None:
    moving()
    moving.stores["there"].place.versions.clear()
    assert raised(LockError, moving).reason == "lock_missing"


def test_what_was_lost_on_the_way_is_copied_again() -> None:
    """Nothing of ours does that; whoever finds it copies the closed lockfile once more."""
    site, to = Site("worktree", folder="."), Site("branch", "there", "origin")
    way = Way(site, to, "host.example/runs")
    moved = LedgerEvent(AT, "movedTo", {"nonce": "1", "to": to.to_json()})
    pending = LedgerEvent(AT, "pending", {"nonce": "1", "from": site.to_json()})
    source = Lockfile("lineage", 3, places=(moved,)).marked(Checkpoint("prod", "1" * 40))
    assert next_step(source, Lockfile("lineage", 2, places=(pending,)), way) is Step.COPY


@pytest.mark.parametrize("text", ["spec: [1]\n", None])
def test_settings_that_cannot_be_changed_stop_it_first(moving: Moving, text: str | None) -> None:
    before = list(moving.stores["here"].place.versions)
    if text is None:
        moving.settings.unlink()
    else:
        moving.settings.write_text(text)
    assert raised(InvalidInput, moving).reason in ("settings_odd", "settings_missing")
    assert moving.stores["here"].place.versions == before


def test_both_ends_are_named_by_what_they_are(moving: Moving) -> None:
    way = way_of(moving.ends(LockSettings("worktree")), "lineage")
    assert str(way.origin) == "branch here of origin"
    assert (str(way.to), way.to.options) == ("qflow.lock", "--to worktree")
