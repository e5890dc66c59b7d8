"""What the fleet's use cases need from outside, and how a member is reached."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from qflow_gitops.fleet.clones import Heads
    from qflow_gitops.fleet.work import Work
    from qflow_gitops.lockfile.fleet import FleetRecord
    from qflow_gitops.ports.clock import Clock
    from qflow_gitops.ports.fleet import FleetStore
    from qflow_gitops.settings.fleet import Fleet, FleetMember


class Reach(Protocol):
    """How members are reached: their repositories, and the program in a process of its own.

    Raises QflowError where a member's remote, ref or clone can't be used.
    """

    def heads(self, member: FleetMember) -> Heads:
        """Ask a member's remote for the commits of its ref and of its lockfile's branch."""

    def work(
        self, member: FleetMember, words: Callable[[Heads], Sequence[str]]
    ) -> tuple[Heads, Work]:
        """Run the program at what a member's remote has now, with its own credentials only."""


@dataclass(frozen=True, slots=True)
class FleetServices:
    """What a use case works with.

    `commit` is the fleet's, "" for the work tree; `before` are the files whose waves hold as well,
    oldest first: the one whose were all over last, and another one that was worked on after it.
    `frozen` says what holds everything beside fleet.lock, "" for nothing. `author` is as in the
    lockfile. `stop` says whether somebody asked to. `id` is the name of this process' claims,
    `is_dead` says of another's that its owner is no more. `follows` says whether `commit` descends
    from another one. `begin` is what fleet.lock said when the fleet was read, if it was read then.
    `by` is the command of `fleet` that opens waves here, and takes releases; `inventory` and
    `engine` are these options as they are typed with it, "" for none.
    `beside` names a folder outside of the fleet's clone, as it is typed, for one of a member.
    """

    fleet: Fleet
    before: tuple[Fleet, ...]
    commit: str
    store: FleetStore
    reach: Reach
    clock: Clock
    author: Mapping[str, str] = field(default_factory=dict)
    frozen: Callable[[], str] = lambda: ""
    stop: Callable[[], bool] = lambda: False
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    is_dead: Callable[[str], bool] = lambda _: False
    follows: Callable[[str], bool] = lambda _: True
    begin: FleetRecord | None = None
    by: str = "apply"
    inventory: str = ""
    engine: str = ""
    beside: Callable[[str], str] = "../{}".format

    @property
    def command(self) -> str:
        """What is typed to go on with the same members in the same way."""
        words = (f"qflow-gitops fleet {self.by}", self.inventory, self.engine)
        return " ".join(filter(None, words))

    @property
    def look(self) -> str:
        """What is typed to look at the same members."""
        return " ".join(filter(None, ("qflow-gitops fleet plan", self.inventory)))

    @property
    def files(self) -> tuple[Fleet, ...]:
        """The fleets whose waves hold: those that were worked on before, and this one."""
        return (*self.before, self.fleet)

    def at_first(self) -> FleetRecord:
        """Return what fleet.lock says, as a command finds it: a remote isn't asked twice for it."""
        return self.begin or self.store.read()

    def is_behind(self, commit: str) -> bool:
        """Whether the fleet was worked on at a commit that this one doesn't descend from."""
        return commit not in ("", self.commit) and not self.follows(commit)
