"""What keeps an apply that runs from sending anything more: a freeze, or a closed window."""

from collections.abc import Callable
from typing import NamedTuple

from qflow_gitops.errors import LockError
from qflow_gitops.lockfile import freezes
from qflow_gitops.lockfile.freezes import Freeze
from qflow_gitops.lockfile.notes import freezes_of
from qflow_gitops.plan.change import Reason
from qflow_gitops.ports.lockfile import LockSession


class Brake(NamedTuple):
    """Why nothing may be sent now: the reason, in words, and what lifts it ("": time does)."""

    reason: Reason
    why: str
    way_on: str = ""


def brake_of(
    session: LockSession,
    others: Callable[[], tuple[Freeze, ...]],
    closed: Callable[[], str],
) -> Callable[[], Brake | None]:
    """Return what tells, whenever it is asked and from any thread, what holds at that time.

    `others` gives the freezes beside the lockfile's, `closed` why a window is closed, "" for none.
    """

    def brake() -> Brake | None:
        if holding := (*_recorded(session), *others()):
            return Brake(Reason.FROZEN, freezes.describe(holding), freezes.way_on(holding))
        why = closed()
        return Brake(Reason.WINDOW, why) if why else None

    return brake


def _recorded(session: LockSession) -> tuple[Freeze, ...]:
    """Return the lockfile's freezes, as far as they are known without asking a remote."""
    try:
        return freezes.recorded(freezes_of(session.head()))
    except LockError as problem:
        return (freezes.by_doubt(problem.message, problem.hint),)
