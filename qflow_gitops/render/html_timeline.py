"""The picture of runs over time: a lane for each outcome of each environment, and for rollouts.

Attempts are counted by spans of time, at most `MOST`, so that many of them take no more room than
few. What a lane means is written before it; colour only repeats it.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base.times import moment
from qflow_gitops.render.escape import count
from qflow_gitops.render.html_words import MARKS, SIGNS, TITLES
from qflow_gitops.results.evidence import AttemptEvidence, Evidence, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qflow_gitops.base.names import RunKey

MOST, FEWEST = 124, 24
"""Spans of time: each is a column, and so many that a few of them don't look like more."""
WIDTH, LEFT, RIGHT = 1000, 188, 92
PLOT = WIDTH - LEFT - RIGHT
ROW, HEAD, FOOT = 24, 34, 28
TALL, LOW = 17.0, 3.0
MOST_ENVIRONMENTS, MOST_GROUPS = 12, 8
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY,
    7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 364 * _DAY, 3640 * _DAY, 36_400 * _DAY,
)  # fmt: skip
_MONDAY = 4 * _DAY
"""Seconds from 1970 to its first Monday, with which weeks begin."""

_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""The first and the last second that a date can be of, in seconds since 1970."""


class Scale(NamedTuple):
    """Where times are: `begin` in seconds since 1970, `step` seconds for each of `bins`."""

    begin: int
    step: int
    bins: int

    def bin_of(self, at: float) -> int:
        """Return the span that a time is in; of one outside the nearest."""
        return max(0, min(self.bins - 1, int((at - self.begin) // self.step)))

    def x(self, place: float) -> float:
        """Return where a span begins in the picture."""
        return round(LEFT + PLOT * place / self.bins, 1)

    def named(self, place: int, *, short: bool = False) -> str:
        """Say when a span begins: a day, and the time where spans are shorter."""
        seconds = max(_FIRST, min(_LAST, self.begin + place * self.step))
        at = datetime.fromtimestamp(seconds, UTC)
        day = f"{at:%Y-%m-%d}"
        return day if self.step >= _DAY else f"{day[5:] if short else day} {at:%H:%M}"


class Box(NamedTuple):
    """A rectangle, and what it says where somebody points at it."""

    x: float
    y: float
    width: float
    height: float
    says: str


class Lane(NamedTuple):
    """A row: its words before and behind, where it is, and its boxes."""

    label: str
    total: str
    mark: str
    y: int
    boxes: tuple[Box, ...]
    is_band: bool = False


class Tick(NamedTuple):
    """A time on the axis."""

    x: float
    words: str


class Counted(NamedTuple):
    """The attempts of one environment in one span of time, for who reads a table instead."""

    begins: str
    environment: str
    counts: Mapping[Outcome, int]


class Picture(NamedTuple):
    """All that is drawn; `says` is the same in sentences, `left_out` what isn't drawn."""

    height: int
    heads: tuple[Lane, ...]
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    step: str
    says: str
    left_out: str
    counted: tuple[Counted, ...]


class _Seen(NamedTuple):
    attempt: AttemptEvidence
    at: float
    group: RunKey | None


def drawn(evidence: Evidence) -> Picture | None:
    """Draw the attempts whose time is known, None where there is none."""
    seen = [
        _Seen(one, at, run.group)
        for run in evidence.runs
        for one in run.attempts
        if (at := _seconds(one.opened_at)) is not None
    ]
    if not seen:
        return None
    scale = _scaled([one.at for one in seen])
    by_environment: dict[str, list[_Seen]] = {}
    for one in seen:
        by_environment.setdefault(one.attempt.key[0], []).append(one)
    order = sorted(by_environment, key=lambda name: (-len(by_environment[name]), name))
    heads: list[Lane] = []
    lanes: list[Lane] = []
    left_out: list[str] = []
    y = 0
    for name in order[:MOST_ENVIRONMENTS]:
        some = by_environment[name]
        heads.append(Lane(name, count(len(some), "attempt"), "", y, ()))
        made, rest = _lanes_of(scale, some, y + HEAD)
        lanes += made
        y += HEAD + ROW * len(made)
        left_out += [f"of {name} {count(rest, 'more rollout')}"] if rest else []
    if len(order) > MOST_ENVIRONMENTS:
        left_out.append(count(len(order) - MOST_ENVIRONMENTS, "more environment"))
    return Picture(
        y + FOOT, tuple(heads), tuple(lanes), _ticks(scale), _step_named(scale.step),
        _said(evidence, scale, seen), "; ".join(left_out), _counted(scale, by_environment),
    )  # fmt: skip


def _seconds(at: str) -> float | None:
    try:
        return moment(at).timestamp() if at else None
    except (ValueError, OverflowError):
        return None


