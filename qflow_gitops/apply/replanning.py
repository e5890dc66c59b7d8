"""A plan that was agreed to, held against a lockfile that moves on."""

from collections.abc import Sequence
from dataclasses import dataclass

from qflow_gitops.apply import progress
from qflow_gitops.apply.admission import check_overtaken
from qflow_gitops.apply.brakes import Brake, brake_at
from qflow_gitops.apply.job import Job
from qflow_gitops.apply.planned import PlannedApply, due_in
from qflow_gitops.apply.planner import Planner
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import Checkpoint
from qflow_gitops.policy import rules
from qflow_gitops.ports.lockfile import LockSession, Snapshot


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a launch asks about its plan while other processes write the lockfile as well.

    `released` are the runs whose hold a person released, by a count that has been shown: there may
    be fewer of them by now. `any_time` is whether a closed window was released.
    """

    planner: Planner
    planned: PlannedApply
    released: frozenset[RunKey]
    any_time: bool

    @classmethod
    def to(cls, planner: Planner, planned: PlannedApply, jobs: Sequence[Job]) -> "Agreed":
        """Take a plan, and the jobs of it that are to be sent."""
        released = frozenset(job.change.key for job in jobs if job.change.released)
        any_time = any("window" in job.change.released for job in jobs)
        return cls(planner, planned, released, any_time)

    def still_due(self, lockfile: Lockfile) -> frozenset[RunKey]:
        """Decide again on a newer lockfile which runs of the plan may be sent.

        Raises StaleError where another apply has gone on to a commit that this one doesn't follow.
        """
        services, source = self.planner.services, self.planned.source
        recorded = Snapshot(lockfile, services.store.where)
        newer = self.planner.plan(recorded, self.released)
        check_overtaken(services.git, services.branches, newer)
        due = due_in(newer.plan.thawed)  # what a freeze puts off, nobody else has taken
        return frozenset((source.environment, run[0]) for run in due & due_in(self.planned.plan))

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
