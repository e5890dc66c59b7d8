"""Generated stories against the whole program: whatever happens, nothing runs twice or is lost.

A story is about a few runs, people who change and merge them in two clones, runners that
apply at any moment, and faults: of the network, of Qualys, of the git remote, of clocks and
of processes. After each step `Oracle` holds the lockfile against what the sandbox executed.

A few that are always the same are told by `.ci/run`, thirty longer ones by `.ci/nightly`.
QFLOW_TESTS_MODEL=EXAMPLES or EXAMPLES,STEPS tells new ones: 20,12 takes about a minute, 500,20
needs pytest's --timeout=0.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
    precondition,
    rule,
    run_state_machine_as_test,
)

from qflow_gitops.base.paths import RESCUE_FILE
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY, State
from tests.helpers.oracle import RELEASABLE, Oracle, doubts_of
from tests.helpers.partners import NIGHTLY
from tests.helpers.sandboxes import served
from tests.helpers.services import Done, Process, Runners
from tests.helpers.team import Person, Spec, Team, repositories

WANTED = os.environ.get("QFLOW_TESTS_MODEL", "")
EXAMPLES, _, STEPS = (WANTED or ("20,12" if NIGHTLY else "3,10")).partition(",")
NAMES = ("a", "b", "c")
LEASE = 400.0  # seconds after which no process can still send what it announced

names, clones, values = st.sampled_from(NAMES), st.sampled_from((0, 1)), st.integers(0, 3)
often, seldom = st.sampled_from((True, True, True, False)), st.sampled_from((False,) * 3 + (True,))
unanswered = st.sampled_from(
    ("drop", "accept-then-drop", "accept-then-cut", "accept-then-500", "late=30", "late=200",
     "bad-id")
)  # fmt: skip
answered = st.sampled_from(
    ("500", "502", "503", "429=1", "409", "409-rate=1", "400", "401", "403", "404", "redirect",
     "html", "empty", "old-shape", "drip=0.02")
)  # fmt: skip
posts = st.one_of(unanswered, answered).map(lambda one: f"{one}@run#1")
looks = st.sampled_from(
    ("list-lag=60", "list-lag=2000", "list-shift", "list-stuck", "no-echo", "wrapped-variables",
     "hidden@steps", "hidden", "500@list#2", "403@list", "500@execution#2", "500@token#1",
     "expire-tokens=1", "outcome=Failed", "outcome=Odd")
)  # fmt: skip
faults = st.one_of(st.just(()), st.tuples(posts), st.tuples(posts, looks), st.tuples(looks))
services = st.sampled_from(("push", "pushed", "send", "sent"))
rarer = st.sampled_from(("looked", "replace", "send", "sent", "pushed"))
deeds = st.sampled_from(
    ("crash", "crash", "crash", "stop", "stall", "reject", "lost", "dropped", "apply", "old",
     "reconcile", "refresh", "settle", "settle", "settle", "merge", "merge", "retry", "freeze",
     "freeze", "reopen")
)  # fmt: skip
first, later = st.tuples(services, st.just(1), deeds), st.tuples(rarer, st.integers(1, 3), deeds)
troubles = st.one_of(st.just(()), st.tuples(first), st.tuples(first), st.tuples(first, later))
ways = st.sampled_from(((), ("--no-wait",), ("--timeout", "2s"), ("--concurrency", "1")))
changes = st.sampled_from(("edit", "edit", "edit", "rerun", "rename", "carry", "remove", "none"))
pauses = st.sampled_from((5.0, 90.0, LEASE, LEASE, 4000.0, 31 * 86400.0))
skews = st.sampled_from((0.0, 0.0, 45.0, -45.0, 1200.0, -1200.0, 10000.0, -10000.0))
work = rule(
    kind=changes, name=names, new=names, value=values, shared=often, planned=seldom, way=ways,
    chosen=faults, trouble=troubles,
)  # fmt: skip


class Story(RuleBasedStateMachine):
    """What people and runners do. `template` holds the repositories that each story copies."""

    template: Path
    store, kind_of_team = "branch", Team

    def __init__(self) -> None:
        super().__init__()
        self._opened = ExitStack()
        folder = self._opened.enter_context(tempfile.TemporaryDirectory())
        self.sandbox = self._opened.enter_context(served(duration=3.0))
        self.workflow = str(uuid4())
        self.team = self.kind_of_team(Path(folder), self.template, self.workflow)
        self.runners = Runners(self.sandbox)
        self._opened.enter_context(self.runners.installed())

    @initialize(keyed=st.booleans(), stop=st.booleans(), skews=st.tuples(skews, skews, skews))
    def begin(self, keyed: bool, stop: bool, skews: tuple[float, float, float]) -> None:
        """Write the settings; `skews` are those of the clones and of the server."""
        key = ", correlationKey: _qflow" if keyed else ""
        self.team.begin(
            "apiVersion: qflow-gitops/v1\nkind: Project\nspec:\n"
            "  environments:\n    prod: {platform: sandbox}\n"
            f"  lock: {{store: {self.store}}}\n"
            f"  apply: {{onFailure: {'stop' if stop else 'continue'}{key}}}\n"
            "  statuses: {Failed: failed}\n"
        )
        self.runners.ahead = dict(zip(self.team.paths, skews, strict=False))
        self.skew = skews[2]
        self._frozen = False
        self._fault(())
        team = self.team
        self.oracle = Oracle(
            self.sandbox, self.workflow, keyed, team.record, team.versions, team.paths
        )
        self.runners.about_to_send = self._about_to_send
        self.runners.was_sent = self.oracle.was_sent

    def _about_to_send(self, process: Process) -> None:
        """Once it is frozen, nothing leaves one machine any more."""
        assert not (self._frozen and self.store == "worktree")
        self.oracle.about_to_send(process)

    def teardown(self) -> None:
        self._opened.close()

    @invariant()
    def nothing_runs_twice_or_is_lost(self) -> None:
        if hasattr(self, "oracle"):
            self.oracle.check()

    # --- what happens ----------------------------------------------------------------

    @work
    def work_in_one(self, **what: Any) -> None:
        self._work(0, **what)

    @work
    def work_in_two(self, **what: Any) -> None:
        self._work(1, **what)

    def _work(
        self, clone: int, kind: str, name: str, new: str, value: int, shared: bool, planned: bool,
        way: tuple[str, ...], chosen: tuple[str, ...], trouble: Any,
    ) -> None:  # fmt: skip
        """A change, perhaps a plan, and an apply during which something happens."""
        self.team.change(clone, kind, name, new, value)
        if shared:
            self.team.share(clone, mine=value != 1)
        else:
            way += ("--ack", "unmerged=1", "--reason", "can't wait")
        if planned:
            self._plan(clone)
        with self._struck(clone, chosen, trouble) as script:
            self._apply(clone, *way, script=script)

    @rule(clone=clones, way=ways, old=seldom, place=st.integers(0, 3))
    def apply_in_peace(self, clone: int, way: tuple[str, ...], old: bool, place: int) -> None:
        """Nothing happens to this one; it may be of an old commit."""
        commits = self.team.commits[clone]
        what = ("--to", commits[place]) if old and place < len(commits) else ()
        self._apply(clone, *way, *what)

    def _plan(self, clone: int) -> None:
        """From the default base, and from all specs: one answer."""
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

    @rule(kind=st.sampled_from(("time", "time", "other", "same")), name=names, seconds=pauses)
    def around(self, kind: str, name: str, seconds: float) -> None:
        """Time passes, or another client of the API runs the workflow, perhaps the same request."""
        if kind == "time":
            self.runners.elapse(seconds)
            return
        spec = self.team.specs[0].get(name, Spec("else"))
        body = {"input": {"value": spec.value if kind == "same" else "else"}}
        self.sandbox.add_foreign(self.workflow, body, source="PUBLIC_API")

    @precondition(lambda self: self.team.last_in(DOUBTFUL | {State.EXPIRED}))
    @rule(clone=clones, assume=st.sampled_from((False, False, True)))
    def settle(self, clone: int, assume: bool) -> None:
        self._settle(clone, assume=assume)

    @precondition(lambda self: self._decided())
    @rule(clone=clones, trouble=troubles)
    def reopen(self, clone: int, trouble: Any) -> None:
        """A person puts back what was decided, while another runner perhaps goes by it."""
        with self._struck(clone, (), trouble) as script:
            self._reopen(clone, script=script)

    @precondition(lambda self: self.team.last_in(DOUBTFUL))
    @rule(clone=clones, chosen=looks, trouble=troubles)
    def reconcile(self, clone: int, chosen: str, trouble: Any) -> None:
        with self._struck(clone, (chosen,), trouble) as script:
            self._run(clone, "reconcile", script=script)

    @precondition(lambda self: self.team.last_in(UNDER_WAY))
    @rule(clone=clones, chosen=faults, trouble=troubles)
    def refresh(self, clone: int, chosen: tuple[str, ...], trouble: Any) -> None:
        with self._struck(clone, chosen, trouble) as script:
            self._run(clone, "status", "--refresh", script=script)

    @precondition(lambda self: self.team.last_in(RELEASABLE))
    @rule(clone=clones, every=st.booleans(), chosen=faults, trouble=troubles)
    def retry(self, clone: int, every: bool, chosen: tuple[str, ...], trouble: Any) -> None:
        """Release a run that failed, or all, while another runner perhaps does the same."""
        name = self.team.last_in(RELEASABLE)[0]
        count = len(self.team.last_in(RELEASABLE - {State.ENDED}))
        alone = ("--retry", name)
        whole = ("--retry-failed", "--ack", f"retry={count}", "--reason", "all")
        with self._struck(clone, chosen, trouble) as script:
            self._run(clone, "apply", "--yes", *(whole if every else alone), script=script)

    @precondition(lambda self: any((one / RESCUE_FILE).exists() for one in self.team.paths))
    @rule(trouble=troubles)
    def push_rescued(self, trouble: Any) -> None:
        for clone, one in enumerate(self.team.paths):
            if (one / RESCUE_FILE).exists():
                with self._struck(clone, (), trouble) as script:
                    self._run(clone, "lock", "push", script=script)

    # --- how it is done --------------------------------------------------------------

    def _fault(self, chosen: tuple[str, ...]) -> None:
        self.sandbox.set_faults(f"skew={self.skew}", *chosen)

    @contextmanager
    def _struck(self, clone: int, chosen: tuple[str, ...], trouble: Any) -> Iterator[Any]:
        """Have faults in force, and give the script of what happens at which step."""
        self._fault(chosen)
        yield {(edge, count): self._deed(clone, deed) for edge, count, deed in trouble}
        self.team.refuse(False)
        self._fault(())
        if self._frozen:
            self._frozen = False
            assert self._run(clone, "unfreeze", "--reason", "over").code == 0

    def _deed(self, clone: int, deed: str) -> Callable[[], object]:
        """What happens at a step of a clone's process: to it, or in the other clone."""
        other, run = 1 - clone, self._run
        deeds: dict[str, Callable[[], object]] = {
            "crash": self.runners.crash,
            "stop": self.runners.stop,
            "stall": lambda: self.runners.elapse(LEASE),
            "reject": lambda: self.team.refuse(True),
            "lost": lambda: self.runners.lose_push("lost"),
            "dropped": lambda: self.runners.lose_push("dropped"),
            "apply": lambda: self._apply(other, "--no-wait"),
            "old": lambda: self._apply(other, "--no-wait", "--to", self.team.commits[other][0]),
            "reconcile": lambda: run(other, "reconcile"),
            "refresh": lambda: run(other, "status", "--refresh"),
            "settle": lambda: self._settle(other, assume=False),
            "merge": lambda: self._merge_and_apply(other),
            "freeze": lambda: self._freeze(other),
            "retry": lambda: run(other, "apply", "--yes", "--no-wait", "--retry", "a"),
            "reopen": lambda: self._reopen(other),
        }
        return deeds[deed]

    def _run(self, clone: int, *arguments: str, **options: Any) -> Done:
        frozen, posts = self._frozen, len(self.sandbox.requests("POST", "/run"))
        done = self.runners.call(self.team.paths[clone], *arguments, **options)
        assert done.code not in (3, 70), (arguments, done)
        assert not frozen or len(self.sandbox.requests("POST", "/run")) == posts, done
        return done

    def _freeze(self, clone: int) -> None:
        """It may be refused while the remote is; what it says it did holds at once."""
        if self._run(clone, "freeze", "--reason", "incident").code == 0:
            self._frozen = True

    def _merge_and_apply(self, clone: int) -> None:
        self.team.change(clone, "edit", "a", "a", 1)
        self.team.share(clone)
        self._apply(clone, "--no-wait")

    def _apply(self, clone: int, *arguments: str, **options: Any) -> None:
        """Apply; what ends well left no doubt in the lockfile as it wrote it last, or read it."""
        began = self.team.record()
        done = self._run(clone, "apply", "--yes", *arguments, **options)
        left = doubts_of(self.team.known_to(done, began)) & doubts_of(self.team.record())
        assert done.code or not left, (left, done)

    def _decided(self) -> list[str]:
        """The runs with a decision that stands."""
        return [run for run, one in self.team.attempts() if one.decision]

    def _reopen(self, clone: int, **options: Any) -> None:
        for run in self._decided()[:1]:
            self._run(clone, "resolve", run, "--reopen", "--reason", "looked again", **options)

    def _settle(self, clone: int, *, assume: bool) -> None:
        """A person waits until nobody can be sending, looks at what really ran, and says so."""
        states = DOUBTFUL | {State.EXPIRED}
        for run, one in [each for each in self.team.attempts() if each[1].state in states][:1]:
            self._wait_for_lease(clone, one)
            ran = self.oracle.truth(one)
            says = ["--adopt", *ran] if ran else ["--absent"]
            if not ran:
                others = self.sandbox.executions(self.workflow, foreign=True)
                says += [part for each in others for part in ("--not", each["id"])]
            if assume:
                says = ["--assume-ran"]
            self._run(clone, "resolve", run, *says, "--reason", "looked")

    def _wait_for_lease(self, clone: int, one: Attempt) -> None:
        until = str(one.events[0].extra.get("leaseUntil", ""))[:19]
        self.runners.elapse(LEASE)
        while self.runners.now(self.team.paths[clone]).isoformat()[:19] <= until:
            self.runners.elapse(LEASE)


class Alone(Story):
    """One person on one machine, who may yet start the program twice at once."""

    store, kind_of_team = "worktree", Person


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare remote and two clones of it."""
    return repositories(tmp_path_factory.mktemp("model"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("story", "share"), [(Story, 1.0), (Alone, 0.5)])
def test_whatever_happens(story: type[Story], share: float, template: Path) -> None:
    told: Any = type(story.__name__, (story,), {"template": template})
    run_state_machine_as_test(
        told,
        settings=settings(
            max_examples=max(1, int(int(EXAMPLES) * share)),
            stateful_step_count=int(STEPS or 10),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            derandomize=not WANTED,
            deadline=None,
        ),
    )
