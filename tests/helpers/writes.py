"""Any sequence of what can be recorded: attempts, what becomes of them, marks and notes."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from qflow_gitops.lockfile.attempt import Attempt, Event, Transition
from qflow_gitops.lockfile.checkpoint import Checkpoint
from qflow_gitops.lockfile.decisions import reopening
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.notes import LedgerEvent, Note
from qflow_gitops.lockfile.states import EXECUTED, TRANSITIONS, State

AT = "2026-01-01T00:00:00Z"
ENVIRONMENTS, RUNS = ("prod", "dev-2"), ("a", "b-c", "0", "all/b-c", "all/0.us-east-1")
MANY = 99
"""So many attempts are opened at once now and then: a file holds 100."""
BY = {"by": {"actor": "ada"}}
HOSTILE = (
    "plain", 'a "quoted" {\n        } text', '\n      "runs": {\n', "\\ud800 \u2028\x7f\x00",
    "},\n        \"a\": {\n", "\U0001f600 é", "",
)  # fmt: skip
"""Texts that look like what a lockfile is made of."""

texts = st.sampled_from(HOSTILE)
places = st.tuples(st.sampled_from(ENVIRONMENTS), st.sampled_from(RUNS))
steps = st.one_of(
    st.tuples(st.just("open"), places, texts),
    st.tuples(st.just("move"), places, st.tuples(st.integers(1, 3), st.integers(0, 9))),
    st.tuples(st.just("many"), places, texts),
    st.tuples(st.just("reopen"), places, texts),
    st.tuples(st.just("carry"), places, places),
    st.tuples(st.just("release"), places, texts),
    st.tuples(st.just("fail"), places, texts),
    st.tuples(st.just("freeze"), places, texts),
    st.tuples(st.just("mark"), places, st.booleans()),
)
Step = tuple[str, tuple[str, str], Any]
writes = st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=6)
"""Each list of steps is one write."""


def written(lockfile: Lockfile, some: Sequence[Step]) -> tuple[list[Transition], Checkpoint | None]:
    """Say in the lockfile's own terms what one write records."""
    transitions: list[Transition] = []
    environment, latest, applied = "", "", None
    notes: list[Note] = []
    for kind, place, what in some:
        new = transitions_of(lockfile, kind, place, what)
        lockfile = lockfile.recorded(new)
        transitions += new
        notes += notes_of(kind, place, what)
        if kind == "mark":
            environment, latest, applied = place[0], "1" * 40, "2" * 40 if what else None
    if not (notes or environment):
        return transitions, None
    return transitions, Checkpoint(environment, latest, applied, tuple(notes))


def transitions_of(
    lockfile: Lockfile, kind: str, place: tuple[str, str], what: Any
) -> list[Transition]:
    attempts = lockfile.attempts(*place)
    last = attempts[-1] if attempts else None
    if kind == "open":
        return [opened(place, len(attempts) + 1, what)]
    if kind == "many":
        return [
            one
            for number in range(len(attempts) + 1, len(attempts) + 1 + MANY)
            for one in (opened(place, number, what), moved(place, number, State.UNSENT))
        ]
    if kind == "move" and last:
        from_the_end, choice = what
        attempt = attempts[-from_the_end:][0]
        ways = sorted(TRANSITIONS.get(attempt.state, ()))
        return [moved(place, attempt.number, ways[choice % len(ways)])] if ways else []
    if kind == "reopen" and last and (event := reopening(last, AT, BY)):
        return [Transition(*place, last.number, event)]
    return []


def opened(place: tuple[str, str], number: int, text: str) -> Transition:
    event = Event(AT, State.INTENT, {"by": {"actor": text}})
    facts = {"file": f"runs/{place[1]}.yaml", "platform": "EU2", "odd": {"runs": {text: [text, 1]}}}
    digest = f"v1:sha256:{number:064x}"
    return Transition(
        *place, number, event, opens=Attempt(number, State.INTENT, digest, (event,), facts=facts)
    )


def moved(place: tuple[str, str], number: int, to: State) -> Transition:
    """A move; with an execution where there has to be one, decided by a person where one may."""
    execution = f"{'-'.join(place)}-{number}" if to in EXECUTED else ""
    return Transition(
        *place, number, Event(AT, to, BY), execution_id=execution, status="Odd" if execution else ""
    )


def notes_of(kind: str, place: tuple[str, str], what: Any) -> list[Note]:
    if kind == "carry":
        event = LedgerEvent(AT, "carried", {"from": "/".join(what), "through": 0})
        return [Note(*place, event)]
    if kind == "fail":
        said = {"attempt": 1, "executionId": what or "e", "certain": False, "message": what}
        return [Note(*place, LedgerEvent(AT, "failedAt", said))]
    if kind == "release":
        return [Note(place[0], "", LedgerEvent(AT, "released", {"hold": "empty", "reason": what}))]
    if kind == "freeze":
        return [Note("", "", LedgerEvent(AT, "frozen", {"reason": what}))]
    return []
