"""What an auditor is told: every attempt in a span of time, what allowed it, and what is missing.

All texts here are without what `sensitive` or the leak rules mask, in every place; a format only
makes them safe for itself. Times are RFC 3339 in UTC, "" where not known. What isn't known is
said in `unknown`, in sentences, never made up.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.states import State
from qflow_gitops.lockfile.transitions import name_of
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.results.stories import CommitTold, Culprit, StepTold


class Outcome(StrEnum):
    """How attempts are counted, in words for people; each state is one of them."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Failed or cancelled, by a word that somebody explained; or refused by Qualys."""
    UNEXPLAINED = "ended unexplained"
    RUNNING = "running"
    IN_DOUBT = "in doubt"
    """It may have run: also where that grew too old to be settled."""
    ASSUMED = "assumed to have run"
    NOT_RUN = "not run"
    """Proven never executed."""
    DECLARED = "declared as done"
    """Baselined: nothing was sent."""


class EventTold(NamedTuple):
    """One event of an attempt or of its run.

    `what` is the state that an attempt came to, or the event's word; `by` the actor, `reason` what
    a person said, `ci_run` an https address or "". `more` is what else it says, as JSON.
    """

    at: str
    what: str
    by: str = ""
    reason: str = ""
    ci_run: str = ""
    tool: str = ""
    more: Mapping[str, Any] = MappingProxyType({})


class ApprovalTold(NamedTuple):
    """Who approved, by which review (its id at the host, "" unknown), on which commit."""

    login: str
    review: str = ""
    commit: str = ""


class ReleaseTold(NamedTuple):
    """A hold that a person released: how many runs had it (`runs`, None unknown), who, and why.

    `at` is when that was recorded: as the attempt was opened, or for a whole rollout before.
    """

    hold: str
    runs: int | None = None
    by: str = ""
    reason: str = ""
    at: str = ""


class DoubtTold(NamedTuple):
    """When an attempt came into doubt, and how that was settled.

    `settled` is the state that ended it, "" where it is open; `by` is "" where the program found it
    out for itself by what Qualys shows.
    """

    since: str
    settled: str = ""
    at: str = ""
    by: str = ""
    reason: str = ""


