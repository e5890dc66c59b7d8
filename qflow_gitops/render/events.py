"""The words for events of the lockfile, of an environment and of a run."""

from qflow_gitops.lockfile.notes import FROZEN, KNOWN, MOVED, OPENED, PENDING, RELEASED, UNFROZEN
from qflow_gitops.results.evidence import EventTold

_WORDS = {
    FROZEN: "everything was frozen",
    UNFROZEN: "the freezes were lifted",
    KNOWN: "a place of the lockfile became known",
    PENDING: "a move of the lockfile to here was begun",
    OPENED: "the move of the lockfile to here was completed",
    MOVED: "the lockfile was moved elsewhere",
}


def in_words(event: EventTold) -> str:
    """Say what happened; an event that isn't known here, and an attempt's state, by its word."""
    if event.what == RELEASED and (hold := event.more.get("hold")):
        return f"the hold {hold} was released"
    return _WORDS.get(event.what, event.what)
