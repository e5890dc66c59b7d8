"""What is read of TotalCloud's lists of connectors: all of one, or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.commands.connectors_listed import LISTED
from qflow_gitops.errors import AuthError, QflowError, UnreachableError
from qflow_gitops.http.transport import HttpAnswer
from qflow_gitops.ports.qualys import ConnectorListing, SeenConnector
from qflow_gitops.qualys import connectors
from qflow_gitops.sandbox.connectors import ACCOUNTS, INVENTED, connector, page
from tests.unit.test_qualys_caller import Answers, caller

A = "aa70acae-6ea8-3acf-b504-f327855b316a"
B = "bb81bdbf-7fb9-4bd0-8615-0438966c427b"
ONE = connector("aws", A, "AWS Payments", "123456789012")
TWO = connector("aws", B, "AWS Legacy", "210987654321", "ERROR")
SEEN = SeenConnector(A, "AWS Payments", "123456789012", "SUCCESS", False)


def answer(data: Any, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, {}, json.dumps(data).encode())


def listing(*pages: Any, cloud: str = "aws") -> ConnectorListing | None:
    answers = [one if isinstance(one, HttpAnswer) else answer(one) for one in pages]
    return connectors.listed(caller(Answers(*answers))[0], cloud)


def seen(item: Any, cloud: str = "aws") -> SeenConnector:
    found = listing(page([item], 0, 50), cloud=cloud)
    assert found
    assert found.without == ()
    return found.connectors[0]


def without(item: Any) -> tuple[str, ...]:
    found = listing(page([ONE, item], 0, 50))
    assert found
    assert found.connectors == (SEEN,)
    return found.without


def test_the_clouds_that_are_asked_for_are_those_that_are_read_and_stood_in_for() -> None:
    assert set(LISTED) == set(connectors.ACCOUNTS) == set(INVENTED)
    assert connectors.ACCOUNTS == ACCOUNTS


def test_an_item_is_told_in_our_words() -> None:
    assert seen(ONE) == SEEN
    assert seen(ONE | {"connectorId": A.upper(), "isDisabled": True}) == SEEN._replace(
        disabled=True
    )
    azure, gcp = connector("azure", A, "x", "sub"), connector("gcp", A, "y", "demo")
    assert seen(azure, "azure") == SeenConnector(A, "x", "sub", "SUCCESS", False)
    assert seen(gcp, "gcp") == SeenConnector(A, "y", "demo", "SUCCESS", False)


@pytest.mark.parametrize("odd", [None, 7, True, [], {}, "", " \n "])
def test_what_is_missing_or_of_another_kind_is_unknown(odd: Any) -> None:
    unknown = SeenConnector(A, "", "unknown", "unknown", None)
    keys = ("name", "awsAccountId", "state", "isDisabled")
    disabled = odd if odd is True else None
    assert seen({"connectorId": A} | dict.fromkeys(keys, odd)) == unknown._replace(
        disabled=disabled
    )
    assert seen({"connectorId": A}) == unknown


@pytest.mark.parametrize(
    "odd", [None, 7, "", "x", f"@{A}", f"{A}\n", f" {A}", A[:-1], [A], "0" * 8 + A[8:].translate(
        {ord(c): "0" for c in "abcdef123456789"})],
)  # fmt: skip
def test_an_id_is_never_made_up(odd: Any) -> None:
    assert without(ONE | {"connectorId": odd, "name": "no id"}) == ("no id",)
    assert without({"name": "no id", "id": 7}) == ("no id",)


def test_what_is_no_object_has_no_id_either() -> None:
    assert without("x") == without(None) == without([A]) == ("",)


def test_a_title_is_one_line_that_can_be_shown() -> None:
    title = "a\x1b[31m\n\tb\u202e \ud800 c" + "x" * 300
    assert seen(ONE | {"name": title}).title == ("a [31m b \ufffd c" + "x" * 300)[:255]


def test_pages_are_read_to_the_last() -> None:
    many = [ONE | {"connectorId": f"{n:08x}{A[8:]}"} for n in range(101)]
    transport = Answers(*(answer(page(many, n, 50)) for n in range(3)))
    found = connectors.listed(caller(transport)[0], "aws")
    assert found
    assert len(found.connectors) == 101
    assert [path for _, path in transport.sent[1:]] == [
        f"/cloudview-api/rest/v1/aws/connectors?pageNo={n}&pageSize=50" for n in range(3)
    ]


def test_without_a_word_of_the_last_page_an_empty_one_is_it() -> None:
    assert listing({"content": [ONE]}, {"content": []}) == ConnectorListing((SEEN,))
    assert listing({"content": []}) == ConnectorListing(())


def test_no_list_is_not_an_empty_one() -> None:
    assert listing(answer({}, 404)) is None


@pytest.mark.parametrize(
    "pages",
    [
        [{}],
        [{"content": {}}],
        [{"content": "x", "last": True}],
        [HttpAnswer(200, {}, b"<html>log in</html>")],
        [HttpAnswer(200, {}, b"[]")],
        [page([ONE], 1, 50)],  # another page than was asked for
        [page([ONE, TWO], 0, 1), page([ONE, TWO], 0, 1)],  # the first again
        [page([ONE, TWO], 0, 1), answer({}, 404)],
        [page([ONE, TWO], 0, 1), page([ONE, ONE], 1, 1)],  # pages that overlap
        [page([ONE, TWO], 0, 2) | {"totalElements": 3}],  # one is missing
        [page([ONE, TWO], 0, 2) | {"totalElements": "2"}],
        [answer({}, 410)],
        [answer({"message": "no"}, 403)],
        [answer({"message": "no"}, 400)],
    ],
)
def test_a_list_that_is_not_whole_is_none(pages: list[Any]) -> None:
    with pytest.raises(QflowError) as refused:
        listing(*pages)
    assert refused.value.not_done == "Nothing was written."
    assert isinstance(refused.value, AuthError | UnreachableError)


def test_a_list_that_never_ends_is_given_up() -> None:
    pages = [
        {"content": [ONE | {"connectorId": f"{n:08x}{A[8:]}"}]}
        for n in range(1, connectors.PAGES + 1)
    ]
    with pytest.raises(UnreachableError):
        listing(*pages)


def test_what_the_role_lacks_is_not_told_of_workflows() -> None:
    with pytest.raises(AuthError) as refused:
        listing(answer({"message": "no"}, 403))
    assert refused.value.reason == "permission"
    assert "workflows" not in refused.value.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from((A, B)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("content", "connectorId", "name", "last", "number", "data")), inner
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_whatever_an_answer_holds_is_read_or_refused(data: Any) -> None:
    try:
        found = listing(data, {"content": [], "last": True})
    except UnreachableError:
        return
    assert found
    assert all(each.id in (A, B) for each in found.connectors)
