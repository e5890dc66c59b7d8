"""Generated stories against the whole program: whatever happens, nothing runs twice or is lost.

A story is about a few runs, people who change and merge them in two clones, runners that
apply at any moment, and faults: of the network, of Qualys, of the git remote, of clocks and
of processes. After each step `Oracle` holds the record against what the sandbox executed.

By default this takes under a minute. QFLOW_TESTS_MODEL=EXAMPLES or EXAMPLES,STEPS asks for
more, for instance QFLOW_TESTS_MODEL=500,30 (and pytest's --timeout for as long as that needs).
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from qflow_gitops.lockfile import DOUBTFUL, Attempt, Lockfile, State
from qflow_gitops.lockformat import from_bytes
from qflow_gitops.lockstores.worktree import WorktreeStore
from qflow_gitops.sandbox import SandboxServer
from tests.helpers.clones import BRANCH, Remote
from tests.helpers.edges import Done, Runners
from tests.helpers.git import Workspace
from tests.helpers.oracle import Oracle, attempts_of

EXAMPLES, _, STEPS = os.environ.get("QFLOW_TESTS_MODEL", "20,12").partition(",")
NAMES = ("a", "b", "c")
LEASE = 400.0  # seconds after which no process can still send what it announced

names, clones, values = st.sampled_from(NAMES), st.sampled_from((0, 1)), st.integers(0, 1)
posts = st.sampled_from(
    ("drop", "accept-then-drop", "accept-then-cut", "accept-then-500", "late=30", "late=200",
     "500", "502", "503", "429=1", "409", "409-rate=1", "400", "401", "403", "404", "redirect",
     "html", "empty", "bad-id", "old-shape", "drip=0.02")
).map(lambda one: f"{one}@run#1")  # fmt: skip
looks = st.sampled_from(
    ("list-lag=60", "list-lag=2000", "list-shift", "list-stuck", "no-echo", "wrapped-variables",
     "hidden@steps", "hidden", "500@list#2", "403@list", "500@execution#2", "500@token#1",
     "expire-tokens=1", "outcome=Failed", "outcome=Odd")
)  # fmt: skip
faults = st.one_of(st.just(()), st.tuples(posts), st.tuples(posts, looks), st.tuples(looks))
edges = st.sampled_from(("push", "pushed", "send", "sent", "look", "looked", "replace"))
deeds = st.sampled_from(
    ("crash", "crash", "crash", "stop", "stall", "reject", "lost", "dropped", "apply", "old",
     "reconcile", "refresh", "settle", "merge")
)  # fmt: skip
troubles = st.lists(st.tuples(edges, st.integers(1, 3), deeds), max_size=2)
ways = st.sampled_from(((), ("--no-wait",), ("--timeout", "2s"), ("--concurrency", "1")))
skews = st.sampled_from((0.0, 0.0, 45.0, -45.0, 1200.0, -1200.0, 10000.0, -10000.0))


@dataclass(frozen=True)
class Spec:
    """A spec: what it asks for (`value`), and what else the file says."""

    value: str
    rerun: int = 0
    previous: str = ""

    def text(self, name: str, workflow: str) -> str:
        previous = f"  previousName: {self.previous}\n" if self.previous else ""
        rerun = f"  rerun: {self.rerun}\n" if self.rerun else ""
        return (
            "apiVersion: qflow-gitops/v1\nkind: WorkflowRun\n"
            f"metadata:\n  name: {name}\n{previous}"
            f"spec:\n  workflowId: {workflow}\n  input:\n    value: {self.value}\n{rerun}"
        )


Specs = dict[str, Spec]
BEGIN: Specs = {"a": Spec("a-0"), "b": Spec("b-0")}


class Story(RuleBasedStateMachine):
    """What people and runners do. `template` holds the repositories that each story copies."""

    template: Path
    store = "branch"

    def __init__(self) -> None:
        super().__init__()
        self._opened = ExitStack()
        folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory()))
        shutil.copytree(self.template, folder, dirs_exist_ok=True, symlinks=True)
        sandbox = self._opened.enter_context(SandboxServer(duration=3.0))
        self.sandbox, self.workflow = sandbox, str(uuid4())
        self.remote = folder / "remote.git"
        self.clones = [Workspace(folder / name) for name in ("one", "two")]
        for one in self.clones:
            file = one.path / ".git/config"
            file.write_text(file.read_text().replace(str(self.template), str(folder)))
        self.runners = Runners(sandbox)
        self._opened.enter_context(self.runners.installed())
        self.specs: list[Specs] = [dict(BEGIN), dict(BEGIN)]
        self.at: dict[str, Specs] = {}
        self.commits: list[list[str]] = [[], []]

    @initialize(keyed=st.booleans(), stop=st.booleans(), skews=st.tuples(skews, skews, skews))
    def begin(self, keyed: bool, stop: bool, skews: tuple[float, float, float]) -> None:
        """Write the settings; `skews` are those of the clones and of the server."""
        key = ", correlationKey: _qflow" if keyed else ""
        self.clones[0].write(
            "qflow.yaml",
            "apiVersion: qflow-gitops/v1\nkind: Project\nspec:\n"
            "  environments:\n    prod: {platform: sandbox}\n"
            f"  lock: {{store: {self.store}}}\n"
            f"  apply: {{onFailure: {'stop' if stop else 'continue'}{key}}}\n"
            "  statuses: {Failed: failed}\n",
        )
        for one, ahead in zip(self.clones, skews, strict=False):
            self.runners.ahead[one.path] = ahead
        self.skew = skews[2]
        self.oracle = Oracle(
            self.sandbox, self.workflow, keyed, self.record, self.versions,
            [one.path for one in self.clones],
        )  # fmt: skip
        self.runners.about_to_send = self.oracle.about_to_send
        self.runners.was_sent = self.oracle.was_sent
        self.seen = ""
        self._commit(0)
        self._share(0, mine=True)
        self._share(1, mine=True)
        self._fault(())

    def teardown(self) -> None:
        self._opened.close()

    # --- the record ------------------------------------------------------------------

    def _git(self, *arguments: str) -> str:
        return Workspace(self.remote).git(*arguments)

    def _tip(self) -> str:
        return self._git("for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}")

    def _version(self, commit: str) -> Lockfile:
        return from_bytes(self._git("show", f"{commit}:qflow.lock").encode() + b"\n", commit)

    def record(self) -> Lockfile | None:
        tip = self._tip()
        return self._version(tip) if tip else None

    def versions(self) -> list[Lockfile]:
        tip = self._tip()
        if tip == self.seen:
            return []
        if self.seen:
            self._git("merge-base", "--is-ancestor", self.seen, tip)
        since = f"{self.seen}..{tip}" if self.seen else tip
        self.seen = tip
        return [self._version(one) for one in self._git("rev-list", "--reverse", since).split()]

    def _attempts(self) -> list[tuple[str, Attempt]]:
        record = self.record()
        return list(attempts_of(record)) if record else []

    # --- people ----------------------------------------------------------------------

    def _commit(self, clone: int) -> None:
        workspace = self.clones[clone]
        shutil.rmtree(workspace.path / "runs", ignore_errors=True)
        for name, one in self.specs[clone].items():
            workspace.write(f"runs/{name}.yaml", one.text(name, self.workflow))
        commit = workspace.commit()
        self.at[commit] = dict(self.specs[clone])
        self.commits[clone].append(commit)

    @rule(clone=clones, name=names, value=values, shared=st.booleans())
    def edit(self, clone: int, name: str, value: int, shared: bool) -> None:
        """Add a run, change it, or put it back to what it asked for before."""
        old = self.specs[clone].get(name, Spec(""))
        self.specs[clone][name] = replace(old, value=f"{name}-{value}")
        self._changed(clone, shared)

    @rule(clone=clones, name=names)
    def rerun(self, clone: int, name: str) -> None:
        if name in self.specs[clone]:
            old = self.specs[clone][name]
            self.specs[clone][name] = replace(old, rerun=old.rerun + 1)
            self._changed(clone, True)

    @rule(clone=clones, old=names, new=names, carried=st.booleans())
    def rename(self, clone: int, old: str, new: str, carried: bool) -> None:
        specs = self.specs[clone]
        if old in specs and new not in specs:
            specs[new] = replace(specs.pop(old), previous=old if carried else "")
            self._changed(clone, True)

    @rule(clone=clones, name=names)
    def remove(self, clone: int, name: str) -> None:
        if self.specs[clone].pop(name, None):
            self._changed(clone, True)

    def _changed(self, clone: int, shared: bool) -> None:
        self._commit(clone)
        if shared:
            self._share(clone, mine=True)

    @rule(clone=clones, mine=st.booleans())
    def share(self, clone: int, mine: bool) -> None:
        self._share(clone, mine)

    def _share(self, clone: int, mine: bool) -> None:
        """Merge what others pushed (of two changes `mine` or theirs is taken), and push."""
        workspace = self.clones[clone]
        workspace.git("fetch", "--quiet", "origin")
        theirs = workspace.git("for-each-ref", "--format=%(objectname)", "refs/remotes/origin/main")
        if theirs in self.at and theirs != self.commits[clone][-1:]:
            both = [self.at[theirs], self.specs[clone]]
            self.specs[clone] = {**both[0], **both[1]} if mine else {**both[1], **both[0]}
            if self.commits[clone]:
                workspace.git("merge", "--quiet", "-s", "ours", "--no-commit", theirs)
            else:
                workspace.git("reset", "--quiet", "--hard", theirs)
            self._commit(clone)
        workspace.git("push", "--quiet", "origin", "main")

    @rule(seconds=st.sampled_from((5.0, 90.0, LEASE, 4000.0, 31 * 86400.0)))
    def time_passes(self, seconds: float) -> None:
        self.runners.elapse(seconds)

    @rule(name=names, same=st.booleans())
    def somebody_else(self, name: str, same: bool) -> None:
        """Another client of the API runs the same workflow, perhaps with the same request."""
        spec = self.specs[0].get(name, Spec("else"))
        body = {"input": {"value": spec.value if same else "else"}}
        self.sandbox.add_foreign(self.workflow, body, source="PUBLIC_API")

    # --- runners ---------------------------------------------------------------------

    def _fault(self, chosen: tuple[str, ...]) -> None:
        self.sandbox.set_faults(f"skew={self.skew}", *chosen)

    def _run(self, clone: int, *arguments: str, **options: Any) -> Done:
        done = self.runners.call(self.clones[clone].path, *arguments, **options)
        assert "Traceback" not in done.err, done.err
        assert "AssertionError" not in done.err, done.err
        assert done.code not in (3, 70), (arguments, done)
        return done

    def _deed(self, clone: int, deed: str) -> Callable[[], None]:
        """What happens at a step of a clone's process."""
        other = 1 - clone

        def reject() -> None:
            (self.remote / "refuse").touch()

        return {
            "crash": self.runners.crash,
            "stop": self.runners.stop,
            "stall": lambda: self.runners.elapse(LEASE),
            "reject": reject,
            "lost": lambda: self.runners.lose_push("lost"),
            "dropped": lambda: self.runners.lose_push("dropped"),
            "apply": lambda: self._applied(other, "--no-wait"),
            "old": lambda: self._applied(other, "--no-wait", "--to", self.commits[other][0]),
            "reconcile": lambda: self._ignored(other, "reconcile"),
            "refresh": lambda: self._ignored(other, "status", "--refresh"),
            "settle": lambda: self._settle(other, assume=False),
            "merge": lambda: self._edit_and_apply(other),
        }[deed]

    def _ignored(self, clone: int, *arguments: str) -> None:
        self._run(clone, *arguments)

    def _edit_and_apply(self, clone: int) -> None:
        self.specs[clone]["a"] = replace(self.specs[clone].get("a", Spec("")), value="a-1")
        self._changed(clone, True)
        self._applied(clone, "--no-wait")

    def _applied(self, clone: int, *arguments: str, **options: Any) -> Done:
        done = self._run(clone, "apply", "--yes", *arguments, **options)
        if done.code == 0:
            now = self.runners.now(self.clones[clone].path)
            left = [(run, one.state) for run, one in self._attempts() if one.state in DOUBTFUL]
            assert not left or "is being sent" in done.out or options, (left, now, done)
        return done

    @rule(clone=clones, way=ways, chosen=faults, trouble=troubles)
    def apply(self, clone: int, way: tuple[str, ...], chosen: tuple[str, ...], trouble: Any) -> None:
        self._fault(chosen)
        script = {(edge, count): self._deed(clone, deed) for edge, count, deed in trouble}
        self._applied(clone, *way, script=script)
        (self.remote / "refuse").unlink(missing_ok=True)
        self._fault(())

    @rule(clone=clones, name=names, chosen=faults, deed=deeds)
    def retry(self, clone: int, name: str, chosen: tuple[str, ...], deed: str) -> None:
        """Release a run that failed, while another runner perhaps does the same."""
        self._fault(chosen)

        def again() -> None:
            self._run(1 - clone, "apply", "--yes", "--no-wait", "--retry", name)

        act = again if deed == "apply" else self._deed(clone, deed)
        self._run(clone, "apply", "--yes", "--retry", name, script={("push", 1): act})
        (self.remote / "refuse").unlink(missing_ok=True)
        self._fault(())

    @rule(clone=clones, place=st.integers(0, 3))
    def apply_an_old_commit(self, clone: int, place: int) -> None:
        commits = self.commits[clone]
        self._applied(clone, "--no-wait", "--to", commits[min(place, len(commits) - 1)])

    @rule(clone=clones)
    def plan(self, clone: int) -> None:
        """From the default base, and from all specs: one answer."""
        import json

        said = []
        for more in ((), ("--full",)):
            done = self._run(clone, "plan", "--format", "json", *more)
            data = json.loads(done.out)
            told = [
                {key: one.get(key) for key in ("action", "reason", "environment", "name")}
                for one in data["changes"]
                if one["action"] != "skip"
            ]
            said.append((done.code, data["digest"], told))
        assert said[0] == said[1]

    @rule(clone=clones, chosen=looks, trouble=troubles)
    def reconcile(self, clone: int, chosen: str, trouble: Any) -> None:
        self._fault((chosen,))
        script = {(edge, count): self._deed(clone, deed) for edge, count, deed in trouble}
        self._run(clone, "reconcile", script=script)
        (self.remote / "refuse").unlink(missing_ok=True)
        self._fault(())

    @rule(clone=clones)
    def refresh(self, clone: int) -> None:
        self._run(clone, "status", "--refresh")

    @rule(clone=clones)
    def push_rescued(self, clone: int) -> None:
        if (self.clones[clone].path / "qflow.lock.rescue").exists():
            self._run(clone, "lock", "push")

    @rule(clone=clones, assume=st.booleans())
    def settle(self, clone: int, assume: bool) -> None:
        self._settle(clone, assume)

    def _settle(self, clone: int, assume: bool) -> None:
        """A person who waits until nobody can be sending, looks at what ran, and says so."""
        doubts = [
            (run, one) for run, one in self._attempts() if one.state in DOUBTFUL | {State.EXPIRED}
        ]
        for run, one in doubts[:1]:
            self._wait_for_lease(clone, one)
            (ran,) = self.oracle.truth(one) or [""]
            says = ["--adopt", ran] if ran else ["--absent"]
            if not ran:
                others = self.sandbox.executions(self.workflow, foreign=True)
                says += [part for each in others for part in ("--not", each["id"])]
            if assume:
                says = ["--assume-ran"]
            self._run(clone, "resolve", run, *says, "--reason", "looked")

    def _wait_for_lease(self, clone: int, one: Attempt) -> None:
        until = str(one.events[0].extra.get("leaseUntil", ""))
        self.runners.elapse(LEASE)
        while self.runners.now(self.clones[clone].path).isoformat()[:19] <= until[:19]:
            self.runners.elapse(LEASE)

    @invariant()
    def nothing_runs_twice_or_is_lost(self) -> None:
        if hasattr(self, "oracle"):
            self.oracle.check()


