"""A courier carries notices beside what its caller does, and is never in the way."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from qflow_gitops.lockfile.outbox import TICKET, Notice
from qflow_gitops.notify.courier import Courier
from qflow_gitops.ports.notices import Undelivered
from tests.fakes.receivers import FakeReceiver
from tests.unit.notify.stories import AT, many, waiting

SOON = 10.0


@contextmanager
def carrying(*receivers: FakeReceiver, pause: float = 0.01) -> Iterator[Courier]:
    courier = Courier(receivers, pause=pause)
    try:
        yield courier
    finally:
        courier.close()


def down() -> Undelivered:
    return Undelivered("it is down")


def test_all_that_waits_is_delivered_oldest_first() -> None:
    slack, events = FakeReceiver(), FakeReceiver("cloudevents", most=1)
    with carrying(slack, events) as courier:
        courier.offer(many(45))
        courier.wait(SOON)
        assert [len(batch) for batch in slack.got] == [20, 20, 5]
        assert slack.ids == events.ids == [f"n{n}" for n in range(45)]
        assert courier.done()["n7"] == {"slack", "cloudevents"}
        assert courier.troubles() == {}


def test_what_was_offered_once_is_sent_once() -> None:
    receiver = FakeReceiver(most=1)
    with carrying(receiver) as courier:
        for count in (1, 1, 2, 4, 4):
            courier.offer(many(count))
        courier.wait(SOON)
    assert receiver.ids == ["n0", "n1", "n2", "n3"]


def test_who_has_it_gets_it_no_more_and_a_ticket_is_nobodys() -> None:
    slack, teams = FakeReceiver(), FakeReceiver("teams")
    with carrying(slack, teams) as courier:
        courier.offer(
            waiting(
                Notice("a", "held", AT, done=("slack",)),
                Notice("b", TICKET, AT),
                Notice("c", "held", AT),
            )
        )
        courier.wait(SOON)
    assert (slack.ids, teams.ids) == (["c"], ["a", "c"])


def test_a_receiver_that_fails_is_tried_again_and_holds_up_no_other() -> None:
    bad, good = FakeReceiver("slack"), FakeReceiver("teams")
    bad.troubles = [down(), down(), down()]
    with carrying(bad, good) as courier:
        courier.offer(many(2))
        courier.wait(SOON)
        assert (bad.asked, good.asked) == (4, 1)
        assert bad.ids == good.ids == ["n0", "n1"]
        assert courier.troubles() == {}


def test_a_receiver_that_asks_to_wait_isnt_waited_for() -> None:
    receiver = FakeReceiver()
    receiver.troubles = [Undelivered("it answered 429", retry_after=3600)]
    with carrying(receiver) as courier:
        courier.offer(many(1))
        begun = time.monotonic()
        courier.wait(SOON)
        assert time.monotonic() - begun < SOON / 2
        assert courier.troubles() == {"slack": "it answered 429"}
        assert receiver.asked == 1


def test_what_is_refused_for_good_is_left_alone_and_in_the_end_so_is_the_receiver() -> None:
    receiver = FakeReceiver(most=1)
    receiver.troubles = [Undelivered("it answered 400", permanent=True)]
    with carrying(receiver) as courier:
        courier.offer(many(2))
        courier.wait(SOON)
        assert receiver.ids == ["n1"]
        receiver.troubles = [Undelivered("it answered 410", permanent=True)] * 9
        courier.offer(many(12))
        courier.wait(SOON)
        assert receiver.asked == 2 + 3
        assert courier.done() == {"n1": {"slack"}}
        assert courier.troubles() == {"slack": "it answered 410"}


def test_an_offer_returns_at_once_and_a_close_waits_no_longer_than_it_may() -> None:
    receiver = FakeReceiver()
    receiver.gate = threading.Event()
    with carrying(receiver) as courier:
        begun = time.monotonic()
        courier.offer(many(1))
        courier.close(0.05)
        assert time.monotonic() - begun < SOON / 2
        assert courier.done() == {}
        receiver.gate.set()


def test_nothing_is_begun_at_the_end_that_wont_be_over_in_time() -> None:
    """Else it would arrive, and be told once more the next time."""
    receiver = FakeReceiver(most=1)
    receiver.before = lambda: time.sleep(0.1)
    with carrying(receiver) as courier:
        courier.offer(many(9))
        while not courier.done():
            time.sleep(0.005)
        courier.close(0.05)
        asked = receiver.asked
        time.sleep(0.3)
        assert receiver.asked == asked <= 2
        assert receiver.closed or asked == 2


def test_a_quick_receiver_gets_the_last_word_as_well() -> None:
    receiver = FakeReceiver()
    with carrying(receiver) as courier:
        courier.offer(many(1))
        courier.wait(SOON)
        courier.offer(many(2))
        courier.close(SOON)
        assert receiver.ids == ["n0", "n1"]


def test_after_its_end_it_takes_nothing_more() -> None:
    receiver = FakeReceiver()
    with carrying(receiver) as courier:
        courier.close()
        courier.offer(many(3))
        assert receiver.asked == 0


@pytest.mark.parametrize("count", [1, 3])
def test_its_threads_end_with_it(count: int) -> None:
    before = threading.active_count()
    with carrying(*(FakeReceiver(f"r{n}") for n in range(count))) as courier:
        courier.offer(many(1))
        courier.wait(SOON)
        assert threading.active_count() == before + count
        courier.close(SOON)
        assert threading.active_count() == before


def test_a_receiver_that_asks_to_wait_for_ages_ends_no_thread() -> None:
    receiver = FakeReceiver()
    receiver.troubles = [Undelivered("it answered 503", retry_after=1e12)]
    with carrying(receiver) as courier:
        courier.offer(many(1))
        courier.wait(SOON)
        assert courier.troubles() == {"slack": "it answered 503"}


def test_a_bug_in_one_notice_keeps_no_other_from_being_told() -> None:
    receiver, raised = FakeReceiver(most=1), [ValueError("a half character")]

    def fails() -> None:
        if raised:
            raise raised.pop()

    receiver.before = fails
    with carrying(receiver) as courier:
        courier.offer(many(2))
        courier.wait(SOON)
        assert receiver.ids == ["n1"]
        assert courier.done() == {"n1": {"slack"}}


def test_a_notice_that_cant_be_read_raises_nothing() -> None:
    receiver = FakeReceiver()
    with carrying(receiver) as courier:
        courier.offer(waiting(Notice("a", "held", None)))  # type: ignore[arg-type]
        courier.offer(waiting(Notice("b", "held", AT, "prod", ["x"], 1)))  # type: ignore[arg-type]
        courier.offer(many(1))
        courier.wait(SOON)
    assert "n0" in receiver.ids


@pytest.mark.parametrize(("odd", "asked"), [(True, 12), (False, 3)])
def test_what_is_never_taken_keeps_nothing_else_back(odd: bool, asked: int) -> None:
    """It comes first each time; a receiver that is gone isn't asked for each of them, though."""
    receiver = FakeReceiver(most=1)
    receiver.troubles = [Undelivered("it answered no", permanent=True, odd=odd)] * 5
    with carrying(receiver) as courier:
        courier.offer(many(12))
        courier.wait(SOON)
        assert receiver.asked == asked
        assert len(receiver.ids) == (7 if odd else 0)
