"""What apply needs from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from qflow_gitops.apply.platforms import Gateways
from qflow_gitops.apply.reconciler import Reconciler
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.policy.tickets import TicketRule
from qflow_gitops.ports.clock import Clock, StopSignal
from qflow_gitops.ports.git import Branches, GitTree, Repository
from qflow_gitops.ports.lockfile import LockStore
from qflow_gitops.ports.notices import NOBODY, Courier
from qflow_gitops.ports.pull_requests import PullRequests
from qflow_gitops.ports.qualys import Qualys
from qflow_gitops.ports.tickets import Tickets
from qflow_gitops.results.plans import Planned
from qflow_gitops.settings.project import LockSettings, Project
from qflow_gitops.sources import specs as reading
from qflow_gitops.sources.loader import DIRECT, Loader


@dataclass(frozen=True, slots=True)
class ApplyServices:
    """What apply needs from outside.

    `store` is the lockfile's, `store_of` opens another one. `qualys` connects to the platform of
    an environment; it is only called when something has to be sent or looked at. `freezes` gives
    those beside the lockfile's, as they are when it is called. `confirm` asks a person (True: go
    on). `author` and `evidence` are what is recorded about who did it. `rescue` keeps a record
    that could not be stored, and says where. `pulls` connects to the host of the pull requests.
    `tickets` connects to where a rule's tickets are, and raises QflowError where that isn't set up.
    `ask` puts a question to a person, and is None where there is nobody to ask. `history` is the
    repository once more, for whoever asks much of its history. `loader` reads the specs, anew.
    `remembered` is the newest lockfile that this clone wrote as a file, where it is none any more.
    `circumstances` is what is known of the CI's file and of this program, looked up when it is
    called and recorded once an apply; it raises nothing. `hurry` lets a remote of git's take so
    many seconds in all from then on, and no more. `courier` carries notices while the apply works,
    which `begun` at this time of the clock that never goes back.
    """

    git: Repository
    history: Repository
    branches: Branches
    store: LockStore
    store_of: Callable[[LockSettings], LockStore]
    qualys: Callable[[str], tuple[Qualys, str]]
    clock: Clock
    stop: StopSignal
    freezes: Callable[[], tuple[Freeze, ...]]
    confirm: Callable[[Planned], bool]
    author: Mapping[str, str]
    evidence: Mapping[str, object]
    rescue: Callable[[str], str]
    pulls: Callable[[], PullRequests]
    tickets: Callable[[TicketRule], Tickets]
    ask: Callable[[str], bool] | None = None
    loader: Loader = DIRECT
    remembered: Callable[[], Lockfile | None] = lambda: None
    circumstances: Callable[[], Mapping[str, object]] = dict
    hurry: Callable[[float], None] = lambda _seconds: None
    courier: Courier = NOBODY
    begun: float = 0.0

    def reconciler(self, project: Project) -> Reconciler:
        """Build what settles the doubts of a project."""
        return reconciler_of(self.git, self.qualys, self.clock, project)


def reconciler_of(
    git: GitTree,
    qualys: Callable[[str], tuple[Qualys, str]],
    clock: Clock,
    project: Project,
) -> Reconciler:
    """Build what settles the doubts of a project; `qualys` as in `ApplyServices`."""
    specs = partial(reading.sent_specs, git, project)
    return Reconciler(Gateways(qualys, project), clock, specs)
