"""Where members are worked on: one engine a file, each behind the same call.

In: whose turn it is, by `fleet.worker`. Out: what came of it, in fleet.lock. An engine may do a
piece of work twice, or lose it: the members' lockfiles and the claims make either harmless.
"""

from collections.abc import Iterator
from typing import Protocol

from qflow_gitops.fleet.worker import Worker


class Engine(Protocol):
    """Has members worked on."""

    def run(self, worker: Worker) -> Iterator[str]:
        """Work on members as long as it is anybody's turn; give each name as it has ended."""
