"""How a doctor judges what a tenant shows, where no sandbox answers so."""

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from qflow_gitops.doctor.qualys import part, version
from qflow_gitops.doctor.qualys.subject import Subject, UsedConnector, UsedWorkflow
from qflow_gitops.doctor.qualys.visit import Visit, small
from qflow_gitops.errors import AuthError
from qflow_gitops.http.allotment import Allotment, CallsSpent
from qflow_gitops.ports.tenant import Look, Shown, Told
from qflow_gitops.qualys import claims
from qflow_gitops.render import textchecks
from qflow_gitops.results.checks import Check, Examination, Examined, Verdict
from tests.fakes.tenant import NOT_THERE, FakeTenant
from tests.helpers.specs import CONNECTOR, WORKFLOW

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SUBJECT = Subject("prod", "EU2", (UsedWorkflow(WORKFLOW, "runs/a.yaml", ()),))


def checks(tenant: FakeTenant, subject: Subject = SUBJECT) -> dict[str, Check]:
    found = list(part.checks(Visit(tenant), subject, NOW))
    text = "\n".join(textchecks.examination(Examination((Examined("Qualys", tuple(found)),))))
    assert text.isprintable() or "\x1b" not in text
    return {each.name: each for each in reversed(found)}


def nothing(_look: Look) -> Shown:
    return NOT_THERE


@pytest.mark.parametrize(
    ("step", "way"),
    [
        ("name", "DNS"),
        ("connection", "port 443"),
        ("proxy", "QFLOW_PROXY"),
        ("tls", "QFLOW_CA_FILE"),
        ("answer", "later"),
        ("something new", "later"),
    ],
)
def test_the_step_at_which_a_request_ends_leads_to_what_to_do(step: str, way: str) -> None:
    tenant = FakeTenant(nothing, nameless=Shown(0, said="no way", step=step))
    found = checks(tenant)
    assert found["gateway"].verdict is Verdict.FAILED
    assert way in found["gateway"].hint
    assert tenant.made == 1
    assert {each.verdict for each in found.values()} == {Verdict.FAILED, Verdict.LEFT_OUT}


def test_a_sandbox_that_isnt_there_is_started() -> None:
    away = Shown(0, said="refused", step="connection")
    found = checks(FakeTenant(nothing, nameless=away), Subject("prod", "sandbox"))
    assert "`qflow-gitops sandbox" in found["gateway"].hint


def test_an_expired_token_is_the_clocks_fault_where_qualys_clock_says_so() -> None:
    day = 86_400
    told = Told(("QFLOW_TOKEN",), {"sub": "x"}, expires=NOW.timestamp() - day / 2)
    tenant = FakeTenant(nothing, told, nameless=Shown(401, "json", {}, ahead=-day))
    assert checks(tenant)["token"].verdict is Verdict.WARNING
    tenant = FakeTenant(nothing, told, nameless=Shown(401, "json", {}, ahead=0.0))
    assert checks(tenant)["token"].verdict is Verdict.FAILED


def test_a_rights_problem_of_the_token_call_is_told() -> None:
    tenant = FakeTenant(nothing, problem=AuthError("No.", hint="Add it."))
    found = checks(tenant)["credentials"]
    assert (found.verdict, found.found, found.hint) == (Verdict.FAILED, "no", "Add it.")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("1.24.0", Verdict.WARNING),  # legacy variables are there
        ("1.19", Verdict.WARNING),
        ("1.19.0-12-20260101", Verdict.WARNING),
        ("1.9.0", Verdict.FAILED),  # compared as numbers
        ("1.18.3", Verdict.FAILED),
        ("2.0.0", Verdict.WARNING),
        ("v1.19", Verdict.UNKNOWN),
        ("1", Verdict.UNKNOWN),
        ("", Verdict.UNKNOWN),
        ("1.19\x1b[31m", Verdict.UNKNOWN),
        (None, Verdict.UNKNOWN),
        (1.19, Verdict.UNKNOWN),
    ],
)
def test_versions_are_compared_as_numbers(text: Any, verdict: Verdict) -> None:
    subject = SUBJECT._replace(files={"connectorId": "a", "legacy": "b", "variables": "a"})
    tenant = FakeTenant(lambda _: Shown(200, "json", {"QFLOW-VERSION": text}))
    (check,) = version.checks(Visit(tenant), subject)
    assert check.verdict is verdict


