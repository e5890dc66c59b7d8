"""How all members stand, side by side, and whose turn it would be. Looks only."""

from collections.abc import Generator

from qflow_gitops.apply import events
from qflow_gitops.errors import ExitCode, worst
from qflow_gitops.fleet.looking import Look, Looked, exit_of, look, never, side_by_side
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.telling import clocks, told
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.results.fleets import FleetTold, Turn
from qflow_gitops.results.report import Report
from qflow_gitops.settings.fleet import FleetMember
from qflow_gitops.settings.fleet_loosening import loosened

_EVERY = 50
"""So many members are looked at between two words about how far it is."""
OUTCOMES = frozenset(
    {
        ExitCode.OK,
        ExitCode.RUN_FAILED,
        ExitCode.HELD,
        ExitCode.BUSY,
        ExitCode.STILL_RUNNING,
        ExitCode.IN_DOUBT,
    }
)
"""What an apply that could work may end with; with any other code a member could not be read."""


def plan(
    services: FleetServices, *, exit_code: bool = False
) -> Generator[events.Event, None, Report]:
    """Plan every member. Raises LockError where fleet.lock can't be read.

    The exit code is the worst of those that could not be planned; with `exit_code` it is 10 where
    all could, and any is to be worked on.
    """
    turns = yield from looked_at(services)
    losses = (loss for before in services.before for loss in loosened(before, services.fleet))
    body = told(services, turns)._replace(loosened=tuple(dict.fromkeys(losses)))
    return _reported("fleet plan", body, exit_code=exit_code)


def status(services: FleetServices, *, exit_code: bool = False) -> Report:
    """Tell what fleet.lock says, without a look at any member. Raises LockError."""
    turns = Turns.remembered(services, services.at_first())
    body = told(services, turns)._replace(remembered=True)
    if not exit_code:
        return Report("fleet status", body=body)
    code = worst([exit_of(one.exit_code) for one in body.members])
    reason = "members" if code else "ok"
    return Report("fleet status", code, reason, body=body)


def looked_at(services: FleetServices, how: Look = look) -> Generator[events.Event, None, Turns]:
    """Look at every member, as long as nobody asks to stop; say whether clocks differ."""
    record = services.at_first()
    if said := clocks(record, services.clock.now()):
        yield events.Said(said)
    turns = Turns.remembered(services, record)
    # Where credentials never went they don't go for a look either: nobody knows how it stands.
    elsewhere = {one.name: never(one) for one in services.fleet.members if turns.elsewhere(one)}
    turns.looked |= elsewhere
    members = [one for one in services.fleet.members if one.name not in elsewhere]

    def looked(member: FleetMember) -> Looked:
        return how(member, record.member(member.name), services.reach)

    every = side_by_side(members, services.fleet.at_once, looked, services.stop)
    for seen, (name, found) in enumerate(every, 1):
        turns.looked[name] = found
        if seen % _EVERY == 0:
            yield events.Said(f"{seen:,} of {len(members):,} members looked at.")
    return turns


def _reported(command: str, body: FleetTold, *, exit_code: bool) -> Report:
    codes = (exit_of(one.exit_code) for one in body.members)
    code = worst([each for each in codes if each not in OUTCOMES])
    if code:
        return Report(command, code, "members", body=body)
    if exit_code and (body.having(Turn.RUN) or body.having(Turn.WAIT)):
        return Report(command, ExitCode.PENDING, "pending", body=body)
    return Report(command, body=body)
