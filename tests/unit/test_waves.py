"""How far the waves of a fleet may go, by what became of its members."""

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qflow_gitops.policy import waves
from qflow_gitops.policy.rollout import Share
from qflow_gitops.policy.waves import (
    Counting,
    MemberStanding,
    Outcomes,
    Wave,
    WaveMember,
    WaveProgress,
    waves_of,
)
from qflow_gitops.settings.fleet import Fleet, FleetMember

DONE, FAILED, DOUBT, HELD, OPEN, UNSENT, FORGIVEN = (
    MemberStanding(word)
    for word in ("done", "failed", "doubt", "held", "open", "unsent", "forgiven")
)
NOW = 1e9
CANARY = {"tier": "canary"}

LABELS: st.SearchStrategy[dict[str, str]] = st.sampled_from([{}, CANARY, {"tier": "late"}])
SHARES = st.one_of(
    st.integers(0, 9).map(Share), st.integers(0, 100).map(lambda n: Share(n, percent=True))
)
WAVES = st.lists(
    st.one_of(
        st.builds(Wave, LABELS, st.none(), SHARES),
        st.builds(Wave, st.none(), st.integers(1, 100), SHARES),
        st.builds(Wave, st.none(), st.none(), SHARES),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
OUTCOMES = st.builds(Outcomes, *[st.sampled_from(list(Counting))] * 3)


@st.composite
def fleets(draw: st.DrawFn, count: int = 1, most: int = 12) -> tuple[list[Fleet], list[WaveMember]]:
    """Draw fleets of the same members, in any order and with any labels, and how these stand."""
    names = [f"m{number}" for number in range(draw(st.integers(1, most)))]
    found = [
        Fleet(
            tuple(FleetMember(name, "/a", labels=draw(LABELS)) for name in order),
            draw(WAVES),
            outcomes=draw(OUTCOMES),
        )
        for order in [draw(st.permutations(names)) for _ in range(count)]
    ]
    members = [
        WaveMember(each.name, each.labels, draw(st.sampled_from(list(MemberStanding))))
        for each in found[-1].members
    ]
    return found, members


def fleet(*given: Wave, **more: Any) -> Fleet:
    return Fleet((), given or (Wave(),), **more)


def members(*standings: MemberStanding, canaries: int = 0) -> list[WaveMember]:
    return [
        WaveMember(str(place), CANARY if place < canaries else {}, standing)
        for place, standing in enumerate(standings)
    ]


def progress(one: Fleet, some: list[WaveMember], now: float = NOW) -> WaveProgress:
    return waves.progress([one], some, now)


def is_over(one: Fleet, member: WaveMember) -> bool:
    means = {FAILED: one.outcomes.failure, DOUBT: one.outcomes.doubt, HELD: one.outcomes.hold}
    if member.standing in means:
        return means[member.standing] is not Counting.WAIT
    return member.standing in (DONE, FORGIVEN)


# --- who is in which wave ------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "count", "sizes"),
    [
        ([Wave()], 5, [5]),
        ([Wave(percent=25), Wave(percent=50)], 8, [2, 2, 4]),
        ([Wave(percent=25)], 9, [3, 6]),
        ([Wave(percent=1), Wave()], 300, [3, 297]),
        ([Wave(percent=1)], 1, [1]),
        ([Wave(percent=100), Wave()], 4, [4]),
        ([Wave(select=CANARY), Wave(percent=25), Wave()], 8, [3, 0, 5]),
        ([Wave(select=CANARY), Wave(percent=50)], 8, [3, 1, 4]),
        ([Wave(percent=25), Wave(select=CANARY)], 8, [2, 1, 5]),
        ([Wave(select={"tier": "none"}), Wave()], 2, [0, 2]),
        ([Wave(select=CANARY)], 0, []),
    ],
)
def test_waves_are_cumulative_and_percentages_rounded_up(
    given: list[Wave], count: int, sizes: list[int]
) -> None:
    some = members(*[UNSENT] * count, canaries=3)
    assert [len(each) for each in waves_of(given, some)] == sizes


@given(fleets())
def test_each_member_is_in_one_wave_and_no_last_one_is_empty(
    drawn: tuple[list[Fleet], list[WaveMember]],
) -> None:
    ((one,), some) = drawn
    groups = waves_of(one.waves, one.members)
    assert sorted(name for group in groups for name in group) == sorted(each.name for each in some)
    assert groups[-1]
    labels = {each.name: each.labels for each in one.members}
    over = 0
    for wave, group in zip(one.waves, groups, strict=False):
        if wave.percent is not None:
            wanted = ceil(Fraction(wave.percent * len(some), 100))
            assert over + len(group) == max(over, wanted)
        if wave.select is not None:
            assert all(wave.select.items() <= labels[name].items() for name in group)
        over += len(group)


def test_more_than_one_label_has_to_be_there() -> None:
    some = [
        WaveMember("a", {"tier": "canary", "region": "eu"}, UNSENT),
        WaveMember("b", CANARY, UNSENT),
    ]
    assert waves_of([Wave(select={"region": "eu", **CANARY})], some) == [["a"], ["b"]]


# --- how far they may go -------------------------------------------------------------


@given(fleets())
def test_no_member_of_a_later_wave_goes_while_an_earlier_one_is_not_over(
    drawn: tuple[list[Fleet], list[WaveMember]],
) -> None:
    ((one,), some) = drawn
    found = progress(one, some)
    over = {each.name for each in some if is_over(one, each)}
    assert not found.allowed & over
    groups = waves_of(one.waves, one.members)
    for number, group in enumerate(groups):
        before = {name for earlier in groups[:number] for name in earlier}
        if before - over:
            assert not found.allowed & set(group)
    if found.wave <= len(groups):
        reached = {name for group in groups[: found.wave] for name in group}
        assert found.allowed <= reached
        assert set(found.waits_for) == reached - over
        assert found.stopped or found.allowed == reached - over
    else:
        assert over == {each.name for each in some}
        assert not found.stopped


@given(fleets(), st.data())
def test_a_member_that_is_done_now_keeps_nobody_back(
    drawn: tuple[list[Fleet], list[WaveMember]], data: st.DataObject
) -> None:
    (found, some) = drawn
    place = data.draw(st.integers(0, len(some) - 1))
    later = [*some]
    later[place] = later[place]._replace(standing=DONE)
    before, after = progress(found[0], some), progress(found[0], later)
    assert before.allowed - {some[place].name} <= after.allowed
    assert before.wave <= after.wave
    assert before.stopped or not after.stopped or before.wave < after.wave


def contradicting() -> tuple[list[Fleet], list[WaveMember]]:
    """One waits for a failure and what is open beside it, the other for what the first has later.

    The failure is over for the other one, and in a wave that that one hasn't reached.
    """
    names = tuple(f"m{number}" for number in (0, 1, 6, 2, 3, 4, 5, 7, 8, 9))
    late = {"tier": "late"}
    one = Fleet(
        tuple(FleetMember(each, "/a") for each in names), (Wave(percent=21),),
        outcomes=Outcomes(failure=Counting.WAIT),
    )  # fmt: skip
    other = Fleet(
        tuple(FleetMember(each, "/a", labels=late if each == "m2" else {}) for each in names),
        (Wave(select=late),),
        outcomes=Outcomes(failure=Counting.PASS),
    )
    standing = {"m1": OPEN, "m2": OPEN, "m6": FAILED}
    some = [WaveMember(e.name, e.labels, standing.get(e.name, DONE)) for e in other.members]
    return [one, other], some


@given(fleets(2))
@example(contradicting())
def test_of_two_fleets_the_stricter_holds(
    drawn: tuple[list[Fleet], list[WaveMember]],
) -> None:
    (both, some) = drawn
    found = waves.progress(both, some, NOW)
    alone = [progress(each, some) for each in both]
    assert found.stopped == any(each.stopped for each in alone)
    over = [{each.name for each in some if is_over(one, each)} for one in both]
    groups = [
        waves_of(one.waves, one.members)[: each.wave] for one, each in zip(both, alone, strict=True)
    ]
    # Whoever is over in a wave that one of them hasn't reached isn't let go by that one.
    mine = [
        each.allowed | (there & {name for group in some_of for name in group})
        for each, there, some_of in zip(alone, over, groups, strict=True)
    ]
    assert alone[0].allowed & alone[1].allowed <= found.allowed
    assert found.allowed <= alone[0].allowed | over[0]  # whatever the other one says
    assert found.allowed <= mine[1] or not alone[0].allowed & mine[1]
    if found.stopped:
        assert {each.standing for each in some if each.name in found.allowed} <= {OPEN, DOUBT}
    unfinished = [each for each in alone if each.waits_for or each.stopped]
    assert not unfinished or found.wave == min(each.wave for each in unfinished)


@given(fleets(2))
def test_whatever_is_begun_ends_though_two_fleets_contradict_each_other(
    drawn: tuple[list[Fleet], list[WaveMember]],
) -> None:
    (both, some) = drawn
    some = [each._replace(standing=UNSENT) for each in some]
    for _ in some:
        allowed = waves.progress(both, some, NOW).allowed
        some = [each._replace(standing=DONE) if each.name in allowed else each for each in some]
    assert {each.standing for each in some} == {DONE}


def test_a_change_of_labels_or_of_the_order_moves_nobody_to_the_front() -> None:
    first = Wave(select=CANARY), Wave(percent=50), Wave()
    names = "abcd"
    old = Fleet(
        tuple(FleetMember(each, "/a", labels=CANARY if each == "a" else {}) for each in names),
        first,
    )
    new = old._replace(
        members=tuple(FleetMember(each, "/a", labels=CANARY) for each in reversed(names))
    )
    some = [WaveMember(each.name, each.labels, UNSENT) for each in new.members]
    assert waves.progress([new], some, NOW).allowed == set(names)
    assert waves.progress([old, new], some, NOW).allowed == {"a"}
    some = [each._replace(standing=DONE if each.name == "a" else UNSENT) for each in some]
    assert waves.progress([old, new], some, NOW).allowed == {"b"}


def test_a_new_member_is_taken_by_the_labels_that_it_comes_with() -> None:
    old = Fleet((FleetMember("a", "/a"),), (Wave(select=CANARY), Wave()))
    new = old._replace(members=(*old.members, FleetMember("b", "/b", labels=CANARY)))
    some = [WaveMember(each.name, each.labels, UNSENT) for each in new.members]
    assert waves.progress([old, new], some, NOW).allowed == {"b"}


def test_where_two_orders_contradict_each_other_the_earlier_one_holds() -> None:
    one, other = (
        Fleet(
            tuple(FleetMember(each, "/a", labels=CANARY if each == first else {}) for each in "ab"),
            (Wave(select=CANARY), Wave()),
        )
        for first in "ab"
    )
    some = [WaveMember(each, {}, UNSENT) for each in "ab"]
    assert waves.progress([one, other], some, NOW).allowed == {"a"}
    assert waves.progress([other, one], some, NOW).allowed == {"b"}


def test_a_fleet_that_is_through_hides_nothing_that_another_one_waits_for() -> None:
    through = fleet(Wave(), outcomes=Outcomes(failure=Counting.PASS))
    waits = fleet(
        Wave(select=CANARY), Wave(percent=50), Wave(), outcomes=Outcomes(failure=Counting.WAIT)
    )
    some = members(DONE, DONE, FAILED, canaries=1)
    found = waves.progress([through, waits], some, NOW)
    assert (found.wave, found.waits_for, found.allowed) == (3, ("2",), frozenset("2"))


# --- what stops them -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "count", "stops_at"),
    [(Share(0), 5, 1), (Share(2), 5, 3), (Share(10, percent=True), 19, 2),
     (Share(10, percent=True), 20, 3)],
)  # fmt: skip
def test_failures_are_of_all_members_and_rounded_down(
    most: Share, count: int, stops_at: int
) -> None:
    for failed in range(1, 4):
        found = progress(
            fleet(Wave(max_failures=most)),
            members(*[FAILED] * failed, *[UNSENT] * (count - failed)),
        )
        assert found.stopped is (failed >= stops_at)
        assert bool(found.allowed) is (failed < stops_at)
        assert found.failed == tuple(map(str, range(failed)))


