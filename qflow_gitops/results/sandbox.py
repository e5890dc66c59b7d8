"""What a sandbox executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SandboxExecution:
    """An execution; `request` is what was sent. Times are ISO 8601, "" where it still runs."""

    execution: str
    workflow: str
    status: str
    source: str
    begun: str
    ended: str
    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Executed:
    """Some of the executions of a sandbox, the newest first; `total` is how many there are."""

    url: str
    total: int
    executions: tuple[SandboxExecution, ...]
