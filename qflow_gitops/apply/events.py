"""What happens while an apply works, as values; a view of the terminal shows them."""

from dataclasses import dataclass

from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.results.plans import Planned
from qflow_gitops.results.report import Report


@dataclass(frozen=True, slots=True)
class Ready:
    """The plan that is about to be carried out."""

    planned: Planned
    due: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An attempt has a new state, durably recorded."""

    environment: str
    name: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Tick:
    """Still at work: how many runs are to be started, being sent, under way and finished.

    `resting` are the seconds until Qualys is asked again, where it asked to wait; else 0.
    """

    pending: int
    sending: int
    under_way: int
    finished: int
    elapsed: float
    resting: float = 0.0


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that a person should see now."""

    text: str


@dataclass(frozen=True, slots=True)
class Looked:
    """How everything stands at a look, of which there will be more; a terminal shows the newest."""

    report: Report


Event = Ready | Moved | Tick | Said | Looked
