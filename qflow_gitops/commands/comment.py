"""One comment for each environment on a pull request, kept up to date.

Found by its marker and its author, never by the marker alone. Two processes at once leave one
comment: each looks again after it has written one, keeps the oldest and removes its own others.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from qflow_gitops.apply.proposed import Proposed
from qflow_gitops.base.times import stamp
from qflow_gitops.commands.pull_request import (
    ReviewRequest,
    Span,
    pull_request_of,
    range_of,
    read_once,
    review,
    settings_of,
)
from qflow_gitops.errors import QflowError, UnreachableError
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import DOUBTFUL, UNDER_WAY
from qflow_gitops.policy.rules import Approval
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.git import Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.ports.pull_requests import (
    Author,
    Comment,
    Conversations,
    PullRequest,
    PullRequests,
)
from qflow_gitops.results.report import Report
from qflow_gitops.results.reviews import Commented, Comments, Review, ReviewStatus, commented
from qflow_gitops.settings.project import Project
from qflow_gitops.sources import settings as projectfile
from qflow_gitops.sources.settings import chosen
from qflow_gitops.specs.spec import RunSpec

RECENT = timedelta(days=30)
"""For how long after its last change an attempt's pull request is looked at by `--merged`."""
MOST = 100
"""Pull requests that one call looks at, the newest changes first: GITHUB_TOKEN may ask 1,000
times an hour in a repository (docs.github.com, "Rate limits for the REST API")."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class CommentRequest:
    """What to comment. `revision` is "" for the pull request's head, `environment` for all.

    `always` also posts where nothing is selected, `dry_run` posts nothing. `freezes` are those
    beside the lockfile's. `server` is the address of the GitHub server.
    """

    platform: str
    revision: str = ""
    environment: str = ""
    always: bool = False
    dry_run: bool = False
    freezes: tuple[Freeze, ...] = ()
    server: str = ""


@dataclass(frozen=True, slots=True)
class CommentServices:
    """What it works with.

    `author` is as whom comments are looked for. `pulls` knows who approved what. `render` writes
    a comment, `render_gone` what stays of one whose environment is gone (its name, and what it is
    called now). `marked` names the environment of a comment by its text, "" for no such comment.
    """

    git: Repository
    store: Callable[[Project], LockStore]
    conversations: Conversations
    clock: Clock
    author: Author
    pulls: PullRequests
    render: Callable[[Review], str]
    render_gone: Callable[[str, str], str]
    marked: Callable[[str], str]
    remote: str = "origin"


def comment(request: CommentRequest, number: int, services: CommentServices) -> Report:
    """Bring the comments of one pull request up to date. Raises QflowError for what stops it."""
    entries = tuple(_on_pull_request(request, number, services, {}))
    return commented(Comments(entries), (), ())


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
    head, base = span.head, span.base
    # Where the lockfile lives is said by the target branch: a pull request can't bring its own.
    lock = settings_of(services.git, (base, head), request.platform)
    store = stores.setdefault(lock.lock, read_once(services.store(lock)))
    settings = projectfile.settings(services.git, head, request.platform)
    project = settings.project
    asked = ReviewRequest(
        pull=pull,
        head=head,
        base=base,
        settings=settings,
        platform=request.platform,
        freezes=request.freezes,
        server=request.server,
        approval=_approvals(request, pull, span, project, services),
    )
    now = stamp(services.clock.now())
    current = _current(pull, project, request.platform, services)
    reviews = [
        review(asked, name, services.git, store, now)
        for name in chosen(project, request.environment)
        if name in current.environments
    ]
    sticky = Sticky(services.conversations, services.author, services.marked, number)
    for made in reviews:
        yield _on_environment(made, request, services, sticky)
    if not (request.environment or request.dry_run):
        yield from _on_gone(number, current, services, sticky)


def _current(
    pull: PullRequest, project: Project, platform: str, services: CommentServices
) -> Project:
    """Return the settings that name the environments there are for a pull request.

    After its merge those of the target branch, which may have renamed them; before, its own.
    """
    if not pull.merged:
        return project
    with contextlib.suppress(QflowError):  # not in this clone, or not readable
        tip = services.git.resolve(f"refs/remotes/{services.remote}/{pull.base}")
        return settings_of(services.git, (tip,), platform)
    return project


def _approvals(
    request: CommentRequest,
    pull: PullRequest,
    span: Span,
    project: Project,
    services: CommentServices,
) -> Callable[[RunSpec], Approval] | None:
    """Return what says who approved a run, None where this isn't the newest commit."""
    if span.head != pull.head:
        return None
    proposed = Proposed(services.git, services.pulls, project.folder, request.platform)
    return lambda spec: proposed.approval(spec, pull, span.onto)


