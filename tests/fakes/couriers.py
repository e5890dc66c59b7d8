"""A courier that delivers at once, or to nobody."""

from collections.abc import Mapping

from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import TICKET


class FakeCourier:
    """Implements `ports.notices.Courier`. `down` are receivers that take nothing.

    `offered` are the ids of what was offered, each as often as it was; `closed` the seconds that
    each end had.
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        self.down: dict[str, str] = {}
        self.offered: list[str] = []
        self.waited: list[float] = []
        self.closed: list[float] = []
        self._done: dict[str, frozenset[str]] = {}

    def offer(self, lockfile: Lockfile) -> None:
        for notice in lockfile.outbox.notices:
            if notice.kind != TICKET and not self.closed:
                self.offered.append(notice.id)
                took = {name for name in self.names if name not in self.down}
                self._done[notice.id] = self._done.get(notice.id, frozenset()) | took

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def close(self, seconds: float = 0.0) -> None:
        self.closed.append(seconds)

    def done(self) -> Mapping[str, frozenset[str]]:
        return {name: who for name, who in self._done.items() if who}

    def troubles(self) -> Mapping[str, str]:
        return self.down
