"""What `fleet.lock` says: who works on which member now, how each was seen last, what was decided.

Pure; `fleet_codec` has its bytes. Nothing in it is forgotten but what a newer thing of the same
kind replaces: how a member was seen, and a claim that was given back or is over.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple

from qflow_gitops.base.printable import shown
from qflow_gitops.base.times import moment, stamp
from qflow_gitops.lockfile.notes import LedgerEvent, freezes_of
from qflow_gitops.policy.waves import MemberStanding

FLEET_LOCK = "fleet.lock"
AHEAD = 60.0
"""Seconds that a time may lie ahead of this clock: two that are set right differ by less."""
_NOTHING: Mapping[str, Any] = {}


def one_line(text: str) -> str:
    """Return a text as one line of characters that are seen, as fleet.lock has it."""
    return shown(" ".join(text.split()))


class Claim(NamedTuple):
    """Somebody works on a member, and is given until then. `id` is made up for each claim."""

    id: str
    by: str
    at: str
    until: str

    def holds(self, now: datetime) -> bool:
        """Whether its time isn't over."""
        return now < moment(self.until)

    def ahead(self, now: datetime) -> float:
        """Return by how many seconds the clock that it was made by is ahead, 0 where it isn't."""
        return _ahead(self.at, now)


def claim(name: str, by: str, now: datetime, seconds: float) -> Claim:
    """Return a claim with this id, from now on and for so long."""
    return Claim(name, one_line(by), stamp(now), stamp(now + timedelta(seconds=ceil(seconds))))


class Release(NamedTuple):
    """Somebody let a wave go on in spite of these members, or credentials to where they are (0).

    `members` gives each the commit that it was at, "" for whichever; `commit` is the fleet's.
    `parts` says of those which fleet.yaml named a part of what that was, as `Seen.part` does.
    """

    wave: int
    members: Mapping[str, str]
    commit: str
    by: str
    at: str
    reason: str
    parts: Mapping[str, str] = _NOTHING


class Seen(NamedTuple):
    """How a member stood when its ref and its lockfile's branch were at these two commits.

    `counts` are its runs by what is to be done with them, or came of them; `ended` is when its
    last run did, in seconds since 1970 (0: unknown); `detail` is one line without secrets; `part`
    is what of the repository was looked at (`settings.fleet.FleetMember.part`).
    """

    standing: MemberStanding
    exit_code: int
    reason: str = ""
    counts: Mapping[str, int] = _NOTHING
    ended: float = 0.0
    digest: str = ""
    detail: str = ""
    commit: str = ""
    lock_commit: str = ""
    part: str = ""


class MemberRecord(NamedTuple):
    """A member: how it was seen last and when (RFC 3339), and who works on it."""

    seen: Seen | None = None
    at: str = ""
    claim: Claim | None = None
    extra: Mapping[str, Any] = _NOTHING

    def of(self, part: str) -> "MemberRecord":
        """Return what is known of this part of a repository: how another stands says nothing."""
        return self if self.seen and self.seen.part == part else self._replace(seen=None)

    def is_newer(self, before: "MemberRecord") -> bool:
        """Whether it was recorded how it stands since then, be that as before."""
        return (self.seen, self.at) != (before.seen, before.at)