def _on_gone(
    number: int, project: Project, services: CommentServices, sticky: "Sticky"
) -> Iterator[Commented]:
    """See to it that no comment promises anything of an environment that the settings lack."""
    for name in sorted(sticky.environments() - project.environments.keys()):
        successors = [
            each
            for each, environment in project.environments.items()
            if name in environment.previous_names
        ]
        text = services.render_gone(name, next(iter(successors), ""))
        what, kept, removed = sticky.put(name, text)
        yield Commented(number, name, what, ReviewStatus.NOTHING, kept.url, removed)


def _on_environment(
    review: Review, request: CommentRequest, services: CommentServices, sticky: "Sticky"
) -> Commented:
    number, name = review.pull_request, review.environment
    text = services.render(review)
    if request.dry_run:
        return Commented(number, name, "shown", review.standing, text=text)
    if review.empty and not review.planned.first and not request.always and not sticky.own(name):
        return Commented(number, name, "none", review.standing)
    what, kept, removed = sticky.put(name, text)
    return Commented(number, name, what, review.standing, kept.url, removed)


# --- the comment that stays ----------------------------------------------------------


class Sticky:
    """The comments of one author on one pull request, one for each environment."""

    def __init__(
        self,
        conversations: Conversations,
        author: Author,
        marked: Callable[[str], str],
        number: int,
    ) -> None:
        """Take the pull request's number and as whom its comments are written."""
        self._conversations = conversations
        self._author = author
        self._marked = marked
        self._number = number
        self._seen: list[Comment] | None = None

    def environments(self) -> set[str]:
        """Name the environments that this author has comments for."""
        return {
            self._marked(comment.body) for comment in self._all() if comment.author == self._author
        } - {""}

    def own(self, environment: str) -> list[Comment]:
        """Return this author's comments for an environment, oldest first."""
        return [
            comment
            for comment in self._all()
            if comment.author == self._author and self._marked(comment.body) == environment
        ]

    def _all(self) -> list[Comment]:
        if self._seen is None:
            self._seen = list(self._conversations.comments(self._number))
        return self._seen

    def put(self, environment: str, text: str) -> tuple[str, Comment, int]:
        """See to it that one comment says this: what was done, the comment, others removed.

        Raises UnreachableError where others keep removing it.
        """
        what = "unchanged"
        for _ in range(_TRIES):
            if not self.own(environment):
                what = self._create(text)
            kept = self._kept(environment, text)
            if kept is not None:
                changed, sticky = kept
                removed = self._remove(self.own(environment)[1:])
                return (what if what == "created" else changed), sticky, removed
            self._seen = None
        raise UnreachableError(
            "The comment is removed again and again while it is written.",
            where=f"pull request {self._number}",
            not_done="It isn't up to date.",
            hint="Run the command again.",
            reason="comment_contended",
        )

    def _create(self, text: str) -> str:
        """Write a comment and look again: the answer says for certain who this author is."""
        made = self._conversations.create(self._number, text)
        self._author = made.author
        found = list(self._conversations.comments(self._number))
        # A list that doesn't have it yet is only late.
        known = {comment.id for comment in found}
        self._seen = found if made.id in known else [*found, made]
        return "created"

    def _kept(self, environment: str, text: str) -> tuple[str, Comment] | None:
        """Return the oldest of ours, edited if need be; None where there is none any more."""
        own = self.own(environment)
        if not own:
            return None
        if _same(own[0].body, text):
            return "unchanged", own[0]
        edited = self._conversations.edit(own[0].id, text)
        return ("edited", edited) if edited else None

    def _remove(self, others: list[Comment]) -> int:
        for comment in others:
            self._conversations.delete(comment.id)
        gone = {comment.id for comment in others}
        self._seen = [comment for comment in self._seen or () if comment.id not in gone]
        return len(others)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for line ends and the space around them."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


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
