"""A plan that was agreed to, held against a lockfile that moves on."""

from dataclasses import dataclass, replace
from itertools import chain

from qflow_gitops.apply import progress
from qflow_gitops.apply.admission import check_overtaken
from qflow_gitops.apply.brakes import Brake, brake_at
from qflow_gitops.apply.planned import PlannedApply, due_in
from qflow_gitops.apply.planner import Planner, Released
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan.change import Action, Reason
from qflow_gitops.policy import rules
from qflow_gitops.ports.lockfile import LockSession, Snapshot


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a launch asks about its plan while the lockfile moves on: others write it as well.

    `released` is what a person released, by a count that has been shown: there may be less of it by
    now, and nothing else of the same name is meant. `any_time` is whether a closed window was
    released for all of it.
    """

    planner: Planner
    planned: PlannedApply
    released: Released
    any_time: bool

    @classmethod
    def to(cls, planner: Planner, planned: PlannedApply) -> "Agreed":
        """Take a plan of which everything that is due may be sent, each when its turn is."""
        due = planned.plan.due
        holds = {change.key: change.released for change in due if change.released}
        failures = frozenset(chain.from_iterable(planned.plan.forgiven.values()))
        any_time = all("window" in change.released for change in due)
        acks = {k: n for k, n in planner.request.acks.items() if k != Reason.ROLLOUT}
        planner = replace(planner, request=replace(planner.request, acks=acks))
        return cls(planner, planned, Released(holds, failures), any_time)

    def still_due(self, lockfile: Lockfile) -> frozenset[RunKey]:
        """Decide again on a newer lockfile which runs of the plan may be sent.

        Raises StaleError where another apply has gone on to a commit that this one doesn't follow.
        """
        services, source = self.planner.services, self.planned.source
        recorded = Snapshot(lockfile, services.store.where)
        newer = self.planner.plan(recorded, self.released)
        check_overtaken(services.git, services.branches, newer)
        due = due_in(newer.plan.thawed.of(Action.RUN))  # what a freeze puts off, nobody has taken
        agreed = due_in(self.planned.plan.due)
        return frozenset((source.environment, run[0]) for run in due & agreed)

    def later(self, session: LockSession, sent: frozenset[RunKey]) -> PlannedApply:
        """Plan once more after some of it was `sent`: only what was agreed to is due in it.

        A retry that was sent isn't asked for once more.
        """
        retries = tuple(
            "/".join(change.key)
            for change in self.planned.plan.due
            if Reason.RETRY in (change.reason, change.due) and change.key not in sent
        )
        rest = replace(self.planner.request, retries=retries, retry_failed=False)
        newer = replace(self.planner, request=rest).plan_in(session, self.released)
        agreed = due_in(self.planned.plan.due)
        changes = tuple(
            change
            for change in newer.plan.changes
            if not change.is_due or due_in((change,)) <= agreed
        )
        body = newer.body._replace(plan=newer.plan._replace(changes=changes))
        return replace(newer, body=body)

    def checkpoint(self, lockfile: Lockfile) -> Checkpoint:
        """Return what the first intents add to a lockfile.

        How far the environment was worked on, and whose names were carried over.
        """
        source = self.planned.source
        notes = progress.notes(self.planned, lockfile, self.planner.services)
        return Checkpoint(source.environment, "" if source.aside else source.commit, notes=notes)

    def brake(self, session: LockSession) -> Brake | None:
        """Say what keeps the runs from being sent now, None for nothing. Safe from any thread."""
        return brake_at(session, self.planner.services.freezes, self._closed)

    def _closed(self) -> str:
        if self.any_time:
            return ""
        source, now = self.planned.source, self.planner.services.clock.now()
        return rules.closed(source.facts.policies, source.environment, now)
