"""Whose turn it is: by the waves, by what was claimed, and by how many may be under way at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from qflow_gitops.base.addresses import receiver
from qflow_gitops.fleet.looking import Looked, remembered
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.lockfile.fleet import FleetRecord
from qflow_gitops.policy.waves import MemberStanding, WaveMember, WaveProgress, progress, waves_of
from qflow_gitops.settings.fleet import Fleet, FleetMember


@dataclass
class Turns:
    """The members of a fleet, and which of them may be worked on.

    `files` are the fleet that was applied last, if any, and this one: the waves of each hold.
    `commit` is this fleet's. `begun` are those that this apply has worked on, or has begun to.
    """

    files: tuple[Fleet, ...]
    looked: dict[str, Looked]
    record: FleetRecord
    commit: str
    begun: set[str] = field(default_factory=set)

    @classmethod
    def remembered(cls, services: FleetServices, record: FleetRecord) -> Self:
        """Return the turns by how fleet.lock says that the members were seen last."""
        looked = remembered(services.fleet.members, record)
        return cls(services.files, looked, record, services.commit)

    @property
    def fleet(self) -> Fleet:
        """The one that is worked on."""
        return self.files[-1]

    def progress(self, now: datetime) -> WaveProgress:
        """Say how far the waves let the members go."""
        members = [self.told(member) for member in self.fleet.members]
        return progress(self.files, members, now.timestamp())

    def standing(self, member: FleetMember) -> MemberStanding:
        """Say how a member stands: as it was seen, unless a person forgave what that is."""
        found = self.looked[member.name]
        if found.standing is MemberStanding.FAILED and self._is_forgiven(member.name, found):
            return MemberStanding.FORGIVEN
        return found.standing

    def told(self, member: FleetMember) -> WaveMember:
        """Tell a member as the waves take it."""
        ended = self.looked[member.name].seen.ended
        return WaveMember(member.name, member.labels, self.standing(member), ended)

    def next(self, now: datetime, count: int) -> list[str]:
        """Return the names of at most so many members that may be begun now, in their order."""
        found = self.progress(now)
        room = self._room(now)
        names: list[str] = []
        for member in self.fleet.members:
            if len(names) == count:
                break
            if self.may(member, found, now) and room.take(member.name):
                names.append(member.name)
        return names

    def may_begin(self, name: str, now: datetime) -> bool:
        """Whether this member may be begun now, whoever else may."""
        may = self.may(self.member(name), self.progress(now), now)
        return may and self._room(now).take(name)

    def last_wave(self, names: Iterable[str]) -> int:
        """Return the number of the last wave that has any of these members; 0 for nobody."""
        wanted, groups = set(names), waves_of(self.fleet.waves, self.fleet.members)
        mine = (number for number, each in enumerate(groups, 1) if not wanted.isdisjoint(each))
        return max(mine, default=0)

    def member(self, name: str) -> FleetMember:
        """Return the member of this name."""
        return next(one for one in self.fleet.members if one.name == name)

    def may(self, member: FleetMember, found: WaveProgress, now: datetime) -> bool:
        """Whether a member may be worked on, as far as the waves have come."""
        if member.name in self.begun or self.elsewhere(member):
            return False
        return member.name in found.allowed and not self.record.holder(member.name, now)

    def elsewhere(self, member: FleetMember) -> str:
        """Return a member's address where its credentials would go there for the first time.

        "" where they wouldn't, and where they go anywhere for the first time.
        """
        known = self.record.credentials.get(member.credentials, ())
        address = self.address(member)
        return address if known and address not in known else ""

    @staticmethod
    def address(member: FleetMember) -> str:
        """Return who gets a member's credentials."""
        return receiver(member.repository)

    def _room(self, now: datetime) -> "_Room":
        """What the subscriptions have left beside those that anybody works on.

        Also on members that aren't in the file any more: what was begun goes on.
        """
        room = _Room(self.files)
        for name in self.record.members:
            if self.record.holder(name, now):
                room.count(name)
        return room

    def _is_forgiven(self, name: str, found: Looked) -> bool:
        """Whether a person let this failure pass: of this part of it, at this commit of the member.

        Where that isn't known (it couldn't be reached), at this commit of the fleet: a later outage
        is another failure.
        """
        commit = found.seen.commit
        return any(
            one.members.get(name) == commit
            and one.parts.get(name, "") == found.seen.part
            and (commit or one.commit == self.commit)
            for one in self.record.releases
            if one.wave
        )


class _Room:
    """How many more members of each subscription may be under way, by the last of some fleets."""

    def __init__(self, fleets: Sequence[Fleet]) -> None:
        self._fleets = fleets
        self._of = [_subscriptions(each) for each in fleets]
        self._left = Counter({each.name: each.at_once for each in fleets[-1].subscriptions})

    def take(self, member: str) -> bool:
        """Take a place for a member, and say whether there was one."""
        mine = self._of[-1].get(member, [])
        if any(self._left[each] < 1 for each in mine):
            return False
        self._left.subtract(mine)
        return True

    def count(self, member: str) -> None:
        """Count a member that is under way, wherever any of the fleets has it.

        Where none says whose subscription it uses, it may be any.
        """
        names = {name for each in self._of for name in each.get(member, ())}
        there = self._left.keys() & names
        if not there and (names or not self._is_named(member)):
            there = set(self._left)
        self._left.subtract(there)

    def _is_named(self, member: str) -> bool:
        return any(one.name == member for each in self._fleets for one in each.members)


def _subscriptions(fleet: Fleet) -> dict[str, list[str]]:
    """Return which ones each member is of."""
    found: dict[str, list[str]] = {}
    for each in fleet.subscriptions:
        for name in each.members:
            found.setdefault(name, []).append(each.name)
    return found