def test_a_canary_that_failed_stops_later_waves_though_they_would_bear_it() -> None:
    one = fleet(Wave(select=CANARY), Wave(max_failures=Share(50, percent=True)))
    some = members(FAILED, DONE, UNSENT, UNSENT, canaries=2)
    found = progress(one, some)
    assert (found.wave, found.stopped, found.allowed) == (1, True, frozenset())
    some[0] = some[0]._replace(standing=FORGIVEN)
    assert progress(one, some).allowed == {"2", "3"}


def test_a_later_wave_may_bear_more_failures_than_the_canaries() -> None:
    one = fleet(Wave(select=CANARY), Wave(percent=75, max_failures=Share(1)), Wave())
    found = progress(one, members(DONE, FAILED, UNSENT, UNSENT, canaries=1))
    assert (found.wave, found.stopped, found.allowed) == (2, False, frozenset("2"))
    found = progress(one, members(DONE, FAILED, DONE, UNSENT, canaries=1))
    assert (found.wave, found.stopped, found.allowed) == (3, True, frozenset())


def test_one_that_failed_before_its_wave_counts_from_the_start() -> None:
    one = fleet(Wave(select=CANARY), Wave(max_failures=Share(9)))
    assert progress(one, members(UNSENT, FAILED, canaries=1)).stopped


