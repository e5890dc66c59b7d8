"""A Qualys that does what a test's story says: what it answers, and what it really executes."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from qflow_gitops.errors import AuthError, QflowError, UnreachableError
from qflow_gitops.ports.qualys import (
    Allowance,
    Answer,
    AnswerKind,
    ConnectorListing,
    Execution,
    Listing,
    Said,
    Step,
    Steps,
    TriggerInput,
)
from qflow_gitops.specs.catalogs import Workflow
from tests.fakes.clock import FakeClock

SHOWN_FOR = timedelta(days=30)


class Reply(NamedTuple):
    """What becomes of one POST: what its answer proves, and whether it was executed.

    `before` is done right before the answer; `execution_id` is said instead of the real one.
    """

    kind: AnswerKind = AnswerKind.ACCEPTED
    executes: bool = True
    status: int | None = 200
    detail: str = ""
    execution_id: str = ""
    before: Callable[[], None] = lambda: None


ACCEPTED = Reply()
LOST = Reply(AnswerKind.UNCLEAR, status=None, detail="The connection was lost.")
"""It was executed, and the answer didn't come."""
VANISHED = LOST._replace(executes=False)
"""The same for who sent it; but nothing was executed."""
UNSENT = Reply(AnswerKind.UNSENT, executes=False, status=None, detail="No connection.")


def refused(status: int = 400, detail: str = "") -> Reply:
    """Return a refusal, which proves that nothing was executed."""
    said = detail or f"Status {status}: no."
    return Reply(AnswerKind.REFUSED, executes=False, status=status, detail=said)


@dataclass
class Begun:
    """An execution as it really is.

    What the API shows of it: `shown` at all, `echoed` its request, `dated` when it began; `more`
    are its steps after the trigger's, `output` is what each of them put out.
    """

    id: str
    workflow_id: str
    body: Mapping[str, Any]
    created: datetime
    status: str = "Running"
    ended: datetime | None = None
    source: str = "PUBLIC_API"
    shown: bool = True
    echoed: bool = True
    dated: bool = True
    more: tuple[Step, ...] = ()
    output: Any = None

    def end(self, status: str, at: datetime) -> None:
        """Let it end with this word."""
        self.status, self.ended = status, at


