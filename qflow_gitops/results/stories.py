"""The whole story of one run: what was sent, by whom, how it ended, and its steps."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from qflow_gitops.base.jsondiff import MISSING, Difference
from qflow_gitops.base.names import RunKey
from qflow_gitops.errors import QflowError
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.notes import LedgerEvent
from qflow_gitops.results.plans import LockSeen
from qflow_gitops.specs.connector_catalogs import Names
from qflow_gitops.specs.spec import RunSpec


class Saying(NamedTuple):
    """A text of a step that may be its message, and the undocumented field that holds it."""

    field: str
    text: str
    likely: bool


class StepTold(NamedTuple):
    """A step of an execution; "" and None for what Qualys doesn't show.

    `status` is Qualys' word, `meaning` what the settings (or its documentation) explain it as, ""
    for nothing. Times are RFC 3339 in UTC. `output` is JSON, MISSING where nobody looked.
    """

    node_id: str
    node_type: str
    order: int | None
    status: str
    meaning: str
    created: str
    updated: str
    said: tuple[Saying, ...] = ()
    output: Any = MISSING

    @property
    def message(self) -> Saying | None:
        """What most likely says what went wrong, None for nothing."""
        return next((saying for saying in self.said if saying.likely), None)


class Culprit(NamedTuple):
    """The step by which an execution didn't succeed.

    `certain`: its word is one that stands for a failure. Else it is only the last one that isn't
    known to have succeeded; `ordered` is whether the steps tell their order. `recorded`: the
    lockfile tells it, and Qualys wasn't asked for it now.
    """

    step: StepTold
    certain: bool
    ordered: bool
    recorded: bool = False


class Lasted(NamedTuple):
    """Seconds between the times that Qualys shows, None where it doesn't show both."""

    queued: float | None
    running: float | None
    total: float | None


class ExecutionTold(NamedTuple):
    """What Qualys shows of an execution; times as in `StepTold`.

    `steps` are None where they weren't seen, and `problem` says why, or what else wasn't seen.
    `missing` so many steps aren't shown. `raw` is the JSON as it came, by its path. `error` is what
    stopped the look once the execution itself was seen. `source` is what started it, "" where
    nobody asked.
    """

    status: str = ""
    meaning: str = ""
    ended: bool = False
    created: str = ""
    began: str = ""
    finished: str = ""
    workflow_id: str = ""
    lasted: Lasted = Lasted(None, None, None)
    seen: bool = False
    steps: tuple[StepTold, ...] | None = None
    missing: int = 0
    culprit: Culprit | None = None
    problem: str = ""
    raw: Mapping[str, Any] = MappingProxyType({})
    error: QflowError | None = None
    source: str = ""


class CommitTold(NamedTuple):
    """A commit; but for its id "" where it isn't in this clone."""

    id: str
    author: str = ""
    at: str = ""
    subject: str = ""


class AttemptTold(NamedTuple):
    """One attempt, and the run that the lockfile has it under.

    `request` is masked, None where `unknown` says why nobody knows it. `since` is what it changed
    of the attempt before, None where that isn't known.
    """

    key: RunKey
    attempt: Attempt
    request: Mapping[str, Any] | None = None
    unknown: str = ""
    since: tuple[Difference, ...] | None = None


class Depth(NamedTuple):
    """How much of an execution was asked for: only its steps in full, the JSON as it came."""

    steps: bool = False
    raw: bool = False


class Story(NamedTuple):
    """One run's story, or that of an execution which isn't in the lockfile (`key` is None).

    `told` is the attempt that it is about, by its place in `attempts` (oldest first, without so
    many `earlier` ones; () where it was never sent). `state` says in words how it stands, `since`
    when (RFC 3339), `next` what a person types. `spec` is what the commit asks for now, None where
    it asks for nothing; `events` are those of the run, `apply` is what is recorded of the whole
    apply that opened the attempt told of (`lockfile.circumstances`).
    """

    key: RunKey | None
    state: str
    next: tuple[str, ...]
    lock: LockSeen = LockSeen("", exists=False)
    since: str = ""
    platform: str = ""
    execution_id: str = ""
    attempts: tuple[AttemptTold, ...] = ()
    told: int = -1
    earlier: int = 0
    commit: CommitTold | None = None
    spec: RunSpec | None = None
    names: Names = MappingProxyType({})
    events: tuple[LedgerEvent, ...] = ()
    apply: Mapping[str, Any] = MappingProxyType({})
    execution: ExecutionTold = ExecutionTold()
    depth: Depth = Depth()
