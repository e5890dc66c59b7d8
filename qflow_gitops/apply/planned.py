"""A commit as an apply read it, and its plan on one lockfile."""

from collections.abc import Iterable
from dataclasses import dataclass

from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan.change import Change, Plan, Reason
from qflow_gitops.plan.context import Context
from qflow_gitops.policy.rules import PolicyContext
from qflow_gitops.results.plans import Planned
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.branches import Unmerged
from qflow_gitops.specs.load import SpecSet


@dataclass(frozen=True, slots=True)
class ApplySource:
    """A commit, as it was read for an apply to one environment: nothing of it changes any more.

    `facts` is what the policy is held against. `let_go` is the commit applied last where a person
    lets go of it, since no branch holds it any more; `absent` says that the commit is on no branch
    of its environment. `aside` is whether nothing of the commit is recorded as applied, `reason`
    why something was released.
    """

    project: Project
    environment: str
    commit: str
    specs: SpecSet
    facts: PolicyContext
    let_go: str = ""
    absent: Unmerged | None = None
    aside: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlannedApply:
    """The plan of a commit on a lockfile; `context` is what it was made from beside the specs."""

    source: ApplySource
    lockfile: Lockfile
    body: Planned
    context: Context

    @property
    def plan(self) -> Plan:
        """What would run, and why."""
        return self.body.plan


def due_in(changes: Iterable[Change]) -> set[tuple[str, str, str]]:
    """Name what would be sent: run, digest, and the very attempt that a retry releases."""
    return {(change.name, change.spec.digest, retried(change)) for change in changes if change.spec}


def retried(change: Change) -> str:
    """Name the very attempt that a retry releases, "" for none."""
    if Reason.RETRY not in (change.reason, change.due) or change.attempt is None:
        return ""
    attempt = change.attempt
    return f"{attempt.opened_at} {attempt.number} {attempt.fact('nonce')}"
