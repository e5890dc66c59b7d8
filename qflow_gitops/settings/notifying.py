"""Which events others are told of, as the settings say; where to, only the environment says."""

from collections.abc import Mapping
from typing import Any, NamedTuple

EVENTS = ("held", "started", "finished", "failed", "doubt", "settled", "freeze", "missed")
"""All of them, as the schema `project` has them."""


class NotifySettings(NamedTuple):
    """The kinds of events that are told."""

    events: tuple[str, ...] = EVENTS


def from_data(data: Mapping[str, Any] | None) -> NotifySettings | None:
    """Read what the schema `project` let through; None for nothing."""
    return None if data is None else NotifySettings(tuple(data.get("events", EVENTS)))
