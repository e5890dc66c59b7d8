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
