"""A team's whole world in memory, and every use case in it: the one place that builds services.

`World()` has a repository with settings and no spec. `world.spec("a")` writes one, `world.commit()`
commits all, `world.apply()` applies it. What a use case needs from outside is a field.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qflow_gitops.apply import events
from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.preconditions import ApplyRequest
from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.cache.examining import one_by_one
from qflow_gitops.cache.loading import CachedLoader
from qflow_gitops.commands import apply as applying
from qflow_gitops.commands import baseline as baselining
from qflow_gitops.commands import comment as commenting
from qflow_gitops.commands import (
    decided,
    freeze,
    migrate,
    reconcile,
    rerun,
    rescue,
    resolve,
    validate,
    verify,
    workflows,
)
from qflow_gitops.commands import history as histories
from qflow_gitops.commands import notify as notifying
from qflow_gitops.commands import plan as planning
from qflow_gitops.commands import status as showing
from qflow_gitops.commands.plan_request import PlanRequest
from qflow_gitops.commands.resolve import Decision
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from qflow_gitops.plan.change import Change
from qflow_gitops.ports.notices import NOBODY, Courier
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.render.comment import marked, render, render_gone
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.loader import DIRECT
from qflow_gitops.sources.runs import attempts_for
from tests.fakes.cache import FakeCache
from tests.fakes.clock import FakeClock, FakeStop
from tests.fakes.git import FakeGit
from tests.fakes.github import FakeGitHub
from tests.fakes.lock_store import FakeLockStore
from tests.fakes.qualys import FakeQualys
from tests.fakes.remotes import FakeBranches
from tests.fakes.tickets import FakeTickets
from tests.fakes.worktree import put_on_disk
from tests.helpers.specs import WORKFLOW, spec

__all__ = ["SETTINGS", "WORKFLOW", "Done", "World", "project_file"]

TICK = 20.0
"""Seconds that go by at each turn of an apply, if a test says nothing else: more than any wait
between two looks."""
Made = TypeVar("Made")


def project_file(*lines: str, prod: str = "{platform: sandbox}") -> str:
    """Return settings with the environment prod, and further lines of `spec`."""
    more = "".join(f"  {line}\n" for line in lines)
    return (
        "apiVersion: qflow-gitops/v1\nkind: Project\nspec:\n  defaultEnvironment: prod\n"
        f"  environments:\n    prod: {prod}\n{more}"
    )


SETTINGS = project_file()


@dataclass
class Done:
    """What a use case came to, and what it told on the way."""

    report: Report
    told: list[events.Event] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """What a person was told meanwhile."""
        return [event.text for event in self.told if isinstance(event, events.Said)]

    @property
    def states(self) -> list[tuple[str, State]]:
        """Which run came to which state, in this order."""
        moves = (event for event in self.told if isinstance(event, events.Moved))
        return [(move.name, move.attempt.state) for move in moves]


class World:
    """Everything around the use cases. `confirms` and `answers` are what a person says."""

    def __init__(self, project: str = SETTINGS, *, root: Path | None = None) -> None:
        self.clock = FakeClock()
        self.stop = FakeStop(self.clock)
        self.git = FakeGit(root or Path("/nowhere/repository"))
        self.branches = FakeBranches(self.git)
        self.store = FakeLockStore()
        self.remembered: Lockfile | None = None
        """The newest lockfile that this clone wrote as a file."""
        self.others: dict[str, FakeLockStore] = {}
        """Lockfiles of other projects, by their branches."""
        self.qualys = FakeQualys(self.clock)
        self.github = FakeGitHub()
        self.tickets = FakeTickets(self.clock)
        self.cache = FakeCache()
        self.loader = CachedLoader(self.cache, one_by_one)
        self.gateway = "gateway.example"
        self.freezes: tuple[Freeze, ...] = ()
        self.author: Mapping[str, str] = {"actor": "ada"}
        self.evidence: Mapping[str, object] = {}
        self.circumstances: Mapping[str, object] = {}
        self.confirms = True
        self.answers: bool | None = None
        self.questions: list[str] = []
        self.shown: list[Any] = []
        self.kept: list[str] = []
        self.hurried: list[float] = []
        self.courier: Courier = NOBODY
        self.connected: list[str] = []
        self.platform = ""
        self.tick = TICK
        if project:
            self.git.write("qflow.yaml", project)
        self.git.write("runs/README.md", "Specs.\n")

    # --- what a team does ------------------------------------------------------------

    def spec(self, name: str, value: Any = None, *, metadata: str = "", extra: str = "") -> None:
        """Write a small spec; as `tests.helpers.specs.spec`."""
        self.git.write(f"runs/{name}.yaml", spec(name, value, metadata=metadata, extra=extra))

    def commit(self, message: str = "change") -> str:
        """Commit the work tree."""
        return self.git.commit(message)

    def specs(self, *names: str) -> str:
        """Write and commit several specs."""
        for name in names:
            self.spec(name)
        return self.commit()

    def on_disk(self) -> None:
        """Put the work tree into the real folder that the repository was given."""
        put_on_disk(self.git.files_on_disk, self.git.root)

    def from_disk(self, name: str) -> str:
        """Take a file of that folder over again, as a command left it; its text."""
        self.git.write(name, (self.git.root / name).read_bytes())
        return self.git.files_on_disk[name.encode()].content.decode()

    @property
    def project(self) -> Project:
        """The settings of the commit at hand."""
        return settings.settings(self.git, self._head(), self.platform).project

    def _head(self) -> str:
        try:
            return self.git.resolve("HEAD")
        except QflowError:
            return ""

    @property
    def now(self) -> str:
        """The time, as the lockfile writes it."""
        return stamp(self.clock.now())

    def attempts(self, run: str, environment: str = "prod") -> tuple[Attempt, ...]:
        """Return what is recorded of a run."""
        return self.store.lockfile.attempts(environment, run)

    def states(self, environment: str = "prod") -> dict[str, State]:
        """Return the state of each run's last attempt."""
        runs = self.store.lockfile.environment(environment).runs
        return {name: attempts[-1].state for name, attempts in runs.items()}

    def sent(self) -> list[Any]:
        """Return the input's `value` of each request that reached Qualys, in this order."""
        return [body["input"]["value"] for _, body in self.qualys.sent]

    # --- services --------------------------------------------------------------------

    def connect(self, platform: str) -> tuple[Qualys, str]:
        """Connect to a platform: always the same Qualys."""
        self.connected.append(platform)
        return self.qualys, self.gateway

    @property
    def gateways(self) -> Gateways:
        """From an attempt to its Qualys."""
        return Gateways(self.connect, self.project)

    @property
    def reconciler(self) -> Reconciler:
        """What looks doubts up."""
        sent = partial(reading.sent_specs, self.git, self.project)
        return Reconciler(self.gateways, self.clock, sent)

    def _confirmed(self, shown: Any) -> bool:
        self.shown.append(shown)
        return self.confirms

    def _asked(self, question: str) -> bool:
        self.questions.append(question)
        return bool(self.answers)

    def _rescued(self, lines: str) -> str:
        self.kept.append(lines)
        return "qflow.lock.rescue"

    def apply_services(self) -> ApplyServices:
        """What an apply needs."""
        confirm: Callable[[Planned], bool] = self._confirmed
        return ApplyServices(
            git=self.git,
            history=self.git,
            branches=self.branches,
            store=self.store,
            store_of=lambda lock: self.others[lock.branch],
            qualys=self.connect,
            clock=self.clock,
            stop=self.stop,
            freezes=lambda: self.freezes,
            confirm=confirm,
            author=self.author,
            evidence=self.evidence,
            circumstances=lambda: self.circumstances,
            rescue=self._rescued,
            pulls=lambda: self.github,
            tickets=self.tickets,
            ask=None if self.answers is None else self._asked,
            remembered=lambda: self.remembered,
            hurry=self.hurried.append,
            courier=self.courier,
        )

    # --- use cases -------------------------------------------------------------------

    def follow(
        self,
        steps: Generator[events.Event, None, Report],
        on: Callable[[events.Event], None] = lambda _event: None,
    ) -> Done:
        """Follow an apply to its end; at each turn without a request on its way time goes by.

        `on` sees each event first.
        """
        told: list[events.Event] = []
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                return Done(end.value, told)
            told.append(event)
            on(event)
            if isinstance(event, events.Tick) and not event.sending:
                self.clock.sleep(self.tick)
            assert len(told) < 10_000, "it doesn't end"

    def apply(
        self, on: Callable[[events.Event], None] = lambda _event: None, **request: Any
    ) -> Done:
        """Apply HEAD; `request` are fields of the request."""
        asked = ApplyRequest(**{"platform": self.platform, **request})
        return self.follow(
            applying.apply(asked, self.apply_services(), self._settings(asked.head)), on
        )

    def plan(self, *, cached: bool = False, branches: bool = False, **request: Any) -> Report:
        """Make a plan; with `branches` it says what an apply would refuse."""
        asked = PlanRequest(**{"platform": self.platform, **request})
        ask = self.branches if branches else None
        loader = self.loader if cached else DIRECT
        read = self._settings("" if asked.worktree else asked.head)
        return planning.make_plan(asked, self.git, read, self.store, self.now, loader, ask)

    def _settings(self, revision: str) -> Settings:
        commit = self.git.resolve(revision) if revision else ""
        return settings.settings(self.git, commit, self.platform, fetch=True)

    def status(
        self,
        environment: str = "",
        *,
        only: showing.Only = showing.EVERYTHING,
        exit_code: bool = False,
    ) -> Report:
        """Show how each run stands."""
        read = self._settings(self._head())
        about = (self.git, self._head(), self.store, read, environment, self.freezes)
        return showing.status(
            *about,
            only=only,
            now=self.now,
            platform=self.platform,
            exit_code=exit_code,
        )

    def refresh(self, environment: str = "") -> tuple[QflowError, ...]:
        """Look at what is under way."""
        return showing.refresh(self.store, self.project, environment, self.gateways, self.clock)

    def history(self, run: str = "", environment: str = "", **only: Any) -> Report:
        """Show all attempts, or some."""
        about = (self.git, self._head(), self.store, self.project, run, environment)
        return histories.history(*about, **only)

    def reconcile(self, environment: str = "") -> Done:
        """Look doubts up."""
        steps = reconcile.reconcile(self.project, self.store, self.reconciler, environment)
        return self.follow(steps)

    def notify(self, seconds: float = 60.0) -> Report:
        """Tell others what is left to be told."""
        services = notifying.NotifyServices(self.project, self.store, self.courier, self.clock)
        return notifying.notify(services, seconds)

    def resolve(self, run: str, to: State, reason: str = "I looked", **more: Any) -> Report:
        """Decide about a run in doubt, or put a decision back."""
        decision = Decision(run, to, reason, **more)
        head, project = self._head(), self.project

        def attempts(key: RunKey, lockfile: Lockfile) -> Sequence[Placed]:
            return attempts_for(key, self.git, head, project, lockfile)

        if to in (State.ADOPTED, State.ABSENT, State.ASSUMED):
            about = (project, self.store, self.reconciler, self.author, attempts)
            return resolve.resolve(decision, *about)
        return decided.decide(decision, project, self.store, self.clock, self.author, attempts)

    def baseline(self, *runs: str, reason: str = "ran before", **request: Any) -> Report:
        """Declare runs as done."""
        confirm: Callable[[tuple[Change, ...]], bool] = self._confirmed
        services = baselining.BaselineServices(
            self.git, self.store, self.clock, self.author, confirm
        )
        asked = baselining.BaselineRequest(self.platform, reason, runs, **request)
        return baselining.baseline(asked, services, self._settings(asked.head))

    def _freezing(self) -> freeze.FreezeServices:
        about = (self.git, self.project, self.store, self.clock, self.author, self.freezes)
        return freeze.FreezeServices(*about)

    def freeze(self, reason: str = "incident") -> Report:
        """Freeze everything."""
        return freeze.freeze(reason, self._freezing())

    def unfreeze(self, reason: str = "over") -> Report:
        """Lift that again."""
        return freeze.unfreeze(reason, self._freezing())

    def rerun(self, run: str, reason: str = "once more") -> Report:
        """Raise a spec's `rerun` on disk."""
        return rerun.rerun(self.git, self.store, self.project, run, reason)

    def migrate(self, *only: str, check: bool = False, diff: bool = False) -> Report:
        """Rewrite legacy variables on disk."""
        return migrate.migrate(self.git, self.platform, only, check=check, diff=diff)

    def verify(self, signers: str = "", *, quick: bool = False) -> Report:
        """Check the lockfile."""
        return verify.verify(self.git, self.store, self.project, signers, quick=quick)

    def rescue(self, lines: str) -> Report:
        """Bring in what a stopped apply saved."""
        where = "qflow.lock.rescue"
        return rescue.push(self.store, verify.read_rescued(lines, where), where)

    def validate(self, *only: str, strict: bool = False, hook: bool = False) -> Report:
        """Check the work tree; with `hook` what a commit is about to change."""
        check = validate.validate_staged if hook else validate.validate
        return check(
            self.git, self.platform, self.loader, lambda _: self.store.at_hand(), only,
            strict=strict,
        )  # fmt: skip

    def pull_workflows(
        self, *wanted: str, environment: str = "", everything: bool = False
    ) -> Report:
        """Write what Qualys says of workflows, on disk."""
        connect: Callable[[str], Qualys] = lambda platform: self.connect(platform)[0]  # noqa: E731
        about = (self.git, self.project, connect, environment, wanted)
        return workflows.pull(*about, everything=everything)

    def _commenting(self) -> commenting.CommentServices:
        return commenting.CommentServices(
            git=self.git,
            store=lambda _project: self.store,
            conversations=self.github,
            clock=self.clock,
            author=self.github.me,
            pulls=self.github,
            render=render,
            render_gone=render_gone,
            marked=marked,
        )

    def comment(self, number: int, **request: Any) -> Report:
        """Bring the comments of a pull request up to date."""
        asked = commenting.CommentRequest(self.platform, **request)
        return commenting.comment(asked, number, self._commenting())

    def comment_on_merged(self, **request: Any) -> Report:
        """Bring the comments of pull requests up to date whose runs changed lately."""
        asked = commenting.CommentRequest(self.platform, **request)
        return commenting.comment_on_merged(asked, self._commenting(), self.store.lockfile)


def raised(error: type[QflowError], work: Callable[[], object]) -> QflowError:
    """Return what a use case refuses with; whatever else it raises is raised."""
    try:
        work()
    except error as problem:
        return problem
    raise AssertionError(f"it did not refuse with {error.__name__}")
