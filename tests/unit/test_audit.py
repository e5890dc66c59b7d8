"""A record that only grew passes; any other change of what was written is found."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.audit import check_values
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.decisions import reopening
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.states import TRANSITIONS, State
from tests.helpers.growth import differs, grown
from tests.helpers.values import replace
from tests.unit.test_lockfile import DIGEST, moved, opened

COMMIT, LATER = "1" * 40, "2" * 40
A = State.ACCEPTED


def begun_of(transition: Transition) -> Attempt:
    """Return the attempt that a transition opens."""
    assert transition.opens is not None
    return transition.opens


def walked(lockfile: Lockfile, steps: list[tuple[str, int]]) -> Lockfile:
    """The next version, after these steps: a run's last attempt moves on, or another opens."""
    for run, choice in steps:
        attempts = lockfile.attempts("prod", run)
        number = len(attempts)
        moves = sorted(TRANSITIONS.get(attempts[-1].state, ())) if attempts else []
        if choice >= len(moves):
            one = opened(run, number + 1)
        else:
            names = moves[choice] in (A, State.ADOPTED)
            one = moved(moves[choice], run, number, f"e-{run}-{number}" if names else "")
        lockfile = lockfile.recorded([one])
    return replace(lockfile, serial=lockfile.serial + 1)


steps = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), max_size=10)


@given(steps, steps)
def test_a_record_that_only_grew_passes(first: list[Any], then: list[Any]) -> None:
    old = walked(Lockfile("x"), first).marked(Checkpoint("prod", COMMIT, COMMIT))
    new = walked(old, then).marked(Checkpoint("prod", LATER, LATER))
    assert grown(old, new) == ()
    assert grown(old, old) == ()
    assert grown(old, from_bytes(to_bytes(new), "qflow.lock")) == ()


