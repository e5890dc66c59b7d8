"""What an answer of a receiver means; how a request to one is signed."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from qflow_gitops.errors import UsageProblem
from qflow_gitops.http.redaction import Redactor
from qflow_gitops.http.transport import HttpAnswer, NoAnswerError
from qflow_gitops.notify import connect, signing
from qflow_gitops.notify.posting import Post
from qflow_gitops.ports.notices import Undelivered
from tests.helpers.receivers import KEY

NOW = datetime(2026, 10, 6, 12, tzinfo=UTC)
OTHER = "whsec_" + base64.b64encode(b"another key, of thirty-two bytes").decode()
GONE_WRONG = (
    b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error %d "
    b"with ContextId tcid=0."
)


class Answers:
    """A transport that gives one answer, or none."""

    def __init__(self, answer: HttpAnswer | NoAnswerError) -> None:
        self.answer = answer

    def send(self, *_words: object, **_more: object) -> HttpAnswer:
        if isinstance(self.answer, NoAnswerError):
            raise self.answer
        return self.answer

    def close(self) -> None:
        """Nothing is open."""


def outcome(answer: HttpAnswer | NoAnswerError) -> Undelivered | None:
    """Say why a body wasn't delivered, None where it was."""
    transport: Any = Answers(answer)
    try:
        Post(transport, "/", Redactor(), now=NOW.timestamp)(b"{}", {})
    except Undelivered as problem:
        return problem
    return None


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_answer_of_success_is_one(status: int) -> None:
    assert outcome(HttpAnswer(status, {}, b"ok")) is None


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (301, True), (302, True), (307, True), (400, True), (401, True), (403, True), (404, True),
        (410, True), (413, True), (408, False), (429, False), (500, False), (502, False),
        (503, False), (504, False), (199, True),
    ],
)  # fmt: skip
def test_what_another_try_may_change_is_told_from_what_it_wont(
    status: int, permanent: bool
) -> None:
    problem = outcome(HttpAnswer(status, {}, b""))
    assert problem is not None
    assert problem.permanent == permanent
    assert str(status) in problem.why


def test_no_answer_is_a_reason_to_try_again() -> None:
    problem = outcome(NoAnswerError("no answer in time", sent=True))
    assert problem is not None
    assert (problem.why, problem.permanent) == ("no answer in time", False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 06 Oct 2026 12:01:30 GMT", 90.0),
        ("Tue, 06 Oct 2026 11:00:00 GMT", 0.0),
        ("Tue, 06 Oct 2026 12:01:30", 90.0),
        ("soon", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("Sun, 06 Nov 1994 99999999999999999999:49:37 GMT", 0.0),
        ("", 0.0),
        ("Tue, 99 Oct 2026 12:01:30 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_a_number_or_a_date(value: str, seconds: float) -> None:
    problem = outcome(HttpAnswer(429, {"retry-after": value}, b""))
    assert problem is not None
    assert problem.retry_after == seconds


@pytest.mark.parametrize(("inside", "permanent"), [(429, False), (413, True), (500, False)])
def test_a_connector_of_teams_that_answers_200_and_says_no_has_nothing(
    inside: int, permanent: bool
) -> None:
    problem = outcome(HttpAnswer(200, {}, GONE_WRONG % inside))
    assert problem is not None
    assert problem.permanent == permanent


# --- signatures --------------------------------------------------------------------------


def test_a_signature_is_verified_by_the_library_of_the_specification() -> None:
    at = int(datetime.now(UTC).timestamp())
    body = json.dumps({"a": "ä"}).encode()
    headers = signing.headers(signing.keys_in(KEY), "msg1", at, body)
    Webhook(KEY).verify(body, headers)
    for bad in (body + b" ", body[:-1]):
        with pytest.raises(WebhookVerificationError):
            Webhook(KEY).verify(bad, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(body, headers)


def test_while_a_key_is_changed_both_verify() -> None:
    at = int(datetime.now(UTC).timestamp())
    headers = signing.headers(signing.keys_in(f"{OTHER} {KEY}"), "msg1", at, b"{}")
    for key in (KEY, OTHER):
        Webhook(key).verify(b"{}", headers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        KEY.removeprefix("whsec_"),
        "whsec_",
        "whsec_$(openssl rand -base64 32)",
        "whsec_" + base64.b64encode(b"short").decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        f"{KEY} canary",
        "whsec_" + "ä" * 44,
    ],
)
def test_what_is_no_key_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        signing.keys_in(text)
    assert not any(word in str(refused.value) for word in text.split() if len(word) > 6)


# --- addresses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T000/B000/XXXX",
        "https://prod-00.westeurope.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke?sig=x",
        "https://example.com",
        "http://127.0.0.1:8090/",
        "http://[::1]:8090/",
        "http://localhost/",
    ],
)
def test_an_address_of_https_or_of_this_machine_is_one(url: str) -> None:
    (receiver,) = connect.receivers({"QFLOW_NOTIFY_SLACK_URL": url})
    assert receiver.name == "slack"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://2130706433/",
        "ftp://127.0.0.1/",
        "https:///canary",
        "https://a@example.com/",
        "https://example.com/#canary",
        "https://example.com/a b",
        "https://example.com/a\r\nHost: evil",
        "https://example.com/\u202e",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1",
        "example.com",
        "https://example.com/" + "x" * 3_000,
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        connect.receivers({"QFLOW_NOTIFY_TEAMS_URL": url})
    assert refused.value.reason == "notify_address"
    assert "canary" not in refused.value.message + refused.value.hint


def test_an_event_isnt_sent_unsigned_and_a_key_alone_is_an_error() -> None:
    for environ in (
        {"QFLOW_NOTIFY_URL": "https://example.com/"},
        {"QFLOW_NOTIFY_KEY": KEY},
        {"QFLOW_NOTIFY_URL": "https://example.com/", "QFLOW_NOTIFY_KEY": "secret"},
    ):
        with pytest.raises(UsageProblem) as refused:
            connect.receivers(environ)
        assert refused.value.reason == "notify_key"


def test_who_is_set_up_is_named_whether_it_is_right_or_wrong() -> None:
    assert connect.names({}) == ()
    assert connect.names({"QFLOW_NOTIFY_URL": "x", "QFLOW_NOTIFY_TEAMS_URL": "y"}) == (
        "cloudevents",
        "teams",
    )


@pytest.mark.parametrize(("status", "odd"), [(400, True), (413, True), (404, False), (410, False)])
def test_what_is_wrong_with_a_message_is_told_from_a_receiver_that_is_gone(
    status: int, odd: bool
) -> None:
    problem = outcome(HttpAnswer(status, {}, b""))
    assert problem is not None
    assert (problem.permanent, problem.odd) == (True, odd)
