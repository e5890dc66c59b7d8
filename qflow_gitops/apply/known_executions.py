"""Which executions of a workflow were there before a request: they can't be its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import dropwhile, islice
from typing import TypeVar

from qflow_gitops.apply.job import Job
from qflow_gitops.errors import AuthError, QflowError
from qflow_gitops.ports.clock import Clock
from qflow_gitops.ports.qualys import Qualys

_FRESH = 60.0  # seconds that a look at a workflow's executions holds for further intents
_BEFORE = timedelta(minutes=10)


@dataclass(slots=True)
class KnownExecutions:
    """The executions of a workflow that were there before a request: they can't be its own.

    Gives None where they may not be listed; doubt then is for a person to settle.
    `upcoming` are the workflows in the order of their turns: whoever looks at one looks at
    those after it as well, `at_once` in all, because each look is a request's time.
    """

    qualys: Qualys
    clock: Clock
    upcoming: Sequence[str] = ()
    at_once: int = 1
    _seen: dict[str, tuple[float, tuple[str, ...] | None]] = field(default_factory=dict)

    @classmethod
    def before(
        cls, jobs: Sequence[Job], qualys: Qualys, clock: Clock, most: int
    ) -> "KnownExecutions":
        """Look before these jobs, `most` workflows at a time."""
        upcoming = tuple(dict.fromkeys(str(job.facts["workflowId"]) for job in jobs))
        return cls(qualys, clock, upcoming, most)

    def __call__(self, workflow_id: str) -> tuple[str, ...] | None:
        """Return their ids, looked up at most a minute ago."""
        if self._is_old(workflow_id):
            wanted = (workflow_id, *self._after(workflow_id))
            for wanted_id, found in zip(
                wanted, at_once(self._look, wanted, self.at_once), strict=True
            ):
                if not isinstance(found, QflowError):
                    self._seen[wanted_id] = (self.clock.monotonic(), found)
                elif wanted_id == workflow_id:
                    raise found  # of another one it is raised in its own turn, if it stays so
        return self._seen[workflow_id][1]

    def _is_old(self, workflow_id: str) -> bool:
        at, _ = self._seen.get(workflow_id, (float("-inf"), None))
        return self.clock.monotonic() - at > _FRESH

    def _after(self, workflow_id: str) -> Iterator[str]:
        later = dropwhile(lambda other: other != workflow_id, self.upcoming)
        old = (other for other in later if other != workflow_id and self._is_old(other))
        return islice(old, self.at_once - 1)

    def _look(self, workflow_id: str) -> tuple[str, ...] | None:
        ahead = timedelta(seconds=self.qualys.skew or 0)
        try:
            return self.qualys.newest(workflow_id, self.clock.now() + ahead - _BEFORE)
        except AuthError:
            return None


Found = TypeVar("Found")


def at_once(
    look: Callable[[str], Found], ids: Sequence[str], most: int
) -> Iterator[Found | QflowError]:
    """Look at several things at a time, at most `most`; give what was found in their order."""

    def caught(item: str) -> Found | QflowError:
        try:
            return look(item)
        except QflowError as problem:
            return problem

    if len(ids) < 2 or most < 2:
        yield from map(caught, ids)
        return
    with ThreadPoolExecutor(min(most, len(ids))) as pool:
        try:
            yield from pool.map(caught, ids)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
