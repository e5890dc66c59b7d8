"""What an answer proves, and what only looks like it: each corner of docs/api.md 12."""

import json
from typing import Any

import pytest

from qflow_gitops.http import evidence
from qflow_gitops.http.transport import HttpAnswer
from qflow_gitops.ports.qualys import AnswerKind
from qflow_gitops.qualys import workflows
from tests.unit.test_qualys_caller import ONE, UNAUTHORIZED, Answers, answer, caller

WORKFLOW = "6cad21c8-4405-4517-beb9-7372feafb5b4"
LEFT = {"x_ratelimit_limit": "300", "x_ratelimit_remaining": "0"}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0", 0), ("7", 7), (" 7\t", 7), ("86400", 86400), ("999999", 999999),
        ("", None), ("00", None), ("07", None), ("+7", None), ("-1", None), ("-0", None),
        ("7.0", None), ("7.5", None), ("0.0", None), ("1e3", None), ("7s", None), ("7 7", None),
        ("0, 0", None), ("0,250", None), ("7;q=1", None), ("0x7", None), ("1_0", None),
        ("²", None), ("٣", None), ("\uff17", None), ("½", None), ("null", None), ("true", None),
        ("9999999", None), ("9" * 400, None), ("inf", None), ("nan", None), ("7\n", None),
    ],
)  # fmt: skip
def test_a_header_s_number_is_a_plain_one_or_none(value: str, number: int | None) -> None:
    assert evidence.number(value) == number


@pytest.mark.parametrize(
    ("headers", "limited"),
    [
        ({}, False),
        ({"x_ratelimit_remaining": "0"}, True),
        ({"x_ratelimit_towait_sec": "1"}, True),
        ({"x_ratelimit_remaining": "12", "x_ratelimit_towait_sec": "30"}, True),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_towait_sec": "0"}, True),
        ({"x_ratelimit_remaining": "299", "x_ratelimit_towait_sec": "0"}, False),
        ({"x_ratelimit_remaining": "299", "x_ratelimit_limit": "300"}, False),
        ({"x_ratelimit_remaining": "0, 299"}, False),
        ({"x_ratelimit_remaining": "00"}, False),
        ({"x_ratelimit_remaining": "-1"}, False),
        ({"x_ratelimit_towait_sec": "0.5"}, False),
        ({"x_ratelimit_towait_sec": "99999999999999999999"}, False),
        ({"x_ratelimit_window_sec": "3600"}, False),
        ({"x_concurrency_limit_running": "2", "x_concurrency_limit_limit": "2"}, False),
        ({"retry_after": "30"}, False),
        ({"x_rate_limit_remaining": "0"}, False),
    ],
)
def test_a_409_is_a_limit_only_by_what_its_headers_say(
    headers: dict[str, Any], limited: bool
) -> None:
    """Not by their being there: they come with every answer of sibling APIs."""
    assert evidence.is_rate_limited(answer(409, **headers)) is limited
    for status in (200, 400, 403, 408, 410, 500, 503):
        assert not evidence.is_rate_limited(answer(status, **headers))


