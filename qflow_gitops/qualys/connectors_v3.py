"""Connectors as Connector v3 lists them, on the API server (docs/api.md 7.2)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qflow_gitops.ports.qualys import ConnectorListing, SeenConnector
from qflow_gitops.qualys.connector_items import Found, identity, line, undocumented
from qflow_gitops.specs.connector_catalogs import UNKNOWN

BASE = "/qps/rest/3.0/search/am"
ACCOUNTS = {
    "aws": ("awsAccountId",),
    "azure": ("authRecord", "subscriptionId"),
    "gcp": ("authRecord", "projectId"),
    "oci": ("authRecord", "tenantId"),  # as it is created [I]
}
"""The clouds that have lists, and where the account stands in an item of each."""

STATES = frozenset(
    {
        "PENDING", "SUCCESS", "ERROR", "QUEUED", "RUNNING", "PROCESSING", "FINISHED_SUCCESS",
        "FINISHED_ERRORS", "DISABLED", "INCOMPLETE",
    }
)  # fmt: skip
PAGE, PAGES = 100, 200  # a list of more pages is taken for one that doesn't end
_BOOLEANS = {"true": True, "false": False}
_LONGEST_ID = 18  # digits

Search = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]
"""POSTs a `ServiceRequest` to a path: the `ServiceResponse` of success, None where nothing is."""


def listed(search: Search, cloud: str) -> ConnectorListing | None:
    """Return every connector of a cloud; None where Qualys shows no such list.

    Raises UnreachableError for a list that can't be read, doesn't end, or changes meanwhile.
    """
    found = Found()
    after = 0
    for _ in range(PAGES):
        page = search(f"{BASE}/{_kind(cloud)}", _request(after))
        if page is None and after == 0:
            return None
        page = page or {}
        for item in _items(page, cloud):
            if _boolean(item.get("isDeleted") if isinstance(item, dict) else None) is not True:
                found.add(_connector(item, cloud), item)
        more, last = _boolean(page.get("hasMoreRecords")), _id(page.get("lastId"))
        if more is False or (more is None and _id(page.get("count")) == 0):
            return found.listing()
        if more is None or last <= after:  # no word of the end, or no progress
            break
        after = last
    raise undocumented(cloud)


def _request(after: int) -> dict[str, Any]:
    """Ask for the page behind a number; the criteria alone lead on (docs/api.md 7.2)."""
    request: dict[str, Any] = {"preferences": {"limitResults": PAGE}}
    if after:
        criteria = {"field": "id", "operator": "GREATER", "value": str(after)}
        request["filters"] = {"Criteria": [criteria]}
    return request


def _items(page: Mapping[str, Any], cloud: str) -> Iterator[Any]:
    """Give the items of a page, each out of what names its kind; None for one of another kind."""
    count, data = page.get("count"), page.get("data")
    if data is None and _id(count) == 0:
        return
    if not isinstance(data, list) or (count is not None and _id(count) != len(data)):
        raise undocumented(cloud)
    for each in data:
        kinds = each.items() if isinstance(each, dict) else ()
        yield next((item for kind, item in kinds if kind.lower() == _kind(cloud)), None)


def _kind(cloud: str) -> str:
    return f"{cloud}assetdataconnector"


def _connector(item: Any, cloud: str) -> SeenConnector | None:
    """Read one item; None where it shows no usable id. Its number is none: runs take UUIDs."""
    found = identity(item.get("cloudviewUuid")) if isinstance(item, dict) else ""
    if not found:
        return None
    account: Any = item
    for key in ACCOUNTS[cloud]:
        account = account.get(key) if isinstance(account, dict) else None
    state = item.get("connectorState")
    return SeenConnector(
        found,
        line(item.get("name")),
        line(account) or UNKNOWN,
        state if isinstance(state, str) and state in STATES else UNKNOWN,
        _boolean(item.get("disabled")),
    )


def _boolean(value: Any) -> bool | None:
    """Read a boolean, which answers spell as a string; None for anything else."""
    return value if isinstance(value, bool) else _BOOLEANS.get(line(value))


def _id(value: Any) -> int:
    """Read a whole number, also one in a string; -1 for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else line(value)
    usable = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID
    return int(text) if usable else -1
