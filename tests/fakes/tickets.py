"""A system of tickets in memory."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import AuthError, QflowError
from qflow_gitops.policy.tickets import Ticket, TicketRule
from qflow_gitops.ports.clock import Clock

READY = Ticket("", "-2", approved=True, starts="2026-10-06T00:00:00Z", ends="2026-10-07T00:00:00Z")


@dataclass
class FakeTickets:
    """Implements `ports.tickets.Tickets`, for each rule.

    `problem` is what each call raises, `closed` tickets take no notes. `at_read` is done before a
    ticket is read, `after_note` once a note is written.
    """

    clock: Clock
    known: dict[str, Ticket] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    problem: QflowError | None = None
    closed: set[str] = field(default_factory=set)
    at_read: Callable[[str], None] = lambda _: None
    after_note: Callable[[], None] = lambda: None

    def __call__(self, _rule: TicketRule) -> "FakeTickets":
        """Connect."""
        return self

    def put(self, ticket_id: str, **changes: object) -> None:
        """Have a ticket that is ready, but for these changes."""
        known = self.known.get(ticket_id, READY._replace(id=ticket_id))
        self.known[ticket_id] = known._replace(**changes)  # type: ignore[arg-type]  # any field

    def _called(self, what: str, ticket_id: str) -> None:
        self.asked.append(f"{what} {ticket_id}")
        if self.problem is not None:
            raise self.problem

    def read(self, ticket_id: str) -> Ticket | None:
        self.at_read(ticket_id)
        self._called("read", ticket_id)
        found = self.known.get(ticket_id)
        now = stamp(self.clock.now())
        return found and found._replace(sha256=f"{len(self.asked):064x}", read_at=now)

    def noted(self, ticket_id: str, texts: Collection[str]) -> frozenset[str] | None:
        self._called("noted", ticket_id)
        if ticket_id not in self.known:
            return None
        whole = "\n".join(self.notes.get(ticket_id, ()))
        return frozenset(text for text in texts if text in whole)

    def note(self, ticket_id: str, text: str) -> bool:
        self._called("note", ticket_id)
        if ticket_id not in self.known:
            return False
        if ticket_id in self.closed:
            raise AuthError("It is closed.", reason="ticket_permission")
        self.notes.setdefault(ticket_id, []).append(text)
        self.after_note()
        return True

    def close(self) -> None:
        """Nothing is open."""
