"""One comment for each project and environment on a pull request, kept up to date."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from qflow_gitops.apply.proposed import Proposed
from qflow_gitops.base.paths import ProjectFolder
from qflow_gitops.base.times import stamp
from qflow_gitops.commands.pull_request import (
    ReviewRequest,
    pull_request_of,
    review,
    settings_of,
)
from qflow_gitops.commands.pull_spans import Span, branch_span, range_of
from qflow_gitops.commands.reading_once import read_once
from qflow_gitops.commands.sticky_comments import Sticky
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY
from qflow_gitops.policy.approvals import Approval
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.ports.pull_requests import (
    Author,
    Conversations,
    PullRequest,
    PullRequests,
)
from qflow_gitops.results.report import Report
from qflow_gitops.results.reviews import (
    Commented,
    CommentKey,
    Comments,
    Review,
    ReviewStatus,
    commented,
)
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.found import Settings
from qflow_gitops.sources.lostsettings import has_settings
from qflow_gitops.sources.settings import chosen
from qflow_gitops.specs.spec import RunSpec

RECENT = timedelta(days=30)
"""For how long after its last change an attempt's pull request is looked at by `--merged`."""
MOST = 100
"""Pull requests that one call looks at, the newest changes first: GITHUB_TOKEN may ask 1,000
times an hour in a repository (docs.github.com, "Rate limits for the REST API")."""


@dataclass(frozen=True, slots=True)
class CommentRequest:
    """What to comment. `revision` is "" for the pull request's head, `environment` for all.

    `always` also posts where nothing is selected, `dry_run` posts nothing. `freezes` are those
    beside the lockfile's. `server` is the address of the GitHub server, `pages` what those of
    the repository's pages begin with.
    """

    platform: str
    revision: str = ""
    environment: str = ""
    always: bool = False
    dry_run: bool = False
    freezes: tuple[Freeze, ...] = ()
    server: str = ""
    pages: str = ""


class Branch(NamedTuple):
    """What is shown as if it were a pull request: a branch, where it goes, its number or 0."""

    name: str
    target: str
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServices:
    """What comments are made with: this clone, the clock, and what writes one."""

    git: Repository
    store: Callable[[Project], LockStore]
    clock: Clock
    render: Callable[[Review], str]
    remote: str = "origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentServices(LocalServices):
    """What it works with beside this clone.

    `author` is as whom comments are looked for. `pulls` knows who approved what. `render_gone`
    writes what stays of a comment whose environment is gone (what it is about, and what the
    environment is called now). `marked` says what a comment is about by its text, None for no such
    comment.
    """

    conversations: Conversations
    author: Author
    pulls: PullRequests
    render_gone: Callable[[CommentKey, str], str]
    marked: Callable[[str], CommentKey | None]


class _About(NamedTuple):
    """A pull request, its commits, the settings of its head, and what says who approved a run."""

    pull: PullRequest
    span: Span
    settings: Settings
    approval: Callable[[RunSpec], Approval] | None = None


def comment(request: CommentRequest, number: int, services: CommentServices) -> Report:
    """Bring the comments of one pull request up to date. Raises QflowError for what stops it."""
    entries = tuple(_on_pull_request(request, number, services, {}))
    return commented(Comments(entries), (), ())


def preview(request: CommentRequest, branch: Branch, services: LocalServices) -> Report:
    """Show the comments that a branch would get, from git alone; nobody is asked anything."""
    git = services.git
    span = branch_span(branch.target, git.resolve(request.revision or "HEAD"), git, services.remote)
    pull = PullRequest(branch.number, span.head, branch.target, span.onto, branch=branch.name)
    said = (
        f"Made from git alone, of what {span.head[:10]} has beside {branch.target} at "
        f"{span.onto[:10]} and the lockfile as this clone has it. Not known: who approved it, "
        "what was recorded since, and which comments there are."
    )
    settings = projectfile.settings(git, span.head, request.platform)
    names = chosen(settings.project, request.environment)
    reviews = _reviews(request, _About(pull, span, settings), names, services, {})
    shown = (replace(each, notes=(said, *_needed(each), *each.notes)) for each in reviews)
    entries = (
        Commented(branch.number, each.key, "shown", each.standing, text=services.render(each))
        for each in shown
    )
    return commented(Comments(tuple(entries)), (), ())


def _needed(review: Review) -> Iterator[str]:
    """Say what is asked for before these runs are sent, whether or not it is there."""
    numbers = {each.change.approvals for each in review.proposals} - {0}
    if numbers:
        yield f"Without them, apply holds what needs approvals: up to {max(numbers)} of them."
    if any(each.change.signed for each in review.proposals):
        yield "Without them, apply holds what needs commits whose signatures are verified."


def comment_on_merged(
    request: CommentRequest, services: CommentServices, lockfile: Lockfile
) -> Report:
    """Bring the comments of the pull requests up to date whose runs have lately changed."""
    numbers = changed_lately(lockfile, stamp(services.clock.now() - RECENT))
    notes: tuple[str, ...] = ()
    if len(numbers) > MOST:
        notes = (f"{len(numbers):,} pull requests changed lately; {MOST} are looked at.",)
    entries: list[Commented] = []
    problems: list[QflowError] = []
    stores: dict[object, LockStore] = {}
    for number in numbers[:MOST]:
        try:
            entries += _on_pull_request(request, number, services, stores)
        except QflowError as problem:  # one that can't be read keeps no other from its comment
            problem.where = problem.where or f"pull request {number}"
            problems.append(problem)
    return commented(Comments(tuple(entries)), notes, problems)


