"""Looks tickets up for an apply: each once while it is fresh, for any thread."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from qflow_gitops.apply.workers import Background
from qflow_gitops.errors import QflowError
from qflow_gitops.policy.tickets import NAMES, Asked, Looks, Reasons, Ticket, TicketRule, why_not
from qflow_gitops.ports.clock import Clock, StopSignal
from qflow_gitops.ports.tickets import Tickets

FRESH = 30.0
"""Seconds in which a look at a ticket holds; a run that is sent later has it looked at again."""
LATER = "The next apply looks again."
_AT_ONCE = 8
_GLANCE = 0.25  # seconds between looks whether a person asks to stop


class _Look(NamedTuple):
    """What was found, or why that isn't known; and when, by the clock that never goes back."""

    found: Ticket | Reasons
    at: float


@dataclass
class Desk:
    """Knows the tickets of an apply's runs.

    `connect` is called when a rule's first ticket is to be looked up, and raises QflowError where
    its system isn't set up.
    """

    connect: Callable[[TicketRule], Tickets]
    clock: Clock
    stop: StopSignal
    _seen: dict[Asked, _Look] = field(default_factory=dict)
    _systems: dict[TicketRule, Tickets] = field(default_factory=dict)
    _down: dict[TicketRule, tuple[QflowError, float]] = field(default_factory=dict)
    _locks: dict[Asked, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def looks(self) -> Looks:
        """What is known by now, however old it is."""
        return {asked: look.found for asked, look in dict(self._seen).items()}

    def look(self, wanted: Iterable[Asked]) -> None:
        """Look up those that aren't known, or were a while ago; a stop isn't kept waiting.

        Of each system one alone first: an account that it refuses is shown to it once, and one that
        is down is waited for once.
        """
        old = [asked for asked in dict.fromkeys(wanted) if not self._is_fresh(asked)]
        first = {asked.rule: asked for asked in reversed(old)}
        for rule in first:
            with contextlib.suppress(QflowError):  # each ticket of it says so
                self._system(rule)
        self._at_once([*first.values()])
        self._at_once([asked for asked in old if asked not in first.values()])

    def _at_once(self, wanted: list[Asked]) -> None:
        background, under_way = Background[Asked](), 0
        waiting = wanted[::-1]
        try:
            while (waiting or under_way) and not self.stop():
                while waiting and under_way < _AT_ONCE:
                    asked = waiting.pop()
                    background.do(asked, partial(self._renewed, asked))
                    under_way += 1
                under_way -= len([*background.done(_GLANCE)])
        finally:
            background.close()

    def why_not(self, asked: Asked) -> Reasons | None:
        """Say why a ticket doesn't let a run go now, None where it does. Safe from any thread."""
        found = self._renewed(asked)
        if isinstance(found, Reasons):
            return found
        return why_not(asked.rule, found, self.clock.now())

    def evidence(self, asked: Asked) -> dict[str, Any]:
        """Return what the lockfile keeps of a ticket, as it was looked at last."""
        look = self._seen.get(asked)
        told = {"id": asked.id, "system": asked.rule.system}
        if look is not None and isinstance(look.found, Ticket):
            found = look.found
            told |= {"state": found.word, "sha256": found.sha256, "readAt": found.read_at}
        return {name: value for name, value in told.items() if value}

    # --- one ticket --------------------------------------------------------------------

    def _is_fresh(self, asked: Asked) -> bool:
        look = self._seen.get(asked)
        return look is not None and self.clock.monotonic() - look.at <= FRESH

    def _renewed(self, asked: Asked) -> Ticket | Reasons:
        """Look once, however many ask for it at a time."""
        with self._lock:
            mine = self._locks.setdefault(asked, threading.Lock())
        with mine:
            if not self._is_fresh(asked):
                self._seen[asked] = _Look(self._read(asked), self.clock.monotonic())
            return self._seen[asked].found

    def _read(self, asked: Asked) -> Ticket | Reasons:
        cannot = f"ticket {asked.id} can't be looked up"
        try:
            found = self._system(asked.rule).read(asked.id)
        except QflowError as problem:
            self._note(asked.rule, problem)
            return Reasons(f"{cannot}: {problem.message.rstrip('.')}", problem.hint or LATER)
        except Exception as problem:  # noqa: BLE001  it holds the run; amid a send, that would be in doubt
            return Reasons(f"{cannot}: a bug, {type(problem).__name__}", LATER)
        if found is None:
            name = NAMES[asked.rule.system]
            return Reasons(f"{name} knows no ticket {asked.id}, or doesn't show it")
        return found

    def _note(self, rule: TicketRule, problem: QflowError) -> None:
        """Keep what would be so for every ticket; for good where a try more may lock an account."""
        if problem.reason == "ticket_account":
            self._down[rule] = problem, math.inf
        elif problem.reason == "ticket_unreachable":
            self._down[rule] = problem, self.clock.monotonic() + FRESH

    def _system(self, rule: TicketRule) -> Tickets:
        with self._lock:
            if rule in self._down and self.clock.monotonic() < self._down[rule][1]:
                raise self._down[rule][0]
            if rule not in self._systems:
                self._systems[rule] = self.connect(rule)
            return self._systems[rule]
