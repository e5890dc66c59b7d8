"""A fleet as Markdown: a job summary, or a comment on a ticket, shows it."""

from collections.abc import Iterable

from qflow_gitops.render.escape import count
from qflow_gitops.render.markdown_blocks import Part, Piece, cell, code, fit, prose
from qflow_gitops.render.markdown_plans import SUMMARY_LIMIT
from qflow_gitops.render.textfleet import (
    LOOSENED,
    may_fail,
    runs,
    sign_of,
    sign_of_member,
    stopped_by,
    summed_up,
    ways,
)
from qflow_gitops.results.fleets import STANDINGS, FleetTold, MemberTold, Turn, WaveTold

_WAVES = ("", "Wave", "Members", "Stand", "May fail", "Goes on")
_MEMBERS = ("", "Member", "Wave", "Stands", "Runs", "Commit", "Why")
_REMEMBERED = ("", "Member", "Wave", "Stands", "Runs", "Seen", "Commit", "Why")


def fleet(body: FleetTold) -> str:
    """Return the waves, the members that need a look, and what to type about them."""
    shown = [one for one in body.members if one.turn is not Turn.SKIP or one.worked]
    columns = _REMEMBERED if body.remembered else _MEMBERS
    more = f"| | … and {{}} more {'| ' * (len(columns) - 2)}|\n"
    rows = [_member(one, body) for one in shown]
    members = Part(rows, _table("Members", columns), more=more)
    typed = Part([f"- {prose(way)}\n" for way in ways(body, shown)],
                 "\n#### What to type\n\n", more="- … and {} more\n")  # fmt: skip
    stopped = [why for each in body.waves if (why := stopped_by(each, body))]
    seen = ", as each was seen last" if body.remembered else ""
    frozen = f"\n**Everything is held:** {code(body.frozen)}\n" if body.frozen else ""
    losses = "".join(f"- {cell(each)}\n" for each in body.loosened)
    loosened = f"\n**{LOOSENED}:**\n\n{losses}" if losses else ""
    pieces: list[Piece] = [
        f"### Fleet: {summed_up(body)}\n",
        frozen,
        loosened,
        _table("Waves", _WAVES),
        *(_wave(each, body) for each in body.waves),
        *(f"\nWave {body.wave} is stopped: {prose(why)}.\n" for why in stopped),
        *([members] if shown else []),
        *([typed] if typed.entries else []),
        f"\nFrom {code(body.where)}, version {body.serial:,}{seen}.\n",
    ]
    return fit(pieces, [(members, 0.8), (typed, 0.5)], SUMMARY_LIMIT)


def _table(title: str, columns: Iterable[str]) -> str:
    names = [*columns]
    heads, rule = " | ".join(names), " | ".join("---" for _ in names)
    return f"\n#### {title}\n\n| {heads} |\n| {rule} |\n"


def _wave(wave: WaveTold, body: FleetTold) -> str:
    stand = ", ".join(f"{number:,} {STANDINGS[one]}" for one, number in wave.standings.items())
    opens = cell(wave.opens) if wave.opens else ""
    members = count(wave.members, "member")
    sign = sign_of(wave, body)
    return f"| {sign} | {wave.number} | {members} | {stand} | {may_fail(wave, body)} | {opens} |\n"


def _in_a_cell(words: str) -> str:
    """Put a sentence into a cell, which a pipe would end in a code span, too."""
    return prose(words.replace("\\|", "\\x5c|")).replace("|", "\\|")


def _member(one: MemberTold, body: FleetTold) -> str:
    why = one.problem or one.why
    commit = cell(one.commit[:10]) if one.commit else ""
    at = cell(one.seen_at) if one.seen_at else ""
    seen = f"| {at} " if body.remembered else ""
    return (
        f"| {sign_of_member(one)} | {cell(one.name)} | {one.wave} | {STANDINGS[one.standing]} "
        f"| {runs(one)} {seen}| {commit} | {_in_a_cell(why)} |\n"
    )