def changed_lately(lockfile: Lockfile, since: str) -> list[int]:
    """Return the pull requests of attempts that changed since then or aren't settled.

    The latest change first. Attempts for which the lockfile names no pull request are nobody's.
    """
    latest: dict[int, str] = {}
    for environment in lockfile.environments.values():
        for attempts in environment.runs.values():
            for attempt in attempts:
                number = pull_request_of(attempt)
                open_ = attempt.state in UNDER_WAY | DOUBTFUL
                if number > 0 and (open_ or attempt.changed_at >= since):
                    latest[number] = max(latest.get(number, ""), attempt.changed_at)
    return sorted(latest, key=lambda number: (latest[number], number), reverse=True)


def _on_pull_request(
    request: CommentRequest, number: int, services: CommentServices, stores: dict[object, LockStore]
) -> Iterator[Commented]:
    pull = services.conversations.pull_request(number)
    span = range_of(pull, request.revision, services.git, services.remote)
    settings = projectfile.settings(services.git, span.head, request.platform)
    newest = _newest(pull, span.head, services)
    current = _current(newest, settings, request.platform, services)
    approval = _approvals(request, pull, span, settings.project, services)
    every = chosen(settings.project, request.environment)
    names = [name for name in every if name in current.environments]
    about = _About(pull, span, settings, approval)
    reviews = list(_reviews(request, about, names, services, stores))
    sticky = Sticky(services.conversations, services.author, services.marked, number)
    for made in reviews:
        yield _on_environment(made, request, services, sticky)
    if not (request.environment or request.dry_run):
        yield from _on_gone(number, newest, current, services, sticky)


def _reviews(
    request: CommentRequest,
    about: _About,
    names: Iterable[str],
    services: LocalServices,
    stores: dict[object, LockStore],
) -> Iterator[Review]:
    """Make the plan of each environment; without `approval` nobody is asked, nor the lock store."""
    pull, (head, base, onto), settings, approval = about
    git = services.git
    # Where the lockfile lives is said by the target branch: a pull request can't bring its own.
    lock = settings_of(git, (base, head), request.platform)
    own = read_once(services.store(lock), at_hand=approval is None)
    store = stores.setdefault(lock.lock, own)
    asked = ReviewRequest(
        pull=pull,
        head=head,
        base=base,
        settings=settings,
        platform=request.platform,
        freezes=request.freezes,
        server=request.server,
        pages=request.pages,
        approval=approval,
        onto=onto,
    )
    now = stamp(services.clock.now())
    for name in names:
        yield review(asked, name, git, store, now)


def _newest(pull: PullRequest, head: str, services: CommentServices) -> str:
    """Return the commit whose settings count for a pull request by now.

    After its merge that of the target branch, as far as this clone has it; before, its own.
    """
    if pull.merged:
        with contextlib.suppress(QflowError):
            return services.git.resolve(f"refs/remotes/{services.remote}/{pull.base}")
    return head


def _current(newest: str, own: Settings, platform: str, services: CommentServices) -> Project:
    """Return the settings that name the environments there are, which may have been renamed."""
    with contextlib.suppress(QflowError):  # not readable
        return settings_of(services.git, (newest,), platform)
    return own.project


def _approvals(
    request: CommentRequest,
    pull: PullRequest,
    span: Span,
    project: Project,
    services: CommentServices,
) -> Callable[[RunSpec], Approval]:
    """Return what says who approved a run."""
    if span.head != pull.head:
        return lambda _: Approval(pull.number, why="this isn't its newest commit")
    proposed = Proposed(services.git, services.pulls, project.folder, request.platform)
    return lambda spec: proposed.approval(spec, pull, span.onto)


def _on_gone(
    number: int, newest: str, project: Project, services: CommentServices, sticky: Sticky
) -> Iterator[Commented]:
    """See to it that no comment promises anything of what is gone.

    Which is an environment that the settings lack, or a project, moved to another folder say.
    """
    for key in sorted(sticky.keys()):
        own = key.project == project.folder.name
        there = (
            key.environment in project.environments
            if own
            else has_settings(services.git, ProjectFolder(key.project), newest)
        )
        if there:
            continue
        successors = [
            each
            for each, environment in project.environments.items()
            if own and key.environment in environment.previous_names
        ]
        text = services.render_gone(key, next(iter(successors), ""))
        what, kept, removed = sticky.put(key, text)
        yield Commented(number, key, what, ReviewStatus.NOTHING, kept.url, removed)


def _on_environment(
    review: Review, request: CommentRequest, services: CommentServices, sticky: Sticky
) -> Commented:
    number, key = review.pull_request, review.key
    text = services.render(review)
    if request.dry_run:
        return Commented(number, key, "shown", review.standing, text=text)
    if review.empty and not review.planned.first and not request.always and not sticky.own(key):
        return Commented(number, key, "none", review.standing)
    what, kept, removed = sticky.put(key, text)
    return Commented(number, key, what, review.standing, kept.url, removed)


def author_of(found: Author | None, login: str, environ: Mapping[str, str]) -> Author | None:
    """Say as whom comments are looked for: as asked for, as the token says, as Actions' own.

    None where only an answer can tell.
    """
    if login:
        return Author(login.removesuffix("[bot]"), login.endswith("[bot]"))
    if found is not None:
        return found
    if environ.get("GITHUB_ACTIONS") == "true":
        return Author("github-actions", bot=True)
    return None