def _scaled(times: Sequence[float]) -> Scale:
    """Cut the time from the first to the last into spans that people know."""
    first, last = min(times), max(times)
    step = next((one for one in _STEPS if (last - first) / one < MOST - 2), _STEPS[-1])
    start = _MONDAY if step > _DAY else 0
    begin = int((first - start) // step) * step + start
    bins = int((last - begin) // step) + 1
    if bins < FEWEST:
        begin, bins = begin - (FEWEST - bins) // 2 * step, FEWEST
    return Scale(begin, step, bins)


def _lanes_of(scale: Scale, some: Sequence[_Seen], y: int) -> tuple[list[Lane], int]:
    """Draw an environment: its outcomes, then its rollouts, and how many of these are left out."""
    bins: dict[Outcome, Counter[int]] = {}
    for one in some:
        bins.setdefault(one.attempt.outcome, Counter())[scale.bin_of(one.at)] += 1
    most = max(max(each.values()) for each in bins.values())
    lanes: list[Lane] = []
    for outcome in (one for one in Outcome if one in bins):
        boxes = _columns(scale, bins[outcome], most, y + ROW * (len(lanes) + 1), TITLES[outcome])
        total = f"{bins[outcome].total():,}"
        label = f"{SIGNS[outcome]} {TITLES[outcome]}"
        lanes.append(Lane(label, total, MARKS[outcome], y + ROW * len(lanes), boxes))
    groups: dict[RunKey, list[_Seen]] = {}
    for one in some:
        if one.group is not None:
            groups.setdefault(one.group, []).append(one)
    order = sorted(groups, key=lambda key: (-len(groups[key]), key))
    for key in order[:MOST_GROUPS]:
        lanes.append(_band(scale, key, groups[key], y + ROW * len(lanes)))
    return lanes, max(0, len(order) - MOST_GROUPS)


def _columns(
    scale: Scale, counts: Mapping[int, int], most: int, floor: int, word: str
) -> tuple[Box, ...]:
    """Draw a column for each span; its height grows with the root, so that one is still seen."""
    gap = 1.5 if scale.bins < 72 else 0.8
    made = []
    for place, number in sorted(counts.items()):
        height = round(max(LOW, TALL * (number / most) ** 0.5), 1)
        x = scale.x(place)
        width = round(scale.x(place + 1) - x - gap, 1)
        says = f"{scale.named(place)}: {number:,} {word.lower()}"
        made.append(Box(x, round(floor - height, 1), width, height, says))
    return tuple(made)


def _band(scale: Scale, key: RunKey, some: Sequence[_Seen], y: int) -> Lane:
    """Draw a rollout: a band over each time in which its targets were sent."""
    places = sorted({scale.bin_of(one.at) for one in some})
    spans: list[list[int]] = []
    for place in places:
        if spans and place - spans[-1][1] <= 1:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    counts = Counter(one.attempt.outcome for one in some)
    told = ", ".join(f"{counts[one]:,} {TITLES[one].lower()}" for one in Outcome if counts[one])
    targets = count(len({one.attempt.key for one in some}), "target")
    boxes = tuple(
        Box(scale.x(first), y + 7, round(scale.x(last + 1) - scale.x(first) - 1.5, 1), 11,
            f"{key[1]}, {targets}: {told}")
        for first, last in spans
    )  # fmt: skip
    return Lane(f"Rollout {key[1]}", targets, "band", y, boxes, is_band=True)


def _ticks(scale: Scale) -> tuple[Tick, ...]:
    """Name about six of the spans' beginnings."""
    every = max(1, round(scale.bins / 6))
    return tuple(
        Tick(scale.x(place), scale.named(place, short=True))
        for place in range(0, scale.bins - every // 2, every)
    )


def _step_named(step: int) -> str:
    for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if step >= size:
            return (
                f"{'an' if word == 'hour' else 'a'} {word}"
                if step == size
                else f"{step // size:,} {word}s"
            )
    return ""


def _said(evidence: Evidence, scale: Scale, seen: Sequence[_Seen]) -> str:
    """Say what the picture shows, for who doesn't see it."""
    parts = [f"{count(len(seen), 'attempt')} by {_step_named(scale.step)}."]
    by_environment: dict[str, Counter[Outcome]] = {}
    for one in seen:
        by_environment.setdefault(one.attempt.key[0], Counter())[one.attempt.outcome] += 1
    for name, counts in sorted(by_environment.items()):
        told = ", ".join(f"{counts[one]:,} {TITLES[one].lower()}" for one in Outcome if counts[one])
        parts.append(f"{name}: {told}.")
    groups = {run.group for run in evidence.runs if run.group is not None and run.attempts}
    if groups:
        parts.append(f"{count(len(groups), 'rollout')} as bands.")
    return " ".join(parts)


def _counted(scale: Scale, by_environment: Mapping[str, Iterable[_Seen]]) -> tuple[Counted, ...]:
    counts: dict[tuple[int, str], Counter[Outcome]] = {}
    for name, some in by_environment.items():
        for one in some:
            key = (scale.bin_of(one.at), name)
            counts.setdefault(key, Counter())[one.attempt.outcome] += 1
    return tuple(
        Counted(scale.named(place), name, counts[place, name]) for place, name in sorted(counts)
    )
