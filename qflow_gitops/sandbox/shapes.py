"""The documented shapes of answers; what is invented says so."""

import base64
import hashlib
import json
import time
import uuid
from typing import Any

SYSTEM = ("connectorId", "region", "resourceGroup", "project", "oci_region", "compartment")
LEGACY = ("credentials", "credentials_azure", "credentials_gcp")
CUSTOMER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "customer.sandbox"))


def token(lifetime: float) -> str:
    """Make a token with three parts and an end, signed by nobody."""
    parts = ({"alg": "none"}, {"sub": "sandbox", "exp": int(time.time() + lifetime)})
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join((*encoded, "sandbox"))


def expiry(text: str) -> float:
    """Read the end of a token made here; 0 for anything else."""
    try:
        part = text.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"])
    except (ValueError, KeyError, IndexError, TypeError):
        return 0.0


def workflow(workflow_id: str) -> dict[str, Any]:
    """Details of a workflow (docs/api.md 1.3 [D WFDET]); revision and name are invented.

    That an id in capitals is the same one is invented, too: it is a UUID.
    """
    workflow_id = workflow_id.lower()
    variables: list[dict[str, Any]] = [{"key": "region", "value": ["us-east-1"]}] + [
        {"key": key, "value": []}
        for key in ("resourceGroup", "project", "credentials", "credentials_azure")
    ]
    variables += [{"key": "name", "value": ["maha2"]}, {"key": "dryRun", "value": False}]
    trigger = {"name": "Trigger", "id": "trigger", "type": "trigger", "previous": None}
    definition = {"variables": variables, "components": [trigger]}
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
        "createdAt": _ms(begun),
        "updatedAt": _ms(min(now, ends)),
        "tags": [f"created_by={CUSTOMER}"],
        "workflow": row["workflow"],
        "execution": row["id"],
        "customerId": CUSTOMER,
        "status": row["outcome"] if done else running,
        "startDate": _ms(begun),
        "details": {},
        "linkedExecutions": [],
    }
    if done:
        data |= {"endDate": _ms(ends), "details": {"executionEndDate": _ms(ends)}}
    return data


def step(row: dict[str, Any], ahead: float = 0.0) -> dict[str, Any]:
    """Return the one step that the sandbox's executions have (docs/api.md 1.7 [D STLIST])."""
    seen = execution(row, ahead)
    day = time.gmtime(row["created"] + ahead)
    return {
        "id": "01JT3585YRG0DHQNS9" + row["id"].replace("-", "")[:8].upper(),
        "createdAt": seen["createdAt"],
        "updatedAt": seen["updatedAt"],
        "tags": seen["tags"],
        "customerId": CUSTOMER,
        "eventOrder": 1,
        "nodeId": "trigger",
        "execution": row["id"],
        "nodeType": "trigger",
        "status": seen["status"],
        "startDate": seen["startDate"],
        "parDateKey": time.strftime("%Y-%m-%dT00:00:00.000Z", day),
    }


def trigger_output(row: dict[str, Any], *, wrapped: bool = False) -> list[dict[str, Any]]:
    """Output of the trigger step: echoes input and variables (docs/api.md 1.8 [D STOUT]).

    `wrapped`: variables look as in a workflow's definition. `forceRun` is true for
    `PUBLIC_API` and false for the other documented source (docs/api.md 1.8).
    """
    variables = row["body"].get("variables", {})
    return [
        {
            "source": row["source"],
            "customerId": CUSTOMER,
            "workflowId": row["workflow"],
            "input": row["body"].get("input", {}),
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


def problem(status: int, ahead: float = 0.0) -> dict[str, Any]:
    """Bodies of refusals, of sibling APIs behind the same gateway (docs/api.md 4.2)."""
    if status == 401:
        return {"status": 401, "error": "Unauthorized", "message": "Not authenticated"}
    if status == 403:
        return {
            "errorCode": "403 FORBIDDEN",
            "message": "The sandbox user does not have the API ACCESS permission",
            "timestamp": _ms(time.time() + ahead),
        }
    return {"status": status, "message": f"Sandbox fault {status}"}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
