"""What is needed of Qualys Flow, and what its answers come to."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from qflow_gitops.specs.catalogs import Workflow


class AnswerKind(StrEnum):
    """What the outcome of a POST proves (docs/api.md 12 [I])."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNCLEAR = "in_doubt"


class Answer(NamedTuple):
    """What became of one POST …/run.

    `execution_id` only with ACCEPTED; `http_status` where there was an answer;
    `detail` is one redacted sentence for the lockfile and the person.
    """

    kind: AnswerKind
    execution_id: str = ""
    http_status: int | None = None
    detail: str = ""


class Execution(NamedTuple):
    """An execution as Qualys shows it.

    `status` is Qualys' word as it stands, "" where absent; `ended` whether an end date is
    shown. Times are milliseconds since 1970 UTC, None where absent.
    """

    id: str
    workflow_id: str
    status: str
    ended: bool
    created_at: int | None = None
    start_date: int | None = None
    end_date: int | None = None


class Listing(NamedTuple):
    """A workflow's executions in a window of time, oldest first.

    `complete` is False where pages shifted or ended in a way that leaves a doubt: then
    nothing may be concluded from what is missing.
    """

    executions: tuple[Execution, ...]
    complete: bool


class TriggerInput(NamedTuple):
    """What an execution's trigger step shows of the request that started it.

    `source` is Qualys' word (`PUBLIC_API` for this API), "" where absent; `input` and
    `variables` (by key) are None where they aren't shown.
    """

    source: str
    input: Any
    variables: Mapping[str, Any] | None


class Said(NamedTuple):
    """A text of a step that may tell what went wrong: no page names such a field (docs/api.md 11).

    `field` is its JSON pointer in the step, `text` one redacted line. `likely`: its name is one
    under which gateways of Qualys' give messages, or sounds like one.
    """

    field: str
    text: str
    likely: bool


class Step(NamedTuple):
    """A step of an execution (docs/api.md 1.7 [D STLIST]); "" and None where something is absent.

    `order` counts the steps, `status` is Qualys' word as it stands, times are milliseconds since
    1970 UTC. `said` comes from fields that aren't documented, the likeliest first.
    """

    node_id: str
    node_type: str
    order: int | None
    status: str
    created_at: int | None = None
    updated_at: int | None = None
    said: tuple[Said, ...] = ()


class Steps(NamedTuple):
    """The steps of an execution, by their order; those that tell none come last, as they came.

    `missing` so many are there by what the list says, and it doesn't show them, or not as steps.
    """

    steps: tuple[Step, ...]
    missing: int = 0


class Allowance(NamedTuple):
    """How many calls the newest answer's rate headers leave, of how many in how many seconds.

    None for what no header says. That there is a limit is inferred (docs/api.md 4.3).
    """

    left: int | None
    limit: int | None = None
    window: int | None = None


class SeenConnector(NamedTuple):
    """A connector as Qualys lists it, in one line each.

    `id` is a UUID in lower case, `title` "" where absent; `account` and `state` are `unknown` where
    they aren't told, and `disabled` is None.
    """

    id: str
    title: str
    account: str
    state: str
    disabled: bool | None


class ConnectorListing(NamedTuple):
    """The connectors of one cloud, all of them. `without` are the titles of those without an id."""

    connectors: tuple[SeenConnector, ...]
    without: tuple[str, ...] = ()


class ConnectorLists(Protocol):
    """Who lists connectors, and nothing else. Raises what `Qualys` does."""

    def close(self) -> None:
        """Let go of the connections."""

    def connectors(self, cloud: str) -> ConnectorListing | None:
        """Return the connectors of a cloud that this user may see; None where there is no list."""


class Qualys(Protocol):
    """The part of the Qualys Flow API that a run needs. Safe to call from several threads.

    Every call ends within its total deadline. Raises AuthError (401, 403), UnreachableError
    (no connection, time-out, 5xx, rate limit beyond the budget, an undocumented answer).
    """

    @property
    def skew(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours; None until it answered."""

    @property
    def allowance(self) -> Allowance | None:
        """What the newest rate headers say; None where none came yet."""

    @property
    def resting(self) -> float:
        """Seconds until what waits now, for a limit say, is asked again; 0 where nothing waits."""

    def start_connecting(self) -> None:
        """Begin to get a token. The first call that needs one waits for it, or fails as it did."""

    def connect(self) -> None:
        """Get a token now, so that refused credentials end a command before it starts."""

    def close(self) -> None:
        """Let go of the connections."""

    def workflow(self, workflow_id: str) -> Workflow | None:
        """Return the details of a workflow; None where Qualys doesn't know it (404)."""

    def workflows(self) -> Iterator[str]:
        """Return the ids of all workflows that this user may see."""

    def connectors(self, cloud: str) -> ConnectorListing | None:
        """Return the connectors of a cloud that this user may see; None where there is no list."""

    def run(self, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
        """Start a run with exactly this JSON body. Never raises for what the network does.

        `may_send` is asked right before the first byte of each request: once it says no, none
        begins any more.
        """

    def execution(self, execution_id: str) -> Execution | None:
        """Return an execution; None where Qualys doesn't show it any more (404)."""

    def executions(self, workflow_id: str, start: datetime, end: datetime) -> Listing:
        """Return a workflow's executions between two times of the server's clock."""

    def newest(self, workflow_id: str, start: datetime) -> tuple[str, ...] | None:
        """Return the ids of a workflow's executions since a time, the newest first.

        None where Qualys doesn't show the list, or not all of it.
        """

    def echo(self, execution_id: str) -> TriggerInput | None:
        """Return what started an execution; None where Qualys doesn't show it."""

    def steps(self, execution_id: str) -> Steps | None:
        """Return the steps of an execution; None where Qualys doesn't show them (404)."""

    def step(self, execution_id: str, node_id: str) -> Step | None:
        """Return one step, of which this tells more than the list; None where there is none."""

    def shown(self, execution_id: str, *below: str) -> Any:
        """Return the JSON that Qualys shows of an execution, None where it shows none (404).

        Or of what is `below` it: `steps`, then a node's id, then `output`. As it came, but without
        secrets, and cut where it is long. Outputs may be confidential (docs/api.md 1.8 [I]).
        """
