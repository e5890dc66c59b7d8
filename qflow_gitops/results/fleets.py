"""What is told of a fleet: its waves, and of each member how it stands and what it waits for."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from qflow_gitops.policy.waves import MemberStanding


class Turn(StrEnum):
    """What a fleet's apply does with a member now, in the words of a plan's actions."""

    RUN = "run"
    """It is worked on."""
    WAIT = "wait"
    """Its turn comes without a person's decision."""
    HOLD = "hold"
    """A person has to decide first."""
    SKIP = "skip"
    """There is nothing to do."""


STANDINGS: Mapping[MemberStanding, str] = {
    MemberStanding.DONE: "done",
    MemberStanding.FORGIVEN: "forgiven",
    MemberStanding.FAILED: "failed",
    MemberStanding.OPEN: "under way",
    MemberStanding.DOUBT: "in doubt",
    MemberStanding.HELD: "held",
    MemberStanding.UNSENT: "due",
}
"""How a member stands, in words for people."""


class MemberTold(NamedTuple):
    """A member, and what was last seen of it.

    `counts` are those of its plan, by action. `why` says what it waits for or what holds it, `way`
    what a person types about that; "" for nothing. `commit` is the one that its ref names, "" where
    it could not be looked at, which `problem` says. `ended` is when its newest execution
    did, `seen_at` when fleet.lock was told last how it stands (RFC 3339, "" unknown and never).
    `worked`: this command worked on it; `claimed`: somebody does.
    `credentials` is the name of its set, "" for none. `clone` are the commands that show all that
    its own plan says, "" where nothing of its own holds it, or where it can't be reached.
    """

    name: str
    wave: int
    standing: MemberStanding
    turn: Turn
    repository: str
    environment: str = ""
    commit: str = ""
    counts: Mapping[str, int] = {}
    exit_code: int = 0
    reason: str = ""
    why: str = ""
    way: str = ""
    problem: str = ""
    ended: str = ""
    worked: bool = False
    claimed: bool = False
    credentials: str = ""
    clone: str = ""
    seen_at: str = ""


class WaveTold(NamedTuple):
    """A wave: whom it has, by standing, and what it lets pass.

    `opens` is when the soak after it ends (RFC 3339), "" where none is under way.
    """

    number: int
    members: int
    standings: Mapping[MemberStanding, int]
    max_failures: str
    soak: float = 0.0
    opens: str = ""
    is_over: bool = False


class FleetTold(NamedTuple):
    """The whole fleet, at a commit of its file ("": the work tree's).

    `where` and `serial` are those of fleet.lock. `wave` is the first one that isn't over.
    `stopped`: no later wave begins until a person decides. `frozen` says why everything is
    held, "" where it isn't. `applied`: this is what an apply came to; `remembered`: it is by
    fleet.lock, without a look at the members. `jobs` are the members that are to be worked on now
    by processes elsewhere. `loosened` says in what fleet.yaml holds less than what was applied
    last, which counts as well until all waves are over.
    """

    commit: str
    where: str
    serial: int
    members: tuple[MemberTold, ...]
    waves: tuple[WaveTold, ...]
    wave: int = 0
    stopped: bool = False
    frozen: str = ""
    applied: bool = False
    remembered: bool = False
    jobs: tuple[MemberTold, ...] = ()
    loosened: tuple[str, ...] = ()

    def having(self, turn: Turn) -> tuple[MemberTold, ...]:
        """Return the members of which this is done."""
        return tuple(one for one in self.members if one.turn is turn)


class MemberReported(NamedTuple):
    """What a member's own report counts, what differs there, and what couldn't be looked at.

    `problem` says why there is no report, "" where there is one.
    """

    name: str
    repository: str
    environment: str = ""
    counts: Mapping[str, int] = {}
    differences: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    problem: str = ""
    exit_code: int = 0
    has_pages: bool = False


class FleetReported(NamedTuple):
    """The members' reports side by side, of a span of time ("": no limit)."""

    commit: str
    made_at: str
    since: str
    until: str
    members: tuple[MemberReported, ...]
