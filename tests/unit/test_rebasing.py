"""What a transition becomes on top of a record that somebody else has written to."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.decisions import reopening
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.rebasing import rebased
from qflow_gitops.lockfile.states import EXECUTED, FINAL, REOPENED, TRANSITIONS, State
from tests.unit.test_lockfile import DIGEST, moved, opened

OURS, ANOTHER, FOREIGN = "e-1", "e-2", "e-b"  # FOREIGN is that of another run
BASELINED = Event("2026-01-01T00:00:00Z", State.BASELINED)


def record(*walk: State, word: str = "") -> Lockfile:
    """A record whose attempt prod/a #1 went this way, beside another run."""
    first = opened()
    if walk[:1] == (State.BASELINED,):
        attempt = Attempt(1, State.BASELINED, DIGEST, (BASELINED,))
        first = Transition("prod", "a", 1, BASELINED, opens=attempt)
        walk = walk[1:]
    steps = [first, opened("b"), moved(State.ACCEPTED, "b", execution=FOREIGN)]
    for to in walk:
        execution = OURS if to in (State.ACCEPTED, State.ADOPTED) else ""
        steps.append(arriving(to, execution, word if to is State.RUNNING else ""))
    return Lockfile("x", serial=1).recorded(steps)


def arriving(to: State, execution: str = "", word: str = "", detail: str = "") -> Transition:
    extra = {"httpStatus": 200, "detail": detail} if detail else {"httpStatus": 200}
    event = Event("2026-01-01T00:00:02Z", to, extra)
    return Transition("prod", "a", 1, event, execution_id=execution, status=word)


def ways() -> dict[State, tuple[State, ...]]:
    """The shortest way to each state."""
    found: dict[State, tuple[State, ...]] = {State.INTENT: (), State.BASELINED: (State.BASELINED,)}
    queue = [State.INTENT]
    for state in queue:
        for to in sorted(TRANSITIONS.get(state, ())):
            if to not in found:
                found[to] = (*found[state], to)
                queue.append(to)
    return found


WAYS = ways()
LATE = "The answer came late"
A, R = State.ACCEPTED, State.RUNNING


@pytest.mark.parametrize(
    ("state", "one", "to", "said"),
    [
        (State.INTENT, arriving(A, OURS, detail="d"), A, "d"),
        (State.INTENT, arriving(State.IN_DOUBT, detail="d"), State.IN_DOUBT, "d"),
        (State.IN_DOUBT, arriving(A, OURS, detail="d"), State.ADOPTED, f"{LATE}: d"),
        (State.EXPIRED, arriving(A, OURS), State.ADOPTED, f"{LATE}."),
        (
            State.IN_DOUBT,
            arriving(State.REFUSED, detail="Status 400."),
            State.ABSENT,
            "Its own sender proved that it did not run (refused): Status 400.",
        ),
        (
            State.EXPIRED,
            arriving(State.UNSENT),
            State.ABSENT,
            "Its own sender proved that it did not run (unsent).",
        ),
        (
            State.ABSENT,
            arriving(A, OURS, detail="d"),
            State.ADOPTED,
            f"{LATE} and contradicts the decision that it did not run: d",
        ),
        (
            State.ASSUMED,
            arriving(A, OURS),
            State.ADOPTED,
            f"{LATE}, after the decision to assume that it ran.",
        ),
        (
            State.ASSUMED,
            arriving(State.REFUSED, detail="Status 400."),
            State.ASSUMED,
            "Its own sender proved that it did not run (refused): Status 400.",
        ),
        (State.ABSENT, arriving(State.ADOPTED, OURS, detail="d"), State.ADOPTED, "d"),
        (State.EXPIRED, arriving(State.ASSUMED, detail="d"), State.ASSUMED, "d"),
        (R, arriving(R, word="Waiting", detail="d"), R, "d"),
        (State.ENDED, arriving(State.FAILED, OURS, detail="d"), State.FAILED, "d"),
    ],
)
def test_what_is_recorded_instead(state: State, one: Transition, to: State, said: str) -> None:
    lockfile = record(*WAYS[state], word="Running")
    merged = rebased(lockfile, one)
    assert merged is not None
    assert merged.event.to is to
    assert merged.event.extra == {"httpStatus": 200, "detail": said}
    assert (merged.execution_id, merged.event.at) == (one.execution_id, one.event.at)
    assert lockfile.recorded([merged]).attempts("prod", "a")[0].state is to


