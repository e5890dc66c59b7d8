"""The time-stamp server that the settings name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from qflow_gitops.base.paths import ProjectFolder, folder_form


class AnchorSettings(NamedTuple):
    """A time-stamp server, and the file with its authority's certificates, from the root.

    Both count as they stood at the base.
    """

    url: str
    certificate: str


def from_data(data: Mapping[str, Any] | None, folder: ProjectFolder) -> AnchorSettings | None:
    """Read what the schema `project` let through; None for nothing."""
    if data is None:
        return None
    return AnchorSettings(data["url"], folder.path(folder_form(data["certificate"])))
