"""Work on the members whose turn it is, wave after wave; what came of each stands in fleet.lock.

The members' own lockfiles see to it that nothing is sent twice, whoever works on a member and
however often. This sees to the order, and to it that a stopped wave lets nobody pass.
"""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import NamedTuple

from qflow_gitops.apply import events
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import ExitCode, StaleError, UsageProblem, worst
from qflow_gitops.fleet.engines.engine import Engine
from qflow_gitops.fleet.looking import Looked, exit_of, glance, look_on
from qflow_gitops.fleet.planning import looked_at
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.telling import outcome, told
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.fleet.worker import Worker
from qflow_gitops.lockfile.fleet import FLEET_LOCK, FleetRecord, Release
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.results.fleets import FleetTold, Turn
from qflow_gitops.results.report import Report
from qflow_gitops.sources.reasons import given

WAVE, CREDENTIALS = "wave", "credentials"
"""What a person can release: a stopped wave, by its number; credentials that would go to another
address, by how many members have such."""
_NAP = 1.0
_NOTHING = "No member was worked on."


class Asked(NamedTuple):
    """What a person asks for; `patience` is how many seconds a soak may be waited for."""

    acks: Mapping[str, int]
    reason: str = ""
    patience: float = 0.0


def apply(
    services: FleetServices, engine: Engine, asked: Asked
) -> Generator[events.Event, None, Report]:
    """Work on members. Raises UsageProblem for a release of what isn't held, and LockError.

    The exit code is the worst of the members that were worked on; 9 as long as one is in doubt,
    5 where anything is held, 6 where another apply works on what is left, 7 where another went on
    to a commit that this one doesn't descend from.
    """
    # What a person lets go has to stand so: a glance takes for due what moved since it was seen,
    # and a plan what only an apply ends badly of.
    turns = yield from looked_at(services, look_on if asked.acks else glance)
    release(services, turns, asked)
    worker = Worker(services, turns)
    until = services.clock.monotonic() + asked.patience
    while True:
        for name in engine.run(worker):
            yield events.Said(_ended(name, worker.worked[name], len(worker.worked)))
        if worker.overtaken or not (yield from _soaked(services, turns, until)):
            break
    body = told(services, turns, applied=True)
    report = Report("fleet apply", *code_of(body, worker.worked), body=body)
    return as_overtaken(services, worker, report)


def as_overtaken(services: FleetServices, worker: Worker, report: Report) -> Report:
    """Return the report of who another has overtaken, if so: what came of members stays in it."""
    if not worker.overtaken:
        return report
    problem = _overtaken(services, worker.overtaken)
    code = worst([report.exit_code, problem.exit_code])
    reason = problem.reason if code is problem.exit_code else report.reason
    return replace(report, exit_code=code, reason=reason, error=problem)


def _overtaken(services: FleetServices, latest: str) -> StaleError:
    return StaleError(
        f"Another apply of the fleet has gone on to commit {latest[:10]} meanwhile, and "
        f"{services.commit[:10]} doesn't descend from that.",
        where=services.store.where,
        not_done="No more members were begun. What came of those that were is recorded.",
        hint="That one does the rest. Look at how it stands: `qflow-gitops fleet status`",
        reason="superseded",
    )


def _soaked(
    services: FleetServices, turns: Turns, until: float
) -> Generator[events.Event, None, bool]:
    """Wait until a soak is over; False where none ends in time."""
    clock = services.clock
    found = turns.progress(clock.now())
    opens = 0.0 if found.stopped else found.opens
    if not opens or clock.monotonic() + opens - clock.now().timestamp() > until:
        return False
    yield events.Said(f"The next wave begins in {opens - clock.now().timestamp():,.0f} s.")
    while clock.now().timestamp() < opens:
        if services.stop():
            return False
        clock.sleep(min(_NAP, opens - clock.now().timestamp()))
    return True


def release(services: FleetServices, turns: Turns, asked: Asked) -> None:
    """Record what a person lets go, once it is what is held. Raises UsageProblem, StaleError."""
    if not asked.acks:
        return
    reason, at_first = given(asked.reason, _NOTHING, FLEET_LOCK), turns.record.commit

    def decided(record: FleetRecord) -> FleetRecord:
        if record.commit != at_first and services.is_behind(record.commit):
            raise _overtaken(services, record.commit)
        turns.record = record
        for name, number in asked.acks.items():
            if name not in _RELEASES:
                raise _isnt_so(services, f"A fleet has no hold `{name}`.")
            record = _RELEASES[name](services, turns, record, number, reason)
        return record

    written = services.store.change(decided)
    if written is not None:
        turns.record = written