TRACE = "c1965f01-1960-4965-8960-196519601965"
SILENT: list[Any] = [
    b"",
    {},
    [],
    {"code": None, "errorCode": ""},
    {"message": "Conflict", "traceId": TRACE, "timestamp": 1920_1965_1960},
    {"status": 409, "error": "Conflict", "path": f"/qflowapi/v1/workflows/{TRACE}/run"},
    {"barcode": 7, "encoding": 8, "zipCodes": 9, "errors": ["1920"], "numbers": 3},
    b"Too many at 19:20:01,  trace 1965-1960",
    b"<html><meta charset='utf-8'><p>Conflict 1920</p></html>",
    b"<SIMPLE_RETURN><RESPONSE><TEXT>1920 </TEXT><CODE> </CODE></RESPONSE></SIMPLE_RETURN>",
]
AGREE: list[Any] = [
    {"errorCode": "1965"},
    {"errorCode": 1960, "message": "1920"},
    {"code": 1965},
    {"error": {"code": "1960", "message": "limit"}},
    {"error": 1965},
    {"data": [{"ERROR_CODE": "1965"}]},
    {"ServiceResponse": {"responseErrorDetails": {"errorNumber": 1960}}},
    b"<SIMPLE_RETURN><RESPONSE><CODE>1965</CODE><TEXT>limit</TEXT></RESPONSE></SIMPLE_RETURN>",
    b"<RESPONSE>\n <CODE>\n  1960\n </CODE></RESPONSE>",
    b"<ns:errorCode xmlns:ns='x'><![CDATA[1965]]></ns:errorCode>",
    b'<GENERIC_RETURN><RETURN status="FAILED" number="1965">limit</RETURN></GENERIC_RETURN>',
    b"Error code: 1960",
]
CONTRADICT: list[Any] = [
    {"errorCode": "1920"},
    {"errorCode": "1965", "code": 7},
    {"errorCode": "409 CONFLICT"},
    {"code": "1965 "},
    {"code": "\uff11\uff19\uff16\uff15"},
    {"code": 1965.0},
    {"code": True},
    {"code": [1965]},
    {"error_code": "E1965"},
    {"error": 1920},
    {"error": "1920"},
    {"errors": [{"code": "1965"}, {"code": "1907"}]},
    {"ServiceResponse": {"responseCode": "LIMIT_EXCEEDED"}},
    b'{"code": 1920, "code": 1965}',
    b'{"code": 1965, "code": 1920}',
    b'{"code": 1965',
    b'{"code": ' + b"1" * 5000 + b"}",
    b"[" * 100_000,
    b"<SIMPLE_RETURN><RESPONSE><CODE>1920</CODE><TEXT>1965</TEXT></RESPONSE></SIMPLE_RETURN>",
    b"<R><CODE>1965</CODE><CODE>1920</CODE></R>",
    b"<R><CODE>&#49;965</CODE></R>",
    b"<R><error-code>7</error-code></R>",
    b"<R><CODE><![CDATA[1920]]></CODE></R>",
    b'<RETURN number="2013"/>',
    b"code=1920&message=1965",
    "<CODE>1965</CODE>".encode("utf-16"),
    '{"code": 1920}'.encode("utf-16"),
]


@pytest.mark.parametrize("body", [*SILENT, *AGREE])
def test_a_body_that_names_no_other_code_leaves_it_to_the_headers(body: Any) -> None:
    assert evidence.is_rate_limited(answer(409, body, **LEFT))
    assert not evidence.is_rate_limited(answer(409, body))
    room = {"x_ratelimit_remaining": "1965", "x_ratelimit_limit": "1960"}
    assert not evidence.is_rate_limited(answer(409, body, **room))


@pytest.mark.parametrize("body", CONTRADICT)
def test_another_code_in_a_field_of_its_own_contradicts(body: Any) -> None:
    """So does a body that can't be read to its end."""
    assert not evidence.is_rate_limited(answer(409, body, **LEFT))
    assert evidence.is_rate_limited(answer(429, body))


NAMED: list[Any] = [
    {"executionId": ONE},
    {"data": {"executionId": ONE}},
    {"errors": [{"context": {"execution_id": ONE}}]},
    {"Execution-ID": 5},
    {"execution": ONE, "status": "Failed"},
    {"message": f"Conflicts with executionId {ONE}"},
    {"body": json.dumps({"executionId": ONE})},
    {"_links": {"self": f"/qflowapi/v1/executions/{ONE}"}},
    b'{"execution\\u0049d": "' + ONE.encode() + b'"}',
    b'{"executionId": null, "executionId": "' + ONE.encode() + b'"}',
    b'{"executionId": "' + ONE.encode() + b'", "executionId": null}',
    b'{"executionId": "497d',
    b"<R><executionId>497d0fe7</executionId></R>",
    f"<R><executionId>{ONE}</executionId></R>".encode("utf-16"),
    b"started: execution id 497d0fe7",
]
NAMELESS: list[Any] = [
    b"",
    {},
    {"executionId": None},
    {"executionId": ""},
    {"data": {"executionId": None}, "message": "no execution was started"},
    {"message": "The executions of this workflow", "execution": "none"},
    {"path": f"/qflowapi/v1/workflows/{WORKFLOW}/run"},
    b"<html>Please log in</html>",
]


