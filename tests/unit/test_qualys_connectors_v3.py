"""What is read of Connector v3's lists, and of the API server's other answers."""

import base64
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.errors import AuthError, QflowError, UnreachableError
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.ports.qualys import ConnectorListing, SeenConnector
from qflow_gitops.qualys import connectors_v3
from qflow_gitops.qualys.api_server import ApiServer
from qflow_gitops.qualys.credentials import for_api_server
from qflow_gitops.sandbox.connectors_v3 import INVENTED, found
from qflow_gitops.sandbox.connectors_v3 import connector as connector_v3
from qflow_gitops.specs.connector_catalogs import UNKNOWN
from qflow_gitops.specs.connectors.registry import CONNECTORS

A = "aa70acae-6ea8-3acf-b504-f327855b316a"
B = "bb81bdbf-7fb9-4bd0-8615-0438966c427b"
KIND = "AwsAssetDataConnector"
ONE = connector_v3("aws", 1, A, "AWS Payments", "123456789012")
TWO = connector_v3("aws", 2, B, "AWS Legacy", "210987654321", "FINISHED_ERRORS")
SEEN = SeenConnector(A, "AWS Payments", "123456789012", "FINISHED_SUCCESS", False)
NOTHING: dict[str, Any] = {"subscriptionId": 7, "projectId": None, "tenantId": []}
ODD: tuple[Any, ...] = (None, 7, [], "", NOTHING)
NAME, PASSWORD = "ada-lovelace", "canary-päss:word"


