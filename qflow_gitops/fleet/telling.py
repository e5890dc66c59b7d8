"""What is told of a fleet, by how its members stand and whose turn it is."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.times import stamp
from qflow_gitops.fleet.looking import environment
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.lockfile.fleet import FleetRecord, Seen, one_line
from qflow_gitops.lockfile.freezes import UNFREEZE_FLEET, describe, recorded
from qflow_gitops.policy.waves import MemberStanding, WaveProgress, waves_of
from qflow_gitops.results.fleets import STANDINGS, FleetTold, MemberTold, Turn, WaveTold
from qflow_gitops.settings.fleet import FleetMember

_OVER = frozenset({MemberStanding.DONE, MemberStanding.FORGIVEN})
_TELLING = frozenset({MemberStanding.FAILED, MemberStanding.DOUBT, MemberStanding.HELD})
"""What stands so has a reason that a person wants to read."""
_GOES_ON = frozenset({MemberStanding.OPEN, MemberStanding.UNSENT})
"""What stands so gets on by itself, or by the next apply."""


def told(services: FleetServices, turns: Turns, *, applied: bool = False) -> FleetTold:
    """Tell the whole fleet; `applied`: after an apply."""
    now = services.clock.now()
    found = turns.progress(now)
    waves = waves_of(turns.fleet.waves, turns.fleet.members)
    wave_of = {name: number for number, names in enumerate(waves, 1) for name in names}
    why = frozen(services, turns)
    members = turns.fleet.members
    elsewhere = sum(bool(turns.elsewhere(one)) for one in members)
    teller = _Teller(turns, found, why, wave_of, now, services.command, elsewhere, services.beside)
    return FleetTold(
        services.commit,
        services.store.where,
        turns.record.serial,
        tuple(map(teller.told, members)),
        tuple(teller.wave(number, names) for number, names in enumerate(waves, 1)),
        min(found.wave, len(waves)),
        found.stopped,
        why,
        applied,
    )


def outcome(seen: Seen) -> str:
    """Say in a line what came of a member that was worked on, and why."""
    came = STANDINGS[MemberStanding(seen.standing)]
    return f"{came}: {one_line(seen.detail)}" if seen.detail else came


def frozen(services: FleetServices, turns: Turns) -> str:
    """Say what holds everything, "" for nothing."""
    kept = turns.record.freezes
    return services.frozen() or (describe(recorded(kept)) if kept else "")


def clocks(record: FleetRecord, now: datetime) -> str:
    """Say that a time in fleet.lock is yet to come here, "" where none is."""
    name, seconds = record.ahead(now)
    if not seconds:
        return ""
    return (
        f"What fleet.lock says of {name} was written {seconds:,.0f} s from now: this machine's "
        "clock is behind, or that of who wrote it is ahead. Until they agree, claims, soaks and "
        "open waves end as much earlier or later."
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    turns: Turns
    found: WaveProgress
    frozen: str
    wave_of: dict[str, int]
    now: datetime
    command: str
    elsewhere: int
    beside: Callable[[str], str]

    def told(self, member: FleetMember) -> MemberTold:
        looked, standing = self.turns.looked[member.name], self.turns.standing(member)
        turn, why, way = self._turn(member, standing)
        seen = looked.seen
        return MemberTold(
            member.name,
            self.wave_of[member.name],
            standing,
            turn,
            without_secrets(member.repository),
            member.environment,
            looked.heads.commit if looked.heads else "",
            seen.counts,
            seen.exit_code,
            seen.reason,
            why,
            way,
            seen.detail if standing in _TELLING else "",
            stamp(datetime.fromtimestamp(seen.ended, UTC)) if seen.ended else "",
            looked.worked,
            self.turns.record.holder(member.name, self.now) is not None,
            member.credentials,
            _clone(member, self.beside(member.name))
            if standing in _TELLING and looked.seen.commit
            else "",
            self.turns.record.member(member.name).at,
        )

    def _turn(self, member: FleetMember, standing: MemberStanding) -> tuple[Turn, str, str]:
        """Say what is done with a member, why, and what a person types about it."""
        if standing in _OVER:
            return Turn.SKIP, "", ""
        if self.frozen:
            return Turn.HOLD, "everything is frozen", self._about_freeze()
        if address := self.turns.elsewhere(member):
            why = f"the credentials {member.credentials} were never used for {address}"
            return Turn.HOLD, why, self._about_credentials()
        if by := self.turns.record.holder(member.name, self.now):
            why = f"{by.by or 'another apply'} works on it, until {by.until} at most"
            ahead = by.ahead(self.now)
            why += f", by a clock that is {ahead:,.0f} s ahead of this one" if ahead else ""
            return Turn.WAIT, why, ""
        if standing is MemberStanding.FAILED:
            mend = f"Fix the member, then: `{self.command}`"
            return Turn.HOLD, "it failed", self._about_wave() if self.found.stopped else mend
        if self.turns.may(member, self.found, self.now):
            unsent = standing is MemberStanding.UNSENT
            return Turn.RUN, self.turns.looked[member.name].seen.detail if unsent else "", ""
        if member.name in self.turns.begun:  # it was worked on just now, and stands so still
            return (Turn.WAIT if standing in _GOES_ON else Turn.HOLD), "", ""
        if self.found.stopped:
            return Turn.HOLD, f"wave {self.found.wave} is stopped", self._about_wave()
        if self.found.opens:
            return Turn.WAIT, f"wave {self.found.wave} soaks", ""
        return Turn.WAIT, f"wave {self.found.wave} isn't over", ""

    def _about_freeze(self) -> str:
        return f"When it is over: `{UNFREEZE_FLEET}`" if self.turns.record.freezes else ""

    def _about_wave(self) -> str:
        if not self.found.stopped:
            return ""
        if doubtful := self.found.doubtful:
            return (
                f"First settle what is in doubt, in a clone of {doubtful[0]}: "
                "`qflow-gitops reconcile`"
            )
        return (
            "Fix a member and apply again, or let the wave go on without it: "
            f"`{self.command} --ack wave={self.found.wave} --reason TEXT`"
        )

    def _about_credentials(self) -> str:
        way = f"{self.command} --ack credentials={self.elsewhere} --reason TEXT"
        return f"If that is right: `{way}`"

    def wave(self, number: int, names: Sequence[str]) -> WaveTold:
        mine = set(names)
        members = [one for one in self.turns.fleet.members if one.name in mine]
        standings = Counter(self.turns.standing(one) for one in members)
        waves = self.turns.fleet.waves
        rule = waves[number - 1] if number <= len(waves) else waves[-1]
        soaks = self.found.opens and number == self.found.wave
        return WaveTold(
            number,
            len(members),
            {one: standings[one] for one in MemberStanding if standings[one]},
            str(rule.max_failures),
            rule.soak,
            stamp(datetime.fromtimestamp(self.found.opens, UTC)) if soaks else "",
            number < self.found.wave,
        )


def _clone(member: FleetMember, clone: str) -> str:
    """Return the commands that show what a member's own plan says, in a clone beside the fleet's.

    Inside of it `git add .` would take the member for a part of the fleet's repository.
    """
    address = without_secrets(member.repository)
    folder = clone if member.project == "." else f"{clone}/{member.project}"
    made = f"git clone --branch {shlex.quote(member.ref)} {shlex.quote(address)} "
    which = " ".join(("plan", *environment(member)))
    return f"`{made}{shlex.quote(clone)} && qflow-gitops -C {shlex.quote(folder)} {which}`"
