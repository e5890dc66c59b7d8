"""What a watch needs from outside: a round of work, and somebody to wait with."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from qflow_gitops.errors import QflowError
from qflow_gitops.ports.clock import StopSignal


class Round(NamedTuple):
    """What came of a round: exit code and reason of its apply, or of what kept it from one.

    `problem` is what a person has to know, None for nothing; `passing` says that the next round may
    find it over, as where another apply was faster. `runs` are the runs that the apply
    had to do with, each as `environment/name #attempt`, and how each stands, in words. `held` and
    `doubts` count runs; `commit` is the one that was applied, "" for none.
    """

    exit_code: int
    reason: str
    problem: QflowError | None = None
    passing: bool = False
    runs: Mapping[str, str] = {}
    held: int = 0
    doubts: int = 0
    commit: str = ""


class Rounds(Protocol):
    """Does the work of a watch."""

    def work(self) -> Round:
        """Fetch, apply what is due, and tell what is left to tell; returns early once stopped.

        What goes wrong is in the answer. Raises QflowError only for what no later round can mend.
        """


class Patience(StopSignal, Protocol):
    """Whoever asks to stop, and somebody to wait with until then."""

    def wait(self, seconds: float) -> None:
        """Wait so long, or until somebody asks to stop."""
