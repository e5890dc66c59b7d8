"""The whole story of one run or execution. Looks only: writes nothing, sends nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from qflow_gitops.apply.platforms import Gateways, one_environment, several_platforms
from qflow_gitops.base.times import stamp
from qflow_gitops.commands.show_execution import Looker
from qflow_gitops.commands.show_found import Finder, SeveralRuns, Stranger, perhaps_in_doubt
from qflow_gitops.commands.show_story import AsSent, story_of
from qflow_gitops.commands.status import Only, status
from qflow_gitops.errors import QflowError, UsageProblem
from qflow_gitops.lockfile.inheritance import successor
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import UNDER_WAY
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore, Snapshot
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.results.records import Status
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Culprit, Depth, ExecutionTold, Story
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.loader import Loader
from qflow_gitops.sources.lockseen import out_of_use, seen
from qflow_gitops.sources.settings import chosen
from qflow_gitops.sources.specs import all_specs
from qflow_gitops.specs import connector_catalogs
from qflow_gitops.specs.hiding import Hiding
from qflow_gitops.specs.load import SpecSet


class Show(NamedTuple):
    """What is asked for: a RUN or EXECUTION, in an environment ("": any), and how much of it."""

    what: str
    environment: str = ""
    depth: Depth = Depth()

    @property
    def needs_qualys(self) -> bool:
        """Whether without Qualys there is nothing to show."""
        return self.depth.steps or self.depth.raw


@dataclass(frozen=True, slots=True)
class ShowServices:
    """What `show` needs from outside; `connect` as in `apply.platforms.Gateways`.

    `commit` is "" for the work tree, `platform` the one that the environment names.
    """

    git: Repository
    commit: str
    store: LockStore
    settings: Settings
    loader: Loader
    connect: Callable[[str], tuple[Qualys, str]]
    clock: Clock
    platform: str = ""

    @property
    def project(self) -> Project:
        """What the settings say."""
        return self.settings.project

    def specs(self) -> SpecSet:
        """Read what is asked for now."""
        if not self.commit:
            return all_specs(self.git, "", self.project)
        return self.loader.specs(self.git, self.commit, self.settings, self.platform, settled=None)


class Opened(NamedTuple):
    """A story without what Qualys shows; `looker` looks there, `problem` says why nobody can."""

    report: Report
    story: Story | None
    lockfile: Lockfile
    looker: Looker | None = None
    problem: QflowError | None = None


def show(asked: Show, services: ShowServices) -> Report:
    """Show a run, or an execution. Raises QflowError where what is asked for can't be shown."""
    opened = open_story(asked, services)
    if opened.story is None:
        return opened.report
    if opened.looker is None:
        return told(opened, problem=opened.problem, needed=asked.needs_qualys)
    try:
        execution = opened.looker.look()
        if opened.story.key is None and execution.seen:
            execution = opened.looker.begun(execution)
    except QflowError as problem:
        return told(opened, problem=problem, needed=True)
    return told(opened, execution, needed=True)


def told(
    opened: Opened,
    execution: ExecutionTold | None = None,
    problem: QflowError | None = None,
    *,
    needed: bool = False,
) -> Report:
    """Put together what is known. What couldn't be asked is a line, or an error if `needed`."""
    assert opened.story is not None  # noqa: S101  its callers looked
    execution = execution or ExecutionTold()
    problem = problem or execution.error
    if problem:
        said = f"{problem.message} {problem.hint}".strip()
        execution = execution._replace(problem=said)
    if opened.story.key is None and not execution.seen:
        raise problem or _no_such(opened.story.execution_id)
    body = _with_execution(opened.story, execution, opened.lockfile)
    report = replace(opened.report, body=body)
    if problem and needed:
        return replace(report, exit_code=problem.exit_code, reason=problem.reason, error=problem)
    return report


def _with_execution(story: Story, execution: ExecutionTold, lockfile: Lockfile) -> Story:
    """Add what Qualys shows, and what it leads to: an end that isn't recorded yet, a doubt's."""
    further = story.next
    if story.key is None:
        further = perhaps_in_doubt(execution.workflow_id, lockfile)
    last = story.attempts[story.told].attempt if story.attempts else None
    if last and last.state in UNDER_WAY and execution.ended and story.key:
        further = (f"To record how it ended: `qflow-gitops status --refresh -e {story.key[0]}`",)
    culprit = _the_one_that_tells_more(execution, story.execution.culprit)
    return story._replace(execution=execution._replace(culprit=culprit), next=further)


def _the_one_that_tells_more(shown: ExecutionTold, kept: Culprit | None) -> Culprit | None:
    """Return the step that Qualys shows now; the recorded one where nobody saw more.

    Where the spec isn't at hand Qualys' texts aren't shown; the recorded one was masked by it.
    """
    now = shown.culprit
    if shown.steps is None:
        return kept
    if now and kept and not now.step.message and now.step.node_id == kept.step.node_id:
        return kept
    return now


