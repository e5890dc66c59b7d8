"""What each member's own report tells, side by side, for an auditor of the whole fleet. Looks only.

A member's report is made by its own program, in its own process and with its own credentials.
"""

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from qflow_gitops.apply import events
from qflow_gitops.audit.span import Span
from qflow_gitops.base.addresses import without_secrets
from qflow_gitops.base.times import stamp
from qflow_gitops.errors import ExitCode, QflowError, worst
from qflow_gitops.fleet.clones import Heads
from qflow_gitops.fleet.looking import environment, exit_of, side_by_side
from qflow_gitops.fleet.services import FleetServices
from qflow_gitops.fleet.turns import Turns
from qflow_gitops.results.fleets import FleetReported, MemberReported
from qflow_gitops.results.report import Report
from qflow_gitops.settings.fleet import FleetMember


class Wanted(NamedTuple):
    """What is asked for; each member's pages go into a folder below `stage`, None for no pages."""

    span: Span
    stage: Path | None = None


def report(services: FleetServices, wanted: Wanted) -> Generator[events.Event, None, Report]:
    """Have each member report. The exit code is the worst of those that couldn't. Raises LockError.

    Where a member's credentials never went they don't go for a report either.
    """
    record, fleet = services.at_first(), services.fleet
    turns = Turns.remembered(services, record)
    found = {
        one.name: _unread(one, f"its credentials were never used for {address}", ExitCode.HELD)
        for one in fleet.members
        if (address := turns.elsewhere(one))
    }
    left = [one for one in fleet.members if one.name not in found]
    work = partial(_reported, services, wanted)
    for name, one in side_by_side(left, fleet.at_once, work, services.stop):
        found[name] = one
        yield events.Said(f"{len(found):,} of {len(fleet.members):,}: {name}")
    never = partial(_unread, problem="it was ended before", code=ExitCode.OK)
    members = tuple(found.get(one.name) or never(one) for one in fleet.members)
    span = wanted.span
    body = FleetReported(
        services.commit, stamp(services.clock.now()), span.since, span.until, members
    )
    code = worst([exit_of(one.exit_code) for one in members])
    reason = "members" if code else "ok"
    return Report("fleet report", code, reason, body=body)


def words(member: FleetMember, wanted: Wanted, _heads: Heads) -> tuple[str, ...]:
    """Return what is typed after the program's name."""
    since = ("--since", wanted.span.since) if wanted.span.since else ()
    until = ("--until", wanted.span.until) if wanted.span.until else ()
    output = ("--output", str(wanted.stage / member.name)) if wanted.stage else ()
    return ("report", *environment(member), *since, *until, *output)


def _reported(services: FleetServices, wanted: Wanted, member: FleetMember) -> MemberReported:
    try:
        _, done = services.reach.work(member, partial(words, member, wanted))
    except QflowError as problem:
        return _unread(member, f"{problem.message} {problem.hint}".strip(), problem.exit_code)
    told: Mapping[str, Any] = done.report or {}
    counts, compared = told.get("counts"), told.get("compared")
    if done.exit_code or not isinstance(counts, Mapping) or not isinstance(compared, Mapping):
        error = told.get("error")
        said = error.get("message") if isinstance(error, Mapping) else ""
        why = done.problem or str(said or "it gave no report that can be read")
        return _unread(member, why, exit_of(done.exit_code) or ExitCode.BUG)
    return MemberReported(
        member.name,
        without_secrets(member.repository),
        member.environment,
        {str(name): number for name, number in counts.items() if type(number) is int},
        tuple(str(one.get("text", "")) for one in _maps(compared.get("differences"))),
        tuple(map(str, compared.get("limits") or ())),
        has_pages=wanted.stage is not None,
    )


def _unread(member: FleetMember, problem: str, code: ExitCode) -> MemberReported:
    address = without_secrets(member.repository)
    return MemberReported(
        member.name, address, member.environment, problem=problem, exit_code=int(code)
    )


def _maps(found: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
