"""kill -9 at each step of a real apply, then recovery: nothing runs twice, nothing is lost.

A step is a system call that talks to Qualys or to the remote, that makes something durable,
or a git that was started. Batch b kills at every Nth step from step b on, in a shuffled
order, each time a real process that has new runs to send on top of what the kills before
left. Then an apply in a fresh clone (branch store) or the same folder (worktree store)
recovers, an honest person settles what is left in doubt, and a last apply finishes.

`.ci/nightly` makes all batches, `.ci/run` a quarter of one for each store: a machine that goes down
and reaches its remote over the network, and a process alone. QFLOW_TESTS_KILLS=N makes N times as
many, each with its own order.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from qflow_gitops.sandbox.server import SandboxServer
from tests.helpers.cli import Cli
from tests.helpers.clones import Remote
from tests.helpers.git import Workspace
from tests.helpers.gitdaemon import serve
from tests.helpers.kills import Ended, Killer
from tests.helpers.partners import NIGHTLY, rows
from tests.helpers.specs import SANDBOX_PROJECT, spec

TIMES = int(os.environ.get("QFLOW_TESTS_KILLS", "1"))
APPLY = ("apply", "--yes", "--no-wait", "--concurrency", "2")
LEASE = 400.0  # seconds after which nobody waits for a dead process any more
NEVER = 100_000
SHARE = 1 if NIGHTLY else 0.25
NOT_RUN = {"unsent", "absent"}


@dataclass(frozen=True)
class Batch:
    """`points` are the steps to kill at, in their order."""

    number: int
    points: tuple[int, ...]

    @property
    def chosen(self) -> tuple[int, ...]:
        """Those of the steps that are killed at: each, or every fourth and the last, NEVER."""
        return self.points if NIGHTLY else (*self.points[:-1:4], self.points[-1])

    @property
    def everything(self) -> bool:
        """Whether the gits that it started die with it, as where a machine goes down."""
        return self.number % 2 == 0

    @property
    def ahead(self) -> bool:
        """Whether each process comes when the lease of the one before is over."""
        return self.number % 4 < 2

    @property
    def by_network(self) -> bool:
        """Whether the remote is reached over TCP, which takes longer than by a path."""
        return self.number % 5 == 0

    @property
    def faults(self) -> tuple[str, ...]:
        """In some batches Qualys doesn't show what an execution was started with."""
        return ("no-echo",) if self.number % 3 == 0 else ()


def batches(count: int, apart: int, steps: int) -> list[Batch]:
    """Share the first steps out, so that all batches together cover each, and add later ones.

    The last process of each batch isn't killed.
    """
    made = []
    for number in range(count * TIMES):
        chance = random.Random(number)
        points = list(range(number % apart + 1, steps + 1, apart))
        points += chance.sample(range(steps, 3 * steps), 2)
        chance.shuffle(points)
        made.append(Batch(number, (*points, NEVER)))
    return made


class Scene:
    """A repository in which runs are added, killed and recovered."""

    def __init__(self, author: Workspace, sandbox: SandboxServer, capfd: Any) -> None:
        self.author, self.sandbox, self.capfd = author, sandbox, capfd
        self.count = 0

    def add(self) -> None:
        """One more run is due, two at the beginning."""
        for _ in range(1 if self.count else 2):
            self.author.write(f"runs/{self.count}.yaml", spec(f"run-{self.count}", self.count))
            self.count += 1
        self.author.commit(f"{self.count} runs")

    def place(self, _round: int) -> Workspace:
        """Where the next process works."""
        return self.author

    def recovering(self) -> Cli:
        """The program where it recovers, in this process."""
        return Cli(self.author.path, self.capfd)

    def runs(self) -> dict[str, list[dict[str, Any]]]:
        """The attempts of each run, as the lockfile has them now."""
        told = Cli(self.author.path, self.capfd).json("history")
        found: dict[str, list[dict[str, Any]]] = {}
        for one in told["attempts"]:
            found.setdefault(one["name"], []).append(one)
        return found

    def executions(self) -> dict[str, list[str]]:
        """What really ran: the executions of each run."""
        found: dict[str, list[str]] = {}
        for one in self.sandbox.executions():
            found.setdefault(f"run-{one['body']['input']['value']}", []).append(one["id"])
        return found

    def check(self, why: object) -> dict[str, str]:
        """The invariants; the last state of each run."""
        runs, executed = self.runs(), self.executions()
        assert all(len(ids) == 1 for ids in executed.values()), (why, executed)
        owners = Counter(
            one["executionId"]
            for attempts in runs.values()
            for one in attempts
            if one.get("executionId")
        )
        assert set(owners.values()) <= {1}, (why, owners)
        for run, (execution,) in executed.items():
            last = runs[run][-1]
            known = last.get("executionId") == execution
            assert known or last["state"] in ("intent", "in_doubt"), (why, last)
        for attempts in runs.values():
            assert {one["state"] for one in attempts[:-1]} <= NOT_RUN, (why, attempts)
        return {run: attempts[-1]["state"] for run, attempts in runs.items()}


