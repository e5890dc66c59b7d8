"""Connectors as Connector v3 lists them, and its refusals (docs/api.md 7.2 [C])."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify

SUBSCRIPTION = str(uuid.uuid5(uuid.NAMESPACE_DNS, "subscription.sandbox"))
_STATUS = {"UNAUTHORIZED": 401, "INSUFFICIENT_PERMISSION": 403, "OBJECT_NOT_FOUND": 404}


def connector(
    cloud: str,
    number: int,
    uuid_of_v1: str,
    name: str,
    account: str,
    state: str = "FINISHED_SUCCESS",
) -> dict[str, Any]:
    """Return an item as Connector v3 has it, in what names its kind (docs/api.md 7.2 [C])."""
    places: dict[str, dict[str, Any]] = {
        "aws": {"awsAccountId": account},
        "azure": {"authRecord": {"subscriptionId": account}},
        "gcp": {"authRecord": {"projectId": account}},
        "oci": {"authRecord": {"tenantId": account}},
    }
    item = {
        "id": number,
        "name": name,
        "description": "",
        "type": cloud.upper(),
        "connectorState": state,
        "disabled": "false",
        "isDeleted": "false",
        "cloudviewUuid": uuid_of_v1,
    }
    return {f"{cloud.capitalize()}AssetDataConnector": item | places[cloud]}


def found(items: Sequence[Any], after: int, size: int) -> dict[str, Any]:
    """Return what a search answers: the first items behind a number (docs/api.md 7.2 [C])."""
    behind = [item for item in items if _number(item) > after]
    some = behind[:size]
    more = len(behind) > len(some)
    response = {
        "responseCode": "SUCCESS",
        "count": len(some),
        "hasMoreRecords": "true" if more else "false",
        "data": some,
    }
    return {"ServiceResponse": response | ({"lastId": _number(some[-1])} if more else {})}


def _number(item: Mapping[str, Any]) -> int:
    (inner,) = item.values()
    number: int = inner["id"]
    return number


def refused(code: str) -> Response:
    """Refuse, in the form of Connector v3 (docs/api.md 7.2); with which status is made up."""
    details = {"errorMessage": "The sandbox refused this."}
    answer: Response = jsonify(
        {"ServiceResponse": {"responseCode": code, "responseErrorDetails": details}}
    )
    answer.status_code = _STATUS.get(code, 400)
    return answer


_TENANCY = "ocid1.tenancy.oc1..sandbox"
INVENTED: Mapping[str, Sequence[Any]] = {
    "aws": (
        connector(
            "aws", 101, "aa70acae-6ea8-3acf-b504-f327855b316a", "AWS Payments (prod)",
            "123456789012",
        ),
        connector(
            "aws", 102, "bb81bdbf-7fb9-4bd0-8615-0438966c427b", "AWS Legacy", "210987654321",
            "FINISHED_ERRORS",
        ),
    ),
    "azure": (
        connector(
            "azure", 103, "cc92cec0-80ca-4ce1-9726-1549a77d538c", "Azure CIN", SUBSCRIPTION
        ),
    ),
    "gcp": (
        connector(
            "gcp", 104, "dda3dfd1-91db-4df2-a837-265ab88e649d", "GCP Demo", "gcp-qualys-demo"
        ),
    ),
    "oci": (
        connector("oci", 105, "eeb4e0e2-a2ec-4e03-b948-376bc99f75ae", "OCI Demo", _TENANCY),
    ),
}  # fmt: skip
"""The same ones as Connector v3 would list them, and one of OCI, of which nothing is documented."""
