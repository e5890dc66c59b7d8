"""A receiver in memory, which takes notices or doesn't."""

import threading
from collections.abc import Callable, Sequence

from qflow_gitops.ports.notices import Told, Undelivered


class FakeReceiver:
    """Implements `ports.notices.Receiver`.

    `troubles` are raised one after the other before anything is taken; with `gate` it takes
    nothing before somebody sets that; `before` is called each time that something comes.
    """

    def __init__(self, name: str = "slack", most: int = 20) -> None:
        self.name = name
        self.most = most
        self.got: list[list[str]] = []
        self.asked = 0
        self.troubles: list[Undelivered] = []
        self.gate: threading.Event | None = None
        self.before: Callable[[], object] = lambda: None
        self.closed = False

    @property
    def ids(self) -> list[str]:
        """The ids of what was taken, in this order."""
        return [name for batch in self.got for name in batch]

    def send(self, told: Sequence[Told]) -> None:
        self.asked += 1
        self.before()
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.troubles:
            raise self.troubles.pop(0)
        self.got.append([each.notice.id for each in told])

    def close(self) -> None:
        self.closed = True