class BranchScene(Scene):
    """The lockfile is on a branch; each process works in a clone, every other in a fresh one."""

    def __init__(self, remote: Remote, *rest: Any) -> None:
        super().__init__(*rest)
        self.remote = remote
        self._clones: list[Workspace] = []

    def add(self) -> None:
        super().add()
        self.author.git("push", "--quiet", "origin", "main")

    def _fresh(self) -> Workspace:
        clone = self.remote.clone(f"clone-{len(self._clones)}")
        clone.git("remote", "set-url", "origin", self.author.git("remote", "get-url", "origin"))
        self._clones.append(clone)
        return clone

    def place(self, round: int) -> Workspace:  # noqa: A002
        if round % 2 == 0:
            return self._fresh()
        clone = self._clones[-1]
        clone.git("pull", "--quiet", "--ff-only", "origin", "main")
        return clone

    def recovering(self) -> Cli:
        return Cli(self._fresh().path, self.capfd)

    def runs(self) -> dict[str, list[dict[str, Any]]]:
        if not self.remote.git("branch", "--list", "qflow-lock"):
            return {}
        prod = self.remote.record()["environments"].get("prod", {})
        return {run: one["attempts"] for run, one in prod.get("runs", {}).items()}


@pytest.fixture
def branch(
    request: pytest.FixtureRequest,
    remote: Remote,
    workspace: Workspace,
    sandbox: SandboxServer,
    capfd: Any,
) -> Iterator[BranchScene]:
    workspace.remove("runs/aws/buckets.yaml")
    batch: Batch = request.getfixturevalue("batch")
    with ExitStack() as opened:
        if batch.by_network:
            address = opened.enter_context(serve(remote.path.parent))
            workspace.git("remote", "set-url", "origin", f"{address}/{remote.path.name}")
        yield BranchScene(remote, workspace, sandbox, capfd)


@pytest.fixture
def worktree(workspace: Workspace, sandbox: SandboxServer, capfd: Any) -> Scene:
    workspace.write("qflow.yaml", SANDBOX_PROJECT)
    return Scene(workspace, sandbox, capfd)


def kill(scene: Scene, batch: Batch) -> list[Ended]:
    """Kill one process after another, and look at what is left after each."""
    ends = []
    for number, point in enumerate(batch.chosen):
        scene.add()
        killer = Killer(scene.place(number).path, batch.everything)
        ahead = number * LEASE if batch.ahead else 0
        ended = killer.run(point, *APPLY, ahead=ahead)
        ends.append(ended)
        # 6: what a killed one had begun is left to it as long as its lease runs
        assert ended.killed or ended.status in ((0, 9) if ahead else (0, 6, 9)), ended.out
        assert "Traceback" not in ended.out
        scene.check(ended)
    assert not ends[-1].killed
    return ends


def recover(scene: Scene, batch: Batch, later: Callable[[float], None]) -> None:
    """The next apply settles what it can, a person the rest, and then everything was sent once."""
    time.sleep(0.1)  # what a dead process sent last arrives
    scene.sandbox.set_faults(*batch.faults)
    later((len(batch.points) + 1) * LEASE)
    cli = scene.recovering()
    first = cli("apply", "--yes", "--no-wait")
    assert first.code in (0, 9), first.err
    states = scene.check("recovered")
    assert "intent" not in states.values()
    assert ("in_doubt" in states.values()) == (first.code == 9)
    scene.sandbox.set_faults()
    settle_by_hand(scene, cli, states, ahead=batch.ahead)
    last = cli("apply", "--yes")
    assert last.code == 0, last.err
    states = scene.check("finished")
    assert states == {f"run-{number}": "succeeded" for number in range(scene.count)}
    assert set(scene.executions()) == set(states)
    checked = cli.json("lock", "verify")
    assert (checked["exitCode"], checked["problems"]) == (0, [])


def settle_by_hand(scene: Scene, cli: Cli, states: dict[str, str], *, ahead: bool) -> None:
    """Somebody looks in Qualys, and says what is true; also of what clocks `ahead` recorded."""
    executed = scene.executions()
    for run in [run for run, state in states.items() if state == "in_doubt"]:
        what = ["--adopt", executed[run][0]] if run in executed else ["--absent"]
        say = ("resolve", run, *what, "--reason", "looked in Qualys")
        done = cli(*say)
        if ahead and done.code == 2 and "It began at" in done.err:
            done = cli(*say, "--although-different")
        assert done.code == 0, done.err


BRANCH_BATCHES = batches(12, 7, 110)
WORKTREE_BATCHES = batches(8, 8, 80)
LEAST = {"branch": 13, "worktree": 6}
"""So many processes are killed in each batch; the others have ended before their step came."""


def name(batch: Batch) -> str:
    return str(batch.number)


def test_so_many_kills_in_all() -> None:
    made = {"branch": len(BRANCH_BATCHES), "worktree": len(WORKTREE_BATCHES)}
    assert sum(count * LEAST[store] for store, count in made.items()) >= 200


@pytest.mark.parametrize("batch", rows(BRANCH_BATCHES, lambda batch: batch.number == 0, name))
def test_branch(batch: Batch, branch: BranchScene, later: Callable[[float], None]) -> None:
    ends = kill(branch, batch)
    assert sum(one.killed for one in ends) >= LEAST["branch"] * SHARE, ends
    recover(branch, batch, later)


@pytest.mark.parametrize("batch", rows(WORKTREE_BATCHES, lambda batch: batch.number == 1, name))
def test_worktree(batch: Batch, worktree: Scene, later: Callable[[float], None]) -> None:
    ends = kill(worktree, batch)
    assert sum(one.killed for one in ends) >= LEAST["worktree"] * SHARE, ends
    recover(worktree, batch, later)
