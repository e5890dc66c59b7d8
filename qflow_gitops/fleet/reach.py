"""Reaches members: each by its clone, its credentials and a process of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qflow_gitops.fleet.clones import Clones, Heads
from qflow_gitops.fleet.environ import Facts, environ_of
from qflow_gitops.fleet.work import Limits, Work, work
from qflow_gitops.settings.fleet import FleetMember

SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class ProcessReach:
    """Implements `fleet.services.Reach`.

    `environ` is the whole environment at hand, of which a member gets its own part.
    """

    clones: Clones
    environ: Mapping[str, str]
    facts: Facts
    limits: Limits
    stopping: Callable[[], bool]

    def heads(self, member: FleetMember) -> Heads:
        """Ask a member's remote for the commits of its ref and of its lockfile's branch."""
        return self.clones.heads(member, environ_of(member, self.environ, self.facts))

    def work(
        self, member: FleetMember, words: Callable[[Heads], Sequence[str]]
    ) -> tuple[Heads, Work]:
        """Run the program at what a member's remote has now, with its own credentials only."""
        fetching = environ_of(member, self.environ, self.facts)
        with self.clones.bring(member, fetching) as clone:
            own = environ_of(member, self.environ, self.facts, sandbox=clone.platform == SANDBOX)
            found = work(
                words(clone.heads), clone.folder, own, self.limits,
                held=(clone.held,), stopping=self.stopping,
            )  # fmt: skip
            return clone.heads, found
