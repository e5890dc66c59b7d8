"""What the program runs on, judged by values that the caller took from the machine."""

from collections.abc import Iterator
from typing import NamedTuple

from qflow_gitops.results.checks import Check, ok


class Machine(NamedTuple):
    """What is known of a machine. `python` is which one runs this, and its version (`3.11.2`)."""

    python: str


def checks(machine: Machine) -> Iterator[Check]:
    """Judge a machine."""
    yield ok("python", "Python", machine.python)
