"""What the signs and states mean that the lines of a plan, an apply, a status or a doctor have."""

from qflow_gitops.lockfile.states import State
from qflow_gitops.render.marks import Mark, Marked
from qflow_gitops.results.outcomes import SIGNS

BY_SIGN = {
    "+": Mark.ADDED,
    "~": Mark.MODIFIED,
    "↻": Mark.AGAIN,
    "-": Mark.REMOVED,
    "✓": Mark.DONE,
    "✗": Mark.FAILED,
    "?": Mark.DOUBT,
    "…": Mark.UNDER_WAY,
    "!": Mark.HELD,
    "·": Mark.QUIET,
}
"""What the sign means that a line begins with."""
_SETTLED = {
    State.ABSENT: Mark.QUIET,
    State.ADOPTED: Mark.UNDER_WAY,
    State.ASSUMED: Mark.DONE,
    State.EXPIRED: Mark.DOUBT,
    State.BASELINED: Mark.DONE,
}


def of_state(state: State | None) -> Mark:
    """Return what a state of a run means; None: it was never sent."""
    if state is None:
        return Mark.QUIET
    return _SETTLED.get(state) or BY_SIGN[SIGNS[state]]


def of_word(word: str) -> str:
    """Return the word for a state as that means, another one as it is."""
    return of_state(State(word))(word) if word in {*State} else word


def signed(sign: str, name: str, rest: str = "", *, indent: int = 2) -> Marked:
    """Return a line of a list: its sign and whom it is about mean what the sign does."""
    return Marked(" " * indent, BY_SIGN[sign](f"{sign} {name}"), rest)
