"""Platforms, credentials, tokens, messages, rate limits: what needs no wire."""

import json
from datetime import UTC, datetime
from typing import cast

import pytest

from qflow_gitops.errors import AuthError, QflowError, UnreachableError, UsageProblem
from qflow_gitops.http.messages import message_of
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError, Transport
from qflow_gitops.ports.qualys import AnswerKind
from qflow_gitops.qualys.caller import Caller
from qflow_gitops.qualys.credentials import Credentials, Secret, from_environment
from qflow_gitops.qualys.platforms import HOSTS, gateway_for
from tests.helpers.logins import tokens_of


def test_the_table_of_platforms() -> None:
    assert len(HOSTS) == 14
    assert gateway_for("EU2", "").url == "https://gateway.qg2.apps.qualys.eu"
    assert gateway_for("KSA1", "").host == "gateway.qg1.apps.qualysksa.com"
    assert gateway_for("sandbox", "http://127.0.0.1:8080").host == "127.0.0.1:8080"
    assert gateway_for("private", "https://qualysgateway.example.com").platform == "private"


@pytest.mark.parametrize(
    ("platform", "custom"),
    [
        ("US1", "https://evil.example"),
        ("private", ""),
        ("private", "http://a.example"),
        ("private", "https://a.example/"),
        ("private", "https://gateway.qg2.apps.qualys.eu"),  # EU2's: one platform has one name
        ("private", "https://a.example:8443"),
        ("private", "https://good.example@evil.example"),
        ("private", "https://evil.example\\@good.example"),
        ("private", "https://a.example\n"),
        ("private", "https://\u0430.example"),
        ("private", "https://a.example."),
        ("private", "https://A.example"),
        ("private", "https://localhost"),
        ("sandbox", ""),
        ("sandbox", "http://10.0.0.1:80"),
        ("sandbox", "http://127.0.0.1"),
        ("sandbox", "https://127.0.0.1:80"),
        ("sandbox", "http://127.0.0.1:80/x"),
        ("sandbox", "http://127.0.0.1:80@evil.example"),
        ("sandbox", "http://127.0.0.1.evil.example:80"),
        ("sandbox", "http://127.0.0.1:0"),  # what no connection can be opened to
        ("sandbox", "http://127.0.0.1:65536"),
        ("sandbox", "http://127.0.0.1:99999"),
        ("sandbox", "http://localhost:08080"),
        ("private", f"https://{'a' * 64}.example"),
        ("private", "https://-a.example"),
        ("private", f"https://{'a.' * 130}example"),
        ("us1", ""),
        ("", ""),
    ],
)
def test_nothing_but_the_gateway_is_accepted(platform: str, custom: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        gateway_for(platform, custom)
    assert refused.value.hint


def test_credentials_come_in_one_whole_set() -> None:
    assert from_environment({"QFLOW_TOKEN": "a.b.c"}).secrets == ("a.b.c",)
    for environ in ({}, {"QFLOW_CLIENT_ID": "a"}, {"QFLOW_PASSWORD": "a"}, {"QFLOW_TOKEN": ""}):
        with pytest.raises(AuthError) as refused:
            from_environment(environ)
        assert "QFLOW_CLIENT_SECRET" in refused.value.hint
    with pytest.raises(UsageProblem):
        from_environment({"QFLOW_TOKEN": "a.b.c", "QFLOW_USERNAME": "ada"})
    for bad in ("zq\n", " zq", "zq\x00b", "zqä"):
        with pytest.raises(AuthError) as refused:
            from_environment({"QFLOW_TOKEN": bad})
        assert "zq" not in str(refused.value) + refused.value.hint


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("canary")
    shown = (f"{secret} {secret!r} {secret!s} {secret:>9}", str(Credentials({"X": secret})))
    assert all("canary" not in one for one in shown)
    assert secret.reveal() == "canary"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "m", "error": "e"}, "m"),
        ({"errorCode": None, "message": None, "error": "e"}, "e"),
        ({"errors": [{"message": "m"}]}, "m"),
        ({"_error": {"message": "m"}}, "m"),
        ({"authentication_exceptions": [["Authentication Failure"]]}, "Authentication Failure"),
        ({"ServiceResponse": {"responseErrorDetails": {"errorMessage": "m"}}}, "m"),
        ({"x": 1}, '{"x": 1}'),
        ([1], "[1]"),
    ],
)
def test_what_an_error_body_says(body: object, said: str) -> None:
    assert message_of(json.dumps(body).encode()) == said


