"""What a RUN or an EXECUTION on the command line names."""

import re
from dataclasses import dataclass
from functools import cached_property

from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import UsageProblem
from qflow_gitops.findings import suggest
from qflow_gitops.lockfile.attempt import AttemptKey
from qflow_gitops.lockfile.inheritance import Inheritance, Placed
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.next_steps import look_up
from qflow_gitops.lockfile.states import DOUBTFUL
from qflow_gitops.settings.project import Project
from qflow_gitops.sources.runs import known_runs, run_keys
from qflow_gitops.specs.load import SpecSet

_ID = re.compile(r"[0-9A-Za-z-]{8,64}")  # or the beginning of one, of at least eight
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOTHING = "Nothing is shown."


@dataclass(frozen=True, slots=True)
class OneRun:
    """A run with the attempts that count for it, oldest first, and the one that is meant.

    `told` is None for the newest that says how the run stands.
    """

    key: RunKey
    attempts: tuple[Placed, ...]
    told: Placed | None = None


@dataclass(frozen=True, slots=True)
class SeveralRuns:
    """More runs than one: targets of a spec, or what `*` stands for."""

    keys: frozenset[RunKey]


@dataclass(frozen=True, slots=True)
class Stranger:
    """The whole id of an execution that the lockfile doesn't have."""

    execution_id: str


@dataclass(frozen=True)
class Finder:
    """Finds runs by their names, then executions by their ids."""

    project: Project
    lockfile: Lockfile
    specs: SpecSet
    environment: str

    @cached_property
    def inheritance(self) -> Inheritance:
        """Whose attempts count for a run."""
        return Inheritance(self.lockfile, self.project, self.specs.specs, self.specs.invalid)

    def find(self, what: str) -> OneRun | SeveralRuns | Stranger:
        """Find what is meant. Raises UsageProblem where that is nothing, or not one thing."""
        names = {*self.project.environments, *self.lockfile.environments}
        known = known_runs(self.specs, self.lockfile, names)
        try:
            keys = run_keys(
                (what,), self.project, self.environment, known, _NOTHING, self.lockfile.environments
            )
        except UsageProblem:
            if not _ID.fullmatch(what):
                raise
            return self._execution(what)
        if len(keys) > 1:
            return SeveralRuns(keys)
        (key,) = keys
        return OneRun(key, self.inheritance.attempts(key))

    def _execution(self, what: str) -> OneRun | Stranger:
        owners = self.lockfile.owners(what)
        if self.environment:
            owners = {each: key for each, key in owners.items() if key[0] == self.environment}
        if len(owners) > 1 and what.lower() not in owners:
            some, many = suggest.listed(sorted(owners)[:5]), f"{len(owners):,} executions"
            raise UsageProblem(
                f"{suggest.quoted(what)} begins {many} of the lockfile: {some}.",
                not_done=_NOTHING,
                hint="Give more of the one that you mean.",
                reason="execution_ambiguous",
            )
        if owners:
            return self._owned(owners.get(what.lower()) or next(iter(owners.values())))
        if not _UUID.fullmatch(what):
            raise UsageProblem(
                f"{suggest.quoted(what)} is no run, and begins no execution of the lockfile.",
                not_done=_NOTHING,
                hint="`qflow-gitops status` lists the runs. What Qualys shows of an execution that "
                "isn't in the lockfile is shown by its whole id.",
                reason="run_unknown",
            )
        return Stranger(what)

    def _owned(self, owner: AttemptKey) -> OneRun:
        environment, run, number = owner
        mine = Placed(environment, run, self.lockfile.attempts(environment, run)[number - 1])
        heirs = self.inheritance.heirs(mine)
        key = next((heir for heir in heirs if self.inheritance.has_spec(heir)), (environment, run))
        attempts = self.inheritance.attempts(key)
        if mine not in attempts:
            key, attempts = (environment, run), self.inheritance.attempts((environment, run))
        return OneRun(key, attempts, mine)


def perhaps_in_doubt(workflow_id: str, lockfile: Lockfile) -> tuple[str, ...]:
    """Say of an execution that nobody has whose it may be: a run's that is in doubt."""
    doubtful = {
        environment
        for environment in lockfile.environments
        for _, attempts in lockfile.runs_in_states(environment, DOUBTFUL)
        for attempt in attempts
        if attempt.state in DOUBTFUL and attempt.fact("workflowId").lower() == workflow_id.lower()
    }
    return tuple(
        f"It may be that of a run in doubt: {look_up(environment)} looks it up"
        for environment in sorted(doubtful)
    )
