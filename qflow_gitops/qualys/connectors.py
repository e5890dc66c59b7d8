"""Connectors as TotalCloud lists them (docs/api.md 7.1)."""

from typing import Any
from urllib.parse import urlencode

from qflow_gitops.errors import QflowError
from qflow_gitops.ports.qualys import ConnectorListing, SeenConnector
from qflow_gitops.qualys.caller import Caller, unwrapped
from qflow_gitops.qualys.connector_items import (
    NOT_DONE,
    Found,
    changed,
    identity,
    line,
    undocumented,
)
from qflow_gitops.specs.connector_catalogs import UNKNOWN

BASE = "/cloudview-api/rest/v1"
ACCOUNTS = {"aws": "awsAccountId", "azure": "subscriptionId", "gcp": "projectId"}
"""The clouds whose lists are documented, and the key of the account in an item of each."""

PAGE, PAGES = 50, 400  # a list of more pages is taken for one that doesn't end
_RIGHTS = (
    "The user has to see the connectors in Qualys TotalCloud, and its role needs API access. Which "
    "right that is stands on no public page."
)


def listed(caller: Caller, cloud: str) -> ConnectorListing | None:
    """Return every connector of a cloud; None where Qualys has no such list (404).

    Raises UnreachableError for a list that can't be read, doesn't end, or changes meanwhile:
    a connector that only seems to be gone would be marked so.
    """
    found = Found()
    read = 0
    for number in range(PAGES):
        query = urlencode({"pageNo": number, "pageSize": PAGE})
        page = _page(caller, f"{BASE}/{cloud}/connectors?{query}")
        if page is None and number == 0:
            return None
        page = page or {}
        items = page.get("content")
        if not isinstance(items, list) or page.get("number", number) != number:
            break
        read += len(items)
        for item in items:
            found.add(connector_in(item, cloud), item)
        if not items or page.get("last") is True:
            if page.get("totalElements", read) != read:
                raise changed()
            return found.listing()
    raise undocumented(cloud)


def _page(caller: Caller, path: str) -> dict[str, Any] | None:
    try:
        answer = caller.get(path, "read")
        return unwrapped(answer) if answer else None
    except QflowError as problem:
        problem.not_done = NOT_DONE
        if problem.reason == "permission":
            problem.hint = _RIGHTS
        raise


def connector_in(item: Any, cloud: str) -> SeenConnector | None:
    """Read one item; None where it shows no usable id, which is never made up."""
    if not isinstance(item, dict):
        return None
    found = identity(item.get("connectorId"))
    if not found:
        return None
    disabled = item.get("isDisabled")
    return SeenConnector(
        found,
        line(item.get("name")),
        line(item.get(ACCOUNTS[cloud])) or UNKNOWN,
        line(item.get("state")) or UNKNOWN,
        disabled if isinstance(disabled, bool) else None,
    )