@pytest.mark.parametrize(
    ("states", "one"),
    [
        (set(State) - {State.INTENT, State.BASELINED}, arriving(State.IN_DOUBT)),
        (EXECUTED, arriving(A, OURS)),
        (EXECUTED, arriving(State.ADOPTED, OURS)),
        ({R} | FINAL, arriving(R, word="Running")),
        (FINAL, arriving(R, word="Waiting")),
        (FINAL - {State.ENDED}, arriving(State.FAILED)),
        ({State.ABSENT}, arriving(State.UNSENT)),
        ({State.ABSENT}, arriving(State.REFUSED)),
        ({State.REFUSED, State.UNSENT}, arriving(State.ADOPTED, OURS)),
        *(
            (EXECUTED | {State.REFUSED, State.UNSENT, State.ABSENT, State.ASSUMED}, arriving(to))
            for to in (State.ABSENT, State.ASSUMED, State.EXPIRED)
        ),
    ],
)
def test_what_says_nothing_new(states: set[State], one: Transition) -> None:
    for state in states:
        assert rebased(record(*WAYS[state], word="Running"), one) is None, state


@pytest.mark.parametrize(
    ("states", "one", "reason"),
    [
        (EXECUTED, arriving(A, ANOTHER), "lock_conflict"),
        (EXECUTED, arriving(State.ADOPTED, ANOTHER), "lock_conflict"),
        (EXECUTED, arriving(State.SUCCEEDED, ANOTHER), "lock_conflict"),
        ({State.INTENT, State.IN_DOUBT, State.ABSENT}, arriving(A, FOREIGN), "lock_conflict"),
        ({State.INTENT, State.IN_DOUBT}, arriving(A), "lock"),
        (EXECUTED, arriving(State.UNSENT), "lock"),
        ({State.REFUSED, State.UNSENT, State.BASELINED}, arriving(A, OURS), "lock"),
        ({State.INTENT}, arriving(State.ABSENT), "lock"),
        (set(State), opened(), "lock"),
    ],
)
def test_what_is_refused(states: set[State], one: Transition, reason: str) -> None:
    for state in states:
        with pytest.raises(LockError) as refused:
            rebased(record(*WAYS[state]), one)
        assert refused.value.reason == reason, state
        if reason == "lock_conflict":
            assert one.execution_id in refused.value.message
            assert refused.value.hint


def test_a_conflict_names_both_executions_and_an_unknown_attempt_is_refused() -> None:
    with pytest.raises(LockError, match=r"e-1.*e-2"):
        rebased(record(A), arriving(A, ANOTHER))
    with pytest.raises(LockError, match="no attempt prod/a #2"):
        rebased(record(A), moved(A, number=2, execution=OURS))


@pytest.mark.parametrize("decided", [State.ABSENT, State.ASSUMED])
def test_a_look_does_not_adopt_what_a_later_attempt_may_have_started(decided: State) -> None:
    """The later one's own answer is on its way; the earlier one's own answer is certain."""
    sent_again = record(State.IN_DOUBT, decided).recorded([opened(number=2)])
    with pytest.raises(LockError, match="#2 may have started e-1") as refused:
        rebased(sent_again, arriving(State.ADOPTED, OURS))
    assert refused.value.reason == "lock_conflict"
    assert rebased(sent_again, arriving(A, OURS)) is not None
    answered = sent_again.recorded([moved(A, number=2, execution=ANOTHER)])
    assert rebased(answered, arriving(State.ADOPTED, OURS)) is not None


# --- what a person puts back ---------------------------------------------------------


def by_person(to: State, execution: str = "", **more: str) -> Transition:
    event = Event("2026-01-01T00:00:02Z", to, {"by": {"actor": "ada"}, **more})
    return Transition("prod", "a", 1, event, execution_id=execution)


def reopened(decided: State, *walk: State) -> Lockfile:
    """A record in which a person decided, saw more of it (`walk`), and put it back."""
    execution = OURS if decided is State.ADOPTED else ""
    decision = record(State.IN_DOUBT).recorded([by_person(decided, execution)])
    lockfile = decision.recorded([arriving(to) for to in walk])
    event = reopening(lockfile.attempts("prod", "a")[0], "2026-01-01T00:00:03Z", {})
    assert event is not None
    return lockfile.recorded([Transition("prod", "a", 1, event)])


@pytest.mark.parametrize(
    "one",
    [
        *(arriving(to, OURS) for to in sorted(FINAL)),
        arriving(R, OURS, "Running"),
        arriving(State.ADOPTED, OURS),
    ],
)
def test_what_another_runner_sees_of_what_was_let_go_says_nothing(one: Transition) -> None:
    """It was on its way when a person said that this execution isn't the run's."""
    lockfile = reopened(State.ADOPTED, R)
    assert rebased(lockfile, one) is None
    adopted = lockfile.recorded([by_person(State.ADOPTED, ANOTHER)])
    assert rebased(adopted, one) is None
    taken = [opened("c"), moved(State.IN_DOUBT, "c"), moved(State.ADOPTED, "c", execution=OURS)]
    assert rebased(lockfile.recorded(taken), one) is None


