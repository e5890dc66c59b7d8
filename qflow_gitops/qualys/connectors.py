"""Connectors as TotalCloud lists them (docs/api.md 7.1)."""

import re
from typing import Any
from urllib.parse import urlencode

from qflow_gitops.errors import QflowError, UnreachableError
from qflow_gitops.ports.qualys import ConnectorListing, SeenConnector
from qflow_gitops.qualys.caller import Caller, unwrapped
from qflow_gitops.specs.connector_catalogs import UNKNOWN

BASE = "/cloudview-api/rest/v1"
ACCOUNTS = {"aws": "awsAccountId", "azure": "subscriptionId", "gcp": "projectId"}
"""The clouds whose lists are documented, and the key of the account in an item of each."""

PAGE, PAGES = 50, 400  # a list of more pages is taken for one that doesn't end
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LONGEST = 255
_RIGHTS = (
    "The user has to see the connectors in Qualys TotalCloud, and its role needs API access. Which "
    "right that is stands on no public page."
)
_NOT_DONE = "Nothing was written."


def listed(caller: Caller, cloud: str) -> ConnectorListing | None:
    """Return every connector of a cloud; None where Qualys has no such list (404).

    Raises UnreachableError for a list that can't be read, doesn't end, or changes meanwhile:
    a connector that only seems to be gone would be marked so.
    """
    connectors: dict[str, SeenConnector] = {}
    without: list[str] = []
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
            seen = _connector(item, cloud)
            if seen is None:
                without.append(_line(item.get("name")) if isinstance(item, dict) else "")
            elif connectors.setdefault(seen.id, seen) is not seen:
                raise _changed()
        if not items or page.get("last") is True:
            if page.get("totalElements", read) != read:
                raise _changed()
            return ConnectorListing(tuple(connectors.values()), tuple(without))
    raise UnreachableError(
        f"Qualys' list of {cloud} connectors isn't what its documentation says.",
        not_done=_NOT_DONE,
    )


def _page(caller: Caller, path: str) -> dict[str, Any] | None:
    try:
        answer = caller.get(path, "read")
        return unwrapped(answer) if answer else None
    except QflowError as problem:
        problem.not_done = _NOT_DONE
        if problem.reason == "permission":
            problem.hint = _RIGHTS
        raise


def _changed() -> UnreachableError:
    return UnreachableError(
        "Qualys' list of connectors changed while it was read.",
        not_done=_NOT_DONE,
        hint="Run the command again.",
    )


def _connector(item: Any, cloud: str) -> SeenConnector | None:
    """Read one item; None where it shows no usable id, which is never made up."""
    if not isinstance(item, dict):
        return None
    found = item.get("connectorId")
    if not isinstance(found, str) or not _UUID.fullmatch(found) or not found.strip("0-"):
        return None
    disabled = item.get("isDisabled")
    return SeenConnector(
        found.lower(),
        _line(item.get("name")),
        _line(item.get(ACCOUNTS[cloud])) or UNKNOWN,
        _line(item.get("state")) or UNKNOWN,
        disabled if isinstance(disabled, bool) else None,
    )


def _line(value: Any) -> str:
    """Return a text as one line without anything invisible, "" for what is none."""
    if not isinstance(value, str):
        return ""
    plain = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(plain.split())[:_LONGEST].strip()
