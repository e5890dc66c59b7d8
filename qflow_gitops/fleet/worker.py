"""Works on members: claims them in fleet.lock, has them applied, and records what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from qflow_gitops.base.times import moment, stamp
from qflow_gitops.errors import LockError, QflowError
from qflow_gitops.fleet.clones import Heads
from qflow_gitops.fleet.looking import LASTS, Looked, look, looked, remembered, unseen, words
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.lockfile.fleet import FleetRecord, MemberRecord, claim
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.settings.fleet import FleetMember

MARGIN = 60.0
"""Seconds by which a claim outlasts the time that a member's process may take: that one ends by
itself before (`fleet.work`), should nobody be there to end it."""


@dataclass
class Worker:
    """One process' part in a fleet's apply. `worked` are the members that it worked on.

    `overtaken` is the commit that another has gone on to meanwhile, if any: nothing is begun any
    more then. Of two that claim a member at once one gets it, by the compare-and-swap of
    fleet.lock. Nobody claims anything where everything is frozen or somebody asked to stop.
    """

    services: FleetServices
    turns: Turns
    worked: dict[str, Looked] = field(default_factory=dict)
    overtaken: str = ""

    @property
    def lasts(self) -> float:
        """How many seconds a claim does: somebody who died keeps a member for so long."""
        return self.services.fleet.time + MARGIN

    def take(self, count: int, ended: Mapping[str, Looked]) -> list[str]:
        """Record what came of members, and claim as many as may be begun; both in one write."""
        self.turns.looked.update(ended)
        self.worked.update(ended)
        taken: list[str] = []

        def decided(record: FleetRecord) -> FleetRecord | None:
            taken.clear()
            self._hear(record, ended)
            new = self._recorded(record, ended)
            taken.extend(self._next(new, count))
            opened = self._opened(new, taken, self.lasts) if taken else self._ended(new)
            new = self._claimed(opened, taken)
            return new if new != record else None

        self._change(decided)
        self.turns.begun.update(taken)
        return taken

    def publish(self, before: FleetRecord, lasts: float) -> list[str]:
        """Open the wave whose turn it is to workers elsewhere; give the members whose turn it is.

        It is open for so many seconds, and half of them are always left: who published it may die,
        and as time goes on it says less of how members stand that nobody has looked at since. They
        know how the members stand by fleet.lock alone. So what was seen since `before` was
        read goes there, but for what another has recorded meanwhile, which is newer: `worked` has
        it from then on, unless the member is still to be worked on.
        """
        found: list[str] = []

        def decided(record: FleetRecord) -> FleetRecord | None:
            new = record
            for name, one in self.turns.looked.items():
                is_news = record.member(name).is_newer(before.member(name))
                if is_news and (seen := record.member(name).of(one.seen.part).seen):
                    self._learned(name, Looked(one.heads, seen, worked=True))
                elif one.seen != before.member(name).seen:
                    new = self._recorded(new, {name: one})
                    # As it is written, so that the next time it is no news.
                    self.turns.looked[name] = one._replace(seen=new.members[name].seen or one.seen)
            found[:] = self._next(new, len(self.turns.looked))
            new = self._opened(new, found, lasts) if found else self._ended(new)
            return new if new != record else None

        self._change(decided)
        return found

    def take_one(self, name: str) -> bool:
        """Claim exactly this member, where it is its turn by what fleet.lock says of the others.

        Its wave has to be open at this commit: `publish`, or an apply, did that. A later one isn't
        begun before somebody has looked at all members since, however those before it stand.
        """
        member = self.turns.member(name)
        before = self.turns.record.member(name)
        own = None
        lasts = before.seen and before.seen.standing in LASTS
        if lasts and not self.turns.elsewhere(member):
            own = look(member, before, self.services.reach)
        taken = False

        def decided(record: FleetRecord) -> FleetRecord | None:
            nonlocal taken
            taken = False
            self.turns.record = record
            self.turns.looked = remembered(self.services.fleet.members, record)
            if own and record.member(name).seen == before.seen:
                self.turns.looked[name] = own
            now = self.services.clock.now()
            if self._is_held(record) or not record.is_open(self.services.commit, now):
                return None
            is_here = self.turns.last_wave([name]) <= record.open
            taken = is_here and self.turns.may_begin(name, now)
            return self._claimed(record, [name]) if taken else None

        self._change(decided)
        return taken

    def record_one(self, name: str, ended: Looked) -> None:
        """Record what came of a member, and leave the waves to whoever opened them."""
        self.worked[name] = self.turns.looked[name] = ended
        self._change(lambda record: self._recorded(record, {name: ended}))
        self.turns.begun.add(name)

    def give_back(self, name: str) -> None:
        """End the claim on a member that wasn't worked on to its end."""
        self._change(lambda record: record.given_back([name], self.services.id))

    def close(self) -> None:
        """Close the waves: workers elsewhere begin nothing before somebody opens one again."""
        commit = self.services.commit
        self._change(lambda record: record.closed() if record.commit == commit else None)

    def carry_out(self, name: str) -> Looked:
        """Have one member applied, in a process of its own; one that can't be has failed."""
        member = self.turns.member(name)
        heads = None
        try:
            heads = self.services.reach.heads(member)
            heads, found = self.services.reach.work(
                member, partial(_applying, member, self.turns.record)
            )
        except QflowError as problem:
            return unseen(member, problem, heads, worked=True)
        told = looked(member, heads, found, worked=True)
        return self._dated(name, told) if found.report else self._unanswered(member, told)

    def _unanswered(self, member: FleetMember, told: Looked) -> Looked:
        """Ask how a member stands whose process gave no answer: it may have sent something."""
        if self.services.stop():
            return told
        after = look(member, MemberRecord(), self.services.reach)
        if after.standing not in (MemberStanding.DOUBT, MemberStanding.OPEN):
            return told
        return told._replace(seen=told.seen._replace(standing=after.standing))

    def _dated(self, name: str, found: Looked) -> Looked:
        """Say when a member was done that had nothing left: else its wave wouldn't soak.

        Somebody may have sent all of it, and have died before it said so: nobody knows since when
        it is done at a commit where it wasn't seen to be.
        """
        before, now = self.turns.looked[name].seen, found.seen
        if now.ended or found.standing is not MemberStanding.DONE:
            return found
        known = before.standing is MemberStanding.DONE and before.commit == now.commit
        ended = before.ended if known else self.services.clock.now().timestamp()
        return found._replace(seen=now._replace(ended=ended))

    def _learned(self, name: str, found: Looked) -> None:
        """Note how another left a member."""
        self.turns.looked[name] = found
        if found.standing is not MemberStanding.UNSENT:
            self.worked[name] = found
            self.turns.begun.add(name)

    def _change(self, decided: Callable[[FleetRecord], FleetRecord | None]) -> None:
        def of_the_living(record: FleetRecord) -> FleetRecord | None:
            free = without_the_dead(record, self.services.is_dead)
            return decided(free) or (free if free != record else None)

        written = self.services.store.change(of_the_living)
        if written is not None:
            self.turns.record = written

    def _hear(self, record: FleetRecord, ended: Mapping[str, Looked]) -> None:
        """Take over what others recorded meanwhile: their failures stop a wave here as well.

        But not that a member is done at another commit than the one that was seen here.
        """
        for name, found in self.turns.looked.items():
            seen = record.member(name).of(found.seen.part).seen
            if seen is None or seen == self.turns.record.member(name).seen or name in ended:
                continue
            moved = found.heads is not None and found.heads.commit != seen.commit
            if not (moved and seen.standing == MemberStanding.DONE):
                self.turns.looked[name] = found._replace(seen=seen)

    def _recorded(self, record: FleetRecord, ended: Mapping[str, Looked]) -> FleetRecord:
        at = stamp(self.services.clock.now())
        for name, found in ended.items():
            record = record.worked(name, found.seen, at, self.services.id)
        return record

    def _next(self, record: FleetRecord, count: int) -> list[str]:
        self.turns.record = record
        if count < 1 or self._is_held(record) or self._is_overtaken(record):
            return []
        return self.turns.next(self.services.clock.now(), count)

    def _is_held(self, record: FleetRecord) -> bool:
        return bool(self.services.stop() or self.services.frozen() or record.freezes)

    def _is_overtaken(self, record: FleetRecord) -> bool:
        """Whether another apply has gone on to a commit that this one doesn't descend from."""
        if self.services.is_behind(record.commit):
            self.overtaken = record.commit
        return bool(self.overtaken)

    def _opened(self, record: FleetRecord, names: Sequence[str], lasts: float) -> FleetRecord:
        """Open the wave of whose turn it is, or prolong it once half of its time is over.

        Not where an inventory lists members: jobs and workers don't know of these, and would begin
        whom it isn't the turn of.
        """
        if self.services.inventory:
            return record.closed().opened(0, self.services.commit, "")
        now, commit = self.services.clock.now(), self.services.commit
        wave, until = self.turns.last_wave(names), stamp(now + timedelta(seconds=lasts))
        if not record.is_open(commit, now):
            return record.closed().opened(wave, commit, until)
        left = moment(record.open_until) - now
        return record.opened(wave, commit, until if 2 * left.total_seconds() < lasts else "")

    def _ended(self, record: FleetRecord) -> FleetRecord:
        """Close the waves where nobody is left; where all are over, the commit before is done."""
        now, mine = self.services.clock.now(), record.commit == self.services.commit
        if not mine or any(record.holder(name, now) for name in record.members):
            return record
        found = self.turns.progress(now)
        is_over = not (found.waits_for or found.opens or found.stopped)
        return record.closed().settled() if is_over else record.closed()

    def _claimed(self, record: FleetRecord, names: list[str]) -> FleetRecord:
        services, now = self.services, self.services.clock.now()
        by = claim(services.id, services.author.get("actor", ""), now, self.lasts)
        for name in names:
            member = self.turns.member(name)
            if member.credentials:
                record = record.accepted(member.credentials, self.turns.address(member))
        return record.claimed(names, by, now)


