"""Which decision of a person stands, what it is put back to, and words explained later."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.decisions import endings, explained, reopening, unexplained
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import State
from tests.unit.test_lockfile import VALIDATOR, opened

AT = "2026-01-01T00:00:05Z"
STATUSES = {"success": State.SUCCEEDED, "done": State.SUCCEEDED, "kaput": State.FAILED,
            "queued": State.RUNNING, "over": State.ENDED}  # fmt: skip
Step = tuple[State, dict[str, Any], str]


def saw(to: State, execution: str = "", **extra: Any) -> Step:
    return to, extra, execution


def decided(to: State, execution: str = "") -> Step:
    return to, {"by": {"actor": "ada"}, "detail": "looked"}, execution


BACK: Step = (State.INTENT, {}, "")  # stands for: put back what stands
A, DOUBT = saw(State.ACCEPTED, "e-1"), saw(State.IN_DOUBT)
ADOPT, ENDED = decided(State.ADOPTED, "e-1"), saw(State.ENDED, status="Done")


def walked(*steps: Step) -> Lockfile:
    lockfile = Lockfile("0123456789abcdef", 1).recorded([opened()])
    for to, extra, execution in steps:
        event: Event | None = Event("2026-01-01T00:00:02Z", to, extra)
        if to is State.INTENT:
            event = reopening(of(lockfile), AT, {"by": {"actor": "mara"}, "detail": "wrong"})
        assert event is not None
        lockfile = lockfile.recorded([Transition("prod", "a", 1, event, execution_id=execution)])
    return lockfile


def of(lockfile: Lockfile) -> Attempt:
    return lockfile.attempts("prod", "a")[0]


@pytest.mark.parametrize(
    ("steps", "stands", "back", "lets_go"),
    [
        ([DOUBT, decided(State.ABSENT)], State.ABSENT, State.IN_DOUBT, ""),
        ([DOUBT, decided(State.ASSUMED)], State.ASSUMED, State.IN_DOUBT, ""),
        ([DOUBT, ADOPT], State.ADOPTED, State.IN_DOUBT, "e-1"),
        ([DOUBT, saw(State.EXPIRED), ADOPT], State.ADOPTED, State.IN_DOUBT, "e-1"),
        ([DOUBT, ADOPT, saw(State.RUNNING)], State.ADOPTED, State.IN_DOUBT, "e-1"),
        ([DOUBT, ADOPT, saw(State.SUCCEEDED)], State.ADOPTED, State.IN_DOUBT, "e-1"),
        ([DOUBT, ADOPT, ENDED, saw(State.FAILED)], State.ADOPTED, State.IN_DOUBT, "e-1"),
        # its sender's proof stands beside the assumption, as a note
        (
            [DOUBT, decided(State.ASSUMED), saw(State.ASSUMED)],
            State.ASSUMED, State.IN_DOUBT, "",
        ),
        ([A, ENDED, decided(State.FAILED)], State.FAILED, State.ENDED, ""),
        # of two, the later one first
        ([DOUBT, ADOPT, ENDED, decided(State.SUCCEEDED)], State.SUCCEEDED, State.ENDED, ""),
        (
            [DOUBT, ADOPT, ENDED, decided(State.SUCCEEDED), BACK],
            State.ADOPTED, State.IN_DOUBT, "e-1",
        ),
        ([DOUBT, decided(State.ABSENT), BACK, ADOPT], State.ADOPTED, State.IN_DOUBT, "e-1"),
    ],
)  # fmt: skip
def test_what_a_person_decided_can_be_put_back(
    steps: list[Step], stands: State, back: State, lets_go: str
) -> None:
    lockfile = walked(*steps)
    event = reopening(of(lockfile), AT, {"by": {"actor": "mara"}, "detail": "wrong"})
    assert event is not None
    assert (event.to, event.extra["reopens"], event.lets_go) == (back, stands, lets_go)
    assert event.extra["detail"] == "wrong"
    after = lockfile.recorded([Transition("prod", "a", 1, event)])
    assert of(after).state is back
    assert of(after).execution_id == ("" if back is State.IN_DOUBT else "e-1")
    assert of(after).counted
    content = to_bytes(after)
    assert from_bytes(content, "qflow.lock") == after
    VALIDATOR.validate(json.loads(content))


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [DOUBT],
        [A],
        [A, saw(State.SUCCEEDED)],
        [A, ENDED, saw(State.SUCCEEDED, detail="the settings explain it")],
        [saw(State.REFUSED)],
        [saw(State.UNSENT)],
        [DOUBT, saw(State.EXPIRED)],
        [DOUBT, saw(State.ADOPTED, "e-1")],
        [DOUBT, saw(State.ADOPTED, "e-1"), saw(State.SUCCEEDED)],
        [DOUBT, saw(State.ABSENT)],
        [DOUBT, decided(State.ABSENT), saw(State.ADOPTED, "e-1")],  # its answer came late
        [DOUBT, decided(State.ASSUMED), saw(State.ADOPTED, "e-1"), saw(State.SUCCEEDED)],
        [DOUBT, ADOPT, BACK],
        [DOUBT, decided(State.ABSENT), BACK],
        [A, ENDED, decided(State.FAILED), BACK],
    ],
)
def test_what_nobody_decided_can_t(steps: list[Step]) -> None:
    """A machine saw or proved it, or it has been put back already."""
    assert reopening(of(walked(*steps)), AT, {}) is None


def test_a_baseline_is_put_back_by_nobody() -> None:
    event = Event(AT, State.BASELINED, {"by": {"actor": "ada"}})
    assert reopening(Attempt(1, State.BASELINED, "d", (event,)), AT, {}) is None


def tampered(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> bytes:
    data = json.loads(to_bytes(walked(DOUBT, ADOPT, saw(State.SUCCEEDED), BACK)))
    attempt = data["environments"]["prod"]["runs"]["a"]["attempts"][0]
    change(attempt, attempt["events"][-1])
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda attempt, event: event.pop("letGo"),
        lambda attempt, event: event.update(letGo=1),
        lambda attempt, event: event.pop("reopens"),
        lambda attempt, event: event.update(reopens="absent"),
        lambda attempt, event: event.update(reopens=["adopted"]),
        lambda attempt, event: event.update(reopens={}),
        lambda attempt, event: attempt.update(executionId="e-1"),
        lambda attempt, event: attempt["events"][2].pop("by"),
        lambda attempt, event: attempt["events"].append(event),
    ],
)
def test_what_puts_nothing_back_is_no_part_of_a_ledger(change: Any) -> None:
    with pytest.raises(LockError) as refused:
        from_bytes(tampered(change), "qflow.lock")
    assert refused.value.reason == "lock_broken"


def test_what_is_put_back_says_what_it_lets_go() -> None:
    lockfile = walked(DOUBT, ADOPT)
    for extra in ({}, {"letGo": "e-2"}, {"letGo": ""}):
        event = Event(AT, State.IN_DOUBT, {"reopens": "adopted", **extra})
        with pytest.raises(LockError):
            lockfile.recorded([Transition("prod", "a", 1, event)])


# --- a word that was explained later -------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "word", "state"),
    [
        ([A, saw(State.ENDED, status="Done")], "Done", State.SUCCEEDED),
        ([A, saw(State.ENDED, status="KAPUT")], "KAPUT", State.FAILED),
        ([A, saw(State.ENDED, status="Odd")], "Odd", None),
        ([A, saw(State.ENDED, status="Queued")], "Queued", None),
        ([A, saw(State.ENDED, status="Over")], "Over", None),
        ([A, saw(State.RUNNING, status="Done"), saw(State.ENDED, detail="gone")], "", None),
        ([A, saw(State.ENDED)], "", None),
        ([A, saw(State.ENDED, status="Done"), decided(State.FAILED)], "", None),
        (
            [A, saw(State.ENDED, status="Done"), decided(State.FAILED), BACK],
            "Done",
            State.SUCCEEDED,
        ),
        ([A, saw(State.SUCCEEDED, status="Done")], "", None),
        ([DOUBT], "", None),
    ],
)
def test_only_the_word_with_which_it_ended_settles_it(
    steps: list[Step], word: str, state: State | None
) -> None:
    """Not one from before it was gone, and never one that isn't an end."""
    lockfile = walked(*steps)
    assert unexplained(of(lockfile)) == word
    assert explained(of(lockfile), STATUSES) is state
    found = endings(lockfile, ["prod"], STATUSES, AT)
    assert [one.event.to for one in found] == ([state] if state else [])
    after = lockfile.recorded(found)
    assert endings(after, ["prod"], STATUSES, AT) == []
    if state:
        assert of(after).events[-1].extra["detail"] == (
            f'The settings explain Qualys\' word "{word}" as {state}.'
        )