class AttemptEvidence(NamedTuple):
    """One attempt, whole.

    `facts` is what else the lockfile holds of it, `apply` what it holds of the whole apply, under
    its own names: `workflow`, `workflowCommit`, `installed`, `editable`, `clockSkew`. `request` is
    `{input, variables}` as it was sent, None where `request_unknown` says why nobody knows it.
    `commit` is the one that it was sent from, with its whole message. `steps` are None where
    nobody looked. `anchor` is unique in a page: letters, digits, `-`. `approvals_needed` so many
    the policy asked for, None where that isn't known.
    """

    key: RunKey
    number: int
    state: State
    outcome: Outcome
    anchor: str
    opened_at: str
    changed_at: str
    ended_at: str = ""
    execution_id: str = ""
    status: str = ""
    digest: str = ""
    workflow_id: str = ""
    revision: str = ""
    platform: str = ""
    file: str = ""
    request: Mapping[str, Any] | None = None
    request_unknown: str = ""
    commit: CommitTold | None = None
    message: str = ""
    annotations: Mapping[str, str] = MappingProxyType({})
    actor: str = ""
    ci_run: str = ""
    tool: str = ""
    plan_digest: str = ""
    pull_request: int | None = None
    merged_by: str = ""
    approvals: tuple[ApprovalTold, ...] = ()
    approvals_needed: int | None = None
    releases: tuple[ReleaseTold, ...] = ()
    doubts: tuple[DoubtTold, ...] = ()
    events: tuple[EventTold, ...] = ()
    facts: Mapping[str, Any] = MappingProxyType({})
    apply: Mapping[str, Any] = MappingProxyType({})
    culprit: Culprit | None = None
    steps: tuple[StepTold, ...] | None = None
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Environment and run, as people type it."""
        return "/".join(self.key)

    @property
    def title(self) -> str:
        """Which attempt of which run it is: `<environment>/<run> #<number>`."""
        return name_of((*self.key, self.number))

    @property
    def lacks_approvals(self) -> bool:
        """Whether fewer persons approved it than the policy asked for, as far as that is known."""
        return len({one.login for one in self.approvals}) < (self.approvals_needed or 0)

    @property
    def ticket(self) -> str:
        """The ticket that its annotations name, "" for none."""
        return self.annotations.get("ticket", "")


class RunEvidence(NamedTuple):
    """A run: its attempts in the span asked for, oldest first, and the events of the run itself.

    `group` is the spec's run where this is a target of one with a rollout, None else: those of one
    group are one band of the timeline. `earlier` and `later` so many attempts are outside the span.
    """

    key: RunKey
    attempts: tuple[AttemptEvidence, ...]
    events: tuple[EventTold, ...] = ()
    group: RunKey | None = None
    earlier: int = 0
    later: int = 0


class Kind(StrEnum):
    """A kind of difference between the commits, the lockfile and Qualys."""

    NEVER_SENT = "never_sent"
    """A spec stood in a commit that an apply worked on, and no attempt has its request."""
    FOREIGN = "foreign"
    """Qualys shows an execution that nobody started from here."""
    NOT_SHOWN = "not_shown"
    """The lockfile has an execution that Qualys doesn't show."""
    OTHER_STATE = "other_state"
    """Lockfile and Qualys tell of different ends."""
    OTHER_REQUEST = "other_request"
    """Qualys shows that an execution was started with something else than its attempt sent."""
    NOT_IN_GIT = "not_in_git"
    """An attempt's file, or its commit, isn't what the clone holds there."""
    UNAPPROVED = "unapproved"
    """An attempt was sent where its policy asks for an approval, and none is recorded."""


class DifferenceTold(NamedTuple):
    """One difference, as a sentence; "" for what it isn't about."""

    kind: Kind
    text: str
    environment: str = ""
    run: str = ""
    number: int | None = None
    commit: str = ""
    execution_id: str = ""
    workflow_id: str = ""
    source: str = ""
    at: str = ""

    @classmethod
    def about(cls, kind: Kind, attempt: AttemptEvidence, why: str) -> Self:
        """Tell one of an attempt; `why` has no full stop."""
        return cls(
            kind,
            f"{attempt.title}: {why}.",
            *attempt.key,
            number=attempt.number,
            commit=attempt.commit.id if attempt.commit else "",
            execution_id=attempt.execution_id,
            workflow_id=attempt.workflow_id,
            at=attempt.opened_at,
        )


class Compared(NamedTuple):
    """What the three sources were compared by, and every difference.

    `commits` so many commits that an apply worked on were read, `executions` so many that Qualys
    shows (None: it wasn't asked). `limits` say, in sentences, what could not be looked at, and so
    isn't proven.
    """

    differences: tuple[DifferenceTold, ...] = ()
    commits: int = 0
    executions: int | None = None
    limits: tuple[str, ...] = ()


class Evidence(NamedTuple):
    """The whole report.

    `since` and `until` are "" for no limit. `pages` is what the addresses of the repository's pages
    for people begin with ("" unknown). `head` is the lock branch's commit, "" without one.
    `events` are those of the lockfile's head and of environments: freezes, moves, releases. They
    are left out where it is `of_runs` that were named.
    """

    lock: LockSeen
    runs: tuple[RunEvidence, ...]
    made_at: str
    tool: str
    since: str = ""
    until: str = ""
    environments: tuple[str, ...] = ()
    of_runs: bool = False
    project: str = ""
    repository: str = ""
    pages: str = ""
    lineage: str = ""
    serial: int = 0
    head: str = ""
    events: tuple[tuple[str, EventTold], ...] = ()
    compared: Compared = Compared()
