"""How far a rollout may go, by what became of its targets."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.policy import rollout
from qflow_gitops.policy.rollout import Member, Rollout, Share, Standing

RESULTS = st.sampled_from(list(Standing))
SHARES = st.one_of(
    st.integers(1, 40).map(Share),
    st.integers(1, 100).map(lambda number: Share(number, percent=True)),
)
ROLLOUTS = st.builds(
    Rollout, st.lists(SHARES, max_size=4).map(tuple), SHARES, st.sampled_from([0.0, 60.0])
)


def members(*standings: Standing) -> list[Member]:
    return [Member(str(place), standing) for place, standing in enumerate(standings)]


@pytest.mark.parametrize(
    ("batches", "count", "sizes"),
    [
        ([], 5, [5]),
        ([1, "10%", "100%"], 120, [1, 12, 120]),
        ([1, "10%", "100%"], 3, [1, 3]),
        ([1, "1%"], 120, [1, 2, 120]),
        (["33%", 2], 10, [4, 10]),
        ([200], 10, [10]),
        (["10%"], 1, [1]),
    ],
)
def test_batches_are_cumulative_and_rounded_up(
    batches: list[int | str], count: int, sizes: list[int]
) -> None:
    assert rollout.from_data({"batches": batches}).sizes(count) == sizes


@given(ROLLOUTS, st.integers(1, 300))
def test_batches_grow_to_all(schedule: Rollout, count: int) -> None:
    sizes = schedule.sizes(count)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == count
    for share in schedule.batches:
        part = Fraction(share.number * count, 100) if share.percent else share.number
        assert min(count, ceil(part)) in sizes or min(count, ceil(part)) < max(sizes)


@given(st.lists(ROLLOUTS, min_size=1, max_size=3), st.lists(RESULTS, min_size=1, max_size=30))
def test_the_strictest_of_several_counts(
    rollouts: list[Rollout], standings: list[Standing]
) -> None:
    found = rollout.progress(rollouts, members(*standings), 1e9)
    alone = [rollout.progress([each], members(*standings), 1e9) for each in rollouts]
    assert found.allowed == min(each.allowed for each in alone)
    assert found.stopped == any(each.stopped for each in alone)
    assert found.halted == any(each.halted for each in alone)
    assert found.stopped <= found.halted


@given(ROLLOUTS, st.lists(RESULTS, min_size=1, max_size=30))
def test_a_next_batch_opens_only_when_all_before_it_are_over(
    schedule: Rollout, standings: list[Standing]
) -> None:
    found = rollout.progress([schedule], members(*standings), 1e9)
    sizes = schedule.sizes(len(standings))
    before = [size for size in sizes if size < found.allowed]
    over = {Standing.DONE, Standing.FORGIVEN, Standing.FAILED}
    assert found.allowed in sizes
    assert all(standing in over for size in before[-1:] for standing in standings[:size])


@given(ROLLOUTS, st.integers(1, 30), st.data())
def test_it_ends_after_at_most_as_many_steps_as_there_are_batches(
    schedule: Rollout, count: int, data: st.DataObject
) -> None:
    """Whatever starts, ends: the rest follows, batch by batch, pauses aside."""
    standings = [Standing.UNSENT] * count
    for _ in schedule.sizes(count):
        found = rollout.progress([schedule], members(*standings), 1e9)
        standings[: found.allowed] = [Standing.DONE] * found.allowed
    assert Standing.UNSENT not in standings


def test_a_pause_runs_from_the_last_end() -> None:
    schedule = rollout.from_data({"batches": [2], "pause": "10m"})
    some = [Member("a", Standing.DONE, 100.0), Member("b", Standing.FAILED, 400.0),
            Member("c", Standing.UNSENT)]  # fmt: skip
    schedule = schedule._replace(max_failures=Share(1))
    waits = rollout.progress([schedule], some, 999.0)
    assert (waits.allowed, waits.opens) == (2, 1000.0)
    assert rollout.progress([schedule], some, 1000.0).allowed == 3


def test_what_was_only_declared_has_no_end() -> None:
    schedule = rollout.from_data({"batches": [1], "pause": "10m"})
    some = [Member("a", Standing.DONE), Member("b", Standing.UNSENT)]
    assert rollout.progress([schedule], some, 1.0).allowed == 2


@pytest.mark.parametrize(("most", "count", "stops_at"), [("10%", 19, 2), ("10%", 20, 3), (2, 5, 3)])
def test_failures_are_of_all_targets_and_rounded_down(
    most: int | str, count: int, stops_at: int
) -> None:
    schedule = rollout.from_data({"maxFailures": most})
    for failed in range(1, 4):
        some = members(*[Standing.FAILED] * failed, *[Standing.UNSENT] * (count - failed))
        assert rollout.progress([schedule], some, 0.0).stopped is (failed >= stops_at)


def test_what_failed_and_is_sent_again_halts_and_does_not_stop() -> None:
    found = rollout.progress(
        [Rollout()], members(Standing.AGAIN, Standing.UNSENT, Standing.UNSENT), 0.0
    )
    assert (found.stopped, found.halted) == (False, True)
    assert found.again == ("0",)


def test_a_doubt_stops_whatever_may_fail() -> None:
    schedule = Rollout(max_failures=Share(100, percent=True))
    found = rollout.progress([schedule], members(Standing.DOUBT, Standing.UNSENT), 0.0)
    assert (found.stopped, found.doubtful) == (True, ("0",))


def test_order_comes_first() -> None:
    assert rollout.in_order("abcd", ("c", "a")) == ["c", "a", "b", "d"]