@pytest.mark.parametrize(
    "shown", [Shown(403, "json", {}), Shown(0, said="the answer is too long"), Shown(500)]
)
def test_a_list_that_only_one_command_needs_is_no_failure(shown: Shown) -> None:
    good = Shown(200, "json", {"data": {"id": WORKFLOW, "items": []}})
    found = checks(FakeTenant(lambda look: shown if look.call == "workflows" else good))
    assert found["list_workflows"].verdict is Verdict.WARNING
    assert Verdict.FAILED not in {each.verdict for each in found.values()}


HOSTILE = "\x1b]0;owned\x07::add-mask::\u202egpj.exe|`x`\n# a\r\nb" + "x" * 10_000


def test_what_a_tenant_calls_things_does_nothing_to_a_terminal() -> None:
    item = {"id": HOSTILE, "name": HOSTILE, "state": HOSTILE, "connectorId": CONNECTOR}
    answer = {"data": item, "items": [item] * 3, "content": [item], "last": True}
    named = UsedConnector(CONNECTOR, "aws", "payments", "runs/a.yaml")
    headers = {"x-ratelimit-limit": HOSTILE, "retry-after": HOSTILE}
    tenant = FakeTenant(lambda _: Shown(200, "json", answer, headers, said=HOSTILE))
    found = list(part.checks(Visit(tenant), SUBJECT._replace(connectors=(named,)), NOW))
    text = "\n".join(textchecks.examination(Examination((Examined("Qualys", tuple(found)),))))
    assert not {"\x1b", "\x07", "\u202e", "\r"} & {*text}
    assert "::add-mask" not in text
    assert len(text) < 12_000


def test_ten_thousand_workflows_and_five_hundred_connectors_are_a_few_lines() -> None:
    ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, str(number))) for number in range(10_000)]
    used = tuple(UsedWorkflow(each, "runs/a.yaml", ()) for each in ids)
    some = tuple(UsedConnector(each, "aws", "", "runs/a.yaml") for each in ids[:500])
    tenant = FakeTenant(nothing, most=None)
    found = list(part.checks(Visit(tenant), Subject("prod", "EU2", used, some), NOW))
    assert len(found) < 150
    assert tenant.made < 10_050
    tenant = FakeTenant(nothing)
    found = list(part.checks(Visit(tenant), Subject("prod", "EU2", used, some), NOW))
    assert len(found) < 50
    assert tenant.made == 20


def test_an_allotment_ends_by_number_and_by_time() -> None:
    now = [0.0]
    allotment = Allotment(3, 60.0, lambda: now[0])
    allotment.take()
    now[0] = 59.0
    allotment.take()
    assert (allotment.made, allotment.left) == (2, 1)
    now[0] = 61.0
    with pytest.raises(CallsSpent, match="60 seconds"):
        allotment.take()
    none = Allotment(0)
    with pytest.raises(CallsSpent, match="0 calls"):
        none.take()
    assert (none.made, none.left) == (0, 0)
    assert Allotment(None).left is None


def test_of_a_token_only_harmless_claims_are_shown() -> None:
    payload = {
        "iss": "qualys", "sub": "ada", "customerUuid": "c-1", "userId": 7, "exp": 1e9, "iat": 5,
        "userPassword": "secret-1", "session": "secret-2", "scope": "secret-3",
        "subscriptionToken": "secret-4", "aud": ["a", "b"], "userName": "x" * 500,
        "nested": {"user": "secret-5"},
    }  # fmt: skip
    encoded = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    told = claims.read(f"x.{encoded}.y", ("QFLOW_TOKEN",))
    assert told.claims == {
        "iss": "qualys", "sub": "ada", "customerUuid": "c-1", "userId": "7", "aud": "a, b",
    }  # fmt: skip
    assert (told.expires, told.issued) == (1e9, 5)
    assert "secret" not in repr(told)
    assert {"userPassword", "session", "scope", "nested"} <= {*told.others}
    for odd in ("", "a.b", "a.b.c", "é.é.é"):
        assert claims.read(odd, ()).claims == {}


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("There are no credentials.", "there are no credentials"),
        ("QFLOW_PASSWORD isn't set.", "QFLOW_PASSWORD isn't set"),
        ("Qualys refused the token.", "Qualys refused the token"),
        ("GitHub's ID token ended.", "GitHub's ID token ended"),
        ("", ""),
    ],
)
def test_names_keep_their_capitals_behind_a_colon(sentence: str, told: str) -> None:
    assert small(sentence) == told