def test_what_is_certain_comes_through_to_what_was_put_back() -> None:
    """Its sender's own answer, and a person who decides anew."""
    for lockfile in (reopened(State.ADOPTED), reopened(State.ABSENT), reopened(State.ASSUMED)):
        late = rebased(lockfile, arriving(A, OURS))
        assert late is not None
        assert late.event.to is State.ADOPTED
        again = by_person(State.ADOPTED, OURS)
        assert rebased(lockfile, again) == again
        proof = rebased(lockfile, arriving(State.UNSENT))
        assert proof is not None
        assert proof.event.to is State.ABSENT


def test_a_decision_is_put_back_once_and_only_while_it_stands() -> None:
    lockfile = record(State.IN_DOUBT).recorded([by_person(State.ASSUMED)])
    event = reopening(lockfile.attempts("prod", "a")[0], "2026-01-01T00:00:03Z", {"by": {}})
    assert event is not None
    back = Transition("prod", "a", 1, event)
    assert rebased(lockfile, back) == back
    assert rebased(lockfile.recorded([back]), back) is None
    overtaken = lockfile.recorded([arriving(State.ADOPTED, OURS)])
    with pytest.raises(LockError):
        rebased(overtaken, back)


def test_what_is_put_back_is_the_execution_that_was_looked_at() -> None:
    """Two people at once: one put it back and adopted another, which the other one never saw."""
    first = record(State.IN_DOUBT).recorded([by_person(State.ADOPTED, OURS)])
    event = reopening(first.attempts("prod", "a")[0], "2026-01-01T00:00:03Z", {"by": {}})
    assert event is not None
    back = Transition("prod", "a", 1, event)
    other = event._replace(at="2026-01-01T00:00:04Z")
    meanwhile = [Transition("prod", "a", 1, other), by_person(State.ADOPTED, ANOTHER)]
    with pytest.raises(LockError):
        rebased(first.recorded(meanwhile), back)


@pytest.mark.parametrize("to", [State.IN_DOUBT, State.REFUSED, State.UNSENT])
def test_what_started_nothing_names_no_execution(to: State) -> None:
    """A record with one could not be read back, or not go on from there."""
    with pytest.raises(LockError):
        rebased(record(), arriving(to, OURS))


def test_an_answer_that_contradicts_a_decision_names_the_way_back() -> None:
    """A person adopted one, and the sender's own answer names another: its way in is open."""
    lockfile = record(State.IN_DOUBT).recorded([by_person(State.ADOPTED, ANOTHER)])
    with pytest.raises(LockError) as refused:
        rebased(lockfile, arriving(A, OURS))
    command = "`qflow-gitops resolve prod/a --reopen --attempt 1 --reason TEXT`"
    assert command in refused.value.hint
    with pytest.raises(LockError) as taken:
        lockfile.recorded([opened("c"), moved(A, "c", execution=ANOTHER)])
    assert command in taken.value.hint
    with pytest.raises(LockError) as proven:
        rebased(lockfile, arriving(State.UNSENT))
    assert command in proven.value.hint


walks = st.lists(st.sampled_from(State), max_size=6)
ids = st.sampled_from(("", OURS, ANOTHER, FOREIGN))
words = st.sampled_from(("", "Running", "Waiting"))
arrivals = st.one_of(
    st.builds(arriving, st.sampled_from(State), ids, words, st.sampled_from(("", "d"))),
    st.builds(by_person, st.sampled_from(sorted(REOPENED)), ids),
    st.builds(
        by_person,
        st.sampled_from((State.IN_DOUBT, State.ENDED)),
        reopens=st.sampled_from(sorted(REOPENED)),
        letGo=ids,
    ),
)


@given(walks, st.lists(arrivals, min_size=1, max_size=4))
def test_whatever_arrives_the_ledger_stays_valid(
    walk: list[State], arrived: list[Transition]
) -> None:
    """Whatever isn't refused is recorded, can be read back, and is said only once."""
    lockfile = record()
    for one in (*(arriving(to, OURS if to is A else "") for to in walk), *arrived):
        try:
            merged = rebased(lockfile, one)
        except LockError:
            continue
        if merged is None:
            continue
        assert rebased(lockfile, merged) == merged
        lockfile = lockfile.recorded([merged])
        assert rebased(lockfile, one) is None
        assert from_bytes(to_bytes(lockfile), "qflow.lock") == lockfile


