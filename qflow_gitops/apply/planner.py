"""Plan a commit on a lockfile, as often as that changes: apply never trusts a diff alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from qflow_gitops.apply.admission import still_needed, with_holds
from qflow_gitops.apply.planned import ApplySource, PlannedApply
from qflow_gitops.apply.preconditions import ApplyRequest
from qflow_gitops.apply.services import ApplyServices
from qflow_gitops.apply.tickets import Desk
from qflow_gitops.base.names import RunKey
from qflow_gitops.base.times import stamp
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.plan import decide
from qflow_gitops.plan.context import Context, Overrides
from qflow_gitops.policy.rules import PolicyContext, ticket_rules
from qflow_gitops.policy.tickets import asked
from qflow_gitops.ports.lockfile import LockSession, Snapshot
from qflow_gitops.results.groups import sizes
from qflow_gitops.results.plans import Planned
from qflow_gitops.sources.inputs import lockfile_of
from qflow_gitops.sources.lockseen import held, seen
from qflow_gitops.sources.previous import previous_requests
from qflow_gitops.sources.runs import known_runs, run_key, run_keys
from qflow_gitops.specs.connector_catalogs import names


class Released(NamedTuple):
    """What a person released by a count that was shown: holds of runs, failed attempts."""

    holds: Mapping[RunKey, tuple[str, ...]] = {}
    failures: frozenset[str] = frozenset()


NOTHING = Released()


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans every spec of one commit, read once, for what a person asked.

    `desk` knows the tickets that the policy asks for, and is None where it asks for none.
    """

    request: ApplyRequest
    services: ApplyServices
    source: ApplySource
    desk: Desk | None = None

    def with_facts(self, facts: PolicyContext) -> "Planner":
        """Return the same, held against other facts."""
        return replace(self, source=replace(self.source, facts=facts))

    def look_up_tickets(self, recorded: Snapshot) -> None:
        """Look up the tickets of what would run but for the policy."""
        if self.desk is None:
            return
        bare = self.with_facts(PolicyContext(())).plan(recorded).plan.thawed.due
        rules = ticket_rules(self.source.facts.policies)
        self.desk.look(one for change in bare if change.spec for one in asked(rules, change.spec))

    def for_request(self, request: ApplyRequest, *, aside: bool) -> "Planner":
        """Return the same for what a person answered."""
        source = replace(self.source, aside=aside, reason=request.reason)
        return replace(self, request=request, source=source)

    def plan(self, recorded: Snapshot, before: Released = NOTHING) -> PlannedApply:
        """Plan on a lockfile. `before` is what was released when there was more of it."""
        source, project, specs = self.source, self.source.project, self.source.specs
        lockfile = lockfile_of(recorded, project)
        context = self._context(lockfile, before)
        body = Planned(
            plan=decide.compute(specs, context),
            commit=source.commit,
            base="",
            full=True,
            lock=seen(recorded),
            names=names(specs.connectors, project, [source.environment]),
            catalog=specs.catalog,
            freezes=context.brakes.freezes,
            targets={} if context.selects else sizes(specs.keys),
        )
        return PlannedApply(source, lockfile, body, context)

    def _chosen(self, lockfile: Lockfile) -> frozenset[RunKey]:
        """Name the runs that were asked for; none for all. Raises UsageProblem for no such run."""
        request, source = self.request, self.source
        if not request.runs:
            return frozenset()
        known = known_runs(source.specs, lockfile, (source.environment,))
        return run_keys(
            request.runs, source.project, source.environment, known, "Nothing was sent."
        )

    def plan_in(self, session: LockSession, before: Released = NOTHING) -> PlannedApply:
        """Plan on what a session holds, as if it had just been read; `before` as for `plan`."""
        return self.plan(held(session, self.services.store.where), before)

    def _context(self, lockfile: Lockfile, before: Released) -> Context:
        request, services, source = self.request, self.services, self.source
        now = services.clock.now()
        context = Context(
            project=source.project,
            lockfile=lockfile,
            environments=(source.environment,),
            brakes=Overrides(
                freezes=(*freezes.recorded(lockfile.freezes), *services.freezes()),
                retries=frozenset(
                    run_key(run, source.project, source.environment) for run in request.retries
                ),
                retry_failed=request.retry_failed,
                acks=still_needed(request.acks, source),
                released=before.holds,
                forgiven=before.failures,
            ),
            labels=request.labels,
            runs=self._chosen(lockfile),
            previous=previous_requests(services.git, source.specs.specs, lockfile, source.project),
            touched=frozenset(),
            now=stamp(now),
            facts=source.facts._replace(now=now, tickets=self.desk.looks if self.desk else None),
            options=request.options,
        )
        return with_holds(context, services.git, source)
