"""Works on members: claims them in fleet.lock, has them applied, and records what came of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from qflow_gitops.base.times import stamp
from qflow_gitops.errors import QflowError
from qflow_gitops.fleet.clones import Heads
from qflow_gitops.fleet.looking import Looked, looked, unseen, words
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.lockfile.fleet import FleetRecord, claim
from qflow_gitops.settings.fleet import FleetMember

_MARGIN = 120.0
"""Seconds by which a claim outlasts the time that a member's process may take."""


@dataclass
class Worker:
    """One process' part in a fleet's apply. `worked` are the members that it worked on."""

    services: FleetServices
    turns: Turns
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    worked: dict[str, Looked] = field(default_factory=dict)
    _under_way: set[str] = field(default_factory=set)

    def take(self, count: int, ended: Mapping[str, Looked]) -> list[str]:
        """Record what came of members, and claim as many as may be begun; both in one write.

        Of two that claim a member at once one gets it, by the compare-and-swap of fleet.lock.
        Claims nothing where everything is frozen or somebody asked to stop.
        """
        self._under_way -= ended.keys()
        self.turns.looked.update(ended)
        self.worked.update(ended)
        taken: list[str] = []

        def decided(record: FleetRecord) -> FleetRecord | None:
            taken.clear()
            new = self._recorded(record, ended)
            names = self._next(new, count)
            if names:
                new = self._claimed(new, names)
                taken.extend(names)
            return new if names or ended else None

        written = self.services.store.change(decided)
        if written is not None:
            self.turns.record = written
        self.turns.begun.update(taken)
        self._under_way.update(taken)
        return taken

    def carry_out(self, name: str) -> Looked:
        """Have one member applied, in a process of its own; one that can't be has failed."""
        member = self._member(name)
        heads = None
        try:
            heads = self.services.reach.heads(member)
            heads, found = self.services.reach.work(member, partial(_applying, member))
        except QflowError as problem:
            return unseen(problem, heads, worked=True)
        return looked(heads, found, worked=True)

    def _recorded(self, record: FleetRecord, ended: Mapping[str, Looked]) -> FleetRecord:
        at = stamp(self.services.clock.now())
        for name, found in ended.items():
            record = record.worked(name, found.seen, at, self.id)
        return record

    def _next(self, record: FleetRecord, count: int) -> list[str]:
        services = self.services
        if count < 1 or services.stop() or services.frozen() or record.freezes:
            return []
        self.turns.record = record
        return self.turns.next(services.clock.now(), count, self._under_way)

    def _claimed(self, record: FleetRecord, names: list[str]) -> FleetRecord:
        services, now = self.services, self.services.clock.now()
        by = claim(self.id, services.author.get("actor", ""), now, services.fleet.time + _MARGIN)
        for name in names:
            member = self._member(name)
            if member.credentials:
                record = record.accepted(member.credentials, self.turns.address(member))
        record = record.opened(self.turns.progress(now).wave, services.commit)
        return record.claimed(names, by, now)

    def _member(self, name: str) -> FleetMember:
        return next(one for one in self.services.fleet.members if one.name == name)


def _applying(member: FleetMember, heads: Heads) -> tuple[str, ...]:
    return (*words(member, "apply", heads), "--unattended")