@pytest.mark.parametrize("status", sorted({*evidence.REFUSED, 429}))
@pytest.mark.parametrize("body", NAMED)
def test_a_no_that_names_an_execution_is_no_refusal(status: int, body: Any) -> None:
    """Something ran: neither `refused` nor `unsent`, and never sent again, a 401 neither."""
    given = answer(status, body, www_authenticate="Bearer", **LEFT)
    transport = Answers(given, given, given, given)
    assert run(transport) is AnswerKind.UNCLEAR
    assert posts(transport) == 1


@pytest.mark.parametrize("body", NAMELESS)
def test_a_no_that_names_none_is_one(body: Any) -> None:
    assert evidence.ran_nothing(answer(400, body))
    assert run(Answers(answer(404, body))) is AnswerKind.REFUSED


@pytest.mark.parametrize(
    ("headers", "nothing"),
    [
        ({"location": f"/qflowapi/v1/executions/{ONE}"}, False),
        ({"content_location": f"https://x.example/executions/{ONE}"}, False),
        ({"x_execution_id": ONE}, False),
        ({"x_execution_id": ""}, True),
        ({"location": "/elsewhere"}, True),
        ({"location": "/executions"}, True),
        ({"access_control_expose_headers": "X-Execution-Id"}, True),
    ],
)
def test_headers_may_name_one_as_well(headers: dict[str, Any], nothing: bool) -> None:
    assert evidence.ran_nothing(answer(307, **headers)) is nothing


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-length": ""},
        {"content-length": "0, 0"},
        {"content-length": "²"},
        {"content-length": "-1"},
        {"transfer-encoding": "gzip, chunked"},
        {"connection": "close"},
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429])
def test_a_no_that_does_not_say_where_it_ends_proves_nothing(
    status: int, headers: dict[str, Any]
) -> None:
    """What ends with its connection may be cut before the line that names an execution."""
    more = {"www-authenticate": "Bearer", "x-ratelimit-remaining": "0"}
    given = HttpAnswer(status, {**more, **headers}, b"")
    transport = Answers(given)
    assert run(transport) is AnswerKind.UNCLEAR
    assert posts(transport) == 1


def test_an_answer_that_says_where_it_ends_is_whole() -> None:
    assert HttpAnswer(429, {"transfer-encoding": "Chunked"}, b"").is_whole
    assert HttpAnswer(429, {"content-length": "0"}, b"").is_whole


@pytest.mark.parametrize(
    ("body", "headers", "about_it"),
    [
        (UNAUTHORIZED, {}, True),
        ({"error": "unauthorized"}, {}, True),
        ({"authentication_exceptions": [["Authentication Failure: 1 errors"]]}, {}, True),
        (b"", {"www_authenticate": "Bearer"}, True),
        (b"<html>", {"www_authenticate": 'bearer realm="x", error="invalid_token"'}, True),
        (b"", {}, False),
        ({}, {}, False),
        ([], {}, False),
        ({"message": "JWT expired"}, {}, False),
        ({"status": 500, "error": "Unauthorized"}, {}, False),
        ({"error": "Conflict"}, {}, False),
        ({"error": {"Unauthorized": 1}}, {}, False),
        ({"authentication_exceptions": []}, {}, False),
        ({"message": "The connector was refused by AWS (401 Unauthorized)"}, {}, False),
        (b"", {"www_authenticate": 'Basic realm="x"'}, False),
        (b"", {"www_authenticate": "Bearertoken"}, False),
        (b"<html>Unauthorized</html>", {}, False),
    ],
)
def test_only_a_401_about_the_token_is_sent_again_with_a_new_one(
    body: Any, headers: dict[str, Any], about_it: bool
) -> None:
    given = answer(401, body, **headers)
    assert evidence.refuses_token(given) is about_it
    transport = Answers(given, answer(200, {"executionId": ONE}))
    assert run(transport) is (AnswerKind.ACCEPTED if about_it else AnswerKind.REFUSED)
    assert posts(transport) == (2 if about_it else 1)


