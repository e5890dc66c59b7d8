"""Single looks at a tenant, over HTTP to the sandbox, and the fake one tell the same."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qflow_gitops.errors import AuthError
from qflow_gitops.http.allotment import CallsSpent
from qflow_gitops.ports.tenant import Look, Shown, Tenant, Told
from qflow_gitops.qualys.connect import connect_to_look
from qflow_gitops.qualys.logins.login import Machine
from tests.fakes.qualys import token_refused
from tests.fakes.tenant import NOT_THERE, FakeTenant
from tests.helpers.sandboxes import served
from tests.helpers.specs import WORKFLOW

MOST = 6
KNOWN = Look("workflow", (WORKFLOW,))
PAGE = Look("workflows", query=(("pageSize", "1"), ("pageNumber", "1")))
UNKNOWN = Look("execution", ("00000000-0000-4000-8000-000000000001",))


@pytest.fixture(params=["client", "fake"])
def tenants(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[bool, Tenant]]:
    """One that lets in, and one that doesn't."""
    if request.param == "fake":
        shown = {KNOWN: Shown(200, "json", {"data": {"id": WORKFLOW}}), UNKNOWN: NOT_THERE}
        told = Told(("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET"), {"sub": "sandbox"}, expires=1e10)
        yield {
            True: FakeTenant(lambda look: shown.get(look, NOT_THERE), told, most=MOST),
            False: FakeTenant(lambda _: NOT_THERE, problem=token_refused(), most=MOST),
        }
        return
    monkeypatch.setenv("QFLOW_CLIENT_ID", "test-client")
    monkeypatch.setenv("QFLOW_CLIENT_SECRET", "test-canary-secret")
    with served() as server, served(faults=["401@token"]) as closed:
        yield {
            lets_in: connect_to_look(
                "sandbox", os.environ | {"QFLOW_GATEWAY": one.url}, Machine(Path()), MOST, None
            )
            for lets_in, one in ((True, server), (False, closed))
        }


def test_a_look_shows_what_is_there(tenants: dict[bool, Tenant]) -> None:
    shown = tenants[True].look(KNOWN)
    assert (shown.status, shown.form, shown.is_good) == (200, "json", True)
    assert shown.data["data"]["id"] == WORKFLOW
    missing = tenants[True].look(UNKNOWN)
    assert (missing.status, missing.is_good) == (404, False)
    assert missing.said


def test_a_look_without_a_token_is_refused(tenants: dict[bool, Tenant]) -> None:
    shown = tenants[False].look(PAGE, named=False)
    assert shown.status == 401
    assert shown.said == "Unauthorized" or "authenticated" in shown.said
    assert tenants[False].made == 1


def test_a_token_is_got_once_and_says_what_it_says(tenants: dict[bool, Tenant]) -> None:
    tenant = tenants[True]
    told = tenant.token()
    assert told.given == ("QFLOW_CLIENT_ID", "QFLOW_CLIENT_SECRET")
    assert told.claims == {"sub": "sandbox"}
    assert told.expires is not None
    tenant.token()
    tenant.look(KNOWN)
    assert (tenant.made, tenant.left) == (2, MOST - 2)


def test_refused_credentials_are_told(tenants: dict[bool, Tenant]) -> None:
    with pytest.raises(AuthError):
        tenants[False].token()
    with pytest.raises(AuthError):
        tenants[False].look(KNOWN)


def test_no_more_calls_are_made_than_allowed(tenants: dict[bool, Tenant]) -> None:
    tenant = tenants[True]
    for _ in range(MOST - 1):
        tenant.look(KNOWN)
    assert tenant.left == 0
    with pytest.raises(CallsSpent):
        tenant.look(KNOWN)
    assert tenant.made == MOST