@pytest.mark.parametrize(("was", "now"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_what_only_looks_equal_was_changed(was: Any, now: Any) -> None:
    """Python calls 1, 1.0 and true equal."""
    assert grown(with_fact(was), replace(with_fact(now), serial=1))


def with_fact(value: Any) -> Lockfile:
    one = opened("a")
    assert one.opens is not None
    return Lockfile("x").recorded([replace(one, opens=replace(one.opens, facts={"odd": value}))])


# --- any one change of what was written ----------------------------------------------

Change = Callable[[Lockfile, str, int, int], Lockfile]


def record(**changes: Any) -> Change:
    """A change of the environment's record."""

    def change(new: Lockfile, _run: str, _at: int, _event: int) -> Lockfile:
        return replace(new, environments={"prod": replace(new.environment("prod"), **changes)})

    return change


def run(change: Callable[[tuple[Attempt, ...], int], tuple[Attempt, ...] | None]) -> Change:
    """A change of a run's attempts; None removes the run."""

    def changed(new: Lockfile, name: str, at: int, _event: int) -> Lockfile:
        runs = dict(new.environment("prod").runs)
        attempts = change(runs.pop(name), at)
        return record(runs=runs if attempts is None else {**runs, name: attempts})(new, "", 0, 0)

    return changed


def attempt(change: Callable[[Attempt], Attempt]) -> Change:
    """A change of one attempt."""
    return run(lambda all_, at: (*all_[:at], change(all_[at]), *all_[at + 1 :]))


def events(change: Callable[[tuple[Event, ...], int], tuple[Event, ...]]) -> Change:
    """A change of one event of an attempt."""
    return lambda new, name, at, event: attempt(
        lambda one: replace(one, events=change(one.events, event))
    )(new, name, at, event)


def event(**changes: Any) -> Change:
    return events(lambda all_, at: (*all_[:at], replace(all_[at], **changes), *all_[at + 1 :]))


def flipped(text: str, at: int = -1) -> str:
    return text[:at] + ("1" if text[at] == "0" else "0")


def facts(**changes: Any) -> Change:
    return attempt(lambda one: replace(one, facts={**one.facts, **changes}))


def without_fact(one: Attempt) -> Attempt:
    return replace(one, facts={key: one.facts[key] for key in one.facts if key != "commit"})


def carried(through: int) -> LedgerEvent:
    return LedgerEvent("", "carried", {"from": "prod/b", "through": through})


CHANGES: dict[str, Change] = {
    "another lineage": lambda new, *_: replace(new, lineage="y"),
    "an older serial": lambda new, *_: replace(new, serial=0),
    "a key of the lockfile lost": lambda new, *_: replace(new, extra={}),
    "the environment gone": lambda new, *_: replace(new, environments={}),
    "a key of the environment lost": record(extra={}),
    "the freeze gone": lambda new, *_: replace(new, notes=()),
    "another freeze": lambda new, *_: replace(new, notes=(LedgerEvent("", "unfrozen"),)),
    "an event of the environment gone": record(notes=()),
    "an event of a run gone": record(events={}),
    "carried through another": record(events={"a": (carried(2),)}),
    "latest lost": record(latest=""),
    "appliedThrough lost": record(applied_through=""),
    "a run gone": run(lambda all_, at: None),
    "an attempt gone": run(lambda all_, at: (*all_[:at], *all_[at + 1 :])),
    "all from an attempt on gone": run(lambda all_, at: all_[:at]),
    "attempts in reverse": run(lambda all_, at: (begun_of(opened("", 99)), *all_[::-1])),
    "another number": attempt(lambda one: replace(one, number=one.number + 1)),
    "another digest": attempt(lambda one: replace(one, digest=flipped(one.digest))),
    "another commit": facts(commit=LATER),
    "another type": facts(flag=1),
    "a deeper fact": facts(annotations={"ticket": "CHG2"}),
    "a fact more": facts(more=1),
    "a fact gone": attempt(without_fact),
    "another execution": attempt(lambda one: replace(one, execution_id="other")),
    "an event gone": events(lambda all_, at: (*all_[:at], *all_[at + 1 :])),
    "all events gone": events(lambda all_, at: ()),
    "an event put in": events(lambda all_, at: (Event("", State.RUNNING), *all_)),
    "another time": event(at="2026-01-01T00:00:09Z"),
    "another state in an event": event(to="other"),
    "another detail": event(extra={"detail": "other"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@given(first=steps, then=steps, draw=st.data())
def test_any_one_change_of_what_was_written_is_found(
    change: Change, first: list[Any], then: list[Any], draw: st.DataObject
) -> None:
    begun = begun_of(opened("a"))
    kept = replace(begun, facts={**begun.facts, "flag": True, "annotations": {"ticket": "CHG1"}})
    start = Lockfile("x", 1, notes=(LedgerEvent("", "frozen"),), extra={"kept": 1}).recorded(
        [replace(opened("a"), opens=kept), moved(A, "a", execution="e")]
    )
    start = record(extra={"kept": 2}, latest=COMMIT, applied_through=COMMIT)(start, "", 0, 0)
    start = record(notes=(LedgerEvent("", "released"),), events={"a": (carried(1),)})(
        start, "", 0, 0
    )
    old = walked(start, first)
    new = walked(old, then)
    assert grown(old, new) == ()
    name = draw.draw(st.sampled_from(sorted(old.environment("prod").runs)))
    at = draw.draw(st.integers(0, len(old.attempts("prod", name)) - 1))
    if change in (CHANGES["another type"], CHANGES["a deeper fact"]):
        name, at = "a", 0
    place = draw.draw(st.integers(0, len(old.attempts("prod", name)[at].events) - 1))
    tampered = change(new, name, at, place)
    if change is CHANGES["another execution"] and not old.attempts("prod", name)[at].execution_id:
        return  # it may have come with a later event
    before = old.attempts("prod", name)[at].events
    if change is CHANGES["an event gone"] and (
        tampered.attempts("prod", name)[at].events[: len(before)] == before
    ):
        return  # a later event of the same words stands where it stood
    assert differs(old, tampered)


def put_back(lockfile: Lockfile) -> Lockfile:
    """The next version, in which a person puts back what stands."""
    event = reopening(lockfile.attempts("prod", "a")[0], "2026-01-01T00:00:09Z", {"by": {}})
    assert event is not None
    after = lockfile.recorded([Transition("prod", "a", 1, event)])
    return replace(after, serial=lockfile.serial + 1)


def decided(to: State, execution: str = "", number: int = 1) -> Transition:
    event = Event("2026-01-01T00:00:02Z", to, {"by": {"actor": "ada"}})
    return Transition("prod", "a", number, event, execution_id=execution)


def test_an_execution_that_an_event_lets_go_is_not_lost() -> None:
    """Whether it is nobody's then, or another's, or the attempt has the next one already."""
    old = Lockfile("x", 1).recorded(
        [opened(), moved(State.IN_DOUBT), decided(State.ADOPTED, "e-1")]
    )
    free = put_back(old)
    assert grown(old, free) == ()
    other = replace(free.recorded([decided(State.ADOPTED, "e-2")]), serial=3)
    assert grown(old, other) == grown(free, other) == ()
    again = put_back(other)
    assert grown(old, again) == grown(other, again) == ()
    (said,) = differs(other, attempt(lambda one: replace(one, execution_id=""))(
        replace(other.recorded([moved(State.RUNNING)]), serial=4), "a", 0, 0
    ))  # fmt: skip
    assert said == "The execution of the attempt prod/a #1 is none, it was e-2."


def test_the_same_version_with_other_content_is_found() -> None:
    old = Lockfile("x", 1).recorded([opened()])
    assert grown(old, old.recorded([opened("b")])) == ("Runs were changed, and the serial wasn't.",)
    odd = Checkpoint("prod", COMMIT)
    assert grown(old, old.marked(odd)) == ("The content is another one, the serial is still 1.",)


@pytest.mark.parametrize("known", [{"execution_id": "e"}, {"status": "Success"}])
def test_what_no_event_says_is_found(known: dict[str, str]) -> None:
    old = Lockfile("x", 1).recorded([opened()])
    new = attempt(lambda one: replace(one, **known))(replace(old, serial=2), "a", 0, 0)
    (said,) = differs(old, new)
    assert "without an event" in said


def test_the_sentences_name_the_place_and_both_values() -> None:
    old = Lockfile("x", 2).recorded([opened(), moved(A, execution="e-1")])
    new = facts(commit="x" * 300)(replace(old, serial=1), "a", 0, 0)
    new = attempt(lambda one: replace(one, execution_id=""))(new, "a", 0, 0)
    said = differs(old, new)
    assert said[0] == "The serial is 1, it was 2."
    assert said[1].startswith("The fact /commit of the attempt prod/a #1 is 'xxxxx")
    assert said[1].endswith(f"…, it was '{COMMIT}'.")
    assert len(said[1]) < 250
    assert said[2] == "The execution of the attempt prod/a #1 is none, it was e-1."


# --- within one version --------------------------------------------------------------


def test_what_an_apply_writes_has_nothing_to_say() -> None:
    lockfile = Lockfile("x").recorded(
        [
            *(opened(), moved(State.UNSENT)),
            *(opened(number=2), moved(State.IN_DOUBT, number=2), moved(State.ABSENT, number=2)),
            *(opened(number=3), moved(State.REFUSED, number=3)),
            *(opened(number=4), moved(A, number=4, execution="e"), moved(State.FAILED, number=4)),
            opened(number=5),
        ]
    )
    assert check_values(lockfile) == ()


@pytest.mark.parametrize("end", [A, State.IN_DOUBT, State.ASSUMED, State.BASELINED])
def test_a_request_that_may_have_run_twice_is_found(end: State) -> None:
    """Also long after: attempts without success may lie between the two."""
    way: tuple[State, ...] = (State.IN_DOUBT, State.ASSUMED) if end is State.ASSUMED else (end,)
    if end is State.BASELINED:
        done = Event("2026-01-01T00:00:00Z", end)
        first = replace(opened(), event=done, opens=Attempt(1, end, DIGEST, (done,)))
        way = ()
    else:
        first = opened()
    lockfile = Lockfile("x").recorded(
        [
            *(first, *(moved(to, execution="e" if to is A else "") for to in way)),
            *(opened(number=2), moved(State.UNSENT, number=2)),
            *(opened(number=3), moved(State.REFUSED, number=3)),
        ]
    )
    (said,) = check_values(lockfile)
    assert said.startswith(f"The attempts prod/a #1 ({end}) and #3 (refused) have the same digest")


def test_a_truth_that_came_late_shows_a_second_sending() -> None:
    lockfile = Lockfile("x").recorded(
        [opened(), moved(State.IN_DOUBT), moved(State.ABSENT), opened(number=2)]
    )
    assert check_values(lockfile) == ()
    (said,) = check_values(lockfile.recorded([moved(State.ADOPTED, execution="e")]))
    assert "#1 (adopted) and #2 (intent)" in said


def test_what_was_sent_again_after_a_decision_is_called_so() -> None:
    """Not "without a release": a person said that it hadn't run, and put that back."""
    lockfile = Lockfile("x", 1).recorded(
        [opened(), moved(State.IN_DOUBT), decided(State.ABSENT), opened(number=2)]
    )
    assert check_values(lockfile) == ()
    (said,) = check_values(put_back(lockfile))
    assert said.endswith("may have run twice, since a person had decided that it hadn't.")


@pytest.mark.parametrize(
    ("evidence", "fine"),
    [
        ({"released": [{"hold": "retry", "count": 3, "reason": "x"}]}, True),
        ({"released": [{"hold": "limit:runs"}]}, False),
        ({"released": "retry"}, False),
        ({"released": ["retry"]}, False),
        ("retry", False),
    ],
)
def test_a_retry_of_what_turned_out_well_was_released(evidence: Any, fine: bool) -> None:
    """It had ended with a word that was explained only after it was sent again by name."""
    second = opened(number=2)
    assert second.opens is not None
    second = replace(second, opens=replace(second.opens, facts={"evidence": evidence}))
    known = [opened(), moved(A, execution="e"), moved(State.ENDED), second, moved(State.SUCCEEDED)]
    assert (check_values(Lockfile("x").recorded(known)) == ()) is fine
    never_failed = [opened(), moved(A, execution="e"), second, moved(State.SUCCEEDED)]
    assert check_values(Lockfile("x").recorded(never_failed))


@pytest.mark.parametrize("digest", ["", "v1:sha256:" + "A" * 64, DIGEST + "\n", "v2" + DIGEST[2:]])
def test_a_digest_of_another_form_is_found(digest: str) -> None:
    lockfile = attempt(lambda one: replace(one, digest=digest))(
        Lockfile("x").recorded([opened()]), "a", 0, 0
    )
    (said,) = check_values(lockfile)
    assert said.startswith("The digest of the attempt prod/a #1 has no known form")


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (("12:00:00Z", "11:50:00Z"), ""),
        (("12:00:00Z", "12:00:00.250Z"), ""),
        (("12:00:00Z", "13:00:00+01:00"), ""),
        (("12:00:00Z", "11:49:59Z"), "at 2026-01-01T11:49:59Z, 10 minutes before what"),
        (("12:00:00Z", "11:55:00Z", "11:40:00Z"), "20 minutes before"),
        (("12:00:00Z", "12:00:00"), "became accepted at '2026-01-01T12:00:00', which is no time"),
        (("soon",), "which is no time"),
    ],
)
def test_times_that_go_back_are_found(times: tuple[str, ...], said: str) -> None:
    states = (State.INTENT, A, State.RUNNING)
    stamped = tuple(Event(f"2026-01-01T{at}", to) for at, to in zip(times, states, strict=False))
    lockfile = attempt(lambda one: replace(one, events=stamped))(
        Lockfile("x").recorded([opened()]), "a", 0, 0
    )
    found = check_values(lockfile)
    assert len(found) == bool(said)
    assert said in "".join(found)


def asking(number: int) -> Transition:
    """Open an attempt with a request of its own."""
    begun = opened(f"r{number}")
    return replace(begun, opens=replace(begun.opens, digest=f"v1:sha256:{number:064x}"))


def test_ten_thousand_runs_are_compared_in_a_moment() -> None:
    old = Lockfile("x").recorded(
        one
        for number in range(10_000)
        for one in (asking(number), moved(A, f"r{number}", execution=f"e{number}"))
    )
    new = from_bytes(to_bytes(replace(old, serial=1)), "qflow.lock")
    started = time.process_time()
    assert grown(old, new) == check_values(new) == ()
    assert time.process_time() - started < 2  # seconds; 0.15 where it is quiet


@pytest.mark.parametrize(
    ("released", "platforms", "count"),
    [
        ((), ("EU2", "EU2"), 1),
        (("same_request",), ("EU2", "EU2"), 0),
        (("window",), ("EU2", "EU2"), 1),
        ((), ("EU2", "US1"), 0),
    ],
)
def test_a_request_that_two_runs_sent_is_found(
    released: tuple[str, ...], platforms: tuple[str, str], count: int
) -> None:
    """Under another name it is the same request, on the same platform."""
    lockfile = Lockfile("x", 1)
    for name, platform in zip(("a", "b"), platforms, strict=True):
        evidence = {"released": [{"hold": one} for one in released]} if name == "b" else {}
        begun = opened(name)
        facts = {**begun_of(begun).facts, "platform": platform, "evidence": evidence}
        lockfile = lockfile.recorded([replace(begun, opens=replace(begun.opens, facts=facts))])
    assert sum("sent the same request" in one for one in check_values(lockfile)) == count


def test_attempts_that_are_carried_over_and_arent_there_are_found() -> None:
    lockfile = Lockfile("x", 1).recorded([opened("b")])
    for through, count in ((1, 0), (2, 1)):
        noted = lockfile.marked(Checkpoint(notes=(Note("prod", "a", carried(through)),)))
        assert sum("takes over" in one for one in check_values(noted)) == count


def failed_at(attempt: Any, execution: str) -> LedgerEvent:
    said = {"attempt": attempt, "executionId": execution, "certain": True}
    return LedgerEvent("2026-10-06T09:30:00Z", "failedAt", said)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([(1, "e-1")], ()),
        ([(1, "E-1")], ()),
        ([(2, "e-1")], ("the attempt #2 isn't there",)),
        ([(None, "e-1")], ("the attempt #None isn't there",)),
        ([(1, "e-2")], ("the attempt #1 has another execution than e-2",)),
        ([(1, "")], ("the attempt #1 has another execution than none",)),
        ([(1, "e-1"), (1, "e-1")], ("that of execution e-1 is said already",)),
    ],
)
def test_how_a_run_failed_is_said_of_an_attempt_that_is_there(
    said: list[tuple[Any, str]], found: tuple[str, ...]
) -> None:
    lockfile = Lockfile("x", 1).recorded([opened("a"), moved(A, "a", 1, "e-1")])
    notes = tuple(Note("prod", "a", failed_at(*each)) for each in said)
    sentences = check_values(lockfile.marked(Checkpoint(notes=notes)))
    assert [each.partition("failed: ")[2] for each in sentences] == [f"{why}." for why in found]


def test_how_a_run_failed_stays() -> None:
    lockfile = Lockfile("x", 1).recorded([opened("a"), moved(A, "a", 1, "e-1")])
    said = lockfile.marked(Checkpoint(notes=(Note("prod", "a", failed_at(1, "e-1")),)))
    assert differs(said, lockfile)
