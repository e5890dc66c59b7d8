"""What both APIs' lists of connectors have in common (docs/api.md 7)."""

import re
from typing import Any

from qflow_gitops.errors import UnreachableError
from qflow_gitops.ports.qualys import ConnectorListing, SeenConnector

NOT_DONE = "Nothing was written."
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LONGEST = 255


class Found:
    """The connectors of a list, as far as it was read."""

    def __init__(self) -> None:
        """Begin with none."""
        self._connectors: dict[str, SeenConnector] = {}
        self._without: list[str] = []

    def add(self, seen: SeenConnector | None, item: Any) -> None:
        """Take what was read of an item, None for one without a usable id.

        Raises UnreachableError for an id that was there before: pages that overlap may lack one.
        """
        if seen is None:
            self._without.append(line(item.get("name")) if isinstance(item, dict) else "")
        elif self._connectors.setdefault(seen.id, seen) is not seen:
            raise changed()

    def listing(self) -> ConnectorListing:
        """Return all of them."""
        return ConnectorListing(tuple(self._connectors.values()), tuple(self._without))


def identity(value: Any) -> str:
    """Return a UUID in lower case, "" for what is none: an id is never made up."""
    usable = isinstance(value, str) and _UUID.fullmatch(value) and value.strip("0-")
    return value.lower() if usable else ""


def line(value: Any) -> str:
    """Return a text as one line without anything invisible, "" for what is none."""
    if not isinstance(value, str):
        return ""
    plain = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(plain.split())[:_LONGEST].strip()


def changed() -> UnreachableError:
    """Say that what was read can't be the whole list."""
    return UnreachableError(
        "Qualys' list of connectors changed while it was read.",
        not_done=NOT_DONE,
        hint="Run the command again.",
    )


def undocumented(cloud: str) -> UnreachableError:
    """Say that a list can't be read, or doesn't end."""
    return UnreachableError(
        f"Qualys' list of {cloud} connectors isn't what its documentation says.",
        not_done=NOT_DONE,
    )