def _no_such(execution_id: str) -> UsageProblem:
    return UsageProblem(
        f"The lockfile doesn't have execution {execution_id}, and Qualys doesn't show it (404).",
        not_done="Nothing is shown.",
        hint="Qualys shows an execution for 30 days, to who may list it. If it is on another "
        "environment's platform, name that one with -e.",
        reason="execution_unknown",
    )


def open_story(asked: Show, services: ShowServices) -> Opened:
    """Find what is meant, and tell what lockfile and git know. Raises QflowError."""
    recorded = services.store.read()
    lockfile = recorded.lockfile or Lockfile("")
    if asked.environment not in lockfile.environments:
        chosen(services.project, asked.environment)
    specs = services.specs()
    finder = Finder(services.project, lockfile, specs, asked.environment)
    found = finder.find(asked.what)
    if isinstance(found, SeveralRuns):
        return Opened(_several(asked, services, found), None, lockfile)
    report = Report("show", notes=out_of_use(recorded))
    if isinstance(found, Stranger):
        return _of_stranger(
            asked, services, found, Opened(report, _bare(found, recorded), lockfile)
        )
    names = connector_catalogs.names(specs.connectors, services.project, [found.key[0]])
    as_sent = AsSent(services.git, services.project)
    story = story_of(found, finder, as_sent, names, stamp(services.clock.now()))
    story = story._replace(lock=seen(recorded), depth=asked.depth)
    return _looked_up(asked, services, as_sent, Opened(report, story, lockfile))


def _several(asked: Show, services: ShowServices, found: SeveralRuns) -> Report:
    """Show several runs in brief, and how one of them is shown."""
    report = status(
        services.git, services.commit, services.store, services.settings, asked.environment,
        only=Only((asked.what,)), now=stamp(services.clock.now()), loader=services.loader,
        platform=services.platform, exit_code=False,
    )  # fmt: skip
    assert isinstance(report.body, Status)  # noqa: S101  what it reports
    first = next((row.key for row in report.body.rows if row.attention), min(found.keys))
    hint = f"One of them: `qflow-gitops show {'/'.join(first)}`"
    return replace(report, command="show", body=replace(report.body, hints=(hint,)))


def _bare(stranger: Stranger, recorded: Snapshot) -> Story:
    """Begin the story of an execution of which only its id is known."""
    return Story(
        lock=seen(recorded),
        state="isn't in the lockfile: nothing recorded here started it",
        next=(),
        key=None,
        execution_id=stranger.execution_id,
    )


def _of_stranger(asked: Show, services: ShowServices, stranger: Stranger, opened: Opened) -> Opened:
    """Say who can be asked about an execution that isn't in the lockfile."""
    assert opened.story is not None  # noqa: S101  it was begun
    environment = one_environment(services.project, asked.environment)
    platform = services.project.environments[environment].platform
    story = opened.story._replace(platform=platform, depth=asked.depth)
    qualys, _ = Gateways(services.connect, services.project).of(environment)
    statuses = services.project.statuses
    looker = Looker(qualys, stranger.execution_id, statuses, Hiding(None), asked.depth)
    return opened._replace(story=story, looker=looker)


def _looked_up(asked: Show, services: ShowServices, as_sent: AsSent, opened: Opened) -> Opened:
    """Say who can be asked about a run's execution, or why nobody."""
    story, project = opened.story, services.project
    assert story is not None  # noqa: S101  it was told
    if not story.execution_id:
        return opened._replace(problem=_never_begun(story) if asked.needs_qualys else None)
    meant = story.attempts[story.told]
    try:
        _check_named(asked, project, meant.key[0])
        home = successor(opened.lockfile, project, meant.key[0])
        gateways = Gateways(services.connect, project)
        qualys = gateways.asked(home or meant.key[0], meant.attempt)
    except QflowError as problem:
        return opened._replace(problem=problem)
    spec = as_sent.of(meant.attempt)
    hiding = Hiding(spec) if spec else None
    looker = Looker(qualys, story.execution_id, project.statuses, hiding, asked.depth)
    return opened._replace(looker=looker)


def _check_named(asked: Show, project: Project, environment: str) -> None:
    """Refuse to send credentials to a platform that nobody named, where there are several."""
    platforms = {each.platform for each in project.environments.values()}
    if (
        len(platforms) > 1
        and not asked.environment
        and not asked.what.startswith(f"{environment}/")
    ):
        raise several_platforms(environment)


def _never_begun(story: Story) -> UsageProblem:
    return UsageProblem(
        "There is no execution to look at: the lockfile has none for this run.",
        not_done="Qualys was not asked.",
        hint=story.next[0] if story.next else "",
        reason="execution_unknown",
    )