def test_a_login_page_says_its_text() -> None:
    assert "Please log in" in message_of(b"<html><b>Please log in</b></html>")


class Answers:
    """A transport that gives these answers, one after the other."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str]] = []

    def send(self, method: str, path: str, **_more: object) -> HttpAnswer:
        self.sent.append((method, path))
        if path.startswith("/auth"):
            return HttpAnswer(201, {}, b" a.b.c\n")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def caller(transport: Answers, environ: dict[str, str] | None = None) -> tuple[Caller, list[float]]:
    waited: list[float] = []
    redact = Redactor()
    environ = environ or {"QFLOW_USERNAME": "ada", "QFLOW_PASSWORD": "canary-secret"}
    wire = cast(Transport, transport)  # nothing but `send` is used of it
    tokens = tokens_of(wire, environ, redact)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        Caller(wire, tokens, redact, sleep=waited.append, chance=lambda: 0, now=lambda: now),
        waited,
    )


def found(caller: Caller) -> HttpAnswer:
    """Return the answer to a GET that has one."""
    answer = caller.get("/x", "read")
    assert answer is not None
    return answer


def answer(status: int, content: object = None, **headers: str) -> HttpAnswer:
    """A whole answer; header names with `_` for `-`."""
    body = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, {"content-length": str(len(body)), **names}, body)


ONE = "497d0fe7-1f2a-4c3b-9d4e-3d90e904d1c5"
UNAUTHORIZED = {"status": 401, "error": "Unauthorized", "message": "JWT expired"}


def test_a_get_is_tried_again_and_waits_as_asked() -> None:
    transport = Answers(
        answer(429, x_ratelimit_towait_sec="7"),
        answer(503, retry_after="Thu, 01 Jan 2026 00:00:09 GMT"),
        NoAnswerError("the connection was reset", sent=True),
        answer(200, {"data": {"id": "x"}}),
    )
    one, waited = caller(transport)
    assert found(one).status == 200
    assert waited == [7, 9, 2]


def test_a_get_gives_up_within_its_budget() -> None:
    one, waited = caller(Answers(*[answer(500)] * 4))
    with pytest.raises(UnreachableError):
        one.get("/x", "read")
    assert len(waited) == 3
    one, waited = caller(Answers(answer(429, retry_after="3600")))
    with pytest.raises(UnreachableError):
        one.get("/x", "read")
    assert waited == []


def test_a_refused_token_is_replaced_once() -> None:
    transport = Answers(answer(401), answer(200))
    one, _ = caller(transport)
    assert found(one).status == 200  # a GET: whatever the 401 says
    assert [path for _, path in transport.sent] == ["/auth", "/x", "/auth", "/x"]
    transport = Answers(answer(401), answer(401))
    one, _ = caller(transport)
    with pytest.raises(AuthError):
        one.get("/x", "read")


def test_a_token_that_was_begun_is_the_one_that_is_used() -> None:
    transport = Answers(answer(200))
    one, _ = caller(transport)
    one.start_connecting()
    one.start_connecting()
    one.connect()
    assert found(one).status == 200
    one.start_connecting()
    assert [path for _, path in transport.sent] == ["/auth", "/x"]


class Refusing(Answers):
    """One that knows no credentials."""

    def send(self, method: str, path: str, **_more: object) -> HttpAnswer:
        self.sent.append((method, path))
        return answer(401, {"message": "no"})


def test_credentials_that_are_refused_ahead_are_tried_once() -> None:
    transport = Refusing()
    one, _ = caller(transport)
    one.start_connecting()
    for tried in (1, 2):
        with pytest.raises(AuthError) as refused:
            one.connect()
        assert refused.value.reason == "credentials_refused"
        assert len(transport.sent) == tried


def test_a_given_token_is_not_begun() -> None:
    transport = Answers(answer(200))
    one, _ = caller(transport, {"QFLOW_TOKEN": "a.b.c"})
    one.start_connecting()
    assert found(one).status == 200
    assert [path for _, path in transport.sent] == ["/x"]


def test_a_given_token_is_not_replaced() -> None:
    transport = Answers(answer(401, {"message": "JWT expired"}))
    one, _ = caller(transport, {"QFLOW_TOKEN": "a.b.c"})
    with pytest.raises(AuthError) as refused:
        one.get("/x", "read")
    assert "QFLOW_TOKEN" in refused.value.hint
    assert len(transport.sent) == 1


@pytest.mark.parametrize(
    ("given", "kind", "posts"),
    [
        ([answer(200, {"message": "x", "executionId": ONE})], AnswerKind.ACCEPTED, 1),
        ([answer(201, {"data": {"executionId": ONE}})], AnswerKind.ACCEPTED, 1),
        ([answer(202, {"executionId": ONE})], AnswerKind.ACCEPTED, 1),
        ([answer(200, {"executionId": "../../etc"})], AnswerKind.UNCLEAR, 1),
        ([answer(204)], AnswerKind.UNCLEAR, 1),
        *[([answer(s)], AnswerKind.REFUSED, 1) for s in (400, 403, 404, 405, 413, 415, 422)],
        ([answer(401, UNAUTHORIZED)] * 2, AnswerKind.REFUSED, 2),
        ([answer(401, UNAUTHORIZED), answer(200, {"executionId": ONE})], AnswerKind.ACCEPTED, 2),
        ([answer(401)], AnswerKind.REFUSED, 1),
        *[([answer(s)], AnswerKind.REFUSED, 1) for s in (307, 308)],
        *[([answer(s)], AnswerKind.UNCLEAR, 1) for s in (301, 302, 303, 408, 409, 418, 451)],
        *[([answer(s)], AnswerKind.UNCLEAR, 1) for s in (500, 501, 502, 503, 504)],
        ([answer(503, retry_after="1")], AnswerKind.UNCLEAR, 1),
        ([answer(429)] * 3, AnswerKind.UNSENT, 3),
        ([NoAnswerError("x", sent=False)], AnswerKind.UNSENT, 1),
        ([NoAnswerError("x", sent=True)], AnswerKind.UNCLEAR, 1),
        ([answer(429), NoAnswerError("x", sent=True)], AnswerKind.UNCLEAR, 2),
        ([answer(409, x_ratelimit_remaining="0")] * 3, AnswerKind.UNSENT, 3),
        ([answer(409, {"errorCode": "1965"}, x_ratelimit_remaining="9")], AnswerKind.UNCLEAR, 1),
    ],
)
def test_what_an_answer_to_a_run_proves(
    given: list[HttpAnswer | Exception], kind: AnswerKind, posts: int
) -> None:
    from qflow_gitops.qualys.workflows import run

    transport = Answers(*given)
    one, _ = caller(transport)
    assert run(one, "6cad21c8-4405-4517-beb9-7372feafb5b4", b"{}", lambda: True).kind is kind
    assert len([path for _, path in transport.sent if path.endswith("/run")]) == posts


def test_no_secret_is_in_what_goes_wrong() -> None:
    one, _ = caller(Answers(answer(500, {"message": "echo canary-secret"}), *[answer(500)] * 3))
    with pytest.raises(QflowError) as problem:
        one.get("/x", "read")
    assert "canary" not in str(problem.value) + repr(problem.value.__cause__)
