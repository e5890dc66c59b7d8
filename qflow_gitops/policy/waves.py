"""Which members of a fleet may be worked on, by what became of those before them.

Pure. As a rollout is, waves are a schedule and not a state: where they stand is told by the
members alone, so that any process goes on where another one was.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from qflow_gitops.policy.rollout import Share


class Counting(StrEnum):
    """What a member that didn't end well means for its wave."""

    COUNT = "count"
    """It counts against the failures that a wave may have, and the wave ends without it."""
    WAIT = "wait"
    """The wave isn't over until it is settled."""
    PASS = "pass"  # noqa: S105  a word, not a password
    """It is as good as done."""


class Outcomes(NamedTuple):
    """What each way to end that isn't a good one means."""

    failure: Counting = Counting.COUNT
    doubt: Counting = Counting.WAIT
    hold: Counting = Counting.WAIT


class Wave(NamedTuple):
    """Members that are worked on together; `soak` is in seconds.

    Those with the labels of `select`, else so many that with those of the waves before they are
    `percent` of all, rounded up, else all that are left.
    """

    select: Mapping[str, str] | None = None
    percent: int | None = None
    max_failures: Share = Share(0)
    soak: float = 0.0


class MemberStanding(StrEnum):
    """How a member stands."""

    DONE = "done"
    """Nothing is left to do."""
    FORGIVEN = "forgiven"
    """It didn't end well, and a person lets the waves go on all the same."""
    FAILED = "failed"
    OPEN = "open"
    """Runs of it are under way."""
    DOUBT = "doubt"
    """Nobody knows whether one of its runs was started."""
    HELD = "held"
    UNSENT = "unsent"
    """Runs of it are due."""


class WaveMember(NamedTuple):
    """A member of a fleet; `ended` is when its last execution ended (seconds), 0 for none."""

    name: str
    labels: Mapping[str, str]
    standing: MemberStanding
    ended: float = 0.0


