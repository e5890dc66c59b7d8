"""A fleet as lines for a person: its waves, then the members that need a look."""

from collections import Counter
from collections.abc import Iterator, Sequence

from qflow_gitops.policy.rollout import share_of
from qflow_gitops.policy.waves import MemberStanding
from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.layout import Line, Table
from qflow_gitops.render.marks import Mark, Marked, hint
from qflow_gitops.render.signs import BY_SIGN
from qflow_gitops.results.fleets import (
    STANDINGS,
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
_TURNS = {
    Turn.RUN: "now",
    Turn.WAIT: "later",
    Turn.HOLD: "held",
    Turn.SKIP: "with nothing to do",
}
_ORDER = ("now", "later", "failed", "in doubt", "held", "with nothing to do")
_NAMED = 3
"""So many members are named of those that stop a wave."""
SIGNS = {Turn.RUN: "+", Turn.WAIT: "…", Turn.HOLD: "!", Turn.SKIP: "·"}
_CAME_OUT = {MemberStanding.DONE: "✓", MemberStanding.FAILED: "✗", MemberStanding.DOUBT: "?"}
_CAME = tuple(one.value for one in MemberStanding)
"""What counts of an apply are called: it tells what came of runs beside what was planned."""
_PLANNED = {"run": "to run", "wait": "to wait", "hold": "held", "skip": "skipped"}


def fleet(body: FleetTold, *, each: bool = False) -> Iterator[Line]:
    """What holds all of it first, then wave by wave, then whom it is about."""
    if body.frozen:
        yield Mark.WARNING(f"! Everything is held: {clean(body.frozen)}")
    if body.loosened:
        yield Mark.WARNING(f"! {LOOSENED}: {clean('; '.join(body.loosened))}")
    seen = ", as each was seen last" if body.remembered else ""
    yield f"{summed_up(body)}{seen}; {clean(body.where)}, version {body.serial:,}"
    for wave in body.waves:
        yield _wave(wave, body)
    shown = [one for one in body.members if each or one.turn is not Turn.SKIP or one.worked]
    cut = shown if each else shown[:SHOWN]
    if cut:
        yield ""
    yield Table(
        ("", "MEMBER", "WAVE", "STANDS", "RUNS", "SEEN", "COMMIT", "WHY"),
        [_row(one, body) for one in cut],
    )
    if len(cut) < len(shown):
        yield f"  … {len(shown) - len(cut):,} more (-v: all)"
    yield from (hint(clean(way)) for way in ways(body, cut))


def ways(body: FleetTold, shown: Sequence[MemberTold]) -> Iterator[str]:
    """Say what a person types about members that are shown, and of one where to read it all."""
    yield from dict.fromkeys(one.way for one in shown if one.way)
    if first := next((one for one in shown if one.clone), None):
        yield f"All that {first.name} needs is said by its own plan: {first.clone}"
    if body.remembered:
        yield "What moved since then: `qflow-gitops fleet plan`"


def summed_up(body: FleetTold) -> str:
    """Say how many members there are, and what is done with them."""
    counts = Counter(map(_done_with, body.members))
    said = [f"{counts[words]:,} {words}" for words in _ORDER if counts[words]]
    worked = sum(one.worked for one in body.members)
    if body.applied:
        said = [f"{worked:,} worked on", *said]
    return f"{count(len(body.members), 'member')}: {', '.join(said)}" if said else "No members"


def _done_with(one: MemberTold) -> str:
    """Say in a word what is done with a member; of one that is held, what it ended in."""
    ended = one.standing in (MemberStanding.FAILED, MemberStanding.DOUBT)
    return STANDINGS[one.standing] if one.turn is Turn.HOLD and ended else _TURNS[one.turn]


def runs(one: MemberTold) -> str:
    """Count a member's runs: by what came of them, where it was applied, else by what is due."""
    counts = {name: number for name, number in one.counts.items() if number}
    came = [
        f"{counts[name]:,} {STANDINGS[MemberStanding(name)]}" for name in _CAME if name in counts
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


def may_fail(wave: WaveTold, body: FleetTold) -> str:
    """Say how many of the fleet may fail up to a wave: the number, and what the file says."""
    share = wave.max_failures
    most = share_of(share).at_most(_size(body))
    return f"{most:,} ({share})" if share.endswith("%") else share


def stopped_by(wave: WaveTold, body: FleetTold) -> str:
    """Say why a wave is stopped, "" for one that isn't: it may be by members of later ones."""
    if not (body.stopped and wave.number == body.wave):
        return ""
    named = {
        standing: [clean(one.name) for one in body.members if one.standing is standing]
        for standing in (MemberStanding.FAILED, MemberStanding.DOUBT)
    }
    failed, doubtful = named.values()
    parts = [f"{_some(failed)} failed"] if failed else []
    parts += [f"{_some(doubtful)} {'is' if len(doubtful) == 1 else 'are'} in doubt"] * bool(
        doubtful
    )
    if not doubtful and 0 < len(failed) <= share_of(wave.max_failures).at_most(_size(body)):
        parts.append("the waves of the commit before let fewer fail, and hold until all are over")
    return "; ".join(parts)


def _size(body: FleetTold) -> int:
    """Return how many members the fleet has: not all of them may be told of."""
    return sum(wave.members for wave in body.waves)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return f"{', '.join(names[:_NAMED])} and {more:,} more" if more > 0 else ", ".join(names)


def _wave(wave: WaveTold, body: FleetTold) -> str:
    parts = [f"{number:,} {STANDINGS[one]}" for one, number in wave.standings.items() if number]
    soak = f"; the next one begins at {wave.opens}" if wave.opens else ""
    sign, why = sign_of(wave, body), stopped_by(wave, body)
    who = f"{sign} Wave {wave.number}{' is stopped' if sign == '✗' else ''}"
    rest = f": {count(wave.members, 'member')}, {', '.join(parts)}"
    may = f"; at most {may_fail(wave, body)} may fail{f'; {why}' if why else ''}{soak}"
    return Marked(BY_SIGN[sign](who), rest + may)


def _row(one: MemberTold, body: FleetTold) -> tuple[str, ...]:
    sign = sign_of_member(one)
    return (
        BY_SIGN[sign](sign),
        clean(one.name),
        str(one.wave),
        STANDINGS[one.standing],
        runs(one),
        one.seen_at if body.remembered else "",
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
