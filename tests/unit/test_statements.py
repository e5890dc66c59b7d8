"""A statement is a pure function of an attempt, in the published form, and holds no one's words."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft202012Validator

from qflow_gitops.audit import statements
from qflow_gitops.audit.outcomes import OUTCOMES, OVER
from qflow_gitops.audit.statements import (
    PREDICATE,
    STATEMENT,
    has_one,
    path_of,
    statement,
    to_bytes,
)
from qflow_gitops.lockfile.attempt import Attempt, Event
from qflow_gitops.lockfile.attempt_json import attempt_from_json, attempt_to_json
from qflow_gitops.lockfile.states import FINAL, State
from qflow_gitops.specs import schema, schemas
from tests.helpers.statements import sound

KEY = ("prod", "encrypt-prod-buckets")
DIGEST, BODY, COMMIT = "9f86d081" * 8, "12e1d041" * 8, "4f44ee7c" * 5
CANARY = "canary words that nobody may read"
EXECUTION = "e88a6dd2-1bce-4a3c-9bbd-bdbef1041b19"
APPLY = {
    "workflow": CANARY, "workflowCommit": COMMIT, "installed": f"sha256:{BODY}", "clockSkew": 1,
}  # fmt: skip
ATTEMPT = Attempt(
    1,
    State.SUCCEEDED,
    f"v1:sha256:{DIGEST}",
    (
        Event("2026-11-28T20:52:39Z", State.INTENT, {"by": {"actor": CANARY, "tool": "0.1.0"}}),
        Event("2026-11-28T20:52:40Z", State.ACCEPTED, {"detail": CANARY}),
        Event("2026-11-28T20:52:42Z", State.SUCCEEDED, {"status": CANARY}),
    ),
    execution_id=EXECUTION,
    status=CANARY,
    facts={
        "workflowId": "6cad21c8-4405-4517-beb9-7372feafb5b4",
        "revision": BODY,
        "platform": "EU2",
        "gateway": CANARY,
        "file": f"runs/{CANARY}.yaml",
        "commit": COMMIT,
        "blob": COMMIT,
        "bodySha256": BODY,
        "nonce": "e01f029e7045ce16b2808dde8b102889",
        "annotations": {"ticket": CANARY},
        "evidence": {
            "planDigest": f"v1:sha256:{BODY}",
            "pullRequest": 12,
            "approvers": ["mara", "joao", CANARY],
            "approvals": [{"by": "mara", "review": 80, "commit": COMMIT}],
            "mergedBy": "dora",
            "released": [{"hold": "limit:runs", "count": 2, "by": CANARY, "reason": CANARY}],
        },
    },
)


def stated(attempt: Attempt, apply: Mapping[str, Any]) -> Any:
    """A statement, as its schema has it."""
    return sound(to_bytes(statement(KEY, attempt, apply)))


def test_all_of_it_is_this() -> None:
    assert stated(ATTEMPT, APPLY) == {
        "_type": STATEMENT,
        "subject": [
            {"name": "prod/encrypt-prod-buckets #1", "digest": {"sha256": DIGEST}},
            {"name": "prod/encrypt-prod-buckets #1 body", "digest": {"sha256": BODY}},
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "run": {
                "environment": "prod", "name": "encrypt-prod-buckets", "attempt": 1,
                "nonce": "e01f029e7045ce16b2808dde8b102889",
            },
            "request": {
                "digest": f"v1:sha256:{DIGEST}",
                "workflowId": "6cad21c8-4405-4517-beb9-7372feafb5b4",
                "revision": BODY,
            },
            "source": {"commit": COMMIT, "blob": COMMIT},
            "allowed": {
                "planDigest": f"v1:sha256:{BODY}",
                "pullRequest": 12,
                "approvals": [{"by": "mara", "review": 80, "commit": COMMIT}, {"by": "joao"}],
                "mergedBy": "dora",
                "released": [{"hold": "limit:runs", "count": 2}],
            },
            "tool": {"version": "0.1.0", "installed": f"sha256:{BODY}", "workflowCommit": COMMIT},
            "execution": {
                "platform": "EU2", "id": EXECUTION, "state": "succeeded", "outcome": "succeeded",
            },
            "times": {"opened": "2026-11-28T20:52:39Z", "ended": "2026-11-28T20:52:42Z"},
        },
    }  # fmt: skip


def test_it_is_the_published_form() -> None:
    """By the protobuf that in-toto publishes, which refuses a field that it doesn't know."""
    one: Any = Statement([], "", {})
    json_format.Parse(to_bytes(statement(KEY, ATTEMPT, APPLY)), one.pb)
    one.validate()
    assert one.pb.type == "https://in-toto.io/Statement/v1"
    scheme, _, rest = PREDICATE.partition(":")
    assert re.fullmatch("[a-z][a-z0-9+.-]*", scheme)  # RFC 3986, in lower case
    assert re.fullmatch("[a-z0-9:-]+", rest)


def test_the_same_attempt_is_the_same_bytes() -> None:
    first = to_bytes(statement(KEY, ATTEMPT, APPLY))
    again = attempt_from_json(json.loads(json.dumps(attempt_to_json(ATTEMPT))))
    assert sound(first) == stated(again, APPLY)
    assert to_bytes(statement(KEY, again, dict(reversed(APPLY.items())))) == first
    assert b"\n" not in first


