"""What became of a run, in one word and one sign for every reader: text, Markdown, comment."""

from qflow_gitops.lockfile.states import State

SIGNS = {
    State.SUCCEEDED: "✓",
    State.FAILED: "✗",
    State.CANCELLED: "✗",
    State.ENDED: "✗",
    State.REFUSED: "✗",
    State.UNSENT: "-",
    State.IN_DOUBT: "?",
    State.INTENT: "?",
    State.ACCEPTED: "…",
    State.RUNNING: "…",
}


_WORDS = {State.UNSENT: "not sent", State.ENDED: "ended unexplained"}


def word(state: State) -> str:
    """Return the one word for a state: that of the lockfile, as people write it."""
    return _WORDS.get(state) or state.replace("_", " ")
