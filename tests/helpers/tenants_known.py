"""The five stand-ins (tests/helpers/tenants.py), each another Qualys that might be."""

import json
from collections.abc import Mapping
from typing import Any

from tests.helpers.specs import CONNECTOR, WORKFLOW
from tests.helpers.tenants import (
    EXECUTION,
    FAILED,
    RUNNING,
    VARIABLES,
    Reply,
    Tenant,
    always,
    connectors,
    definition,
    execution,
    now,
    output,
    portal,
    step,
    which,
    workflow,
)


def _documented() -> Tenant:
    """As the pages say; where they say nothing, the likeliest. Pages are small, times clamped."""
    some = [
        execution(RUNNING, "Running", ended=False),
        execution(FAILED, "Failed"),
        execution(EXECUTION, "Success"),
    ]
    by_id = {each["id"]: each for each in some}
    steps = [
        step("trigger", "Success", 1),
        step("node-e3a84822-resource", "Failed", 2, errorDetails={
            "errorMessage": "acme bucket is gone", "errorCode": "ACME42", "retryable": False,
        }),
    ]  # fmt: skip
    text = json.dumps(definition(*VARIABLES, ("oci_region", []), ("compartment", [])))

    def one(query: Mapping[str, str]) -> Reply:
        more = {"steps": steps} if query.get("includeSteps") else {}
        return Reply({"data": by_id[which(query)] | more})

    system = {"key": "region", "value": "us-east-1", "type": "system"}
    mine = {"key": "acmeBudgetCode", "value": "acme-4711", "type": "user-defined"}
    return Tenant(
        "as-documented",
        {
            "workflows": always({"total": 31, "items": [workflow(text, name="acme flow")] * 20}),
            "workflow": always({"data": workflow(text, name="acme flow", deployed=True)}),
            "executions": always({"total": 3, "items": some}),
            "execution": one,
            "steps": always({"total": 2, "items": steps}),
            "step": always(steps[1]),
            "output": always(output("PUBLIC_API", system, mine)),
            "connectors": always(connectors("SUCCESS", "REGIONS_DISCOVERED").body),
            "version": always(portal("1.24.0").body),
        },
        claims={"customerUuid": "acme-customer"},
        dated=True,
        headers={
            "X-RateLimit-Limit": "300", "X-RateLimit-Window-Sec": "3600",
            "X-RateLimit-Remaining": "287", "X-Concurrency-Limit-Limit": "2",
        },
    )  # fmt: skip


def _otherwise() -> Tenant:
    """Lists are called otherwise, nothing counts them, `execution` and `id` differ."""
    some = [
        execution(EXECUTION, "SUCCEEDED") | {"id": "01JT3585YRG0DHQNS9DNN432X3"},
        execution(FAILED, "ACME REJECTED 4711") | {"id": "01JT3585YRG0DHQNS9DNN432X4"},
    ]
    steps = [step("trigger", "SUCCEEDED", 1)]
    return Tenant(
        "lists-named-otherwise",
        {
            "workflows": always({"workflows": [{"uuid": WORKFLOW, "title": "acme"}], "count": 1}),
            "workflow": always(workflow(json.dumps(definition(*VARIABLES)), revision=7)),
            "executions": always({"executions": some, "next": "acme-cursor-99"}),
            "execution": lambda query: Reply(
                next(each for each in some if each["execution"] == which(query))
            ),
            "steps": always({"data": {"steps": steps}}),
            "step": always({"data": steps[0]}),
            "output": always({"data": output("PUBLIC_API")}),
            "connectors": always([{"connectorId": CONNECTOR, "name": "acme"}]),
            "version": always(portal("Flow 24 acme").body),
        },
        claims={"acmeClaim7": "acme", "scope": "acme"},
        lasts=12 * 3600,
        dated=True,
        headers={"X-RateLimit-Limit-Acme": "many", "RateLimit-Policy": '"acme";q=10'},
        nameless=Reply(b"acme says no", 401, {"Content-Type": "text/plain"}),
    )


def _release_116() -> Tenant:
    """Before variables: the definition is an object, old executions are shown, totals lack."""
    some = [
        execution(EXECUTION, "Success"),
        execution(FAILED, "Success") | {"createdAt": now(55), "endDate": None},
    ]

    def listed(query: Mapping[str, str]) -> Reply:
        return Reply({"items": some if "endAt" in query else some[:1]})

    return Tenant(
        "release-1.16",
        {
            "workflows": always({"items": [{"id": WORKFLOW}]}),
            "workflow": always({"data": workflow(definition(("region", "eu-west-1")))}),
            "executions": listed,
            "execution": always({"data": some[0]}),
            "steps": always({"items": [step("trigger", "Success", 1)]}),
            "step": always(step("trigger", "Success", 1)),
            "output": always(output("PUBLIC_API")),
            "connectors": always({"message": "acme gone"}, 404),
            "version": always(
                b"<ServiceResponse><data><Portal-Version><QFLOW-VERSION>1.16.2</QFLOW-VERSION>"
                b"</Portal-Version></data></ServiceResponse>"
            ),
        },
    )


def _language() -> Tenant:
    """Words of another language, lists that are bare arrays, times in seconds, errors as pages."""
    some = [
        execution(EXECUTION, "Erfolgreich", unit=1),
        execution(FAILED, "Übersprungen", unit=1),
        execution(RUNNING, "läuft noch", ended=False, unit=1),
    ]
    page = b"<!DOCTYPE html><html><body>Acme Gateway: bitte anmelden</body></html>"
    variables = ({"name": "region", "value": ["eu-central-1"], "kind": "System"},)
    return Tenant(
        "another-language",
        {
            "workflows": always([workflow(json.dumps(definition()))]),
            "workflow": always({"data": workflow("acme: no JSON {")}),
            "executions": lambda query: (
                Reply({"error": "startAt acme"}, 400) if "endAt" in query
                else Reply({"total": "3", "items": some})
            ),
            "execution": lambda query: Reply(
                {"data": next(each for each in some if each["id"] == which(query))}
            ),
            "steps": always({"total": 1, "items": [step("trigger", "Erfolgreich", 1)]}),
            "step": always(page, 404),
            "output": always(output("öffentlich", *variables)),
            "connectors": always(connectors("acme error 7").body),
            "version": always(page, 403),
            "unknown": always(page, 404),
        },
        nameless=Reply(page, 401),
    )  # fmt: skip


def _reticent() -> Tenant:
    """The role may list and not read; what is shown lacks ids, or has times as texts."""
    some: list[Any] = [
        {"status": "Success", "createdAt": "2026-11-28T10:00:00Z", "acme-4711": {"x": 1}},
        None,
        "acme",
    ]
    no = Reply(
        {"errorCode": "403 FORBIDDEN", "message": "acme-ada may not", "timestamp": now()}, 403
    )
    return Tenant(
        "reticent",
        {
            "workflows": always({"total": None, "items": [{"id": WORKFLOW}, {"name": "acme"}]}),
            "workflow": lambda _query: no,
            "executions": always({"total": 3, "items": some}),
            "execution": always(b"", 204),
            "steps": lambda _query: no,
            "step": lambda _query: no,
            "output": always([]),
            "connectors": always({"content": [], "last": True}),
        },
        headers={"Retry-After": "soon"},
    )


TENANTS = {
    each.name: each
    for each in (_documented(), _otherwise(), _release_116(), _language(), _reticent())
}
"""Name -> stand-in."""
