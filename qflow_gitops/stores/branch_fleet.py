"""`fleet.lock` on a branch of the fleet repository's remote, for any number of workers.

Each write is a commit on top of the one that was read, pushed only if the branch is still there.
What is read is trusted only if it follows what this clone knew, and lacks nothing of that; a clone
that knew nothing looks at the last step.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.fleet import FLEET_LOCK, FleetRecord, MemberRecord, missing_in
from qflow_gitops.lockfile.fleet_codec import from_bytes, to_bytes
from qflow_gitops.lockfile.walk import PLAIN
from qflow_gitops.ports.lock_branch import Known, LockBranch
from qflow_gitops.stores.branch_pushing import Pushing
from qflow_gitops.stores.branch_session import ROUNDS, contended
from qflow_gitops.stores.checks import NOTHING_DONE
from qflow_gitops.stores.together import Together

BRANCH = "qflow-fleet"
_PAUSE = 0.05  # seconds; the least that a pause after a lost race is counted in
_LONGEST = 1.5
_NAMED = 3
"""So many members are named in the first line of a commit's message."""
_README = b"""\
# The fleet's record of qflow-gitops

`fleet.lock` says who works on which project of the fleet now, how each was seen last, and what
people decided: waves that go on in spite of failures, freezes. What was sent to Qualys is in each
project's own lockfile, not here. Only `qflow-gitops` writes here. Protect the branch against
deletion and force-pushes.
"""


class BranchFleetStore:
    """Implements `ports.fleet.FleetStore`. `author` is who commits, as the lockfile says it."""

    def __init__(self, branch: LockBranch, author: Mapping[str, str]) -> None:
        """Take the branch, which need not be there yet."""
        self._branch = branch
        self._push = Pushing(branch, author)
        self._seen: tuple[str, FleetRecord] | None = None  # the last that was read, and trusted
        self._together = Together(lambda: self._load()[1], self._changed)

    @property
    def where(self) -> str:
        """The file, the branch and its remote, for people."""
        return f"{FLEET_LOCK} on {self._branch.where}"

    def read(self) -> FleetRecord:
        """Return the newest record."""
        return self._together.read()

    def change(self, decide: Callable[[FleetRecord], FleetRecord | None]) -> FleetRecord | None:
        """Push what is decided, as often as it takes; see `ports.fleet.FleetStore`."""
        return self._together.change(decide)

    def _changed(self, decide: Callable[[FleetRecord], FleetRecord | None]) -> FleetRecord | None:
        for lost in range(ROUNDS):
            tip, before = self._load()
            new = decide(before)
            if new is None or new == before:
                return None
            begun = time.monotonic()
            if written := self._written(tip, before, new):
                return written
            _step_back(lost, time.monotonic() - begun)
        raise contended(self.where, "Nothing of this was written to fleet.lock.")

    def _written(self, tip: str, before: FleetRecord, new: FleetRecord) -> FleetRecord | None:
        content = to_bytes(replace(new, serial=before.serial + 1))
        written = from_bytes(content, self.where)  # what couldn't be read again isn't pushed
        files = {FLEET_LOCK: content} if tip else {"README.md": _README, FLEET_LOCK: content}
        commit = self._push(tip, files, written.serial, _told(before, written))
        if not commit:
            return None
        self._seen = (commit, written)
        return written

    def _load(self) -> tuple[str, FleetRecord]:
        """Return the remote's newest commit and its record, both trusted."""
        known = self._branch.known()
        tip = self._branch.fetch()
        self._check_followed(tip, known.commit)
        if not tip:
            return "", FleetRecord()
        if self._seen is None or self._seen[0] != tip:
            record = self._record(tip)
            self._check_kept(tip, record, known)
            if known.checked != tip:
                self._branch.remember(tip)
            self._seen = (tip, record)
        return self._seen

    def _check_followed(self, tip: str, known: str) -> None:
        """Refuse a branch that is gone, or isn't what this clone knew and more commits."""
        if not known or tip == known:
            return
        if not tip:
            raise LockError(
                f"The fleet's branch is gone; this clone knows it as {known[:10]}.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"Put it back: `{self._branch.push_command(known)}`",
                reason="fleet_gone",
            )
        follows = self._branch.descends(tip, known)
        # A clone that is cut off may lack the proof.
        if not follows and not (self._branch.complete(tip) and self._branch.descends(tip, known)):
            back = self._branch.push_command(known, force=True)
            raise LockError(
                f"The fleet's branch was rewritten: it was at {known[:10]} when this clone saw it "
                f"last, and {tip[:10]} doesn't descend from that.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"Find out who pushed it: `git log -3 {tip}`. To put it back: `{back}`",
                reason="fleet_rewritten",
            )

    def _check_kept(self, tip: str, record: FleetRecord, known: Known) -> None:
        """Refuse a record that lacks something of the one before it."""
        base = self._seen[0] if self._seen else known.checked or known.commit
        base = base if base not in ("", tip) else next(iter(self._branch.parents(tip)), "")
        before = self._seen[1] if self._seen and self._seen[0] == base else None
        if before is None and base:
            with contextlib.suppress(LockError):  # broken, and put right in the commit after it
                before = self._record(base)
        missing = missing_in(record, before) if before else ()
        if missing:
            back = self._branch.push_command(base, force=True)
            raise LockError(
                f"fleet.lock isn't what it was plus more, in {tip[:10]}: "
                f"{'; '.join(missing[:_NAMED])}.",
                where=self.where,
                not_done=NOTHING_DONE,
                hint=f"Find out who pushed it: `git log -3 {tip}`. To put it back: `{back}`",
                reason="fleet_rewritten",
            )

    def _record(self, commit: str) -> FleetRecord:
        found = [each for each in self._branch.entries(commit) if each.path == FLEET_LOCK]
        if [each.mode for each in found] != [PLAIN]:
            raise self._broken(commit, f"The commit {commit[:10]} holds no file fleet.lock.")
        (content,) = self._branch.blobs([found[0].blob])
        try:
            return from_bytes(content, self.where)
        except LockError as problem:
            if problem.reason == "fleet_broken":
                raise self._broken(commit, problem.message) from None
            raise

    def _broken(self, commit: str, message: str) -> LockError:
        before = next(iter(self._branch.parents(commit)), "")
        look = f"Find out who made it: `git log -3 {commit}`"
        back = f". To put back the one before it: `{self._branch.push_command(before, force=True)}`"
        return LockError(
            message,
            where=self.where,
            not_done=NOTHING_DONE,
            hint=look + (back if before else ""),
            reason="fleet_broken",
        )


