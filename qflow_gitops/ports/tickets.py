"""What is needed of a system of tickets."""

from typing import Protocol

from qflow_gitops.policy.tickets import Ticket


class Tickets(Protocol):
    """Reads tickets by one rule, and writes notes on them.

    Each call raises AuthError where that isn't permitted, UnreachableError where there is no usable
    answer (`ticket_unreachable`: it answers nobody), UsageProblem where it isn't set up. Safe from
    any thread.
    """

    def read(self, ticket_id: str) -> Ticket | None:
        """Return a ticket, None where there is none, or none that may be seen."""

    def has_note(self, ticket_id: str, marker: str) -> bool:
        """Whether one of a ticket's notes holds a text."""

    def note(self, ticket_id: str, text: str) -> bool:
        """Write a note of plain text; False where there is no such ticket."""

    def close(self) -> None:
        """Let go of what was opened."""
