"""A pull request's own plan, and what has become of its runs: git and the lockfile, nothing else.

A run's attempt belongs to a pull request if the lockfile says so (`evidence.pullRequest`), or,
where the lockfile names none, if it was made from a commit that has the merge in it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from qflow_gitops.base.times import moment
from qflow_gitops.commands import schedules
from qflow_gitops.commands.plan import make_plan
from qflow_gitops.commands.plan_request import PlanRequest
from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.inheritance import recorded_attempts
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import UNCOUNTED, UNDER_WAY, State
from qflow_gitops.plan.change import Action, Change, Plan, Reason, as_held
from qflow_gitops.plan.spent import is_once_more
from qflow_gitops.policy.approvals import Approval
from qflow_gitops.policy.rules import missing
from qflow_gitops.ports.git import History, Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.ports.pull_requests import PullRequest
from qflow_gitops.results.failing import known
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import InvalidFiles, Report
from qflow_gitops.results.reviews import Proposal, Review, ReviewStatus
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import lostsettings, narrowing, place, settings
from qflow_gitops.sources.found import Settings
from qflow_gitops.specs.spec import RunSpec


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """Whose plan to make. `head` is the commit to look at, `settings` are its.

    `onto` is the newest commit of the branch that it goes to.

    `approval` says who approved a run there, None where nobody was asked. `freezes`
    are those beside the lockfile's. `server` is the address of the GitHub server, whose links
    may be shown, `pages` what those to its repository begin with.
    """

    pull: PullRequest
    head: str
    base: str
    settings: Settings
    platform: str
    freezes: tuple[Freeze, ...] = ()
    server: str = ""
    pages: str = ""
    approval: Callable[[RunSpec], Approval] | None = None
    onto: str = ""


def review(
    request: ReviewRequest, environment: str, git: Repository, store: LockStore, now: str
) -> Review:
    """Make a pull request's plan for one environment, and say how its runs stand."""
    asked = PlanRequest(
        platform=request.platform,
        base=request.base,
        head=request.head,
        environment=environment,
        freezes=request.freezes,
        pages=request.pages,
    )
    report = make_plan(asked, git, request.settings, store, now)
    assert isinstance(report.body, Planned)  # noqa: S101  what a plan's report always has
    planned = report.body
    lockfile = store.read().lockfile or Lockfile("")
    plan = _as_applied(planned.plan, request)
    found = tuple(_proposals(plan, request, lockfile, git))
    started = {proposal.change.key for proposal in found}
    return Review(
        environment=environment,
        pull_request=request.pull.number,
        planned=planned,
        standing=_overall(found, plan.of(Action.HOLD)),
        digest=_digest(plan, found),
        proposals=found,
        held=plan.of(Action.HOLD),
        skipped=tuple(change for change in plan.of(Action.SKIP) if change.key not in started),
        found=_touched_findings(report, request, git),
        notes=(*report.notes, *_late(request, environment, git, lockfile, now)),
        merged=request.pull.merged,
    )


def _late(
    request: ReviewRequest, environment: str, git: Repository, lockfile: Lockfile, now: str
) -> Iterator[str]:
    """Say what no apply did of what is merged: what this brings would wait, too."""
    about = (git, request.settings.project, lockfile, environment, moment(now))
    for found in schedules.late_on(request.pull.base, request.onto, *about):
        yield f"{found.message} {found.hint}"


def _proposals(
    plan: Plan, request: ReviewRequest, lockfile: Lockfile, git: Repository
) -> Iterable[Proposal]:
    """Return what starts or was started, in the plan's order of runs."""
    for change in sorted(plan.changes, key=lambda change: change.key):
        if change.is_due:
            yield _before(change, _approval(change, request))
        elif change.due is not None:
            yield Proposal(change, change.due, ReviewStatus.HELD)
        elif change.spec and change.attempt and _is_own(change, change.attempt, request.pull, git):
            why = _why(change, lockfile)
            link = _ci_run(change.attempt, request.server)
            standing, attempt = _standing(change, change.attempt), change.attempt
            step = known(lockfile, attempt) if standing is ReviewStatus.FAILED else None
            yield Proposal(change, why, standing, attempt, link, failed_at=step)


def _approval(change: Change, request: ReviewRequest) -> Approval | None:
    return request.approval(change.spec) if request.approval and change.spec else None


def _before(change: Change, approval: Approval | None) -> Proposal:
    """Say how a run stands that is due: what it lacks, and what an apply would ask for."""
    why = change.due or change.reason
    if approval is None:
        return Proposal(change, why, ReviewStatus.PLANNED)
    lacks = missing(change.approvals, signed=change.signed, found=approval)
    asks = None if lacks else missing(1, signed=False, found=approval)
    standing = ReviewStatus.PLANNED if lacks or asks else ReviewStatus.APPROVED
    by = () if approval.why else approval.approvers
    return Proposal(change, why, standing, lacks=lacks, asks=asks, approvers=by)


def _as_applied(plan: Plan, request: ReviewRequest) -> Plan:
    """Hold what was merged without what it needs, as apply does."""
    if not request.pull.merged:
        return plan
    return plan._replace(changes=tuple(_as_merged(change, request) for change in plan.changes))


