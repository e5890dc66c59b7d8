"""The connectors that the sandbox lists: invented ones, or those that a test puts there."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from qflow_gitops.sandbox.connectors_v3 import INVENTED as INVENTED_V3
from qflow_gitops.sandbox.connectors_v3 import SUBSCRIPTION

CLOUDS = ("aws", "azure", "gcp", "oci")
ACCOUNTS = {"aws": "awsAccountId", "azure": "subscriptionId", "gcp": "projectId"}


def connector(
    cloud: str, connector_id: str, name: str, account: str, state: str = "SUCCESS"
) -> dict[str, Any]:
    """Return an item of a list, by its documented keys (docs/api.md 7.1 [D TC])."""
    return {
        "connectorId": connector_id,
        "name": name,
        "description": "",
        "provider": cloud.upper(),
        "state": state,
        "totalAssets": 4,
        "lastSyncedOn": "Mon Jan 01 00:00:00 UTC 2025",
        "nextSyncedOn": "Mon Jan 01 04:00:00 UTC 2025",
        "remediationEnabled": True,
        "qualysTags": [],
        "isGovCloud": False,
        "isDisabled": False,
        "pollingFrequency": {"hours": 4, "minutes": 0},
        "error": None,
        "groups": [],
        ACCOUNTS[cloud]: account,
    }


def page(items: Sequence[Any], number: int, size: int) -> dict[str, Any]:
    """Return a page of a list, counted from 0 (docs/api.md 7.1 [D TC])."""
    content = items[number * size : (number + 1) * size]
    pages = -(-len(items) // size)
    return {
        "content": content,
        "pageable": {
            "offset": number * size, "pageNumber": number, "pageSize": size,
            "paged": True, "unpaged": False, "sort": {},
        },
        "first": number == 0,
        "last": number >= pages - 1,
        "number": number,
        "numberOfElements": len(content),
        "totalPages": pages,
        "totalElements": len(items),
    }  # fmt: skip


INVENTED: Mapping[str, Sequence[Any]] = {
    "aws": (
        connector(
            "aws", "aa70acae-6ea8-3acf-b504-f327855b316a", "AWS Payments (prod)", "123456789012"
        ),
        connector(
            "aws", "bb81bdbf-7fb9-4bd0-8615-0438966c427b", "AWS Legacy", "210987654321", "ERROR"
        ),
    ),
    "azure": (
        connector("azure", "cc92cec0-80ca-4ce1-9726-1549a77d538c", "Azure CIN", SUBSCRIPTION),
    ),
    "gcp": (
        connector("gcp", "dda3dfd1-91db-4df2-a837-265ab88e649d", "GCP Demo", "gcp-qualys-demo"),
    ),
}


class Connectors:
    """What there is of each cloud, safe to change while requests run."""

    def __init__(self) -> None:
        """Begin with the invented ones."""
        self._known = dict(INVENTED)
        self._known_v3 = dict(INVENTED_V3)
        self._lock = threading.Lock()

    def of(self, cloud: str, *, v3: bool = False) -> Sequence[Any] | None:
        """Return the items of a cloud's list, None where there is none."""
        with self._lock:
            return (self._known_v3 if v3 else self._known).get(cloud)

    def put(self, cloud: str, items: Sequence[Any] | None, *, v3: bool = False) -> None:
        """Put others in place of a cloud's; None for no list at all."""
        with self._lock:
            known = self._known_v3 if v3 else self._known
            known.pop(cloud, None)
            if items is not None:
                known[cloud] = items
