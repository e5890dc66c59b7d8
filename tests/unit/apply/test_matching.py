"""Which executions can be a request's: exact where Qualys documents, lenient where it doesn't."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.apply.matching import Match, Sent, differing, grade
from qflow_gitops.base.jsondiff import MISSING
from qflow_gitops.ports.qualys import TriggerInput
from qflow_gitops.specs.spec import body_of

REQUEST: dict[str, dict[str, Any]] = {
    "input": {"bucketName": "b", "count": 4, "on": True},
    "variables": {"connectorId": "aa70acae-6ea8-3acf-b504-f327855b316a", "name": "maha2"},
}
SENT = Sent(REQUEST, "")


def echo(
    source: str = "PUBLIC_API", input_: object = None, variables: Mapping[str, Any] | None = None
) -> TriggerInput:
    return TriggerInput(
        source,
        REQUEST["input"] if input_ is None else input_,
        REQUEST["variables"] if variables is None else variables,
    )


def with_variables(**more: object) -> TriggerInput:
    return echo(variables={**REQUEST["variables"], **more})


@pytest.mark.parametrize(
    ("shown", "match"),
    [
        (None, Match.UNKNOWN),
        (TriggerInput("PUBLIC_API", None, None), Match.UNKNOWN),
        (echo(), Match.SAME_REQUEST),
        (echo(source=""), Match.SAME_REQUEST),
        (echo(source="WORKFLOW_TRIGGER"), Match.DIFFERENT),
        (echo(input_={**REQUEST["input"], "count": 4.0}), Match.SAME_REQUEST),
        (echo(input_={**REQUEST["input"], "count": 5}), Match.DIFFERENT),
        (echo(input_={**REQUEST["input"], "on": 1}), Match.DIFFERENT),
        (echo(input_={**REQUEST["input"], "more": 1}), Match.DIFFERENT),
        (echo(input_={}), Match.DIFFERENT),
        (echo(variables={}), Match.DIFFERENT),
        (with_variables(name=["maha2"]), Match.SAME_REQUEST),
        (with_variables(name=["maha2", "other"]), Match.DIFFERENT),
        (with_variables(name="maha3"), Match.DIFFERENT),
        (with_variables(more="own"), Match.DIFFERENT),
        (with_variables(region="us-east-1"), Match.SAME_REQUEST),  # a system variable's default
        (
            with_variables(connectorId="@AA70ACAE-6ea8-3acf-b504-f327855b316a"),
            Match.SAME_REQUEST,
        ),
        (with_variables(connectorId="AA70ACAE-6EA8-3acf-b504-f327855b316a"), Match.SAME_REQUEST),
        (with_variables(connectorId=["AA70ACAE-6ea8-3acf-b504-f327855b316a"]), Match.SAME_REQUEST),
        (with_variables(name="MAHA2"), Match.DIFFERENT),  # of the workflow's own: who knows
        (with_variables(connectorId="00000000-6ea8-3acf-b504-f327855b316a"), Match.DIFFERENT),
        (echo(variables={"name": "maha2"}), Match.SAME_REQUEST),  # [?] how it echoes system ones
        (TriggerInput("PUBLIC_API", REQUEST, {}), Match.SAME_REQUEST),  # before 1.18: all is input
        (TriggerInput("PUBLIC_API", REQUEST["input"], None), Match.UNKNOWN),
        (TriggerInput("PUBLIC_API", None, REQUEST["variables"]), Match.UNKNOWN),
    ],
)
def test_by_what_was_sent(shown: TriggerInput | None, match: Match) -> None:
    assert grade(SENT, shown) is match


@pytest.mark.parametrize(
    ("input_", "match"),
    [
        ({"a": 1, "key": "nonce"}, Match.OWN_KEY),
        ({"input": {"a": 1, "key": "nonce"}, "variables": {}}, Match.OWN_KEY),
        ({"a": 1, "key": "another"}, Match.DIFFERENT),
        ({"a": 1}, Match.DIFFERENT),
        ([1], Match.UNKNOWN),
    ],
)
def test_a_key_of_ours_decides_alone(input_: object, match: Match) -> None:
    sent = Sent({"input": {"a": 1}}, "", "key", "nonce")
    assert grade(sent, TriggerInput("PUBLIC_API", input_, {})) is match


def test_without_the_file_the_bytes_decide() -> None:
    """A clone that lacks the blob knows the hash of the body: equal bytes, or no conclusion."""
    import hashlib

    sent = Sent(None, hashlib.sha256(body_of(REQUEST)).hexdigest())
    assert grade(sent, echo()) is Match.SAME_REQUEST
    assert grade(sent, with_variables(name=["maha2"])) is Match.UNKNOWN
    for odd in (float("nan"), "\ud83d", {"é": 2**60}):
        assert grade(sent, with_variables(odd=odd)) is Match.UNKNOWN


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=3), json_values)
def test_a_request_is_only_taken_for_itself(input_: dict[str, Any], other: object) -> None:
    """Whatever input is shown: the same request is recognised, another one never adopted."""
    sent = Sent({"input": input_}, "")
    assert grade(sent, TriggerInput("PUBLIC_API", input_, {})) is Match.SAME_REQUEST
    if other not in (input_, {"input": input_}, None):
        assert grade(sent, TriggerInput("PUBLIC_API", other, {})) is not Match.SAME_REQUEST


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (echo(), []),
        (echo(source="WORKFLOW_TRIGGER"), []),
        (echo(input_={**REQUEST["input"], "count": 5}), [("/input/count", 4, 5)]),
        (echo(input_={**REQUEST["input"], "on": 1}), [("/input/on", True, 1)]),
        (echo(input_={**REQUEST["input"], "more": 1}), [("/input/more", MISSING, 1)]),
        (echo(input_=[1]), [("/input", REQUEST["input"], [1])]),
        (echo(variables={}), [("/variables/name", "maha2", MISSING)]),
        (with_variables(name=["maha2"]), []),
        (with_variables(name="maha3"), [("/variables/name", "maha2", "maha3")]),
        (with_variables(more="own"), [("/variables/more", MISSING, "own")]),
        (with_variables(region="us-east-1"), []),
        (TriggerInput("PUBLIC_API", REQUEST, {}), []),
        (TriggerInput("PUBLIC_API", None, None), []),
        (TriggerInput("", {**REQUEST["input"], "count": 5}, None), [("/input/count", 4, 5)]),
    ],
)
def test_where_an_execution_shows_another_request(
    shown: TriggerInput, found: list[tuple[Any, ...]]
) -> None:
    assert [tuple(one) for one in differing(REQUEST, shown)] == found


names = st.sampled_from(("connectorId", "region", "name", "other", "credentials"))
variables = st.dictionaries(names, json_values, max_size=4)


@given(
    st.dictionaries(st.text(max_size=2), json_values, max_size=3), variables,
    json_values, st.none() | variables,
)  # fmt: skip
def test_it_differs_where_it_is_graded_so(
    input_: dict[str, Any], sent: dict[str, Any], other: object, shown: dict[str, Any] | None
) -> None:
    """Whatever is called different has a place that says where, and nothing else has one."""
    request = {name: part for name, part in (("input", input_), ("variables", sent)) if part}
    for echoed in (other, input_, request):
        for restricted_to in (shown, sent):
            seen = TriggerInput("PUBLIC_API", echoed, restricted_to)
            different = grade(Sent(request, ""), seen) is Match.DIFFERENT
            assert different == bool(differing(request, seen))