def test_what_is_under_way_is_still_worked_on_where_all_is_stopped() -> None:
    one = fleet(Wave(max_failures=Share(0)), outcomes=Outcomes(hold=Counting.WAIT))
    found = progress(one, members(FAILED, OPEN, DOUBT, HELD, UNSENT))
    assert (found.stopped, found.allowed) == (True, frozenset("12"))
    assert (found.doubtful, found.held) == (("2",), ("3",))


def test_a_doubt_in_any_wave_stops_all() -> None:
    one = fleet(Wave(select=CANARY), Wave(max_failures=Share(9)))
    found = progress(one, members(UNSENT, DOUBT, canaries=1))
    assert (found.stopped, found.allowed) == (True, frozenset())


def test_a_doubt_stops_the_wave_that_it_keeps_open_and_goes_on_being_looked_up() -> None:
    one = fleet(Wave(select=CANARY), Wave())
    found = progress(one, members(DONE, DOUBT, UNSENT, canaries=1))
    assert (found.wave, found.stopped, found.allowed) == (2, True, frozenset("1"))


@pytest.mark.parametrize("standing", [FAILED, DOUBT, HELD])
@pytest.mark.parametrize("counting", list(Counting))
def test_an_outcome_means_what_the_fleet_says(standing: MemberStanding, counting: Counting) -> None:
    one = fleet(Wave(select=CANARY, max_failures=Share(0)), outcomes=Outcomes(*[counting] * 3))
    found = progress(one, members(standing, UNSENT, canaries=1))
    waits = counting is Counting.WAIT
    assert found.wave == (2 if counting is Counting.PASS else 1)
    assert found.stopped is (counting is Counting.COUNT or (waits and standing is DOUBT))
    assert found.waits_for == (("0",) if waits else () if found.stopped else ("1",))
    assert found.allowed == ({"0"} if waits else frozenset() if found.stopped else {"1"})


