"""Changed copies of values, whether they are dataclasses or named tuples."""

import dataclasses
from typing import Any, TypeVar

T = TypeVar("T")


def replace(value: T, /, **changes: Any) -> T:
    """Give a copy with other fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **changes)
    named: Any = value
    changed: T = named._replace(**changes)
    return changed