def without_the_dead(record: FleetRecord, is_dead: Callable[[str], bool]) -> FleetRecord:
    """Give back what processes of this clone claimed that are no more."""
    claims = {one.claim.id for one in record.members.values() if one.claim}
    for name in filter(is_dead, claims):
        record = record.given_back(record.held(name), name)
    return record


def work_on(services: FleetServices, name: str) -> Worker:
    """Claim exactly this member, have it applied, and record what came of it.

    `worked` has it afterwards, and is empty where it wasn't its turn, or not in the fleet.
    """
    turns = Turns.remembered(services, services.at_first())
    worker = Worker(services, turns)
    if name in turns.looked and worker.take_one(name):
        worker.record_one(name, worker.carry_out(name))
    return worker


def _applying(member: FleetMember, record: FleetRecord, heads: Heads) -> tuple[str, ...]:
    """Return the words of an apply. Raises LockError where the member's lockfile is gone."""
    known = record.member(member.name).seen
    if known and known.lock_commit and not heads.lock_commit:
        raise LockError(
            f"The lockfile's branch of the member {member.name} is gone; it was at "
            f"{known.lock_commit[:10]}, and without it all would be sent again.",
            not_done="Nothing of this member was sent.",
            hint="Put it back from a clone that has it: `git push origin "
            f"{known.lock_commit}:refs/heads/BRANCH`. If the member's repository is another one "
            "now, give the member another name.",
            reason="member_lock_gone",
        )
    return (*words(member, "apply", heads), "--unattended")
