"""The documented shapes of answers; what is invented says so."""

import hashlib
import json
import time
import uuid
from typing import Any

SYSTEM = ("connectorId", "region", "resourceGroup", "project", "oci_region", "compartment")
LEGACY = ("credentials", "credentials_azure", "credentials_gcp")
CUSTOMER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "customer.sandbox"))
SUCCESS = "Success"
"""The one word for an end that is documented (docs/api.md 3)."""


def workflow(workflow_id: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    """Details of a workflow (docs/api.md 1.3 [D WFDET]); revision and name are invented.

    That an id in capitals is the same one is invented, too: it is a UUID.
    """
    workflow_id = workflow_id.lower()
    variables: list[dict[str, Any]] = [{"key": "region", "value": ["us-east-1"]}] + [
        {"key": key, "value": []}
        for key in ("resourceGroup", "project", "credentials", "credentials_azure")
    ]
    variables += [{"key": "name", "value": ["maha2"]}, {"key": "dryRun", "value": False}]
    definition = {"variables": variables, "components": components}
    return {
        "id": workflow_id,
        "createdAt": 1744786878828,
        "updatedAt": 1747114432724,
        "tags": [f"created_by={CUSTOMER}"],
        "workflow": workflow_id,
        "name": f"Sandbox workflow {workflow_id[:8]}",
        "revision": hashlib.sha256(workflow_id.encode()).hexdigest(),
        "definition": json.dumps(definition),
    }


def execution(row: dict[str, Any], ahead: float = 0.0) -> dict[str, Any]:
    """Details of an execution (docs/api.md 1.6 [D EXDET]), on a clock `ahead` seconds ahead.

    `Success` is the one documented word; `Queued`, `Running` and others are invented.
    """
    now, begun = time.time() + ahead, row["created"] + ahead
    ends = begun + row["duration"]
    done = now >= ends
    running = "Running" if now >= begun + row["duration"] / 4 else "Queued"
    data = {
        "id": row["id"],
        "createdAt": milliseconds(begun),
        "updatedAt": milliseconds(min(now, ends)),
        "tags": [f"created_by={CUSTOMER}"],
        "workflow": row["workflow"],
        "execution": row["id"],
        "customerId": CUSTOMER,
        "status": row["outcome"] if done else running,
        "startDate": milliseconds(begun),
        "details": {},
        "linkedExecutions": [],
    }
    if done:
        data |= {"endDate": milliseconds(ends), "details": {"executionEndDate": milliseconds(ends)}}
    return data


def trigger_output(row: dict[str, Any], *, wrapped: bool = False) -> list[dict[str, Any]]:
    """Output of the trigger step: echoes input and variables (docs/api.md 1.8 [D STOUT]).

    `wrapped`: variables look as in a workflow's definition. `forceRun` is true for
    `PUBLIC_API` and false for the other documented source (docs/api.md 1.8).
    """
    body = row["body"] if isinstance(row["body"], dict) else {}
    variables = body.get("variables", {})
    return [
        {
            "source": row["source"],
            "customerId": CUSTOMER,
            "workflowId": row["workflow"],
            "input": body.get("input", {}),
            "executionId": row["id"],
            "forceRun": row["source"] == "PUBLIC_API",
            "overrideVariables": [
                {
                    "key": key,
                    "value": _wrapped(key, value) if wrapped else value,
                    "type": "system" if key in SYSTEM else "user-defined",
                }
                for key, value in variables.items()
            ],
        }
    ]


def _wrapped(key: str, value: Any) -> Any:
    """Return a value as the workflow editor keeps it: scalars in arrays, `@` before connectors.

    The sample has both, the `@` in the legacy variables (docs/api.md 1.3 [D WFDET]).
    """
    if isinstance(value, str) and (key == "connectorId" or key in LEGACY):
        value = f"@{value}"
    return value if isinstance(value, list | dict) else [value]


def started(execution_id: str) -> dict[str, Any]:
    """Answer of a run in release 1.19 (docs/api.md 1.4 [D RN119])."""
    return {"message": "Workflow execution started", "executionId": execution_id}


def started_116(execution_id: str, workflow_id: str, body: Any) -> dict[str, Any]:
    """Answer of a run in release 1.16 (docs/api.md 1.4 [D])."""
    return {
        "data": {
            "customerId": CUSTOMER,
            "workflowId": workflow_id,
            "input": body,
            "executionId": execution_id,
            "forceRun": True,
            "overrideVariables": [],
            "source": "PUBLIC_API",
        }
    }


def no_such_user() -> dict[str, Any]:
    """Body of a refusal of a name and its secret (docs/api.md 4.2 [D PCRS])."""
    return {"authentication_exceptions": [["The name or the secret is wrong (sandbox)."]]}


def versions(version: str) -> dict[str, Any]:
    """Versions of the platform's parts (docs/api.md 5.6 [C]); QFlow's where it is told."""
    portal = {"PortalApplication-VERSION": "3.25.0.0-10", "WAS-VERSION": "10.0.0.0-1"}
    web = {"WEB-VERSION": "10.30.0.0-1", "SCANNER-VERSION": "13.0.1-1"}
    data = {
        "Portal-Version": portal | ({"QFLOW-VERSION": version} if version else {}),
        "QWeb-Version": web,
    }
    return {"ServiceResponse": {"responseCode": "SUCCESS", "count": "1", "data": data}}


def problem(status: int, ahead: float = 0.0) -> dict[str, Any]:
    """Bodies of refusals, of sibling APIs behind the same gateway (docs/api.md 4.2)."""
    if status == 401:
        return {"status": 401, "error": "Unauthorized", "message": "Not authenticated"}
    if status == 403:
        return {
            "errorCode": "403 FORBIDDEN",
            "message": "The sandbox user does not have the API ACCESS permission",
            "timestamp": milliseconds(time.time() + ahead),
        }
    return {"status": status, "message": f"Sandbox fault {status}"}


def milliseconds(seconds: float) -> int:
    """Return a time as answers have it, since 1970."""
    return round(seconds * 1000)