def test_words_that_somebody_wrote_are_not_in_it() -> None:
    assert CANARY.encode() not in to_bytes(statement(KEY, ATTEMPT, APPLY))


def test_what_looks_like_a_secret_is_no_name() -> None:
    """As a lockfile written by hand may have one where a login belongs."""
    token = "gh" + "p_" + "a1B2" * 9
    facts = dict.fromkeys(ATTEMPT.facts, token)
    names = dict.fromkeys(ATTEMPT.evidence, token) | {
        "approvers": [token],
        "approvals": [{"by": token, "review": 80, "commit": COMMIT}],
        "released": [{"hold": token, "count": 2}],
        "timeZones": token,
    }
    by = {"by": {"actor": token, "tool": token}}
    odd = ATTEMPT._replace(
        facts={**facts, "evidence": names},
        events=(ATTEMPT.events[0]._replace(extra=by), *ATTEMPT.events[1:]),
    )
    content = to_bytes(statement(KEY, odd, dict.fromkeys(APPLY, token)))
    assert token.encode() not in content
    sound(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.data())
def test_odd_facts_are_left_out_and_stop_nothing(data: st.DataObject) -> None:
    facts = {name: data.draw(JSON) for name in ATTEMPT.facts if name != "evidence"}
    evidence = {name: data.draw(JSON) for name in (*ATTEMPT.evidence, "timeZones")}
    by = data.draw(JSON)
    odd = ATTEMPT._replace(
        facts={**facts, "evidence": data.draw(st.sampled_from([evidence, [], None, CANARY]))},
        events=(ATTEMPT.events[0]._replace(extra={"by": by}), *ATTEMPT.events[1:]),
    )
    content = to_bytes(statement(KEY, odd, {name: data.draw(JSON) for name in APPLY}))
    sound(content)
    assert CANARY.encode() not in content
    one: Any = Statement([], "", {})
    json_format.Parse(content, one.pb)
    one.validate()


def test_a_hash_of_the_body_is_one_in_hex_or_none() -> None:
    odd = ATTEMPT._replace(facts={**ATTEMPT.facts, "bodySha256": f"sha256:{BODY}"})
    assert [one["digest"] for one in stated(odd, APPLY)["subject"]] == [{"sha256": DIGEST}]


@pytest.mark.parametrize("state", State)
def test_only_what_is_over_has_one(state: State) -> None:
    extra: dict[str, object] = {"by": {"actor": "ada"}} if state is State.ASSUMED else {}
    event = Event("2026-11-28T21:00:00Z", state, extra)
    attempt = ATTEMPT._replace(state=state, events=(*ATTEMPT.events[:1], event))
    over = FINAL | {State.REFUSED, State.UNSENT, State.ABSENT, State.ASSUMED, State.BASELINED}
    assert has_one(attempt) is (state in over)
    if has_one(attempt):
        assert stated(attempt, APPLY)["predicate"]["execution"]["state"] == state
    assert not has_one(attempt._replace(digest="v2:sha512:00"))


def test_what_a_person_decided_says_when() -> None:
    decided = Event("2026-11-28T21:00:00Z", State.ASSUMED, {"by": {"actor": CANARY}})
    doubt = Event("2026-11-28T20:53:00Z", State.IN_DOUBT)
    attempt = ATTEMPT._replace(
        state=State.ASSUMED, execution_id="", events=(ATTEMPT.events[0], doubt, decided)
    )
    execution = stated(attempt, {})["predicate"]["execution"]
    assert execution == {
        "platform": "EU2", "state": "assumed", "outcome": "assumed",
        "decidedAt": "2026-11-28T21:00:00Z",
    }  # fmt: skip


def test_each_has_its_own_place() -> None:
    assert path_of(("prod", "a/b.eu"), 3) == "prod/a/b.eu/3"


@pytest.mark.parametrize("name", ["digest", "hex", "sum", "object", "id", "login", "word", "time"])
@given(data=st.data())
def test_the_schema_has_the_forms_that_are_let_through(name: str, data: st.DataObject) -> None:
    ours: re.Pattern[str] = getattr(statements, f"_{name.upper()}")
    theirs = schemas.load("statement")["$defs"][name]
    let_through = data.draw(st.from_regex(ours, fullmatch=True))
    assert Draft202012Validator(theirs).is_valid(let_through)
    valid = data.draw(st.from_regex(theirs["pattern"]))
    assert Draft202012Validator(theirs).is_valid(valid) is bool(ours.fullmatch(valid))


def test_the_schema_has_the_states_of_what_is_over() -> None:
    execution = schemas.load("statement")["properties"]["predicate"]["properties"]["execution"]
    assert {*execution["properties"]["state"]["enum"]} == {*OVER}
    outcomes = {OUTCOMES[state].name.lower() for state in OVER}
    assert {*execution["properties"]["outcome"]["enum"]} == outcomes


@pytest.mark.parametrize("part", ["", "run", "request", "source", "allowed", "tool", "execution"])
def test_nothing_else_is_in_the_predicate(part: str) -> None:
    made = stated(ATTEMPT, APPLY)
    place = made["predicate"][part] if part else made["predicate"]
    place["more"] = "x"
    assert not schema.is_valid(made, "statement")
