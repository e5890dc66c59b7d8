"""What several threads ask of one store at once, done together: one read, and one write.

A write of `fleet.lock` is a push, and the pushes of a fleet's workers race each other: those of one
process needn't. Whoever comes first does what all others wait with by then.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Record = TypeVar("Record")
Decide = Callable[[Record], Record | None]


@dataclass(slots=True)
class _Asked(Generic[Record]):
    """What one thread waits for: a change, or where `decide` is None the newest record."""

    decide: Decide[Record] | None
    found: Record | None = None
    problem: BaseException | None = None
    over: bool = False

    def on(self, record: Record) -> Record:
        """Decide on a record, and return what it is then."""
        self.problem = None
        try:
            new = self.decide(record) if self.decide else None
        except Exception as problem:  # noqa: BLE001  its own thread raises it
            self.problem, new = problem, None
        changes = new is not None and new != record
        self.found = new if changes else None
        return new if new is not None and changes else record


class Together(Generic[Record]):
    """Reads and changes a record for threads, as few times as it takes.

    `read` gives the newest record; `change` writes what is decided on the newest one, and returns
    what was written, None for nothing.
    """

    def __init__(
        self,
        read: Callable[[], Record],
        change: Callable[[Decide[Record]], Record | None],
    ) -> None:
        """Take what does it for one thread at a time."""
        self._read, self._change = read, change
        self._turn, self._gate = threading.Lock(), threading.Lock()
        self._waiting: list[_Asked[Record]] = []

    def read(self) -> Record:
        """Return a record that was the newest after this was called."""
        found = self._served(_Asked(None)).found
        if found is None:
            raise AssertionError("a read gives a record")
        return found

    def change(self, decide: Decide[Record]) -> Record | None:
        """Write what is decided, on top of what others of this process decide at the same time.

        `decide` may be asked several times, on any of the threads; what it raises is raised here.
        """
        return self._served(_Asked(decide)).found

    def _served(self, asked: _Asked[Record]) -> _Asked[Record]:
        with self._gate:
            self._waiting.append(asked)
        with self._turn:
            if not asked.over:
                self._serve()
        if asked.problem is not None:
            raise asked.problem
        return asked

    def _serve(self) -> None:
        """Do what all wait with that have asked by now."""
        with self._gate:
            together, self._waiting = self._waiting, []
        try:
            self._do(together)
        except BaseException as problem:  # noqa: BLE001  each of their threads raises it
            for asked in together:
                asked.problem = asked.problem or problem
        finally:
            for asked in together:
                asked.over = True

    def _do(self, together: Sequence[_Asked[Record]]) -> None:
        changes = [asked for asked in together if asked.decide]
        if not changes:
            newest = self._read()
            for asked in together:
                asked.found = newest
            return
        seen: list[Record] = []

        def decided(record: Record) -> Record | None:
            seen[:] = [record]
            for asked in changes:
                record = asked.on(record)
            return record if record != seen[0] else None

        written = self._change(decided)
        for asked in together:
            if asked.decide is None:
                asked.found = written if written is not None else seen[0]
            elif asked.found is not None:
                asked.found = written
