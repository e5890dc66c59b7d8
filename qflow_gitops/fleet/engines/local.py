"""Members are worked on by this process, so many at once, each in a process of its own."""

from collections.abc import Iterator
from functools import partial

from qflow_gitops.apply.workers import Background
from qflow_gitops.fleet.looking import Looked
from qflow_gitops.fleet.worker import Worker

_GLANCE = 0.5
"""Seconds after which it is looked whether somebody asks to stop."""


class Local:
    """Implements `Engine`.

    What has ended is recorded together with the next claims: a write for some, not for each.
    """

    def __init__(self, at_once: int) -> None:
        """Take how many members may be worked on at once."""
        self._at_once = at_once

    def run(self, worker: Worker) -> Iterator[str]:
        """Work on members as long as it is anybody's turn; give each name as it has ended."""
        background: Background[str] = Background()
        ended: dict[str, Looked] = {}
        under_way = 0
        try:
            while True:
                for name in worker.take(self._at_once - under_way, ended):
                    background.do(name, partial(worker.carry_out, name))
                    under_way += 1
                yield from ended
                ended = {}
                if not under_way:
                    return
                while not ended:
                    for name, found in background.done(_GLANCE):
                        under_way -= 1
                        if isinstance(found, BaseException):
                            raise found
                        ended[name] = found
        finally:
            background.close()