# --- soaks ---------------------------------------------------------------------------


def test_a_soak_runs_from_the_last_end_of_the_wave_and_those_before() -> None:
    one = fleet(Wave(select=CANARY), Wave(percent=75, soak=600.0), Wave())
    some = [
        WaveMember("a", CANARY, DONE, 400.0),
        WaveMember("b", {}, DONE, 100.0),
        WaveMember("c", {}, DONE),
        WaveMember("d", {}, UNSENT, 990.0),
    ]
    waiting = progress(one, some, 999.0)
    assert (waiting.wave, waiting.opens, waiting.allowed) == (2, 1000.0, frozenset())
    amid = [each._replace(standing=UNSENT) if each.name == "c" else each for each in some]
    assert progress(one, amid, 999.0).opens == 0.0
    opened = progress(one, some, 1000.0)
    assert (opened.wave, opened.opens, opened.allowed) == (3, 0.0, frozenset("d"))


def test_there_is_no_soak_where_nothing_ended_or_nothing_follows() -> None:
    one = fleet(Wave(select=CANARY, soak=600.0), Wave(soak=600.0))
    assert progress(one, members(DONE, UNSENT, canaries=1), 1.0).allowed == {"1"}
    ended = [each._replace(ended=1000.0) for each in members(DONE, DONE)]
    found = progress(fleet(Wave(soak=600.0)), ended, 1001.0)
    assert (found.wave, found.opens) == (2, 0.0)


def test_without_a_soak_an_end_that_was_rounded_up_is_not_waited_for() -> None:
    one = fleet(Wave(select=CANARY), Wave())
    some = [WaveMember("a", CANARY, DONE, NOW + 0.7), WaveMember("b", {}, UNSENT)]
    found = progress(one, some)
    assert (found.opens, found.wave) == (0.0, 2)


def test_of_two_fleets_the_longer_soak_is_waited_for() -> None:
    some = [WaveMember("a", CANARY, DONE, 400.0), WaveMember("b", {}, UNSENT)]
    both = [fleet(Wave(select=CANARY, soak=soak), Wave()) for soak in (600.0, 300.0)]
    for order in (both, both[::-1]):
        found = waves.progress(order, some, 800.0)
        assert (found.opens, found.allowed) == (1000.0, frozenset())
        assert waves.progress(order, some, 1000.0).allowed == {"b"}