class Labelled(Protocol):
    """What waves take members by."""

    @property
    def name(self) -> str:
        """Its name in the fleet."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""


class Scheduled(Protocol):
    """What a fleet says of its waves."""

    @property
    def members(self) -> Sequence[Labelled]:
        """The members that it names, in order."""

    @property
    def waves(self) -> Sequence[Wave]:
        """Its waves."""

    @property
    def outcomes(self) -> Outcomes:
        """What the ways to end mean."""


def waves_of(waves: Sequence[Wave], members: Sequence[Labelled]) -> list[list[str]]:
    """Return the names of each wave's members, without those that a wave before it has.

    What no wave has comes in a last one. Only waves that have nobody behind them are left out, so
    that each other one has the place that it has in the file.
    """
    left = {member.name: member for member in members}
    found: list[list[str]] = []
    for wave in (*waves, Wave()):
        names = list(left)
        if wave.select is not None:
            wanted = wave.select.items()
            names = [name for name, each in left.items() if wanted <= each.labels.items()]
        elif wave.percent is not None:
            over = len(members) - len(left)
            part = Share(wave.percent, percent=True).at_least(len(members))
            names = names[: max(0, part - over)]
        for name in names:
            del left[name]
        found.append(names)
    while found and not found[-1]:
        found.pop()
    return found


class WaveProgress(NamedTuple):
    """How far the waves of a fleet may go: `allowed` are those that may be worked on now.

    `wave` is the number of the first one that isn't over, from 1 on, one more than there are where
    all are. `opens` is when a soak ends (seconds since the epoch), 0 for none. `failed`,
    `doubtful` and `held` name members. They are `stopped` until a person decides. `waits_for` are
    those that keep the next wave from being begun.
    """

    allowed: frozenset[str]
    wave: int
    opens: float = 0.0
    failed: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    stopped: bool = False
    waits_for: tuple[str, ...] = ()


def progress(
    fleets: Sequence[Scheduled], members: Sequence[WaveMember], now: float
) -> WaveProgress:
    """Say how far several fleets, of which each holds, let these members go.

    The one that was applied last comes first: it takes its members by the labels, and in the
    order, that they have there, so that a change of these loosens nothing either. Where the others
    contradict it, so that nobody could ever be worked on, its order holds. `now` is in seconds
    since the epoch.
    """
    reached = [_reached(each, members, now) for each in fleets]
    over = frozenset.intersection(*(each.over for each in reached))
    opens = max(each.opens for each in reached)
    stopped = any(each.stopped for each in reached)
    least = min(reached, key=lambda each: (each.ended, each.wave))
    let_go = frozenset.intersection(*(each.let_go for each in reached)) - over
    if not let_go and not opens and not stopped:
        let_go = reached[0].let_go - over
    named = {
        standing: tuple(each.name for each in members if each.standing is standing)
        for standing in MemberStanding
    }
    return WaveProgress(
        let_go,
        least.wave,
        opens,
        named[MemberStanding.FAILED],
        named[MemberStanding.DOUBT],
        named[MemberStanding.HELD],
        stopped,
        least.waits_for,
    )


class _Reached(NamedTuple):
    """How far one fleet is: `let_go` are those that it keeps from nothing, `over` or not."""

    let_go: frozenset[str]
    over: frozenset[str]
    wave: int
    waits_for: tuple[str, ...] = ()
    opens: float = 0.0
    stopped: bool = False
    ended: bool = False


_UNDER_WAY = (MemberStanding.OPEN, MemberStanding.DOUBT)
"""Those that are worked on even where everything is stopped: nothing else says how they end."""


def _reached(fleet: Scheduled, members: Sequence[WaveMember], now: float) -> _Reached:
    by_name = {member.name: member for member in members}
    means = {member.name: _meaning(member.standing, fleet.outcomes) for member in members}
    over = frozenset(name for name, meaning in means.items() if meaning is not Counting.WAIT)
    failures = {name for name, meaning in means.items() if meaning is Counting.COUNT}
    in_doubt = any(
        member.standing is MemberStanding.DOUBT and member.name not in over for member in members
    )
    groups = waves_of(fleet.waves, _as_named(fleet.members, members))
    waves = (*fleet.waves, Wave())
    before: set[str] = set()
    for number, (group, wave) in enumerate(zip(groups, waves, strict=False), 1):
        before.update(group)
        most = wave.max_failures.at_most(len(members))
        waits_for = tuple(name for name in by_name if name in before and name not in over)
        opens = _soaks_until(wave, [by_name[name].ended for name in before], now)
        stopped = len(failures & before) > most
        if waits_for or stopped or (opens and number < len(groups)):
            # Whoever is in doubt stops all, in the wave that isn't over: that one is told of it.
            stopped = stopped or in_doubt or len(failures) > most
            let_go = before
            if stopped:
                let_go = {name for name in before if by_name[name].standing in _UNDER_WAY}
            opens = 0.0 if waits_for else opens
            return _Reached(frozenset(let_go), over, number, waits_for, opens, stopped)
    return _Reached(frozenset(by_name), over, len(groups) + 1, ended=True)


def _soaks_until(wave: Wave, ends: Sequence[float], now: float) -> float:
    """Return when the soak of a wave ends, 0 where it has, and where nothing has ended yet.

    Without a soak nothing is waited for: an end that was rounded to a second may be yet to come.
    """
    ended = max(ends, default=0.0)
    return ended + wave.soak if wave.soak and ended and now < ended + wave.soak else 0.0


def _meaning(standing: MemberStanding, outcomes: Outcomes) -> Counting:
    """Say what a standing means for a wave: over, over as a failure, or not over."""
    return {
        MemberStanding.DONE: Counting.PASS,
        MemberStanding.FORGIVEN: Counting.PASS,
        MemberStanding.FAILED: outcomes.failure,
        MemberStanding.DOUBT: outcomes.doubt,
        MemberStanding.HELD: outcomes.hold,
    }.get(standing, Counting.WAIT)


def _as_named(named: Sequence[Labelled], members: Sequence[WaveMember]) -> Sequence[Labelled]:
    """Return members in the order, and with the labels, that a fleet has for them; others last."""
    there = {member.name for member in members}
    known = [each for each in named if each.name in there]
    names = {each.name for each in known}
    return [*known, *(member for member in members if member.name not in names)]
