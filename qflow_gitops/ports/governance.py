"""What is needed of a code host to say whether it guards a repository as it should."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol


class Pages(NamedTuple):
    """Addresses of the pages on which a person changes a repository's settings.

    `policies` is that of rules on what may start the CI, which no endpoint tells; "" for none.
    """

    repository: str
    environments: str
    branches: str
    variables: str
    schedules: str
    ci: str
    policies: str = ""


class HostedRepository(NamedTuple):
    """A repository as its host knows it; `fork_of` names what it was copied from, "" for nothing.

    `closed` is a word for why nothing is changed in it any more (`archived`), "" where it is open.
    """

    name: str
    default_branch: str
    closed: str = ""
    fork_of: str = ""


class HostedEnvironment(NamedTuple):
    """An environment that jobs name: who lets them through, and from which branches they come.

    `reviewers` are the people or groups who may let jobs through, `approvals` how many have to;
    where nobody has to, it `opens` as that says. `by_oneself` is whether who started a job may,
    None where that isn't told. `branches` are patterns, None where a job of any branch may use it;
    `kept` says what keeps it instead, "" for nothing.
    """

    reviewers: int = 0
    approvals: int = 0
    by_oneself: bool | None = False
    branches: tuple[str, ...] | None = None
    kept: str = ""
    opens: str = "by itself"


EVERY = "*"
"""Stands for every check of a change."""


class BranchRules(NamedTuple):
    """What keeps a branch, whichever rule says so.

    `approvals` is how many a change needs, `fresh` whether a push takes them away, `owners` whether
    code owners are asked; each None where it isn't told (`untold` says why). `pushers` are who may
    push without a review where one is asked of all others, "" for nobody. `blocks` names the rules
    that keep away a push of who may write, `bypassed` whether they all let this token's user
    through. `hidden` says what this token isn't shown, "" for nothing: more may hold.
    """

    reviewed: bool = False
    approvals: int | None = 0
    owners: bool | None = False
    fresh: bool | None = False
    checks: frozenset[str] = frozenset()
    forced: bool = True
    deleted: bool = True
    pushers: str = ""
    blocks: tuple[str, ...] = ()
    bypassed: bool = False
    untold: str = ""
    hidden: str = ""


class Variable(NamedTuple):
    """A variable of the host's CI: its value, and where it is set."""

    value: str
    where: str


class Secrets(NamedTuple):
    """Names of secrets: of the environment alone, those that all jobs get, and those unguarded.

    `unguarded` says of a name what is missing (`masked`, `protected`), as far as a host has that.
    """

    own: frozenset[str]
    shared: frozenset[str]
    unguarded: Sequence[tuple[str, str]] = ()


class ScheduledRun(NamedTuple):
    """A run that a schedule began: when (RFC 3339, "" for not told), how it ended ("": not yet)."""

    at: str
    ended: str
    page: str = ""


class Schedule(NamedTuple):
    """A schedule of the CI: `file` that it runs, and why it doesn't ("" where it does).

    `enable` is the command that lets it run again, "" for none. `last` is None where it never did,
    `due` is when it is to run next (RFC 3339, "" for not told).
    """

    file: str
    stopped: str = ""
    enable: str = ""
    crons: tuple[str, ...] = ()
    last: ScheduledRun | None = None
    due: str = ""


class JobRights(NamedTuple):
    """What jobs may do. `off` says why none runs, "" where they do; None: a host has no such thing.

    `refused` are actions that may not be used, `unsure` those of which it can't be told, `pinned`
    is whether only those named by a commit may. `writes` is whether a job's token may write where
    the job doesn't say what it may, `pushes` whether it may push at all, `seconds` how long a job
    may take.
    """

    off: str = ""
    refused: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    pinned: bool | None = None
    writes: bool | None = None
    pushes: bool | None = None
    seconds: float | None = None


class Governance(Protocol):
    """What a host tells of a repository's settings; asks only.

    Each raises AuthError or UnreachableError where it can't be told, and says which right is
    missing; that says nothing about what is set.
    """

    @property
    def host(self) -> str:
        """Name the host, for people."""

    @property
    def elsewhere(self) -> str:
        """Say where else variables may be set that aren't looked at, "" for nowhere."""

    @property
    def pages(self) -> Pages:
        """Where a person changes what is found."""

    def repository(self) -> HostedRepository:
        """Say what it is. What it raises, all others would."""

    def environment(self, name: str) -> HostedEnvironment | None:
        """Return an environment, None where there is none of that name."""

    def branch(self, name: str, *, pushed: bool = False) -> BranchRules:
        """Say what keeps a branch, whether there is one or not.

        Where it is to be `pushed` to, also whether this token's user is let through.
        """

    def owner_errors(self) -> Sequence[str]:
        """Say what is wrong in the file that names code owners, as the host reads it."""

    def guard(self, branch: str) -> str:
        """Return a command that forbids to force-push and to delete a branch, "" for none."""

    def variables(self, name: str, environments: Collection[str]) -> Sequence[Variable]:
        """Say where a variable is set that jobs of these environments get."""

    def secrets(self, environment: str) -> Secrets:
        """Name the secrets that an environment's jobs get, never what they are."""

    def schedules(self, files: Mapping[str, bool]) -> Sequence[Schedule]:
        """Return how these workflow files stand (of those that have a schedule: its last run).

        Where a host has schedules apart from files, those that there are.
        """

    def jobs(self, uses: Collection[str]) -> JobRights:
        """Say what jobs may do that use these actions."""

    def token(self) -> JobRights:
        """Say what the token of a job may do by default."""

    def retention(self) -> int | None:
        """Return the days that logs and artifacts are kept, None for ever."""

    def tool_version(self, action: str, commit: str) -> str:
        """Return the version of this program that an action's commit holds, "" for not told."""