def _wave(
    services: FleetServices, turns: Turns, record: FleetRecord, number: int, reason: str
) -> FleetRecord:
    """Forgive the members that failed in a wave that is stopped, as they stand now."""
    found = turns.progress(services.clock.now())
    if not found.stopped or number != found.wave:
        held = f"wave {found.wave} is stopped" if found.stopped else "no wave is stopped"
        right = f"wave={found.wave}" if found.stopped else ""
        raise _isnt_so(services, f"Wave {number} isn't stopped: {held}.", right)
    if found.doubtful:
        raise UsageProblem(
            f"Wave {number} has members in doubt, which nobody can let pass: "
            f"{', '.join(found.doubtful)}.",
            not_done=_NOTHING,
            hint="Settle it in a clone of the member: `qflow-gitops reconcile`",
            reason="in_doubt",
        )
    failed = {name: turns.looked[name].seen for name in found.failed}
    commits = {name: seen.commit for name, seen in failed.items()}
    parts = {name: seen.part for name, seen in failed.items() if seen.part}
    by, at = services.author.get("actor", ""), stamp(services.clock.now())
    return record.released(Release(number, commits, services.commit, by, at, reason, parts))


def _credentials(
    services: FleetServices, turns: Turns, record: FleetRecord, number: int, reason: str
) -> FleetRecord:
    """Let credentials go where they never went; who said so is in the release."""
    held = [member for member in turns.fleet.members if turns.elsewhere(member)]
    if not held or number != len(held):
        many = f"{len(held):,} member{'' if len(held) == 1 else 's'}"
        said = f"{many} would take credentials to another address, not {number:,}."
        raise _isnt_so(services, said, f"credentials={len(held)}" if held else "")
    for member in held:
        record = record.accepted(member.credentials, turns.address(member))
    by, at = services.author.get("actor", ""), stamp(services.clock.now())
    commits = {member.name: "" for member in held}
    return record.released(Release(0, commits, services.commit, by, at, reason))


def _on_record(
    services: FleetServices, _: Turns, record: FleetRecord, number: int, reason: str
) -> FleetRecord:
    """Record that somebody let this commit of the fleet be applied all the same."""
    if number != 1:
        raise _isnt_so(services, "A commit is let go by 1.", "NAME=1")
    by, at = services.author.get("actor", ""), stamp(services.clock.now())
    return record.released(Release(0, {}, services.commit, by, at, reason))


def _unmerged(
    services: FleetServices, turns: Turns, record: FleetRecord, number: int, reason: str
) -> FleetRecord:
    """Let this commit be applied though no branch holds it, now and by each later command."""
    whole = _on_record(services, turns, record, number, reason)
    return whole.let_be_applied(services.commit)


def _anew(
    services: FleetServices, turns: Turns, record: FleetRecord, number: int, reason: str
) -> FleetRecord:
    """Let go of the commit before this one, which is none that anybody could go back to."""
    whole = _on_record(services, turns, record, number, reason)
    return whole.let_go(services.commit) if record.commit != services.commit else whole


_RELEASES = {
    WAVE: _wave,
    CREDENTIALS: _credentials,
    "unmerged": _unmerged,
    "rewritten": _anew,
    "moved": _anew,
}


def _isnt_so(services: FleetServices, message: str, right: str = "") -> UsageProblem:
    """Say that a release is of nothing that is held; `right` is what is, "" for nothing."""
    meant = f"If that is meant: `{services.command} --ack {right} --reason TEXT`"
    way = meant if right else f"`{services.look}` shows what is held, and its number."
    return UsageProblem(message, not_done=_NOTHING, hint=way, reason="ack_differs")


def _ended(name: str, found: Looked, number: int) -> str:
    return f"{number:,}. {name}: {outcome(found.seen)}"


def code_of(body: FleetTold, worked: Mapping[str, Looked]) -> tuple[ExitCode, str]:
    """Return how the work on members ends, and a word for it."""
    let_pass = {one.name for one in body.members if one.standing is MemberStanding.FORGIVEN}
    codes = [exit_of(one.seen.exit_code) for name, one in worked.items() if name not in let_pass]
    if any(one.standing is MemberStanding.DOUBT for one in body.members):
        codes.append(ExitCode.IN_DOUBT)
    if body.having(Turn.HOLD):
        codes.append(ExitCode.HELD)
    if any(one.turn is Turn.WAIT and one.claimed for one in body.members):
        codes.append(ExitCode.BUSY)
    code = worst(codes)
    reason = "members" if code else "ok"
    if code is ExitCode.HELD:
        reason = "frozen" if body.frozen else "wave" if body.stopped else "members_held"
    return code, reason
