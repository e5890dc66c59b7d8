"""What is needed of a system of tickets."""

from collections.abc import Collection
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

    def noted(self, ticket_id: str, texts: Collection[str]) -> frozenset[str] | None:
        """Return those of some texts that a ticket's notes hold, None where there is no ticket."""

    def note(self, ticket_id: str, text: str) -> bool:
        """Write a note of plain text; False where there is no such ticket."""

    def close(self) -> None:
        """Let go of what was opened."""
