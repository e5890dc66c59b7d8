"""The one loop of retries: what is sent again, what isn't, and how long is waited."""

from collections.abc import Callable

import pytest

from qflow_gitops.errors import AuthError
from qflow_gitops.http.retries import FAULTS, GivenUp, Retries
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError

FINE, LIMITED, FAULT = (HttpAnswer(status, {}, b"") for status in (200, 429, 503))
LOST = NoAnswerError("the connection was reset", sent=True)


def sending(
    *given: HttpAnswer | Exception,
) -> tuple[Callable[[], HttpAnswer], list[HttpAnswer | Exception]]:
    """Give these one after the other; the list holds what is left of them."""
    left = list(given)

    def send() -> HttpAnswer:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return send, left


def retries(
    waits: list[float], *, pause: float = 1, budget: float = 100, longest: float = 50
) -> Retries:
    return Retries(
        lambda answer: answer.status == 429, lambda *_: pause, waits.append, budget, longest
    )


@pytest.mark.parametrize("first", [LIMITED, FAULT, LOST])
def test_a_fault_that_passes_is_waited_for(first: HttpAnswer | Exception) -> None:
    waits: list[float] = []
    send, left = sending(first, FINE)
    assert (retries(waits).ask(send), waits, left) == (FINE, [1], [])


@pytest.mark.parametrize("status", sorted({200, 206, 301, 400, 401, 403, 404, 409, 501}))
def test_whatever_else_is_answered_is_the_answer(status: int) -> None:
    assert status not in FAULTS
    send, left = sending(HttpAnswer(status, {}, b""), FINE)
    assert retries([]).ask(send) == HttpAnswer(status, {}, b"")
    assert left == [FINE]


def test_it_ends_after_four_tries_and_waits_between_them_only() -> None:
    waits: list[float] = []
    send, left = sending(*[FAULT] * 5)
    assert retries(waits).ask(send) == GivenUp(FAULT, 4, undone=False, waited=3)
    assert (waits, left) == ([1, 1, 1], [FAULT])


@pytest.mark.parametrize(
    ("pause", "budget", "longest", "waited"), [(51, 100, 50, []), (50, 100, 50, [50, 50])]
)
def test_no_wait_is_begun_that_is_too_long(
    pause: float, budget: float, longest: float, waited: list[float]
) -> None:
    waits: list[float] = []
    send, _ = sending(*[LIMITED] * 4)
    given_up = retries(waits, pause=pause, budget=budget, longest=longest).ask(send)
    assert given_up == GivenUp(LIMITED, len(waited) + 1, undone=True, waited=sum(waited))
    assert waits == waited


@pytest.mark.parametrize("unclear", [FAULT, LOST])
def test_what_may_not_be_done_twice_is_sent_again_only_after_a_limit(
    unclear: HttpAnswer | NoAnswerError,
) -> None:
    send, left = sending(LIMITED, unclear, FINE)
    assert retries([]).ask(send, may_repeat=False) == GivenUp(unclear, 2, undone=False, waited=1)
    assert left == [FINE]
    send, _ = sending(LIMITED, FINE)
    assert retries([]).ask(send, may_repeat=False) == FINE


def test_one_try_that_may_have_been_done_is_not_taken_back() -> None:
    send, _ = sending(FAULT, LIMITED, LIMITED, LIMITED)
    assert retries([]).ask(send) == GivenUp(LIMITED, 4, undone=False, waited=3)


def test_what_is_refused_otherwise_comes_through() -> None:
    send, left = sending(AuthError("no"), FINE)
    with pytest.raises(AuthError):
        retries([]).ask(send)
    assert left == [FINE]