@dataclass
class FakeQualys:
    """Implements `ports.qualys.Qualys`. Any workflow is known, but for the `unknown` ones.

    `replies` are what the next POSTs come to, one each, then ACCEPTED; `before_send` is done before
    each asks whether it still may, as one that waits for a token. `ends` is the word with which
    executions end at once, "" where they run until a test lets them end; `ends_of` is another word
    for requests whose input holds a value. `looks` are what the next
    looks at executions show, one each, whatever is true: a word of one that runs, a failure, None
    for nothing. `problem` is what each call raises that asks for something; `refuses` does it for
    calls of this name alone. `partial` are workflows whose list can't be read whole, `hidden` those
    whose list isn't shown. `listed` are the connectors by cloud.
    """

    clock: FakeClock
    ends: str = "Success"
    ends_of: dict[str, str] = field(default_factory=dict)
    ahead: float = 0.0
    skew: float | None = None
    allowance: Allowance | None = None
    resting: float = 0.0
    replies: deque[Reply] = field(default_factory=deque)
    looks: deque[str | QflowError | None] = field(default_factory=deque)
    begun: list[Begun] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    listed: dict[str, ConnectorListing] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    before_send: Callable[[], None] = lambda: None
    problem: QflowError | None = None
    refuses: dict[str, QflowError] = field(default_factory=dict)
    closed: bool = False
    _gate: threading.Lock = field(default_factory=threading.Lock)

    # --- the truth, and what others do -----------------------------------------------

    def executions_of(self, workflow_id: str) -> list[Begun]:
        """Return what was really begun of a workflow, oldest first."""
        return [begun for begun in self.begun if begun.workflow_id == workflow_id.lower()]

    def begin(
        self, workflow_id: str, body: Mapping[str, Any], *, source: str = "PUBLIC_API"
    ) -> Begun:
        """Begin an execution that nobody sent through this client."""
        number = len(self.begun) + 1
        begun = Begun(
            f"00000000-0000-4000-8000-{number:012x}", workflow_id.lower(), body,
            self.clock.now() + timedelta(seconds=self.ahead), source=source,
        )  # fmt: skip
        values = body.get("input", {}).values()
        word = next((self.ends_of[each] for each in values if each in self.ends_of), self.ends)
        if word:
            begun.end(word, begun.created)
        self.begun.append(begun)
        return begun

    # --- ports.qualys.Qualys ---------------------------------------------------------

    def _called(self, name: str) -> None:
        self.asked.append(name)
        problem = self.refuses.get(name) or self.problem
        if problem is not None:
            raise problem
        self.skew = self.ahead

    def start_connecting(self) -> None:
        """Do nothing: what is wrong is for `connect` to say."""

    def connect(self) -> None:
        self._called("connect")

    def close(self) -> None:
        self.closed = True

    def workflow(self, workflow_id: str) -> Workflow | None:
        self._called("workflow")
        known = workflow_id.lower()
        revision = self.revisions.get(known, f"revision of {known}")
        return None if known in self.unknown else Workflow(known, f"Workflow {known}", revision)

    def workflows(self) -> Iterator[str]:
        self._called("workflows")
        yield from sorted({begun.workflow_id for begun in self.begun} - self.unknown)

    def connectors(self, cloud: str) -> ConnectorListing | None:
        self._called("connectors")
        return self.listed.get(cloud)

    def run(self, workflow_id: str, body: bytes, may_send: Callable[[], bool]) -> Answer:
        with self._gate:
            self.before_send()
            problem = self.refuses.get("run") or self.problem
            if problem is not None or not may_send():
                said = problem.message if problem else "It was not sent."
                return Answer(AnswerKind.UNSENT, detail=said)
            self.skew = self.ahead
            data = json.loads(body)
            self.sent.append((workflow_id, data))
            reply = self.replies.popleft() if self.replies else ACCEPTED
            if workflow_id.lower() in self.unknown:
                reply = refused(404)
            made = self.begin(workflow_id, data) if reply.executes else None
            reply.before()
            accepted = reply.kind is AnswerKind.ACCEPTED
            execution_id = reply.execution_id or (made.id if made else "") if accepted else ""
            return Answer(reply.kind, execution_id, reply.status, reply.detail)

    def execution(self, execution_id: str) -> Execution | None:
        self._called("execution")
        begun = self._shown(execution_id)
        if begun is None or not self.looks:
            return _shown(begun) if begun else None
        seen = self.looks.popleft()
        if isinstance(seen, QflowError):
            raise seen
        running = _shown(begun)._replace(ended=False, end_date=None)
        return None if seen is None else running._replace(status=seen)

    def executions(self, workflow_id: str, start: datetime, end: datetime) -> Listing:
        self._called("executions")
        if workflow_id.lower() in self.hidden | self.unknown:
            return Listing((), complete=False)
        return Listing(
            tuple(_shown(begun) for begun in self._window(workflow_id, start, end)),
            complete=workflow_id.lower() not in self.partial,
        )

    def newest(self, workflow_id: str, start: datetime) -> tuple[str, ...] | None:
        self._called("newest")
        if workflow_id.lower() in self.hidden | self.unknown | self.partial:
            return None
        end = datetime.max.replace(tzinfo=UTC)
        return tuple(begun.id for begun in self._window(workflow_id, start, end))[::-1]

    def echo(self, execution_id: str) -> TriggerInput | None:
        self._called("echo")
        begun = self._shown(execution_id)
        if begun is None or not begun.echoed:
            return None
        body = begun.body
        return TriggerInput(begun.source, body.get("input", {}), body.get("variables", {}))

    def steps(self, execution_id: str) -> Steps | None:
        self._called("steps")
        begun = self._shown(execution_id)
        return Steps((trigger_of(begun), *begun.more)) if begun else None

    def step(self, execution_id: str, node_id: str) -> Step | None:
        self._called("step")
        begun = self._shown(execution_id)
        some = (trigger_of(begun), *begun.more) if begun else ()
        return next((step for step in some if step.node_id == node_id), None)

    def shown(self, execution_id: str, *below: str) -> Any:
        self._called("shown")
        begun = self._shown(execution_id)
        if begun is None:
            return None
        known = (trigger_of(begun), *begun.more)
        match below:
            case ():
                return {"data": {"execution": begun.id, "status": begun.status}}
            case ("steps",):
                items = [{"nodeId": step.node_id, "status": step.status} for step in known]
                return {"total": len(items), "items": items}
            case ("steps", "trigger", "output") if begun.echoed:
                return [{"executionId": begun.id, "input": begun.body.get("input", {})}]
            case ("steps", node, "output") if node in {step.node_id for step in begun.more}:
                return begun.output
        return None

    def _shown(self, execution_id: str) -> Begun | None:
        wanted = execution_id.lower()
        found = (begun for begun in self.begun if begun.id.lower() == wanted)
        return next((begun for begun in found if self._is_shown(begun)), None)

    def _window(self, workflow_id: str, start: datetime, end: datetime) -> list[Begun]:
        found = (begun for begun in self.executions_of(workflow_id) if self._is_shown(begun))
        some = [begun for begun in found if start <= begun.created <= end]
        return sorted(some, key=lambda begun: begun.created)

    def _is_shown(self, begun: Begun) -> bool:
        now = self.clock.now() + timedelta(seconds=self.ahead)
        return begun.shown and begun.created >= now - SHOWN_FOR


def trigger_of(begun: Begun) -> Step:
    """Return the step with which each execution begins."""
    created = _milliseconds(begun.created)
    return Step("trigger", "trigger", 1, "Success", created, created)


def failing(message: str = "", order: int = 2, word: str = "Failed") -> Step:
    """Return a step that went wrong, and says why in a field that isn't documented."""
    said = (Said("/errorMessage", message, likely=True),) if message else ()
    return Step(f"node-0000000{order}-resource", "resource", order, word, said=said)


def _shown(begun: Begun) -> Execution:
    ended = _milliseconds(begun.ended) if begun.ended else None
    created = _milliseconds(begun.created) if begun.dated else None
    known = (begun.id, begun.workflow_id, begun.status, begun.ended is not None)
    return Execution(*known, created_at=created, start_date=created, end_date=ended)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def token_refused() -> AuthError:
    """Return what a call raises whose token Qualys refuses."""
    return AuthError("Qualys refused the token.", reason="token_refused")


def out_of_reach() -> UnreachableError:
    """Return what a call raises where nobody answers."""
    return UnreachableError("Qualys could not be asked.", hint="Run the command again later.")
