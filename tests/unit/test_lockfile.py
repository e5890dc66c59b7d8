"""The ledger: what may follow what, one normal form, and refusal of what can't be trusted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile.attempt import Attempt, Event, Transition, is_leased
from qflow_gitops.lockfile.codec import from_bytes, to_bytes
from qflow_gitops.lockfile.ledger import Lockfile
from qflow_gitops.lockfile.states import TRANSITIONS, State
from qflow_gitops.specs import schemas

DIGEST = "v1:sha256:" + "0" * 64
VALIDATOR = Draft202012Validator(schemas.load("lockfile"), registry=Registry())


def opened(run: str = "a", number: int = 1) -> Transition:
    event = Event("2026-01-01T00:00:00Z", State.INTENT, {"by": {"actor": "ada", "tool": "0.1.0"}})
    facts = {
        "workflowId": "6cad21c8-4405-4517-beb9-7372feafb5b4",
        "platform": "EU2",
        "gateway": "gateway.qg2.apps.qualys.eu",
        "file": "runs/a.yaml",
        "commit": "1" * 40,
        "blob": "2" * 40,
        "bodySha256": "3" * 64,
        "nonce": "4" * 32,
    }
    attempt = Attempt(number, State.INTENT, DIGEST, (event,), facts=facts)
    return Transition("prod", run, number, event, opens=attempt)


def moved(to: State, run: str = "a", number: int = 1, execution: str = "") -> Transition:
    return Transition(
        "prod", run, number, Event("2026-01-01T00:00:01Z", to), execution_id=execution
    )


walks = st.lists(st.sampled_from(State), max_size=6)


@given(walks)
def test_only_what_the_table_allows_is_recorded(walk: list[State]) -> None:
    """Every history that can be written can be read back, byte for byte, and fits the schema."""
    lockfile = Lockfile("0123456789abcdef", serial=1).recorded([opened()])
    state = State.INTENT
    for to in walk:
        one = moved(to, execution="e-1" if to in (State.ACCEPTED, State.ADOPTED) else "")
        if to in TRANSITIONS.get(state, ()):
            lockfile = lockfile.recorded([one])
            state = to
        else:
            with pytest.raises(LockError):
                lockfile.recorded([one])
    content = to_bytes(lockfile)
    assert from_bytes(content, "qflow.lock") == lockfile
    assert to_bytes(from_bytes(content, "qflow.lock")) == content
    VALIDATOR.validate(json.loads(content))


def test_attempts_are_numbered_and_never_replaced() -> None:
    lockfile = Lockfile("x").recorded([opened()])
    for wrong in (opened(number=1), opened(number=3)):
        with pytest.raises(LockError):
            lockfile.recorded([wrong])
    with pytest.raises(LockError):
        lockfile.recorded([moved(State.ACCEPTED, number=2)])
    assert (
        len(lockfile.recorded([moved(State.UNSENT), opened(number=2)]).attempts("prod", "a")) == 2
    )


def test_nothing_is_recorded_where_one_of_several_is_not_allowed() -> None:
    lockfile = Lockfile("x").recorded([opened()])
    with pytest.raises(LockError):
        lockfile.recorded([opened("b"), moved(State.SUCCEEDED)])
    assert lockfile.attempts("prod", "b") == ()


def test_what_a_later_version_added_is_kept() -> None:
    lockfile = Lockfile("x", serial=1).recorded([opened()])
    data = json.loads(to_bytes(lockfile))
    data["added"] = 1
    data["environments"]["prod"]["added"] = 2
    attempt = data["environments"]["prod"]["runs"]["a"]["attempts"][0]
    attempt["added"] = 3
    attempt["events"][0]["added"] = 4
    again = json.loads(to_bytes(from_bytes(json.dumps(data).encode(), "qflow.lock")))
    assert again == data


def mutated(change: Callable[[Any, Any], object]) -> bytes:
    lockfile = Lockfile("x", serial=1).recorded(
        [opened(), moved(State.ACCEPTED, execution="e" * 8)]
    )
    data = json.loads(to_bytes(lockfile))
    change(data, data["environments"]["prod"]["runs"])
    return json.dumps(data).encode()


def _in_capitals(run: dict[str, Any]) -> dict[str, Any]:
    capitals: dict[str, Any] = json.loads(json.dumps(run).replace("e" * 8, "E" * 8))
    return capitals


@pytest.mark.parametrize(
    "change",
    [
        lambda data, _runs: data.pop("serial"),
        lambda data, _runs: data.update(serial=-1),
        lambda data, _runs: data.update(serial=True),
        lambda data, _runs: data.update(lockfileVersion=0),
        lambda data, _runs: data.update(lockfileVersion=1),
        lambda data, _runs: data.update(lineage=""),
        lambda data, _runs: data.update(environments=[]),
        lambda _data, runs: runs["a"].update(attempts=[]),
        lambda _data, runs: runs["a"].update(added=1),
        lambda _data, runs: runs["a"]["attempts"][0].update(state="succeeded"),
        lambda _data, runs: runs["a"]["attempts"][0].update(state="nonsense"),
        lambda _data, runs: runs["a"]["attempts"][0].update(number=2),
        lambda _data, runs: runs["a"]["attempts"][0].update(digest=1),
        lambda _data, runs: runs["a"]["attempts"][0].pop("executionId"),
        lambda _data, runs: runs["a"]["attempts"][0]["events"].pop(),
        lambda _data, runs: runs["a"]["attempts"][0]["events"].pop(0),
        lambda _data, runs: runs.update(b=runs["a"]),  # the same execution twice
        lambda _data, runs: runs.update(b=_in_capitals(runs["a"])),
    ],
)
def test_what_breaks_the_ledgers_rules_is_refused(change: Callable[[Any, Any], object]) -> None:
    with pytest.raises(LockError) as refused:
        from_bytes(mutated(change), "qflow.lock")
    assert refused.value.exit_code == 11
    assert refused.value.hint


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(LockError):
        from_bytes(b'{"lockfileVersion": 1, "lockfileVersion": 1}', "qflow.lock")


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    with pytest.raises(LockError):
        from_bytes(content, "qflow.lock")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_normal_form_is_what_json_writes(value: object) -> None:
    """Whatever a later version may have put into a record, too."""
    written = to_bytes(Lockfile("0123456789abcdef", extra={"later": value}))
    assert written.decode() == json.dumps(json.loads(written), indent=2, ensure_ascii=False) + "\n"
    assert json.loads(written)["later"] == value


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("until", "leased"),
    [
        ("2026-11-28T10:06:00Z", True),
        ("2026-11-29T09:59:00Z", True),
        ("2026-11-28T09:59:59Z", False),
        ("2026-11-29T10:00:01Z", False),
        ("2031-11-28T10:06:00Z", False),
        ("99999-11-28T10:06:00Z", False),
        ("soon", False),
        (4, False),
    ],
)
def test_nobody_waits_for_a_clock_that_was_far_ahead(until: object, leased: bool) -> None:
    """The kind: a time that another clock wrote, and that is waited for.

    An intent of a clock that was more than a day ahead is doubt at once, not when this one has
    come so far.
    """
    event = Event("2026-11-28T10:00:00Z", State.INTENT, {"leaseUntil": until})
    one = Attempt(1, State.INTENT, "", (event,))
    assert is_leased(one, "2026-11-28T10:00:00Z") is leased


@pytest.mark.fault(36)
def test_an_execution_in_capitals_is_the_same_one() -> None:
    """The kind: one thing in two spellings, given to two. An id's spelling is the server's."""
    begun = Lockfile("x").recorded([opened(), moved(State.ACCEPTED, execution="e" * 8)])
    both = [opened("b"), moved(State.ACCEPTED, "b", execution="E" * 8)]
    assert begun.owner("EeEeEeEe") == ("prod", "a", 1)
    for known in (begun, from_bytes(to_bytes(begun), "qflow.lock")):
        with pytest.raises(LockError) as refused:
            known.recorded(both)
        assert refused.value.reason == "lock_conflict"
        for one in (moved(State.RUNNING, execution="E" * 8), moved(State.RUNNING)):
            (attempt,) = known.recorded([one]).attempts("prod", "a")
            assert attempt.execution_id == "e" * 8
    with pytest.raises(LockError):
        Lockfile("x").recorded([opened(), moved(State.ACCEPTED, execution="e" * 8), *both])
