"""The values of a plan: what is done about a run, why, and all of it together."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.base.jsondiff import Difference
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.inheritance import Placed
from qflow_gitops.policy.rules import Hold
from qflow_gitops.specs.spec import RunSpec, canonical

EVERY = "*"
"""The name, no run's own, under which a decision is about all runs of an environment."""


class Action(StrEnum):
    """What is done about a run."""

    RUN = "run"
    WAIT = "wait"
    HOLD = "hold"
    SKIP = "skip"


class Reason(StrEnum):
    """Why. The first five run, the next four skip, the others hold; the last two also wait."""

    ADDED = "added"
    MODIFIED = "modified"
    RERUN = "rerun"
    UNSENT = "unsent"
    RETRY = "retry"
    ALREADY_RAN = "already_ran"
    IN_PROGRESS = "in_progress"
    BASELINED = "baselined"
    REMOVED = "removed"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    RENAMED = "renamed"
    SAME_REQUEST = "same_request"
    UNMERGED = "unmerged"
    EMPTY = "empty"
    PLATFORM = "platform"
    LIMIT = "limit"
    WINDOW = "window"
    APPROVAL = "approval"
    POLICY = "policy"
    TICKET = "ticket"
    WORKFLOW = "workflow"
    FROZEN = "frozen"
    STOPPED = "stopped"
    INVALID = "invalid"
    ROLLOUT = "rollout"
    AFTER = "after"


class Change(NamedTuple):
    """The decision for one run.

    `attempt` is the one that explains it, `owner` the run that the lockfile has it under
    where that is another one, `since` the request differences to the last counted attempt (None
    where its request isn't known), `hint` what a person can do.
    `release` is the name by which `--ack NAME=COUNT` releases a hold, "" for none; `released`
    are the names that a run was released by. `approvals` is how many people have to approve it,
    `signed` whether all commits of its pull request have to be signed, `due` for which reason it
    would run if neither the policy, its commit nor a freeze held it; `turn` is what it would wait
    for if a freeze didn't hold it.
    Of what waits, `batch` is the number of its batch in a rollout, 0 for none, and `opens` when
    that begins at the earliest where only time is missing (RFC 3339).
    The name `*` stands for all runs of the environment.
    """

    action: Action
    reason: Reason
    environment: str
    name: str
    detail: str
    hint: str = ""
    spec: RunSpec | None = None
    attempt: Attempt | None = None
    since: tuple[Difference, ...] | None = None
    release: str = ""
    released: tuple[str, ...] = ()
    approvals: int = 0
    signed: bool = False
    due: Reason | None = None
    owner: RunKey | None = None
    batch: int = 0
    opens: str = ""
    turn: Reason | None = None

    @property
    def key(self) -> RunKey:
        """Environment and name."""
        return (self.environment, self.name)

    @property
    def is_due(self) -> bool:
        """Whether it is sent without a further decision of a person: now, or when its turn is."""
        return self.action in (Action.RUN, Action.WAIT)

    @property
    def thawed(self) -> "Change":
        """The decision without a freeze."""
        if self.turn:
            return self._replace(action=Action.WAIT, reason=self.turn)
        if self.reason is Reason.FROZEN and self.due:
            return self._replace(action=Action.RUN, reason=self.due)
        return self

    def waiting(self, reason: Reason, detail: str, *, batch: int = 0, opens: str = "") -> "Change":
        """Return the decision to let it wait for its turn."""
        return self._replace(
            action=Action.WAIT, reason=reason, detail=detail, hint="", due=self.reason,
            batch=batch, opens=opens,
        )  # fmt: skip


class Plan(NamedTuple):
    """Every decision, those that run first, then those that wait, then holds, then skips.

    `unchanged` counts the recorded runs that no listed decision is about. `digest` is the one of
    the whole plan. `forgiven` are the attempts, for each spec, whose failure a person forgave.
    """

    changes: tuple[Change, ...]
    platforms: Mapping[str, str]
    unchanged: int = 0
    forgiven: Mapping[RunKey, tuple[str, ...]] = {}

    @property
    def due(self) -> tuple[Change, ...]:
        """What is sent without a further decision of a person: now, or when its turn is."""
        return tuple(change for change in self.changes if change.is_due)

    def of(self, action: Action) -> tuple[Change, ...]:
        """The decisions with this action."""
        return tuple(change for change in self.changes if change.action is action)

    @property
    def digest(self) -> str:
        """Identity of what would run, now or later: `v1:sha256:` and 64 hex characters.

        Over content only. While a freeze holds nothing would: who says yes to a plan that shows
        no run to start hasn't said yes to what runs when that is lifted (`thawed` is that plan).
        """
        return self.digest_of(self.platforms)

    @property
    def thawed(self) -> "Plan":
        """The same plan without a freeze: it only puts off what is due, and makes no other plan."""
        return self._replace(changes=tuple(change.thawed for change in self.changes))

    def digest_of(self, environments: Iterable[str]) -> str:
        """The digest of the part of the plan that is about these environments."""
        wanted = set(environments)
        due = (change.spec for change in self.due if change.environment in wanted)
        return digest_of_runs(self.platforms, filter(None, due))


def digest_of_runs(platforms: Mapping[str, str], specs: Iterable[RunSpec]) -> str:
    """Return the digest that a plan has which runs these specs."""
    entries = sorted(
        [spec.environment, platforms[spec.environment], spec.name, spec.digest] for spec in specs
    )
    return "v1:sha256:" + hashlib.sha256(canonical(entries)).hexdigest()


def change_of(
    action: Action, reason: Reason, spec: RunSpec, detail: str, hint: str = "",
    attempt: Placed | None = None, since: tuple[Difference, ...] | None = None,
    release: str = "",
) -> Change:  # fmt: skip
    """Return the decision about the run of a spec, with the attempt that explains it."""
    owner = attempt.key if attempt and attempt.key != spec.key else None
    return Change(
        action, reason, spec.environment, spec.name, detail, hint, spec,
        attempt.attempt if attempt else None, since, release, owner=owner,
    )  # fmt: skip


def named(each: Placed, spec: RunSpec) -> str:
    """Name an attempt, with its run where that isn't this spec's."""
    number = f"attempt {each.attempt.number}"
    return number if each.key == spec.key else f"{number} of {'/'.join(each.key)}"


def listed(names: Sequence[str]) -> str:
    """Name some of several runs or targets."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


_NAMED = 5


def run_of(spec: RunSpec) -> str:
    """Return the run of a spec as commands take it: `environment/name`."""
    return f"{spec.environment}/{spec.name}"


def as_held(change: Change, hold: Hold) -> Change:
    """Hold what is due."""
    return change._replace(
        action=Action.HOLD,
        reason=Reason(hold.reason),
        detail=hold.detail,
        hint=hold.hint,
        release=hold.release,
        due=change.due or change.reason,
    )
