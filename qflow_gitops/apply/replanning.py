"""A plan that was agreed to, held against a lockfile that moves on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from qflow_gitops.apply import notices, progress
from qflow_gitops.apply.admission import check_overtaken
from qflow_gitops.apply.brakes import Brake, brake_at
from qflow_gitops.apply.job import Job
from qflow_gitops.apply.planned import PlannedApply, due_in
from qflow_gitops.apply.planner import Planner, Released
from qflow_gitops.base.names import RunKey
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import OutboxChange
from qflow_gitops.plan.change import Action, Change, Reason, as_held
from qflow_gitops.policy import rules
from qflow_gitops.policy.rules import Hold, ticket_rules
from qflow_gitops.policy.tickets import Asked, Reasons, asked
from qflow_gitops.ports.lockfile import LockSession, Snapshot


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a launch asks about its plan while the lockfile moves on: others write it as well.

    `released` is what a person released, by a count that has been shown: there may be less of it by
    now, and nothing else of the same name is meant. `any_time` is whether a closed window was
    released for all of it. `tickets` are those of each run.
    """

    planner: Planner
    planned: PlannedApply
    released: Released
    any_time: bool
    tickets: Mapping[RunKey, tuple[Asked, ...]]

    @classmethod
    def to(cls, planner: Planner, planned: PlannedApply) -> "Agreed":
        """Take a plan of which everything that is due may be sent, each when its turn is."""
        due = planned.plan.due
        holds = {change.key: change.released for change in due if change.released}
        failures = frozenset(chain.from_iterable(planned.plan.forgiven.values()))
        any_time = all("window" in change.released for change in due)
        acks = {k: n for k, n in planner.request.acks.items() if k != Reason.ROLLOUT}
        planner = replace(planner, request=replace(planner.request, acks=acks))
        policies = planned.source.facts.policies if planner.desk else ()
        rules = ticket_rules(policies)
        tickets = {each.key: (*asked(rules, each.spec),) for each in due if rules and each.spec}
        return cls(planner, planned, Released(holds, failures), any_time, tickets)

    def still_due(self, lockfile: Lockfile) -> frozenset[RunKey]:
        """Decide again on a newer lockfile which runs of the plan may be sent.

        Raises StaleError where another apply has gone on to a commit that this one doesn't follow.
        """
        services, source = self.planner.services, self.planned.source
        recorded = Snapshot(lockfile, services.store.where)
        newer = self.planner.plan(recorded, self._but_tickets)
        check_overtaken(services.git, services.branches, newer)
        due = due_in(newer.plan.thawed.of(Action.RUN))  # what a freeze puts off, nobody has taken
        agreed = due_in(self.planned.plan.due)
        return frozenset((source.environment, run[0]) for run in due & agreed)

    @property
    def _but_tickets(self) -> Released:
        """What was released, and what is looked at once more before each run is sent."""
        known = self.released.holds
        holds = {key: (*known.get(key, ()), Reason.TICKET.value) for key in self.tickets}
        return self.released._replace(holds={**known, **holds})

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
        tells = OutboxChange(tells=notices.tells_of(lockfile, self.planned))
        latest = "" if source.aside else source.commit
        return Checkpoint(source.environment, latest, notes=notes, outbox=tells)

    def brake(self, session: LockSession) -> Brake | None:
        """Say what keeps the runs from being sent now, None for nothing. Safe from any thread."""
        return brake_at(session, self.planner.services.freezes, self._closed)

    # --- tickets ---------------------------------------------------------------------

    def with_tickets(self, wave: Sequence[Job]) -> tuple[list[Job], list[Change]]:
        """Look at the tickets of runs whose turn it is: those that may be sent, those held.

        What was seen of a ticket goes into the evidence, as it is at that time.
        """
        desk = self.planner.desk
        if desk is None:
            return [*wave], []
        bound = (job.change.key for job in wave if not self._is_released(job.change.key))
        desk.look(one for key in bound for one in self.tickets.get(key, ()))
        ready, held = [], list[Change]()
        for job in wave if not self.planner.services.stop() else ():
            why = self._why_not(job.change.key)
            if why is None:
                seen = [desk.evidence(one) for one in self.tickets.get(job.change.key, ())]
                ready.append(job.with_evidence("ticket", seen[0]) if seen else job)
            else:
                hold = Hold(Reason.TICKET, why.detail, why.way_on, Reason.TICKET)
                held.append(as_held(job.change, hold))
        return ready, held

    def moved(self, key: RunKey) -> Brake | None:
        """Say what its ticket has against sending a run now, None for nothing. For any thread."""
        why = self._why_not(key) if self.planner.desk else None
        return Brake(Reason.TICKET, why.detail, why.way_on) if why else None

    def _why_not(self, key: RunKey) -> Reasons | None:
        desk = self.planner.desk
        if desk is None or self._is_released(key):
            return None
        return next(filter(None, map(desk.why_not, self.tickets.get(key, ()))), None)

    def _is_released(self, key: RunKey) -> bool:
        return Reason.TICKET in self.released.holds.get(key, ())

    def _closed(self) -> str:
        if self.any_time:
            return ""
        source, now = self.planned.source, self.planner.services.clock.now()
        return rules.closed(source.facts.policies, source.environment, now)
