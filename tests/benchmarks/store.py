"""What the branch store itself takes and leaves behind, driven in this process."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from qflow_gitops.git.lock_branch import GitBranch
from qflow_gitops.git.repository import GitRepo
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.states import State
from qflow_gitops.stores.branch import BranchStore
from tests.benchmarks.recorded import ENVIRONMENT, WAVE, Origin, Run, Version
from tests.benchmarks.trees import Desk, Tree, desk
from tests.helpers.clones import BRANCH, Remote

WAVES = 12
STEPS = 3
"""Commits of an apply of one run: what it starts, its answer, how far it came."""


class _Unpushed(GitBranch):
    """Makes the commits and leaves the push to one at the end: the history is the same."""

    def push(self, commit: str, parent: str) -> bool:
        del parent
        self.remember(commit)
        return True


def _store(at: Desk, kind: type[GitBranch]) -> tuple[GitBranch, BranchStore]:
    repo = GitRepo.open(at.clone.path, at.tree.environ(at.folder))
    branch = kind(repo, "origin", BRANCH, lambda: 600.0)
    return branch, BranchStore(branch, lineage="", author={"actor": "bench@example.com"})


def wave_seconds(tree: Tree, origin: Origin) -> float:
    """Return what one write takes, pushed: answers of a wave and intents of the next one."""
    took = []
    with desk(tree, origin.recorded(tree.form)) as at:
        _, store = _store(at, GitBranch)
        step = len(origin.runs) // (WAVES * WAVE)
        runs = [one.again(2) for one in origin.runs[:: max(1, step)][: WAVES * WAVE]]
        before: list[Transition] = []
        with store.session() as session:
            for first in range(0, len(runs), WAVE):
                wave = runs[first : first + WAVE]
                writes = [*before, *map(_opens, wave)]
                begun = time.perf_counter()
                session.record(writes)
                took.append(time.perf_counter() - begun)
                before = list(map(_answers, wave))
    return median(took[1:])  # the first one has no answers


def applied(at: Desk, runs: Sequence[Run]) -> None:
    """Write what applies of one changed run each write, and push all of it at the end."""
    branch, store = _store(at, _Unpushed)
    with store.session() as session:
        for run in (one.again(2) for one in runs):
            latest = str(run.facts["commit"])
            session.record([_opens(run)], Checkpoint(ENVIRONMENT, latest))
            session.record([_answers(run)])
            session.record([], Checkpoint(ENVIRONMENT, latest, latest))
    tip = branch.known().commit
    at.clone.git("push", "--quiet", "origin", f"{tip}:refs/heads/{BRANCH}")


def applied_without(runs: Sequence[Run]) -> Iterator[Version]:
    """Yield the same as versions for `recorded.write`, for a tree whose code isn't this one's."""
    for one in runs:
        run = one.again(2)
        latest = str(run.facts["commit"])
        first = one.attempt(1, "succeeded")
        yield Version(f"start {run.name}", latest, {run.name: [first, run.attempt(2, "intent")]})
        answered = {run.name: [first, run.attempt(2, "accepted")]}
        yield Version(f"{run.name} accepted", latest, answered)
        yield Version(f"all applied through {latest[:10]}", latest, {})


def packed(remote: Remote, folder: Path) -> int:
    """Return the bytes of the packs that hold the lockfile's branch alone, after `git gc`."""
    other = Remote(folder / "packed.git")
    fetch = ["git", "fetch", "--quiet", remote.path.as_uri(), f"{BRANCH}:refs/heads/{BRANCH}"]
    subprocess.run(fetch, cwd=other.path, check=True)
    other.git("gc", "--quiet")
    return sum(file.stat().st_size for file in other.path.glob("objects/pack/*.pack"))


def _opens(run: Run) -> Transition:
    shown = run.attempt(2, "intent")["events"][0]
    rest = {name: value for name, value in shown.items() if name not in ("at", "to")}
    event = Event(shown["at"], State.INTENT, rest)
    attempt = Attempt(2, State.INTENT, run.digest, (event,), facts=run.facts)
    return Transition(ENVIRONMENT, run.name, 2, event, opens=attempt)


def _answers(run: Run) -> Transition:
    shown = run.attempt(2, "accepted")
    event = Event(shown["events"][1]["at"], State.ACCEPTED, {"httpStatus": 200})
    execution = str(shown["executionId"])
    return Transition(ENVIRONMENT, run.name, 2, event, execution_id=execution)