def _as_merged(change: Change, request: ReviewRequest) -> Change:
    if not change.is_due:
        return change
    found = _approval(change, request)
    hold = missing(change.approvals, signed=change.signed, found=found) if found else None
    return as_held(change, hold) if hold else change


def _is_own(change: Change, attempt: Attempt, pull: PullRequest, git: History) -> bool:
    if change.spec is None or attempt.digest != change.spec.digest or attempt.state in _NEVER_OWN:
        return False
    named = pull_request_of(attempt)
    if named:
        return named == pull.number
    return pull.merged and git.is_ancestor(pull.merge_commit, attempt.fact("commit"))


_NEVER_OWN = UNCOUNTED | {State.BASELINED}


def pull_request_of(attempt: Attempt) -> int:
    """Return the pull request that the lockfile names for an attempt, 0 for none."""
    number = attempt.evidence.get("pullRequest")
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def _standing(change: Change, attempt: Attempt) -> ReviewStatus:
    if attempt.state in UNDER_WAY or change.reason is Reason.IN_PROGRESS:
        return ReviewStatus.RUNNING
    if attempt.state in (State.SUCCEEDED, State.ASSUMED):
        return ReviewStatus.SUCCEEDED
    if change.reason in (Reason.IN_DOUBT, Reason.EXPIRED):
        return ReviewStatus.IN_DOUBT
    return ReviewStatus.FAILED


def _why(change: Change, lockfile: Lockfile) -> str:
    """Say why an attempt was made, as the plan before it did."""
    assert change.spec is not None  # noqa: S101  the caller saw to it
    assert change.attempt is not None  # noqa: S101
    before = []
    for each in recorded_attempts(lockfile, change.key):
        if each.attempt is change.attempt:
            break
        before += [each.attempt] if each.attempt.counted else []
    if not before:
        return Reason.ADDED
    last = before[-1]
    if last.digest == change.attempt.digest:
        return Reason.RETRY
    return Reason.RERUN if is_once_more(change.spec, last) else Reason.MODIFIED


def _ci_run(attempt: Attempt, server: str) -> str:
    """Return the address of the CI run that made an attempt, if it is one of this server."""
    by = attempt.events[0].extra.get("by")
    address = by.get("run", "") if isinstance(by, dict) else ""
    if not isinstance(address, str) or not server.startswith("https://"):
        return ""
    return address if address.startswith(server.rstrip("/") + "/") else ""


def _overall(found: tuple[Proposal, ...], held: tuple[Change, ...]) -> ReviewStatus:
    standings = {proposal.standing for proposal in found}
    if ReviewStatus.RUNNING in standings:
        return ReviewStatus.RUNNING
    waiting = standings & {ReviewStatus.PLANNED, ReviewStatus.APPROVED}
    if standings - waiting - {ReviewStatus.HELD} and waiting:
        return ReviewStatus.PARTLY_DONE
    if waiting:
        return ReviewStatus.PLANNED if ReviewStatus.PLANNED in waiting else ReviewStatus.APPROVED
    if ReviewStatus.IN_DOUBT in standings:
        return ReviewStatus.IN_DOUBT
    if ReviewStatus.HELD in standings:
        return ReviewStatus.PARTLY_DONE if standings - {ReviewStatus.HELD} else ReviewStatus.HELD
    if standings:
        others = {change.key for change in held} - {proposal.change.key for proposal in found}
        return ReviewStatus.PARTLY_DONE if others else ReviewStatus.DONE
    if held:
        return ReviewStatus.HELD
    return ReviewStatus.NOTHING


def _digest(plan: Plan, found: tuple[Proposal, ...]) -> str:
    """Return the digest that the plan had before any run was sent; what is held isn't in it.

    So it is the plan's own as long as none was. What a freeze puts off is in it: an apply takes
    this digest while that lasts and afterwards.
    """
    as_due = tuple(
        proposal.change._replace(action=Action.RUN)
        for proposal in found
        if proposal.standing is not ReviewStatus.HELD or proposal.change.reason is Reason.FROZEN
    )
    return plan._replace(changes=as_due).digest


def _touched_findings(
    report: Report, request: ReviewRequest, git: Repository
) -> tuple[Diagnostic, ...]:
    """Leave out what is wrong with files that the pull request doesn't touch.

    By settings and catalogs every spec is checked: where one of them is touched, all of it counts.
    """
    if not report.diagnostics:
        return ()
    project = settings.settings(git, request.head, request.platform).project
    touched = narrowing.touched_files(git, request.base, request.head, project)
    if narrowing.is_checked_anew(project, touched):
        return report.diagnostics
    about_all = ("runs-missing", "project-nested")  # what is touched is gone, or elsewhere
    return tuple(
        finding
        for finding in report.diagnostics
        if finding.file in touched or finding.rule in about_all
    )


def settings_of(git: Repository, commits: Iterable[str], platform: str) -> Project:
    """Read the settings of the first of these commits that has any, else of the last.

    The last one says where the project lies. InvalidFiles names an earlier commit.
    """
    *before, last = commits
    folder = place.find(git, last).folder
    for commit in before:
        if lostsettings.has_settings(git, folder, commit):
            try:
                return settings.settings_at(git, folder, commit, platform)
            except InvalidFiles as problem:  # the files at hand may be fine
                problem.where = f"commit {commit[:10]}, onto which this goes"
                raise
    return settings.settings(git, last, platform).project
