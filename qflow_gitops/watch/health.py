"""How a watch stands after its last round, and the file that says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from qflow_gitops.base import atomic
from qflow_gitops.base.times import stamp

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from qflow_gitops.ports.rounds import Round


class Health(NamedTuple):
    """A watch after its last round.

    `at` is when that ended, `next` when the next one begins, `good_until` how long one that got
    through counts; `last_good` is None where none did yet. `seconds` is how long it took, `rounds`
    how many ended with each exit code.
    """

    at: datetime
    number: int
    last: Round
    next: datetime
    last_good: datetime | None
    good_until: datetime | None
    seconds: float
    rounds: dict[int, int]

    def is_good(self, now: datetime) -> bool:
        """Whether a round got through lately; none that a clock, set back, puts far ahead."""
        if self.last_good is None or self.good_until is None:
            return False
        return abs(now - self.last_good) <= self.good_until - self.last_good

    def as_json(self) -> bytes:
        """Return what the file holds, and `/healthz` answers."""
        data = {
            "formatVersion": 1,
            "at": stamp(self.at),
            "round": self.number,
            "exitCode": self.last.exit_code,
            "reason": self.last.reason,
            "commit": self.last.commit or None,
            "doubts": self.last.doubts,
            "held": self.last.held,
            "lastGood": stamp(self.last_good) if self.last_good else None,
            "goodUntil": stamp(self.good_until) if self.good_until else None,
            "next": stamp(self.next),
        }
        return json.dumps(data, indent=2).encode() + b"\n"


def written(path: Path, health: Health) -> str:
    """Replace the file; say why it can't be written, "" where it was."""
    try:
        atomic.replace(path, health.as_json())
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""
