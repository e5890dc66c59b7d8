"""A fleet as JSON."""

from typing import Any

from qflow_gitops.results.fleets import (
    FleetReported,
    FleetTold,
    MemberReported,
    MemberTold,
    Turn,
    WaveTold,
)


def fleet(body: FleetTold) -> dict[str, Any]:
    """Return what is told of a fleet; what isn't known is null."""
    return {
        "commit": body.commit or None,
        "lock": {"where": body.where, "serial": body.serial},
        "frozen": body.frozen or None,
        "wave": body.wave,
        "stopped": body.stopped,
        "counts": {turn.value: len(body.having(turn)) for turn in Turn},
        "waves": [_wave(each) for each in body.waves],
        "members": [_member(each) for each in body.members],
        "loosened": list(body.loosened),
    }


def _wave(wave: WaveTold) -> dict[str, Any]:
    return {
        "number": wave.number,
        "members": wave.members,
        "standings": {one.value: number for one, number in wave.standings.items()},
        "maxFailures": wave.max_failures,
        "soak": wave.soak,
        "opensAt": wave.opens or None,
        "over": wave.is_over,
    }


def _member(one: MemberTold) -> dict[str, Any]:
    return {
        "name": one.name,
        "wave": one.wave,
        "action": one.turn.value,
        "standing": one.standing.value,
        "repository": one.repository,
        "environment": one.environment or None,
        "commit": one.commit or None,
        "counts": dict(one.counts),
        "exitCode": one.exit_code,
        "reason": one.reason,
        "detail": one.problem or one.why,
        "hint": one.way,
        "endedAt": one.ended or None,
        "seenAt": one.seen_at or None,
        "worked": one.worked,
    }


def reported(body: FleetReported) -> dict[str, Any]:
    """Return what the members' reports tell."""
    return {
        "commit": body.commit or None,
        "madeAt": body.made_at,
        "since": body.since or None,
        "until": body.until or None,
        "members": [_reported(each) for each in body.members],
    }


def _reported(one: MemberReported) -> dict[str, Any]:
    return {
        "name": one.name,
        "repository": one.repository,
        "environment": one.environment or None,
        "counts": None if one.problem else dict(one.counts),
        "differences": list(one.differences),
        "limits": list(one.limits),
        "problem": one.problem or None,
        "exitCode": one.exit_code,
    }