class Alone(Story):
    """One person and one machine: the record is a file of the work tree."""

    store = "worktree"

    def record(self) -> Lockfile | None:
        path = self.clones[0].path
        store = WorktreeStore(path / "qflow.lock", path / ".git/qflow-gitops", lineage="")
        return store.read().lockfile

    def versions(self) -> list[Lockfile]:
        """The record as it is now; while it is in a journal, its serial stands still."""
        record = self.record()
        old = self.oracle.newest
        if record is None or (old is not None and record.environments == old.environments):
            return []
        return [replace(record, serial=old.serial + 1 if old else 1)]

    def _run(self, clone: int, *arguments: str, **options: Any) -> Done:
        return super()._run(0, *arguments, **options)

    def _changed(self, clone: int, shared: bool) -> None:
        self.specs[0] = self.specs[clone]
        self._commit(0)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare remote, which refuses the record while a file says so, and two clones of it."""
    folder = tmp_path_factory.mktemp("model")
    made = Remote(folder / "remote.git")
    shutil.rmtree(made.path / "hooks")
    made.hook(
        "pre-receive",
        '[ ! -e refuse ] || while read old new ref; do case "$ref" in *qflow-lock) '
        'echo "hook declined" >&2; exit 1;; esac; done\n',
    )
    for name in ("one", "two"):
        shutil.rmtree(made.clone(name).path / ".git/hooks")
    return folder


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("story", "share"), [(Story, 1.0), (Alone, 0.5)])
def test_whatever_happens(story: type[Story], share: float, repositories: Path) -> None:
    told: Any = type(story.__name__, (story,), {"template": repositories})
    run_state_machine_as_test(
        told,
        settings=settings(
            max_examples=max(1, int(int(EXAMPLES) * share)),
            stateful_step_count=int(STEPS or 12),
            suppress_health_check=list(HealthCheck),
            deadline=None,
            phases=[Phase.generate],
        ),
    )
