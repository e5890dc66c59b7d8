"""Any two who move a lockfile, and any two who apply meanwhile, killed anywhere.

Over every pair of stores. Each step of each of them is durable or not there; in between, and
between what one has read and its push, anybody else may act.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qflow_gitops.base.times import stamp
from qflow_gitops.commands.move import Ends, steps
from qflow_gitops.errors import BusyError, LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.places import is_open
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.lockfile import LockStore, LostRace
from qflow_gitops.settings.project import LockSettings
from qflow_gitops.stores.branch import BranchStore
from qflow_gitops.stores.worktree import WorktreeStore
from tests.fakes.clock import FakeClock
from tests.fakes.lock_branch import FakeLockBranch, FakeLockRemote
from tests.helpers.partners import NIGHTLY

LINEAGE = "0b6f3c1e9a7d4f52"
KINDS = ["branch", "worktree"]
RUNS = ("a", "b", "c")
LEASE = timedelta(minutes=6)
LATE = 9
MOVES = (*(0, 1, 2, 3) * 5, 4, 5, 6, 7, 8, LATE)
"""0 to 3: one of them goes on; 4 to 7: it is killed; 8: nobody; LATE: a lease ends."""
PAIRS = [pair for pair in product(KINDS, KINDS) if pair != ("worktree", "worktree")]


@dataclass
class Scene:
    """Two places, and who acts there. `posts` counts what Qualys got, by run."""

    kinds: tuple[str, str]
    folder: Path
    others: Callable[[], None] = lambda: None
    clock: FakeClock = field(default_factory=FakeClock)
    posts: dict[str, int] = field(default_factory=dict)
    recorded: list[Transition] = field(default_factory=list)
    rescued: list[Transition] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remotes = [FakeLockRemote(), FakeLockRemote()]
        for remote in self.remotes:
            remote.before_push = self._act

    def _act(self) -> None:
        self.others()

    def store(self, place: int, *, pinned: bool = True) -> LockStore:
        """Open one of the two places, as another process does."""
        lineage = LINEAGE if pinned else ""
        if self.kinds[place] == "branch":
            branch = FakeLockBranch(self.remotes[place], f"host{place}.example/runs")
            return BranchStore(branch, lineage=lineage, author={"actor": "ada"})
        path = self.folder / str(place)
        return WorktreeStore(path / "qflow.lock", path / "private", lineage=lineage)

    def lock(self, place: int) -> LockSettings:
        """Name one of the two places as settings do."""
        return LockSettings(self.kinds[place], branch=f"place-{place}")

    def begin(self) -> None:
        """Make the lockfile in the first place."""
        with self.store(0, pinned=False).session() as session:
            session.adopt(Lockfile(LINEAGE))

    def ends(self) -> Ends:
        source, target = self.store(0), self.store(1, pinned=False)
        return Ends(source, target, self.lock(0), self.lock(1), "")

    def mover(self) -> Iterator[object]:
        """Move it from the first to the second place."""
        with suppress(BusyError):  # an apply is at work, or has the file
            yield from steps(self.ends(), self.clock, {"actor": "ada"})

    def applier(self, place: int) -> Iterator[object]:
        """Send each run that no attempt counts for, as settings that name a place have it."""
        for run in RUNS:
            with suppress(BusyError, LostRace, LockError):
                yield from self._sent(place, run)

    def _sent(self, place: int, run: str) -> Iterator[object]:
        with self.store(place).session() as session:
            attempts = session.lockfile.attempts("prod", run)
            if any(attempt.counted for attempt in attempts):
                return
            yield "read"
            intent = self._intent(run, len(attempts) + 1)
            session.record([intent], Checkpoint("prod", "1" * 40))
            self.recorded.append(intent)
            yield "intent"
            self.posts[run] = self.posts.get(run, 0) + 1
            answer = self._answer(run, len(attempts) + 1)
            yield "sent"
            try:
                session.record([answer])
            except LockError:
                self.rescued.append(answer)
                raise
            self.recorded.append(answer)

    def _intent(self, run: str, number: int) -> Transition:
        now = self.clock.now()
        event = Event(stamp(now), State.INTENT, {"leaseUntil": stamp(now + LEASE)})
        digest = f"v1:sha256:{run * 64}"
        attempt = Attempt(number, State.INTENT, digest, (event,), facts={"nonce": run})
        return Transition("prod", run, number, event, opens=attempt)

    def _answer(self, run: str, number: int) -> Transition:
        event = Event(stamp(self.clock.now()), State.ACCEPTED)
        return Transition("prod", run, number, event, execution_id=f"execution-{run}")

    def check(self) -> None:
        """Nothing was sent twice, and at no time are two places open."""
        assert all(count == 1 for count in self.posts.values()), self.posts
        found = [self.store(place, pinned=False).read().lockfile for place in (0, 1)]
        said = [each for each in found if each and (each.places or each.environments)]
        assert sum(map(is_open, said)) <= 1

    def finish(self) -> Lockfile:
        """Let the last of them end the move, and give what stands in the new place."""
        self.others = lambda: None
        self.clock.sleep(LEASE.total_seconds() + 1)
        for _ in steps(self.ends(), self.clock, {"actor": "ada"}):
            self.check()
        lockfile = self.store(1).read().lockfile
        assert lockfile is not None
        assert is_open(lockfile)
        return lockfile


def played(scene: Scene, moves: list[int]) -> None:
    """Let everybody act in the order of `moves`; within a push, the next may be another's."""
    makers: list[Callable[[], Iterator[object]]] = [
        scene.mover,
        scene.mover,
        lambda: scene.applier(0),
        lambda: scene.applier(1),
    ]
    actors: list[Iterator[object] | None] = [None] * len(makers)
    busy: set[int] = set()
    left = iter(moves)

    def act() -> None:
        move = next(left, 8)
        who = move % 4
        if move == LATE:
            scene.clock.sleep(LEASE.total_seconds() + 1)
        if move >= 8 or who in busy:
            return
        busy.add(who)
        try:
            if move >= 4:
                actors[who] = None  # a new process comes in its place
            else:
                actors[who] = actors[who] or makers[who]()
                with suppress(LockError):
                    if next(actors[who], None) is None:  # type: ignore[arg-type]
                        actors[who] = None
        finally:
            busy.discard(who)

    scene.others = act
    for _ in moves:
        act()
        scene.check()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits after a race that was lost."""
    monkeypatch.setattr("qflow_gitops.stores.branch_session.time.sleep", lambda _seconds: None)


@pytest.mark.parametrize("kinds", PAIRS)
@settings(max_examples=240 if NIGHTLY else 25, deadline=None)
@given(moves=st.lists(st.sampled_from(MOVES), min_size=30, max_size=60))
def test_nothing_is_sent_twice_and_no_record_is_lost(
    kinds: tuple[str, str], moves: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scene = Scene(kinds, tmp_path_factory.mktemp("move"))
    scene.begin()
    scene.check()
    played(scene, moves)
    lockfile = scene.finish()
    scene.check()
    for each in scene.recorded:
        (attempt,) = lockfile.attempts("prod", each.run)
        assert each.event in attempt.events
    for each in scene.rescued:  # brought in by `lock push`
        with scene.store(1).session() as session:
            session.record([each])
    for place in (0, 1):
        for _ in scene.applier(place):
            scene.check()
    assert set(scene.posts) <= set(RUNS)
    if LATE not in moves:
        assert not scene.rescued, "an answer was on its way when the old place was closed"


@pytest.mark.parametrize("kinds", PAIRS)
def test_a_freeze_that_comes_before_the_old_place_is_closed_goes_along(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    scene = Scene(kinds, tmp_path)
    scene.begin()
    event = LedgerEvent("2026-10-06T12:00:00Z", "frozen", {"reason": "incident", "nonce": "1"})
    going = steps(scene.ends(), scene.clock, {"actor": "ada"})
    next(going)  # it is copied
    scene.store(0).announce(lambda _lockfile: event)
    assert len(scene.finish().freezes) == 1
    with pytest.raises(LockError) as refused:
        scene.store(0).announce(lambda _lockfile: event)
    assert refused.value.reason == "lock_closed"
    assert Note("", "", event).event in (scene.store(1).read().lockfile or Lockfile("")).notes
