"""The API as one object: implements `ports.qualys.Qualys`."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from qflow_gitops.ports.qualys import (
    Allowance,
    Answer,
    ConnectorListing,
    Execution,
    Listing,
    Step,
    Steps,
    TriggerInput,
)
from qflow_gitops.qualys import connectors, executions, steps, workflows
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.specs.catalogs import Workflow


class QualysClient:
    """The documented calls of one gateway, as one user. Safe to use from several threads."""

    def __init__(self, caller: Caller) -> None:
        """Take what authenticates and sends."""
        self._caller = caller

    @property
    def skew(self) -> float | None:
        """Seconds by which the server's clock is ahead; None until it answered."""
        return self._caller.skew

    @property
    def allowance(self) -> Allowance | None:
        """What the newest rate headers say; None where none came yet."""
        return self._caller.allowance

    @property
    def resting(self) -> float:
        """Seconds until what waits now, for a limit say, is asked again; 0 where nothing waits."""
        return self._caller.resting

    def start_connecting(self) -> None:
        """Begin to get a token; whoever needs it first waits for it."""
        self._caller.start_connecting()

    def connect(self) -> None:
        """Get a token now. Raises AuthError or UnreachableError."""
        self._caller.connect()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._caller.close()

    def workflow(self, workflow_id: str) -> Workflow | None:
        """Return the details of a workflow; None where Qualys doesn't know it (404)."""
        return workflows.details(self._caller, workflow_id)

    def workflows(self) -> Iterator[str]:
        """Return the ids of all workflows that this user may see."""
        return workflows.listed(self._caller)

    def connectors(self, cloud: str) -> ConnectorListing | None:
        """Return the connectors of a cloud; None where Qualys has no such list."""
        return connectors.listed(self._caller, cloud)

    def run(self, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
        """Start a run with exactly this JSON body. Never raises for what the network does."""
        return workflows.run(self._caller, workflow_id, body, may_send)

    def execution(self, execution_id: str) -> Execution | None:
        """Return an execution; None where Qualys doesn't show it any more (404)."""
        return executions.details(self._caller, execution_id)

    def executions(self, workflow_id: str, start: datetime, end: datetime) -> Listing:
        """Return a workflow's executions between two times of the server's clock."""
        return executions.listed(self._caller, workflow_id, start, end)

    def newest(self, workflow_id: str, start: datetime) -> tuple[str, ...] | None:
        """Return the ids of a workflow's executions since a time; None if not all are shown."""
        return executions.newest(self._caller, workflow_id, start)

    def echo(self, execution_id: str) -> TriggerInput | None:
        """Return what started an execution; None where Qualys doesn't show it."""
        return steps.trigger(self._caller, execution_id)

    def steps(self, execution_id: str) -> Steps | None:
        """Return the steps of an execution; None where Qualys doesn't show them (404)."""
        return steps.listed(self._caller, execution_id)

    def step(self, execution_id: str, node_id: str) -> Step | None:
        """Return one step; None where there is none (404)."""
        return steps.details(self._caller, execution_id, node_id)

    def shown(self, execution_id: str, *below: str) -> Any:
        """Return the JSON of an execution or of what is below it; None for a 404."""
        return steps.shown(self._caller, execution_id, below)