OTHER = ONE.replace("4", "5")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"message": "Workflow execution started", "executionId": ONE}, ONE),
        ({"data": {"workflowId": WORKFLOW, "executionId": ONE, "source": "PUBLIC_API"}}, ONE),
        ({"data": {"workflowId": WORKFLOW.upper(), "executionId": ONE.upper()}}, ONE.upper()),
        ({"executionId": ONE, "data": {"executionId": ONE}}, ONE),
        ({"data": {"input": {"executionId": OTHER}, "executionId": ONE}}, ONE),
        ({"executionId": "01JT3585YRG0DHQNS9DNN432X3"}, "01JT3585YRG0DHQNS9DNN432X3"),
        ({"executionId": ONE, "data": {"executionId": OTHER}}, ""),
        ({"executionId": None, "data": {"executionId": ONE}}, ""),
        ({"data": {"workflowId": OTHER, "executionId": ONE}}, ""),
        ({"workflowId": OTHER, "executionId": ONE}, ""),
        (f'{{"executionId": "{ONE}", "executionId": "{OTHER}"}}'.encode(), ""),
        (f'{{"executionId": "{ONE}", "executionId": "{ONE}"}}'.encode(), ONE),
        (f'{{"executionId": "{ONE}"'.encode(), ""),
        ([{"executionId": ONE}], ""),
        ({"result": {"executionId": ONE}}, ""),
        ({"executionid": ONE}, ""),
        ({"execution": ONE}, ""),
        ({"executionId": [ONE]}, ""),
        ({"executionId": 12345678}, ""),
        ({"executionId": ""}, ""),
        ({"executionId": f" {ONE}"}, ""),
        ({"executionId": f"{ONE}\n"}, ""),
        ({"executionId": "undefined"}, ""),
        ({"executionId": "00000000-0000-0000-0000-000000000000"}, ""),
        ({"executionId": "x" * 36}, ""),
        ({"executionId": "1" * 7}, ""),
        ({"executionId": "1" * 65}, ""),
        ({"executionId": "../../etc1"}, ""),
        ({"executionId": "١٢٣٤٥٦٧٨"}, ""),
        (b"<executionId>" + ONE.encode() + b"</executionId>", ""),
        (b"", ""),
        ([], ""),
        ({"data": None}, ""),
    ],
)
def test_an_execution_was_started_where_exactly_one_is_named(body: Any, found: str) -> None:
    given = answer(200, body)
    assert evidence.started_execution(given, WORKFLOW) == found
    expected = AnswerKind.ACCEPTED if found else AnswerKind.UNCLEAR
    assert run(Answers(given)) is expected


def test_nothing_here_takes_long() -> None:
    """Whatever repeats itself."""
    for piece in ("<code ", "code ", "code=", '"executionId":', "/executions/", "{", "<a:", "-_ "):
        content = (piece * 200_000)[:200_000].encode()
        for status in (401, 409, 429):
            given = answer(status, content, **LEFT)
            evidence.is_rate_limited(given)
            evidence.refuses_token(given)
            evidence.ran_nothing(given)


def run(transport: Answers) -> AnswerKind:
    one, _ = caller(transport)
    return workflows.run(one, WORKFLOW, b"{}", lambda: True).kind


def posts(transport: Answers) -> int:
    return len([path for _, path in transport.sent if path.endswith("/run")])
