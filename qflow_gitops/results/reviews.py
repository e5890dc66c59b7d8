"""A pull request's plan, and what became of comments."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import QflowError, together, worst
from qflow_gitops.findings.finding import Diagnostic
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.plan.change import Change
from qflow_gitops.policy.rules import Hold
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report
from qflow_gitops.results.stories import Culprit


class ReviewStatus(StrEnum):
    """How a run of a pull request stands, or a pull request as a whole."""

    PLANNED = "planned"
    APPROVED = "approved"
    RUNNING = "running"
    IN_DOUBT = "in doubt"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTLY_DONE = "partly done"
    DONE = "done"
    HELD = "held"
    NOTHING = "nothing to do"


class CommentKey(NamedTuple):
    """What a comment is about: a project, by its folder ("" for the root), and an environment."""

    project: str
    environment: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """One run that a pull request starts, will start or has started.

    `why` is the reason for which it starts or started. `attempt` is the one that came of this
    pull request, None before it; `ci_run` is the address of the CI's run that made it, ""
    where that isn't one of this server. `lacks` is what would hold it if it were merged as it
    stands, `asks` what would hold it where an apply asks for an approval (`--approved`), each as
    apply says it, None for nothing; `approvers` are those that count. `failed_at` is by which step
    its execution failed, as the lockfile has it.
    """

    change: Change
    why: str
    standing: ReviewStatus
    attempt: Attempt | None = None
    ci_run: str = ""
    lacks: Hold | None = None
    asks: Hold | None = None
    approvers: tuple[str, ...] = ()
    failed_at: Culprit | None = None

    @property
    def key(self) -> RunKey:
        """Environment and name."""
        return self.change.key


@dataclass(frozen=True, slots=True)
class Review:
    """A pull request's plan for one environment, and how its runs stand.

    `digest` is that of all its runs that aren't held, so that it stays when they are sent. `held`
    and `skipped` are the plan's other decisions. `merged` is whether the pull request is.
    """

    environment: str
    pull_request: int
    planned: Planned
    standing: ReviewStatus
    digest: str
    proposals: tuple[Proposal, ...] = ()
    held: tuple[Change, ...] = ()
    skipped: tuple[Change, ...] = ()
    found: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    merged: bool = False

    @property
    def key(self) -> CommentKey:
        """Which comment it goes into."""
        return CommentKey(self.planned.project, self.environment)

    @property
    def platform(self) -> str:
        """Where its runs are sent, "" where that isn't known."""
        return self.planned.plan.platforms.get(self.environment, "")

    @property
    def empty(self) -> bool:
        """Whether it is about nothing at all."""
        return not (self.proposals or self.held or self.skipped or self.found)


@dataclass(frozen=True, slots=True)
class Commented:
    """What became of one comment: created, edited, unchanged, none, or shown.

    `text` is its Markdown where it is only shown; `removed` counts duplicates of it.
    """

    pull_request: int
    key: CommentKey
    what: str
    standing: ReviewStatus
    url: str = ""
    removed: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Comments:
    """What a call of `comment` did."""

    entries: tuple[Commented, ...]


def commented(body: Comments, notes: tuple[str, ...], problems: Iterable[QflowError]) -> Report:
    """Report on comments: the worst of what kept one from being written."""
    problems = list(problems)
    code = worst([problem.exit_code for problem in problems])
    error = together(problems, code)
    return Report("comment", code, error.reason if error else "ok", (), notes, body, error)
