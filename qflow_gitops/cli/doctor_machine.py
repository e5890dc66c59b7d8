"""What `doctor` says of the machine."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qflow_gitops.cli.doctor_ground import Ground
    from qflow_gitops.results.checks import Check


def look(ground: Ground) -> Iterator[Check]:
    """Look at what this program runs on."""
    from qflow_gitops.doctor.machine import Machine, checks

    del ground
    yield from checks(Machine(f"{platform.python_implementation()} {platform.python_version()}"))