@dataclass(frozen=True)
class FleetRecord:
    """All of `fleet.lock`; serial 0 where there is none yet.

    `commit` is the fleet's that was worked on last, `open` how many of its waves are open: 0 once
    nobody is left whose turn it is. They are so until `open_until` (RFC 3339) at most, "" for not
    at all: who opened them may have died. `base` is the commit that was all over before it, whose
    waves hold as well until all are over at `commit`; "" from then on. `unmerged` is the commit
    that a person let be applied though no branch held it.
    `credentials` has the addresses (`base.addresses.receiver`) that a set of them was used for;
    `freeze` is what the lockfile's head has (`lockfile.notes`).
    """

    serial: int = 0
    commit: str = ""
    open: int = 0
    open_until: str = ""
    base: str = ""
    unmerged: str = ""
    freeze: tuple[LedgerEvent, ...] = ()
    credentials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    members: Mapping[str, MemberRecord] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def freezes(self) -> tuple[LedgerEvent, ...]:
        """What holds everything, oldest first."""
        return freezes_of(self.freeze)

    def member(self, name: str) -> MemberRecord:
        """Return what is known of a member."""
        return self.members.get(name, MemberRecord())

    def holder(self, name: str, now: datetime) -> Claim | None:
        """Return the claim on a member that holds now."""
        found = self.member(name).claim
        return found if found and found.holds(now) else None

    def held(self, claim_id: str) -> tuple[str, ...]:
        """Return the members that a claim has, by name, whether or not its time is over."""
        mine = (
            name for name, one in self.members.items() if one.claim and one.claim.id == claim_id
        )
        return tuple(sorted(mine))

    def is_open(self, commit: str, now: datetime) -> bool:
        """Whether a wave is open now, at this commit of the fleet."""
        is_here = self.open > 0 and self.commit == commit
        return is_here and self.open_until != "" and now < moment(self.open_until)

    def ahead(self, now: datetime) -> tuple[str, float]:
        """Return whose time in here lies furthest ahead of now, and by how many seconds."""
        times = ((each.at, each.claim.at if each.claim else "") for each in self.members.values())
        found = zip(
            self.members, (max(_ahead(at, now) for at in some) for some in times), strict=True
        )
        return max(found, key=lambda each: each[1], default=("", 0.0))

    def claimed(self, names: Iterable[str], by: Claim, now: datetime) -> "FleetRecord":
        """Claim those of the members that nobody else holds; what it has already is prolonged."""
        free = [name for name in names if (self.holder(name, now) or by).id == by.id]
        return self._with({name: self.member(name)._replace(claim=by) for name in free})

    def given_back(self, names: Iterable[str], claim_id: str) -> "FleetRecord":
        """End a claim on members; those that another has meanwhile stay theirs."""
        mine = set(self.held(claim_id))
        back = [name for name in names if name in mine]
        return self._with({name: self.members[name]._replace(claim=None) for name in back})

    def worked(self, name: str, seen: Seen, at: str, claim_id: str = "") -> "FleetRecord":
        """Put how a member was seen in place of what was seen before, and end this claim on it.

        What came of a claim that was lost meanwhile counts all the same: it is what was seen last.
        What ended later than it was seen did so by a clock that is ahead: it ended by then.
        """
        code = seen.exit_code
        before = self.member(name).seen
        whole = seen._replace(
            # That there was a lockfile isn't forgotten where nobody could look.
            lock_commit=seen.lock_commit or (before.lock_commit if before else ""),
            exit_code=code if code >= 0 else 128 - code,  # ended by a signal, as a shell counts it
            reason=one_line(seen.reason),
            ended=min(float(ceil(seen.ended)), moment(at).timestamp() + 1),
            detail=one_line(seen.detail),
        )
        new = self._with({name: self.member(name)._replace(seen=whole, at=at)})
        return new.given_back([name], claim_id) if claim_id else new

    def released(self, release: Release) -> "FleetRecord":
        """Let a wave go on in spite of members."""
        whole = release._replace(by=one_line(release.by), reason=one_line(release.reason))
        return replace(self, releases=(*self.releases, whole))

    def frozen(self, event: LedgerEvent) -> "FleetRecord":
        """Freeze everything, or lift that: by the event."""
        return replace(self, freeze=(*self.freeze, event))

    def opened(self, wave: int, commit: str, until: str) -> "FleetRecord":
        """Open the waves up to this one at a commit of the fleet, until then at least.

        What holds beside it is the commit that was all over last: however many came since, none
        of them lets go what that one holds.
        """
        if commit == self.commit:
            until = max(until, self.open_until)
            return replace(self, open=max(wave, self.open), open_until=until)
        base = self.base or self.commit
        return replace(self, commit=commit, open=wave, open_until=until, base=base)

    def closed(self) -> "FleetRecord":
        """Close all waves: nobody begins anything before somebody opens one again."""
        return replace(self, open=0, open_until="") if self.open else self

    def let_go(self, commit: str) -> "FleetRecord":
        """Begin anew at a commit: what was worked on before it holds nothing any more."""
        return replace(self, commit=commit, open=0, open_until="", base="")

    def let_be_applied(self, commit: str) -> "FleetRecord":
        """Let a commit be applied, from now on, though no branch holds it."""
        return replace(self, unmerged=commit)

    def settled(self) -> "FleetRecord":
        """Let the commit before this one hold no longer."""
        return replace(self, base="") if self.base else self

    def accepted(self, credentials: str, address: str) -> "FleetRecord":
        """Note that a set of credentials is used for an address."""
        before = self.credentials.get(credentials, ())
        if address in before:
            return self
        return replace(self, credentials={**self.credentials, credentials: (*before, address)})

    def _with(self, changed: Mapping[str, MemberRecord]) -> "FleetRecord":
        return replace(self, members={**self.members, **changed}) if changed else self


def _ahead(at: str, now: datetime) -> float:
    """Return how far ahead a time ("": none) lies; 0 where clocks that are right differ as much."""
    found = (moment(at) - now).total_seconds() if at else 0.0
    return found if found > AHEAD else 0.0


def missing_in(after: FleetRecord, before: FleetRecord) -> tuple[str, ...]:
    """Say what a later record lacks of an earlier one, which nothing takes out of it."""
    lost = [
        f"the serial went from {before.serial} to {after.serial}"
        for _ in range(after.serial <= before.serial)
    ]
    lost += _cut("a release", after.releases, before.releases)
    lost += _cut("a freeze", after.freeze, before.freeze)
    lost += [
        f"the credentials {name} were used for {address}, which isn't there any more"
        for name, addresses in before.credentials.items()
        for address in _without(addresses, after.credentials.get(name, ()))
    ]
    gone = _without(before.members, after.members)
    unseen = [
        name
        for name, one in before.members.items()
        if one.seen and name in after.members and not after.members[name].seen
    ]
    return tuple(lost + [f"{name} isn't there any more" for name in [*gone, *unseen]])


def _cut(what: str, after: Sequence[Any], before: Sequence[Any]) -> list[str]:
    return [] if tuple(after[: len(before)]) == tuple(before) else [f"{what} isn't as it was"]


def _without(wanted: Iterable[str], there: Collection[str]) -> list[str]:
    return [each for each in wanted if each not in there]