def _step_back(lost: int, took: float) -> None:
    """Wait before the record is read again: longer after each race lost in a row, at random."""
    unit = max(_PAUSE, took) * 2 ** min(lost, 6)
    time.sleep(random.uniform(0, min(unit, _LONGEST)))  # noqa: S311  no secret


def _told(before: FleetRecord, after: FleetRecord) -> str:
    """Say what a write does, in the first line of its commit's message."""
    told = [*islice(_changes(before, after), _NAMED + 1)]
    more = ", and more" if len(told) > _NAMED else ""
    return f"fleet: {', '.join(told[:_NAMED])}{more}"


def _changes(before: FleetRecord, after: FleetRecord) -> Iterator[str]:
    for event in after.freeze[len(before.freeze) :]:
        yield event.event
    for release in after.releases[len(before.releases) :]:
        yield f"wave {release.wave} released" if release.wave else "a hold released"
    for name, member in after.members.items():
        was = before.member(name)
        if member != was:
            yield f"{name} {_change(was, member)}"
    if before.open and not after.open:
        yield "waves closed"
    elif (before.open, before.commit) != (after.open, after.commit) and after.open:
        yield f"wave {after.open} open at {after.commit[:10]}"
    elif before.open_until != after.open_until:
        yield f"wave {after.open} open until {after.open_until}"
    if before.credentials != after.credentials:
        yield "another address for credentials"


def _change(was: MemberRecord, member: MemberRecord) -> str:
    if member.seen and (member.seen, member.at) != (was.seen, was.at):
        return member.seen.standing
    return f"claimed by {member.claim.by}" if member.claim else "given back"
