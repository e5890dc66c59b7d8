"""Threads that wait for the network, so that the one that decides needn't."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

Owner = TypeVar("Owner")


class Background(Generic[Owner]):
    """Does work on as many threads as there are pieces of it at once; they stay for the next.

    One thread hands it out and collects it. Nobody waits for a piece that hangs: the threads
    end with the process.
    """

    def __init__(self) -> None:
        """Begin with no thread."""
        self._todo: queue.SimpleQueue[tuple[Owner, Callable[[], Any]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Owner, Any]] = queue.SimpleQueue()
        self._under_way = 0
        self._threads = 0

    def do(self, owner: Owner, work: Callable[[], Any]) -> None:
        """Begin a piece of work at once; `owner` is given back with what comes of it."""
        self._under_way += 1
        if self._under_way > self._threads:
            threading.Thread(target=self._serve, daemon=True).start()
            self._threads += 1
        self._todo.put((owner, work))

    def done(self, time_left: float) -> Iterator[tuple[Owner, Any]]:
        """Return what has ended, or what it raised; waits `time_left` seconds for the first one."""
        try:
            done = self._done.get(timeout=time_left) if time_left else self._done.get_nowait()
            while True:
                self._under_way -= 1
                yield done
                done = self._done.get_nowait()
        except queue.Empty:
            return

    def close(self) -> None:
        """Let the threads go, each as soon as it has nothing in hand."""
        for _ in range(self._threads):
            self._todo.put(None)
        self._threads = 0

    def _serve(self) -> None:
        while (todo := self._todo.get()) is not None:
            owner, work = todo
            try:
                result = work()
            except BaseException as problem:  # noqa: BLE001  a thread's exception must not vanish
                result = problem
            self._done.put((owner, result))
            del todo, owner, work, result
