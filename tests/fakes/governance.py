"""A code host that says what it is told to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from qflow_gitops.errors import QflowError
from qflow_gitops.ports.governance import (
    BranchRules,
    HostedEnvironment,
    HostedRepository,
    JobRights,
    Pages,
    Schedule,
    ScheduledRun,
    Secrets,
    Variable,
)

GUARDED = BranchRules(
    reviewed=True, approvals=1, owners=True, fresh=True, checks=frozenset({"check"}), forced=False,
    deleted=False,
)  # fmt: skip


PAGES = Pages(*(f"https://host.example/{name}" for name in "rebvsc"))
IS_AT = HostedRepository("octo/runs", "main")
NO_SECRETS, NO_RIGHTS = Secrets(frozenset(), frozenset()), JobRights()
RAN = ScheduledRun("2026-11-29T06:17:00Z", "success")


@dataclass
class FakeGovernance:
    """Implements `ports.governance.Governance`. `problem` is what each call raises."""

    host: str = "Host"
    elsewhere: str = ""
    pages: Pages = PAGES
    is_at: HostedRepository = IS_AT
    environments: dict[str, HostedEnvironment] = field(default_factory=dict)
    branches: dict[str, BranchRules] = field(default_factory=dict)
    set_to: dict[str, Variable] = field(default_factory=dict)
    secret: Secrets = NO_SECRETS
    timed: Sequence[Schedule] = ()
    rights: JobRights = NO_RIGHTS
    wrong: Sequence[str] = ()
    days: int | None = 90
    version: str = ""
    problem: QflowError | None = None

    def _called(self) -> None:
        if self.problem is not None:
            raise self.problem

    def repository(self) -> HostedRepository:
        self._called()
        return self.is_at

    def environment(self, name: str) -> HostedEnvironment | None:
        self._called()
        return self.environments.get(name)

    def branch(self, name: str, *, pushed: bool = False) -> BranchRules:
        self._called()
        del pushed
        return self.branches.get(name, BranchRules())

    def owner_errors(self) -> Sequence[str]:
        self._called()
        return self.wrong

    def guard(self, branch: str) -> str:
        return f"guard {branch}"

    def variables(self, name: str, environments: Collection[str]) -> Sequence[Variable]:
        self._called()
        del environments
        return [found] if (found := self.set_to.get(name)) else []

    def secrets(self, environment: str) -> Secrets:
        self._called()
        del environment
        return self.secret

    def schedules(self, files: Mapping[str, bool]) -> Sequence[Schedule]:
        self._called()
        del files
        return self.timed

    def jobs(self, uses: Collection[str]) -> JobRights:
        self._called()
        del uses
        return self.rights

    def token(self) -> JobRights:
        self._called()
        return self.rights

    def retention(self) -> int | None:
        self._called()
        return self.days

    def tool_version(self, action: str, commit: str) -> str:
        self._called()
        del action, commit
        return self.version
