"""A fleet as lines for a person: its waves, then the members that need a look."""

from collections.abc import Iterator

from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.layout import Line, Table
from qflow_gitops.render.marks import Mark, Marked, hint
from qflow_gitops.render.signs import BY_SIGN
from qflow_gitops.results.fleets import (
    FleetReported,
    FleetTold,
    MemberReported,
    MemberTold,
    Turn,
    WaveTold,
)

SHOWN = 50
"""Members that fit on a screen; `-v` shows all."""
LOOSENED = "fleet.yaml holds less than before, once all waves are over"
SIGNS = {Turn.RUN: "+", Turn.WAIT: "…", Turn.HOLD: "!", Turn.SKIP: "·"}
_STANDINGS = {
    MemberStanding.DONE: "done",
    MemberStanding.FORGIVEN: "forgiven",
    MemberStanding.FAILED: "failed",
    MemberStanding.OPEN: "under way",
    MemberStanding.DOUBT: "in doubt",
    MemberStanding.HELD: "held",
    MemberStanding.UNSENT: "due",
}


_CAME_OUT = {MemberStanding.DONE: "✓", MemberStanding.FAILED: "✗", MemberStanding.DOUBT: "?"}
_CAME = tuple(one.value for one in MemberStanding)
"""What counts of an apply are called: it tells what came of runs beside what was planned."""
_PLANNED = {"run": "to run", "wait": "to wait", "hold": "held", "skip": "skipped"}


def standing(one: MemberStanding) -> str:
    """Return how a member stands, in words for people."""
    return _STANDINGS[one]


def fleet(body: FleetTold, *, each: bool = False) -> Iterator[Line]:
    """What holds all of it first, then wave by wave, then whom it is about."""
    if body.frozen:
        yield Mark.WARNING(f"! Everything is held: {clean(body.frozen)}")
    if body.loosened:
        yield Mark.WARNING(f"! {LOOSENED}: {clean('; '.join(body.loosened))}")
    yield f"{summed_up(body)}; {clean(body.where)}, version {body.serial:,}"
    for wave in body.waves:
        yield _wave(wave, body)
    shown = [one for one in body.members if each or one.turn is not Turn.SKIP or one.worked]
    cut = shown if each else shown[:SHOWN]
    if cut:
        yield ""
    yield Table(
        ("", "MEMBER", "WAVE", "STANDS", "RUNS", "COMMIT", "WHY"), [_row(one) for one in cut]
    )
    if len(cut) < len(shown):
        yield f"  … {len(shown) - len(cut):,} more (-v: all)"
    for way in dict.fromkeys(one.way for one in cut if one.way):
        yield hint(clean(way))


def summed_up(body: FleetTold) -> str:
    """Say how many members there are, and what is done with them."""
    turns = {turn: len(body.having(turn)) for turn in Turn}
    words = {
        Turn.RUN: "now",
        Turn.WAIT: "later",
        Turn.HOLD: "held",
        Turn.SKIP: "with nothing to do",
    }
    said = [f"{number:,} {words[turn]}" for turn, number in turns.items() if number]
    worked = sum(one.worked for one in body.members)
    if body.applied:
        said = [f"{worked:,} worked on", *said]
    return f"{count(len(body.members), 'member')}: {', '.join(said)}" if said else "No members"


def runs(one: MemberTold) -> str:
    """Count a member's runs: by what came of them, where it was applied, else by what is due."""
    counts = {name: number for name, number in one.counts.items() if number}
    came = [
        f"{counts[name]:,} {_STANDINGS[MemberStanding(name)]}" for name in _CAME if name in counts
    ]
    planned = {"hold": _PLANNED["hold"]} if came else _PLANNED
    left = [f"{counts[name]:,} {words}" for name, words in planned.items() if name in counts]
    return ", ".join([*came, *left])


def sign_of(wave: WaveTold, body: FleetTold) -> str:
    """Say by a sign whether a wave is over, or stopped."""
    return "✓" if wave.is_over else "✗" if body.stopped and wave.number == body.wave else "…"


def sign_of_member(one: MemberTold) -> str:
    """Say by a sign what came of a member that was worked on, or what is done with another one."""
    came = _CAME_OUT.get(one.standing, "") if one.worked else ""
    return came or SIGNS[one.turn]


def _wave(wave: WaveTold, body: FleetTold) -> str:
    parts = [f"{number:,} {standing(one)}" for one, number in wave.standings.items() if number]
    soak = f"; the next one begins at {wave.opens}" if wave.opens else ""
    sign = sign_of(wave, body)
    who = f"{sign} Wave {wave.number}"
    rest = f": {count(wave.members, 'member')}, {', '.join(parts)}"
    return Marked(BY_SIGN[sign](who), f"{rest}; at most {wave.max_failures} may fail{soak}")


def _row(one: MemberTold) -> tuple[str, ...]:
    sign = sign_of_member(one)
    return (
        BY_SIGN[sign](sign),
        clean(one.name),
        str(one.wave),
        standing(one.standing),
        runs(one),
        one.commit[:10],
        clean(one.problem or one.why),
    )


def reported(body: FleetReported) -> Iterator[Line]:
    """Tell the members' reports: a line each, then what differs and what couldn't be read."""
    read = sum(not one.problem for one in body.members)
    yield f"{count(len(body.members), 'member')}, {read:,} reported"
    rows = [
        (clean(one.name), clean(one.problem) if one.problem else outcomes(one),
         f"{len(one.differences):,}", f"{len(one.limits):,}")
        for one in body.members
    ]  # fmt: skip
    yield Table(("MEMBER", "ATTEMPTS", "DIFFERENCES", "NOT LOOKED AT"), rows)
    for one in body.members:
        for each in one.differences:
            yield Mark.WARNING(f"! {clean(one.name)}: {clean(each)}")


def outcomes(one: MemberReported) -> str:
    """Count a member's attempts by what came of them."""
    found = {name: number for name, number in one.counts.items() if number}
    told = (name for name in found if name not in ("runs", "attempts"))
    return ", ".join(f"{found[name]:,} {clean(name.replace('_', ' '))}" for name in told)