class Wire:
    """A transport that gives these answers, one after the other."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    def send(self, method: str, path: str, **more: Any) -> HttpAnswer:
        self.sent.append({"method": method, "path": path, **more})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(data: Any, status: int = 200, **headers: str) -> HttpAnswer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, names, json.dumps(data).encode())


def page(*items: Any, **more: Any) -> dict[str, Any]:
    """A page, the only one unless told."""
    response = {"responseCode": "SUCCESS", "count": len(items), "hasMoreRecords": "false"}
    return {"ServiceResponse": response | {"data": list(items)} | more}


def refusal(code: Any, status: int = 200, said: str = "no") -> HttpAnswer:
    details = {"errorMessage": said}
    response = {"responseCode": code, "responseErrorDetails": details}
    return answer({"ServiceResponse": response}, status)


def server(wire: Wire, waited: list[float] | None = None) -> ApiServer:
    environ = {"QFLOW_API_USERNAME": NAME, "QFLOW_API_PASSWORD": PASSWORD}
    sleep = (waited if waited is not None else []).append
    one = cast(Transport, wire)  # nothing but `send` is used of it
    return ApiServer(one, for_api_server(environ), Redactor(), sleep=sleep, chance=lambda: 0)


def listing(*pages: Any, cloud: str = "aws") -> ConnectorListing | None:
    answers = [one if isinstance(one, HttpAnswer | Exception) else answer(one) for one in pages]
    return server(Wire(*answers)).connectors(cloud)


def seen(cloud: str = "aws", **fields: Any) -> SeenConnector:
    (kind,) = connector_v3(cloud, 1, A, "", "")
    shown = listing(page({kind: {"id": 1, "cloudviewUuid": A} | fields}), cloud=cloud)
    assert shown
    assert shown.without == ()
    return shown.connectors[0]


# --- items -------------------------------------------------------------------------------


def test_every_cloud_is_asked_for_and_stood_in_for() -> None:
    assert set(connectors_v3.ACCOUNTS) == set(INVENTED) == set(CONNECTORS)


def test_an_item_is_told_in_our_words() -> None:
    assert listing(page(ONE)) == ConnectorListing((SEEN,))
    for cloud, items in INVENTED.items():
        shown = listing(found(items, 0, 100), cloud=cloud)
        assert shown
        assert len(shown.connectors) == len(items)
        assert UNKNOWN not in {word for each in shown.connectors for word in each}


@pytest.mark.parametrize("state", sorted(connectors_v3.STATES))
def test_every_documented_state_is_kept(state: str) -> None:
    assert seen(connectorState=state).state == state


@pytest.mark.parametrize("odd", ["success", "REGIONS_DISCOVERED", "", " SUCCESS", None, 7, [], {}])
def test_another_state_is_unknown(odd: Any) -> None:
    assert seen(connectorState=odd).state == UNKNOWN


@pytest.mark.parametrize(
    ("word", "meant"),
    [("true", True), ("false", False), (True, True), (False, False), ("yes", None), ("", None),
     (None, None), (0, None), (1, None), ([], None)],
)  # fmt: skip
def test_booleans_are_strings(word: Any, meant: bool | None) -> None:
    assert seen(disabled=word).disabled is meant


def test_what_is_missing_or_of_another_kind_is_unknown() -> None:
    unknown = SeenConnector(A, "", UNKNOWN, UNKNOWN, None)
    for cloud in connectors_v3.ACCOUNTS:
        assert seen(cloud) == unknown
        for odd in ODD:
            assert seen(cloud, authRecord=odd, awsAccountId=7, name=odd) == unknown


def test_what_is_secret_in_an_item_is_not_taken() -> None:
    record = {"projectId": "demo", "privateKey": "canary", "private_key": "canary"}
    assert "canary" not in str(seen("gcp", authRecord=record, externalId="canary"))


@pytest.mark.parametrize(
    "odd",
    [None, 7, "", "x", "1", f"{A}\n", f" {A}", A[:-1], [A], "00000000-0000-0000-0000-" + "0" * 12],
)
def test_an_id_is_never_made_up(odd: Any) -> None:
    bare = {KIND: ONE[KIND] | {"id": 7, "cloudviewUuid": odd, "name": "no id"}}
    assert listing(page(ONE, bare)) == ConnectorListing((SEEN,), ("no id",))


@pytest.mark.parametrize(
    "odd",
    [
        {KIND: 7},
        {KIND: None},
        {},
        None,
        "x",
        [ONE],
        ONE[KIND],
        {"AzureAssetDataConnector": TWO[KIND]},
    ],
)
def test_what_is_no_connector_of_the_cloud_has_no_id_either(odd: Any) -> None:
    assert listing(page(ONE, odd)) == ConnectorListing((SEEN,), ("",))


def test_one_that_was_deleted_is_not_shown() -> None:
    deleted = {KIND: TWO[KIND] | {"isDeleted": "true"}}
    assert listing(page(ONE, deleted)) == ConnectorListing((SEEN,))


# --- pages -------------------------------------------------------------------------------


def test_pages_follow_the_last_number() -> None:
    many = [connector_v3("aws", n, f"{n:08x}{A[8:]}", "", "") for n in range(1, 251)]
    wire = Wire(*(answer(found(many, after, 100)) for after in (0, 100, 200)))
    shown = server(wire).connectors("aws")
    assert shown
    assert len(shown.connectors) == 250
    bodies = [json.loads(each["body"])["ServiceRequest"] for each in wire.sent]
    assert [body.get("filters") for body in bodies] == [
        None,
        {"Criteria": [{"field": "id", "operator": "GREATER", "value": "100"}]},
        {"Criteria": [{"field": "id", "operator": "GREATER", "value": "200"}]},
    ]
    assert {each["path"] for each in wire.sent} == {"/qps/rest/3.0/search/am/awsassetdataconnector"}
    assert {each["method"] for each in wire.sent} == {"POST"}


@pytest.mark.parametrize(
    "empty",
    [
        page(),
        {"ServiceResponse": {"responseCode": "SUCCESS", "count": 0}},
        {"ServiceResponse": {"responseCode": "SUCCESS", "count": "0", "hasMoreRecords": "false"}},
    ],
)
def test_an_empty_list_is_one(empty: Any) -> None:
    assert listing(empty) == ConnectorListing(())


@pytest.mark.parametrize("nothing", [refusal("OBJECT_NOT_FOUND"), answer({}, 404)])
def test_no_list_is_not_an_empty_one(nothing: HttpAnswer) -> None:
    assert listing(nothing) is None


MORE = {"hasMoreRecords": "true", "lastId": 1}


@pytest.mark.parametrize(
    "pages",
    [
        [page(ONE, hasMoreRecords="maybe")],
        [page(ONE, hasMoreRecords=None)],
        [page(ONE, **MORE | {"lastId": None})],
        [page(ONE, **MORE | {"lastId": "x"})],
        [page(ONE, **MORE | {"lastId": 0})],
        [page(ONE, **MORE | {"lastId": "9" * 19})],
        [page(ONE, **MORE), page(TWO, **MORE)],  # no progress
        [page(ONE, **MORE), page(ONE)],  # the first again
        [page(ONE, **MORE), refusal("OBJECT_NOT_FOUND")],
        [page(ONE, **MORE), page(TWO, **MORE | {"lastId": -7})],
        [page(ONE, ONE)],
        [page(ONE, count=2)],
        [page(ONE, count="x")],
        [page(data=None, count=None)],
        [page(ONE, data={KIND: ONE[KIND]})],
        [page(ONE, data="x")],
        [{"ServiceResponse": {"responseCode": "SUCCESS"}}],
        [{"ServiceResponse": [page(ONE)]}],
        [page(ONE)["ServiceResponse"]],
        [page(ONE, responseCode="success")],
        [answer(page(ONE), 206)],
        [answer(page(ONE), 301)],
        [answer(page(ONE), 307)],
        [answer(page(ONE), 409)],
        [HttpAnswer(200, {}, b"<ServiceResponse><responseCode>SUCCESS</responseCode>")],
    ],
)
def test_a_list_that_is_not_whole_is_none(pages: list[Any]) -> None:
    with pytest.raises(UnreachableError) as refused:
        listing(*pages)
    assert refused.value.not_done == "Nothing was written."


def test_a_list_that_never_ends_is_given_up() -> None:
    pages = [
        page(connector_v3("aws", n, f"{n:08x}{A[8:]}", "", ""), hasMoreRecords=True, lastId=str(n))
        for n in range(1, connectors_v3.PAGES + 1)
    ]
    with pytest.raises(UnreachableError):
        listing(*pages)


# --- what the server says ----------------------------------------------------------------


def test_each_request_has_the_name_and_the_password_and_no_token() -> None:
    wire = Wire(answer(page(ONE)))
    server(wire).connectors("aws")
    headers = wire.sent[0]["headers"]
    pair = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    assert headers == {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Basic {pair}",
    }


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (refusal("UNAUTHORIZED"), AuthError, "credentials_refused"),
        (refusal("UNAUTHORIZED", 401), AuthError, "credentials_refused"),
        (answer({}, 401), AuthError, "credentials_refused"),
        (refusal("INSUFFICIENT_PERMISSION"), AuthError, "permission"),
        (answer({"message": "no"}, 403), AuthError, "permission"),
        (refusal("LIMIT_EXCEEDED"), UnreachableError, "unreachable"),
        (refusal("SOMETHING_NEW", 400), UnreachableError, "unreachable"),
        (refusal({"odd": 1}, 400), UnreachableError, "unreachable"),
    ],
)
def test_a_refusal_is_told(said: HttpAnswer, kind: type[QflowError], reason: str) -> None:
    with pytest.raises(kind) as refused:
        listing(said)
    assert (refused.value.reason, refused.value.not_done) == (reason, "Nothing was written.")


def test_a_code_is_told_with_what_is_said() -> None:
    with pytest.raises(UnreachableError, match=r"\(200: LIMIT_EXCEEDED too many\)"):
        listing(refusal("LIMIT_EXCEEDED", said="too many"))


def test_what_is_secret_is_not_shown_though_the_server_says_it() -> None:
    pair = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    for said in (PASSWORD, f"Basic {pair}", f"{NAME}:{PASSWORD}", NAME, pair[4:]):
        with pytest.raises(AuthError) as refused:
            listing(refusal("UNAUTHORIZED", 401, f"refused: {said} {said.upper()}"))
        shown = str(vars(refused.value)).lower()
        assert all(one not in shown for one in (PASSWORD, NAME, pair.lower()[4:20]))


def test_what_may_pass_is_asked_again() -> None:
    waited: list[float] = []
    wire = Wire(
        answer({}, 429, x_ratelimit_towait_sec="7"),
        answer({}, 409, x_ratelimit_remaining="0", x_ratelimit_towait_sec="3"),
        NoAnswerError("the connection was reset", sent=True),
        answer(page(ONE)),
    )
    assert server(wire, waited).connectors("aws") == ConnectorListing((SEEN,))
    assert waited == [7, 3, 2]


def test_what_does_not_pass_is_given_up() -> None:
    for last in (answer({}, 503), NoAnswerError("no answer in time", sent=True)):
        with pytest.raises(UnreachableError) as refused:
            listing(*[last] * 4)
        assert refused.value.not_done == "Nothing was written."


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from((A, B, "true")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("data", KIND, "cloudviewUuid", "name", "count", "hasMoreRecords", "lastId", "id")
            ),
            inner,
        )
    ),
    max_leaves=15,
)


@given(json_values, st.dictionaries(st.sampled_from(("data", "count", "lastId")), json_values))
def test_whatever_an_answer_holds_is_read_or_refused(data: Any, more: dict[str, Any]) -> None:
    for said in ({"ServiceResponse": data}, data, page(data, **more)):
        try:
            shown = listing(said, page())
        except UnreachableError:
            continue
        assert shown
        assert all(each.id in (A, B) for each in shown.connectors)