def test_every_state_and_every_arrival() -> None:
    """No pair of a state and an arrival raises anything but LockError, or makes a bad ledger."""
    everything = itertools.product(State, State, ("", OURS, ANOTHER, FOREIGN), ("", "Running"))
    outcomes = {"new": 0, "refused": 0, "nothing": 0}
    for state, to, execution, word in everything:
        lockfile, one = record(*WAYS[state], word="Running"), arriving(to, execution, word)
        try:
            merged = rebased(lockfile, one)
        except LockError:
            outcomes["refused"] += 1
            continue
        outcomes["new" if merged else "nothing"] += 1
        if merged:
            after = lockfile.recorded([merged])
            assert from_bytes(to_bytes(after), "qflow.lock") == after
            assert after.attempts("prod", "a")[0].execution_id in ("", OURS, ANOTHER)
    assert min(outcomes.values()) > 100


# --- one execution, one attempt ------------------------------------------------------


def test_an_execution_is_never_recorded_twice() -> None:
    lockfile = record(A)
    for wrong in ([arriving(R, FOREIGN)], [opened("c"), moved(A, "c", execution=OURS)]):
        with pytest.raises(LockError) as refused:
            lockfile.recorded(wrong)
        assert refused.value.reason == "lock_conflict"
    both = [opened("c"), opened("d"), *(moved(A, run, execution="new") for run in ("c", "d"))]
    with pytest.raises(LockError, match="new is that of prod/c #1"):
        lockfile.recorded(both)


def test_who_has_an_execution_is_known_through_every_change() -> None:
    lockfile = record(A)
    assert lockfile.owner(OURS) == ("prod", "a", 1)
    grown = lockfile.recorded([opened("c"), moved(A, "c", execution="new")])
    grown = grown.marked(Checkpoint("prod", "1" * 40)).recorded([arriving(State.SUCCEEDED)])
    assert grown.owner("new") == ("prod", "c", 1)
    assert lockfile.owner("new") is None  # what grows from a record leaves it as it is
    assert Lockfile("x", 1, {}, _owners=grown._owners).owner(OURS) is None
    assert grown == from_bytes(to_bytes(grown), "qflow.lock")


def test_an_execution_that_is_let_go_may_be_anothers() -> None:
    """And then it is that one's alone, however the records are put together."""
    lockfile = reopened(State.ADOPTED, State.SUCCEEDED)
    assert lockfile.owner(OURS) is None
    (attempt,) = lockfile.attempts("prod", "a")
    assert (attempt.state, attempt.execution_id, set(attempt.let_go)) == (
        State.IN_DOUBT,
        "",
        {OURS},
    )
    taken = lockfile.recorded([opened("c"), moved(A, "c", execution=OURS)])
    assert taken.owner(OURS) == ("prod", "c", 1)
    read = from_bytes(to_bytes(taken), "qflow.lock")
    assert read == taken
    assert read.owner(OURS) == ("prod", "c", 1)
    with pytest.raises(LockError, match="e-1 is that of prod/c #1"):
        taken.recorded([by_person(State.ADOPTED, OURS)])
    assert read.owner(FOREIGN) == ("prod", "b", 1)


def test_in_one_write_an_execution_goes_from_one_attempt_to_another() -> None:
    lockfile = record(State.IN_DOUBT).recorded([by_person(State.ADOPTED, OURS)])
    lockfile = lockfile.recorded([opened("c"), moved(State.IN_DOUBT, "c")])
    event = reopening(lockfile.attempts("prod", "a")[0], "", {})
    assert event is not None
    go = Transition("prod", "a", 1, event)
    come = moved(State.ADOPTED, "c", execution=OURS)
    assert lockfile.recorded([go, come]).owner(OURS) == ("prod", "c", 1)
    with pytest.raises(LockError):
        lockfile.recorded([come, go])


def test_ten_thousand_runs_cost_nothing_each_time() -> None:
    runs = [f"r{number}" for number in range(10_000)]
    lockfile = Lockfile("x").recorded(
        one for run in runs for one in (opened(run), moved(A, run, execution=f"e-{run}"))
    )
    lockfile = lockfile.recorded(opened(f"n{number}") for number in range(200))
    lockfile.owner("")
    started = time.process_time()
    for number in range(200):
        lockfile = lockfile.recorded([moved(A, f"n{number}", execution=f"f-{number}")])
    assert (time.process_time() - started) / 200 < 0.003  # seconds; 0.3 ms where it is quiet
