"""Writes on their tickets what became of runs, by the notices that wait in the outbox.

A note holds the ids of its notices, and is looked for by these before it is written: whoever dies
between the note and the record finds it the next time. Nothing here changes what became of a run.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from qflow_gitops.apply.workers import Background
from qflow_gitops.base.printable import shown
from qflow_gitops.base.times import moment
from qflow_gitops.errors import QflowError, UnreachableError
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import TICKET, Notice
from qflow_gitops.lockfile.states import State
from qflow_gitops.policy.tickets import NAMES, TicketRule
from qflow_gitops.ports.tickets import Tickets

SECONDS = 30.0
"""So long an apply works on notes at most; what is left then is for the next one."""
GIVEN_UP_AFTER = timedelta(days=7)
"""So long a note waits for a ticket that its system doesn't know, or doesn't let it be written."""
_TOGETHER = 20
_MOST = 12_000
"""So many runs are told in one note, and so many bytes of JSON, at most."""
_GLANCE = 0.1  # seconds between looks whether a person asks to stop
_LONGEST = 200  # characters of what Qualys says


class Written(NamedTuple):
    """Which notices are done with, and in sentences what is left and was given up, "" for none."""

    done: frozenset[str] = frozenset()
    left: str = ""
    given_up: str = ""


class _Entry(NamedTuple):
    """A notice, and what is written for it."""

    notice: Notice
    text: str


@dataclass
class _Work:
    """The notes of one ticket; filled by the thread that writes them."""

    system: str
    ticket: str
    entries: list[_Entry]
    done: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    why: str = "there was no time for it"


def write(
    lockfile: Lockfile,
    environments: Iterable[str],
    connect: Callable[[TicketRule], Tickets],
    now: datetime | None,
    stop: Callable[[], bool],
    seconds: float,
) -> Written:
    """Write what waits for tickets of these environments, within so many seconds. Raises nothing.

    A stop isn't kept waiting; what is under way then is found by the next apply. Without `now`
    nothing is given up: whoever asks may have another system's address than an apply has.
    """
    works = [*_works(lockfile, frozenset(environments))]
    if not works:
        return Written()
    background, over = Background[str](), threading.Event()
    by_system: dict[str, list[_Work]] = {}
    for work in works:
        by_system.setdefault(work.system, []).append(work)
    for system, some in by_system.items():
        background.do(system, _Writer(system, some, connect, now, over).work)
    under_way = len(by_system)
    for _ in range(round(seconds / _GLANCE)):
        if not under_way or stop():
            break
        under_way -= len([*background.done(_GLANCE)])
    over.set()
    background.close()
    done = frozenset().union(*(work.done | work.given_up for work in works))
    left = [(work, len(work.entries) - len(work.done | work.given_up)) for work in works]
    gone = [(work, len(work.given_up)) for work in works]
    return Written(done, _said(left, "yet"), _said(gone, "at all, since that is over a week"))


def _works(lockfile: Lockfile, environments: frozenset[str]) -> Iterator[_Work]:
    """Return what is to be written, each ticket once."""
    found: dict[tuple[str, str], list[_Entry]] = {}
    for notice in lockfile.outbox.notices:
        if notice.kind != TICKET or notice.environment not in environments:
            continue
        attempt = _attempt(lockfile, notice)
        told = attempt.evidence.get(TICKET, {}) if attempt else {}
        system, ticket = str(told.get("system")), told.get("id")
        if attempt and system in NAMES and isinstance(ticket, str):
            entry = _Entry(notice, _text(lockfile, notice, attempt))
            found.setdefault((system, ticket), []).append(entry)
    for (system, ticket), entries in found.items():
        yield _Work(system, ticket, entries)


def _attempt(lockfile: Lockfile, notice: Notice) -> Attempt | None:
    attempts = lockfile.attempts(notice.environment, notice.run)
    return attempts[notice.attempt - 1] if 0 < notice.attempt <= len(attempts) else None


def _text(lockfile: Lockfile, notice: Notice, attempt: Attempt) -> str:
    """Say what became of an attempt when the notice was made: lines of plain text."""
    event = attempt.events[min(notice.event, len(attempt.events)) - 1]
    name = f"{notice.environment}/{notice.run}, attempt {notice.attempt}"
    execution = _plain(attempt.execution_id)
    facts = {
        "Execution": execution, "Qualys' status": _plain(attempt.status),
        "Workflow": _plain(attempt.fact("workflowId")), "Commit": attempt.fact("commit"),
        "Platform": attempt.fact("platform"),
    }  # fmt: skip
    return "\n".join(
        [
            f"{name}: {_OUTCOMES.get(event.to, str(event.to))}, {event.at}",
            *(f"{label}: {value}" for label, value in facts.items() if value),
            f"Reference: qflow-gitops {lockfile.lineage[:8]} {notice.id}",
        ]
    )


_OUTCOMES = {
    State.ENDED: "ended, and nobody explained its status yet",
    State.ASSUMED: "a person decided that it ran",
}


def _plain(text: str) -> str:
    """Return a text of Qualys' on one line, cut."""
    line = shown(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


@dataclass
class _Writer:
    """Writes the notes of one system's tickets, one after another, on a thread of its own."""

    system: str
    works: Sequence[_Work]
    connect: Callable[[TicketRule], Tickets]
    now: datetime | None
    over: threading.Event

    def work(self) -> None:
        """Write until a call fails that would fail for each."""
        why = ""
        try:
            tickets = self.connect(TicketRule(self.system, ".*"))
        except QflowError as problem:
            tickets, why = None, problem.message.rstrip(".")
        for work in self.works:
            if tickets is None or why:
                work.why = why
                continue
            if self.over.is_set():
                return
            try:
                self._note(tickets, work)
            except QflowError as problem:
                work.why = problem.message.rstrip(".")
                if problem.reason in _OF_ALL:
                    why = work.why
                else:
                    self._give_up(work)

    def _note(self, tickets: Tickets, work: _Work) -> None:
        ids = [entry.notice.id for entry in work.entries]
        there = tickets.noted(work.ticket, ids)
        if there is None:
            raise self._unknown
        work.done |= there
        missing = [entry for entry in work.entries if entry.notice.id not in there]
        for some in _together(missing):
            if self.over.is_set():  # nobody would record it: the next apply writes it
                return
            text = "\n\n".join(entry.text for entry in some)
            if not tickets.note(work.ticket, text):
                raise self._unknown
            work.done |= {entry.notice.id for entry in some}

    @property
    def _unknown(self) -> UnreachableError:
        return UnreachableError(f"{NAMES[self.system]} knows no such ticket, or doesn't show it")

    def _give_up(self, work: _Work) -> None:
        """Give up at last what can't be written on this ticket alone."""
        work.given_up = {
            entry.notice.id
            for entry in work.entries
            if self.now and self.now - moment(entry.notice.at) > GIVEN_UP_AFTER
        } - work.done


def _together(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    """Divide what is told into notes, none of which is too long for a program to be given."""
    some: list[_Entry] = []
    size = 0
    for entry in entries:
        length = len(json.dumps(entry.text))
        if some and (len(some) == _TOGETHER or size + length > _MOST):
            yield some
            some, size = [], 0
        some.append(entry)
        size += length
    if some:
        yield some


_OF_ALL = ("ticket_account", "ticket_unreachable", "ticket_unset")


def _said(counts: Sequence[tuple[_Work, int]], when: str) -> str:
    """Say of how many runs of these tickets nothing is noted, and why; "" for none."""
    some = [(work, count) for work, count in counts if count]
    if not some:
        return ""
    count = sum(count for _, count in some)
    named = "; ".join(f"{work.ticket}: {work.why}" for work, _ in some[:_NAMED])
    more = f"; and {len(some) - _NAMED:,} tickets more" if len(some) > _NAMED else ""
    what = "1 run isn't" if count == 1 else f"{count:,} runs aren't"
    return f"What became of {what} noted on its ticket {when} ({named}{more})"


_NAMED = 3
