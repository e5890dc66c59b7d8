"""Carries notices to receivers while something else works: a thread for each receiver.

What it doesn't get rid of stays in the lockfile, where the next command finds it. So nobody waits
for a receiver but who asks for that, and nothing that a receiver does is an error.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from qflow_gitops.lockfile import outbox
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.outbox import Notice
from qflow_gitops.notify.telling import told
from qflow_gitops.ports.notices import Receiver, Told, Undelivered

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
_REFUSALS, _ODD = 3, 20
"""After so many in a row that no other try would change, a receiver is left alone.

After more where it says that what was sent is at fault: a few that it never takes, which come first
each time, would keep all others back for good.
"""


class Courier:
    """All receivers. Implements `ports.notices.Courier`."""

    def __init__(self, receivers: Sequence[Receiver], *, pause: float = FIRST_PAUSE) -> None:
        """Take the receivers, and the seconds after which one that failed is tried again."""
        self._lines = tuple(Line(receiver, pause) for receiver in receivers)
        self._known: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The receivers that are set up."""
        return tuple(line.name for line in self._lines)

    def offer(self, lockfile: Lockfile) -> None:
        """Take a lockfile, whose waiting notices are carried; returns at once.

        What another process put before those that are known is told by the next command.
        """
        new = [*self._new(lockfile)][::-1] if self._lines else []
        if not new:
            return
        with suppress(Exception):  # what can't be read of them isn't told now
            lockfile.bring((notice.environment, notice.run) for notice in new if notice.run)
            shown = [told(lockfile, notice) for notice in new]
            for line in self._lines:
                line.take(each for each in shown if line.name not in each.notice.done)

    def _new(self, lockfile: Lockfile) -> Iterator[Notice]:
        """Return what wasn't offered before, the newest first."""
        for notice in reversed(lockfile.outbox.notices):
            if notice.id in self._known:
                return
            self._known.add(notice.id)
            if notice.kind != outbox.TICKET:
                yield notice

    def wait(self, seconds: float) -> None:
        """Wait until all that was offered is delivered, or can't be within so many seconds."""
        ends = time.monotonic() + seconds
        for line in self._lines:
            line.wait(ends)

    def close(self, seconds: float = 0.0) -> None:
        """Stop, within so many seconds.

        What was begun may still arrive later, and is then sent once more the next time.
        """
        ends = time.monotonic() + seconds
        for line in self._lines:
            line.stop(ends)
        for line in self._lines:
            line.join(ends)

    def done(self) -> Mapping[str, frozenset[str]]:
        """Return the ids of notices that were delivered, each with the receivers that have it."""
        found: dict[str, frozenset[str]] = {}
        for line in self._lines:
            for name in line.delivered():
                found[name] = found.get(name, frozenset()) | {line.name}
        return found

    def troubles(self) -> Mapping[str, str]:
        """Return why receivers didn't take what was sent last, by their names."""
        return {line.name: line.trouble for line in self._lines if line.trouble}


class Line:
    """One receiver, and the thread that sends to it."""

    def __init__(self, receiver: Receiver, pause: float) -> None:
        self.name = receiver.name
        self.trouble = ""
        self._receiver = receiver
        self._first = pause
        self._lock = threading.Condition()
        self._waiting: deque[Told] = deque(maxlen=outbox.MOST)
        self._delivered: set[str] = set()
        self._refusals = self._failures = 0
        self._longest = 0.0  # seconds that a request took, at most
        self._resumes = 0.0  # when the next try is
        self._ends: float | None = None  # when all has to be over
        self._thread: threading.Thread | None = None

    def take(self, told: Iterator[Told]) -> None:
        """Take what is to be sent."""
        with self._lock:
            self._waiting.extend(told)
            self._lock.notify_all()
            if self._thread is None and self._waiting and self._ends is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def wait(self, ends: float) -> None:
        """Wait until nothing is left to do, or not before it ends."""
        with self._lock:
            self._lock.wait_for(
                lambda: not self._waiting or self._resumes > ends,
                max(0.0, ends - time.monotonic()),
            )

    def stop(self, ends: float) -> None:
        """Let the thread begin nothing more that won't be over by then."""
        with self._lock:
            self._ends = ends
            self._lock.notify_all()

    def join(self, ends: float) -> None:
        """Wait for the thread, until then."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, ends - time.monotonic()))
        if thread is None or not thread.is_alive():
            self._receiver.close()

    def delivered(self) -> frozenset[str]:
        """Return what the receiver has."""
        with self._lock:
            return frozenset(self._delivered)

    def _work(self) -> None:
        while batch := self._next():
            self._send(batch)

    def _next(self) -> list[Told]:
        """Return what is sent next, when there is something; nothing when it is over."""
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._ends is not None)
            if not self._may_begin():
                return []
            return [*self._waiting][: self._receiver.most]

    def _may_begin(self) -> bool:
        """Whether a request would be over in time, as far as earlier ones tell."""
        if self._ends is None:
            return True
        return 0 < self._longest <= self._ends - time.monotonic()

    def _send(self, batch: Sequence[Told]) -> None:
        begun = time.monotonic()
        try:
            self._receiver.send(batch)
        except Undelivered as problem:
            self.trouble = problem.why
            if problem.permanent:
                self._refused(batch, _ODD if problem.odd else _REFUSALS)
            else:
                self._rest(problem.retry_after)
            return
        except Exception as problem:  # noqa: BLE001  it would end the thread, and the others' notices
            self.trouble = f"a bug, {type(problem).__name__}"
            self._refused(batch, _ODD)
            return
        self.trouble = ""
        self._failures = self._refusals = 0
        self._longest = max(self._longest, time.monotonic() - begun)
        self._over(batch, {each.notice.id for each in batch})

    def _refused(self, batch: Sequence[Told], most: int) -> None:
        """Leave alone what it won't take, and after some of it whatever else there is."""
        self._refusals += 1
        self._over(batch, set())
        if self._refusals >= most:
            with self._lock:
                self._waiting = deque(maxlen=0)
                self._lock.notify_all()

    def _over(self, batch: Sequence[Told], delivered: set[str]) -> None:
        names = {each.notice.id for each in batch}
        with self._lock:
            self._delivered |= delivered
            while self._waiting and self._waiting[0].notice.id in names:
                self._waiting.popleft()
            self._lock.notify_all()

    def _rest(self, asked: float) -> None:
        """Wait before the next try: as long as it asks for, else longer each time."""
        pause = min(self._first * 2**self._failures, LONGEST_PAUSE)
        pause = max(asked, pause * random.uniform(0.75, 1.25))  # noqa: S311  no secret
        pause = min(pause, threading.TIMEOUT_MAX)
        self._failures += 1
        with self._lock:
            self._resumes = time.monotonic() + pause
            self._lock.notify_all()
            self._lock.wait_for(lambda: self._ends is not None, pause)
            self._resumes = 0.0
