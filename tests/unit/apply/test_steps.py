"""Which step an execution didn't succeed by, and what is never said of one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.apply.steps import culprit, lasted, meaning, told
from qflow_gitops.ports.qualys import Execution, Step
from qflow_gitops.results.stories import Culprit, StepTold
from qflow_gitops.specs.hiding import Hiding

STATUSES = {"success": "succeeded", "failed": "failed", "stopped": "cancelled"}
NOTHING = Hiding(None)


def steps(*words: str, orders: tuple[int | None, ...] = ()) -> list[StepTold]:
    places = orders or tuple(range(1, len(words) + 1))
    return [
        told(Step(f"node-{number}", "x", place, word), STATUSES, NOTHING)
        for number, (word, place) in enumerate(zip(words, places, strict=True))
    ]


def found(*words: str, orders: tuple[int | None, ...] = ()) -> tuple[str, bool, bool] | None:
    about = culprit(steps(*words, orders=orders))
    return (about.step.node_id, about.certain, about.ordered) if about else None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Success", "Failed", "Odd"), ("node-1", True, True)),
        (("Stopped", "Failed", "Failed"), ("node-1", True, True)),
        (("Success", "STOPPED"), ("node-1", True, True)),
        (("Odd", "Success", "Strange"), ("node-2", False, True)),
        (("Odd", "Success"), ("node-0", False, True)),
        (("", "Success"), ("node-0", False, True)),
        (("Success", "success"), None),
        ((), None),
    ],
)
def test_the_step_that_failed_or_the_last_of_which_nobody_knows(
    words: tuple[str, ...], said: tuple[str, bool, bool] | None
) -> None:
    assert found(*words) == said


def test_steps_without_an_order_prove_less() -> None:
    assert found("Odd", "Odd", orders=(None, None)) == ("node-1", False, False)
    assert found("Odd", "Odd", orders=(1, None)) == ("node-0", False, True)


@given(st.text())
def test_a_word_that_nobody_explained_means_nothing(word: str) -> None:
    assert meaning(word, STATUSES) in {"", "succeeded", "failed", "cancelled"}
    if word.lower() not in STATUSES:
        assert meaning(word, STATUSES) == ""
    assert meaning(word, {word.lower(): "running"}) == ""


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 5), st.sampled_from(("Success", "Failed", ""))))
)
def test_a_culprit_is_certain_only_by_a_word(given_: list[tuple[int | None, str]]) -> None:
    every = [told(Step("n", "x", place, word), STATUSES, NOTHING) for place, word in given_]
    about = culprit(every)
    if about is None:
        assert (
            {word for _, word in given_} <= {"Success"} or not given_ or _all_in_order_are(given_)
        )
    else:
        assert isinstance(about, Culprit)
        assert about.certain is (about.step.status == "Failed")
        assert about.step.status != "Success"


def _all_in_order_are(given_: list[tuple[int | None, str]]) -> bool:
    return {word for place, word in given_ if place is not None} == {"Success"}


def test_durations_are_of_documented_times_only() -> None:
    known = Execution("x", "w", "Failed", ended=True, created_at=1_000, start_date=3_000,
                      end_date=8_500)  # fmt: skip
    assert lasted(known) == (2.0, 5.5, 7.5)
    assert lasted(known._replace(start_date=None)) == (None, None, 7.5)
    assert lasted(known._replace(created_at=9_000)) == (None, 5.5, None)
    assert lasted(known._replace(end_date=10**400)) == (2.0, None, None)
