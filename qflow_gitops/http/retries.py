"""Retries: how often a request is sent again, after what, and how long is waited between.

The one loop of this kind. What may not be done twice says so (`may_repeat`); the POST that starts
a run isn't sent by it at all (`qualys/workflows`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from qflow_gitops.http.transport import HttpAnswer, NoAnswerError

ATTEMPTS = 4
FAULTS = frozenset({500, 502, 503, 504})
"""Statuses of a server that may answer otherwise a moment later."""


class GivenUp(NamedTuple):
    """A request without a clear answer: what came last, and after how many tries.

    `undone`: no try can have been carried out, a limit refused each. `waited` counts the seconds
    between the tries.
    """

    last: HttpAnswer | NoAnswerError
    tries: int
    undone: bool
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How one server's requests are tried again.

    `is_limited` tells a refusal by a rate limit, which did nothing. `pause` says how many seconds
    to wait after a try (counted from 0), whose answer it is given, None where there was none.
    A wait of more than `longest` seconds, or of more than `budget` in all, isn't begun.
    """

    is_limited: Callable[[HttpAnswer], bool]
    pause: Callable[[int, HttpAnswer | None], float]
    sleep: Callable[[float], None]
    budget: float
    longest: float = float("inf")
    attempts: int = ATTEMPTS

    def ask(
        self, send: Callable[[], HttpAnswer], *, may_repeat: bool = True
    ) -> HttpAnswer | GivenUp:
        """Send until the answer is clear: no limit, and no fault that may pass.

        What may not be repeated is sent again only while nothing can have been done. `send`'s
        NoAnswerError is a reason to try again; whatever else it raises comes through.
        """
        waited, undone = 0.0, True
        for attempt in range(self.attempts):
            last, limited = self._tried(send)
            if isinstance(last, HttpAnswer) and not limited and last.status not in FAULTS:
                return last
            undone = undone and limited
            pause = self.pause(attempt, last if isinstance(last, HttpAnswer) else None)
            if (
                attempt == self.attempts - 1
                or (isinstance(last, NoAnswerError) and last.too_long)
                or pause > self.longest
                or waited + pause > self.budget
                or not (may_repeat or undone)
            ):
                break
            self.sleep(pause)
            waited += pause
        return GivenUp(last, attempt + 1, undone, waited)

    def _tried(self, send: Callable[[], HttpAnswer]) -> tuple[HttpAnswer | NoAnswerError, bool]:
        """Return what one try brought, and whether a limit refused it."""
        try:
            answer = send()
        except NoAnswerError as problem:
            return problem, False
        return answer, self.is_limited(answer)
