"""A worker that is told of members by messages, and believes of them only where to look.

Whether a member is worked on fleet.lock says, at the remote: at which commit of the fleet a wave is
open, and how the members stand. The fleet's file is read at that commit, which the remote's default
branch has to hold.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.errors import QflowError
from qflow_gitops.fleet.telling import outcome
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.fleet.worker import Worker

if TYPE_CHECKING:
    from qflow_gitops.fleet.services import FleetServices
    from qflow_gitops.ports.clock import Clock
    from qflow_gitops.ports.fleet import FleetStore
    from qflow_gitops.ports.git import Branches

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ENDED = 128
"""From here on exit codes are those of processes that were ended."""
_TRIES, _PAUSE = 5, 5.0
"""So often a result is written, where it can't be, after so many seconds each."""


class Refused(Exception):
    """A message is for nothing that may be done; it says why."""


class Message(NamedTuple):
    """What a message holds: the fleet's commit, and a member's name."""

    commit: str
    member: str


def read(words: tuple[object, ...], given: dict[str, object]) -> Message:
    """Read a message strictly: two texts by their names, and nothing else. Raises Refused."""
    if words or given.keys() != {"commit", "member"}:
        raise Refused("it holds other things than a commit and a member")
    commit, member = given["commit"], given["member"]
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise Refused("its commit is none")
    if not isinstance(member, str) or not _NAME.fullmatch(member):
        raise Refused("its member is no name")
    return Message(commit, member)


def is_on_default_branch(branches: Branches, remote: str, commit: str) -> bool:
    """Whether a remote's default branch holds a commit; it is asked where this clone can't tell."""
    head = branches.head_of(remote)
    if head and head in branches.holding(commit, remote):
        return True
    now = branches.ask(remote)
    tips = {now.head: now.tips[now.head]} if now.head else {}
    return bool(tips) and branches.reached(commit, tips, remote) is True


@dataclass
class Server:
    """Serves messages, several at once on threads of their own.

    `store` is that of the clone at hand, `fleet` reads the fleet of a commit and, "" for none, of
    the one before it; `holds` says whether the default branch holds one. `say` tells people.
    """

    store: FleetStore
    clock: Clock
    holds: Callable[[str], bool]
    fleet: Callable[[str, str], FleetServices]
    say: Callable[[str], None]
    _known: dict[tuple[str, str], FleetServices] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, message: Message) -> None:
        """Work on the member that a message names, if it is its turn by fleet.lock."""
        try:
            worker = self._claimed(message)
        except Refused as problem:
            self.say(f"A message was put aside: {problem}.")
            return
        except QflowError as problem:
            self.say(f"A message was put aside: {problem.message}")
            return
        self._work(message.member, worker)

    def _claimed(self, message: Message) -> Worker:
        """Claim the member. Raises Refused where that may not be."""
        record = self.store.read()
        if not record.is_open(message.commit, self.clock.now()):
            raise Refused(f"no wave is open at commit {message.commit[:10]}")
        services = self._services(message.commit, record.base)
        turns = Turns.remembered(services, record)
        if message.member not in turns.looked:
            raise Refused(f"fleet.yaml at {message.commit[:10]} has no member {message.member}")
        worker = Worker(services, turns)
        if not worker.take_one(message.member):
            raise Refused(f"it isn't the turn of {message.member}")
        return worker

    def _services(self, commit: str, base: str) -> FleetServices:
        """Read the fleet of a commit, once."""
        with self._turn:
            if (commit, base) not in self._known:
                if not self.holds(commit):
                    raise Refused(f"the remote's default branch doesn't hold {commit[:10]}")
                self._known = {(commit, base): self.fleet(commit, base)}
            return self._known[commit, base]

    def _work(self, name: str, worker: Worker) -> None:
        """Have the member applied, and record that; where it was ended before, give it back."""
        self.say(f"{name}: begun.")
        found = worker.carry_out(name)
        stop = worker.services.stop
        cut_short = stop() and found.seen.exit_code >= _ENDED
        for attempt in range(_TRIES):
            try:
                if cut_short:
                    worker.give_back(name)
                else:
                    worker.record_one(name, found)
                break
            except QflowError as problem:  # its own lockfile has it; who looks next sees that
                self.say(f"{name}: fleet.lock can't be written. {problem.message}")
                if stop() or attempt == _TRIES - 1:
                    return
                time.sleep(_PAUSE)
        came = "given back" if cut_short else outcome(worker.worked[name].seen)
        self.say(f"{name}: {came.rstrip('.')}.")
