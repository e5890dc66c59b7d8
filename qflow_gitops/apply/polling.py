"""Wait for executions: when to look at one again, and what a look adds to the lockfile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any

from qflow_gitops.base.times import moment, stamp
from qflow_gitops.errors import AuthError, QflowError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.states import State
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.qualys import Execution, Qualys

GONE_AFTER = timedelta(hours=1)
"""So old is an attempt whose execution is taken for gone when Qualys doesn't show it."""
GONE_LOOKS = 3  # in a row, before that
FIRST_POLL, POLL_FACTOR, LAST_POLL = 0.5, 1.5, 15.0  # seconds between looks at an execution


@dataclass(frozen=True, slots=True)
class Watch:
    """An execution to wait for. `environment` and `name` say whose it is.

    `opened_at` is when its attempt began (RFC 3339), `status` Qualys' word as last recorded.
    """

    environment: str
    name: str
    number: int
    execution_id: str
    opened_at: str
    workflow_id: str
    status: str = ""


class Gone:
    """An execution that Qualys doesn't show any more, though it shows its workflow."""


Seen = Execution | Gone | None
"""What a look at an execution shows; None: nothing, and nothing can be concluded from it."""


@dataclass(slots=True, eq=False)
class Poll:
    """An execution that is waited for; `delay` is the last wait between two looks, in seconds.

    `takes_place` says whether it counts as one of those that run at once: not what another
    apply began. `shown` is Qualys' last word, `missed` how often in a row it showed nothing.
    """

    watch: Watch
    takes_place: bool
    shown: str
    delay: float = FIRST_POLL
    missed: int = 0


class Watching:
    """The executions that are waited for. Only `look()` may be called from another thread."""

    def __init__(self, qualys: Qualys, statuses: Mapping[str, str], clock: Clock) -> None:
        """Wait for nothing yet. `statuses` say what Qualys' words mean, in lower case."""
        self._qualys = qualys
        self._statuses = statuses
        self._clock = clock
        self._places = 0
        self._open: set[Poll] = set()
        self._asked = 0  # so many looks are on their way
        self._queue: list[tuple[float, int, Poll]] = []  # a heap of the others, by their turns
        self._turns = count()

    def __len__(self) -> int:
        """How many are waited for."""
        return len(self._open)

    @property
    def places(self) -> int:
        """How many of them count as running at once."""
        return self._places

    def add(self, watch: Watch, *, new: bool) -> None:
        """Wait for one more: a `new` one, or one that another apply began."""
        due = self._clock.monotonic() + (FIRST_POLL if new else 0.0)
        poll = Poll(watch, takes_place=new, shown=watch.status)
        self._open.add(poll)
        self._places += new
        self._queue_up(poll, due)

    def _queue_up(self, poll: Poll, due: float) -> None:
        heappush(self._queue, (due, next(self._turns), poll))

    def take_due(self, most: int) -> list[Poll]:
        """Return those to look at now, so many that at most `most` looks are on their way.

        Who has waited longest comes first, so that each has its turn.
        """
        now, taken = self._clock.monotonic(), []
        while self._queue and self._queue[0][0] <= now and self._asked < most:
            taken.append(heappop(self._queue)[2])
            self._asked += 1
        return taken

    def next_due(self, most: float) -> float:
        """Return the seconds until the next look, `most` where there is none before."""
        return self._queue[0][0] - self._clock.monotonic() if self._queue else most

    def look(self, poll: Poll) -> Seen | QflowError:
        """Look at it once; a failure is given, not raised, as a look's answer."""
        try:
            return look(self._qualys, poll.watch, self._clock.now())
        except QflowError as problem:
            return problem

    def took(self, poll: Poll, seen: Any) -> Transition | None:
        """Take a look's answer; give what it adds to the lockfile, None where that is nothing.

        An execution that has ended isn't waited for any more. Raises AuthError where Qualys
        refuses to show executions: then nothing is waited for any more.
        """
        self._asked -= 1
        if poll not in self._open:
            return None  # given up by what another look said in the meantime
        if isinstance(seen, AuthError):
            self._open.clear()
            self._queue.clear()
            self._places = 0
            raise seen
        found = self._new(poll, seen)
        if found is not None and found.event.to is not State.RUNNING:
            self._open.remove(poll)
            self._places -= poll.takes_place
            return found
        poll.delay = min(LAST_POLL, poll.delay * POLL_FACTOR)
        self._queue_up(poll, self._clock.monotonic() + poll.delay)
        return found

    def _new(self, poll: Poll, seen: Any) -> Transition | None:
        """Say what a look adds to what was seen of it before."""
        if isinstance(seen, BaseException):
            return None  # not reachable now: the next look may tell
        poll.missed = poll.missed + 1 if isinstance(seen, Gone) else 0
        if isinstance(seen, Gone) and poll.missed < GONE_LOOKS:
            return None
        found = what_became(poll.watch, seen, self._statuses, self._clock.now())
        if found is None or (found.event.to is State.RUNNING and poll.shown == found.status):
            return None
        poll.shown = found.status
        return found


def state_of(execution: Execution, statuses: Mapping[str, str]) -> State:
    """Say what an execution's status word and end date mean.

    A word that neither Qualys' documentation nor the settings explain is never success: the
    execution is `running` until it shows an end date, then `ended`.
    """
    known = statuses.get(execution.status.lower())
    if known is not None:
        return State(known)
    return State.ENDED if execution.ended else State.RUNNING


def watch_of(environment: str, name: str, attempt: Attempt, execution_id: str = "") -> Watch:
    """Say what to wait for."""
    wanted = execution_id or attempt.execution_id
    return Watch(
        environment,
        name,
        attempt.number,
        wanted,
        attempt.opened_at,
        attempt.fact("workflowId"),
        attempt.status,
    )


def look(qualys: Qualys, watch: Watch, now: datetime) -> Seen:
    """Look at an execution once.

    Not shown is not yet gone: a new one may be late in showing, and where the workflow is
    hidden as well, these credentials may not see it. Raises AuthError, UnreachableError.
    """
    seen = qualys.execution(watch.execution_id)
    if seen is not None or now - moment(watch.opened_at) < GONE_AFTER:
        return seen
    return None if qualys.workflow(watch.workflow_id) is None else Gone()


def what_became(
    watch: Watch, seen: Seen, statuses: Mapping[str, str], now: datetime
) -> Transition | None:
    """Say what a look at an execution adds to the lockfile, None where it says nothing.

    One that is gone is `ended`: it was accepted, and how it ended will not be known.
    """
    if seen is None:
        return None
    if isinstance(seen, Gone):
        detail = "Qualys doesn't show this execution any more (404), so its end isn't known."
        event = Event(stamp(now), State.ENDED, {"detail": detail})
        return _about(watch, event)
    state = state_of(seen, statuses)
    return _about(watch, Event(stamp(now), state, _word(seen)), seen.status)


def _about(watch: Watch, event: Event, status: str = "") -> Transition:
    """The execution is named, so that a record which meanwhile has another one refuses it."""
    return Transition(
        watch.environment, watch.name, watch.number, event,
        execution_id=watch.execution_id, status=status,
    )  # fmt: skip


def _word(execution: Execution) -> dict[str, Any]:
    return {"status": execution.status} if execution.status else {}
