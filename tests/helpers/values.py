"""Changed copies of values, whether they are dataclasses or named tuples."""

import dataclasses
from typing import Any


def replace(value: Any, /, **changes: Any) -> Any:
    """Give a copy with other fields."""
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(value, **changes)  # type: ignore[type-var]
    return value._replace(**changes)
