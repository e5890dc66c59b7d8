"""What an engine is."""

from collections.abc import Iterator
from typing import Protocol

from qflow_gitops.fleet.worker import Worker


class Engine(Protocol):
    """Has members worked on."""

    def run(self, worker: Worker) -> Iterator[str]:
        """Work on members as long as it is anybody's turn; give each name as it has ended."""
